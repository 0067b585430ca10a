"""The JSON form of values: what stores, request bodies, records and events receive.

Dates become ISO 8601 texts with `Z`, durations their milliseconds; replies and mapped values
become plain objects of their own fields. The journal keeps more than that, see `encoding`.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from datetime import datetime
from types import NoneType
from typing import Any, Final

from reqon.clock import format_instant
from reqon.errors import RunError
from reqon.values.duration import Duration
from reqon.values.numbers import too_large
from reqon.values.reply import ReplyScalar
from reqon.values.show import kind_of, show

MAX_DEPTH: Final = 256
"""Deepest nesting that is stored, sent or kept in the journal: all JSON libraries recurse."""

PLAIN: Final = frozenset({str, int, bool, NoneType})
"""Types whose values are their own JSON form."""


def json_form(value: Any) -> Any:
    """The JSON value of `value`; `value` itself (not a copy) where it is one already.

    Raises `RunError` (type) for functions and for nesting deeper than `MAX_DEPTH`.
    """
    if isinstance(value, dict) and _is_usual(value):
        return value if type(value) is dict else dict(value)
    try:
        return _form(value, MAX_DEPTH)
    except RecursionError:
        raise too_deep() from None


def _is_usual(value: dict[str, Any]) -> bool:
    """Whether all fields, and those of objects in them, are their own JSON form, as in most."""
    for item in value.values():
        kind: type[Any] = type(item)
        if kind in PLAIN or (kind is float and math.isfinite(item)):
            continue
        if kind is not dict or not _is_flat(item):
            return False
    return True


def _is_flat(value: dict[str, Any]) -> bool:
    """Whether all fields are their own JSON form: seen without a loop."""
    return PLAIN.issuperset(map(type, value.values()))


def _form(value: Any, depth: int) -> Any:
    kind: type[Any] = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return finite_float(value)
    if isinstance(value, dict):
        return _object_form(value, depth)
    if isinstance(value, list):
        return _array_form(value, depth)
    return _other_form(value, depth)


def _object_form(value: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth == 0:
        raise too_deep()
    changed: dict[str, Any] | None = None if type(value) is dict else dict(value)
    for key, item in value.items():
        if type(item) in PLAIN:
            continue
        form = _form(item, depth - 1)
        if form is not item:
            if changed is None:
                changed = dict(value)
            changed[key] = form
    return value if changed is None else changed


def _array_form(value: list[Any], depth: int) -> list[Any]:
    if depth == 0:
        raise too_deep()
    changed: list[Any] | None = None if type(value) is list else list(value)
    for position, item in enumerate(value):
        if type(item) in PLAIN:
            continue
        form = _form(item, depth - 1)
        if form is not item:
            if changed is None:
                changed = list(value)
            changed[position] = form
    return value if changed is None else changed


def _other_form(value: Any, depth: int) -> Any:
    match value:
        case str():
            return str(value)
        case datetime():
            return format_instant(value)
        case Duration():
            return value.milliseconds
        case ReplyScalar():
            return _form(value.body, depth)
        case _ if callable(value):
            raise RunError(
                "type",
                "a function is no data: it can be neither stored nor sent",
                hint="call it, or give it to a function such as 'map'",
            )
        case _ if hasattr(value, "list"):
            return _form(value.list(), depth)
        case _:
            raise RunError("type", f"{kind_of(value)} is no data: {show(value)}")


def finite_float(value: float) -> float:
    """`value` itself; raises `RunError` (type) for NaN and infinity."""
    if not math.isfinite(value):
        raise too_large()
    return value


def too_deep() -> RunError:
    """The error of data that is nested deeper than can be handled."""
    return RunError(
        "type",
        f"the value is nested deeper than {MAX_DEPTH} levels",
        hint="take the parts that are needed out of it before it is stored, sent or compared",
    )


def record_form(value: Any) -> dict[str, Any]:
    """The record that storing `value` writes: `{ value: v }` around what is no object."""
    form = json_form(value)
    return form if isinstance(form, dict) else {"value": form}
