"""The kinds of authentication by the word that a program uses for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.errors import ConfigError
from reqon.http.auth.base import Auth, AuthFactory
from reqon.http.auth.bearer import bearer_auth
from reqon.http.auth.none import no_auth

AUTH: dict[str, AuthFactory] = {"none": no_auth, "bearer": bearer_auth}


def register_auth(name: str, factory: AuthFactory) -> None:
    """Make a kind known to programs; a name that is taken is a ValueError."""
    if name in AUTH:
        raise ValueError(f"the auth kind '{name}' exists already")
    AUTH[name] = factory


def make_auth(kind: str, source: str, fields: Mapping[str, Any]) -> Auth:
    """The credentials of a source, ready to use.

    Raises ConfigError where the kind is unknown or a field that it needs is missing.
    """
    factory = AUTH.get(kind)
    if factory is None:
        known = ", ".join(sorted(AUTH))
        raise ConfigError(
            f"source '{source}' uses auth '{kind}', which is not supported yet",
            hint=f"known are: {known}",
        )
    return factory(source, fields)
