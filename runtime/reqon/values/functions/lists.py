"""Functions about arrays and stores. Null counts as the empty array; aggregates skip nulls.

Where a callback is given, the compiled expression has already walked the array: the functions
here receive its values (see `model.Style`).
"""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from reqon.errors import RunError
from reqon.values.access import elements, is_store
from reqon.values.functions.arguments import need_text, need_whole
from reqon.values.functions.model import Group, Style
from reqon.values.numbers import Number, even, finite, need_number
from reqon.values.operators import equal, truthy
from reqon.values.scope import RunFacts
from reqon.values.show import described
from reqon.values.sorting import extreme, identity, sorted_by
from reqon.values.text import text_of

LISTS = Group()

_LONGEST_RANGE = 10_000_000
_NUMBER_TYPES = frozenset({int, float})
_WHOLE = frozenset({int})


@LISTS.add("first", null_safe=True)
def first(value: Any) -> Any:
    """The first element, or null."""
    found = elements(value, "first")
    return found[0] if found else None


@LISTS.add("last", null_safe=True)
def last(value: Any) -> Any:
    """The last element, or null."""
    found = elements(value, "last")
    return found[-1] if found else None


@LISTS.add("isEmpty", null_safe=True)
def is_empty(value: Any) -> bool:
    """True for null and whatever has no characters, elements, fields or records."""
    if value is None or isinstance(value, str | list | dict):
        return not value
    return is_store(value) and value.count() == 0


@LISTS.add("includes", null_safe=True)
def includes(value: Any, item: Any) -> bool:
    """Whether an element equals `item`, or a text holds it."""
    if isinstance(value, str):
        return item is not None and need_text(item, "includes") in value
    return any(equal(element, item) for element in elements(value, "includes"))


@LISTS.add("map", style=Style.VALUES)
def map_elements(values: list[Any]) -> list[Any]:
    """What the callback gave for each element."""
    return values


@LISTS.add("filter", style=Style.PAIRS)
def filter_elements(found: list[Any], values: list[Any]) -> list[Any]:
    """The elements whose value is truthy."""
    return [element for element, value in zip(found, values, strict=True) if truthy(value)]


@LISTS.add("reduce", style=Style.FOLD)
def reduce(found: list[Any], step: Callable[[Any, Any], Any], start: Any) -> Any:
    """Carries a value through the array."""
    total = start
    for element in found:
        total = step(total, element)
    return total


@LISTS.add("find", style=Style.FIRST_TRUE)
def find(found: list[Any], position: int) -> Any:
    """The first element that fits, or null."""
    return None if position < 0 else found[position]


@LISTS.add("findIndex", style=Style.FIRST_TRUE)
def find_index(_: list[Any], position: int) -> int:
    """The position of the first element that fits, or -1."""
    return position


@LISTS.add("some", style=Style.FIRST_TRUE)
def some(_: list[Any], position: int) -> bool:
    """Whether an element fits."""
    return position >= 0


@LISTS.add("none", style=Style.FIRST_TRUE)
@LISTS.add("all", style=Style.FIRST_FALSE)
def not_found(_: list[Any], position: int) -> bool:
    """Whether no element was found that fits, or does not fit."""
    return position < 0


def _numbers(values: list[Any], function: str) -> list[Number]:
    """The numbers among `values`, nulls left out; the list itself where it is nothing else."""
    if set(map(type, values)) <= _NUMBER_TYPES:
        return values
    numbers = [need_number(value, function) for value in values]
    return [number for number in numbers if number is not None]


def _total(numbers: list[Number]) -> Number:
    """Exact for whole numbers; floats are added without piling up rounding errors."""
    if float in set(map(type, numbers)):
        return finite(math.fsum(numbers))
    return finite(sum(numbers))


@LISTS.add("sum", style=Style.VALUES)
def total(values: list[Any]) -> Number:
    """All added."""
    if _WHOLE.issuperset(map(type, values)):
        return finite(sum(values))
    return _total(_numbers(values, "sum"))


@LISTS.add("product", style=Style.VALUES)
def product(values: list[Any]) -> Number:
    """All multiplied."""
    result: Number = 1
    for number in _numbers(values, "product"):
        result = finite(result * number)
    return result


@LISTS.add("avg", style=Style.VALUES)
def average(values: list[Any]) -> Number | None:
    """The mean, or null."""
    return _mean(_numbers(values, "avg"))


