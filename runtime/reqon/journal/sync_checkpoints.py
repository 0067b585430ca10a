"""Writing `sync-checkpoints.json`: the time of the last sync by key, for all missions.

    {"API-/customers": {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 1523, …}}

Whoever writes takes the sync lock, reads, merges its own keys and replaces the file; then notes
in `.sync-checkpoints.applied.json` up to which frame of its execution this is done, so that a
later reset is not undone by an old journal. A time never goes back but by `set_checkpoint` and
`reset_checkpoints`, which keep a copy in quarantine. Nor does a change by hand ever get lost: an
execution that asked for what is new since a later time publishes nothing over an earlier one, as
what lies between the two was not fetched. Times come from frames only.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from reqon.clock import Clock, format_instant
from reqon.errors import RefusedError
from reqon.journal.disk import Disk
from reqon.journal.listing import living_executions
from reqon.journal.locks import FileLock, refuse
from reqon.journal.publishing import is_later
from reqon.journal.quarantine import put_aside
from reqon.state.paths import StatePaths
from reqon.state.record import Unreadable, as_object, count, instant, read_json_object

Checkpoints = dict[str, dict[str, Any]]

_LOCK_SECONDS = 30.0
_LOCK_POLL_SECONDS = 0.01


def read_sync_checkpoints(paths: StatePaths) -> Checkpoints:
    """All sync checkpoints; none where the file is missing.

    Raises RefusedError where it, or the time of a key, is damaged: taking that for "never synced"
    would fetch everything again without a word.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, value in _read("sync checkpoints", paths.sync_checkpoints).items():
        entry = as_object(value)
        if entry is None or instant(entry.get("lastSync")) is None:
            raise RefusedError(
                f"the sync checkpoint '{key}' in '{paths.sync_checkpoints}' has no time",
                hint="`reqon checkpoints set KEY TIME` gives it one; after `reqon checkpoints "
                "reset KEY` everything is fetched again",
            )
        found[key] = entry
    return found


def read_sync_marks(paths: StatePaths) -> dict[str, int]:
    """Up to which frame of which execution the file holds everything; RefusedError if damaged."""
    marks = _read("sync marks", paths.sync_applied)
    return {execution: n for execution, n in marks.items() if count(n)}


def _read(what: str, path: Path) -> dict[str, Any]:
    found = read_json_object(path) if path.exists() or path.is_symlink() else {}
    if isinstance(found, Unreadable):
        raise RefusedError(
            f"the {what} in '{path}' cannot be read: {found.reason}",
            hint="`reqon state repair` rebuilds them from the records, or restore a backup",
        )
    return found


def publish(
    paths: StatePaths,
    disk: Disk,
    values: Mapping[str, Mapping[str, Any]],
    *,
    mission: str,
    execution_id: str,
    number: int | None,
) -> list[str]:
    """Merge what an execution published in its frames up to `number`. Blocks.

    Returns the keys that were set back by hand since it began, which stay as they are. Without a
    journal `number` is None, and nothing is noted. Doing it again changes nothing. OSError as the
    disk says; RefusedError for damaged files and where the lock stays taken.
    """
    with sync_lock(paths, disk):
        marks = read_sync_marks(paths)
        if number is not None and marks.get(execution_id, 0) >= number:
            return []
        is_new = not paths.sync_checkpoints.exists()
        known = _read("sync checkpoints", paths.sync_checkpoints)
        kept = [key for key, v in values.items() if not is_new and _was_set_back(v, known.get(key))]
        changed = False
        for key, value in values.items():
            entry = as_object(known.get(key)) or {}
            if key not in kept and is_later(value["lastSync"], entry.get("lastSync")):
                known[key] = _entry(value, mission, execution_id)
                changed = True
        if changed:
            disk.replace_durably(paths.sync_checkpoints, _json(known))
        if number is not None:
            _write_marks(paths, disk, {**marks, execution_id: number}, execution_id)
        return kept


def _was_set_back(value: Mapping[str, Any], entry: Any) -> bool:
    """Whether the time that the execution went on from is later than the one that is there."""
    since = instant(value.get("since"))
    known = instant((as_object(entry) or {}).get("lastSync"))
    return since is not None and (known is None or known < since)


def with_published(
    known: Checkpoints,
    values: Mapping[str, Mapping[str, Any]],
    mission: str,
    execution_id: str,
) -> Checkpoints:
    """What the file would hold once `values` are published over `known`."""
    result = dict(known)
    for key, value in values.items():
        if is_later(value["lastSync"], result.get(key, {}).get("lastSync")):
            result[key] = _entry(value, mission, execution_id)
    return result


