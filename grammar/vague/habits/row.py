"""What a row of the tables is, and the pieces that their regular expressions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Habit(NamedTuple):
    """A row: regular expressions for the text `here` and `before` it, and what to write.

    A group `blame` of `before` is what the message is about, in place of the token that was found.
    `better` replaces all from there, or from a group `start`, to the end of `here`; the blamed text
    alone where `here` matches nothing. Hint, `better` and message are formats over the groups.
    """

    here: str
    hint: str
    better: str | None = None
    before: str = ""
    message: str = ""


STRING: Final = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
LITERAL: Final = rf"(?:{STRING}|-?\d[\w.]*|true\b|false\b|null\b)"
WAY: Final = r"(?:[\w.]|\[[^\[\]\n]*\])+"
ARROW: Final = r"[ \t]*(?:->|=>|\bwhere\b)"
GAP: Final = r"(?:\s|//[^\n]*|\#[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*"
UNITS: Final[Mapping[str, str]] = {
    "d": "days",
    "h|hr|hrs": "hours",
    "m|min|mins": "minutes",
    "s|sec|secs": "seconds",
    "w|wk|wks": "weeks",
}
"""Short forms of the units of time, as alternatives, and what they are."""
