"""A resume of a run that failed for what it had read goes back and reads again.

Which steps are gone back over is `plan.way_back`'s to say. Done once, where the resume takes up
the block in question; what the journal keeps of the steps behind goes with the next commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reqon.journal.run_state import RunState
from reqon.plan.model import MissionPlan
from reqon.plan.way_back import BY_DATA, WayBack, way_back
from reqon.steps.positions import BlockPosition
from reqon.values.scope import RESPONSE_SLOT
from vague.step_path import StepPath

if TYPE_CHECKING:
    from reqon.engine.context import Branch

FAILS_AGAIN = (
    "a mere resume comes here with the same data: start the mission anew without --resume, or mend "
    "it and resume with --force"
)


@dataclass(frozen=True, slots=True)
class WaysBack:
    """Ways by the block and the step that a resume finds itself at.

    `unmended` are the failed steps for which nothing is asked anew.
    """

    ways: Mapping[tuple[StepPath, int], WayBack] = field(
        default_factory=dict[tuple[StepPath, int], WayBack]
    )
    unmended: set[StepPath] = field(default_factory=set[StepPath])


def ways_back(plan: MissionPlan, state: RunState) -> WaysBack:
    """Where to go back, after the errors of the last attempt that ended as failed."""
    failed = [n for n, one in enumerate(state.attempts, 1) if one.get("reason") == "failed"]
    ways: dict[tuple[StepPath, int], WayBack] = {}
    unmended: set[StepPath] = set()
    for error in state.errors:
        path = error.get("stepPath")
        if not failed or error.get("attempt") != failed[-1] or not isinstance(path, str):
            continue
        step = StepPath.parse(path)
        action = plan.actions.get(step.action or "")
        if action is None or error.get("kind") not in BY_DATA:
            continue
        way = way_back(plan, action.body, step)
        if way is not None:
            ways[way.block, way.failed] = way
        if way is None or not way.asks:
            unmended.add(step)
    return WaysBack(ways, unmended)


def go_back(branch: Branch, position: BlockPosition) -> None:
    """If a block was taken up in front of a step that failed, stand where its way back leads."""
    way = branch.run.ways_back.ways.get((position.block.path, position.at))
    if way is None:
        return
    index = way.index
    if way.unsafe and not _was_refused(branch):
        index += 1
        branch.run.ways_back.unmended.add(way.step)
    kept = way.unsafe and index == way.index  # a call that failed is sent again as it was
    for behind in range(index + kept, way.failed + 1):
        branch.forget(f"{position.address}/{behind}")
    branch.stand_at(position, index)


def _was_refused(branch: Branch) -> bool:
    """Whether `response` is a failure that a `match` was to look at."""
    meta = getattr(branch.slots.get(RESPONSE_SLOT), "meta", None)
    return meta is not None and not meta.ok
