"""Reading a state folder: executions, sync times, what is damaged; always as of now.

A record may lag behind its journal by a second, and a process may have died without a word: the
reader takes the last good frame of the journal and asks the mission's lock. It never writes,
never raises for what files hold, and returns quickly from its cache for files that stayed as they
were. Used by the command line, the Python interface and the language server.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reqon.state.journal_tail import has_begun, read_start
from reqon.state.liveness import holder
from reqon.state.model import CorruptFile, ExecutionState, SyncCheckpoint, to_state
from reqon.state.paths import BLOBS_SUFFIX, JOURNAL_SUFFIX, RECORD_SUFFIX, StatePaths, Stem
from reqon.state.record import (
    Unreadable,
    as_object,
    check_record,
    count,
    instant,
    read_json_object,
    read_record,
)
from reqon.state.updating import from_journal, up_to_date

_TICK_SECONDS = 0.05


_LOOKS = 2


@dataclass(frozen=True, slots=True)
class Listed:
    """The files of one execution by its stem."""

    stem: Stem
    has_record: bool
    has_journal: bool
    has_blobs: bool


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a folder held: its mark then, when that was, and whether it can be believed."""

    mark: tuple[int, int] | None
    at: float
    settled: bool
    found: list[Listed]


class StateReader:
    """A reader of one state folder; keep it to profit from its cache. Not for several threads.

    `held`: the mission whose lock the caller itself holds, so that none of its executions runs,
    whatever the lock's text says; a full disk may have kept the caller from writing it.
    """

    def __init__(self, root: Path, *, held: str | None = None) -> None:
        self.paths = StatePaths(root)
        self._records = self.paths.execution
        self._held = held
        self._listed: _Listing | None = None
        self._cache: dict[str, tuple[tuple[int, int, int], dict[str, Any] | Unreadable]] = {}

    # ---- executions

    def latest(self, mission: str) -> ExecutionState | None:
        """The newest execution of a mission that can be read; None where there is none."""
        return next(self._states(mission), None)

    def history(
        self,
        mission: str | None = None,
        *,
        limit: int | None = None,
        status: str | None = None,
        since: datetime | None = None,
    ) -> list[ExecutionState]:
        """Executions, newest first, of one mission or of all."""
        found: list[ExecutionState] = []
        if limit is not None and limit <= 0:
            return found
        for state in self._states(mission):
            if status is not None and state.status != status:
                continue
            if since is not None and state.started_at < since:
                continue
            found.append(state)
            if len(found) == limit:
                break
        return found

    def record(self, execution_id: str, mission: str | None = None) -> ExecutionState | None:
        """The execution with this id; None where there is none."""
        return next((s for s in self._states(mission) if s.execution_id == execution_id), None)

    def missions(self) -> list[str]:
        """Names of all missions that have executions, sorted."""
        return sorted({state.mission for state in self._newest_of_each_name()})

    def candidates(self, mission: str, program_path: str | None = None) -> list[ExecutionState]:
        """Executions that a resume could go on with, newest first.

        Interrupted or failed, with a journal, no later one completed; with `program_path`, those
        that were run from there (or say nothing about it).
        """
        found: list[ExecutionState] = []
        for state in self._states(mission):
            if state.status == "completed":
                break
            path = state.program_path
            if state.resumable and (program_path is None or path in (None, program_path)):
                found.append(state)
        return found

    def corrupt(self, mission: str | None = None) -> list[CorruptFile]:
        """Records that cannot be read and have no journal to tell what they said.

        Not those of runs that are about to begin, or died before they did.
        """
        found: list[CorruptFile] = []
        for listed in self.listing(mission):
            damage = self._damage(listed)
            if damage is None or self._from_journal(listed) is not None:
                continue
            if listed.has_record or has_begun(self.paths.journal(listed.stem.name)):
                found.append(CorruptFile(damage.path, damage.reason))
        return found

    def listing(self, mission: str | None = None) -> list[Listed]:
        """The stems of all executions, newest first, whether they can be read or not."""
        everything = self._everything()
        if mission is None:
            return list(everything)
        return [listed for listed in everything if listed.stem.belongs_to(mission)]

    def _everything(self) -> list[Listed]:
        """All executions; looked for again only when the folder has changed.

        A change within the same tick of the file system's clock leaves no trace in the folder's
        time, so a list is believed only when it was made a moment after the last change.
        """
        mark = _mark(self.paths.execution)
        known = self._listed
        if mark is not None and known is not None and known.mark == mark and known.settled:
            return known.found
        settled = known is not None and known.mark == mark and _is_past(known.at)
        found = _list_executions(self.paths.execution)
        self._listed = _Listing(mark, time.monotonic(), settled, found)
        return found

    def state_of(self, listed: Listed) -> ExecutionState | None:
        """The execution behind a listing; None where neither record nor journal can be read."""
        record = self._record(listed)
        if isinstance(record, Unreadable):
            record = self._from_journal(listed)
        if record is None:
            return None
        path = self._records / (listed.stem.name + RECORD_SUFFIX)
        if record["status"] == "running":
            record = self._alive_or_dead(listed, record)
        return to_state(record, path, has_journal=listed.has_journal)

    def _states(self, mission: str | None) -> Iterator[ExecutionState]:
        for listed in self.listing(mission):
            state = self.state_of(listed)
            if state is not None and (mission is None or state.mission == mission):
                yield state

    def _newest_of_each_name(self) -> Iterator[ExecutionState]:
        seen: set[str] = set()
        for listed in self.listing():
            name = listed.stem.name.partition(f"-{listed.stem.start}")[0]
            state = None if name in seen else self.state_of(listed)
            if state is not None:
                seen.add(name)
                yield state

    def _record(self, listed: Listed) -> dict[str, Any] | Unreadable:
        path = self._records / (listed.stem.name + RECORD_SUFFIX)
        if not listed.has_record:
            return Unreadable(path, "it is missing")
        return self._cached(path)

    def _damage(self, listed: Listed) -> Unreadable | None:
        """Why there is no record, None where there is one."""
        path = self._records / (listed.stem.name + RECORD_SUFFIX)
        if listed.has_record and path.name not in self._cache:
            return check_record(path)
        record = self._record(listed)
        return record if isinstance(record, Unreadable) else None

    def _cached(self, path: Path) -> dict[str, Any] | Unreadable:
        """The record in a file, read again only when the file is another one."""
        try:
            facts = path.stat()
        except (OSError, ValueError) as error:
            return Unreadable(path, str(error))
        mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        known = self._cache.get(path.name)
        if known is not None and known[0] == mark:
            return known[1]
        record = read_record(path)
        self._cache[path.name] = (mark, record)
        return record

    def _from_journal(self, listed: Listed) -> dict[str, Any] | None:
        """A record made of the journal alone."""
        if not listed.has_journal:
            return None
        start = read_start(self.paths.journal(listed.stem.name))
        return None if start is None else from_journal(start)

    def _alive_or_dead(self, listed: Listed, record: dict[str, Any]) -> dict[str, Any]:
        """A record that says `running`, brought up to date.

        Where the lock is not held for it, record and lock are looked at once more, past the cache:
        a holder writes the final record first and lets go then, and a look may fall between.
        """
        journal = self.paths.journal(listed.stem.name) if listed.has_journal else None
        path = self.paths.record(listed.stem.name)
        for _ in range(_LOOKS):
            if self._is_running(record):
                return up_to_date(record, journal, alive=True)
            self._cache.pop(path.name, None)
            again = self._cached(path)
            if isinstance(again, Unreadable):
                continue
            if again["status"] != "running":
                return again
            record = again
        return up_to_date(record, journal, alive=False)

    def _is_running(self, record: Mapping[str, Any]) -> bool:
        if record["mission"] == self._held:
            return False
        found = holder(self.paths.mission_lock(record["mission"]))
        return found is not None and found.execution_id == record["executionId"]

    # ---- everything else

    def sync_checkpoints(self) -> dict[str, SyncCheckpoint] | Unreadable:
        """The sync times by key; entries that make no sense are left out."""
        if not os.path.lexists(self.paths.sync_checkpoints):
            return {}
        found = read_json_object(self.paths.sync_checkpoints)
        if isinstance(found, Unreadable):
            return found
        entries = {key: _sync_checkpoint(key, value) for key, value in found.items()}
        return {key: entry for key, entry in entries.items() if entry is not None}

    def quarantine(self) -> list[CorruptFile]:
        """Damaged files that were put aside, with the reason that stands beside each."""
        folder = self.paths.quarantine
        names = set(_names(folder))
        return [
            CorruptFile(folder / name, _reason(folder / f"{name}.reason"))
            for name in sorted(names)
            if f"{name}.reason" in names
        ]


