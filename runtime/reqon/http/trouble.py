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

LONGEST_HEADER = 1 << 16
"""A longer line or field in the head of a reply is a failure; in bytes."""


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
            hint = _AGAIN
        case aiohttp.ClientPayloadError():
            reason = "the reply's body broke off, or is not compressed as it says"
            hint = _AGAIN
        case aiohttp.ClientResponseError():
            reason, hint = _unreadable(error, source)
        case _:
            reason = f"the connection broke: {_system_text(error)}"
            hint = _AGAIN
    return trouble, reason, hint


_AGAIN = "a 'retry' on the request tries again"
_ASK_ITS_MAKERS = "the service has to be mended; its makers should know"
_CODING = "Can not decode content-encoding:"


def _unreadable(error: aiohttp.ClientResponseError, source: str) -> tuple[str, str]:
    """What is wrong with bytes that came back and are no reply, and what to do."""
    said = " ".join((error.message.splitlines() or [""])[0].split()).rstrip(":")
    if said.startswith("Bad status line"):
        hint = f"check the scheme and port in the base of '{source}'"
        return "what came back is not HTTP", hint
    if said.startswith("Got more than"):
        return f"its head has a line of more than {LONGEST_HEADER:,} bytes", _ASK_ITS_MAKERS
    if said.startswith(_CODING):
        coding = said.removeprefix(_CODING).partition(".")[0].strip()
        hint = f'add "Accept-Encoding": "gzip" to the headers of \'{source}\''
        return f"the reply is packed in a way that cannot be read: {coding}", hint
    return f"the reply breaks the rules of HTTP: {said}", _AGAIN


def _system_text(error: BaseException) -> str:
    """The system's own words: `Connection refused`."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and not isinstance(cause, ssl.SSLError):
        return os.strerror(number)
    return str(cause) or type(cause).__name__
