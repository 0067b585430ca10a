"""`apply`: a transform turns a value, or each element of an array, into its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reqon.errors import RunError
from reqon.plan.model import ApplyPlan, TransformPlan, VariantPlan
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import NEXT, Outcome, Slot
from reqon.values.compile import Compiled, compile_condition, compile_object
from reqon.values.scope import ContextKind, Matcher, Names, Scope, Value
from reqon.values.show import described

Transformation = Callable[[Scope, Value], Value]


@dataclass(frozen=True, slots=True)
class ApplyRunner:
    """`slot` None: the result becomes `response`."""

    value: Compiled
    transformation: Transformation
    slot: Slot | None

    def run(self, ctx: StepContext) -> Outcome:
        """Transform and assign."""
        result = self.transformation(ctx.scope, self.value.call(ctx.scope, None))
        if self.slot is None:
            ctx.set_response(result)
        else:
            ctx.assign(self.slot, result)
        return NEXT


def bind_apply(plan: ApplyPlan, place: Environment) -> tuple[ApplyRunner, Environment]:
    """Bind an `apply`; with `as` its variable is visible behind it."""
    value = place.expression(plan.value)
    transformation = place.transform(plan.transform)
    if plan.alias is None:
        return ApplyRunner(value, transformation, None), place
    after, slot = place.bind(plan.alias)
    return ApplyRunner(value, transformation, slot), after


@dataclass(frozen=True, slots=True)
class _Variant:
    matches: Matcher | None
    guard: Compiled | None
    body: Compiled

    def fits(self, scope: Scope, value: Value) -> bool:
        if self.matches is not None and not self.matches(scope, value):
            return False
        return self.guard is None or self.guard.call(scope, value)


def bind_transform(transform: TransformPlan, names: Names) -> Transformation:
    """A transform as a function of its input; it sees only what the mission declares.

    Null stays null, an array is transformed element by element. The function raises RunError
    `transform` where no variant fits.
    """
    place = names.without_bindings().with_context(ContextKind.PARAMETER)
    variants = tuple(_bind_variant(variant, place) for variant in transform.variants)

    def apply(scope: Scope, value: Value) -> Value:
        if value is None:
            return None
        if isinstance(value, list):
            return [apply(scope, element) for element in value]  # pyright: ignore[reportUnknownVariableType]
        for variant in variants:
            if variant.fits(scope, value):
                return variant.body.call(scope, value)
        raise RunError(
            "transform",
            f"no variant of transform '{transform.name}' fits {described(value)}",
            hint="add a variant '(_)' that takes everything else",
        )

    return apply


def _bind_variant(variant: VariantPlan, place: Names) -> _Variant:
    return _Variant(
        None if variant.input is None else place.schemas.matcher(variant.input),
        None if variant.guard is None else compile_condition(variant.guard, place),
        compile_object(variant.body, place),
    )