def _list_executions(folder: Path) -> list[Listed]:
    kinds: dict[str, set[str]] = {}
    for name in _names(folder):
        for suffix in (RECORD_SUFFIX, JOURNAL_SUFFIX, BLOBS_SUFFIX):
            if name.endswith(suffix) and not name.startswith("."):
                kinds.setdefault(name.removesuffix(suffix), set()).add(suffix)
    found = [
        Listed(stem, RECORD_SUFFIX in s, JOURNAL_SUFFIX in s, BLOBS_SUFFIX in s)
        for name, s in kinds.items()
        if (stem := Stem.parse(name)) is not None
    ]
    return sorted(found, key=lambda listed: listed.stem.order, reverse=True)


def _mark(folder: Path) -> tuple[int, int] | None:
    """What changes when a name in the folder does; None where there is no folder."""
    try:
        facts = folder.stat()
    except (OSError, ValueError):
        return None
    return facts.st_mtime_ns, facts.st_ino


def _is_past(moment: float) -> bool:
    return time.monotonic() - moment > _TICK_SECONDS


def _names(folder: Path) -> list[str]:
    """The names in a folder; none where it cannot be read."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are enough
    except (OSError, ValueError):
        return []


def _reason(path: Path) -> str:
    found = read_json_object(path)
    reason = "" if isinstance(found, Unreadable) else found.get("reason")
    return reason if isinstance(reason, str) else ""


def _sync_checkpoint(key: str, value: Any) -> SyncCheckpoint | None:
    entry = as_object(value)
    last_sync = None if entry is None else instant(entry.get("lastSync"))
    if entry is None or last_sync is None:
        return None
    items: Any = entry.get("itemsSynced")
    items = items if count(items) else 0
    total: Any = entry.get("totalItemsSynced")
    execution_id, mission = entry.get("executionId"), entry.get("mission")
    return SyncCheckpoint(
        key,
        last_sync,
        items,
        total if count(total) else items,
        execution_id if isinstance(execution_id, str) else None,
        mission if isinstance(mission, str) else None,
    )
