"""Doing what `reqon cleanup` asks: mission by mission, under each mission's lock.

Before a mission's journals go, work in them that a store still lacks is applied, so that removing
history never takes data away. A dry run writes nothing and makes no file, so that it works where
nothing can be written. Prints nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.clock import SystemClock, format_instant
from reqon.errors import ReqonError
from reqon.journal.applied import marks_path, read_marks
from reqon.journal.applying import apply_journal
from reqon.journal.disk import Disk
from reqon.journal.locks import FileLock, process_facts
from reqon.journal.records import store_files
from reqon.journal.retention import Removal, Rules, clean_mission, clean_quarantine
from reqon.journal.sync_checkpoints import reset_checkpoints
from reqon.journal.writers import writer_path
from reqon.settings import load_settings
from reqon.state.journal_tail import read_start
from reqon.state.liveness import CLEANING, DOING, holder
from reqon.state.paths import StatePaths, short_name
from reqon.state.reader import StateReader


@dataclass(slots=True)
class Outcome:
    """What went, what stayed and why; `others` are store files and sync checkpoints."""

    dry_run: bool
    removed: list[Removal] = field(default_factory=list[Removal])
    kept: dict[str, str] = field(default_factory=dict[str, str])
    running: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    others: list[str] = field(default_factory=list[str])
    freed_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form of `reqon cleanup --json`."""
        return {
            "dryRun": self.dry_run,
            "removed": [
                {
                    "mission": removal.mission,
                    "executionId": removal.execution_id,
                    "status": removal.status,
                    "startedAt": removal.started_at and format_instant(removal.started_at),
                    "file": removal.stem,
                    "bytes": removal.size_bytes,
                }
                for removal in self.removed
            ],
            "kept": [{"file": stem, "reason": reason} for stem, reason in self.kept.items()],
            "running": self.running,
            "others": self.others,
            "warnings": self.warnings,
            "freedBytes": self.freed_bytes,
        }


def missions_with_files(reader: StateReader) -> list[str]:
    """Names of the missions that have files, of readable records or not; each once.

    Of a very long name the files have a short form, which is no mission of its own.
    """
    names = {listed.stem.name.partition(f"-{listed.stem.start}")[0] for listed in reader.listing()}
    known = set(reader.missions())
    return sorted((names - {short_name(mission) for mission in known}) | known)


async def clean(
    paths: StatePaths,
    missions: Iterable[str],
    rules: Rules,
    *,
    stores: bool,
    sync: bool,
    disk: Disk | None = None,
) -> Outcome:
    """Clean the missions one after another; `stores` and `sync` take what they have kept too.

    Not of one that runs: what it has stored so far, and where its next sync goes on, is in use.
    """
    disk, outcome = disk or Disk(), Outcome(rules.dry_run)
    writers = _writers(paths) if stores else {}
    ended: set[str] = set()
    for mission in missions:
        if await _clean_one(paths, disk, mission, rules, outcome):
            ended.add(mission)
        elif stores or sync:
            what = " and ".join(["stores"] * stores + ["sync checkpoints"] * sync)
            outcome.warnings.append(f"'{mission}' is running: its {what} stay")
    if stores:
        _remove_stores(paths, disk, writers, ended, outcome)
    if sync:
        _remove_sync(paths, disk, ended, outcome)
    if rules.older_than is not None:
        outcome.freed_bytes += clean_quarantine(
            paths, disk, SystemClock(), rules.older_than, dry_run=rules.dry_run
        )
    return outcome


async def _clean_one(
    paths: StatePaths, disk: Disk, mission: str, rules: Rules, outcome: Outcome
) -> bool:
    """Clean one mission; False where an execution of it runs."""
    lock = FileLock(paths.mission_lock(mission), disk)
    try:
        is_held = not rules.dry_run and _takes(lock, disk)
        if is_held:
            # what a dead run wrote here would make it look alive
            lock.write_owner({"mission": mission, **process_facts(), DOING: CLEANING})
            if rules.everything:
                await _apply_unapplied(paths, disk, mission, outcome)
        result = await asyncio.to_thread(
            clean_mission, paths, disk, SystemClock(), mission, rules, is_held=is_held
        )
    finally:
        lock.release()
    outcome.removed += result.removed
    outcome.kept.update(result.kept)
    outcome.running += result.running
    outcome.warnings += result.warnings
    outcome.freed_bytes += result.freed_bytes
    return not result.running


def _takes(lock: FileLock, disk: Disk) -> bool:
    disk.make_folder(lock.path.parent)
    return lock.try_acquire()


