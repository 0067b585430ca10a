"""`match`: the first arm that fits runs; `catch` handles errors raised in the arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reqon.errors import AbortError, RunError, StoppedError, StorageError
from reqon.plan.model import ArmPlan, MatchPlan, QueuePlan
from reqon.plan.traverse import all_steps
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import END_ARM, NEXT, BoundBlock, Outcome, Slot
from reqon.steps.flow import MATCHED
from reqon.steps.positions import Position, has
from reqon.values.access import is_store
from reqon.values.compile import Compiled
from reqon.values.reply import plain
from reqon.values.scope import Matcher, Value
from reqon.values.show import described
from vague.ast.expressions import ValuePattern

_NEVER_CAUGHT = (AbortError, StoppedError, StorageError)


@dataclass(frozen=True, slots=True)
class BoundArm:
    """`condition` instead of `matches` in a match without a subject."""

    matches: Matcher | None
    condition: Compiled | None
    bindings: tuple[Slot, ...]
    guard: Compiled | None
    body: BoundBlock


@dataclass(frozen=True, slots=True)
class MatchRunner:
    """The arms, and those of `catch` (None where it is not written)."""

    plan: MatchPlan
    subject: Compiled | None
    arms: tuple[BoundArm, ...]
    catch: tuple[BoundArm, ...] | None
    matched: Slot | None

    async def run(self, ctx: StepContext) -> Outcome:
        """Choose an arm (or go on in the one that was chosen before a resume) and run it."""
        position = ctx.open(fits=self._fits)
        saved = position.saved
        if saved is not None and "catch" in saved:
            return await self._run_catch(ctx, position, saved["catch"])
        chosen = saved["arm"] if saved is not None else self._choose(ctx)
        position.keep({"arm": chosen})
        try:
            outcome = await ctx.run_block(self.arms[chosen].body)
        except RunError as error:
            if self.catch is None or isinstance(error, _NEVER_CAUGHT):
                raise
            return await self._caught(ctx, position, error)
        ctx.close(position)
        return NEXT if outcome is END_ARM else outcome

    def _fits(self, saved: Any) -> bool:
        """Whether a cell names one of the arms."""
        if has("catch")(saved):
            return self.catch is not None and saved["catch"] < len(self.catch)
        return has("arm")(saved) and saved["arm"] < len(self.arms)

    def _choose(self, ctx: StepContext) -> int:
        value = None if self.subject is None else self.subject.call(ctx.scope, None)
        if value is not None and is_store(value):
            value = value.list()
        if self.matched is not None:
            ctx.assign(self.matched, value)
        chosen = choose(self.arms, ctx, value)
        if chosen is not None:
            return chosen
        what = f"no arm fits {described(plain(value))}"
        if self.subject is None:
            what = "no condition is true"
        raise RunError(
            "no_match", f"{what} in 'match'", hint="add an arm '_ -> …' for everything else"
        )

    async def _caught(self, ctx: StepContext, position: Position, error: RunError) -> Outcome:
        assert self.catch is not None, "asked for only with a catch"
        record = error_value(error)
        ctx.unwind(position)
        if self.matched is not None:
            ctx.assign(self.matched, record)
        chosen = choose(self.catch, ctx, record)
        if chosen is None:
            raise error
        ctx.erase(position)
        position.keep({"catch": chosen})
        return await self._run_catch(ctx, position, chosen)

    async def _run_catch(self, ctx: StepContext, position: Position, chosen: int) -> Outcome:
        assert self.catch is not None, "chosen from it"
        outcome = await ctx.run_block(self.catch[chosen].body, "c")
        ctx.close(position)
        return NEXT if outcome is END_ARM else outcome


def choose(arms: tuple[BoundArm, ...], ctx: StepContext, value: Value) -> int | None:
    """The first arm that fits, with its bindings assigned."""
    scope = ctx.scope
    for number, arm in enumerate(arms):
        if arm.matches is not None:
            if not arm.matches(scope, value):
                continue
        elif arm.condition is not None and not arm.condition.call(scope, None):
            continue
        if arm.guard is not None and not arm.guard.call(scope, value):
            continue
        for slot in arm.bindings:
            ctx.assign(slot, ctx.slots.get(slot.name))
        return number
    return None


def error_value(error: RunError) -> dict[str, Any]:
    """The error record that `catch` arms match."""
    return {
        "error": error.details.get("error", error.kind),
        "message": error.message,
        "kind": error.kind,
        "code": error.code,
        "step": error.step,
        "details": dict(error.details),
    }


def bind_match(plan: MatchPlan, place: Environment) -> tuple[MatchRunner, Environment]:
    """Bind a `match`; what its patterns bind is visible in their arms only."""
    subject = None if plan.subject is None else place.held(plan.subject)
    inner, matched = place, None
    if _queues_what_matched(plan) and subject is not None:
        inner, matched = place.bind(MATCHED)
    arms = tuple(_bind_arm(arm, inner, conditions=subject is None) for arm in plan.arms)
    catch = None
    if plan.catch is not None:
        catch = tuple(_bind_arm(arm, inner, conditions=False) for arm in plan.catch)
    return MatchRunner(plan, subject, arms, catch, matched), place


def _queues_what_matched(plan: MatchPlan) -> bool:
    """Whether a `queue` in the arms stores the matched value by default."""
    return any(
        isinstance(step, QueuePlan) and "item" not in step.options
        for arm in (*plan.arms, *(plan.catch or ()))
        for step in all_steps(arm.body)
    )


def _bind_arm(arm: ArmPlan, place: Environment, *, conditions: bool) -> BoundArm:
    if conditions and isinstance(arm.head, ValuePattern):
        condition = place.condition(arm.head.value)
        guard = None if arm.guard is None else place.condition(arm.guard)
        return BoundArm(None, condition, (), guard, place.block(arm.body))
    pattern, inner = place.pattern(arm.head)
    guard = None if arm.guard is None else inner.condition_of(arm.guard)
    bindings = tuple(Slot(slot, inner.depth) for slot in pattern.slots)
    return BoundArm(pattern.match, None, bindings, guard, inner.block(arm.body))
