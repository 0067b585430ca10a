"""Why no reply came, in words: from the exceptions of the HTTP library and the system.

The only place that looks into those exceptions. `refused` means that nothing was sent, so that
even a POST may be tried again; with `network` the service may have had the request.
"""

from __future__ import annotations

import os
import ssl

import aiohttp

from reqon.http.messages import HttpRequest
from reqon.http.retry import Trouble
from reqon.http.urls import origin


def explain_trouble(error: BaseException, request: HttpRequest) -> tuple[Trouble, str, str | None]:
    """The kind of trouble, what happened, and what to do about it."""
    _, host, port = origin(request.url)
    source = request.source or "the source"
    trouble: Trouble = "network"
    hint: str | None = None
    match error:
        case aiohttp.ClientConnectorDNSError():
            trouble, reason = "refused", f"the host '{host}' is not known"
            hint = f"check the base of '{source}' and this machine's network"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            trouble = "refused"
            reason = f"no trusted TLS connection to '{host}': {_system_text(error)}"
            hint = "check the host's certificate and this machine's clock"
        case aiohttp.ClientConnectorError():
            trouble, reason = "refused", f"no connection to '{host}:{port}': {_system_text(error)}"
            hint = "check that the service is running there"
        case aiohttp.InvalidURL():
            reason = "its URL is not valid"
            hint = f"check the path and the base of '{source}'"
        case aiohttp.ServerDisconnectedError():
            reason = "the service closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            reason = "the reply's body broke off, or is not compressed as it says"
        case aiohttp.ClientResponseError():
            reason = f"what came back is not HTTP: {error.message}"
            hint = f"check the scheme and port in the base of '{source}'"
        case _:
            reason = f"the connection broke: {_system_text(error)}"
    return trouble, reason, hint


def _system_text(error: BaseException) -> str:
    """The system's own words: `Connection refused`."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and not isinstance(cause, ssl.SSLError):
        return os.strerror(number)
    return str(cause) or type(cause).__name__
