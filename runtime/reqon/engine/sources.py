"""The sources of a mission in use: options evaluated at load time, credentials joined.

Credentials come from outside the program first. A reply inside an action entered by `jump` may
replace the token of a source; it is a secret from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reqon.errors import ConfigError, RunError
from reqon.http.auth.base import Auth
from reqon.http.urls import check_base
from reqon.plan.model import SourcePlan
from reqon.plan.policies import DEFAULT_TIMEOUT_MS, IdempotencyPolicy
from reqon.steps.base import SourceInUse
from reqon.steps.options import milliseconds, options_object, retry_policy, text, word
from reqon.values.scope import Value

Evaluate = Callable[[Any], Value]


class Sources:
    """Sources by name, and the credentials of each."""

    def __init__(self, sources: Mapping[str, SourceInUse], auth: Mapping[str, Auth]) -> None:
        self._sources = dict(sources)
        self._auth = dict(auth)
        self.names = frozenset(self._sources)

    def get(self, name: str) -> SourceInUse:
        """The source of that name."""
        return self._sources[name]

    def auth(self, name: str) -> Auth:
        """Its credentials."""
        return self._auth[name]

    def replace_auth(self, name: str, auth: Auth) -> None:
        """Use other credentials from now on."""
        self._auth[name] = auth

    def bases(self) -> dict[str, str | None]:
        """Base URLs by source, for the notes of an execution."""
        return {name: source.base for name, source in self._sources.items()}


def source_in_use(plan: SourcePlan, evaluate: Evaluate) -> SourceInUse:
    """A source with its options evaluated. Raises ConfigError for values of the wrong kind."""
    try:
        values = {
            name: evaluate(option) for name, option in plan.options.items() if name in _OWN_OPTIONS
        }
        retry = None
        if plan.retry is not None:
            retry = retry_policy(options_object(evaluate(plan.retry["retry"]), "retry"))
        return _made(plan.name, values, retry)
    except RunError as error:
        raise ConfigError(f"source '{plan.name}': {error.message}", hint=error.hint) from error


def _made(name: str, values: Mapping[str, Value], retry: Any) -> SourceInUse:
    base = values.get("base")
    timeout = values.get("timeout")
    return SourceInUse(
        name,
        None if base is None else check_base(name, text(base, "base")),
        options_object(values.get("headers") or {}, "headers"),
        DEFAULT_TIMEOUT_MS if timeout is None else milliseconds(timeout, "timeout"),
        retry,
        IdempotencyPolicy(
            word(values.get("idempotency") or "auto", "idempotency", ("auto", "none", "always")),
            text(values.get("idempotencyHeader") or "Idempotency-Key", "idempotencyHeader"),
        ),
    )


_OWN_OPTIONS = frozenset({"base", "headers", "timeout", "idempotency", "idempotencyHeader"})
