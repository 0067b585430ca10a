"""The built-in types of schemas and of `is`: name to test."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from reqon.values.dates import as_date
from reqon.values.numbers import is_number

TypeTest = Callable[[Any], bool]


def is_null(value: Any) -> bool:
    """Null, or missing."""
    return value is None


def is_text(value: Any) -> bool:
    """A text."""
    return isinstance(value, str)


def is_boolean(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_object(value: Any) -> bool:
    """An object."""
    return isinstance(value, dict)


def is_array(value: Any) -> bool:
    """An array."""
    return isinstance(value, list)


def is_anything(value: Any) -> bool:
    """Any value, null too."""
    del value
    return True


def is_whole(value: Any) -> bool:
    """A number without a fraction; `3.0` counts."""
    return is_number(value) and value == int(value)


def is_date(value: Any) -> bool:
    """A date, or a text that is an ISO 8601 date or date-time."""
    return isinstance(value, datetime) or as_date(value) is not None


TYPES: Final[Mapping[str, TypeTest]] = {
    "string": is_text,
    "number": is_number,
    "boolean": is_boolean,
    "bool": is_boolean,
    "object": is_object,
    "array": is_array,
    "any": is_anything,
    "null": is_null,
    "int": is_whole,
    "integer": is_whole,
    "decimal": is_number,
    "float": is_number,
    "double": is_number,
    "date": is_date,
    "datetime": is_date,
}
"""Types of schemas by name."""

IS_TYPES: Final[Mapping[str, TypeTest]] = {**TYPES, "undefined": is_null}
"""Types that `is` knows."""

NULLABLE_TYPES: Final = frozenset({"any", "null"})
"""Types whose fields may be null or missing although they are required."""
