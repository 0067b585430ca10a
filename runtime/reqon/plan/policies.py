"""How a request is retried, paged, timed and synchronized: plain values of a plan.

Policies hold numbers and words that are already evaluated, and know no HTTP: `http/` takes them
as arguments. They never hold a secret, a handle or a function, so that they print, compare and
serialise. All times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from vague.ast.expressions import Expression

Backoff: TypeAlias = Literal["exponential", "linear", "constant"]

DEFAULT_TIMEOUT_MS = 30_000
DEFAULT_PAGE_SIZE = 100
DEFAULT_MAX_PAGES = 10_000
DEFAULT_MAX_WAIT_MS = 300_000
"""The longest wait that a service may ask for with `Retry-After`."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often something is tried again.

    `max_attempts` counts the first try. With `delay_ms` every wait is exactly that; an
    expression that is evaluated before each wait is the caller's, who passes its value instead.
    """

    max_attempts: int = 3
    backoff: Backoff = "exponential"
    initial_delay_ms: float = 1_000
    max_delay_ms: float | None = None
    delay_ms: float | None = None

    @property
    def longest_delay_ms(self) -> float:
        """`max_delay_ms`, or its default: 30 seconds, or the first wait where that is longer."""
        if self.max_delay_ms is not None:
            return self.max_delay_ms
        return max(30_000, self.initial_delay_ms)


RetryScope: TypeAlias = Literal["request", "source"]
"""Where a retry was written: one at the request covers every method, one that comes from the
source covers `post` and `patch` only where the service cannot have done the work."""


@dataclass(frozen=True, slots=True)
class PagingPolicy:
    """How the pages of a list are asked for.

    `parameter` carries the page, offset or cursor. `items` is the path of the item list in a
    page, as written or as found in `until`; None: it is looked for. `start` is None for the
    kind's own first value. `options` are what a registered kind takes beyond these.
    """

    kind: str
    parameter: str
    page_size: int = DEFAULT_PAGE_SIZE
    cursor_path: Expression | None = None
    items: tuple[str | int, ...] | None = None
    size_parameter: str | None = None
    start: int | None = None
    max_pages: int = DEFAULT_MAX_PAGES
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class SincePolicy:
    """How the time of the last sync is sent; `key` is None for the one made of source and path."""

    parameter: str = "modified_since"
    format: str = "iso"
    key: str | None = None
    update_from: str | None = None
    overlap_ms: float = 0


IdempotencyMode: TypeAlias = Literal["auto", "none", "always"]


@dataclass(frozen=True, slots=True)
class IdempotencyPolicy:
    """Which requests carry an idempotency key, and in which header."""

    mode: IdempotencyMode = "auto"
    header: str = "Idempotency-Key"

    def covers(self, method: str) -> bool:
        """Whether a request of this method (any case) carries a key."""
        if self.mode == "none":
            return False
        safe_to_repeat = self.mode == "always" and method.upper() in {"PUT", "DELETE"}
        return safe_to_repeat or method.upper() in {"POST", "PATCH"}
