"""Functions about objects: always about own fields, in their order."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

from reqon.values.access import elements
from reqon.values.functions.arguments import need_object
from reqon.values.functions.model import Group
from reqon.values.text import key_text

OBJECTS = Group()


@OBJECTS.add("keys")
def keys(value: Any) -> list[str]:
    """The names of its fields."""
    return list(need_object(value, "keys"))


@OBJECTS.add("values")
def values(value: Any) -> list[Any]:
    """The values of its fields."""
    return list(need_object(value, "values").values())


@OBJECTS.add("entries")
def entries(value: Any) -> list[list[Any]]:
    """Its fields as pairs of name and value."""
    return [[key, item] for key, item in need_object(value, "entries").items()]


@OBJECTS.add("hasKey")
def has_key(value: Any, key: Any) -> bool:
    """Whether it has the field, even if that is null."""
    return key is not None and key_text(key) in need_object(value, "hasKey")


@OBJECTS.add("pick")
def pick(value: Any, names: Any) -> dict[str, Any]:
    """Only the fields named, in the order in which they are named."""
    fields = need_object(value, "pick")
    return {name: fields[name] for name in _names(names, "pick") if name in fields}


@OBJECTS.add("omit")
def omit(value: Any, names: Any) -> dict[str, Any]:
    """All fields but those named."""
    fields, left_out = need_object(value, "omit"), set(_names(names, "omit"))
    return {name: item for name, item in fields.items() if name not in left_out}


def _names(value: Any, function: str) -> list[str]:
    named = [value] if isinstance(value, str) else elements(value, function)
    return [key_text(name) for name in named if name is not None]


@OBJECTS.add("merge", null_safe=True)
def merge(*objects: Any) -> dict[str, Any]:
    """The fields of all, a later one wins; null adds nothing."""
    merged: dict[str, Any] = {}
    for value in objects:
        if value is not None:
            merged.update(need_object(value, "merge"))
    return merged


@OBJECTS.add("exists", null_safe=True)
def exists(value: Any) -> bool:
    """Whether it is not null."""
    return value is not None
