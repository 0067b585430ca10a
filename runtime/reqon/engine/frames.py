"""A call of an action: what belongs to it beside its scope."""

from __future__ import annotations

from dataclasses import dataclass

from reqon.steps.positions import LoopPosition


@dataclass(slots=True)
class Frame:
    """An action in execution.

    `nested`: entered by `run` or `jump`, so that it is no action of the mission's pipeline;
    `level` counts such entries. `loops`: it has a loop at its top. `keeps_scope`: it uses
    `request`, `lastSync` and the like. `loop` is its outermost loop while that runs.
    `jumped_from` names the source whose credential an action entered by `jump` may replace,
    `last_source` the source of the latest request.
    """

    action: str
    nested: bool = False
    level: int = 0
    loops: bool = False
    keeps_scope: bool = False
    loop: LoopPosition | None = None
    jumped_from: str | None = None
    last_source: str | None = None

    @classmethod
    def outside(cls) -> Frame:
        """What a branch has before it enters its action."""
        return cls("")
