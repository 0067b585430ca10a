"""URLs as texts: joined with a base, compared by origin, made fit for the wire.

No values and no requests here; `encode.py` and `paths.py` use it. A part that is encoded
already is never encoded again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from reqon.errors import ConfigError, RunError

_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_VISIBLE = re.compile(r"[!-~]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AS_IS = "".join(chr(code) for code in range(0x21, 0x7F))
"""All that may stay as it comes: the visible characters of ASCII."""


def is_absolute(path: str) -> bool:
    """Whether the path is a whole `http(s)://` URL."""
    return _ABSOLUTE.match(path) is not None


def join_base(base: str, path: str) -> str:
    """Base and path with exactly one `/` between them; a query of the base stays at the end.

    An empty path, or one that is only a query, leaves the base's own path as it is.
    """
    bare, _, base_query = base.partition("?")
    route, mark, query = path.partition("?")
    joined = f"{bare.rstrip('/')}/{route.lstrip('/')}" if route else bare
    queries = [part for part in (query, base_query) if part]
    return f"{joined}?{'&'.join(queries)}" if queries else joined + mark


def as_sent(url: str) -> str:
    """The URL in ASCII: spaces, control and non-ASCII characters percent-encoded, the host IDNA.

    Raises RunError `path` where it is no `http(s)://` URL, or has no valid host or port.
    """
    parts = _PARTS.match(url)
    if parts is None:
        raise _unusable(url, "it does not begin with http:// or https://")
    front = _front(parts["scheme"].lower(), parts["authority"])
    rest = parts["rest"]
    if _VISIBLE.fullmatch(rest):
        return front + rest
    return front + quote(rest, safe=_AS_IS, errors="replace")


@lru_cache(maxsize=256)
def _front(scheme: str, authority: str) -> str:
    """Scheme, user, host and port as they are sent."""
    user, at, host_and_port = authority.rpartition("@")
    try:
        url = URL(f"{scheme}://{host_and_port}")
        host, port = url.raw_host, url.explicit_port
    except ValueError:
        host = port = None
    if not host or any(character.isspace() for character in host):
        raise _unusable(f"{scheme}://{host_and_port}", "its host cannot be used")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{user}{at}{shown}{f':{port}' if port else ''}"


def resolve(url: str, reference: str) -> str:
    """The URL that a reference found at `url` means (RFC 3986, 5), as it is sent.

    Raises RunError `path` where it leads to no `http(s)://` URL.
    """
    try:
        return as_sent(urljoin(url, reference))
    except ValueError:
        raise _unusable(reference, "its host cannot be used") from None


def check_base(source: str, base: str) -> str:
    """The base of a source as it may be used; ConfigError where no request could be sent to it."""
    try:
        as_sent(base)
    except RunError as error:
        raise ConfigError(
            f"the base of source '{source}' cannot be used: {error.message}",
            hint='write a whole URL, such as "https://api.example.com/v2"',
        ) from error
    return base


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454), by which credentials are held together."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)
    except ValueError:
        return "", url, None


def same_origin(url: str, base: str) -> bool:
    """Whether both have the same origin."""
    return origin(url) == origin(base)


def _unusable(url: str, why: str) -> RunError:
    shown = url.partition("?")[0].rpartition("@")[2][:200]
    return RunError("path", f"'{shown}' is no URL for a request: {why}")
