"""Where a resume goes on after an error that only other data can mend.

A run that ended by `abort`, or because no arm fits, would come to the same end again if it went on
at the failed step: what led there is kept. So the resume goes back as a `retry` would, to the
request whose reply the step was about, but never past something that may have had an effect on
others, nor past a change of a store that is read on the way: a sum would grow once more. Looks at
plans alone; `engine.going_back` goes there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reqon.plan.model import (
    ApplyPlan,
    BlockPlan,
    CustomStepPlan,
    ForEachPlan,
    JumpPlan,
    LetPlan,
    MapPlan,
    MatchPlan,
    MissionPlan,
    RequestPlan,
    RunPlan,
    StepPlan,
    ValidatePlan,
)
from reqon.plan.options import bare
from reqon.plan.store_use import StoreUse, own_use, use_of
from reqon.plan.traverse import all_steps, inner_blocks
from vague.ast.expressions import Name
from vague.step_path import StepPath

BY_DATA = frozenset(
    {"abort", "function", "no_match", "path", "store_key", "store_missing", "transform", "type"}
)
"""Kinds of errors that come of what was read: the step fails again unless that changes."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class WayBack:
    """In the block at `block`, a resume that stands at the step `failed` goes on at `index`.

    `step` is the step that failed, there or further in. `asks`: the step at `index` is a request;
    an `unsafe` one may have had its effect, and unless it was refused the next step is meant.
    """

    step: StepPath
    block: StepPath
    failed: int
    index: int
    asks: bool = False
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class _Behind:
    """A step in front of the failed one; `step` None: the construct that it lies in."""

    block: BlockPlan
    at: int
    index: int
    step: StepPlan | None


def way_back(plan: MissionPlan, action: BlockPlan, failed: StepPath) -> WayBack | None:
    """The way from a failed step of an action; None where the resume is to go on at the step.

    Stays within the iteration of the innermost loop. Where there is no request, it leads to the
    outermost `match` or `validate` around that was reached by reading alone, so that its
    conditions are looked at anew.
    """
    best: WayBack | None = None
    only_reads = True
    mapped: set[str] = set()
    stores = StoreUse()
    for place in _backwards(action, failed):
        step = place.step
        stores |= _stores_of(place, plan)
        if stores.reads_what_it_changes:
            return best
        way = WayBack(failed, place.block.path, place.at, place.index)
        if isinstance(step, RequestPlan):
            unsafe = step.method not in SAFE_METHODS
            return best if mapped else replace(way, asks=True, unsafe=unsafe)
        if step is None:
            if _caught_effects(place, failed):
                return best
        elif _may_have_effects(step):
            return best
        else:
            only_reads = only_reads and isinstance(step, LetPlan | ValidatePlan)
            mapped = _still_mapped(mapped, step)
        if only_reads:
            best = way
    return best


def _backwards(action: BlockPlan, failed: StepPath) -> Iterator[_Behind]:
    """What lies in front of a step, from there to the start of the action or iteration."""
    around = _around(action, failed)
    for depth, (block, at) in enumerate(reversed(around)):
        if depth:
            yield _Behind(block, at, at, None)
        for index in range(at - 1, -1, -1):
            yield _Behind(block, at, index, block.steps[index])


def _around(action: BlockPlan, failed: StepPath) -> list[tuple[BlockPlan, int]]:
    """The blocks around a step in the innermost iteration, each with the step that leads there."""
    chain: list[tuple[BlockPlan, int]] = []
    block: BlockPlan | None = action
    while block is not None:
        at = next((n for n, step in enumerate(block.steps) if _leads_to(step, failed)), None)
        if at is None:
            return []
        step = block.steps[at]
        chain.append((block, at))
        block = next((one for one in inner_blocks(step) if _holds(one, failed)), None)
        if block is not None and isinstance(step, ForEachPlan):
            chain.clear()
    return chain


def _leads_to(step: StepPlan, failed: StepPath) -> bool:
    return step.site.path == failed or any(_holds(block, failed) for block in inner_blocks(step))


def _holds(block: BlockPlan, failed: StepPath) -> bool:
    way = block.path.segments
    return failed.segments[: len(way)] == way and len(failed.segments) > len(way)


def _stores_of(place: _Behind, plan: MissionPlan) -> StoreUse:
    """What is done again to stores behind a place; of a construct around, by its conditions."""
    if place.step is None:
        return own_use(place.block.steps[place.at], plan)
    return use_of(place.step, plan)


def _caught_effects(place: _Behind, failed: StepPath) -> bool:
    """Whether the error lies in a `catch` whose arms may have had effects before."""
    step = place.block.steps[place.at]
    entered = failed.segments[len(step.site.path.segments)]
    return (
        isinstance(step, MatchPlan)
        and str(entered).startswith("catch")
        and any(_may_have_effects(inner) for arm in step.arms for inner in arm.body.steps)
    )


def _may_have_effects(step: StepPlan) -> bool:
    """Whether something beyond the stores may have been changed by a step that is done."""
    return any(
        isinstance(one, RunPlan | JumpPlan | CustomStepPlan)
        or (isinstance(one, RequestPlan) and one.method not in SAFE_METHODS)
        for one in _with_inner(step)
    )


def _still_mapped(mapped: set[str], step: StepPlan) -> set[str]:
    """The variables that a `map` gave another value, without those that `step` binds anew."""
    more = {
        value.text
        for one in _with_inner(step)
        if isinstance(one, MapPlan) and isinstance(value := bare(one.value), Name)
    }
    bound = step.name if isinstance(step, LetPlan) else None
    if isinstance(step, ApplyPlan):
        bound = step.alias
    return (mapped | more) - {bound, "response"}


def _with_inner(step: StepPlan) -> Iterator[StepPlan]:
    yield step
    for block in inner_blocks(step):
        yield from all_steps(block)
