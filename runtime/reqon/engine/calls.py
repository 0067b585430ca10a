"""Actions being run: by the mission's pipeline, by a `run` step, by a `jump`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reqon.engine.frames import Frame
from reqon.errors import RunError
from reqon.events.model import ActionCompleted, ActionStarted
from reqon.journal.unit import Barrier
from reqon.steps.positions import BlockPosition, Position
from reqon.values.scope import Scope

if TYPE_CHECKING:
    from reqon.engine.context import Branch

DEEPEST_CALL = 32
_SCOPE_NAMES = frozenset({"request", "currentRequest", "currentOperation", "lastSync"})


async def run_action(
    branch: Branch,
    name: str,
    parent: Position,
    suffix: str,
    *,
    nested: bool = False,
    source: str | None = None,
) -> None:
    """Run an action in a scope of its own, in the given branch.

    `source`: the action was jumped to, and may replace the credential of that source.
    What it kept for a resume goes with the commit that follows; the caller makes it.
    """
    outer = branch.frame
    bound = branch.run.mission.actions[name]
    if nested and outer.level >= DEEPEST_CALL:
        raise RunError(
            "recursion",
            f"actions run each other more than {DEEPEST_CALL} deep",
            hint=f"see what makes '{name}' run itself again",
        )
    frame = Frame(
        name,
        nested=nested,
        level=outer.level + 1 if nested else 0,
        loops=bound.plan.loops,
        keeps_scope=not _SCOPE_NAMES.isdisjoint(bound.plan.names),
        jumped_from=source or (outer.jumped_from if nested else None),
    )
    around = (branch.scope, branch.slots, branch.regions)
    branch.frame = frame
    branch.scope = Scope(branch.facts)
    branch.slots = branch.scope.slots
    branch.regions = []
    try:
        await _run(branch, BlockPosition(parent, suffix, bound.body), frame)
    finally:
        branch.frame = outer
        branch.scope, branch.slots, branch.regions = around


async def _run(branch: Branch, position: BlockPosition, frame: Frame) -> None:
    run, name = branch.run, frame.action
    resumed = run.resume.holds(position.address)
    branch.stack.append(position)
    branch.load(position)
    branch.enter_region(position)
    started = run.clock.monotonic()
    branch.unit.active(name)
    await branch.commit("enter", Barrier.BATCH if frame.nested else Barrier.FRAME)
    branch.emit(ActionStarted(name, frame.nested, resumed))
    await branch.run_steps(position)
    branch.unit.publish_sync(name)
    branch.close(position)
    duration_ms = round((run.clock.monotonic() - started) * 1000)
    items = position.items
    branch.later.append(ActionCompleted(name, duration_ms, items, frame.nested))
    if not frame.nested:
        branch.unit.action_done(name)
