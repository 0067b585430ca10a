"""Where a branch of execution stands: one position for each construct that it is inside of.

A position has an address (`run/0.Fetch/2/@17/0`), the address of its parent and a suffix, and a
cell: the JSON value that the journal keeps for it. At every commit the engine writes the cells of
the positions that changed. A resume reads them from the outermost inwards: each runner takes the
cell of its own address and goes on from there. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from reqon.steps.bound import BoundBlock

Json = Any
Fits: TypeAlias = Callable[[Json], bool]
"""Whether a cell is one that a construct of this kind leaves."""


def has(name: str) -> Fits:
    """Cells with a certain entry."""
    return lambda saved: isinstance(saved, Mapping) and name in saved


class Kept(Enum):
    """How something beside a cell is kept.

    As a value, as some elements of a list, as slots, without references, or as JSON.
    """

    VALUE = "value"
    PICKED = "picked"
    SLOTS = "slots"
    WHOLE = "whole"
    JSON = "json"


class Position:
    """A construct being executed. `cell` is what a resume needs of it; set it by `keep`.

    `saved` is the cell that an earlier process left, None when the construct begins. `written`:
    the journal holds something at this address or below it, which must be removed at the end.
    `values` are to be kept beside the cell, by a further suffix, with the next commit.
    """

    __slots__ = ("_address", "cell", "dirty", "parent", "saved", "suffix", "values", "written")

    def __init__(self, parent: Position | None, suffix: str) -> None:
        self.parent = parent
        self.suffix = suffix
        self.cell: Json = None
        self.dirty = False
        self.written = False
        self.saved: Json = None
        self.values: dict[str, tuple[Kept, Any]] | None = None
        self._address: str | None = None

    @property
    def address(self) -> str:
        """The address, built when it is first asked for."""
        if self._address is None:
            parent = self.parent
            self._address = self.suffix if parent is None else f"{parent.address}/{self.suffix}"
        return self._address

    def keep(self, cell: Json) -> None:
        """Make `cell` what the next commit writes."""
        self.cell = cell
        self.dirty = True

    def keep_value(self, suffix: str, value: Any) -> None:
        """Keep a value of the program beside the cell."""
        self._beside(suffix, Kept.VALUE, value)

    def keep_picked(self, suffix: str, whole: list[Any], numbers: list[int]) -> None:
        """Keep some elements of a list, given by their positions in order."""
        self._beside(suffix, Kept.PICKED, (whole, numbers))

    def keep_slots(self, suffix: str, slots: dict[str, Any]) -> None:
        """Keep several variables beside the cell."""
        self._beside(suffix, Kept.SLOTS, slots)

    def keep_whole(self, suffix: str, value: Any) -> None:
        """Keep a value that others refer to."""
        self._beside(suffix, Kept.WHOLE, value)

    def keep_json(self, suffix: str, value: Json) -> None:
        """Keep JSON as it is."""
        self._beside(suffix, Kept.JSON, value)

    def _beside(self, suffix: str, kind: Kept, value: Any) -> None:
        if self.values is None:
            self.values = {}
        self.values[suffix] = (kind, value)
        self.dirty = True

    def dump(self) -> Json:
        """The cell as the journal keeps it."""
        return self.cell

    def load(self, saved: Json) -> None:
        """Take over the cell that an earlier process left."""
        self.saved = saved
        self.cell = saved
        self.written = True

    def note_written(self) -> None:
        """The journal holds something at this address."""
        position: Position | None = self
        while position is not None and not position.written:
            position.written = True
            position = position.parent


class LoopPosition(Position):
    """A loop: `index` of the next element; `identity` names the telling fields of elements.

    In a parallel loop `index` is the end of the gap-free prefix that is done, and `done` holds
    the elements beyond it that are done too.
    """

    __slots__ = ("done", "elements", "identity", "index")

    def __init__(self, parent: Position | None, suffix: str, identity: tuple[str, ...]) -> None:
        super().__init__(parent, suffix)
        self.identity = identity
        self.elements: list[Any] = []
        self.index = 0
        self.done: set[int] = set()

    def load(self, saved: Json) -> None:
        """Take over what `dump` wrote."""
        super().load(saved)
        self.index = saved["i"]
        self.done = set(saved.get("done", ()))

    def dump(self) -> Json:
        """The cell of the loop."""
        return {"i": self.index, "done": sorted(self.done)} if self.done else {"i": self.index}

    def item(self) -> dict[str, Any]:
        """The identifying fields of the next element."""
        if self.index >= len(self.elements):
            return {}
        element = self.elements[self.index]
        if not isinstance(element, dict):
            return {}
        for name in self.identity:
            value = element.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(value, str | int | float):
                return {name: value}
        return {}


class BlockPosition(Position):
    """A list of steps: `at` is the index of the step to run.

    A block that has a scope of its own (an action, an iteration) is a region: `slots` is that
    scope and `changed` its slots which the journal does not have yet. `tries` counts how often a
    directive went back in this block, `answers` the replies that unsafe requests in it and further
    in have had, by the rest of their place; `lingering` are requests that are done while variables
    refer to their replies, `snapshots` what going back restores. `items`: iterations of an action's
    loops that are done. `volatile`: nothing of the block is kept, so that a resume begins it anew.
    `number` is that of an iteration; its object is used again for the next one, `used` tells that
    it has to be cleaned.
    """

    __slots__ = (
        "answers",
        "at",
        "block",
        "changed",
        "items",
        "lingering",
        "number",
        "slots",
        "snapshots",
        "tries",
        "used",
        "volatile",
    )  # fmt: skip

    def __init__(
        self,
        parent: Position | None,
        suffix: str,
        block: BoundBlock,
        number: int | None = None,
    ) -> None:
        super().__init__(parent, suffix)
        self.block = block
        self.number = number
        self.used = False
        self.at = 0
        self.items = 0
        self.slots: dict[str, Any] | None = None
        self.lingering: list[Position] | None = None
        self.volatile = False
        self.changed: set[str] = set()
        self.tries: dict[str, int] = {}
        self.answers: dict[str, int] = {}
        self.snapshots: dict[int, dict[str, Any]] = {}

    def restart(self, number: int) -> None:
        """Use the object again for the next iteration of the same loop."""
        self.number = number
        self.at = 0
        self.dirty = False
        if self.changed:
            self.changed.clear()
        if self.used:
            self._forget()

    def _forget(self) -> None:
        """Drop everything that few iterations have."""
        self.used = False
        self._address = self.lingering = None
        self.cell = self.saved = self.values = None
        self.written = False
        self.tries, self.answers, self.snapshots = {}, {}, {}

    @property
    def address(self) -> str:
        """The address; that of an iteration has its number."""
        if self._address is None and self.number is not None:
            self.suffix = f"@{self.number}"
            self.used = True
        return super().address

    def load(self, saved: Json) -> None:
        """Take over what `dump` wrote."""
        super().load(saved)
        self.at = saved["at"]
        self.items = saved.get("items", 0)
        self.tries = dict(saved.get("tries", {}))
        self.answers = dict(saved.get("answers", {}))

    def dump(self) -> Json:
        """The cell of the block."""
        cell: dict[str, Any] = {"at": self.at}
        if self.items:
            cell["items"] = self.items
        if self.tries:
            cell["tries"] = dict(self.tries)
        return cell
