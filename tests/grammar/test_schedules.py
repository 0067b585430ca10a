"""Cron expressions and moments: what they match, and what cannot be one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vague.schedules import Cron, Daily, Once, parse_at, parse_cron


def local(*parts: int) -> datetime:
    """A time without a zone: as a clock on the wall shows it."""
    return datetime(*parts)  # noqa: DTZ001 - what is tested is the lack of a zone


def cron(text: str) -> Cron:
    found = parse_cron(text)
    assert isinstance(found, Cron), found
    return found


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("*/20 * * * *", "minutes", {0, 20, 40}),
        ("5,7-9 * * * *", "minutes", {5, 7, 8, 9}),
        ("50/4 * * * *", "minutes", {50, 54, 58}),
        ("0 8-18/5 * * *", "hours", {8, 13, 18}),
        ("0 0 31 * *", "days", {31}),
        ("0 0 * 2,11 *", "months", {2, 11}),
        ("0 0 * * 0,7", "weekdays", {0}),
        ("0 0 * * 5-7", "weekdays", {5, 6, 0}),
        ("  0   0 * * *  ", "hours", {0}),
    ],
)
def test_the_values_of_a_field(text: str, field: str, values: set[int]):
    assert getattr(cron(text), field) == values


@pytest.mark.parametrize(
    ("text", "moment", "due"),
    [
        ("30 9 * * *", local(2030, 5, 4, 9, 30), True),
        ("30 9 * * *", local(2030, 5, 4, 9, 31), False),
        ("0 9 1-7 * 1", local(2030, 5, 6, 9, 0), True),
        ("0 9 1-7 * 1", local(2030, 5, 13, 9, 0), False),
        ("0 9 1-7 * 1", local(2030, 5, 7, 9, 0), False),
        ("0 0 * * 7", local(2030, 5, 5, 0, 0), True),
    ],
)
def test_all_fields_must_match(text: str, moment: datetime, due: bool):
    assert cron(text).matches(moment) is due


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("0 0 29 2 *", True),
        ("0 0 29 2 1", True),
        ("0 0 30 2 *", False),
        ("0 0 31 4,6 *", False),
        ("0 0 31 4,5 *", True),
        ("0 0 30,1 2 *", True),
    ],
)
def test_whether_any_date_matches(text: str, possible: bool):
    assert cron(text).can_match is possible
    start = date(2024, 1, 1)
    days = (start + timedelta(days=n) for n in range(366 * 40))
    assert any(map(cron(text).matches_day, days)) is possible


@pytest.mark.parametrize(
    "text", ["", "* * * *", "a * * * *", "60 * * * *", "* * 0 * *", "1- * * * *"]
)
def test_what_is_no_cron_expression(text: str):
    assert not isinstance(parse_cron(text), Cron)


@given(st.text(alphabet="0123456789*/,- abcMON@?", max_size=30))
def test_any_text_is_a_cron_expression_or_has_problems_inside_of_it(text: str):
    found = parse_cron(text)
    if not isinstance(found, Cron):
        assert found
        for problem in found:
            assert 0 <= problem.span.start <= problem.span.end <= len(text)
            if problem.replacement is not None:
                start, end = problem.span
                again = parse_cron(text[:start] + problem.replacement + text[end:])
                assert isinstance(again, Cron) or len(again) < len(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:05", Daily(time(9, 5))),
        ("9:05", Daily(time(9, 5))),
        ("2031-05-06T07:08:09Z", Once(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))),
        ("2031-05-06 07:08", Once(local(2031, 5, 6, 7, 8))),
        ("2031-05-06 07:08 UTC", Once(datetime(2031, 5, 6, 7, 8, tzinfo=UTC))),
        ("2031-05-06", Once(local(2031, 5, 6))),
        (
            "2031-05-06 07:08:09 +02:30",
            Once(datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2, minutes=30)))),
        ),
        (
            "2031-05-06T07:08-05",
            Once(datetime(2031, 5, 6, 7, 8, tzinfo=timezone(timedelta(hours=-5)))),
        ),
        ("24:00", None),
        ("12:60", None),
        ("2031-13-01", None),
        ("2031-02-29", None),
        ("2031-05-06 07:08 CET", None),
        ("noon", None),
        ("", None),
    ],
)
def test_moments(text: str, expected: Daily | Once | None):
    assert parse_at(text) == expected


def test_a_moment_without_a_zone_is_past_when_it_is_past_everywhere():
    now = datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert not Once(local(2030, 1, 1, 0, 0)).is_past(now)
    assert Once(local(2029, 12, 31, 23, 59)).is_past(now)
    assert Once(datetime(2030, 1, 1, 11, 59, tzinfo=UTC)).is_past(now)
    assert not Once(datetime(2030, 1, 1, 12, 1, tzinfo=UTC)).is_past(now)
