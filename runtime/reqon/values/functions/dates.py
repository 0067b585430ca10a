"""Functions about dates and durations. Dates are read from texts and epoch numbers too.

What cannot be read as a date gives null and a run-time warning; a date that leaves the years 1
to 9999 is an error.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from reqon.values.date_format import format_date
from reqon.values.dates import between, from_milliseconds, out_of_range, shift, to_milliseconds
from reqon.values.duration import Duration
from reqon.values.functions.arguments import need_date, need_text
from reqon.values.functions.model import Group
from reqon.values.numbers import Number, even, finite, need_number
from reqon.values.scope import RunFacts
from reqon.values.show import show

DATES = Group()

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
_MONTHS = 12


@DATES.add("now", uses_run=True)
def now(run: RunFacts) -> datetime:
    """The current instant."""
    return run.now()


@DATES.add("today", uses_run=True)
def today(run: RunFacts) -> datetime:
    """The start of the current day in UTC."""
    return run.now().replace(hour=0, minute=0, second=0, microsecond=0)


@DATES.add("parseDate", uses_run=True)
def parse(run: RunFacts, value: Any) -> datetime | None:
    """The date that a text or an epoch number stands for."""
    return need_date(run, value, "parseDate")


@DATES.add("fromUnix", uses_run=True)
def from_unix(run: RunFacts, value: Any) -> datetime | None:
    """The date so many seconds after the start of 1970."""
    number = need_number(value, "fromUnix")
    instant = None if number is None else from_milliseconds(number * _SECOND)
    if instant is None and number is not None:
        run.warn(f"'fromUnix' cannot read {show(number)} as a date: the result is null")
    return instant


@DATES.add("toUnix", uses_run=True)
def to_unix(run: RunFacts, value: Any) -> Number | None:
    """Seconds from the start of 1970."""
    instant = need_date(run, value, "toUnix")
    return None if instant is None else even(to_milliseconds(instant) / _SECOND)


@DATES.add("formatDate", uses_run=True)
def format_by(run: RunFacts, value: Any, pattern: Any) -> str | None:
    """The date as text."""
    instant = need_date(run, value, "formatDate")
    return None if instant is None else format_date(instant, need_text(pattern, "formatDate"))


def _add_part(name: str, part: Callable[[datetime], int]) -> None:
    @DATES.add(name, uses_run=True)
    def _(run: RunFacts, value: Any) -> int | None:
        instant = need_date(run, value, name)
        return None if instant is None else part(instant)


_add_part("year", lambda instant: instant.year)
_add_part("month", lambda instant: instant.month)
_add_part("day", lambda instant: instant.day)
_add_part("hour", lambda instant: instant.hour)
_add_part("minute", lambda instant: instant.minute)
_add_part("second", lambda instant: instant.second)
_add_part("dayOfWeek", lambda instant: instant.isoweekday() % 7)


def _add_shift(name: str, move: Callable[[datetime, Number], datetime]) -> None:
    @DATES.add(name, uses_run=True)
    def _(run: RunFacts, value: Any, amount: Any) -> datetime | None:
        instant, number = need_date(run, value, name), need_number(amount, name)
        return None if instant is None or number is None else move(instant, number)


def _by(milliseconds: int) -> Callable[[datetime, Number], datetime]:
    return lambda instant, number: shift(instant, Duration(milliseconds * number))


def add_months(instant: datetime, months: Number) -> datetime:
    """The same day and time so many months later, or the last day of that month."""
    count = instant.year * _MONTHS + instant.month - 1 + int(months)
    year, month = divmod(count, _MONTHS)
    if not MINYEAR <= year <= MAXYEAR:
        raise out_of_range()
    last = calendar.monthrange(year, month + 1)[1]
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last))


_add_shift("addDays", _by(_DAY))
_add_shift("addHours", _by(_HOUR))
_add_shift("addMinutes", _by(_MINUTE))
_add_shift("addSeconds", _by(_SECOND))
_add_shift("addWeeks", _by(_WEEK))
_add_shift("addMonths", add_months)
_add_shift("addYears", lambda instant, years: add_months(instant, int(years) * _MONTHS))
_add_shift("subtractDays", _by(-_DAY))


def _add_difference(name: str, unit: int) -> None:
    @DATES.add(name, uses_run=True)
    def _(run: RunFacts, later: Any, earlier: Any) -> int | None:
        after, before = need_date(run, later, name), need_date(run, earlier, name)
        if after is None or before is None:
            return None
        milliseconds = int(between(after, before).milliseconds)
        whole = abs(milliseconds) // unit
        return whole if milliseconds >= 0 else -whole


_add_difference("diffDays", _DAY)
_add_difference("diffHours", _HOUR)
_add_difference("diffMinutes", _MINUTE)
_add_difference("diffSeconds", _SECOND)


@DATES.add("isBefore", uses_run=True)
def is_before(run: RunFacts, left: Any, right: Any) -> bool | None:
    """Whether `left` is earlier."""
    first, second = need_date(run, left, "isBefore"), need_date(run, right, "isBefore")
    return None if first is None or second is None else first < second


@DATES.add("isAfter", uses_run=True)
def is_after(run: RunFacts, left: Any, right: Any) -> bool | None:
    """Whether `left` is later."""
    first, second = need_date(run, left, "isAfter"), need_date(run, right, "isAfter")
    return None if first is None or second is None else first > second


@DATES.add("daysAgo", uses_run=True)
def days_ago(run: RunFacts, number: Any) -> datetime | None:
    """So many days before now."""
    days = need_number(number, "daysAgo")
    return None if days is None else shift(run.now(), Duration(_DAY * days), -1)


@DATES.add("daysFromNow", uses_run=True)
def days_from_now(run: RunFacts, number: Any) -> datetime | None:
    """So many days after now."""
    days = need_number(number, "daysFromNow")
    return None if days is None else shift(run.now(), Duration(_DAY * days))


def _add_duration(name: str, unit: int) -> None:
    @DATES.add(name)
    def _(number: Any) -> Duration | None:
        count = need_number(number, name)
        return None if count is None else Duration(finite(count * unit))


_add_duration("seconds", _SECOND)
_add_duration("minutes", _MINUTE)
_add_duration("hours", _HOUR)
_add_duration("days", _DAY)
_add_duration("weeks", _WEEK)
