"""No credentials: requests go as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.http.auth.base import Auth, AuthFlow
from reqon.http.messages import HttpRequest


class NoAuth:
    """Adds nothing."""

    def flow(self, request: HttpRequest) -> AuthFlow:
        """The request itself."""
        yield request


def no_auth(source: str, fields: Mapping[str, Any]) -> Auth:
    """The same for every source, whatever the fields."""
    del source, fields
    return NoAuth()
