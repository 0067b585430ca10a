"""Where a branch stands: the stack of constructs that it is inside of, and their regions.

Positions are opened and closed here, and what an earlier process kept of them is taken up. What
steps do in between is `context.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reqon.engine.frames import Frame
from reqon.journal.unit import Unit
from reqon.plan.model import Site
from reqon.steps.positions import BlockPosition, Fits, Position
from reqon.values.scope import RESPONSE_SLOT, Scope, Value

if TYPE_CHECKING:
    from reqon.engine.running import Running

SCOPE_SLOT = "~scope"
"""Where `request`, `currentOperation` and `lastSync` are kept, in actions that use them."""


class Standing:
    """The positions of a branch. `slots`, `scope` and `regions` are of the innermost action."""

    __slots__ = ("frame", "regions", "run", "slots", "stack", "unit")

    scope: Scope

    def __init__(self, run: Running, unit: Unit, around: Sequence[Position]) -> None:
        self.run = run
        self.unit = unit
        self.frame = Frame.outside()
        self.stack: list[Position] = list(around)
        self.regions: list[BlockPosition] = []
        self.slots: dict[str, Value] = {}

    @property
    def top(self) -> Position:
        """The innermost construct."""
        return self.stack[-1]

    @property
    def block(self) -> BlockPosition:
        """The innermost block, whose step is running."""
        for position in reversed(self.stack):
            if isinstance(position, BlockPosition):
                return position
        raise AssertionError("a step runs in a block")

    @property
    def site(self) -> Site:
        """The step that is running."""
        block = self.block
        sites = block.block.sites
        return sites[min(block.at, len(sites) - 1)]

    def place(self) -> str:
        """Where the branch stands, the same in every process that comes here."""
        block = self.block
        return f"{block.address}/{block.at}"

    def id_place(self) -> str:
        """The same, and different for each pass over it that a directive asked for.

        How often each block around has gone back counts by itself: going back further out starts
        the counts further in again.
        """
        blocks = [position for position in self.stack if isinstance(position, BlockPosition)]
        if not blocks:
            return f"{self.run.run_pass} {self.stack[-1].address}"
        passes = ".".join(
            f"{depth}:{sum(block.tries.values())}"
            for depth, block in enumerate(blocks)
            if block.tries
        )
        return f"{self.run.run_pass} {blocks[-1].address}/{blocks[-1].at} {passes or 0}"

    def repeated(self) -> BlockPosition | None:
        """The outermost block around in which a directive may go back."""
        for position in self.stack:
            if isinstance(position, BlockPosition) and position.block.restored:
                return position
        return None

    def here(self) -> tuple[Position, str]:
        """Parent and suffix of a position at the present step."""
        block = self.stack[-1]
        assert isinstance(block, BlockPosition), "a construct is opened by a step"
        return block, str(block.at)

    def open(self, position: Position | None = None, fits: Fits | None = None) -> Position:
        """Enter a construct at the present step (or the one given); loads what a resume left.

        What does not fit is of another step, which stood here before the program was changed: it
        is forgotten, and the construct begins.
        """
        if position is None:
            position = Position(*self.here())
        self.stack.append(position)
        self.load(position, fits)
        return position

    def load(self, position: Position, fits: Fits | None = None) -> bool:
        """Take the cell that an earlier process left at this position, if there is one.

        False: it was of another step, and is forgotten.
        """
        resume = self.run.resume
        if resume.active:
            saved = resume.take(position.address)
            if saved is None:
                return True
            if fits is not None and not fits(saved):
                self.forget(position.address)
                return False
            position.load(saved)
        return True

    def kept_value(self, position: Position, suffix: str) -> Value:
        """A value that an earlier process kept beside the cell of a position."""
        kept = self.run.resume.take(f"{position.address}/{suffix}")
        return None if kept is None else self.run.keeper.load(kept, self.unit)

    def close(self, position: Position) -> None:
        """Leave a construct that is done (and whatever is still open inside of it)."""
        self._leave(position)
        self.erase(position)

    def linger(self, position: Position) -> None:
        """Leave a construct whose cells variables refer to; they go with the region."""
        self._leave(position)
        if position.dirty or position.written:
            region = self.regions[-1]
            if region.lingering is None:
                region.lingering = []
            region.lingering.append(position)
            region.used = True

    def _leave(self, position: Position) -> None:
        stack = self.stack
        while stack.pop() is not position:
            pass

    def erase(self, position: Position) -> None:
        """Take away what the journal keeps of a position, with the next commit."""
        if position.written:
            self.forget(position.address)
            position.written = False

    def forget(self, address: str) -> None:
        """Take away what is kept of an address and of everything below it."""
        self.unit.cell(address, None)
        self.run.keeper.forget_below(address)
        self.run.resume.drop(address)

    def unwind(self, position: Position) -> None:
        """Come back to a construct from wherever inside of it an error was raised."""
        del self.stack[self.stack.index(position) + 1 :]
        if self.frame.loop is not None and self.frame.loop not in self.stack:
            self.frame.loop = None

    # -------------------------------------------------------------- regions

    def enter_region(self, position: BlockPosition) -> None:
        """The block on top of the stack has a scope of its own; restores its variables."""
        position.slots = self.slots
        self.regions.append(position)
        if self.run.resume.active:
            self._restore_variables(position)

    def _restore_variables(self, region: BlockPosition) -> None:
        for slot, kept in self.run.resume.take_below(f"{region.address}/v/"):
            value = self.run.keeper.load(kept, self.unit)
            self.slots[slot] = value
            region.written = True
            if slot == SCOPE_SLOT:
                self.restore_scope(value)

    def restore_scope(self, kept: Mapping[str, Value]) -> None:
        """Take over what an earlier process kept of `request`, `lastSync` and the like."""
        self.scope.last_sync = kept["lastSync"]
        self.scope.request = kept["request"]
        self.scope.current_operation = kept["operation"]

    def enter_body(self, body: BlockPosition) -> None:
        """Enter the body of a loop: a region of its own, with a `response` of its own."""
        self._set_response_aside()
        body.slots = self.slots
        self.stack.append(body)
        self.regions.append(body)

    def _set_response_aside(self) -> None:
        """What the next commit keeps of `response` is its value now, not that of the body."""
        region = self.regions[-1]
        if RESPONSE_SLOT in region.changed:
            region.keep_value(f"v/{RESPONSE_SLOT}", self.slots[RESPONSE_SLOT])
            region.changed.discard(RESPONSE_SLOT)
            region.used = True

    def resume_body(self, body: BlockPosition) -> None:
        """Take up the iteration that an earlier process was in, if there is one."""
        self.load(body)
        self._restore_variables(body)
