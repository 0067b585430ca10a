"""The text of a value: as concatenation, `toString`, keys and `toJson` write it."""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from reqon.clock import format_instant
from reqon.errors import RunError
from reqon.values.duration import Duration
from reqon.values.json_form import json_form, too_deep
from reqon.values.numbers import number_text
from reqon.values.show import described

_WHOLE_LIMIT = 1e21


def text_of(value: Any) -> str:
    """`value` as concatenation writes it: null is empty, arrays and objects are JSON."""
    kind: type[Any] = type(value)
    if kind is str:
        return value
    if kind is int:
        return number_text(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    match value:
        case int() | float():
            return number_text(value)
        case datetime():
            return format_instant(value)
        case Duration():
            return number_text(value.milliseconds)
        case _:
            return json_text(value)


def json_text(value: Any) -> str:
    """Compact JSON text of `value`: `{"a":1,"b":[true,null]}`."""
    try:
        plain = _whole_floats(json_form(value))
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise too_deep() from None


def _whole_floats(value: Any) -> Any:
    """The same JSON value with `3.0` written as `3`."""
    match value:
        case float():
            whole = value.is_integer() and abs(value) < _WHOLE_LIMIT
            return int(value) if whole else value
        case dict():
            return {key: _whole_floats(item) for key, item in value.items()}
        case list():
            return [_whole_floats(item) for item in value]
        case _:
            return value


def key_text(value: Any) -> str:
    """The text under which `value` is looked up in an object or a store."""
    return str(value) if isinstance(value, str) else text_of(value)


def record_key(value: Any) -> str:
    """The key of a record in a store; raises `RunError` (store_key) for what can be none."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float | datetime | Duration):
        return text_of(value)
    raise RunError(
        "store_key",
        f"the key of a record must be a string or a number, found {described(value)}",
        hint="check the 'key' option of the step, and that each record has that field",
    )
