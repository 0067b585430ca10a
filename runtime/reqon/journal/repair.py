"""Repairing a state folder: what is damaged is put aside, and rebuilt from what is left.

    records            from their journals
    store files        line by line from the damaged file, then from the journals
    applied marks      from the journals, and from when other executions wrote the store
    sync checkpoints   from the records of what has run, and from the journals

Nothing is thrown away: damaged files go to quarantine. What cannot be had back is said. Missions
that run, and stores that are being written, are left alone. All functions block.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.clock import Clock
from reqon.errors import ReqonError
from reqon.journal.applied import marks_path, read_marks, write_marks
from reqon.journal.disk import Disk
from reqon.journal.frames import Frame
from reqon.journal.held import HeldStore, StoreShelf, described, durable_identity
from reqon.journal.listing import journals
from reqon.journal.placeholders import SecretBook
from reqon.journal.publishing import is_later
from reqon.journal.quarantine import put_aside
from reqon.journal.records import write_record
from reqon.journal.recovery import Extent, read_frames
from reqon.journal.store_lock import StoreLock
from reqon.journal.sync_checkpoints import read_sync_marks, replace_sync_checkpoints
from reqon.state.journal_tail import read_start
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state.record import Unreadable, as_object, instant, read_json_object, read_record
from reqon.state.regular import open_regular
from reqon.stores.base import StoreSpec
from reqon.stores.file import read_records

_LOCK_SECONDS = 2.0
_POLL_SECONDS = 0.05


@dataclass(slots=True)
class RepairReport:
    """What was found and done: `repaired` is as good as before, `lost` is not, `left` is as it was.

    Each is a line for people, lower case, without a full stop.
    """

    repaired: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])


def repair(paths: StatePaths, disk: Disk, clock: Clock, secrets: SecretBook) -> RepairReport:
    """Repair a whole state folder; doing it again finds nothing to do."""
    work = _Repair(paths, disk, clock, secrets)
    work.journals()
    work.records()
    work.stores()
    work.sync_checkpoints()
    return work.report


class _Repair:
    def __init__(self, paths: StatePaths, disk: Disk, clock: Clock, secrets: SecretBook) -> None:
        self.paths = paths
        self.disk = disk
        self.clock = clock
        self.secrets = secrets
        self.report = RepairReport()

    def _aside(self, path: Path, reason: str, *, keep: bool = True) -> None:
        """Put a damaged file aside; a copy of it, where something better takes its place next.

        So the place is never empty: a missing store would count as one without records.
        """
        keep = keep and path.is_file()
        put_aside(self.paths, self.disk, self.clock, path, reason, keep=keep)

    # ---- journals and records

    def journals(self) -> None:
        """Say which journals are damaged: only a person can decide to go on from there.

        One whose first frame is bad leads nowhere, and is put aside.
        """
        for path in journals(self.paths):
            extent = Extent()
            try:
                for _ in read_frames(path, extent, self.secrets):
                    pass
            except ReqonError as error:
                if path.exists():  # else its execution has completed meanwhile
                    self.report.left.append(f"'{path}': {error.message}")
                continue
            if extent.damage is not None:
                self.report.left.append(
                    f"'{path}' is damaged ({extent.damage}); --resume --force goes on from there"
                )
            elif extent.number == 0 and self.paths.record(path.stem).exists():
                self._aside(path, "its first frame is bad", keep=False)
                self.report.lost.append(
                    f"the journal '{path}', whose first frame is bad: the execution cannot be "
                    "resumed, and what the stores lack of it is not known"
                )

    def records(self) -> None:
        """Make records that cannot be read from their journals, else put them aside."""
        reader = StateReader(self.paths.root)
        for listed in reader.listing():
            path = self.paths.record(listed.stem.name)
            record = read_record(path)
            if not isinstance(record, Unreadable) or not os.path.lexists(path):
                continue
            state = reader.state_of(listed)
            self._aside(path, record.reason, keep=state is not None)
            if state is None:
                self.report.lost.append(
                    f"the record '{path}' ({record.reason}): it is in quarantine"
                )
            else:
                write_record(self.disk, path, state.record)
                self.report.repaired.append(f"the record '{path}', from its journal")

    # ---- stores

    def stores(self) -> None:
        """Check every store that a journal or a file tells of."""
        for identity, spec in self._specs().items():
            shelf = StoreShelf({"store": spec}, self.paths, self.disk)
            (held,) = shelf.held
            if held.store.location is None or not self._problem(held.store.location):
                continue
            if not _lock(held.lock):
                self.report.left.append(f"the store '{identity}' is being written: try again later")
                continue
            try:
                self._store(held)
            finally:
                shelf.release()

    def _specs(self) -> dict[str, StoreSpec]:
        """All durable stores with files that are known, by identity."""
        found: dict[str, StoreSpec] = {}
        for path in self._store_files():
            identifier = path.relative_to(self.paths.stores).with_suffix("").as_posix()
            spec = StoreSpec("file", identifier)
            found[durable_identity(spec, self.paths) or identifier] = spec
        for path in journals(self.paths):
            start = read_start(path) or {}
            for spec in described(start.get("stores", {})).values():
                identity = durable_identity(spec, self.paths)
                if identity is not None:
                    found[identity] = spec
        return found

    def _store_files(self) -> Iterator[Path]:
        names: set[Path] = set()
        for path in sorted(self.paths.stores.rglob("*.json")):
            name = path.name
            if name.startswith(".") and name.endswith(".applied.json"):
                names.add(path.with_name(name[1:].removesuffix(".applied.json") + ".json"))
            elif not name.startswith("."):
                names.add(path)
        return iter(sorted(names))

    @staticmethod
    def _problem(location: Path) -> str | None:
        """Why a store or its marks cannot be read; None where both can."""
        try:
            read_records(location)
            read_marks(location)
        except ReqonError as error:
            return error.message
        return None

    def _store(self, held: HeldStore) -> None:
        location = held.store.location
        assert location is not None
        try:
            read_records(location)
        except ReqonError as error:
            self._salvage(held, location, error.message)
        try:
            read_marks(location)
        except ReqonError as error:
            self._rewrite_marks(held, location, error.message)
            self.report.repaired.append(f"the applied marks of '{location}', from the journals")

    def _rewrite_marks(self, held: HeldStore, location: Path, reason: str) -> None:
        self._aside(marks_path(location), reason)
        write_marks(self.disk, location, self._marks_of(held))
        self.disk.sync_folder(location.parent)

    def _salvage(self, held: HeldStore, location: Path, reason: str) -> None:
        """Put a damaged store aside and keep the records whose lines are whole.

        Its marks are made anew: what journals hold from after the last other run is redone.
        """
        kept, lost = salvaged(location)
        self._rewrite_marks(held, location, "its store was damaged")
        self._aside(location, reason)
        self.disk.replace_durably(location, _lines(kept))
        self.report.lost.append(
            f"{reason}; {len(kept)} records are kept, about {lost} lines are not; the old file is "
            "in quarantine, `reqon checkpoints reset` makes the next sync fetch everything again"
        )

    def _marks_of(self, held: HeldStore) -> dict[str, int]:
        """Marks from what is known: others write a store only after redoing what it lacks.

        So a frame that is older than another execution's start was applied; one that is younger
        than all of them may be redone, since nobody wrote after it.
        """
        marks: dict[str, int] = {}
        for path in journals(self.paths):
            start = read_start(path)
            if start is None or held.identity not in _identities(start, self.paths):
                continue
            execution_id = start["executionId"]
            limit = self._last_start_of_others(held, execution_id)
            marks[execution_id] = self._last_frame_before(path, limit)
        return marks

    def _last_start_of_others(self, held: HeldStore, execution_id: str) -> int:
        """When another execution last took the store, in ms since 1970; 0: never."""
        latest = 0
        names = set(self._names_of(held))
        for state in StateReader(self.paths.root).history():
            if state.execution_id == execution_id or not names & set(state.stores):
                continue
            attempts: list[Any] = state.to_dict().get("attempts", [])
            moments = [instant(a.get("startedAt")) for a in attempts] + [state.started_at]
            latest = max(latest, *(int(m.timestamp() * 1000) for m in moments if m is not None))
        return latest

    def _names_of(self, held: HeldStore) -> Iterator[str]:
        """What missions call the store: its identifier, and the names in start frames."""
        yield held.store.identifier
        for path in journals(self.paths):
            for name, spec in described((read_start(path) or {}).get("stores", {})).items():
                if durable_identity(spec, self.paths) == held.identity:
                    yield name

    def _last_frame_before(self, path: Path, limit_ms: int) -> int:
        number = 0
        for frame in read_frames(path, Extent(), self.secrets):
            if frame.t > limit_ms:
                break
            number = frame.n
        return number

    # ---- sync checkpoints

    def sync_checkpoints(self) -> None:
        """Rebuild the sync times, and the note of what they hold, where they are damaged."""
        path, note = self.paths.sync_checkpoints, self.paths.sync_applied
        found = read_json_object(path) if path.exists() else {}
        if isinstance(found, Unreadable):
            self._aside(path, found.reason)
            values = self._known_values()
            replace_sync_checkpoints(self.paths, self.disk, values)
            self.report.repaired.append(
                f"the sync checkpoints: {len(values)} keys, from records and journals; "
                "`reqon checkpoints` shows them"
            )
        try:
            read_sync_marks(self.paths)
        except ReqonError as error:
            self._aside(note, error.message, keep=False)
            self.report.repaired.append("the note of applied sync times: they are merged again")

    def _known_values(self) -> dict[str, dict[str, Any]]:
        """The latest value of each key that a record or a journal tells of."""
        values: dict[str, dict[str, Any]] = {}
        for state in reversed(StateReader(self.paths.root).history()):
            synced = as_object(state.to_dict().get("synced")) or {}
            for key, value in synced.items():
                self._take(values, key, value, state.mission, state.execution_id)
        for path in journals(self.paths):
            start = read_start(path) or {}
            for frame in self._good_frames(path):
                for key, value in frame.published.items():
                    self._take(values, key, value, start["mission"], start["executionId"])
        return values

    def _good_frames(self, path: Path) -> Iterator[Frame]:
        try:
            yield from read_frames(path, Extent(), self.secrets)
        except ReqonError:
            return

    @staticmethod
    def _take(
        values: dict[str, dict[str, Any]], key: str, value: Any, mission: str, execution_id: str
    ) -> None:
        entry = as_object(value)
        if entry is None or instant(entry.get("lastSync")) is None:
            return
        if is_later(entry["lastSync"], values.get(key, {}).get("lastSync")):
            shown = {k: v for k, v in entry.items() if k != "cursor"}
            values[key] = {**shown, "executionId": execution_id, "mission": mission}


def _identities(start: dict[str, Any], paths: StatePaths) -> set[str]:
    found = (durable_identity(s, paths) for s in described(start.get("stores", {})).values())
    return {identity for identity in found if identity is not None}


def _lock(lock: StoreLock | None) -> bool:
    if lock is None:
        return True
    end = time.monotonic() + _LOCK_SECONDS
    while not lock.try_acquire():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def salvaged(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The records whose lines are whole in a damaged store file, and how many lines are not."""
    records: dict[str, dict[str, Any]] = {}
    lost = 0
    try:
        with open_regular(path) as file:
            for line in file:
                text = line.strip().strip(b"\0").removesuffix(b",")
                if text in (b"", b"{", b"}", b"{}"):
                    continue
                pair = _pair(text)
                if pair is None:
                    lost += 1
                else:
                    records[pair[0]] = pair[1]
    except OSError:
        return records, lost
    return records, lost


def _pair(text: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        found = as_object(json.loads(b"{" + text + b"}"))
    except (ValueError, RecursionError):
        return None
    if found is None or len(found) != 1:
        return None
    ((key, value),) = found.items()
    record = as_object(value)
    return None if record is None else (key, record)


def _lines(records: dict[str, dict[str, Any]]) -> Iterator[bytes]:
    body = ",\n".join(f"{json.dumps(k)}: {json.dumps(r)}" for k, r in records.items())
    yield f"{{\n{body}\n}}\n".encode("utf-8", "surrogatepass") if records else b"{}\n"
