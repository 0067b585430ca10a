"""Tables of the steps: store modes, evaluated options, window parameters, kept values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from reqon.engine.keeper import Keeper
from reqon.engine.window import until_parameter
from reqon.errors import RunError
from reqon.plan.model import StepPlan
from reqon.plan.policies import RetryPolicy
from reqon.steps.options import paging_policy, retry_policy
from reqon.steps.registry import BINDERS
from reqon.steps.store import mode_of
from reqon.values.duration import Duration
from reqon.values.mapped import mapped
from reqon.values.reply import Headers, ReplyMeta, with_reply


def test_every_step_of_a_plan_has_a_binder() -> None:
    assert set(BINDERS) == set(get_args(StepPlan))


# upsert, partial: merges, must exist
MODES = [
    (None, None, False, False),
    (True, None, True, False),
    (True, False, False, False),
    (None, True, True, False),
    (True, True, True, False),
    (False, True, True, True),
    (False, None, False, False),
    (False, False, False, False),
    (None, False, False, False),
]


@pytest.mark.parametrize(("upsert", "partial", "merge", "must_exist"), MODES)
def test_store_modes(
    upsert: bool | None, partial: bool | None, merge: bool, must_exist: bool
) -> None:
    mode = mode_of(upsert, partial)
    assert (mode.merge, mode.must_exist, mode.partial) == (merge, must_exist, partial)


def test_retry_options_over_a_policy() -> None:
    base = RetryPolicy(max_attempts=9, initial_delay_ms=5)
    given = {"maxAttempts": 2, "backoff": "linear", "maxDelay": Duration(70), "delay": None}
    assert retry_policy(given, base) == RetryPolicy(2, "linear", 5, 70)
    assert retry_policy({}) == RetryPolicy()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"maxAttempts": 0}, "'maxAttempts' must be from 1 to 1000, found 0"),
        ({"maxAttempts": 1.5}, "'maxAttempts' must be a whole number"),
        ({"maxAttempts": True}, "'maxAttempts' must be a whole number"),
        ({"backoff": "slow"}, "'backoff' must be one of exponential, linear, constant"),
        ({"initialDelay": "soon"}, "'initialDelay' must be a duration"),
        ({"delay": -1}, "'delay' must be a duration"),
        ({"pause": 1}, "no option 'pause'"),
    ],
)
def test_wrong_retry_options_are_type_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError) as caught:
        retry_policy(options)
    assert caught.value.kind == "type"
    assert words in caught.value.message


def test_pagination_options() -> None:
    policy = paging_policy("page", {"param": "p", "pageSize": 7, "start": 0, "x": 1}, ("a",))
    assert (policy.parameter, policy.page_size, policy.start) == ("p", 7, 0)
    assert (policy.items, policy.options) == (("a",), {"x": 1})
    assert paging_policy("offset", {}, None).parameter == "offset"
    with pytest.raises(RunError):
        paging_policy("page", {"pageSize": 0}, None)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("modified_since", "modified_until"),
        ("updatedAfter", "updatedBefore"),
        ("from", "to"),
        ("startDate", "endDate"),
        ("createdSince", "createdUntil"),
    ],
)
def test_the_parameter_that_ends_a_window(since: str, until: str) -> None:
    assert until_parameter(since) == until


def test_no_end_of_a_window() -> None:
    with pytest.raises(RunError) as caught:
        until_parameter("version")
    assert caught.value.kind == "config"


# ---------------------------------------------------------------- kept values


class Blobs:
    """Keeps everything beside, as JSON would."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def blob(self, value: Any) -> Any:
        self.kept.append(value)
        return value

    def load_blob(self, value: Any) -> Any:
        return value


def keeper(value: Any) -> tuple[Keeper, Blobs]:
    """A keeper with one request's reply, and what it keeps."""
    cells: dict[str, Any] = {}
    made, blobs = Keeper(cells), Blobs()
    made.add_root("a/0", value)
    cells["a/0/r"] = made.save_whole(value, blobs)
    blobs.kept.clear()
    return made, blobs


def test_what_a_request_brought_is_kept_once() -> None:
    rows = [{"n": n} for n in range(100)]
    body = with_reply({"rows": rows}, ReplyMeta(200, Headers({"etag": "x"})))
    made, blobs = keeper(body)
    even = [row for row in rows if row["n"] % 2 == 0]
    kept = [made.save(value, blobs) for value in (body, rows, even)]
    assert blobs.kept == []
    assert [set(one) for one in kept] == [{"at"}, {"at", "path"}, {"at", "path", "pick"}]
    made.forget_root("a/0")
    whole, all_rows, some = (made.load(one, blobs) for one in kept)
    assert whole == body
    assert whole.meta == body.meta
    assert all_rows is whole["rows"]
    assert some == even
    assert some[1] is all_rows[2]


def test_other_lists_are_kept_whole() -> None:
    rows = [{"n": n} for n in range(40)]
    made, blobs = keeper(with_reply(rows, ReplyMeta(200)))
    backwards = rows[::-1]
    changed = [{**row, "x": 1} for row in rows]
    assert set(made.save(backwards, blobs)) == {"v"}
    assert made.load(made.save(changed, blobs), blobs) == changed


@pytest.mark.parametrize(
    "value",
    [
        None,
        12,
        "x" * 2000,
        datetime(2031, 5, 6, tzinfo=UTC),
        Duration(5),
        {"$date": 1, "a": [1, {"$v": None}]},
        [mapped({"a": 1}, {"b": 2})],
    ],
)
def test_values_come_back_as_they_were(value: Any) -> None:
    made, blobs = keeper({})
    back = made.load(made.save(value, blobs), blobs)
    assert back == value
    assert type(back) is type(value)
