"""What every kind of pagination answers: how to begin, what to ask, where to go on.

Protocols and values only. A position is JSON, because the journal keeps it; it says which page
is meant and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from reqon.plan.policies import PagingPolicy

Position: TypeAlias = Any
"""A page, as JSON: a number, a cursor, a URL, or null for the first."""


@dataclass(frozen=True, slots=True)
class PageAsk:
    """What a page's request has beyond the step's own: parameters, or a whole URL.

    `url` may be relative to the URL of the page before. `value` is what the parameter's name
    means in `until`.
    """

    params: Mapping[str, Any]
    url: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page that arrived.

    `n_items` is None where the page has no item list. `cursor` is what the cursor path gives.
    `headers` have lower-case names. `url` is the one that was asked.
    """

    n_items: int | None
    headers: Mapping[str, str]
    cursor: Any = None
    url: str = ""


class Paginator(Protocol):
    """One kind of pagination; a value without state."""

    def start(self, policy: PagingPolicy) -> Position:
        """The position of the first page."""
        ...

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """How the page at this position is asked for."""
        ...

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """The position after this page, or None where the page says that it is the last.

        A page that is merely short has a following one: `is_short` tells, and the caller
        decides.
        """
        ...

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Whether the page has fewer items than a full one, which is a sign of the end."""
        ...

    def identity(self, position: Position) -> str | None:
        """A text by which a repeated position is recognised; None where it cannot repeat."""
        ...

    def progress(self, position: Position) -> Mapping[str, Any]:
        """What the execution record shows of the next position, such as `{"cursor": "c2"}`."""
        ...
