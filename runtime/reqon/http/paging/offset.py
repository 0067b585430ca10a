"""Pagination by offset: `skip=0`, `skip=size`, …; ends with an empty or a short page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.http.paging import counting
from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.plan.policies import PagingPolicy


class Offsets:
    """The position is the number of items before the page, from `start` (0)."""

    def start(self, policy: PagingPolicy) -> Position:
        """The first page's offset."""
        return policy.start or 0

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """The offset as parameter."""
        return counting.ask_for_number(policy, position)

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """One page size further, unless the page was empty."""
        return None if counting.is_empty(facts) else position + policy.page_size

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Whether the page has fewer items than the page size."""
        return counting.is_short(policy, facts)

    def identity(self, position: Position) -> str | None:
        """None: offsets only grow."""
        del position

    def progress(self, position: Position) -> Mapping[str, Any]:
        """The offset of the next page."""
        return {"offset": position}
