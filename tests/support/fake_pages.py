"""Lists in pages for the fake API: by page number, offset, cursor or `Link` header.

    api.get("/customers", pages(customers, "cursor", 100))

A page is `{"data": [...]}` (or a bare list, with `field=None`), the last one short or empty as
real services have it. `once_per_key` is a route that creates something once per idempotency key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from support.fake_api import Asked, Reply

PageKind = Literal["page", "offset", "cursor", "link"]
PARAMETERS = {"page": "page", "offset": "offset", "cursor": "cursor", "link": "after"}


def pages(
    items: Sequence[Any],
    kind: PageKind,
    size: int,
    *,
    field: str | None = "data",
    parameter: str | None = None,
    start: int = 1,
) -> Callable[[Asked], Reply]:
    """A route that serves `items`; `start` is the number of the first page."""
    name = parameter or PARAMETERS[kind]

    def answer(asked: Asked) -> Reply:
        sent = asked.params.get(name)
        at = _first_index(kind, sent, size, start)
        part = list(items[at : at + size])
        following = at + size if at + size < len(items) else None
        return _page(asked, kind, name, field, part, following)

    return answer


def _first_index(kind: PageKind, sent: str | None, size: int, start: int) -> int:
    if kind == "page":
        return (int(sent or start) - start) * size
    return int((sent or "0").removeprefix("c"))


def _page(
    asked: Asked,
    kind: PageKind,
    name: str,
    field: str | None,
    part: list[Any],
    following: int | None,
) -> Reply:
    body: Any = part if field is None else {field: part, "count": len(part)}
    if kind == "cursor":
        body["meta"] = {"next": None if following is None else f"c{following}"}
    headers: dict[str, str] = {}
    if kind == "link":
        links = [f'<{asked.path}>; rel="first"']
        if following is not None:
            links.append(f'<{asked.path}?{name}={following}>; rel="next"')
        headers["Link"] = ", ".join(links)
    return Reply(body, headers=headers)


def once_per_key(header: str = "Idempotency-Key") -> tuple[Callable[[Asked], Reply], list[Any]]:
    """A route that creates each body once per key, and the list of what it created.

    A repeated key gets the first answer again; a key with another body gets 422.
    """
    created: list[Any] = []
    answers: dict[str, tuple[bytes, Reply]] = {}

    def answer(asked: Asked) -> Reply:
        key = asked.header(header)
        if key is not None and key in answers:
            body, known = answers[key]
            return known if body == asked.body else Reply({"error": "other body"}, 422)
        created.append(asked.json)
        reply = Reply({"id": len(created), **asked.json}, 201)
        if key is not None:
            answers[key] = (asked.body, reply)
        return reply

    return answer, created
