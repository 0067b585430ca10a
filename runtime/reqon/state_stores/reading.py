"""Executions as a state store tells them, brought up to date as those of a folder are.

Frames that came after the last saved state are taken in. A run whose lease is over is
`interrupted`, whatever its state says, where the store can tell; so is one of this machine whose
process is gone. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reqon.journal.carrying import ADDED, EPOCH, FRAME, RESUME
from reqon.journal.locks import process_facts, start_of_process
from reqon.state.model import ExecutionState, to_state
from reqon.state.record import as_object, count
from reqon.state.updating import with_frames
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.protocol import JournalFrame, State, StateStore


async def read_one(
    store: StateStore, mission: str, execution_id: str | None
) -> ExecutionState | None:
    """The execution of this id, or without one the newest, where the store can list."""
    if execution_id is not None:
        found = await read_any(store, execution_id)
        return None if found is None or found.mission != mission else found
    careful = CarefulStore(store, mission)
    states = list(await careful.list(mission, 1, None))
    return await _shown(careful, states[0]) if states else None


async def read_any(store: StateStore, execution_id: str) -> ExecutionState | None:
    """The execution of this id, of whatever mission."""
    careful = CarefulStore(store)
    found = await careful.load(execution_id)
    return None if found is None else await _shown(careful, found)


async def read_all(
    store: StateStore, mission: str | None, status: str | None
) -> list[ExecutionState]:
    """All executions of a mission, or of all, newest first; the store can list."""
    careful = CarefulStore(store, mission or "")
    states = await careful.list(mission, None, None)
    shown = [await _shown(careful, state) for state in states]
    return [state for state in shown if status in (None, state.status)]


def can_list(store: StateStore) -> bool:
    """Whether the store knows its history."""
    return CarefulStore(store).can_list


async def _shown(careful: CarefulStore, state: State) -> ExecutionState:
    """What is dead was still alive when it was read, perhaps: it is read until nothing changes."""
    frames = await _frames_after(careful, state)
    while state["status"] == "running" and not await _is_alive(careful, state, frames):
        newest = await careful.load(state["executionId"]) or state
        newest_frames = await _frames_after(careful, newest)
        if (newest, newest_frames) == (state, frames):
            return _brought_up(state, frames, {"status": "interrupted"})
        state, frames = newest, newest_frames
    return _brought_up(state, frames, {})


async def _frames_after(careful: CarefulStore, state: State) -> Sequence[JournalFrame]:
    """What a running execution has added since the state was saved."""
    if state["status"] != "running" or not careful.can_append:
        return ()
    return await careful.read(state["executionId"], state.get("seq", 0) + 1)


def _brought_up(
    state: State, frames: Sequence[JournalFrame], more: Mapping[str, Any]
) -> ExecutionState:
    texts = [frame.get(FRAME) for frame in frames]
    lines = [f"{text}\n".encode() for text in texts if isinstance(text, str)]
    record = {name: value for name, value in state.items() if name not in ADDED}
    shown = {**with_frames(record, lines), **more}
    return to_state(shown, Path(), has_journal=RESUME in state)


async def _is_alive(careful: CarefulStore, state: State, frames: Sequence[JournalFrame]) -> bool:
    """Whether it runs, as far as anybody knows: a store that tells no leases knows nothing."""
    if _is_dead(as_object(state.get("owner")) or {}):
        return False
    epochs: list[Any] = [one.get(EPOCH) for one in (state, *frames)]
    epoch = max((epoch for epoch in epochs if count(epoch)), default=0)
    return epoch == 0 or not careful.can_tell or await careful.holds(state["mission"], epoch)


def _is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether the process is known to be gone: it ran on this machine."""
    here = process_facts()
    if owner.get("host") != here["host"] or here["bootId"] is None:
        return False
    pid: Any = owner.get("pid")
    if owner.get("bootId") != here["bootId"] or not count(pid):
        return True
    return start_of_process(pid) != owner.get("pidStart")
