"""Watches the state folders of the open missions and keeps their newest executions in memory.

A poll of file times, because no watcher works everywhere (network drives, exhausted inotify,
clients without one). Records are replaced atomically, so a change shows in the folder's time.
Reading happens in a thread; features read `latest`, which never touches the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25

Key = tuple[str, str]
"""State folder and mission."""


@dataclass(slots=True)
class StatusWatch:
    """Newest execution by state folder and mission, renewed while there is something to watch.

    `wanted` says which (folder, mission) pairs the open documents need; `changed` is called on
    the event loop after a change.
    """

    wanted: Callable[[], set[Key]]
    changed: Callable[[], None]
    states: dict[Key, ExecutionState | None] = field(default_factory=dict)
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
        wanted = self.wanted()
        folders = {folder for folder, _ in wanted}
        marks = {folder: self._mark(folder) for folder in folders}
        stale = {key for key in wanted if self._is_stale(key, marks)}
        self._marks = dict(marks)
        self.states = {key: state for key, state in self.states.items() if key in wanted}
        if not stale:
            return
        fresh = await asyncio.to_thread(self._read, stale)
        before = {key: self.states.get(key) for key in fresh}
        self.states.update(fresh)
        if fresh != before:
            self.changed()

    def _is_stale(self, key: Key, marks: dict[str, object]) -> bool:
        folder = key[0]
        if key not in self.states or self._marks.get(folder) != marks[folder]:
            return True
        state = self.states[key]
        return state is not None and state.status == "running"

    def _mark(self, folder: str) -> object:
        try:
            return (Path(folder) / "execution").stat().st_mtime_ns
        except OSError:
            return None

    def _read(self, keys: set[Key]) -> dict[Key, ExecutionState | None]:
        """Read with one reader a folder: it knows what has not changed."""
        for folder, _ in keys:
            self._readers.setdefault(folder, StateReader(Path(folder)))
        return {(folder, name): self._readers[folder].latest(name) for folder, name in keys}
