"""A state store in Redis: `stateStore: redis`, and a URL such as `redis://:password@host:6379/0`.

Keys, each behind `reqon:` or what the URL's `?prefix=` says:

    state:<id>            the state, JSON
    about:<id>            its epoch, mission, status, place in the histories, last frame
    frames:<id>           a sorted set of the journal's frames by their number
    started               a sorted set: all executions by their start
    started:<mission>     those of one mission
    lease:<mission>       epoch, owner, and when it ends by the server's clock

Each write is one script in the server, its fence included.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,  # noqa: A004 - what Redis calls it
    NoPermissionError,
    RedisError,
    TimeoutError,  # noqa: A004 - what Redis calls it
)

from reqon.errors import ConfigError
from reqon.state_stores import redis_scripts
from reqon.state_stores.bundled import URL_VARIABLE
from reqon.state_stores.per_loop import PerLoop
from reqon.state_stores.protocol import JournalFrame, State

_PREFIX = "reqon:"
_OPTIONS = (
    *("db", "protocol", "client_name", "socket_timeout", "socket_connect_timeout"),
    *("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"),
)
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_UNREADABLE = (
    "it has no host that can be read; in a password '@' is written as %40, ':' as %3A, '/' as %2F, "
    "'#' as %23, '?' as %3F"
)
_FIRST_WAITS_SECONDS = (0.0, 0.5)
_WAITS_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Together less than a lease lasts."""

_MOST_AT_ONCE = 20


def open_store(url: str) -> RedisStateStore:
    """The store at a `redis://`, `rediss://` or `unix://` URL; ValueError for what is none."""
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if parts.fragment or "@" in parts.path + parts.query or place.startswith(("None:", ":")):
        raise ValueError(_UNREADABLE)
    prefix = options.pop("prefix", _PREFIX)
    if not set(options) <= set(_OPTIONS):
        raise ValueError(f"behind '?' it may have {', '.join(('prefix', *_OPTIONS))}")
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError("behind the host stands the number of the database, such as /0")
    url = parts._replace(query=urlencode(options)).geturl()
    try:
        _pool(url).make_connection()
    except (TypeError, RedisError) as error:
        raise ValueError("an option behind '?' does not fit") from error
    return RedisStateStore(url, place, prefix)


class RedisStateStore:
    """States, frames and leases in one Redis server; connects when first used in an event loop."""

    def __init__(self, url: str, place: str, prefix: str = _PREFIX) -> None:
        self._place = place
        self._was_reached = False
        self._waits: Sequence[float] = _FIRST_WAITS_SECONDS
        self._prefix = prefix
        self._client = PerLoop(lambda: _client(url), lambda client: client.aclose())

    async def save(self, state: State) -> bool:
        """Replace the state and drop the frames that it holds, unless its epoch is too old."""
        execution_id, mission = state["executionId"], state["mission"]
        keys = [
            *self._keys(execution_id),
            self._key("started"),
            self._key("started", mission),
            self._key("lease", mission),
        ]
        place = f"{state['startedAt']} {execution_id}"
        values = [state.get("epoch", 0), json.dumps(state), state.get("seq", 0)]
        done = await self._run(redis_scripts.SAVE, keys, [*values, mission, state["status"], place])
        return done == 1

    async def load(self, execution_id: str) -> State | None:
        """The state, or None."""
        (found,) = await self._states([execution_id])
        return found

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """Newest first."""
        key = self._key("started") if mission is None else self._key("started", mission)
        given = [self._key("about", ""), status or "", -1 if limit is None else limit]
        ids = [found.decode() for found in await self._run(redis_scripts.LIST, [key], given)]
        parts = (ids[at : at + _MOST_AT_ONCE] for at in range(0, len(ids), _MOST_AT_ONCE))
        states = [state for part in parts for state in await self._states(part)]
        return [state for state in states if state is not None]

    async def delete(self, execution_id: str) -> None:
        """Forget it, its frames and its epoch."""
        keys = [*self._keys(execution_id), self._key("started")]
        await self._run(redis_scripts.DELETE, keys, [])

    async def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Keep a frame; refuse a number that is taken, and an epoch that is too old.

        RuntimeError where frames before it are missing: the server has lost them in a crash.
        """
        _, *keys = self._keys(execution_id)
        given = [frame.get("epoch", 0), seq, f"{seq} {json.dumps(frame)}", self._key("lease", "")]
        done = await self._run(redis_scripts.APPEND, keys, given)
        if done < 0:
            raise RuntimeError(f"Redis at {self._place} has lost data: what came before is missing")
        return done == 1

    async def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        key = self._key("frames", execution_id)
        found = await self._call(lambda client: client.zrangebyscore(key, from_seq, "+inf"))
        return [json.loads(text.partition(b" ")[2]) for text in found]

    async def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        given = [owner, _milliseconds(seconds)]
        return await self._run(redis_scripts.ACQUIRE, [self._key("lease", mission)], given)

    async def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        given = [epoch, _milliseconds(seconds)]
        return await self._run(redis_scripts.PROLONG, [self._key("lease", mission)], given) == 1

    async def release(self, mission: str, epoch: int) -> None:
        """Take it back; the epoch stays known."""
        await self._run(redis_scripts.PROLONG, [self._key("lease", mission)], [epoch, 0])

    async def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts."""
        return await self._run(redis_scripts.HOLDS, [self._key("lease", mission)], [epoch]) == 1

    async def _states(self, execution_ids: Iterable[str]) -> Sequence[State | None]:
        keys = [self._key("state", one) for one in execution_ids]
        found = await self._call(lambda client: client.mget(keys))
        return [None if text is None else json.loads(text) for text in found]

    async def _run(self, script: str, keys: Sequence[str], given: Sequence[str | int]) -> Any:
        return await self._call(lambda client: client.register_script(script)(keys, given))

    async def _call(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """Ask the server, for some seconds again where the connection is lost: it may restart.

        One that has stayed away is asked once.
        """
        client = await self._client.get()
        for seconds in self._waits:
            with contextlib.suppress(ConnectionError):
                return await self._ask(client, ask)
            await asyncio.sleep(seconds)
        try:
            return await self._ask(client, ask)
        except ConnectionError as error:
            self._waits = ()
            raise self._failure("cannot be reached", error) from error

    async def _ask(self, client: Any, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """Raises Redis' own ConnectionError, and what else is wrong as what a user can read."""
        try:
            answer = await ask(client)
        except (AuthenticationError, NoPermissionError) as error:
            raise self._failure("refuses this user or password", error) from error
        except TimeoutError as error:
            raise self._failure("does not answer", error) from error
        except ConnectionError:
            raise
        except RedisError as error:
            raise self._failure("refuses", error) from error
        self._was_reached, self._waits = True, _WAITS_SECONDS
        return answer

    def _failure(self, what: str, error: RedisError) -> Exception:
        """Names the server, not its URL; before the first answer the settings are wrong."""
        message = f"Redis at {self._place} {what}: {error}"
        if self._was_reached:
            return OSError(message)
        return ConfigError(
            message, hint=f"{URL_VARIABLE} says where it is, and with which password"
        )

    def _keys(self, execution_id: str) -> tuple[str, str, str]:
        """Those of the state, of what is known about it, and of its frames."""
        state, about, frames = (self._key(n, execution_id) for n in ("state", "about", "frames"))
        return state, about, frames

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)


def _client(url: str) -> Any:
    return Redis.from_pool(_pool(url))


def _pool(url: str) -> Any:
    return cast("Any", ConnectionPool).from_url(
        url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
