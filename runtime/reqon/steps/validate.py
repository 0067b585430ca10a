"""`validate`: conditions that should hold; those that do not are warnings, and `or` acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reqon.plan.model import AssumePlan, ValidatePlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, BoundBlock, Outcome, Slot
from reqon.values.compile import Compiled


@dataclass(frozen=True, slots=True)
class ValidateRunner:
    """`subject` None: `.x` in the conditions means what it means around the step."""

    plan: ValidatePlan
    subject: Compiled | None
    conditions: tuple[tuple[Compiled, AssumePlan], ...]
    failures: Slot | None
    otherwise: BoundBlock | None

    async def run(self, ctx: StepContext) -> Outcome:
        """Evaluate every condition; run the `or` block once where any failed."""
        if self.otherwise is not None and ctx.resumes:
            position = ctx.open(fits=lambda saved: saved == "or")
            if position.saved is not None:
                return await self._run_otherwise(ctx, self.otherwise)
            ctx.close(position)
        failures = self._failures(ctx)
        if not failures or self.otherwise is None or self.failures is None:
            return NEXT
        position = ctx.open()
        position.keep("or")
        ctx.assign(self.failures, failures)
        return await self._run_otherwise(ctx, self.otherwise)

    async def _run_otherwise(self, ctx: StepContext, block: BoundBlock) -> Outcome:
        position = ctx.top
        outcome = await ctx.run_block(block)
        ctx.close(position)
        return outcome

    def _failures(self, ctx: StepContext) -> list[dict[str, Any]]:
        scope = ctx.scope
        value = None if self.subject is None else self.subject.call(scope, None)
        found: list[dict[str, Any]] = []
        for condition, assume in self.conditions:
            if condition.call(scope, value):
                continue
            line = None if assume.place is None else assume.place.line
            found.append({"assumption": assume.text, "line": line})
            ctx.warn(f"assumption failed: {assume.text}", "assume", assume.place)
        return found


def bind_validate(plan: ValidatePlan, place: Environment) -> tuple[ValidateRunner, Environment]:
    """Bind a `validate`; `failures` is visible in its `or` block only."""
    subject = None if plan.subject is None else place.expression(plan.subject)
    compile_one = place.condition if subject is None else place.condition_of
    conditions = tuple((compile_one(one.condition), one) for one in plan.assumptions)
    if plan.otherwise is None:
        return ValidateRunner(plan, subject, conditions, None, None), place
    inner, failures = place.bind("failures")
    block = inner.block(plan.otherwise)
    return ValidateRunner(plan, subject, conditions, failures, block), place
