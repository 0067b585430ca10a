"""`let`: a value gets a name for the rest of the block."""

from __future__ import annotations

from dataclasses import dataclass

from reqon.plan.model import LetPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, Outcome, Slot
from reqon.values.compile import Compiled


@dataclass(frozen=True, slots=True)
class LetRunner:
    """The value goes into the slot at once."""

    slot: Slot
    value: Compiled

    def run(self, ctx: StepContext) -> Outcome:
        """Evaluate and assign."""
        ctx.assign(self.slot, self.value.call(ctx.scope, None))
        return NEXT


def bind_let(plan: LetPlan, place: Environment) -> tuple[LetRunner, Environment]:
    """Bind a `let`; its own value does not see the name yet."""
    value = place.held(plan.value)
    after, slot = place.bind(plan.name, like=plan.value)
    return LetRunner(slot, value), after
