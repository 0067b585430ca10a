"""Stores that several state folders write: whose lock counts, and whose journal came last.

A store with the option `dir` may lie in the folder of another project, or be named by many. Its
file has one lock for all, and beside it stands who began to write it last:

    .customers.writer.json      {"journal": "/srv/crm/.vague-data/execution/Sync-….journal"}

That journal is the only one elsewhere which may hold operations that the file lacks, beside those
of the state folder that the store lies in.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from reqon.errors import RefusedError
from reqon.journal.disk import Disk
from reqon.journal.listing import journals
from reqon.state.journal_tail import has_begun, read_start
from reqon.state.paths import StatePaths
from reqon.state.record import Unreadable, read_json_object
from reqon.stores.base import StoreSpec

_JOURNAL = "journal"


def real_path(location: Path) -> Path:
    """The same for all names of a store's file; the file itself may be a link and stays one."""
    return Path(os.path.realpath(location.parent)) / location.name


def lock_path(spec: StoreSpec, location: Path | None, paths: StatePaths) -> Path:
    """The lock file of a store.

    A folder that is the `stores` of a state folder has that one's locks; beside a file elsewhere
    lies a lock of its own.
    """
    if location is None or "dir" not in spec.options:
        return paths.store_lock(spec.adapter, spec.identifier)
    owner = owner_of(location)
    if owner is None:
        return lock_beside(location)
    identifier = real_path(location).relative_to(owner.stores).with_suffix("").as_posix()
    return owner.store_lock(spec.adapter, identifier)


def lock_beside(location: Path) -> Path:
    """The lock file of a store that lies in no state folder."""
    real = real_path(location)
    return real.with_name(f".{real.stem}.lock")


def owner_of(location: Path) -> StatePaths | None:
    """The state folder in whose `stores` a file lies, once the whole of it is there."""
    for folder in real_path(location).parents:
        owner = StatePaths(folder.parent)
        if folder == owner.stores and owner.execution.is_dir() and owner.locks.is_dir():
            return owner
    return None


def writer_path(location: Path) -> Path:
    """The file that says who began to write a store last."""
    return location.with_name(f".{location.stem}.writer.json")


def note_writer(disk: Disk, location: Path, journal: Path) -> None:
    """Say that from now on this journal may hold what the store lacks; durable. Blocks."""
    line = json.dumps({_JOURNAL: os.path.realpath(journal)}).encode()
    disk.replace_durably(writer_path(location), [line, b"\n"])


def foreign_journals(location: Path, paths: StatePaths) -> set[Path]:
    """Journals of other state folders that may hold what a store lacks.

    That of the last writer where it is still there, and those of the folder that the store lies
    in. RefusedError where the last writer cannot be told.
    """
    owner = owner_of(location)
    found: set[Path] = set() if owner is None else set(journals(owner))
    last = _last_writer(location)
    if last is not None:
        found.add(last)
    own = Path(os.path.realpath(paths.execution))
    return {path for path in found if path.parent != own}


def _last_writer(location: Path) -> Path | None:
    path = writer_path(location)
    if not path.exists():
        return None
    found = read_json_object(path)
    text: Any = None if isinstance(found, Unreadable) else found.get(_JOURNAL)
    if not isinstance(text, str):
        raise _unreadable(location, path)
    journal = Path(text)
    if not journal.exists():
        return None
    if read_start(journal) is None and _may_hold_more(journal):
        raise _unreadable(location, journal)
    return journal


def _may_hold_more(journal: Path) -> bool:
    """Whether there may be operations in it: behind a first frame, be it torn, or out of reach."""
    try:
        journal.open("rb").close()
    except OSError:
        return True
    return has_begun(journal)


def _unreadable(location: Path, path: Path) -> RefusedError:
    return RefusedError(
        f"the store '{location}' was written from another state folder last, and '{path}', which "
        "tells what the store lacks of that, cannot be read",
        hint="make the file readable, or remove it to go on without what it holds",
    )
