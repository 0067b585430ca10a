"""Watches the state folders of the open missions and keeps what they tell in memory.

The newest execution of each mission, the times of the last syncs, some records of each store.

A poll of file times, because no watcher works everywhere (network drives, exhausted inotify,
clients without one). Records are replaced atomically, so a change shows in the folder's time.
Reading happens in a thread; features read `latest`, which never touches the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.state.model import ExecutionState, SyncCheckpoint
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state.record import Unreadable
from reqon.state.sample import sample_records

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25

Record = Mapping[str, Any]
Key = tuple[str, str]
"""State folder and mission."""


@dataclass(slots=True)
class StatusWatch:
    """Newest execution by state folder and mission, renewed while there is something to watch.

    `wanted` says which (folder, mission) pairs the open documents need, `wanted_files` which store
    files; `changed` is called on the event loop after a change.
    """

    wanted: Callable[[], set[Key]]
    wanted_files: Callable[[], set[str]]
    changed: Callable[[], None]
    states: dict[Key, ExecutionState | None] = field(default_factory=dict)
    syncs: dict[str, Mapping[str, SyncCheckpoint]] = field(default_factory=dict)
    samples: dict[str, Sequence[Record]] = field(default_factory=dict)
    _marks: dict[str, object] = field(default_factory=dict)
    _readers: dict[str, StateReader] = field(default_factory=dict)

    def latest(self, folder: str, mission: str) -> ExecutionState | None:
        """The newest execution that is known, from memory."""
        return self.states.get((folder, mission))

    async def run(self) -> None:
        """Poll until cancelled; a failing look is logged and the next one comes all the same."""
        while True:
            try:
                await self.look()
            except Exception:  # the poll must live
                logger.exception("cannot read the state folder")
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """One look: read again what changed, and say so."""
        wanted, files = self.wanted(), self.wanted_files()
        folders = {folder for folder, _ in wanted}
        marks = {folder: _mark(Path(folder) / "execution") for folder in folders}
        marks |= {_sync_file(folder): _mark(Path(_sync_file(folder))) for folder in folders}
        marks |= {file: _mark(Path(file)) for file in files}
        stale = {key for key in wanted if self._is_stale(key, marks)}
        moved = {path for path, mark in marks.items() if self._marks.get(path) != mark}
        self._marks = marks
        self.states = {key: state for key, state in self.states.items() if key in wanted}
        changed = await self._renew_states(stale) if stale else False
        if moved:
            changed |= await self._renew_data(moved & files, folders, moved)
        if changed:
            self.changed()

    async def _renew_states(self, stale: set[Key]) -> bool:
        fresh = await asyncio.to_thread(self._read, stale)
        before = {key: self.states.get(key) for key in fresh}
        self.states.update(fresh)
        return fresh != before

    async def _renew_data(self, files: set[str], folders: set[str], moved: set[str]) -> bool:
        """Read sync times and sample records again where their files are other ones."""
        late = {folder for folder in folders if _sync_file(folder) in moved}
        samples = await asyncio.to_thread(lambda: {f: sample_records(Path(f)) for f in files})
        syncs = await asyncio.to_thread(lambda: {f: self._sync_times(f) for f in late})
        changed = any(self.syncs.get(folder) != found for folder, found in syncs.items())
        self.samples.update(samples)
        self.syncs.update(syncs)
        return changed

    def _sync_times(self, folder: str) -> Mapping[str, SyncCheckpoint]:
        found = StateReader(Path(folder)).sync_checkpoints()
        return {} if isinstance(found, Unreadable) else found

    def _is_stale(self, key: Key, marks: dict[str, object]) -> bool:
        folder = key[0]
        if key not in self.states or self._marks.get(folder) != marks[folder]:
            return True
        state = self.states[key]
        return state is not None and state.status == "running"

    def _read(self, keys: set[Key]) -> dict[Key, ExecutionState | None]:
        """Read with one reader a folder: it knows what has not changed."""
        for folder, _ in keys:
            self._readers.setdefault(folder, StateReader(Path(folder)))
        return {(folder, name): self._readers[folder].latest(name) for folder, name in keys}


def _sync_file(folder: str) -> str:
    return str(StatePaths(Path(folder)).sync_checkpoints)


def _mark(path: Path) -> object:
    """What changes when a file or folder does."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
