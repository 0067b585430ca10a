"""A state store in a folder, such as a mounted drive or the cache of a CI runner.

    set_state_store(FileStateStore("/mnt/reqon-state"))

    <folder>/executions/<executionId>.json       the state, replaced whole
                        <executionId>.frames/    a file a frame, until a state holds them
                        <executionId>.epoch      the lease that saved it last
             missions.json                       {mission: {"epoch", "owner", "endsAt"}}
             missions.lock                       held for the moment of a lease's change

For one machine, or for several that take turns: a lease is as good as the locks and clocks of
those who share the folder.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from reqon.clock import Clock, SystemClock
from reqon.journal.disk import Disk
from reqon.journal.locks import FileLock
from reqon.state.paths import short_name
from reqon.state_stores.memory import newest_first
from reqon.state_stores.protocol import JournalFrame, State

_STATE, _FRAMES, _EPOCH = ".json", ".frames", ".epoch"
_DIGITS = 12
_LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.01


class FileStateStore:
    """States, frames and leases below one folder, each durable when its method returns."""

    def __init__(self, folder: str | Path, clock: Clock | None = None) -> None:
        self._folder = Path(folder).absolute()
        self._states = self._folder / "executions"
        self._lent = self._folder / "missions.json"
        self._clock = clock or SystemClock()
        self._disk = Disk()

    def save(self, state: State) -> bool:
        """Replace the file of the execution, unless a later lease has saved it already."""
        execution_id = state["executionId"]
        if not self._admits(execution_id, state):
            return False
        self._disk.make_folder(self._states)
        self._write(self._path(execution_id, _EPOCH), state.get("epoch", 0))
        self._write(self._path(execution_id, _STATE), state)
        for seq, path in self._frames(execution_id):
            if seq <= state.get("seq", 0):
                self._disk.discard(path)
        return True

    def load(self, execution_id: str) -> State | None:
        """Read it."""
        return _read(self._path(execution_id, _STATE))

    def list(self, mission: str | None, limit: int | None, status: str | None) -> Sequence[State]:
        """Newest first."""
        found = [_read(path) for path in self._states.glob(f"*{_STATE}")]
        states = [state for state in found if state is not None]
        return newest_first(states, mission, limit, status)

    def delete(self, execution_id: str) -> None:
        """Remove all its files, the state last."""
        for _, path in self._frames(execution_id):
            self._disk.discard(path)
        for suffix in (_EPOCH, _STATE):
            self._disk.discard(self._path(execution_id, suffix))

    def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Make a file of the frame; refuse a number that is taken, and an earlier epoch."""
        if not self._admits(execution_id, frame):
            return False
        folder = self._path(execution_id, _FRAMES)
        path = folder / f"{seq:0{_DIGITS}}{_STATE}"
        known = _read(path)
        if known is None:
            self._disk.make_folder(folder)
            self._write(path, frame)
        return known in (None, frame)

    def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        found = [_read(path) for seq, path in self._frames(execution_id) if seq >= from_seq]
        return [frame for frame in found if frame is not None]

    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        with self._leases() as leases:
            known = leases.get(mission)
            free = known is None or known["owner"] == owner or known["endsAt"] <= self._now()
            if not free:
                return None
            epoch = 1 if known is None else known["epoch"] + 1
            leases[mission] = {"epoch": epoch, "owner": owner, "endsAt": self._now() + seconds}
            return epoch

    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        return self._prolong(mission, epoch, self._now() + seconds)

    def release(self, mission: str, epoch: int) -> None:
        """Take it back."""
        self._prolong(mission, epoch, 0.0)

    def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts; the file is replaced whole, so that no lock is needed."""
        leases: dict[str, Any] = _read(self._lent) or {}
        known = leases.get(mission)
        return known is not None and known["epoch"] == epoch and known["endsAt"] > self._now()

    def _prolong(self, mission: str, epoch: int, ends_at: float) -> bool:
        with self._leases() as leases:
            known = leases.get(mission)
            if known is None or known["epoch"] != epoch:
                return False
            known["endsAt"] = ends_at
            return True

    @contextlib.contextmanager
    def _leases(self) -> Generator[dict[str, Any]]:
        """The leases, to be changed while nobody else changes them. Blocks."""
        self._disk.make_folder(self._folder)
        lock = FileLock(self._folder / "missions.lock", self._disk)
        end = time.monotonic() + _LOCK_SECONDS
        while not lock.try_acquire():
            if time.monotonic() > end:
                raise TimeoutError(f"'{lock.path}' stays locked")
            time.sleep(_POLL_SECONDS)
        try:
            leases: dict[str, Any] = _read(self._lent) or {}
            before = json.dumps(leases)
            yield leases
            if json.dumps(leases) != before:
                self._write(self._lent, leases)
        finally:
            lock.release()

    def _admits(self, execution_id: str, given: dict[str, Any]) -> bool:
        """Whether what is given comes from the newest lease that has saved the execution."""
        return given.get("epoch", 0) >= (_read(self._path(execution_id, _EPOCH)) or 0)

    def _frames(self, execution_id: str) -> list[tuple[int, Path]]:
        found = self._path(execution_id, _FRAMES).glob(f"[0-9]*{_STATE}")
        return sorted((int(path.stem), path) for path in found)

    def _write(self, path: Path, value: Any) -> None:
        self._disk.replace_durably(path, [json.dumps(value).encode(), b"\n"])

    def _path(self, execution_id: str, suffix: str) -> Path:
        name = short_name(execution_id.replace("/", "_").lstrip("."))
        return self._states / f"{name}{suffix}"

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