@LISTS.add("median", style=Style.VALUES)
def median(values: list[Any]) -> Number | None:
    """The middle one, or the mean of the two in the middle, or null."""
    numbers = sorted(_numbers(values, "median"))
    middle = len(numbers) // 2
    return _mean(numbers[middle : middle + 1] if len(numbers) % 2 else numbers[middle - 1 :][:2])


def _mean(numbers: list[Number]) -> Number | None:
    if not numbers:
        return None
    result = _total(numbers)
    if isinstance(result, int):
        whole, rest = divmod(result, len(numbers))
        return result / len(numbers) if rest else whole
    return even(result / len(numbers))


@LISTS.add("min", style=Style.EXTREME, uses_run=True)
def minimum(run: RunFacts, values: list[Any]) -> Any:
    """The smallest, or null."""
    return extreme(run, values, "<")


@LISTS.add("max", style=Style.EXTREME, uses_run=True)
def maximum(run: RunFacts, values: list[Any]) -> Any:
    """The largest, or null."""
    return extreme(run, values, ">")


@LISTS.add("flatten", null_safe=True)
def flatten(value: Any) -> list[Any]:
    """The elements of its arrays in one array, one level deep."""
    flat: list[Any] = []
    for element in elements(value, "flatten"):
        if isinstance(element, list):
            flat.extend(element)
        else:
            flat.append(element)
    return flat


@LISTS.add("unique", style=Style.PAIRS)
def unique(found: list[Any], values: list[Any]) -> list[Any]:
    """The first element of each value."""
    firsts: dict[Any, Any] = {}
    for element, value in zip(found, values, strict=True):
        firsts.setdefault(identity(value), element)
    return list(firsts.values())


@LISTS.add("sort", null_safe=True, uses_run=True)
def sort(run: RunFacts, value: Any, direction: Any = None) -> list[Any]:
    """Sorted by its own elements."""
    found = elements(value, "sort")
    return sorted_by(run, found, found, descending=_descending(direction, "sort"))


@LISTS.add("sortBy", style=Style.PAIRS, uses_run=True)
def sort_by(run: RunFacts, found: list[Any], values: list[Any], direction: Any = None) -> list[Any]:
    """Sorted by the values."""
    return sorted_by(run, found, values, descending=_descending(direction, "sortBy"))


def _descending(direction: Any, function: str) -> bool:
    match direction:
        case None:
            return False
        case str() if direction.lower() in {"asc", "desc"}:
            return direction.lower() == "desc"
        case _:
            raise RunError(
                "function",
                f'the direction of \'{function}\' is "asc" or "desc", got {described(direction)}',
            )


@LISTS.add("reverse", null_safe=True)
def reverse(value: Any) -> list[Any]:
    """The elements in the other order."""
    return elements(value, "reverse")[::-1]


@LISTS.add("slice", null_safe=True)
def slice_elements(value: Any, start: Any, end: Any = None) -> list[Any]:
    """From `start` to before `end`; negative positions count from the end."""
    begin = 0 if start is None else need_whole(start, "slice", "from")
    stop = None if end is None else need_whole(end, "slice", "to")
    return elements(value, "slice")[begin:stop]


@LISTS.add("chunks", null_safe=True)
def chunks(value: Any, size: Any) -> list[list[Any]]:
    """Arrays of at most `size` elements."""
    step = need_whole(size, "chunks", "size")
    if step < 1:
        raise RunError("function", f"'chunks' needs a size of at least 1, got {step}")
    found = elements(value, "chunks")
    return [found[start : start + step] for start in range(0, len(found), step)]


@LISTS.add("groupBy", style=Style.PAIRS)
def group_by(found: list[Any], values: list[Any]) -> dict[str, list[Any]]:
    """The elements by the text of their value; null is `null`."""
    groups: dict[str, list[Any]] = {}
    for element, value in zip(found, values, strict=True):
        groups.setdefault("null" if value is None else text_of(value), []).append(element)
    return groups


@LISTS.add("range")
def whole_range(start: Any, end: Any) -> list[int] | None:
    """The whole numbers from one to the other, both included."""
    if end is None:
        return None
    begin, stop = need_whole(start, "range", "from"), need_whole(end, "range", "to")
    if stop - begin >= _LONGEST_RANGE:
        raise RunError(
            "function", f"'range' gives at most {_LONGEST_RANGE} numbers, not {stop - begin + 1}"
        )
    return list(range(begin, stop + 1))
