"""Walking a plan: the steps of blocks, and what they go back to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reqon.plan.model import (
    BlockPlan,
    CustomStepPlan,
    ForEachPlan,
    JumpPlan,
    MatchPlan,
    RequestPlan,
    RetryPlan,
    RunPlan,
    StepPlan,
    ValidatePlan,
)
from vague.step_path import StepPath


def all_steps(block: BlockPlan) -> Iterator[StepPlan]:
    """The steps of a block and of all blocks inside, in the order of the text."""
    for step in block.steps:
        yield step
        for inner in inner_blocks(step):
            yield from all_steps(inner)


def inner_blocks(step: StepPlan) -> tuple[BlockPlan, ...]:
    """The blocks of a step."""
    match step:
        case ForEachPlan(body=body):
            return (body,)
        case ValidatePlan(otherwise=BlockPlan() as otherwise):
            return (otherwise,)
        case MatchPlan(arms=arms, catch=catch):
            return tuple(arm.body for arm in (*arms, *(catch or ())))
        case _:
            return ()


def may_wait(block: BlockPlan) -> bool:
    """Whether other tasks may run in the middle of the block."""
    return any(
        isinstance(step, RequestPlan | RunPlan | RetryPlan | JumpPlan | CustomStepPlan)
        or (isinstance(step, ForEachPlan) and step.parallel)
        for step in all_steps(block)
    )


def anchors_of(steps: Iterable[StepPlan]) -> Mapping[StepPath, frozenset[int]]:
    """For each block, the indexes of its steps that some directive goes back to."""
    found: dict[StepPath, set[int]] = {}
    for step in steps:
        if isinstance(step, RetryPlan | JumpPlan) and step.anchor is not None:
            found.setdefault(step.anchor.block, set()).add(step.anchor.index)
    return {path: frozenset(indexes) for path, indexes in found.items()}
