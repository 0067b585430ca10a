"""Arithmetic in its general form: numbers, texts, dates, durations, null and arrays.

Null makes the result null. Arrays combine element by element, an array and a single value by
spreading the value. Division by zero is null with a warning, a pair that has no meaning is an
error of kind `type`.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from reqon.errors import RunError
from reqon.values.dates import as_date, between, parse_iso, shift
from reqon.values.duration import Duration
from reqon.values.numbers import Number, as_number, even, finite, is_number
from reqon.values.operators import unsupported
from reqon.values.scope import RunFacts
from reqon.values.show import described
from reqon.values.text import text_of

Combine = Callable[[Any, Any], Any]

_UNIT_HINT = "write the unit of a time, such as '3 days'"
_TEXT_HINT = "turn a text into a number with 'toNumber', or join texts with '+' or 'concat'"


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    if is_number(left) and is_number(right):
        return finite(left + right)
    if left is None or right is None:
        text = isinstance(left, str) or isinstance(right, str)
        return text_of(left) + text_of(right) if text else None
    moved = _add_times(left, right)
    if moved is not None:
        return moved
    if isinstance(left, str) or isinstance(right, str):
        return text_of(left) + text_of(right)
    if isinstance(left, list) or isinstance(right, list):
        return _element_wise(add, "+", left, right)
    raise unsupported("+", left, right, _hint(left, right))


def _add_times(left: Any, right: Any) -> datetime | Duration | None:
    """The sum where one side is a duration and the other a duration or a date."""
    if isinstance(left, Duration):
        if isinstance(right, Duration):
            return _duration(left.milliseconds + right.milliseconds)
        left, right = right, left
    if not isinstance(right, Duration):
        return None
    date = as_date(left)
    return None if date is None else shift(date, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`; a numeric text counts as its number."""
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        return _element_wise(subtract, "-", left, right)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return _duration(left.milliseconds - right.milliseconds)
    if isinstance(left, datetime | Duration) or isinstance(right, datetime | Duration):
        return _subtract_times(left, right)
    pair = _numbers(left, right)
    if pair is None:
        raise unsupported("-", left, right, _hint(left, right))
    return finite(pair[0] - pair[1])


def _subtract_times(left: Any, right: Any) -> datetime | Duration:
    date = as_date(left)
    if date is not None and isinstance(right, Duration):
        return shift(date, right, -1)
    other = as_date(right)
    if date is None or other is None:
        raise unsupported("-", left, right, _hint(left, right))
    return between(date, other)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`; a numeric text counts as its number."""
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        return _element_wise(multiply, "*", left, right)
    if isinstance(left, Duration) or isinstance(right, Duration):
        return _scaled(left, right)
    pair = _numbers(left, right)
    if pair is None:
        raise unsupported("*", left, right, _hint(left, right))
    return finite(pair[0] * pair[1])


def _scaled(left: Any, right: Any) -> Duration:
    duration, factor = (left, right) if isinstance(left, Duration) else (right, left)
    number = as_number(factor)
    if number is None:
        raise unsupported("*", left, right)
    return _duration(duration.milliseconds * number)


def divide(run: RunFacts, left: Any, right: Any) -> Any:
    """`left / right`; whole where it comes out even; by zero it is null, with a warning."""
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        return _element_wise(lambda a, b: divide(run, a, b), "/", left, right)
    if isinstance(left, Duration):
        return _divided_duration(run, left, right)
    pair = _numbers(left, right)
    if pair is None:
        raise unsupported("/", left, right, _hint(left, right))
    return quotient(run, pair[0], pair[1])


def quotient(run: RunFacts, left: Number, right: Number) -> Number | None:
    """The quotient of two numbers, whole where it comes out even."""
    if right == 0:
        return _by_zero(run, "/", left)
    if isinstance(left, int) and isinstance(right, int):
        whole, rest = divmod(left, right)
        return left / right if rest else whole
    return even(float(finite(left / right)))


def _divided_duration(run: RunFacts, left: Duration, right: Any) -> Any:
    if isinstance(right, Duration):
        return quotient(run, left.milliseconds, right.milliseconds)
    number = as_number(right)
    if number is None:
        raise unsupported("/", left, right)
    milliseconds = quotient(run, left.milliseconds, number)
    return None if milliseconds is None else Duration(milliseconds)


def modulo(run: RunFacts, left: Any, right: Any) -> Any:
    """`left % right`, with the sign of `left`; by zero it is null, with a warning."""
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        return _element_wise(lambda a, b: modulo(run, a, b), "%", left, right)
    pair = _numbers(left, right)
    if pair is None:
        raise unsupported("%", left, right, _hint(left, right))
    number, by = pair
    if by == 0:
        return _by_zero(run, "%", number)
    if isinstance(number, int) and isinstance(by, int):
        rest = abs(number) % abs(by)
        return -rest if number < 0 else rest
    return math.fmod(number, by) + 0.0


def negate(value: Any) -> Any:
    """`-value`; a numeric text counts as its number."""
    if value is None:
        return None
    if isinstance(value, list):
        return [negate(element) for element in value]
    if isinstance(value, Duration):
        return Duration(-value.milliseconds)
    number = as_number(value)
    if number is None:
        raise RunError("type", f"'-' needs a number, found {described(value)}", hint=_TEXT_HINT)
    return 0 if number == 0 else -number


def keep_sign(value: Any) -> Any:
    """`+value`: the value itself, if it is a number, a duration, null or an array of them."""
    if value is None or is_number(value) or isinstance(value, Duration):
        return value
    if isinstance(value, list):
        return [keep_sign(element) for element in value]
    raise RunError("type", f"'+' needs a number, found {described(value)}", hint=_TEXT_HINT)


def _numbers(left: Any, right: Any) -> tuple[Number, Number] | None:
    first, second = as_number(left), as_number(right)
    return None if first is None or second is None else (first, second)


def _duration(milliseconds: Number) -> Duration:
    return Duration(finite(milliseconds))


def _by_zero(run: RunFacts, operator: str, left: Number) -> None:
    run.warn(f"division by zero: {left} {operator} 0 is null")


def _element_wise(combine: Combine, operator: str, left: Any, right: Any) -> list[Any]:
    if not isinstance(left, list):
        return [combine(left, element) for element in right]
    if not isinstance(right, list):
        return [combine(element, right) for element in left]
    if len(left) != len(right):
        raise RunError(
            "type",
            f"'{operator}' needs arrays of the same length, found "
            f"{len(left)} and {len(right)} elements",
        )
    return [combine(a, b) for a, b in zip(left, right, strict=True)]


def _hint(left: Any, right: Any) -> str | None:
    if isinstance(left, datetime) or isinstance(right, datetime):
        return _UNIT_HINT
    if isinstance(left, str) or isinstance(right, str):
        dated = any(isinstance(side, str) and parse_iso(side) for side in (left, right))
        return "read a date with 'parseDate'" if dated else _TEXT_HINT
    return None
