"""Applied marks: up to which frame of which execution a store's file holds everything.

    stores/.customers.applied.json      {"exec_abc": 412, "exec_def": 96}

The mark belongs to the store and is replaced, durable, after the store's file: what is above it
is redone from the journal, which changes nothing where it was there already. The execution that
wrote last stands last. Marks of executions without a journal are dropped, never any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from reqon.errors import RefusedError
from reqon.journal.disk import Disk
from reqon.state.record import Unreadable, count, read_json_object


def marks_path(location: Path) -> Path:
    """The file of the marks beside a store's file."""
    return location.with_name(f".{location.stem}.applied.json")


def read_marks(location: Path) -> dict[str, int]:
    """Execution id to frame number; empty where nothing was ever applied.

    Raises RefusedError for a damaged file: without its marks a store cannot tell old work from
    new, and redoing everything could undo what came later.
    """
    path = marks_path(location)
    if not path.exists() and not path.is_symlink():
        return {}
    found = read_json_object(path)
    if isinstance(found, Unreadable):
        raise RefusedError(
            f"the applied marks '{path}' cannot be read: {found.reason}",
            hint="`reqon state repair` puts them right, or restore them from a backup",
        )
    return {execution: n for execution, n in found.items() if count(n)}


def write_marks(disk: Disk, location: Path, marks: Mapping[str, int]) -> None:
    """Replace the marks; durable after the folder is synced. Blocks."""
    disk.replace_file(marks_path(location), [json.dumps(dict(marks)).encode(), b"\n"])


def moved_on(
    marks: Mapping[str, int], execution_id: str, number: int, living: Iterable[str] | None
) -> dict[str, int]:
    """The marks after an execution was applied up to `number`; it stands last.

    `living` are the executions that still have a journal; None keeps the marks of all.
    """
    keep = None if living is None else set(living)
    rest = {
        execution: n
        for execution, n in marks.items()
        if execution != execution_id and (keep is None or execution in keep)
    }
    return {**rest, execution_id: number}
