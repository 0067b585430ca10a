"""How requests prove who sends them: a flow of requests and replies, without I/O.

A flow is a generator: it yields a request to send, is given the reply (`AuthReply`) and either
yields another one or returns. So a kind that refreshes a token is as pure as one that only sets
a header. Credentials join a request here and nowhere else, and only where it goes to the
source's own origin.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from reqon.http.messages import HttpRequest


@dataclass(frozen=True, slots=True)
class AuthReply:
    """What a flow may know of a reply; `headers` have lower-case names, `raw` is the body."""

    status: int
    headers: Mapping[str, str]
    raw: bytes


AuthFlow: TypeAlias = Generator[HttpRequest, AuthReply, None]


class Auth(Protocol):
    """One source's credentials in use."""

    def flow(self, request: HttpRequest) -> AuthFlow:
        """The requests to send for this one; the last reply given is its answer."""
        ...


AuthFactory: TypeAlias = Callable[[str, Mapping[str, Any]], Auth]
"""Makes an `Auth` of a source's name and credential fields (texts and `Secret`s); raises
ConfigError where a field is missing."""


def with_header(request: HttpRequest, name: str, value: str) -> HttpRequest:
    """The request with a header that stays with the source's origin; it replaces a like one."""
    headers = {key: text for key, text in request.headers.items() if key.lower() != name.lower()}
    bound = request.source_headers | {name.lower()}
    return replace(request, headers={**headers, name: value}, source_headers=bound)
