"""Bodies of replies: plain data that also answers to the virtual fields of their reply.

`code`, `headers`, `ok` and the like travel with the value itself, never with copies of it, and
are no part of the data: whatever lists, counts, stores or sends a body sees the data alone.
The HTTP room makes these values; field access and patterns read `meta` through `virtual_field`.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

MISSING: Final = object()
"""Stands for a field that is not there, where null would be a value."""

VIRTUAL_FIELDS: Final = frozenset(
    {"code", "statusCode", "headers", "ok", "webhookUrl", "validationErrors"}
)
"""Names that `virtual_field` may answer."""


_SECRET_FIELD = re.compile(r"cookie|key|token|secret|pass|auth")


_LOST = ":lost"
"""No name of a header field."""


class Headers(dict[str, str]):
    """Header fields by lower-case name; `field` and `[]` of the language ignore case.

    `lost` are the names of those that were not kept over a restart.
    """

    __slots__ = ("lost",)

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(fields or {})
        self.lost: frozenset[str] = frozenset()

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> Headers:
        """Take pairs of name and value, of any case; a repeated name is joined by `, `."""
        headers = cls()
        for name, value in fields:
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return headers

    def kept(self) -> dict[str, Any]:
        """What may lie on a disk: all but cookies and fields whose name speaks of a secret.

        Of those the names are kept.
        """
        lost = {*self.lost, *filter(_SECRET_FIELD.search, self)}
        found: dict[str, Any] = {name: self[name] for name in self if name not in lost}
        return {**found, _LOST: sorted(lost)} if lost else found

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Headers:
        """The inverse of `kept`."""
        headers = cls({name: value for name, value in kept.items() if name != _LOST})
        headers.lost = frozenset(kept.get(_LOST, ()))
        return headers


@dataclass(frozen=True, slots=True)
class ReplyMeta:
    """What is known of a reply beside its body; None and empty ones are absent fields."""

    code: int | None
    headers: Headers = field(default_factory=Headers)
    ok: bool = True
    validation_errors: tuple[str, ...] = ()
    webhook_url: str | None = None


class ReplyObject(dict[str, Any]):
    """A body that is an object."""

    __slots__ = ("meta",)

    def __init__(self, body: Mapping[str, Any], meta: ReplyMeta) -> None:
        super().__init__(body)
        self.meta = meta


class ReplyList(list[Any]):
    """A body that is an array."""

    __slots__ = ("meta",)

    def __init__(self, body: Iterable[Any], meta: ReplyMeta) -> None:
        super().__init__(body)
        self.meta = meta


class ReplyText(str):
    """A body that is text."""

    __slots__ = ("meta",)
    meta: ReplyMeta

    def __new__(cls, body: str, meta: ReplyMeta) -> ReplyText:
        """A text with its reply."""
        text = super().__new__(cls, body)
        text.meta = meta
        return text


@dataclass(frozen=True, slots=True)
class ReplyScalar:
    """A body that is null, a boolean or a number.

    `response` and names bound to it hold it. Expressions see the body; fields and object patterns
    of such a name see the reply.
    """

    body: Any
    meta: ReplyMeta


Reply: TypeAlias = ReplyObject | ReplyList | ReplyText | ReplyScalar
REPLY_TYPES: Final = (ReplyObject, ReplyList, ReplyText)


def with_reply(body: Any, meta: ReplyMeta) -> Any:
    """`body` with its virtual fields."""
    match body:
        case dict():
            return ReplyObject(body, meta)
        case list():
            return ReplyList(body, meta)
        case str():
            return ReplyText(body, meta)
        case _:
            return ReplyScalar(body, meta)


def plain(value: Any) -> Any:
    """The value that expressions see of what a variable holds."""
    return value.body if type(value) is ReplyScalar else value


def virtual_field(meta: ReplyMeta, name: str) -> Any:
    """The virtual field `name`, or `MISSING`."""
    match name:
        case "code" | "statusCode":
            return meta.code
        case "headers":
            return meta.headers
        case "ok":
            return meta.ok
        case "validationErrors" if meta.validation_errors:
            return list(meta.validation_errors)
        case "webhookUrl" if meta.webhook_url is not None:
            return meta.webhook_url
        case _:
            return MISSING
