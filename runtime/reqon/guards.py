"""What plug-ins register, with whatever their code raises turned into errors of Reqon's own.

A mistake in a plug-in fails the step that uses it, or the start of the mission, and is told like
any other error; it never breaks a run off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reqon.errors import ConfigError, ReqonError, RunError
from reqon.http.auth.base import Auth, AuthFactory, AuthFlow
from reqon.http.messages import HttpRequest
from reqon.http.paging.base import PageAsk, PageFacts, Paginator, Position
from reqon.plan.policies import PagingPolicy
from reqon.state.paths import StatePaths
from reqon.stores.base import Store, StoreSpec
from reqon.stores.registry import Factory
from reqon.values.foreign import errors_of, taken_over
from reqon.values.json_form import json_form


@dataclass(frozen=True, slots=True)
class GuardedPaginator:
    """A pagination whose positions are JSON, and whose errors are those of the request."""

    name: str
    inner: Paginator

    @property
    def _giver(self) -> str:
        return f"pagination '{self.name}'"

    def start(self, policy: PagingPolicy) -> Position:
        """The position of the first page."""
        with errors_of(self._giver, "pagination"):
            return json_form(taken_over(self.inner.start(policy), self._giver))

    def ask(self, policy: PagingPolicy, position: Position) -> PageAsk:
        """How the page at this position is asked for."""
        with errors_of(self._giver, "pagination"):
            ask: Any = self.inner.ask(policy, position)
            if not isinstance(ask, PageAsk):
                raise RunError("pagination", f"{self._giver} asks for a page without a 'PageAsk'")
            return ask

    def following(
        self, policy: PagingPolicy, position: Position, facts: PageFacts
    ) -> Position | None:
        """The position after this page."""
        with errors_of(self._giver, "pagination"):
            found = self.inner.following(policy, position, facts)
            return json_form(taken_over(found, self._giver))

    def is_short(self, policy: PagingPolicy, facts: PageFacts) -> bool:
        """Whether the page has fewer items than a full one."""
        with errors_of(self._giver, "pagination"):
            return self.inner.is_short(policy, facts)

    def identity(self, position: Position) -> str | None:
        """A text by which a repeated position is recognised."""
        with errors_of(self._giver, "pagination"):
            return self.inner.identity(position)

    def progress(self, position: Position) -> Mapping[str, Any]:
        """What the execution record shows of the next position."""
        with errors_of(self._giver, "pagination"):
            return self.inner.progress(position)


@dataclass(frozen=True, slots=True)
class GuardedAuth:
    """Credentials whose flow sends at least one request, or fails as an error of kind `auth`."""

    name: str
    inner: Auth

    def flow(self, request: HttpRequest) -> AuthFlow:
        """The requests of the inner flow."""
        with errors_of(f"auth '{self.name}'", "auth"):
            flow = self.inner.flow(request)
            current = next(flow, None)
            if current is None:
                raise RunError("auth", f"auth '{self.name}' sends no request")
            while True:
                reply = yield current
                try:
                    current = flow.send(reply)
                except StopIteration:
                    return


def guarded_auth(name: str, make: AuthFactory) -> AuthFactory:
    """A maker of guarded credentials; one that fails is a configuration error."""

    def made(source: str, fields: Mapping[str, Any]) -> Auth:
        try:
            return GuardedAuth(name, make(source, fields))
        except ReqonError:
            raise
        except Exception as error:
            raise ConfigError(f"auth '{name}' of source '{source}' failed: {_of(error)}") from error

    return made


def guarded_adapter(name: str, make: Factory) -> Factory:
    """A maker of stores; one that fails is a configuration error."""

    def made(spec: StoreSpec, paths: StatePaths) -> Store:
        try:
            return make(spec, paths)
        except ReqonError:
            raise
        except Exception as error:
            message = f"store adapter '{name}' failed for '{spec.identifier}': {_of(error)}"
            raise ConfigError(message) from error

    return made


def _of(error: Exception) -> str:
    return str(error) or type(error).__name__
