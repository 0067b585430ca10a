"""Reads the texts of schedules: `cron` expressions and the moments of `at`.

Pure: knows no clock and no time zone database. The rules turn the problems into diagnostics, the
scheduler asks a `Cron` whether a minute is due.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import TypeAlias

from vague.text import Span

# ---------------------------------------------------------------- cron


@dataclass(frozen=True, slots=True)
class CronField:
    """One of the five fields: its name in messages and the values that it may take."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


FIELDS = (
    CronField("minute", 0, 59),
    CronField("hour", 0, 23),
    CronField("day-of-month", 1, 31),
    CronField(
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    CronField("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression; `weekdays` count from 0 (Sunday) to 6. All fields must match."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def matches_day(self, day: date) -> bool:
        """Whether the expression is due at some time of this day."""
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )

    def matches(self, moment: datetime) -> bool:
        """Whether the minute of this local time is due."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and self.matches_day(moment.date())
        )

    @property
    def can_match(self) -> bool:
        """Whether any date matches: the 31st exists, but not in every month.

        A date that exists falls on every weekday in some year, 29 February included.
        """
        first = min(self.days)
        return any(first <= _LONGEST_MONTH[month - 1] for month in self.months)


@dataclass(frozen=True, slots=True)
class CronProblem:
    """What is wrong with an expression; `span` counts from its first character.

    `replacement` is a text for `span` that is right, where there is an obvious one.
    """

    span: Span
    message: str
    replacement: str | None = None


def parse_cron(text: str) -> Cron | tuple[CronProblem, ...]:
    """Read five fields separated by white space, or say all that is wrong with them."""
    words = list(re.finditer(r"\S+", text))
    if len(words) != len(FIELDS):
        return (_wrong_number_of_fields(text, words),)
    problems: list[CronProblem] = []
    sets: list[frozenset[int]] = []
    for field, word in zip(FIELDS, words, strict=True):
        values: set[int] = set()
        at = word.start()
        for part in word[0].split(","):
            found = _part(field, part, at)
            if isinstance(found, CronProblem):
                problems.append(found)
            else:
                values.update(found)
            at += len(part) + 1
        sets.append(frozenset(values))
    if problems:
        return tuple(problems)
    minutes, hours, days, months, weekdays = sets
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays))


def _wrong_number_of_fields(text: str, words: list[re.Match[str]]) -> CronProblem:
    named = _MACROS.get(text.strip().lower())
    if named is not None:
        return CronProblem(
            Span(0, len(text)), f"cron shorthand '{text.strip()}' is not supported", named
        )
    names = ", ".join(field.name for field in FIELDS)
    message = f"cron expression has {len(words)} fields, not 5 ({names})"
    if len(words) == len(FIELDS) + 1 and words[0][0] == "0":
        rest = text[words[1].start() :]
        return CronProblem(Span(0, len(text)), f"{message}: seconds are not supported", rest)
    return CronProblem(Span(0, len(text)), message)


_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART = re.compile(r"(?:(?P<all>\*)|(?P<low>\d+)(?:-(?P<high>\d+))?)(?:/(?P<step>\d+))?")
_NAMED = re.compile(r"[A-Za-z]{3,}(?:-[A-Za-z]{3,})?")


def _part(field: CronField, part: str, at: int) -> range | CronProblem:
    """The values of one part of a list, such as `1-5/2`."""
    span = Span(at, at + len(part))
    found = _PART.fullmatch(part)
    if found is None:
        return _unreadable(field, part, span)
    low, high = _bounds(field, found)
    for value in (low, high):
        if not field.low <= value <= field.high:
            allowed = f"{field.low}-{field.high}"
            return CronProblem(span, f"{field.name} field '{part}' is outside {allowed}")
    if low > high:
        message = f"{field.name} field '{part}' runs backwards"
        return CronProblem(span, message, _wrapped(field, low, high, part))
    step = int(found["step"] or 1)
    if step == 0:
        return CronProblem(span, f"{field.name} field '{part}' has a step of 0")
    return range(low, high + 1, step)


def _bounds(field: CronField, found: re.Match[str]) -> tuple[int, int]:
    if found["all"]:
        return field.low, field.high
    low = _small(found["low"])
    if found["high"]:
        return low, _small(found["high"])
    return low, field.high if found["step"] else low


def _small(digits: str) -> int:
    """The number, cut to what is certainly too large: a text may hold thousands of digits."""
    return int(digits[:9])


def _unreadable(field: CronField, part: str, span: Span) -> CronProblem:
    message = f"{field.name} field '{part}' is not a number, range, list or step"
    if field.words and _NAMED.fullmatch(part):
        numbers = [_numbered(field, word) for word in part.split("-")]
        if None not in numbers:
            return CronProblem(span, message, "-".join(map(str, numbers)))
    return CronProblem(span, message, "*" if part == "?" else None)


def _numbered(field: CronField, word: str) -> int | None:
    short = word.lower()[:3]
    return field.words.index(short) + field.low if short in field.words else None


def _wrapped(field: CronField, low: int, high: int, part: str) -> str | None:
    """`22-2` as `22-23,0-2`; a step would not survive it."""
    return None if "/" in part else f"{low}-{field.high},{field.low}-{high}"


# ---------------------------------------------------------------- at


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at this local time."""

    at: time


@dataclass(frozen=True, slots=True)
class Once:
    """One moment; naive where the text has no zone: then the mission's zone counts."""

    at: datetime

    def is_past(self, now: datetime) -> bool:
        """Whether the moment lies before `now` (aware), in whatever zone a naive one is meant."""
        if self.at.tzinfo is None:
            return self.at.replace(tzinfo=_EARLIEST_TO_END) < now
        return self.at < now


_EARLIEST_TO_END = timezone(timedelta(hours=-12))
"""A day ends last in this zone, so what is past here is past everywhere."""

Moment: TypeAlias = Daily | Once

_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_INSTANT = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[Tt ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)"
    r"\s*(?P<zone>Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?)?"
)


def parse_at(text: str) -> Moment | None:
    """Read `HH:MM`, an ISO 8601 instant, or `YYYY-MM-DD HH:MM[:SS]` with ` UTC` or an offset."""
    text = text.strip()
    daily = _TIME.fullmatch(text)
    if daily is not None:
        hour, minute = int(daily[1]), int(daily[2])
        return Daily(time(hour, minute)) if hour < 24 and minute < 60 else None
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    zone = (found["zone"] or "").upper()
    zone = "+00:00" if zone in ("Z", "UTC") else zone
    try:
        return Once(datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}{zone}"))
    except ValueError:
        return None
