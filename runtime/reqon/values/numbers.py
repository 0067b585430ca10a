"""Numbers: reading them from text, writing them without superfluous zeros, keeping them finite.

NaN and infinity are no values of the language: whatever makes numbers goes through `finite` or
refuses them itself.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import re
from typing import Any

from reqon.errors import RunError
from reqon.values.show import show

Number = int | float

_NUMERIC = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_WHOLE = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_EXACT = 2**53
_PLAIN = 1e21
LONGEST_NUMBER = 4000
_MOST_BITS = int(LONGEST_NUMBER * math.log2(10))


def is_number(value: Any) -> bool:
    """An integer or a float, but no boolean."""
    kind: type[Any] = type(value)
    return kind is int or kind is float


def parse_number(text: str) -> Number | None:
    """The number that `text` spells, white space around it aside; None when it spells none."""
    if len(text) > LONGEST_NUMBER or _NUMERIC.fullmatch(text) is None:
        return None
    if _WHOLE.fullmatch(text) is not None:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def as_number(value: Any) -> Number | None:
    """A number, or the number that a text spells; None for all others."""
    kind: type[Any] = type(value)
    if kind is int or kind is float:
        return value
    return parse_number(value) if isinstance(value, str) else None


def number_text(number: Number) -> str:
    """The shortest text of a number: `3`, `0.1`, `1e+22`."""
    if isinstance(number, int):
        return str(bounded(number))
    if number.is_integer() and abs(number) < _PLAIN:
        return str(int(number))
    return repr(number).replace("e-0", "e-")


def finite(number: Number) -> Number:
    """`number` itself; raises `RunError` (type) when it overflowed or has grown too long."""
    if isinstance(number, int):
        return bounded(number)
    if not math.isfinite(number):
        raise too_large()
    return number


def bounded(number: int) -> int:
    """`number` itself; raises `RunError` (type) beyond `LONGEST_NUMBER` digits."""
    if number.bit_length() > _MOST_BITS:
        raise too_large()
    return number


def too_large() -> RunError:
    """The error of a calculation whose result cannot be represented."""
    return RunError(
        "type",
        "the result of a calculation is too large to be a number",
        hint=f"numbers go up to 1.7e308, whole ones to {LONGEST_NUMBER} digits",
    )


def even(number: float) -> Number:
    """A float without fraction as an integer, as long as that is exact; else as it is."""
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def need_number(value: Any, function: str) -> Number | None:
    """The number in an argument of `function`, or null; raises `RunError` (function)."""
    number = as_number(value)
    if number is None and value is not None:
        raise RunError("function", f"'{function}' needs a number, got {show(value)}")
    return number
