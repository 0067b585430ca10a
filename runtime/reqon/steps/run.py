"""`run` as a step: actions run now, each in a scope of its own."""

from __future__ import annotations

from dataclasses import dataclass

from reqon.plan.model import RunPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, BoundStage, Outcome


@dataclass(frozen=True, slots=True)
class RunRunner:
    """The stages of the pipeline."""

    stages: tuple[BoundStage, ...]

    async def run(self, ctx: StepContext) -> Outcome:
        """Run the stages; an error in them is an error of this step."""
        await ctx.run_stages(self.stages)
        return NEXT


def bind_run(plan: RunPlan, place: Environment) -> tuple[RunRunner, Environment]:
    """Bind a `run`."""
    return RunRunner(place.stages(plan.stages)), place
