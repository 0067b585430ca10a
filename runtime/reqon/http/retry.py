"""Whether a failed attempt is followed by another, and after which wait.

Pure: it sees what an attempt came to and answers; `client.py` does the waiting. A service that
says when to come back (`Retry-After`) is obeyed, whatever the policy says about waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from reqon.http.messages import UNSAFE_TO_REPEAT, http_date
from reqon.plan.policies import DEFAULT_MAX_WAIT_MS, RetryPolicy, RetryScope

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TOO_MANY_REQUESTS = 429
CONFLICT = 409
NOT_DONE_STATUSES = frozenset({TOO_MANY_REQUESTS, 503})
"""Statuses after which the service has not done the work, so that it may be asked again."""

TOO_MANY_POLICY = RetryPolicy(max_attempts=3)
"""What holds for a 429 where the program says nothing about retries."""

PENDING_POLICY = RetryPolicy(max_attempts=6)
"""What holds where the program says nothing and a request that was sent before, perhaps by a
process that has died, is still being worked on: it is waited for about half a minute."""

JITTER = 0.1

Trouble: TypeAlias = Literal["refused", "network", "timeout"]
"""Why no reply came: the connection could not be made at all, it broke, or time ran out."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to: a `status` from 400 on, or a `trouble`.

    `number` counts from 1. `retry_after_ms` is what the reply asked for. `keyed`: the request
    carries an idempotency key, and `repeats` an earlier one that may have arrived; `unanswered`: no
    answer to that one was seen.
    """

    number: int
    method: str
    status: int | None = None
    trouble: Trouble | None = None
    retry_after_ms: float | None = None
    keyed: bool = False
    repeats: bool = False
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The retry in force for one request; `policy` None where the program has none."""

    policy: RetryPolicy | None = None
    scope: RetryScope = "request"
    max_wait_ms: float = DEFAULT_MAX_WAIT_MS


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after so many milliseconds."""

    wait_ms: float


@dataclass(frozen=True, slots=True)
class Enough:
    """No further attempt; `too_long`: the service asked for a longer wait than is allowed."""

    too_long: bool = False


Decision: TypeAlias = Again | Enough


def decide(attempt: Attempt, rules: RetryRules, random: Callable[[], float]) -> Decision:
    """What follows a failed attempt; `random` gives numbers from 0 up to 1, for the jitter."""
    policy = _policy_for(attempt, rules)
    if policy is None or attempt.number >= policy.max_attempts:
        return Enough()
    if attempt.retry_after_ms is None:
        return Again(wait_before(policy, attempt.number + 1, random))
    if attempt.retry_after_ms > rules.max_wait_ms:
        return Enough(too_long=True)
    return Again(attempt.retry_after_ms)


def _policy_for(attempt: Attempt, rules: RetryRules) -> RetryPolicy | None:
    if rules.policy is not None and _covers(attempt, rules.scope):
        return rules.policy
    if rules.policy is None and attempt.status == TOO_MANY_REQUESTS:
        return TOO_MANY_POLICY
    return PENDING_POLICY if attempt.unanswered and _pending(attempt) else None


def _covers(attempt: Attempt, scope: RetryScope) -> bool:
    """Whether a retry written there repeats what this attempt came to."""
    if scope == "source" and attempt.method.upper() in UNSAFE_TO_REPEAT:
        return attempt.trouble == "refused" or attempt.status in NOT_DONE_STATUSES
    return attempt.trouble is not None or attempt.status in RETRIED_STATUSES or _pending(attempt)


def _pending(attempt: Attempt) -> bool:
    """A repeated key is answered with 409 while the first request is still being worked on."""
    return attempt.status == CONFLICT and attempt.keyed and attempt.repeats


def wait_before(policy: RetryPolicy, attempt: int, random: Callable[[], float]) -> float:
    """Milliseconds to wait before attempt `attempt` (from 2)."""
    if policy.delay_ms is not None:
        return policy.delay_ms
    spread = 1 + JITTER * (2 * random() - 1)
    return min(_growing(policy, attempt) * spread, policy.longest_delay_ms)


def _growing(policy: RetryPolicy, attempt: int) -> float:
    match policy.backoff:
        case "exponential":
            return policy.initial_delay_ms * 2.0 ** min(attempt - 2, 64)
        case "linear":
            return policy.initial_delay_ms * (attempt - 1)
        case "constant":
            return policy.initial_delay_ms


def retry_after_ms(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that `Retry-After` asks for (RFC 9110, 10.2.3), or None.

    The header holds seconds or an HTTP date; a date that has passed is no wait. What is neither
    is ignored. `headers` have lower-case names.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return _wait_until(http_date(text), now)
    return seconds * 1000 if 0 <= seconds < float("inf") else None


def _wait_until(instant: datetime | None, now: datetime) -> float | None:
    if instant is None:
        return None
    return max(0.0, (instant - now).total_seconds() * 1000)
