"""Which state store a run uses: the process's own, or one that a mission names.

    set_state_store(save=save, load=load)      # functions or coroutines
    set_state_store(MyStore())                 # an object with these methods

A mission's `stateStore: name` names an entry point of the group `reqon.state_stores`, which leads
to a store, or to a class or function that makes one; or else one that comes with Reqon. Keeps
nothing, calls no store.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from reqon.errors import ConfigError
from reqon.settings import Settings
from reqon.state_stores.bundled import BUNDLED, open_bundled
from reqon.state_stores.protocol import Answer, State, StateStore

GROUP = "reqon.state_stores"
FILE, MEMORY = "file", "memory"
BUILT_IN = (FILE, MEMORY)


class _Functions:
    """A store made of two functions."""

    def __init__(self, save: Callable[[State], object], load: Callable[[str], object]) -> None:
        self.save = save
        self.load = load


_current: StateStore | None = None


def set_state_store(
    store: StateStore | None = None,
    *,
    save: Callable[[State], Answer[object]] | None = None,
    load: Callable[[str], Answer[State | None]] | None = None,
) -> None:
    """Keep the states of this process's executions in `store`, or through `save` and `load`.

    Counts for missions whose `stateStore` is `file`, the default. `set_state_store(None)` goes
    back to the state folder alone. Raises TypeError where something is missing.
    """
    global _current  # noqa: PLW0603 - one store for the process is what it says
    if (save is None) != (load is None) or (store is not None and save is not None):
        raise TypeError("set_state_store takes an object, or both save= and load=, or None")
    if save is not None and load is not None:
        if not callable(save) or not callable(load):
            raise TypeError("set_state_store takes functions for save= and load=")
        _current = cast("StateStore", _Functions(save, load))
    else:
        problem = None if store is None else problem_of_store(store)
        if problem is not None:
            raise TypeError(problem)
        _current = store


def current_state_store() -> StateStore | None:
    """The store of this process; None for the state folder alone."""
    return _current


def store_for(name: str, of_process: StateStore | None, settings: Settings) -> StateStore | None:
    """The store for a mission's `stateStore`; None where the folder or memory is all.

    What a package has registered goes before what comes with Reqon. ConfigError for a name that
    is not known or leads to no store.
    """
    if name in BUILT_IN:
        return of_process if name == FILE else None
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known and name in BUNDLED:
        return open_bundled(name, settings)
    if name not in known:
        names = "', '".join([*BUILT_IN, *sorted({*BUNDLED, *known})])
        raise ConfigError(
            f"there is no state store '{name}'",
            hint=f"known: '{names}'; others come with a package that has an entry point "
            f"of the group '{GROUP}'",
        )
    return _loaded(known[name])


def registered_names() -> list[str]:
    """The names that packages have registered, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def problem_of_store(store: object) -> str | None:
    """What an object lacks to be a store; None where it is one."""
    for name in ("save", "load"):
        if not callable(getattr(store, name, None)):
            return f"a state store needs a method '{name}'"
        if inspect.isclass(store) and inspect.isfunction(inspect.getattr_static(store, name)):
            return f"a state store is an object, not a class: '{store.__name__}()' makes one"
    return None


def _loaded(point: EntryPoint) -> StateStore:
    try:
        found: Any = point.load()
        store: object = found() if inspect.isclass(found) or inspect.isroutine(found) else found
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"the state store '{point.name}' cannot be made: {reason}",
            hint=f"it is '{point.value}'; mend it, or name another in 'stateStore'",
        ) from error
    problem = problem_of_store(store)
    if problem is not None:
        raise ConfigError(
            f"'{point.value}' is no state store: {problem}",
            hint=f"the entry point '{point.name}' leads to a store, or to what makes one",
        )
    return cast("StateStore", store)
