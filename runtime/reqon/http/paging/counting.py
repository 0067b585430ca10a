"""What pagination by page number and by offset have in common: the position is a number.

A page without items is the last; a page with fewer than a full one is taken for the last unless
the program says itself when to stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.plan.policies import PagingPolicy


def ask_for_number(policy: PagingPolicy, position: Position) -> PageAsk:
    """The parameter with the number, and the page size where it has a name."""
    return PageAsk({policy.parameter: position, **sent_size(policy)}, value=position)


def sent_size(policy: PagingPolicy) -> Mapping[str, Any]:
    """The page size under its parameter; nothing where it is not sent."""
    return {policy.size_parameter: policy.page_size} if policy.size_parameter else {}


def is_empty(facts: PageFacts) -> bool:
    """Whether the page's item list is there and has nothing in it."""
    return facts.n_items == 0


def is_short(policy: PagingPolicy, facts: PageFacts) -> bool:
    """Whether the page has fewer items than a full one; a page without a list has none."""
    return (facts.n_items or 0) < policy.page_size
