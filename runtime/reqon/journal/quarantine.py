"""Putting damaged files aside: never deleted, never read again, with the reason beside them.

    quarantine/<time>-<name>   quarantine/<time>-<name>.reason

What is put aside is shown by `reqon status`; people restore from here, the program does not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from reqon.clock import Clock, format_instant
from reqon.journal.disk import Disk
from reqon.state.paths import StatePaths
from reqon.state.regular import open_regular

_CHUNK_BYTES = 1 << 20


def put_aside(
    paths: StatePaths, disk: Disk, clock: Clock, path: Path, reason: str, *, keep: bool
) -> Path | None:
    """Copy (`keep`) or move a file into quarantine; None where there is no such file. Blocks.

    A folder or another thing that stands where a file should be is moved as it is.
    """
    if not os.path.lexists(path):
        return None
    disk.make_folder(paths.quarantine)
    target = _free_name(paths, clock, path.name)
    note = {"reason": reason, "path": str(path), "at": format_instant(clock.now())}
    text = json.dumps(note, ensure_ascii=False).encode("utf-8", "replace")
    disk.replace_file(target.with_name(target.name + ".reason"), [text, b"\n"])
    if keep:
        disk.replace_file(target, _chunks(path))
    else:
        disk.replace(path, target)
        disk.sync_folder(path.parent)
    disk.sync_folder(paths.quarantine)
    return target


def _free_name(paths: StatePaths, clock: Clock, name: str) -> Path:
    moment = clock.now().strftime("%Y-%m-%dT%H-%M-%S")
    number = 1
    while True:
        suffix = f".{number}" if number > 1 else ""
        target = paths.quarantine / f"{moment}-{name.lstrip('.')}{suffix}"
        if not os.path.lexists(target):
            return target
        number += 1


def _chunks(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
