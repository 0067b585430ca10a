"""Dates: an instant in UTC, cut to milliseconds; reading, writing and moving them.

Dates are plain `datetime` values with the zone UTC. Nothing here knows the clock. What looks
like a date is decided by `parse_iso` alone, so that comparison, arithmetic and schemas agree.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from reqon.errors import RunError
from reqon.values.duration import Duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_SECONDS_LIMIT = 10**11

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_SHORTEST_ISO = len("2031-05-06")
_SLASH_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_RFC_2822 = re.compile(r"(?:[A-Za-z]{3}, *)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d")


def parse_iso(text: str) -> datetime | None:
    """Read an ISO 8601 date or date-time; without a zone it is UTC. None when it is none."""
    if len(text) < _SHORTEST_ISO or text[4] != "-" or _ISO.fullmatch(text) is None:
        return None
    try:
        return normalized(datetime.fromisoformat(text.upper().replace(",", ".")))
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> datetime | None:
    """Read ISO 8601, RFC 2822 (`Tue, 6 May 2031 07:08:09 GMT`) or `/Date(ms)/`."""
    text = text.strip()
    instant = parse_iso(text)
    if instant is not None:
        return instant
    if slashes := _SLASH_DATE.fullmatch(text):
        return from_milliseconds(int(slashes[1]))
    if _RFC_2822.match(text) is None:
        return None
    try:
        return normalized(parsedate_to_datetime(text))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def normalized(instant: datetime) -> datetime:
    """The instant in UTC, cut to milliseconds; raises `OverflowError` outside years 1-9999."""
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    extra = instant.microsecond % 1000
    return instant.replace(microsecond=instant.microsecond - extra) if extra else instant


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return (instant - EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int | float) -> datetime | None:
    """The instant that many milliseconds after 1970; None outside years 1-9999."""
    try:
        return EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        return None


def from_epoch(number: int | float) -> datetime | None:
    """An epoch number: seconds when it is below 10^11, else milliseconds."""
    if abs(number) < _EPOCH_SECONDS_LIMIT:
        number *= 1000
    return from_milliseconds(number)


def shift(instant: datetime, duration: Duration, sign: int = 1) -> datetime:
    """`instant` moved by `duration`; raises `RunError` (type) outside years 1-9999."""
    moved = from_milliseconds(to_milliseconds(instant) + sign * duration.milliseconds)
    if moved is None:
        raise out_of_range()
    return moved


def between(later: datetime, earlier: datetime) -> Duration:
    """The time from `earlier` to `later`."""
    return Duration((later - earlier) // _MILLISECOND)


def as_date(value: Any) -> datetime | None:
    """A date value, or the date that an ISO text spells; None for all others."""
    if isinstance(value, datetime):
        return value
    return parse_iso(value) if isinstance(value, str) else None


def out_of_range() -> RunError:
    """The error of a date that cannot be represented."""
    return RunError(
        "type",
        "the date is out of range: years 1 to 9999 can be represented",
        hint="check the number that is added to the date",
    )
