"""Functions about numbers. A numeric text counts as its number everywhere."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any

from reqon.errors import RunError
from reqon.values.functions.arguments import need_text, need_whole
from reqon.values.functions.model import Group
from reqon.values.numbers import (
    LONGEST_NUMBER,
    Number,
    even,
    finite,
    is_number,
    need_number,
    parse_number,
    too_large,
)
from reqon.values.scope import RunFacts

NUMBERS = Group()

_MOST_DIGITS = 300
_EXACT = Context(prec=2 * LONGEST_NUMBER)


@NUMBERS.add("round")
def round_number(value: Any, digits: Any = None) -> Number | None:
    """To the nearest, halves away from zero."""
    return _rounded(value, digits, ROUND_HALF_UP, "round")


@NUMBERS.add("floor")
def floor(value: Any, digits: Any = None) -> Number | None:
    """Down, toward minus infinity."""
    return _rounded(value, digits, ROUND_FLOOR, "floor")


@NUMBERS.add("ceil")
def ceil(value: Any, digits: Any = None) -> Number | None:
    """Up, toward infinity."""
    return _rounded(value, digits, ROUND_CEILING, "ceil")


def _rounded(value: Any, digits: Any, mode: str, function: str) -> Number | None:
    number = need_number(value, function)
    places = 0 if digits is None else need_whole(digits, function, "number of digits")
    if number is None or (isinstance(number, int) and places >= 0):
        return number
    if isinstance(number, float) and number.is_integer() and places >= 0:
        return even(number)
    # The decimal text of a float is what people mean by it: 2.675 to two places is 2.68.
    places = max(-_MOST_DIGITS, min(_MOST_DIGITS, places))
    step = Decimal(1).scaleb(-places)
    rounded = Decimal(repr(number)).quantize(step, rounding=mode, context=_EXACT)
    return int(rounded) if places <= 0 else even(float(rounded))


@NUMBERS.add("abs")
def absolute(value: Any) -> Number | None:
    """Without its sign."""
    number = need_number(value, "abs")
    return None if number is None else abs(number)


@NUMBERS.add("sqrt")
def square_root(value: Any) -> Number | None:
    """The square root; null for a negative number."""
    number = need_number(value, "sqrt")
    return None if number is None or number < 0 else even(math.sqrt(number))


@NUMBERS.add("pow", uses_run=True)
def power(run: RunFacts, value: Any, exponent: Any) -> Number | None:
    """The power; null where it is no real number."""
    base, by = need_number(value, "pow"), need_number(exponent, "pow")
    if base is None or by is None:
        return None
    if base == 0 and by < 0:
        run.warn("division by zero: a negative power of 0 is null")
        return None
    if isinstance(base, int) and isinstance(by, int) and by >= 0:
        return _whole_power(base, by)
    result: Any = base**by
    return finite(result) if is_number(result) else None


def _whole_power(base: int, by: int) -> int:
    if abs(base) > 1 and by * math.log10(abs(base)) > LONGEST_NUMBER:
        raise too_large()
    return base**by


@NUMBERS.add("parseDecimal")
def parse_decimal(value: Any) -> Number | None:
    """The number that a text spells, spaces and thousands commas ignored."""
    if is_number(value):
        return value
    if isinstance(value, bool):
        raise RunError("function", "'parseDecimal' needs a string or a number, got a boolean")
    text = need_text(value, "parseDecimal")
    return parse_number("".join(text.split()).replace(",", ""))
