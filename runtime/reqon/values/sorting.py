"""Order and sameness of many values at once: sorting, extremes, and keys for grouping."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import cmp_to_key
from typing import Any

from reqon.values.dates import parse_iso
from reqon.values.duration import Duration
from reqon.values.operators import compare
from reqon.values.scope import RunFacts
from reqon.values.text import json_text


def sorted_by(
    run: RunFacts, elements: list[Any], keys: list[Any], *, descending: bool
) -> list[Any]:
    """`elements` ordered by the key at the same position; stable, null keys last either way."""
    known = [position for position, key in enumerate(keys) if key is not None]
    order = _order(run, [keys[position] for position in known])
    known.sort(key=lambda position: order(keys[position]), reverse=descending)
    nulls = [position for position, key in enumerate(keys) if key is None]
    return [elements[position] for position in (*known, *nulls)]


def _order(run: RunFacts, keys: list[Any]) -> Callable[[Any], Any]:
    """A function that maps each of `keys` to something Python sorts in our order."""
    kinds = {type(key) for key in keys}
    if kinds <= {int, float} or kinds == {datetime} or kinds == {Duration}:
        return _itself
    if kinds == {str}:
        dates = [parse_iso(key) is not None for key in keys]
        if not any(dates):
            return _itself
        if all(dates):
            return parse_iso

    def order(left: Any, right: Any) -> int:
        return compare(run, ">", left, right) - compare(run, "<", left, right)

    return cmp_to_key(order)


def _itself(value: Any) -> Any:
    return value


def extreme(run: RunFacts, values: list[Any], operator: str) -> Any:
    """The value that is `operator` all others, by the order of comparison; nulls do not count."""
    best: Any = None
    for value in values:
        if value is not None and (best is None or compare(run, operator, value, best)):
            best = value
    return best


def identity(value: Any) -> Hashable:
    """A key that is the same for equal values, and only for these."""
    match value:
        case bool():
            return (bool, value)
        case dict():
            return (dict, json_text(_in_key_order(value)))
        case list():
            return (list, json_text(_in_key_order(value)))
        case str():
            return str(value)
        case _:
            return value


def _in_key_order(value: Any) -> Any:
    match value:
        case dict():
            return {key: _in_key_order(value[key]) for key in sorted(value)}
        case list():
            return [_in_key_order(item) for item in value]
        case _:
            return value
