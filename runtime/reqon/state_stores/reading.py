"""Executions as a state store tells them, brought up to date as those of a folder are.

Frames that came after the last saved state are taken in, and a run of this machine whose process
is gone is `interrupted`, whatever its state says. Of a run on another machine only the store
knows. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reqon.journal.carrying import ADDED, FRAME, RESUME
from reqon.journal.locks import process_facts, start_of_process
from reqon.state.model import ExecutionState, to_state
from reqon.state.record import as_object, count
from reqon.state.updating import with_frames
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.protocol import State, StateStore


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
    record = {name: value for name, value in state.items() if name not in ADDED}
    lines: list[bytes] = []
    if record["status"] == "running" and careful.can_append:
        frames = await careful.read(state["executionId"], record.get("seq", 0) + 1)
        texts = [frame.get(FRAME) for frame in frames]
        lines = [f"{text}\n".encode() for text in texts if isinstance(text, str)]
    record = with_frames(record, lines)
    if record["status"] == "running" and _is_dead(as_object(record.get("owner")) or {}):
        record["status"] = "interrupted"
    return to_state(record, Path(), has_journal=RESUME in state)


def _is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether the process is known to be gone: it ran on this machine."""
    here = process_facts()
    if owner.get("host") != here["host"] or here["bootId"] is None:
        return False
    pid: Any = owner.get("pid")
    if owner.get("bootId") != here["bootId"] or not count(pid):
        return True
    return start_of_process(pid) != owner.get("pidStart")
