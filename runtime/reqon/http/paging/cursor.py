"""Pagination by cursor: each page names the next one; ends where it names none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reqon.http.paging import counting
from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.plan.policies import PagingPolicy


class Cursors:
    """The position is the cursor to send; null for the first page, which sends none."""

    def start(self, policy: PagingPolicy) -> Position:
        """No cursor."""
        del policy

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """The cursor as parameter, which falls away while it is null."""
        return PageAsk({policy.parameter: position, **counting.sent_size(policy)}, value=position)

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """The page's own cursor; null, `false` and what is empty end the list."""
        del policy, position
        return None if _is_no_cursor(facts.cursor) else facts.cursor

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Never: only the cursor tells the end."""
        del policy, facts
        return False

    def identity(self, position: Position) -> str | None:
        """The cursor's JSON; the first page has none."""
        return None if position is None else json.dumps(position, sort_keys=True)

    def progress(self, position: Position) -> Mapping[str, Any]:
        """The cursor of the next page."""
        return {"cursor": position}


def _is_no_cursor(cursor: Any) -> bool:
    return cursor is None or cursor is False or cursor in ("", [], {})
