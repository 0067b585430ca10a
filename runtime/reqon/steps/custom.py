"""Steps that plug-ins register: `name { options }`.

A custom step is a coroutine function that takes the evaluated options and a small, stable view of
the run; what it returns becomes `response` (None leaves it).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reqon.errors import RunError
from reqon.plan.model import CustomStepPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, Outcome
from reqon.steps.options import BoundOptions
from reqon.values.foreign import errors_of, taken_over
from reqon.values.json_form import record_form
from reqon.values.scope import StoreView
from reqon.values.text import record_key


class CustomContext:
    """What a custom step may do."""

    def __init__(self, ctx: StepContext, giver: str) -> None:
        self._ctx = ctx
        self._giver = giver

    def put(self, store: str, key: str, record: Mapping[str, Any]) -> None:
        """Store a record with the present unit of work."""
        self._view(store)
        value = taken_over(dict(record), self._giver)
        self._ctx.unit.put(store, record_key(key), record_form(value))

    def get(self, store: str, key: str) -> dict[str, Any] | None:
        """Read a record, the step's own writes included."""
        return self._view(store).get(record_key(key))

    def warn(self, message: str) -> None:
        """Tell a warning."""
        self._ctx.warn(message)

    def _view(self, store: str) -> StoreView:
        try:
            return self._ctx.store(store)
        except KeyError:
            message = f"{self._giver} asks for the store '{store}', which the mission has not"
            raise RunError("config", message, hint="declare it in the mission") from None


StepFunction: TypeAlias = Callable[[Mapping[str, Any], CustomContext], Awaitable[Any]]

CUSTOM_STEPS: dict[str, StepFunction] = {}


def register_step(name: str, function: StepFunction) -> None:
    """Make a step known to programs; a name that is taken is a ValueError."""
    if name in CUSTOM_STEPS:
        raise ValueError(f"the step '{name}' exists already")
    CUSTOM_STEPS[name] = function


@dataclass(frozen=True, slots=True)
class CustomRunner:
    """The function is looked up when the step runs."""

    name: str
    options: BoundOptions

    async def run(self, ctx: StepContext) -> Outcome:
        """Call the function; what it returns becomes `response`."""
        function = CUSTOM_STEPS.get(self.name)
        if function is None:
            raise RunError("config", f"no step '{self.name}' is registered")
        if ctx.dry_run:
            ctx.foresee(f"would run step '{self.name}'")
            return NEXT
        giver = f"step '{self.name}'"
        options = self.options.evaluate(ctx.scope)
        with errors_of(giver):
            result = taken_over(await function(options, CustomContext(ctx, giver)), giver)
        if result is not None:
            ctx.set_response(result)
        return NEXT


def bind_custom(plan: CustomStepPlan, place: Environment) -> tuple[CustomRunner, Environment]:
    """Bind a custom step."""
    return CustomRunner(plan.name, place.options(plan.options)), place
