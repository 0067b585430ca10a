"""Setting up a state folder: its parts, its rights, the reserve for a full disk.

Everything is checked before the first request is sent, so that a folder that cannot be written
is told at once, by path, mode and owner.
"""

from __future__ import annotations

from pathlib import Path

from reqon.journal.disk import Disk
from reqon.journal.faults import check_readable, check_writable, unwritable
from reqon.state.paths import StatePaths

RESERVE_BYTES = 256 * 1024


def prepare_folders(paths: StatePaths, disk: Disk) -> None:
    """Make what is missing of the state folder, durable. Blocks.

    Raises ConfigError where something cannot be written, or is there and cannot be read, and
    StorageError where the disk is full.
    """
    folders = (paths.root, paths.execution, paths.stores, paths.locks)
    for folder in folders:
        check_writable(folder)
    check_readable(paths)
    try:
        for folder in folders:
            disk.make_folder(folder)
        _put_once(disk, paths.root / ".gitignore", b"*\n")
        _put_once(disk, paths.reserve, bytes(RESERVE_BYTES))
        disk.sync_folder(paths.root)
        disk.sync_folder(paths.root.absolute().parent)
    except OSError as error:
        raise unwritable(paths.root, error) from error


def _put_once(disk: Disk, path: Path, content: bytes) -> None:
    """Make a file where it is missing; others may be at it in the same moment, with the same."""
    if path.exists():
        return
    try:
        disk.replace_file(path, [content])
    except FileNotFoundError:
        if not path.exists():
            raise
