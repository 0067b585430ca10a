"""Pagination by page number: `page=1`, `page=2`, …; ends with an empty or a short page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.http.paging import counting
from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.plan.policies import PagingPolicy


class PageNumbers:
    """The position is the number of the page, from `start` (1)."""

    def start(self, policy: PagingPolicy) -> Position:
        """The first page's number."""
        return 1 if policy.start is None else policy.start

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """The page number as parameter."""
        return counting.ask_for_number(policy, position)

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """The next number, unless the page was empty."""
        del policy
        return None if counting.is_empty(facts) else position + 1

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Whether the page has fewer items than the page size."""
        return counting.is_short(policy, facts)

    def identity(self, position: Position) -> str | None:
        """None: numbers only grow."""
        del position

    def progress(self, position: Position) -> Mapping[str, Any]:
        """Nothing: the record shows the count of pages anyway."""
        del position
        return {}
