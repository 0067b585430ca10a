"""The last steps of an execution: what is removed, and what is said when the disk has failed.

Removing is the only part of a run that nothing depends on: an error here changes no outcome, and
the next opening or cleanup goes on where a crash left it. All functions block.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reqon.clock import format_instant
from reqon.journal.disk import Disk
from reqon.journal.faults import FULL
from reqon.journal.records import write_record
from reqon.journal.request import SessionRequest
from reqon.journal.run_state import RunState
from reqon.state.journal_tail import read_start
from reqon.state.paths import StatePaths
from reqon.state.record import Unreadable, read_record
from reqon.state.updating import from_journal, up_to_date


def unsettled_effects(state: RunState) -> list[dict[str, Any]]:
    """Requests that were begun and that no committed work stands for, as the record lists them."""
    return [
        {**call.facts, "key": call.key, "position": call.position, "status": call.status}
        for call in state.calls.values()
    ]


def remove_journal(disk: Disk, paths: StatePaths, stem: str) -> int:
    """Remove blobs, then the journal, of an execution that needs them no more; returns bytes.

    The removal is durable when it returns: marks of executions without a journal are dropped.
    """
    freed = remove_blobs(disk, paths.blobs(stem))
    freed += disk.discard(paths.journal(stem))
    disk.sync_folder(paths.execution)
    return freed


def remove_blobs(disk: Disk, folder: Path) -> int:
    """Remove a folder of blobs; returns the bytes that this frees."""
    freed = 0
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in sorted(folder.iterdir()):
            freed += disk.discard(path)
        disk.rmdir(folder)
    return freed


def rescue_record(
    disk: Disk,
    request: SessionRequest,
    path: Path,
    journal: Path | None,
    error: Mapping[str, Any],
) -> dict[str, Any]:
    """Say `interrupted` in the record after a storage failure; returns what it would say.

    Built from what is on the disk, because memory may be ahead of it. A full disk gives back the
    reserve first. Where nothing can be written, readers find out from the free lock.
    """
    record = _last_known(path, journal)
    if record is None:
        return {"mission": request.mission, "status": "interrupted", "errors": [dict(error)]}
    record = up_to_date(record, journal, alive=False) | {
        "status": "interrupted",
        "errors": [*record.get("errors", []), dict(error)],
        "heartbeatAt": format_instant(request.clock.now()),
    }
    record.pop("completedAt", None)
    record = request.secrets.redact_value(record)
    try:
        write_record(disk, path, record)
    except OSError as failure:
        if failure.errno in FULL:
            with contextlib.suppress(OSError):
                disk.discard(request.paths.reserve)
                write_record(disk, path, record)
    return record


def _last_known(path: Path, journal: Path | None) -> dict[str, Any] | None:
    record = read_record(path)
    if not isinstance(record, Unreadable):
        return record
    start = None if journal is None else read_start(journal)
    return None if start is None else from_journal(start)
