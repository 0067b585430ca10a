"""`--state-store NAME`: what `status`, `history` and `cleanup` say of a state store elsewhere.

The store is one that a package has registered, as a mission's `stateStore` names it. Loaded when
the option is given only, so that the others start as fast as before.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path

from reqon.cli import console
from reqon.cli.cleaning import Outcome
from reqon.cli.history import show_executions
from reqon.cli.status import detail_lines, overview
from reqon.clock import SystemClock
from reqon.errors import ConfigError, StateStoreError
from reqon.journal.retention import Removal, Rules
from reqon.journal.retention_elsewhere import removable
from reqon.settings import Settings, load_settings
from reqon.state.model import ExecutionState
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.chosen import BUILT_IN, store_for
from reqon.state_stores.protocol import StateStore
from reqon.state_stores.reading import read_all, read_any, read_one

_LEASE_SECONDS = 60.0


async def show_status(
    name: str, mission: str | None, execution: str | None, *, as_json: bool
) -> None:
    """`reqon status`, of the executions in a state store."""
    store = opened(name)
    if mission is None and execution is None:
        states = _newest(await _all(name, store, None, None))
        if as_json:
            console.show_json([state.to_dict() for state in states])
        elif states:
            console.show_lines(overview(states))
        else:
            _say_none(name)
        return
    state = await _one(name, store, mission, execution)
    if as_json:
        console.show_json(state.to_dict())
    else:
        console.show_lines(detail_lines(None, state))


async def show_history(
    name: str,
    mission: str | None,
    status: str | None,
    since: datetime | None,
    limit: int | None,
    *,
    as_json: bool,
) -> None:
    """`reqon history`, of the executions in a state store."""
    store = opened(name)
    states = await _all(name, store, mission, status)
    if not states and mission is not None and not await _all(name, store, mission, None):
        raise await _unknown_mission(name, store, mission)
    if not states and status is None and not as_json:
        _say_none(name)
        return
    states = [state for state in states if since is None or state.started_at >= since]
    show_executions(states[:limit], with_mission=mission is None, as_json=as_json)


async def remove(name: str, mission: str | None, rules: Rules) -> Outcome:
    """Delete what the rules take, mission by mission."""
    store = opened(name)
    careful = CarefulStore(store, mission or "")
    if not careful.can_delete:
        raise ConfigError(
            f"the state store '{name}' cannot delete what it keeps",
            hint="it has no 'list' and 'delete'; remove the states where they are kept",
        )
    states = await _all(name, store, mission, None)
    if mission is not None and not states:
        raise await _unknown_mission(name, store, mission)
    outcome = Outcome(rules.dry_run)
    for one in sorted({state.mission for state in states}):
        own = [state for state in states if state.mission == one]
        async with told(name), _held(careful, one) as is_free:
            running = [s.execution_id for s in own if s.status == "running"]
            if not is_free and not running:
                running = [own[0].execution_id]
            outcome.running += running
            outcome.kept.update((execution, "it is running") for execution in running)
            for state in removable(own, rules, SystemClock().now()) if is_free else ():
                if not rules.dry_run:
                    await careful.delete(state.execution_id)
                outcome.removed.append(_removal(state))
    return outcome


def _say_none(name: str) -> None:
    console.say(f"no executions in the state store '{name}' yet")


# ---------------------------------------------------------------- the store


def opened(name: str, settings: Settings | None = None) -> StateStore:
    """The store of this name; ConfigError where there is none, or where it is the folder."""
    settings = settings or load_settings(os.environ, folder=Path())
    store = None if name in BUILT_IN else store_for(name, None, settings)
    if store is None:
        raise ConfigError(
            f"'{name}' is no state store beside the state folder",
            hint="leave --state-store away to see the state folder, or name a registered store",
        )
    return store


@contextlib.asynccontextmanager
async def told(name: str) -> AsyncGenerator[None]:
    """A failure of the store is one of the surroundings here: nothing runs that could resume."""
    try:
        yield
    except StateStoreError as error:
        raise ConfigError(
            f"{error.message} ('{name}')",
            hint="look whether it can be reached, and whether its package is set up right",
        ) from error


async def _all(
    name: str, store: StateStore, mission: str | None, status: str | None
) -> list[ExecutionState]:
    _check_lists(name, store)
    async with told(name):
        return await read_all(store, mission, status)


def _check_lists(name: str, store: StateStore) -> None:
    if not CarefulStore(store).can_list:
        raise ConfigError(
            f"the state store '{name}' cannot list what it keeps",
            hint="name one with `reqon status --execution ID`, or give the store a 'list'",
        )


async def _one(
    name: str, store: StateStore, mission: str | None, execution: str | None
) -> ExecutionState:
    if execution is None:
        assert mission is not None, "one of them is given"
        _check_lists(name, store)
        async with told(name):
            newest = await read_one(store, mission, None)
        if newest is None:
            raise await _unknown_mission(name, store, mission)
        return newest
    async with told(name):
        found = await read_any(store, execution)
    if found is None or mission not in (None, found.mission):
        raise unknown_execution(name, mission, execution)
    return found


def unknown_execution(name: str, mission: str | None, execution: str) -> ConfigError:
    """The error for an execution that the store does not have."""
    whose = f" of mission '{mission}'" if mission else ""
    return ConfigError(
        f"there is no execution '{execution}'{whose} in the state store '{name}'",
        hint=f"`reqon history --state-store {name}` lists what there is, if the store can list",
    )


async def _unknown_mission(name: str, store: StateStore, mission: str) -> ConfigError:
    known = sorted({state.mission for state in await _all(name, store, None, None)})
    there = f"there are executions of: {', '.join(known)}" if known else "it has none at all yet"
    return ConfigError(
        f"there is no execution of a mission '{mission}' in the state store '{name}'", hint=there
    )


def _newest(states: Sequence[ExecutionState]) -> list[ExecutionState]:
    """The newest of each mission, by name; the states are newest first."""
    newest: dict[str, ExecutionState] = {}
    for state in states:
        newest.setdefault(state.mission, state)
    return [newest[name] for name in sorted(newest)]


@contextlib.asynccontextmanager
async def _held(careful: CarefulStore, mission: str) -> AsyncGenerator[bool]:
    """Whether nobody runs the mission meanwhile, as far as the store can keep others out."""
    if not careful.can_lease:
        yield True
        return
    owner = f"reqon cleanup on {socket.gethostname()}, process {os.getpid()}"
    epoch = await careful.acquire(mission, owner, _LEASE_SECONDS)
    try:
        yield epoch is not None
    finally:
        if epoch is not None:
            await careful.release(mission, epoch)


def _removal(state: ExecutionState) -> Removal:
    return Removal(
        state.mission, state.execution_id, state.execution_id, state.status, state.started_at, 0
    )
