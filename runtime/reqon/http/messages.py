"""What goes to a service and what comes back, as values.

Nothing here sends, waits or decides: `encode.py` makes requests, `client.py` exchanges them for
replies or failures, and the engine turns those into what a program sees. A request shows itself
without its query and its headers, because either may carry credentials.
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from reqon.errors import RunError

Pairs: TypeAlias = tuple[tuple[str, str], ...]

REDIRECTS = 300
"""Statuses from here on bring no content of their own."""
FAILURES = 400
"""Statuses from here on are refusals and failures."""
SERVER_ERRORS = 500
"""From here on the service may have done part of what it was asked for."""
UNSAFE_TO_REPEAT = frozenset({"POST", "PATCH"})
"""Methods whose repetition may do the work twice."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that only read."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, complete but for its credentials.

    `url` is absolute and percent-encoded; `params` (not encoded) are appended to its query.
    `body` is what is sent. `keyed`: it carries an idempotency key; `resent`: it may have
    been sent before, `unanswered`: and no answer to that was seen, `unsure`: and may have had its
    effect. `trusted`: the URL has the origin of the source's base, so that the source's credentials
    go along; `source_headers` (lower case) came from the source and are dropped where a redirect
    leaves that origin.
    """

    method: str
    url: str
    params: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes | None = field(default=None, repr=False)
    source: str | None = None
    trusted: bool = True
    source_headers: frozenset[str] = frozenset()
    keyed: bool = False
    resent: bool = False
    unanswered: bool = False
    unsure: bool = False

    @property
    def description(self) -> str:
        """`GET https://api.test/customers`: for people; without query, fragment and user."""
        return f"{self.method} {bare_url(self.url)}"


def bare_url(url: str) -> str:
    """The URL without user, query and fragment, where credentials hide."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply below 400, decoded.

    `headers` have lower-case names, repeated ones joined by `, `. `started_at` is the instant
    before the first attempt was sent, `attempt_started_at` that before the one which was
    answered. `attempts` counts all that were sent. `json` is the body as it came, where that can
    be kept in its place (`decode.plain_json`). `gone`: what was to be deleted was not there any
    more, after an earlier attempt that may have deleted it.
    """

    request: HttpRequest
    status: int
    reason: str
    headers: Mapping[str, str]
    body: Any
    n_bytes: int
    started_at: datetime
    attempt_started_at: datetime
    attempts: int = 1
    json: bytes | None = field(default=None, repr=False)
    gone: bool = False

    @property
    def date(self) -> datetime | None:
        """The service's own time, from the header `Date`."""
        return http_date(self.headers.get("date"))

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


FailureKind: TypeAlias = Literal[
    "http", "network", "timeout", "invalid_json", "rate_limit", "auth", "circuit_open"
]


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """A request that failed for good: no reply, one from 400 on, or one that cannot be read.

    `value` is the error value that a guarded request leaves in `response`: the body if it is an
    object, with `error`, `code`, `message`, `headers` and `retryAfter` where those are absent.
    `message` is for people, and `hint` what they can do; secrets are redacted in both, and in
    `details`, which otherwise equals `value`. `retryable`: a later attempt may succeed.
    `arrived`: the service may have had the last attempt.
    """

    request: HttpRequest
    kind: FailureKind
    status: int | None
    headers: Mapping[str, str]
    value: Mapping[str, Any]
    details: Mapping[str, Any]
    message: str
    started_at: datetime
    hint: str | None = None
    retryable: bool = False
    attempts: int = 1
    arrived: bool = True

    def to_error(self) -> RunError:
        """The run-time error of a step whose request is not guarded."""
        return RunError(
            self.kind,
            self.message,
            code=self.status,
            details=self.details,
            retryable=self.retryable,
            hint=self.hint,
        )


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """An attempt failed and another follows: `attempt` is the number of the next, from 2."""

    request: HttpRequest
    attempt: int
    wait_ms: float
    reason: str


def http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110, 5.6.7) as an instant in UTC; None where it is none."""
    if not text:
        return None
    try:
        instant = email.utils.parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
