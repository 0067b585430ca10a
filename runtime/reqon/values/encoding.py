"""Values as the journal keeps them: JSON with tags for what JSON cannot say.

A tag is an object with one key that begins with `$`:

    {"$date": 1935983289000}          a date, milliseconds since 1970
    {"$duration": 60000}              a duration in milliseconds
    {"$map": [own, previous]}         a variable after `map`
    {"$reply": [body, meta]}          a reply: meta is {"code", "headers", "ok", …}
    {"$headers": {…}}                 header fields
    {"$": ["$key", value]}            an object of the data that looks like a tag

`untag(tag(value))` is the value again, of the same class. What is plain JSON already is passed
through without a copy. Only the journal's room uses this; stores receive `json_form`.
"""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from reqon.errors import RunError
from reqon.values.dates import EPOCH, from_milliseconds, to_milliseconds
from reqon.values.duration import Duration
from reqon.values.json_form import MAX_DEPTH, PLAIN, finite_float, too_deep
from reqon.values.mapped import Mapped, mapped
from reqon.values.reply import (
    Headers,
    Reply,
    ReplyList,
    ReplyMeta,
    ReplyObject,
    ReplyScalar,
    ReplyText,
    with_reply,
)
from reqon.values.show import kind_of

_ESCAPE: Final = "$"


def tag(value: Any) -> Any:
    """The JSON value that stands for `value`; the same object where it is plain JSON already.

    Raises `RunError` (type) for functions, and for nesting deeper than `json_form.MAX_DEPTH`.
    """
    try:
        return _tag(value, MAX_DEPTH)
    except RecursionError:
        raise too_deep() from None


def _tag(value: Any, depth: int) -> Any:
    kind: type[Any] = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return finite_float(value)
    if depth == 0:
        raise too_deep()
    if kind is dict:
        return _tag_object(value, depth)
    if kind is list:
        return _tag_array(value, depth)
    return _tag_other(value, depth)


def _tag_object(value: dict[str, Any], depth: int) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        if type(item) in PLAIN:
            continue
        form = _tag(item, depth - 1)
        if form is not item:
            if changed is None:
                changed = dict(value)
            changed[key] = form
    tagged = value if changed is None else changed
    if len(tagged) == 1:
        [(key, item)] = tagged.items()
        if key.startswith("$"):
            return {_ESCAPE: [key, item]}
    return tagged


def _tag_array(value: list[Any], depth: int) -> list[Any]:
    changed: list[Any] | None = None
    for position, item in enumerate(value):
        if type(item) in PLAIN:
            continue
        form = _tag(item, depth - 1)
        if form is not item:
            if changed is None:
                changed = list(value)
            changed[position] = form
    return value if changed is None else changed


def _tag_other(value: Any, depth: int) -> Any:
    match value:
        case datetime():
            return {"$date": to_milliseconds(value)}
        case Duration():
            return {"$duration": value.milliseconds}
        case Mapped():
            own = _tag(dict(value), depth - 1)
            return {"$map": [own, _tag(value.previous, depth - 1)]}
        case ReplyObject() | ReplyList() | ReplyText() | ReplyScalar():
            return {"$reply": [_tag(_body(value), depth - 1), meta_json(value.meta)]}
        case Headers():
            return {"$headers": value.kept()}
        case _ if hasattr(value, "list") and not callable(value):
            return _tag(value.list(), depth)
        case _:
            raise RunError("type", f"{kind_of(value)} cannot be kept over a restart")


def _body(value: Reply) -> Any:
    match value:
        case ReplyObject():
            return dict(value)
        case ReplyList():
            return list(value)
        case ReplyText():
            return str(value)
        case ReplyScalar():
            return value.body


def meta_json(meta: ReplyMeta) -> dict[str, Any]:
    """What is known of a reply as a JSON object."""
    found: dict[str, Any] = {"code": meta.code, "headers": meta.headers.kept(), "ok": meta.ok}
    if meta.validation_errors:
        found["validationErrors"] = list(meta.validation_errors)
    if meta.webhook_url is not None:
        found["webhookUrl"] = meta.webhook_url
    return found


def meta_from_json(found: dict[str, Any]) -> ReplyMeta:
    """The inverse of `meta_json`."""
    return ReplyMeta(
        code=found["code"],
        headers=Headers.restored(found["headers"]),
        ok=found["ok"],
        validation_errors=tuple(found.get("validationErrors", ())),
        webhook_url=found.get("webhookUrl"),
    )


def untag(value: Any) -> Any:
    """The value that `tag` made `value` of; plain JSON comes back as it is, without a copy.

    Raises `ValueError` for a tag that is not known (a journal of a later version).
    """
    match value:
        case dict():
            return _untag_object(value)
        case list():
            return _untag_array(value)
        case _:
            return value


def _untag_object(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        [(key, item)] = value.items()
        if key.startswith("$"):
            if key not in _UNTAG:
                raise ValueError(f"unknown tag '{key}'")
            return _UNTAG[key](item)
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        if type(item) in PLAIN:
            continue
        plain = untag(item)
        if plain is not item:
            if changed is None:
                changed = dict(value)
            changed[key] = plain
    return value if changed is None else changed


def _untag_array(value: list[Any]) -> list[Any]:
    changed: list[Any] | None = None
    for position, item in enumerate(value):
        if type(item) in PLAIN:
            continue
        plain = untag(item)
        if plain is not item:
            if changed is None:
                changed = list(value)
            changed[position] = plain
    return value if changed is None else changed


def _untag_reply(parts: list[Any]) -> Any:
    body, meta = parts
    return with_reply(untag(body), meta_from_json(meta))


_UNTAG: Final[dict[str, Callable[[Any], Any]]] = {
    "$date": lambda milliseconds: from_milliseconds(milliseconds) or EPOCH,
    "$duration": Duration,
    "$map": lambda parts: mapped(untag(parts[0]), untag(parts[1])),
    "$reply": _untag_reply,
    "$headers": Headers.restored,
    _ESCAPE: lambda pair: {pair[0]: untag(pair[1])},
}
