"""State stores that come with Reqon, beside the state folder: a URL says where one lies.

    mission Nightly { stateStore: sqlite … }       REQON_STATE_URL=sqlite:///srv/reqon/state.db

Each is a module with a function `open_store(url)`, which may raise ValueError for a URL that says
too little; it connects when it is first used. What a store needs is imported when a mission names
it, and installed with `pip install 'reqon[name]'`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from reqon.errors import ConfigError
from reqon.settings import Settings
from reqon.state_stores.protocol import StateStore

URL_VARIABLE = "REQON_STATE_URL"


@dataclass(frozen=True, slots=True)
class Bundled:
    """Where a store's code is, and what its URL looks like; `extra`: whether it needs packages."""

    module: str
    schemes: tuple[str, ...]
    example: str
    extra: bool = True


BUNDLED: Mapping[str, Bundled] = {
    "sqlite": Bundled(
        "reqon.state_stores.sqlite", ("sqlite",), "sqlite:///srv/reqon/state.db", extra=False
    ),
    "postgres": Bundled(
        "reqon.state_stores.postgres",
        ("postgresql", "postgres"),
        "postgresql://user:password@host/reqon",
    ),
    "redis": Bundled(
        "reqon.state_stores.redis",
        ("redis", "rediss", "unix"),
        "redis://:password@localhost:6379/0",
    ),
    "s3": Bundled("reqon.state_stores.s3", ("s3",), "s3://bucket/prefix?region=eu-central-1"),
}


def open_bundled(name: str, settings: Settings) -> StateStore:
    """The store of this name where `REQON_STATE_URL` says.

    Its password is a secret from then on. Raises ConfigError: no URL, one of another kind of
    store, a package that is not installed.
    """
    bundled = BUNDLED[name]
    url = settings.env(URL_VARIABLE)
    hint = f"set {URL_VARIABLE}, such as {bundled.example}"
    if not url:
        raise ConfigError(f"the state store '{name}' needs to know where it is", hint=hint)
    _hide_password(url, settings)
    scheme, is_url, _ = url.partition("://")
    if not is_url:
        raise ConfigError(f"{URL_VARIABLE} is no URL", hint=hint)
    if scheme not in bundled.schemes:
        raise ConfigError(
            f"{URL_VARIABLE} is a '{scheme}' URL, which leads to no state store '{name}'", hint=hint
        )
    try:
        return importlib.import_module(bundled.module).open_store(url)
    except ImportError as error:
        raise ConfigError(
            f"the state store '{name}' needs a package that is not installed: {error.name}",
            hint=f"pip install 'reqon[{name}]'" if bundled.extra else None,
        ) from error
    except ValueError as error:
        raise ConfigError(f"{URL_VARIABLE} cannot be used: {error}", hint=hint) from error


def _hide_password(url: str, settings: Settings) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    for password in (unquote(parts.password or ""), *parse_qs(parts.query).get("password", ())):
        if password:
            settings.secrets.add(URL_VARIABLE, password)
