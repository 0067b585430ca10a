"""Strings and numbers: from the characters as written to the values.

What is malformed is reported and still given a value, so that the rest of the program is read.
"""

from __future__ import annotations

import math
import re
from typing import Final

from vague.ast.base import Identifier
from vague.ast.expressions import (
    UNIT_MILLISECONDS,
    DurationLiteral,
    NumberLiteral,
    StringLiteral,
)
from vague.build.reader import Reader
from vague.diagnostics import Fix, TextEdit
from vague.peg import Tree
from vague.suggestions import nearest
from vague.text import Span

_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|(u\{[^}\"'\s]{0,8}\}?|.|$))", re.DOTALL
)
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"} | {c: c for c in "\\/\"'"}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MOST_DIGITS: Final = 4300
_SHORT_UNITS: Final = {
    "d": "days",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "m": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "s": "seconds",
    "sec": "seconds",
    "secs": "seconds",
    "w": "weeks",
}

# ---------------------------------------------------------------- strings


def string(reader: Reader, tree: Tree) -> StringLiteral:
    """A string with its escapes resolved."""
    text = reader.written(tree)
    return StringLiteral(reader.span(tree), value_of(reader, tree), text)


def value_of(reader: Reader, tree: Tree) -> str:
    """The value of a string; a wrong escape is reported and stands for itself."""
    text = reader.written(tree)
    closed = len(text) > 1 and text[0] == text[-1]
    inner = text[1:-1] if closed else text[1:]
    if "\\" not in inner:
        return inner
    return _ESCAPE.sub(lambda match: _unescaped(reader, tree.start + 1, match), inner)


def _unescaped(reader: Reader, offset: int, match: re.Match[str]) -> str:
    braced, fixed, simple = match.groups()
    digits = braced or fixed
    if digits is not None and int(digits, 16) <= 0x10FFFF:
        return chr(int(digits, 16))
    if simple in _SIMPLE:
        return _SIMPLE[simple]
    start = offset + match.start()
    written = match.group()
    edit = TextEdit(Span(start, start), "\\")
    reader.report(
        "RQ004", start, start + len(written), f"unknown escape '{written}'",
        "write '\\\\' for a backslash", (Fix("escape the backslash", (edit,)),),
    )  # fmt: skip
    return written


# ---------------------------------------------------------------- numbers


_OTHER_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+")


def number(reader: Reader, tree: Tree) -> NumberLiteral | DurationLiteral:
    """A number: an `int` without fraction and exponent, else a `float`.

    `7days` is reported and read as the duration that it was meant to be.
    """
    text = reader.written(tree)
    value = number_value(reader, tree.start, text)
    match = _NUMBER.match(text)
    length = len(text) if match is None else match.end()
    if text[length:] not in UNIT_MILLISECONDS:
        return NumberLiteral(reader.span(tree), value, text)
    start, end = reader.span(tree)
    literal = NumberLiteral(Span(start, start + length), value, text[:length])
    return DurationLiteral(Span(start, end), literal, text[length:])


def glued_parts(reader: Reader, tree: Tree) -> tuple[bool, NumberLiteral, Identifier]:
    """Sign, number and unit of `5minutes`, which is reported."""
    text = reader.written(tree)
    begin = len(text) - len(text.lstrip("- \t"))
    match = _NUMBER.match(text, begin)
    stop = begin if match is None else match.end()
    start = tree.start - reader.base
    value = number_value(reader, tree.start + begin, text[begin:])
    literal = NumberLiteral(Span(start + begin, start + stop), value, text[begin:stop])
    unit = Identifier(Span(start + stop, start + len(text)), text[stop:])
    return text.startswith("-"), literal, unit


def number_value(reader: Reader, start: int, text: str) -> int | float:
    """The value of the number that is written at `start`; RQ005 where it is malformed."""
    match = _NUMBER.match(text)
    if match is None or match.end() < len(text):
        _malformed(reader, start, text, 0 if match is None else match.end())
    if match is None:
        return 0
    if match.group(1) is not None or match.group(2) is not None:
        return _fraction(reader, start, match.group())
    if match.end() > _MOST_DIGITS:
        reader.report(
            "RQ005", start, start + match.end(), f"number has more than {_MOST_DIGITS} digits"
        )
        return 0
    return int(match.group())


def _fraction(reader: Reader, start: int, text: str) -> float:
    value = float(text)
    if math.isinf(value):
        reader.report("RQ005", start, start + len(text), f"number '{_short(text)}' is too large")
        return 0.0
    return value


def _malformed(reader: Reader, start: int, text: str, good: int) -> None:
    end = start + len(text)
    hint, better = _better(text, good)
    fixes: tuple[Fix, ...] = ()
    if better is not None:
        known = better.split()[-1] in UNIT_MILLISECONDS or " " not in better
        fixes = (Fix(f"write '{better}'", (TextEdit(Span(start, end), better),), known),)
    reader.report("RQ005", start, end, f"malformed number '{_short(text)}'", hint, fixes)


def _better(text: str, good: int) -> tuple[str | None, str | None]:
    """A hint, and what was probably meant."""
    digits, rest = text[:good], text[good:]
    if not rest.isidentifier():
        return _better_digits(text, digits, rest)
    if _OTHER_BASE.fullmatch(text):
        return "write the number in decimals", str(int(text, 0))
    if "_" in rest and text.replace("_", "").isdecimal():
        return "write the digits without separators", text.replace("_", "")
    if rest in ("e", "E"):
        return "write digits behind the exponent", f"{digits}{rest}0"
    unit = _SHORT_UNITS.get(rest.lower()) or nearest(rest, UNIT_MILLISECONDS)
    if rest in UNIT_MILLISECONDS:
        unit = rest
    if digits and unit is not None and rest.isalpha():
        return f"write '{digits} {unit}'", f"{digits} {unit}"
    return "put a space behind the number", f"{digits} {rest}" if digits else None


def _better_digits(text: str, digits: str, rest: str) -> tuple[str | None, str | None]:
    """The same for a number whose points, separators or signs are wrong."""
    if text.startswith("."):
        return "write a digit before the point", f"0{text}" if text[1:].isdecimal() else None
    if rest == ".":
        return "write a digit behind the point", digits
    if "_" in rest and text.replace("_", "").isdecimal():
        return "write the digits without separators", text.replace("_", "")
    return "a number has one point at the most", None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
