"""Operators, units and strings of other languages, wherever a value stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vague.habits.row import ARROW, LITERAL, STRING, UNITS, WAY, Habit

_OPERATORS: Final = {
    "eq|equals": "==",
    "ne|neq": "!=",
    "gt": ">",
    "lt": "<",
    "gte|ge": ">=",
    "lte|le": "<=",
    "mod": "%",
    "div": "/",
    "instanceof": "is",
    "isnt|isnot": "is not",
    "includes|has": "contains",
    "plus": "+",
    "minus": "-",
    "times": "*",
}


def _words() -> Iterator[Habit]:
    """Operators and units behind a value."""
    for words, operator in _OPERATORS.items():
        here = rf"(?:{words})\b(?=[ \t]+[^\s:=-])"
        yield Habit(here, f"write '{operator}'", operator, r"[\w\"')\]][ \t]+")
    for words, unit in UNITS.items():
        yield Habit(
            rf"(?P<unit>{words})\b(?![ \t]*:)",
            f"write '{{n}} {unit}'",
            unit,
            r"(?<![\w.])(?P<n>\d+)[ \t]+",
            "unknown time unit '{unit}'",
        )


EVERYWHERE: Final = (
    *_words(),
    Habit(
        r"(?P<unit>months?|years?)\b",
        "its length varies: write days, or 'addMonths(date, {n})'",
        None,
        r"(?<![\w.])(?P<n>\d+)[ \t]+",
        "unknown time unit '{unit}'",
    ),
    Habit(r"like\b", "write 'contains', 'startsWith' or 'matches(…)'", None, r"\S[ \t]+"),
    Habit(
        r"between[ \t]+(?P<a>\S+)[ \t]+and[ \t]+(?P<b>[^\s){]+)",
        "write '{value} >= {a} and {value} <= {b}'",
        "{value} >= {a} and {value} <= {b}",
        rf"(?P<start>(?<![\w.])(?P<value>\.?{WAY})[ \t]+)",
        "expected an operator, found 'between'",
    ),
    Habit(r"::", "write '.'", ".", r"\w", "expected '.', found '::'"),
    Habit(
        r"(?P<m>\d{3})\b(?!\.)",
        "write the number without separators: '{n}{m}'",
        "{n}{m}",
        r"(?<![\w.,\[(])(?P<blame>(?P<n>\d{1,3}),)",
        "malformed number '{n},{m}'",
    ),
    Habit(
        rf"(?P<b>{LITERAL})",
        "write the list in brackets: 'in [{a}, {b}]'",
        "in [{a}, {b}]",
        rf"\b(?P<blame>in[ \t]+(?P<a>{LITERAL}),[ \t]*)",
        "expected an array behind 'in'",
    ),
    Habit(
        rf"\.\.+=?[ \t]*(?P<b>-?\d[\w.]*)(?=[^\n{{}}]*\}}{ARROW})",
        "bind it and ask: '{{ {key}: {key} }} where {key} >= {a} and {key} <= {b}'",
        None,
        r"(?P<key>\w+)[ \t]*:[ \t]*(?P<blame>(?P<a>-?\d+)[ \t]*)",
        "a pattern has no range '{a}..{b}'",
    ),
    Habit(
        rf"\.\.+=?[ \t]*(?P<b>-?\d[\w.]*)(?={ARROW})",
        "write 'value where value >= {a} and value <= {b}'",
        "value where value >= {a} and value <= {b}",
        r"(?P<blame>(?P<a>-?\d+)[ \t]*)",
        "a pattern has no range '{a}..{b}'",
    ),
    Habit(
        r"\.\.+=?[ \t]*(?P<b>[\w.]+)",
        "write 'range({a}, {b})'",
        "range({a}, {b})",
        r"(?<![\w.])(?P<blame>(?P<a>\d+)[ \t]*)",
        "expected a value, found '{a}..{b}'",
    ),
    Habit(r"\.\.(?=[A-Za-z_])", "write one '.'", ".", r"\w", "expected '.', found '..'"),
    Habit(
        rf"(?P<b>{STRING})",
        "strings have no prefix; join texts with 'concat(…)' or '+'",
        None,
        r"(?P<blame>\b[fFrRbBuU])",
        "unexpected '{blame}' before a string",
    ),
    Habit(
        STRING,
        r"write the text between one pair of quotes, on one line; '\n' is a line break",
        None,
        r"""(?P<blame>(?<!["'\w])(?:""|''))""",
        "string of another language '{blame}{quote}…'",
    ),
)
