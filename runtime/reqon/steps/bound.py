"""Steps that are bound: their expressions are functions and their variables have slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from reqon.plan.model import Anchor, Site
from reqon.values.compile import Compiled
from vague.step_path import StepPath

if TYPE_CHECKING:
    from reqon.steps.base import StepContext


class Plain(Enum):
    """Outcomes without facts: go on, leave the arm, or leave the iteration (or action)."""

    NEXT = "next"
    END_ARM = "end arm"
    SKIP = "skip"


NEXT = Plain.NEXT
END_ARM = Plain.END_ARM
SKIP = Plain.SKIP


@dataclass(frozen=True, slots=True)
class GoBack:
    """A `retry`, or a `jump … then retry`: everything from the anchor on runs again."""

    anchor: Anchor


Outcome: TypeAlias = Plain | GoBack


class Slot(NamedTuple):
    """A variable's slot and the region (an action is 0, a loop body 1, …) that it belongs to."""

    name: str
    depth: int


class Runner(Protocol):
    """A bound step."""

    def run(self, ctx: StepContext, /) -> Outcome | CoroutineType[Any, Any, Outcome]:
        """Do what the step does; raises RunError.

        A step that never waits answers its outcome, any other a coroutine: loops over many small
        steps are a good deal faster for it.
        """
        ...


@dataclass(frozen=True, slots=True)
class BoundStage:
    """A stage of a pipeline with its condition."""

    actions: tuple[str, ...]
    condition: Compiled | None


@dataclass(frozen=True, slots=True)
class BoundBlock:
    """A bound list of steps. `restored`: for each anchor in it, the slots that going back resets.

    `commits`: the block is outside loops, so that its steps end units of work. `waits`: one of
    its steps does.
    """

    path: StepPath
    runners: tuple[Runner, ...]
    sites: tuple[Site, ...]
    depth: int
    commits: bool
    waits: bool
    restored: Mapping[int, tuple[Slot, ...]] = field(
        default_factory=dict[int, tuple[Slot, ...]], hash=False
    )
