"""`map`: a value becomes another one, which `response` and the variable itself then hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reqon.plan.model import MapPlan
from reqon.plan.options import bare
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, Outcome, Slot
from reqon.values.compile import Compiled
from reqon.values.mapped import remap
from reqon.values.scope import Scope, Value
from vague.ast.expressions import Name


@dataclass(frozen=True, slots=True)
class MapRunner:
    """`source` is the slot of a plain variable, which the result replaces."""

    value: Compiled
    body: Compiled | None
    source: Slot | None
    target: Slot | None
    schema: str
    mismatches: Callable[[Scope, Value], list[str]] | None

    def run(self, ctx: StepContext) -> Outcome:
        """Evaluate, then put the result where it belongs."""
        scope = ctx.scope
        before = self.value.call(scope, None)
        result = before if self.body is None else self.body.call(scope, before)
        ctx.set_response(result)
        if self.source is not None and self.body is not None:
            ctx.assign(self.source, remap(result, before))
        if self.target is not None:
            ctx.assign(self.target, result)
        if self.mismatches is not None:
            found = self.mismatches(scope, result)
            if found:
                ctx.compare(self.schema, found)
        return NEXT


def bind_map(plan: MapPlan, place: Environment) -> tuple[MapRunner, Environment]:
    """Bind a `map`; its target variable is visible behind it."""
    value = bare(plan.value)
    source = place.slot_of(value.text) if isinstance(value, Name) else None
    body = None if plan.body is None else place.object_of(plan.body)
    compiled = place.expression(plan.value)
    target: Slot | None = None
    if plan.target_binds:
        known = place.slot_of(plan.target)
        if known is not None:
            target = known
        else:
            place, target = place.bind(plan.target)
    mismatches = place.mismatches(plan.target)
    return MapRunner(compiled, body, source, target, plan.target, mismatches), place
