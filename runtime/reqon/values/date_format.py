"""Dates as text by a pattern of tokens, such as `YYYY-MM-DD [at] HH:mm`; UTC and English."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

from reqon.values.dates import to_milliseconds

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ABBREVIATED = 3
_NOON = 12

Part = Callable[[datetime], str]

TOKENS: Final[dict[str, Part]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: MONTHS[at.month - 1],
    "MMM": lambda at: MONTHS[at.month - 1][:_ABBREVIATED],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: str(at.day),
    "dddd": lambda at: DAYS[at.isoweekday() % 7],
    "ddd": lambda at: DAYS[at.isoweekday() % 7][:_ABBREVIATED],
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{_half_day_hour(at):02}",
    "h": lambda at: str(_half_day_hour(at)),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "A": lambda at: "AM" if at.hour < _NOON else "PM",
    "a": lambda at: "am" if at.hour < _NOON else "pm",
    "Z": lambda _: "+00:00",
    "X": lambda at: str(to_milliseconds(at) // 1000),
    "x": lambda at: str(to_milliseconds(at)),
}
"""Every token and what it writes; at one place the longest token counts."""

_TOKEN = re.compile(r"\[([^\]]*)\]|" + "|".join(sorted(TOKENS, key=len, reverse=True)))


def format_date(instant: datetime, pattern: str) -> str:
    """`instant` (UTC) by `pattern`; text in `[…]` and all other characters stay as they are."""
    return "".join(part if isinstance(part, str) else part(instant) for part in _parts(pattern))


def has_tokens(pattern: str) -> bool:
    """Whether `pattern` shows anything of a date."""
    return any(not isinstance(part, str) for part in _parts(pattern))


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str | Part, ...]:
    parts: list[str | Part] = []
    end = 0
    for found in _TOKEN.finditer(pattern):
        parts.append(pattern[end : found.start()])
        parts.append(TOKENS[found[0]] if found[1] is None else found[1])
        end = found.end()
    parts.append(pattern[end:])
    return tuple(parts)


def _half_day_hour(instant: datetime) -> int:
    return instant.hour % _NOON or _NOON
