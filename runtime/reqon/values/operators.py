"""The operators of the language, in their general form.

Compiled expressions handle the usual case inline (two numbers, two texts) and come here for all
others: null, numeric and ISO texts, dates, durations, arrays. Those that may warn take the run
as their first argument. Nothing here is changed in place.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import ge, gt, le, lt
from typing import Any, Final

from reqon.errors import RunError
from reqon.values.access import collection, is_store
from reqon.values.dates import as_date, parse_iso
from reqon.values.duration import Duration
from reqon.values.numbers import is_number, parse_number
from reqon.values.scope import RunFacts
from reqon.values.show import described

# ---------------------------------------------------------------- truth


def truthy(value: Any) -> bool:
    """Null, false, 0 and the empty text are falsy; everything else, `[]` and `{}` too, is not."""
    if value:
        return True
    return value is not None and value is not False and value != 0 and value != ""


# ---------------------------------------------------------------- equality


def equal(left: Any, right: Any) -> bool:
    """`left == right`: same kind and same value, deeply; a date equals its ISO text.

    Data of any depth can be compared.
    """
    pending = [(left, right)]
    while pending:
        mine, yours = pending.pop()
        if mine is yours:
            continue
        if isinstance(mine, dict):
            if not isinstance(yours, dict) or len(mine) != len(yours):
                return False
            if not all(key in yours for key in mine):
                return False
            pending += [(value, yours[key]) for key, value in mine.items()]
        elif isinstance(mine, list):
            if not isinstance(yours, list) or len(mine) != len(yours):
                return False
            pending += zip(mine, yours, strict=True)
        elif not _equal_scalars(mine, yours):
            return False
    return True


def _equal_scalars(left: Any, right: Any) -> bool:
    if left is None or isinstance(left, bool):
        return left is right
    if isinstance(left, str):
        if isinstance(right, str):
            return str.__eq__(left, right)
        return isinstance(right, datetime) and parse_iso(left) == right
    if is_number(left):
        return is_number(right) and left == right
    return bool(left == as_date(right)) if isinstance(left, datetime) else bool(left == right)


def not_equal(left: Any, right: Any) -> bool:
    """`left != right`."""
    return not equal(left, right)


# ---------------------------------------------------------------- order

_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both sides as values that Python orders, or None where the language has no order."""
    if is_number(left):
        other = right if is_number(right) else _number_in(right)
        return None if other is None else (left, other)
    if is_number(right):
        number = _number_in(left)
        return None if number is None else (number, right)
    if isinstance(left, datetime) or isinstance(right, datetime):
        dates = as_date(left), as_date(right)
        return None if None in dates else dates
    if isinstance(left, str) and isinstance(right, str):
        dates = parse_iso(left), parse_iso(right)
        return (str(left), str(right)) if None in dates else dates
    if isinstance(left, Duration) and isinstance(right, Duration):
        return left, right
    return None


def _number_in(value: Any) -> int | float | None:
    return parse_number(value) if isinstance(value, str) else None


def compare(run: RunFacts, operator: str, left: Any, right: Any) -> bool:
    """`left < right` and the like; null is false, other kinds without order too, with a warning."""
    if left is None or right is None:
        return False
    pair = comparable(left, right)
    if pair is None:
        run.warn(f"'{operator}' cannot compare {described(left)} with {described(right)}")
        return False
    return _ORDERS[operator](pair[0], pair[1])


def less(run: RunFacts, left: Any, right: Any) -> bool:
    """`left < right`."""
    return compare(run, "<", left, right)


def less_or_equal(run: RunFacts, left: Any, right: Any) -> bool:
    """`left <= right`."""
    return compare(run, "<=", left, right)


def greater(run: RunFacts, left: Any, right: Any) -> bool:
    """`left > right`."""
    return compare(run, ">", left, right)


def greater_or_equal(run: RunFacts, left: Any, right: Any) -> bool:
    """`left >= right`."""
    return compare(run, ">=", left, right)


# ---------------------------------------------------------------- membership


def contains(container: Any, item: Any) -> bool:
    """`container contains item`: text in text, element in array, key in object."""
    if container is None or item is None:
        return False
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    if isinstance(container, list) or is_store(container):
        return any(equal(element, item) for element in collection(container))
    return False


def contained_in(item: Any, container: Any) -> bool:
    """`item in container`."""
    return contains(container, item)


def starts_with(text: Any, prefix: Any) -> bool:
    """`text startsWith prefix`; false for all but two texts."""
    return isinstance(text, str) and isinstance(prefix, str) and text.startswith(prefix)


def ends_with(text: Any, suffix: Any) -> bool:
    """`text endsWith suffix`; false for all but two texts."""
    return isinstance(text, str) and isinstance(suffix, str) and text.endswith(suffix)


# ---------------------------------------------------------------- the general rule of a pattern


def matches_literal(value: Any, literal: Any) -> bool:
    """A literal pattern: an equal value; a number also matches a text that spells it."""
    if literal is None:
        return value is None
    if is_number(literal) and isinstance(value, str):
        return parse_number(value) == literal
    return equal(value, literal)


def unsupported(operator: str, left: Any, right: Any, hint: str | None = None) -> RunError:
    """The error of an operator that two kinds of values do not have."""
    return RunError(
        "type",
        f"'{operator}' cannot be used with {described(left)} and {described(right)}",
        hint=hint,
    )
