"""Directives: `continue`, `skip`, `abort`, `retry`, `queue` and `jump`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reqon.errors import AbortError, RunError
from reqon.plan.model import (
    AbortPlan,
    Anchor,
    ContinuePlan,
    JumpPlan,
    QueuePlan,
    RetryPlan,
    SkipPlan,
)
from reqon.plan.policies import RetryPolicy
from reqon.steps.base import Environment, StepContext
from reqon.steps.bound import END_ARM, NEXT, SKIP, GoBack, Outcome, Slot
from reqon.steps.options import BoundOptions, retry_policy
from reqon.steps.positions import Position, has
from reqon.values.compile import Compiled
from reqon.values.json_form import record_form
from reqon.values.reply import plain
from reqon.values.scope import RESPONSE_SLOT
from reqon.values.text import record_key, text_of

MATCHED = "$matched"
"""A variable that no program can name: the value that the innermost match is about."""
_OF_JUMPS, _OF_RETRIES = has("source"), has("try")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A directive whose outcome is always the same."""

    outcome: Outcome

    def run(self, _ctx: StepContext) -> Outcome:
        """Answer the outcome."""
        return self.outcome


def bind_continue(plan: ContinuePlan, place: Environment) -> tuple[Fixed, Environment]:
    """`continue` ends the arm; outside of one it does nothing."""
    return Fixed(END_ARM if plan.in_arm else NEXT), place


def bind_skip(_plan: SkipPlan, place: Environment) -> tuple[Fixed, Environment]:
    """`skip` ends the iteration, or the action."""
    return Fixed(SKIP), place


@dataclass(frozen=True, slots=True)
class AbortRunner:
    """Stops the mission."""

    message: Compiled | None

    def run(self, ctx: StepContext) -> Outcome:
        """Raise AbortError."""
        value = None if self.message is None else self.message.call(ctx.scope, None)
        raise AbortError(text_of(value) or "aborted")


def bind_abort(plan: AbortPlan, place: Environment) -> tuple[AbortRunner, Environment]:
    """Bind an `abort`."""
    return AbortRunner(None if plan.message is None else place.expression(plan.message)), place


@dataclass(frozen=True, slots=True)
class RetryRunner:
    """Goes back to the anchor, as often as the policy allows."""

    plan: RetryPlan
    options: BoundOptions

    async def run(self, ctx: StepContext) -> Outcome:
        """Count the try, wait, and go back."""
        if ctx.unanswered:
            ctx.foresee("would try again if what is fetched asks for it")
            return NEXT
        policy = retry_policy(self.options.evaluate(ctx.scope))
        await again(ctx, str(self.plan.site.path), self.plan.anchor, policy)
        return GoBack(self.plan.anchor)


async def again(ctx: StepContext, directive: str, anchor: Anchor, policy: RetryPolicy) -> None:
    """Wait for a further try of everything behind the anchor.

    Raises RunError `retry_exhausted` where the policy allows none.
    """
    position = ctx.open(fits=_OF_RETRIES)
    saved: dict[str, Any] = position.saved or {}
    most = policy.max_attempts
    tries = saved["try"] if "try" in saved else ctx.count_try(anchor, directive, most)
    check_tries(ctx, position, tries, policy)
    wait_ms = ctx.wait_before(policy, tries + 1)
    now_ms = ctx.facts.now().timestamp() * 1000
    if "until" in saved:
        wait_ms = min(wait_ms, saved["until"] - now_ms)
    if wait_ms > 0:
        position.keep({"try": tries, "until": now_ms + wait_ms})
        await ctx.wait(wait_ms, tries + 1, "retry")
    ctx.close(position)


def check_tries(ctx: StepContext, position: Position, tries: int, policy: RetryPolicy) -> None:
    """Leave the position and raise where `tries` are all that the policy allows."""
    if tries < policy.max_attempts:
        return
    ctx.close(position)
    raise RunError(
        "retry_exhausted",
        f"gave up after {tries} {'try' if tries == 1 else 'tries'}",
        details={"attempts": tries},
        hint="raise 'maxAttempts', or handle it with 'catch'",
    )


def bind_retry(plan: RetryPlan, place: Environment) -> tuple[RetryRunner, Environment]:
    """Bind a `retry`; its options are evaluated each time."""
    return RetryRunner(plan, place.options(plan.options)), place


@dataclass(frozen=True, slots=True)
class QueueRunner:
    """Stores a record for later; `parks`: then leaves the iteration."""

    store: str
    item: Compiled | None
    key: Compiled | None
    loop_slot: str | None
    matched: Slot | None
    parks: bool

    def run(self, ctx: StepContext) -> Outcome:
        """Stage the record."""
        value = self._default(ctx) if self.item is None else self.item.call(ctx.scope, None)
        record = record_form(value)
        if self.key is None:
            key = ctx.facts.record_key(0)
        else:
            about = value if isinstance(value, dict) else record  # pyright: ignore[reportUnknownVariableType]
            key = record_key(self.key.call(ctx.scope, about))
        ctx.unit.put(self.store, key, record)
        return SKIP if self.parks else NEXT

    def _default(self, ctx: StepContext) -> dict[str, Any]:
        slots = ctx.slots
        about = RESPONSE_SLOT if self.matched is None else self.matched.name
        return {
            "item": None if self.loop_slot is None else slots.get(self.loop_slot),
            "response": plain(slots.get(about)),
            "action": ctx.action_name,
            "queuedAt": ctx.facts.now(),
        }


def bind_queue(plan: QueuePlan, place: Environment) -> tuple[QueueRunner, Environment]:
    """Bind a `queue`; in `key` `.name` is a field of the record."""
    item, key = plan.options.get("item"), plan.options.get("key")
    runner = QueueRunner(
        plan.store,
        None if item is None else place.expression(item),
        None if key is None else place.expression_of(key),
        place.loop_slot,
        place.slot_of(MATCHED),
        plan.parks,
    )
    return runner, place


@dataclass(frozen=True, slots=True)
class JumpRunner:
    """Runs an action, then goes on or goes back."""

    plan: JumpPlan

    async def run(self, ctx: StepContext) -> Outcome:
        """Run the action in a scope of its own."""
        position = ctx.open(fits=_OF_JUMPS)
        saved: dict[str, Any] = position.saved or {}
        anchor = self.plan.anchor
        if "source" not in saved:
            if anchor is not None:
                policy = RetryPolicy()
                tries = ctx.count_try(anchor, str(self.plan.site.path), policy.max_attempts)
                check_tries(ctx, position, tries, policy)
            saved = {"source": ctx.last_source}
            position.keep(saved)
        if "done" not in saved:
            await ctx.run_action(self.plan.action, saved["source"])
            position.keep({**saved, "done": True})
        ctx.close(position)
        return NEXT if anchor is None or ctx.unanswered else GoBack(anchor)


def bind_jump(plan: JumpPlan, place: Environment) -> tuple[JumpRunner, Environment]:
    """Bind a `jump`."""
    return JumpRunner(plan), place
