"""Values as people read them in messages: what kind of thing, and its text cut short."""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reqon.clock import format_instant
from reqon.values.duration import Duration

LONGEST = 60
_DEEPEST = 2
_MOST = 4
_SHOWN_LIMIT = 10**30


_KINDS: Final[tuple[tuple[type[Any] | tuple[type[Any], ...], str], ...]] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
    (datetime, "a date"),
    (Duration, "a duration"),
)


def kind_of(value: Any) -> str:
    """The kind of a value with its article, such as `a string`; `null` for null."""
    if value is None:
        return "null"
    for types, kind in _KINDS:
        if isinstance(value, types):
            return kind
    return "a function" if callable(value) else "a store"


def show(value: Any, longest: int = LONGEST) -> str:
    """`value` on one line, at most `longest` characters; cheap for values of any size."""
    text = _text(value, _DEEPEST)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def described(value: Any) -> str:
    """Kind and text: `a string ("abc")`; just `null` for null."""
    return "null" if value is None else f"{kind_of(value)} ({show(value)})"


def _text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | dict):
        return _container(value, depth)
    return _scalar(value)


def _scalar(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() if not -_SHOWN_LIMIT < value < _SHOWN_LIMIT:
            return "a very large number"
        case int() | float():
            return repr(value)
        case datetime():
            return format_instant(value)
        case Duration():
            return f"{value.milliseconds} ms"
        case _:
            return kind_of(value)


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"' if len(text) <= LONGEST else f'"{_escaped(text)}…"'


def _escaped(text: str) -> str:
    cut = text[:LONGEST].replace("\\", "\\\\").replace('"', '\\"')
    return cut.replace("\n", "\\n").replace("\r", "\\r")


def _container(value: list[Any] | dict[str, Any], depth: int) -> str:
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    if not value:
        return opening + closing
    if depth == 0:
        return f"{opening}…{closing}"
    if isinstance(value, list):
        parts = [_text(item, depth - 1) for item in value[:_MOST]]
    else:
        some = [key for key, _ in zip(value, range(_MOST), strict=False)]
        parts = [f"{_escaped(key)}: {_text(value[key], depth - 1)}" for key in some]
    if len(value) > _MOST:
        parts.append("…")
    return f"{opening}{', '.join(parts)}{closing}"
