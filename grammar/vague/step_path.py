"""The address of a mission, an action or a step: the only bridge from a run back to the text.

A `StepPath` is static: it names a place in the program, not a moment of a run. It is a value
without dependencies, so that state files, events, the engine and the editor can all carry it.
"""

from __future__ import annotations

from dataclasses import dataclass

Segment = int | str


@dataclass(frozen=True, slots=True)
class StepPath:
    """`mission`, `action` and the way down to a step; the shorter forms address the wholes.

    `segments` leads from the action's block to the step: a step's index in its block, and between
    two indexes the block that is entered: `"body"` (of `for`), `"or"` (of `validate`),
    `"catch"`, or `"arm:N"` / `"catch:N"` for the N-th arm. `(3, "body", 0)` is the first step in
    the body of the loop that is the action's fourth step. Options and definitions do not count.
    """

    mission: str
    action: str | None = None
    segments: tuple[Segment, ...] = ()

    def child(self, *segments: Segment) -> StepPath:
        """The address further down."""
        return StepPath(self.mission, self.action, (*self.segments, *segments))

    def __str__(self) -> str:
        """Such as `CustomerSync/FetchCustomers/3/body/0`; read back by `StepPath.parse`."""
        parts = [self.mission]
        if self.action is not None:
            parts.append(self.action)
        return "/".join([*parts, *map(str, self.segments)])

    @classmethod
    def parse(cls, text: str) -> StepPath:
        """Read what `str` wrote; any text gives an address, though perhaps of nothing."""
        mission, *rest = text.split("/")
        action = rest[0] if rest else None
        segments = tuple(int(part) if part.isdecimal() else part for part in rest[1:])
        return cls(mission, action, segments)
