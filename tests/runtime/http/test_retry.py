"""Which attempts are followed by another, and after which wait: tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.http.messages import http_date
from reqon.http.retry import (
    Again,
    Attempt,
    Enough,
    RetryRules,
    decide,
    retry_after_ms,
    wait_before,
)
from reqon.plan.policies import Backoff, RetryPolicy

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
THREE = RetryPolicy()


def middle() -> float:
    return 0.5


def again(attempt: Attempt, rules: RetryRules) -> bool:
    return isinstance(decide(attempt, rules, middle), Again)


# status or trouble: at the request (any method), from the source for GET, for POST, without retry
COVERED = [
    (408, True, True, False, False),
    (425, True, True, False, False),
    (429, True, True, True, True),
    (500, True, True, False, False),
    (502, True, True, False, False),
    (503, True, True, True, False),
    (504, True, True, False, False),
    (400, False, False, False, False),
    (401, False, False, False, False),
    (404, False, False, False, False),
    (409, False, False, False, False),
    (501, False, False, False, False),
    ("refused", True, True, True, False),
    ("network", True, True, False, False),
    ("timeout", True, True, False, False),
]


@pytest.mark.parametrize(("came", "at_request", "source_get", "source_post", "without"), COVERED)
def test_what_is_tried_again(
    came: int | str, at_request: bool, source_get: bool, source_post: bool, without: bool
):
    def attempt(method: str) -> Attempt:
        if isinstance(came, int):
            return Attempt(1, method, status=came)
        return Attempt(1, method, trouble=came)  # type: ignore[arg-type]

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        assert again(attempt(method), RetryRules(THREE)) == at_request
        assert again(attempt(method), RetryRules()) == without
    for method in ("GET", "PUT", "DELETE"):
        assert again(attempt(method), RetryRules(THREE, "source")) == source_get
    for method in ("POST", "PATCH"):
        assert again(attempt(method), RetryRules(THREE, "source")) == source_post


@pytest.mark.parametrize(
    ("policy", "attempts"),
    [(RetryPolicy(max_attempts=1), 1), (RetryPolicy(max_attempts=5), 5), (None, 3)],
)
def test_attempts_are_counted_with_the_first(policy: RetryPolicy | None, attempts: int):
    rules = RetryRules(policy)
    made = 1
    while again(Attempt(made, "GET", status=429), rules):
        made += 1
    assert made == attempts


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ("exponential", [100, 200, 400, 800, 1000, 1000]),
        ("linear", [100, 200, 300, 400, 500, 600]),
        ("constant", [100, 100, 100, 100, 100, 100]),
    ],
)
def test_waits_grow_by_the_backoff(backoff: Backoff, waits: list[float]):
    policy = RetryPolicy(20, backoff, 100, 1000)
    assert [wait_before(policy, attempt, middle) for attempt in range(2, 8)] == waits


@pytest.mark.parametrize(
    ("chance", "wait"), [(0.0, 900.0), (0.25, 950.0), (0.5, 1000.0), (0.75, 1050.0), (1.0, 1100.0)]
)
def test_waits_vary_by_a_tenth(chance: float, wait: float):
    assert wait_before(RetryPolicy(), 2, lambda: chance) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("initial", "longest", "default"), [(1000, None, 30_000), (60_000, None, 60_000), (5, 7, 7)]
)
def test_the_longest_wait_has_a_default(initial: float, longest: float | None, default: float):
    policy = RetryPolicy(1000, "exponential", initial, longest)
    assert wait_before(policy, 900, middle) == default
    assert wait_before(policy, 900, lambda: 0.999) == default


def test_a_fixed_delay_has_no_jitter_and_no_cap():
    policy = RetryPolicy(3, "exponential", 1000, 10, delay_ms=45_000)
    assert [wait_before(policy, n, lambda: 0.9) for n in (2, 3)] == [45_000, 45_000]


@given(st.integers(2, 1000), st.floats(0, 1, exclude_max=True), st.floats(0, 1e7))
def test_no_wait_is_negative_or_beyond_the_cap(attempt: int, chance: float, initial: float):
    policy = RetryPolicy(1000, "exponential", initial)
    assert 0 <= wait_before(policy, attempt, lambda: chance) <= policy.longest_delay_ms


@pytest.mark.parametrize(
    ("wanted", "rules", "decision"),
    [
        (7000, RetryRules(THREE), Again(7000)),
        (0, RetryRules(THREE), Again(0)),
        (45_000, RetryRules(RetryPolicy(delay_ms=5)), Again(45_000)),
        (300_000, RetryRules(), Again(300_000)),
        (300_001, RetryRules(), Enough(too_long=True)),
        (5001, RetryRules(THREE, max_wait_ms=5000), Enough(too_long=True)),
    ],
)
def test_the_service_says_when_to_come_back(
    wanted: float, rules: RetryRules, decision: Again | Enough
):
    attempt = Attempt(1, "GET", status=429, retry_after_ms=wanted)
    assert decide(attempt, rules, middle) == decision


@pytest.mark.parametrize(
    ("keyed", "repeats", "expected"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_conflict_with_the_own_first_attempt_is_waited_for(
    keyed: bool, repeats: bool, expected: bool
):
    attempt = Attempt(1, "POST", status=409, keyed=keyed, repeats=repeats)
    assert again(attempt, RetryRules(THREE)) is expected


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120_000),
        ("0", 0),
        (" 3 ", 3000),
        ("1.5", 1500),
        ("Tue, 06 May 2031 07:08:39 GMT", 30_000),
        ("Tuesday, 06-May-31 07:08:39 GMT", 30_000),
        ("Tue May  6 07:08:39 2031", 30_000),
        ("Tue, 06 May 2031 07:08:00 GMT", 0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("99 Foo 99999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, wait: float | None):
    assert retry_after_ms({"retry-after": header}, NOW) == wait


def test_no_retry_after_is_none():
    assert retry_after_ms({}, NOW) is None
    assert http_date(None) is None
