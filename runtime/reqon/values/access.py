"""Fields, elements and collections: the general way, for every kind of value.

Compiled expressions handle plain objects and arrays inline and come here for all others. Null
and "missing" are the same: reading what is not there gives null, never an error.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from reqon.errors import RunError
from reqon.values.duration import Duration
from reqon.values.mapped import Mapped
from reqon.values.numbers import as_number
from reqon.values.reply import (
    MISSING,
    Headers,
    ReplyList,
    ReplyObject,
    ReplyScalar,
    ReplyText,
    virtual_field,
)
from reqon.values.scope import StoreView
from reqon.values.show import described
from reqon.values.text import key_text


def field(value: Any, name: str) -> Any:
    """`value.name`, for any value; an array projects to that field of each element."""
    if type(value) is Mapped and name in value:
        return value[name]
    found = find_field(value, name)
    return None if found is MISSING else found


def find_field(value: Any, name: str) -> Any:
    """Like `field`, with `MISSING` where the value does not have it."""
    if isinstance(value, dict):
        return _object_field(value, name)
    if isinstance(value, list):
        return _list_field(value, name)
    if isinstance(value, str):
        if name == "length":
            return len(value)
        return virtual_field(value.meta, name) if isinstance(value, ReplyText) else MISSING
    if is_store(value):
        return value.count() if name == "length" else [field(row, name) for row in value.list()]
    return virtual_field(value.meta, name) if isinstance(value, ReplyScalar) else MISSING


def own_field(value: dict[str, Any], name: str) -> Any:
    """The field that patterns and schemas see: own and virtual ones, no fallback of `map`."""
    if name in value:
        return value[name]
    if isinstance(value, Headers):
        return _header(value, name)
    return virtual_field(value.meta, name) if isinstance(value, ReplyObject) else MISSING


def pattern_field(value: Any, name: str) -> Any:
    """The field that an object pattern sees, or null; every reply has virtual ones."""
    if isinstance(value, dict):
        found = own_field(value, name)
    elif isinstance(value, ReplyList | ReplyText | ReplyScalar):
        found = virtual_field(value.meta, name)
    else:
        return None
    return None if found is MISSING else found


def _object_field(value: dict[str, Any], name: str) -> Any:
    current: Any = value
    while isinstance(current, Mapped):
        if name in current:
            return current[name]
        current = current.previous
    if not isinstance(current, dict):
        return find_field(current, name)
    return own_field(current, name)


def _header(headers: Headers, name: str) -> Any:
    """The field `name`, in any case; RunError where a restart has lost it."""
    lower = name.lower()
    if lower in headers.lost:
        raise RunError(
            "type",
            f"the header '{lower}' of a reply from before the interruption was not kept: its name "
            "speaks of a secret",
            hint="the next resume asks a 'get' anew; behind a request that changes something, "
            "start the mission without --resume",
        )
    return headers.get(lower, MISSING)


def _list_field(value: list[Any], name: str) -> Any:
    if name == "length":
        return len(value)
    if isinstance(value, ReplyList):
        found = virtual_field(value.meta, name)
        if found is not MISSING:
            return found
    return [field(element, name) for element in value]


def index(value: Any, position: Any) -> Any:
    """`value[position]`, for any value."""
    if value is None or position is None:
        return None
    if isinstance(value, list | str):
        return _element(value, position)
    if isinstance(value, dict):
        return field(value, key_text(position))
    if is_store(value):
        return value.get(key_text(position))
    return None


def _element(value: list[Any] | str, position: Any) -> Any:
    number = as_number(position)
    if number is None:
        found = MISSING
        if isinstance(value, ReplyList | ReplyText) and isinstance(position, str):
            found = virtual_field(value.meta, position)
        return None if found is MISSING else found
    whole = int(number)
    if whole != number or not -len(value) <= whole < len(value):
        return None
    return str.__getitem__(value, whole) if isinstance(value, str) else value[whole]


def stored(store: StoreView, key: Any) -> Any:
    """`store[key]`: the record, or null."""
    return None if key is None else store.get(key_text(key))


def stored_value(store: StoreView, key: Any) -> Any:
    """`store.get(key)`: the record, or its only field's value where that is named like the key."""
    if key is None:
        return None
    text = key_text(key)
    record = store.get(text)
    if record is None or text not in record:
        return record
    others = len(record) - 1 - ("_partial" in record and text != "_partial")
    return record if others else record[text]


def store_method(value: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """`value.get(key)`, `.list()`, `.count()` where `value` is not known to be a store."""
    if not is_store(value):
        raise RunError(
            "function",
            f"only a store has '{name}', found {described(value)}",
            hint="read a field with '.name' or '[key]'",
        )
    if name == "get":
        return stored_value(value, *arguments)
    return value.list() if name == "list" else value.count()


def is_store(value: Any) -> bool:
    """Whether `value` is a view of a store; only asked when no other kind fits."""
    if value is None or isinstance(value, bool | int | float | str | dict | list | datetime):
        return False
    return not isinstance(value, Duration) and isinstance(value, StoreView)


def collection(value: Any) -> list[Any]:
    """The elements that `where`, `any of` and `in` go through; raises `RunError` (type)."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if is_store(value):
        return value.list()
    raise RunError("type", f"expected an array or a store, found {described(value)}")


def elements(value: Any, function: str) -> list[Any]:
    """The elements that `function` goes through; null has none; raises `RunError` (function)."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if is_store(value):
        return value.list()
    raise RunError("function", f"'{function}' needs an array or a store, got {described(value)}")


def spread_object(value: Any) -> dict[str, Any]:
    """What `...value` adds to an object; raises `RunError` (type)."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise RunError("type", f"only an object can be spread into an object, found {described(value)}")


def spread_array(value: Any) -> list[Any]:
    """What `...value` adds to an array; raises `RunError` (type)."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if is_store(value):
        return value.list()
    raise RunError("type", f"only an array can be spread into an array, found {described(value)}")