async def _apply_unapplied(paths: StatePaths, disk: Disk, mission: str, outcome: Outcome) -> None:
    """Bring work that is in the mission's journals only into the stores."""
    secrets = load_settings(os.environ, folder=Path()).secrets
    for listed in StateReader(paths.root).listing(mission):
        if not listed.has_journal:
            continue
        try:
            await apply_journal(paths, disk, paths.journal(listed.stem.name), secrets)
        except ReqonError as error:
            outcome.warnings.append(f"{listed.stem.name}: {error.message}")


def _writers(paths: StatePaths) -> dict[Path, set[str]]:
    """The missions that write each store file, as far as records, journals and marks tell."""
    reader = StateReader(paths.root)
    missions: dict[str, str] = {}
    found: dict[Path, set[str]] = {}
    for state in reader.history():
        missions[state.execution_id] = state.mission
        for identifier in state.record.get("storeFiles", ()):
            found.setdefault(_store_file(paths, identifier), set()).add(state.mission)
    for listed in reader.listing():
        start = read_start(paths.journal(listed.stem.name)) if listed.has_journal else None
        for identifier in store_files((start or {}).get("stores", {})):
            found.setdefault(_store_file(paths, identifier), set()).add((start or {})["mission"])
    for path in _files_of_stores(paths):
        known = {missions[one] for one in read_marks(path) if one in missions}
        found.setdefault(path, set()).update(known)
    return found


def _store_file(paths: StatePaths, identifier: str) -> Path:
    return paths.stores / f"{identifier}.json"


def _files_of_stores(paths: StatePaths) -> list[Path]:
    return [path for path in sorted(paths.stores.rglob("*.json")) if path.name[0] != "."]


def _remove_stores(
    paths: StatePaths,
    disk: Disk,
    writers: Mapping[Path, set[str]],
    missions: set[str],
    outcome: Outcome,
) -> None:
    """Remove the store files that these missions, and no others, write.

    A file whose writers have no record any more is nobody's that is known: it stays.
    """
    for path in _files_of_stores(paths):
        known = writers.get(path, set())
        if not known:
            outcome.kept[str(path)] = "no record tells any more which mission wrote it"
        elif known & missions and known - missions:
            outcome.kept[str(path)] = "another mission writes this store too"
        elif known & missions:
            _remove_store(paths, path, disk, outcome)


def clean_the_rest(paths: StatePaths, outcome: Outcome, *, stores: bool, sync: bool) -> None:
    """Remove what no mission is known to have written; only where all missions were cleaned."""
    disk = Disk()
    for path in _files_of_stores(paths) if stores else ():
        if f"store {path}" not in outcome.others:
            outcome.kept.pop(str(path), None)
            _remove_store(paths, path, disk, outcome)
    known = StateReader(paths.root).sync_checkpoints() if sync else {}
    keys = list(known) if isinstance(known, dict) else []
    _reset(paths, disk, [k for k in keys if f"sync checkpoint {k}" not in outcome.others], outcome)


def _remove_store(paths: StatePaths, path: Path, disk: Disk, outcome: Outcome) -> None:
    reason = _why_it_stays(path)
    if reason is not None:
        outcome.kept[str(path)] = reason
        return
    identifier = path.relative_to(paths.stores).with_suffix("").as_posix()
    lock = FileLock(paths.store_lock("file", identifier), disk)
    taken = holder(lock.path) is not None if outcome.dry_run else not _takes(lock, disk)
    if taken:
        outcome.kept[str(path)] = "it is being written"
        return
    try:
        _remove_files(path, disk, outcome)
    finally:
        lock.release()


def _why_it_stays(path: Path) -> str | None:
    if path.is_dir():
        return "it is a folder and no store file"
    return "other state folders write this store too" if writer_path(path).exists() else None


def _remove_files(path: Path, disk: Disk, outcome: Outcome) -> None:
    outcome.others.append(f"store {path}")
    for file in (path, path.with_suffix(".csv"), marks_path(path)):
        if file.exists():
            outcome.freed_bytes += file.stat().st_size
            if not outcome.dry_run:
                disk.discard(file)


def _remove_sync(paths: StatePaths, disk: Disk, missions: set[str], outcome: Outcome) -> None:
    known = StateReader(paths.root).sync_checkpoints()
    entries = known.items() if isinstance(known, dict) else ()
    _reset(paths, disk, [key for key, entry in entries if entry.mission in missions], outcome)


def _reset(paths: StatePaths, disk: Disk, keys: list[str], outcome: Outcome) -> None:
    outcome.others += [f"sync checkpoint {key}" for key in keys]
    if keys and not outcome.dry_run:
        reset_checkpoints(paths, disk, SystemClock(), keys)
