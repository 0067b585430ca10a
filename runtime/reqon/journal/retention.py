"""Removing old executions: which may go, in what order, and what must stay.

Runs after each successful execution of a mission that sets `stateRetention` (its lock is held
then), and by `reqon cleanup`. Never removed: an execution that runs; the newest record of a
mission and its newest completed one; the newest resumable one until a later run completes; a
journal whose frames a store still lacks; stores, sync checkpoints and young quarantine.

Blobs go first, then the journal, the record last: whatever a crash leaves, the next cleanup
recognises. Two cleanups at once do no harm. All functions block.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reqon.clock import Clock
from reqon.errors import RefusedError
from reqon.journal.applied import read_marks
from reqon.journal.disk import Disk
from reqon.journal.ending import remove_blobs, remove_journal
from reqon.journal.held import described, durable_identity
from reqon.journal.request import SessionRequest
from reqon.state.journal_tail import read_start, read_tail
from reqon.state.liveness import CLEANING, DOING, holder
from reqon.state.model import ExecutionState
from reqon.state.paths import StatePaths, Stem
from reqon.state.reader import Listed, StateReader
from reqon.stores.registry import make_store

KEEP_QUARANTINE = timedelta(days=30)
MANY_RECORDS = 1000
MANY_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Removal:
    """One execution that goes, or would go: its id if it can be read, its files, their bytes."""

    mission: str
    stem: str
    execution_id: str | None
    status: str
    started_at: datetime | None
    size_bytes: int


@dataclass(slots=True)
class CleanupResult:
    """What a cleanup did. `kept` says, by stem, why an execution stayed that the age would take.

    `running` are executions that were skipped because they run; `warnings` are for people.
    """

    removed: list[Removal] = field(default_factory=list[Removal])
    kept: dict[str, str] = field(default_factory=dict[str, str])
    running: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    other_bytes: int = 0

    @property
    def freed_bytes(self) -> int:
        """How much was freed, or would be."""
        return sum(removal.size_bytes for removal in self.removed) + self.other_bytes


@dataclass(frozen=True, slots=True)
class Rules:
    """What a cleanup takes: all older than an age, all but the last N, or everything.

    With several set an execution goes when each of them takes it. `everything` also takes what
    could be resumed and is the newest; it does not take what runs.
    """

    older_than: timedelta | None = None
    keep_last: int | None = None
    everything: bool = False
    include_resumable: bool = False
    dry_run: bool = False

    @property
    def applied_first(self) -> bool:
        """Whether what a store lacks counts as applied: before `everything` goes, it would be."""
        return self.dry_run and self.everything


@dataclass(frozen=True, slots=True)
class _Entry:
    listed: Listed
    state: ExecutionState | None
    place: int


def clean_mission(
    paths: StatePaths,
    disk: Disk,
    clock: Clock,
    mission: str,
    rules: Rules,
    *,
    current: str | None = None,
    is_held: bool = True,
) -> CleanupResult:
    """Remove what the rules take of one mission.

    `current` is the id of an execution that must stay, the caller's own. Journals with frames
    that a store lacks stay, whatever the rules say: apply them first. `is_held`: the caller has
    the mission's lock. Without it, what its holder may be about to go on with stays too.
    """
    reader = StateReader(paths.root)
    entries = [
        _Entry(listed, reader.state_of(listed), place)
        for place, listed in enumerate(reader.listing(mission))
    ]
    result = CleanupResult()
    now = clock.now()
    newest = entries[0].state if entries else None
    if newest is not None and newest.started_at > now:
        result.warnings.append(
            f"nothing of '{mission}' was removed: the clock says {now:%Y-%m-%d %H:%M}, "
            "which is before its newest execution"
        )
        return result
    protected = _protections(entries, rules, current)
    held_by_other = None if is_held else paths.mission_lock(mission)
    for entry in entries:
        if not _is_taken(entry, rules, now, paths):
            continue
        reason = protected(entry) or _in_use(held_by_other, entry.state)
        reason = reason or (None if rules.applied_first else _lacking(paths, entry))
        if reason is None and _is_folder(paths.record(entry.listed.stem.name)):
            reason = "its record is a folder, `reqon state repair` puts it aside"
        if reason in (_RUNNING, _IN_USE):
            result.running.append(entry.listed.stem.name)
        if reason is not None:
            result.kept[entry.listed.stem.name] = reason
        else:
            result.removed.append(_remove(paths, disk, mission, entry, dry_run=rules.dry_run))
    if result.removed and not rules.dry_run:
        disk.sync_folder(paths.execution)
    return result


def finish_files(disk: Disk, request: SessionRequest, stem: str) -> list[str]:
    """After the final record of a completed execution: its journal goes, and what is too old.

    Returns warnings. Errors of the disk change nothing for the execution, which is complete: what
    they leave is found by the next one.
    """
    try:
        remove_journal(disk, request.paths, stem)
        if request.retention is None:
            return crowded(request.paths, request.mission)
        rules = Rules(older_than=request.retention)
        result = clean_mission(request.paths, disk, request.clock, request.mission, rules)
    except (OSError, RefusedError) as error:
        return [f"old state could not be removed: {error}"]
    return result.warnings


def crowded(paths: StatePaths, mission: str) -> list[str]:
    """A warning where a mission without a retention has left very much behind."""
    listing = StateReader(paths.root).listing(mission)
    if len(listing) < MANY_RECORDS:
        size = sum(_size(path) for listed in listing for path in _files(paths, listed.stem))
        if size < MANY_BYTES:
            return []
        what = f"{size / 2**30:.1f} GiB of state"
    else:
        what = f"{len(listing):,} execution records"
    return [
        f"'{mission}' has left {what}; `stateRetention: 30 days` in the mission, or "
        "`reqon cleanup --older-than 30d`, removes old ones"
    ]


_RUNNING = "it is running"
_IN_USE = "its mission is being started or copied"


def _in_use(lock: Path | None, state: ExecutionState | None) -> str | None:
    """Whether the holder of the mission's lock may need an execution that it could resume.

    A run says which one only when its stores are open, which may take a while; its record says
    `running` later still. Another cleanup needs none.
    """
    if lock is None or state is None or state.status == "completed":
        return None
    found = holder(lock)
    if found is None or found.facts.get(DOING) == CLEANING:
        return None
    return _IN_USE if found.execution_id in (None, state.execution_id) else None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _protections(
    entries: list[_Entry], rules: Rules, current: str | None
) -> Callable[[_Entry], str | None]:
    """Why an execution stays, or None; decided over all executions of the mission."""
    known = [entry for entry in entries if entry.state is not None]
    completed = next((e for e in known if e.state and e.state.status == "completed"), None)
    resumable = next((e for e in known if e.state and e.state.resumable), None)
    if resumable is not None and completed is not None and completed.place < resumable.place:
        resumable = None

    def reason(entry: _Entry) -> str | None:
        state = entry.state
        if state is not None and (state.status == "running" or state.execution_id == current):
            return _RUNNING
        if rules.everything:
            return None
        if entry is resumable and not rules.include_resumable:
            return "it can be resumed"
        if entry is completed:
            return "it is the newest completed one"
        if entry.place == 0 and not rules.include_resumable:
            return "it is the newest one"
        return None

    return reason


def _is_taken(entry: _Entry, rules: Rules, now: datetime, paths: StatePaths) -> bool:
    if rules.everything:
        return True
    old = rules.older_than is None or now - _moment(entry, paths) > rules.older_than
    beyond = rules.keep_last is None or entry.place >= rules.keep_last
    selected = rules.older_than is not None or rules.keep_last is not None
    return selected and old and beyond


def _moment(entry: _Entry, paths: StatePaths) -> datetime:
    """What an execution's age counts from: its end, else its last frame, else its files' time."""
    if entry.state is not None:
        return entry.state.last_activity_at
    times = [path.stat().st_mtime for path in _files(paths, entry.listed.stem) if path.exists()]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)


def _files(paths: StatePaths, stem: Stem) -> list[Path]:
    return [paths.record(stem.name), paths.journal(stem.name), paths.blobs(stem.name)]


def _lacking(paths: StatePaths, entry: _Entry) -> str | None:
    """Whether a store has not seen all frames of the journal, so that it must stay."""
    if not entry.listed.has_journal:
        return None
    journal = paths.journal(entry.listed.stem.name)
    store = lacking_store(paths, journal)
    if store == journal.name:
        return "its journal cannot be read, `reqon state repair` says more"
    return None if store is None else f"the store '{store}' lacks some of its work"


def lacking_store(paths: StatePaths, journal: Path) -> str | None:
    """The name of a store that has not seen a journal's last frame; None where all have.

    A journal that cannot be read stands for work that nobody has seen: its own name is given.
    """
    start, tail = read_start(journal), read_tail(journal)
    if start is None or tail is None:
        return journal.name if _has_content(journal) else None
    for name, spec in described(start.get("stores", {})).items():
        if durable_identity(spec, paths) is None:
            continue
        location = make_store(spec, paths).location
        if location is not None and read_marks(location).get(start["executionId"], 0) < tail.number:
            return name
    return None


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _remove(
    paths: StatePaths, disk: Disk, mission: str, entry: _Entry, *, dry_run: bool
) -> Removal:
    stem, state = entry.listed.stem, entry.state
    size = sum(_size(path) for path in _files(paths, stem))
    if not dry_run:
        remove_execution(paths, disk, stem.name)
    return Removal(
        mission,
        stem.name,
        None if state is None else state.execution_id,
        "corrupt" if state is None else state.status,
        None if state is None else state.started_at,
        size,
    )


def remove_execution(paths: StatePaths, disk: Disk, stem: str) -> None:
    """Remove blobs, journal and record, in this order, each durable before the next."""
    remove_blobs(disk, paths.blobs(stem))
    if paths.journal(stem).exists():
        disk.discard(paths.journal(stem))
        disk.sync_folder(paths.execution)
    disk.discard(paths.record(stem))


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(child.lstat().st_size for child in path.iterdir())
        return path.lstat().st_size
    except OSError:
        return 0


def clean_quarantine(
    paths: StatePaths, disk: Disk, clock: Clock, older_than: timedelta, *, dry_run: bool
) -> int:
    """Remove files that were put aside long ago; returns bytes. 30 days are always kept."""
    limit = clock.now() - max(older_than, KEEP_QUARANTINE)
    freed = 0
    for found in StateReader(paths.root).quarantine():
        with contextlib.suppress(OSError):
            if datetime.fromtimestamp(found.path.lstat().st_mtime, UTC) < limit:
                freed += _size(found.path)
                if not dry_run:
                    disk.discard(found.path)
                    disk.discard(found.path.with_name(found.path.name + ".reason"))
    return freed


def sweep_leftovers(paths: StatePaths, disk: Disk, stems: Iterable[str]) -> None:
    """Remove temporary files that interrupted writes of these executions left behind."""
    for stem in stems:
        for path in (paths.record(stem), paths.journal(stem)):
            disk.discard(path.with_name(f".{path.name}.tmp"))
