"""The time of the last sync as services want to read it.

Pure; the engine reads and keeps the time itself. Which one is sent: the last sync less the
overlap that the program asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from reqon.clock import format_instant

ALIASES = {"ISO": "iso", "timestamp": "unix", "epoch": "unix-ms", "YYYY-MM-DD": "date-only"}


def since_value(
    instant: datetime,
    form: str,
    format_date: Callable[[datetime, str], str],
    overlap_ms: float = 0,
) -> str | int:
    """The parameter's value: ISO 8601, epoch seconds or milliseconds, a date, or by a pattern.

    Seconds and dates are rounded down, so that nothing falls between two syncs.
    `format_date(instant, pattern)` writes all other forms.
    """
    moment = (instant - timedelta(milliseconds=overlap_ms)).astimezone(UTC)
    match ALIASES.get(form, form):
        case "iso":
            return format_instant(moment)
        case "unix":
            return _milliseconds(moment) // 1000
        case "unix-ms":
            return _milliseconds(moment)
        case "date-only":
            return moment.date().isoformat()
        case pattern:
            return format_date(moment, pattern)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
