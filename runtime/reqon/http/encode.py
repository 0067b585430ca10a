"""A step's request as the engine evaluated it, into the bytes that are sent.

Paths, parameters, headers and bodies are written here and only here, so that each value has one
form on the wire. Credentials are not joined here (`auth/`), and nothing is sent (`client.py`).
Errors are RunErrors of the step: kind `path`, `config` or `type`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import parse_qsl, quote

import msgspec

from reqon.errors import RunError
from reqon.http.messages import HttpRequest, Pairs
from reqon.http.paging.base import PageAsk
from reqon.http.urls import as_sent, is_absolute, join_base, resolve, same_origin
from reqon.values.json_form import json_form
from reqon.values.show import described
from reqon.values.text import json_text, text_of

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Target:
    """A source as its requests see it; `headers` are evaluated values, null leaves one out."""

    name: str
    base: str | None
    headers: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RequestParts:
    """A request step with its options evaluated.

    `path` is filled in already, or an absolute URL. `has_body` tells a null body from none.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None
    body: Any = None
    has_body: bool = False


def build_request(target: Target, parts: RequestParts) -> HttpRequest:
    """The request that a step sends, or the first of its pages.

    An absolute path replaces the base; the source's headers then go along only where it has the
    base's origin. An object as the body of a GET is sent as parameters.
    """
    method = parts.method.upper()
    url, trusted = _resolve(target, parts.path)
    params = encode_params(parts.params or {})
    body = parts.body if parts.has_body else None
    if method == "GET" and body is not None:
        params, body = params + encode_params(_filters(body)), None
    headers, from_source = _headers(target.headers if trusted else {}, parts.headers or {})
    content: bytes | None = None
    if parts.has_body and method != "GET":
        content, headers = encode_body(body, headers)
    return HttpRequest(method, url, params, headers, content, target.name, trusted, from_source)


def page_request(request: HttpRequest, target: Target, ask: PageAsk) -> HttpRequest:
    """The request of one page: the step's own with the page's parameters or URL.

    The page's parameters replace like-named ones of the step. A URL of its own keeps those
    parameters of the step that it does not name itself, and the source's headers only within
    the source's origin.
    """
    extra = encode_params(ask.params)
    names = ask.params.keys()
    params = tuple(pair for pair in request.params if pair[0] not in names) + extra
    if ask.url is None:
        return replace(request, params=params)
    url = resolve(request.url, ask.url)
    query = url.partition("#")[0].partition("?")[2]
    named = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    params = tuple(pair for pair in params if pair[0] not in named)
    trusted = target.base is not None and same_origin(url, target.base)
    moved = replace(request, url=url, params=params, trusted=trusted)
    return moved if trusted else without_source_headers(moved)


def without_source_headers(request: HttpRequest) -> HttpRequest:
    """The request as it may go to another origin: nothing of the source's but the data."""
    kept = {k: v for k, v in request.headers.items() if k.lower() not in request.source_headers}
    return replace(request, headers=kept, trusted=False, source_headers=frozenset())


def full_url(request: HttpRequest) -> str:
    """The URL with its parameters, percent-encoded; the fragment is never sent."""
    url = request.url.partition("#")[0]
    if not request.params:
        return url
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in request.params)
    if url.endswith(("?", "&")):
        return url + query
    return f"{url}{'&' if '?' in url else '?'}{query}"


def encode_params(params: Mapping[str, Any]) -> Pairs:
    """Parameters as texts: null falls away, arrays repeat their name, objects become JSON."""
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        if isinstance(value, list | tuple):
            elements = cast("Sequence[Any]", value)
            pairs += [(name, _param_text(item)) for item in elements if item is not None]
        elif value is not None:
            pairs.append((name, _param_text(value)))
    return tuple(pairs)


def encode_body(body: Any, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """The bytes of a body, and the headers with a `Content-Type` that fits.

    JSON, unless the request's own `Content-Type` says form or, for a text, something else that
    is no JSON.
    """
    given = next((v for k, v in headers.items() if k.lower() == "content-type"), None)
    media_type = (given or JSON_TYPE).partition(";")[0].strip().lower()
    if media_type == FORM_TYPE:
        return _form(body).encode(), dict(headers)
    if isinstance(body, str) and not media_type.endswith(("/json", "+json")):
        return body.encode("utf-8", "replace"), dict(headers)
    content = _json_bytes(body)
    return content, dict(headers) if given else {**headers, "Content-Type": JSON_TYPE}


def with_idempotency_key(request: HttpRequest, header: str, key: str) -> HttpRequest:
    """The request with its key; one that the program sets itself under that name stays."""
    if any(name.lower() == header.lower() for name in request.headers):
        return replace(request, keyed=True)
    return replace(request, headers={**request.headers, header: key}, keyed=True)


def _resolve(target: Target, path: str) -> tuple[str, bool]:
    """The absolute URL, and whether it has the origin of the source's base."""
    if is_absolute(path):
        return as_sent(path), target.base is not None and same_origin(path, target.base)
    if target.base is None:
        raise RunError(
            "config",
            f"source '{target.name}' has no base URL for the path '{path}'",
            hint=f"write 'base: \"https://…\"' in source '{target.name}'; "
            "a base from env() is null while the variable is not set",
        )
    return as_sent(join_base(target.base, path)), True


def _headers(
    source: Mapping[str, Any], own: Mapping[str, Any]
) -> tuple[dict[str, str], frozenset[str]]:
    """The source's headers with the step's own over them, and the names that are the source's."""
    named = {name.lower() for name in own}
    kept = {name: value for name, value in source.items() if name.lower() not in named}
    headers = {
        name: _header_text(name, value)
        for name, value in {**kept, **own}.items()
        if value is not None
    }
    return headers, frozenset(name.lower() for name in kept)


def _header_text(name: str, value: Any) -> str:
    text = text_of(value)
    if not name or not name.isascii() or any(c <= " " or c in '():,;<>=@[]{}?/\\"' for c in name):
        raise RunError("type", f"'{name}' is no name for an HTTP header")
    if any(c < " " and c != "\t" for c in text) or "\x7f" in text:
        raise RunError(
            "type",
            f"the header '{name}' has a line break or control character in its value",
            hint="cut it out with trim() or replace()",
        )
    return text


def _filters(body: Any) -> Mapping[str, Any]:
    if isinstance(body, dict):
        return cast("Mapping[str, Any]", body)
    raise RunError(
        "type",
        f"a 'get' cannot send {described(body)} as its body",
        hint="an object is sent as query parameters; for others use post or put",
    )


def _form(body: Any) -> str:
    if isinstance(body, str):
        return body
    if body is None:
        return ""
    if not isinstance(body, dict):
        raise RunError(
            "type",
            f"a form body must be an object, not {described(body)}",
            hint="write 'body: { name: value }', or another Content-Type",
        )
    pairs = encode_params(cast("Mapping[str, Any]", body))
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _param_text(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json_text(value)
    return text_of(value)


def _json_bytes(value: Any) -> bytes:
    try:
        return msgspec.json.encode(json_form(value))
    except UnicodeEncodeError:
        raise RunError("type", "a text to be sent has half a character in it") from None


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