def _entry(value: Mapping[str, Any], mission: str, execution_id: str) -> dict[str, Any]:
    return {
        "lastSync": value["lastSync"],
        "itemsSynced": value["itemsSynced"],
        "totalItemsSynced": value["totalItemsSynced"],
        "executionId": execution_id,
        "mission": mission,
    }


def _write_marks(paths: StatePaths, disk: Disk, marks: Mapping[str, int], own: str) -> None:
    """Replace the marks; those of executions without a journal are not needed any more."""
    living = living_executions(paths)
    kept = {e: n for e, n in marks.items() if living is None or e == own or e in living}
    disk.replace_durably(paths.sync_applied, _json(kept))


def replace_sync_checkpoints(paths: StatePaths, disk: Disk, values: Checkpoints) -> None:
    """Put these values in the place of a damaged file. Blocks."""
    with sync_lock(paths, disk):
        disk.replace_durably(paths.sync_checkpoints, _json(values))


def merge_sync_checkpoints(
    paths: StatePaths, disk: Disk, found: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Take over what is later than the file's; the keys that changed. Blocks.

    RefusedError for a damaged file and where the lock stays taken.
    """
    with sync_lock(paths, disk):
        known = _read("sync checkpoints", paths.sync_checkpoints)
        keys = later_keys(known, found)
        if keys:
            merged = known | {key: dict(found[key]) for key in keys}
            disk.replace_durably(paths.sync_checkpoints, _json(merged))
        return keys


def later_keys(known: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The keys whose time in `found` is later than in `known`, or not known there."""
    keys: list[str] = []
    for key, value in found.items():
        new = instant((as_object(value) or {}).get("lastSync"))
        old = instant((as_object(known.get(key)) or {}).get("lastSync"))
        if new is not None and (old is None or new > old):
            keys.append(key)
    return keys


@contextlib.contextmanager
def sync_lock(paths: StatePaths, disk: Disk) -> Generator[None]:
    """Hold the sync lock; it is only ever held for milliseconds. Blocks."""
    disk.make_folder(paths.locks)
    lock = FileLock(paths.sync_lock, disk)
    end = time.monotonic() + _LOCK_SECONDS
    while not lock.try_acquire():
        if time.monotonic() > end:
            raise refuse("the sync checkpoints are locked by another process", paths.sync_lock)
        time.sleep(_LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def set_checkpoint(paths: StatePaths, disk: Disk, clock: Clock, key: str, last_sync: str) -> None:
    """Set the time of one key, to an earlier one too; the old file is kept in quarantine."""
    with sync_lock(paths, disk):
        known = _read("sync checkpoints", paths.sync_checkpoints)
        put_aside(paths, disk, clock, paths.sync_checkpoints, f"before '{key}' was set", keep=True)
        counts = as_object(known.get(key)) or {"itemsSynced": 0, "totalItemsSynced": 0}
        known[key] = {**counts, "lastSync": last_sync}
        disk.replace_durably(paths.sync_checkpoints, _json(known))
        _audit(paths, disk, clock, f"set {key} {last_sync}")


def reset_checkpoints(
    paths: StatePaths, disk: Disk, clock: Clock, keys: Iterable[str] | None
) -> list[str]:
    """Remove keys (None: all); returns those that were there. The old file is kept."""
    with sync_lock(paths, disk):
        known = _read("sync checkpoints", paths.sync_checkpoints)
        wanted = list(known) if keys is None else [key for key in keys if key in known]
        if not wanted:
            return []
        put_aside(paths, disk, clock, paths.sync_checkpoints, "before a reset", keep=True)
        rest = {key: value for key, value in known.items() if key not in wanted}
        disk.replace_durably(paths.sync_checkpoints, _json(rest))
        _audit(paths, disk, clock, "reset " + " ".join(wanted))
        return wanted


def _audit(paths: StatePaths, disk: Disk, clock: Clock, text: str) -> None:
    """One line in `quarantine/audit.log` for every change by hand."""
    disk.make_folder(paths.quarantine)
    path = paths.quarantine / "audit.log"
    before = path.read_bytes() if path.exists() else b""
    line = f"{format_instant(clock.now())} {text}\n".encode("utf-8", "replace")
    disk.replace_durably(path, [before, line])


def _json(value: Any) -> list[bytes]:
    return [json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace"), b"\n"]
