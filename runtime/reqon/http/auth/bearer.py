"""A bearer token (RFC 6750): `Authorization: Bearer …` on every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.errors import ConfigError
from reqon.http.auth.base import Auth, AuthFlow, with_header
from reqon.http.messages import HttpRequest
from reqon.secrets import Secret


class BearerAuth:
    """Sends one token."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def flow(self, request: HttpRequest) -> AuthFlow:
        """The request with the token."""
        yield with_header(request, "Authorization", f"Bearer {self._token.reveal()}")


def bearer_auth(source: str, fields: Mapping[str, Any]) -> Auth:
    """From the field `token`; a token that cannot stand in a header is refused."""
    token = fields.get("token")
    secret = token if isinstance(token, Secret) else Secret(f"{source}.token", token or "")
    text = secret.reveal()
    if not text:
        raise ConfigError(
            f"source '{source}' has auth 'bearer' but no token",
            hint=f"set REQON_{source.upper()}_TOKEN, give '{source}' a token in the file of "
            "--auth, or write 'token: env(\"…\")' in the source",
        )
    if not text.isascii() or not text.isprintable():
        raise ConfigError(
            f"the token of source '{source}' has characters that no HTTP header can carry",
            hint="check it for line breaks and quotes that were copied along",
        )
    return BearerAuth(secret)
