"""Pagination by the `Link` header (RFC 8288): follows `rel="next"`; ends where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reqon.errors import RunError
from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.http.urls import resolve
from reqon.plan.policies import PagingPolicy

_TARGET = re.compile(r"\s*<([^>]*)>")
_PARAMETER = re.compile(r'\s*;\s*([^\s=;,]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,]*)))?')


class NextLinks:
    """The position is the URL to ask; null for the first page, the step's own."""

    def start(self, policy: PagingPolicy) -> Position:
        """No URL of its own."""
        del policy

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """The URL that the page before named."""
        del policy
        return PageAsk({}, url=position, value=position)

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """The link's target, made absolute against the page's URL."""
        del policy, position
        target = next_link(facts.headers.get("link", ""))
        return None if target is None else _absolute(facts.url, target)

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Never: only the link tells the end."""
        del policy, facts
        return False

    def identity(self, position: Position) -> str | None:
        """The URL."""
        return position

    def progress(self, position: Position) -> Mapping[str, Any]:
        """The URL of the next page."""
        return {"nextUrl": position}


def _absolute(url: str, target: str) -> str:
    try:
        return resolve(url, target)
    except RunError as error:
        raise RunError(
            "pagination",
            f"the link to the next page cannot be followed: {error.message}",
            hint="the service sends a wrong 'Link' header; use another kind of pagination",
        ) from error


def next_link(header: str) -> str | None:
    """The target of the first link whose relations hold `next`; None where there is none.

    Commas and semicolons inside the target and inside quotes belong to them; only the first
    `rel` of a link counts.
    """
    at = 0
    while (target := _TARGET.match(header, at)) is not None:
        relations: str | None = None
        at = target.end()
        while (parameter := _PARAMETER.match(header, at)) is not None:
            at = parameter.end()
            if parameter[1].lower() == "rel" and relations is None:
                relations = parameter[2] if parameter[2] is not None else parameter[3] or ""
        if relations is not None and "next" in relations.lower().split():
            return target[1].strip()
        comma = header.find(",", at)
        if comma < 0:
            return None
        at = comma + 1
    return None
