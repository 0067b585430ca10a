"""Keeping execution states elsewhere: a store of the program's own, beside the state folder.

    set_state_store(save=save, load=load)      # functions or coroutines
    set_state_store(MyStore())                 # an object with these methods

The store gets each state as the record's JSON: when an execution begins or goes on, at every
`checkpoint every N`, and when it ends. The journal, which a resume needs, stays in the state
folder. Calls for one execution follow each other; a call that fails is tried three times.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

from reqon.errors import StorageError

State: TypeAlias = dict[str, Any]
"""A record as JSON, see `docs/state-format.md`."""

TRIES = 3
_WAIT_SECONDS = 0.2
_log = logging.getLogger(__name__)


class StateStore(Protocol):
    """What a store must have; both may be coroutines.

    It may also have `list(mission, limit, status)`, newest first, for the history.
    """

    def save(self, state: State, /) -> Awaitable[object] | object:
        """Keep the state under its `executionId`, in the place of an older one."""
        ...

    def load(self, execution_id: str, /) -> Awaitable[State | None] | State | None:
        """The state last saved under this id, or None."""
        ...


class _Functions:
    """A store made of two functions."""

    def __init__(self, save: Callable[[State], object], load: Callable[[str], object]) -> None:
        self.save = save
        self.load = load


class SavingStore:
    """A store with everything that it may lack: awaiting, trying again, an error that says it."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._list: Callable[..., object] | None = getattr(store, "list", None)

    @property
    def can_list(self) -> bool:
        """Whether the store knows its history."""
        return self._list is not None

    async def save(self, state: Mapping[str, Any]) -> None:
        """Save a state; StorageError after three failures."""
        await self._call("save", lambda: self._store.save(dict(state)))

    async def load(self, execution_id: str) -> State | None:
        """The state of an execution, or None."""
        found = await self._call("load", lambda: self._store.load(execution_id))
        return cast("State | None", found)

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """The states of a mission, newest first."""
        function = self._list
        assert function is not None, "asked only where the store can"
        found = await self._call("list", lambda: function(mission, limit, status))
        return cast("Sequence[State]", found)

    async def _call(self, name: str, call: Callable[[], object]) -> object:
        for attempt in range(1, TRIES + 1):
            try:
                outcome = call()
                return await outcome if inspect.isawaitable(outcome) else outcome
            except Exception as error:
                if attempt == TRIES:
                    reason = f"{type(error).__name__}: {error}"
                    raise StorageError(
                        f"the state store failed to {name} a state: {reason}",
                        hint="the journal is kept; resume when the store works again",
                    ) from error
                _log.warning("the state store failed to %s a state, trying again: %s", name, error)
                await asyncio.sleep(_WAIT_SECONDS * attempt)
        raise AssertionError("unreachable")


_current: SavingStore | None = None


def set_state_store(
    store: StateStore | None = None,
    *,
    save: Callable[[State], object] | None = None,
    load: Callable[[str], object] | None = None,
) -> None:
    """Keep the states of this process's executions in `store`, or through `save` and `load`.

    Counts for missions whose `stateStore` is `file`, the default. `set_state_store(None)` goes
    back to the state folder alone. Raises TypeError where something is missing.
    """
    global _current  # noqa: PLW0603 - one store for the process is what it says
    if (save is None) != (load is None) or (store is not None and save is not None):
        raise TypeError("set_state_store takes an object, or both save= and load=, or None")
    if save is not None and load is not None:
        _current = SavingStore(cast("StateStore", _Functions(save, load)))
    elif store is None:
        _current = None
    else:
        for name in ("save", "load"):
            if not callable(getattr(store, name, None)):
                raise TypeError(f"a state store needs a method '{name}'")
        _current = SavingStore(store)


def current_state_store() -> SavingStore | None:
    """The store of this process; None for the state folder alone."""
    return _current
