"""Calling a state store: one call after the other, three tries, errors that say what to do.

A store is somebody else's program: it may be slow, fail now and then, answer nonsense, or lack
all that is optional. The journal sees none of that: its protocol `Elsewhere` is fulfilled here.
A ConfigError (the store is set up wrong) is passed on as it is, and not tried again.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from reqon.errors import ConfigError, StateStoreError, TakenOverError
from reqon.state.record import problem_of
from reqon.state_stores.protocol import JournalFrame, State, StateStore

TRIES = 3
_WAIT_SECONDS = 0.2
_RESUME = "the state folder keeps its journal; run again with --resume when the store works"
_log = logging.getLogger(__name__)

_Locks = weakref.WeakValueDictionary[tuple[int, str], asyncio.Lock]
_locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Locks] = weakref.WeakKeyDictionary()


class CarefulStore:
    """A store as a run of `mission` uses it. `can_…` tell what it has beyond `save` and `load`.

    `redact` takes secrets out of what the store raises: its text goes into logs and errors.
    """

    def __init__(
        self, store: StateStore, mission: str = "", redact: Callable[[str], str] = str
    ) -> None:
        self._store: Any = store
        self._mission = mission
        self._redact = redact
        self._lock: asyncio.Lock | None = None
        self.can_list = _has(store, "list")
        self.can_delete = self.can_list and _has(store, "delete")
        self.can_append = _has(store, "append", "read")
        self._can_append_all = self.can_append and _has(store, "append_all")
        self.can_lease = _has(store, "acquire", "renew", "release")
        self.can_tell = self.can_lease and _has(store, "holds")

    async def save(self, state: Mapping[str, Any]) -> None:
        """Save a state."""
        given = dict(state)
        if await self._call("save", self._store.save, given) is False:
            raise _taken_over(self._mission)

    async def load(self, execution_id: str) -> State | None:
        """The state of an execution, or None; StateStoreError for what is no state."""
        found = await self._call("load", self._store.load, execution_id)
        return None if found is None else _state(found)

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """The states of a mission, newest first."""
        found = await self._call("list", self._store.list, mission, limit, status)
        return [_state(one) for one in _all("list", found)]

    async def delete(self, execution_id: str) -> None:
        """Forget an execution."""
        await self._call("delete", self._store.delete, execution_id)

    async def append(self, execution_id: str, number: int, frame: JournalFrame) -> None:
        """Keep a frame of the journal."""
        if await self._call("append", self._store.append, execution_id, number, frame) is False:
            raise _taken_over(self._mission)

    async def append_all(
        self, execution_id: str, frames: Sequence[tuple[int, JournalFrame]]
    ) -> None:
        """Keep frames in the order of their numbers, in one call where the store can."""
        if not self._can_append_all:
            for number, frame in frames:
                await self.append(execution_id, number, frame)
        elif await self._call("append", self._store.append_all, execution_id, frames) is False:
            raise _taken_over(self._mission)

    async def read(self, execution_id: str, from_number: int) -> Sequence[JournalFrame]:
        """The frames from a number on."""
        found = await self._call("read", self._store.read, execution_id, from_number)
        return _all("read", found)

    async def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """The epoch of a new lease; None while somebody else has it."""
        found = await self._call("acquire", self._store.acquire, mission, owner, seconds)
        if found is None or found is False:
            return None
        if not isinstance(found, int) or found is True:
            raise _nonsense("acquire", "no epoch, which is a whole number or None")
        return found

    async def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Whether the lease is still ours."""
        return await self._call("renew", self._store.renew, mission, epoch, seconds) is not False

    async def release(self, mission: str, epoch: int) -> None:
        """Give the lease back."""
        await self._call("release", self._store.release, mission, epoch)

    async def holds(self, mission: str, epoch: int) -> bool:
        """Whether a lease lasts; the store can tell."""
        found = await self._call("tell who holds a lease", self._store.holds, mission, epoch)
        if not isinstance(found, bool):
            raise _nonsense("holds", f"neither True nor False, but {type(found).__name__}")
        return found

    async def _call(self, name: str, call: Callable[..., object], *arguments: Any) -> object:
        async with self._turn():
            for attempt in range(1, TRIES + 1):
                try:
                    outcome = call(*arguments)
                    return await outcome if inspect.isawaitable(outcome) else outcome
                except ConfigError:
                    raise
                except (Exception, asyncio.CancelledError) as error:
                    if _is_cancelled(error):
                        raise
                    reason = self._redact(f"{type(error).__name__}: {_text(error)}")
                    if attempt == TRIES:
                        message = f"the state store failed to {name}: {reason}"
                        raise StateStoreError(message, hint=_RESUME) from error
                    _log.warning("the state store failed to %s, trying again: %s", name, reason)
                await asyncio.sleep(_WAIT_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _turn(self) -> asyncio.Lock:
        """The lock of this store and mission in the running loop."""
        known = _locks.setdefault(asyncio.get_running_loop(), _Locks())
        lock = known.get((id(self._store), self._mission))
        if lock is None:
            lock = known[id(self._store), self._mission] = asyncio.Lock()
        self._lock = lock
        return lock


def _is_cancelled(error: BaseException) -> bool:
    """Whether our own task is; a store may have cancelled something of its own."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - somebody else's program
        return f"its text cannot be had ({type(failure).__name__})"


def _has(store: object, *names: str) -> bool:
    return all(callable(getattr(store, name, None)) for name in names)


def _state(found: object) -> State:
    if not isinstance(found, Mapping):
        raise _nonsense("load", f"no state, but {type(found).__name__}")
    state = dict(cast("Mapping[str, Any]", found))
    problem = problem_of(state)
    if problem is not None:
        raise _nonsense("load", f"what is no state: {problem}")
    return state


def _all(name: str, found: object) -> list[Any]:
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise _nonsense(name, f"no list, but {type(cast('Any', found)).__name__}")
    return list(cast("Iterable[Any]", found))


def _nonsense(name: str, what: str) -> StateStoreError:
    return StateStoreError(
        f"the state store's '{name}' gave back {what}",
        hint="it must give back what it was given; `reqon.testing.check_state_store` checks it",
    )


def _taken_over(mission: str) -> TakenOverError:
    return TakenOverError(
        f"another run has taken '{mission}' over: the state store refuses what this one saves",
        hint="let the other one end; nothing of it was overwritten",
    )
