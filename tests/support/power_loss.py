"""What a disk may hold after the power failed: a model, stricter than most file systems.

`TraceDisk` records every operation. `PowerLoss` replays the first n of them on a model of files
and folders, and builds one of the states that could be found afterwards: what was synced is
there; of what was not, anything may be there: nothing, a part, zeros or garbage in its place, a
later write without an earlier one; names appear, vanish or are renamed only if their folder was
synced, else perhaps.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.crash_disk import CountingDisk

Operation = tuple[Any, ...]


class TraceDisk(CountingDisk):
    """Records operations; leaves out those syncs for which `forgets` says so."""

    def __init__(self, forgets: Callable[[str, Path], bool] = lambda name, path: False) -> None:
        super().__init__()
        self.trace: list[Operation] = []
        self._forgets = forgets
        self._inodes: dict[Path, int] = {}
        self._by_fd: dict[int, tuple[int, Path]] = {}
        self._next = 0

    def _note(self, *operation: Any) -> None:
        self.trace.append(operation)

    def _open(self, fd: int, path: Path, *, new: bool) -> int:
        if new or path not in self._inodes:
            self._next += 1
            self._inodes[path] = self._next
            self._note("create", path, self._next)
        self._by_fd[fd] = (self._inodes[path], path)
        return fd

    def create(self, path: Path, *, exclusive: bool = True) -> int:
        with self._guard:
            return self._open(super().create(path, exclusive=exclusive), path, new=True)

    def open_append(self, path: Path) -> int:
        with self._guard:
            return self._open(super().open_append(path), path, new=False)

    def open_lock(self, path: Path) -> int:
        with self._guard:
            return self._open(super().open_lock(path), path, new=not path.exists())

    def write(self, fd: int, data: Any) -> int:
        with self._guard:
            inode, path = self._by_fd[fd]
            if path.suffix != ".lock":
                self._note("write", inode, bytes(data))
            return super().write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        with self._guard:
            self._note("truncate", self._by_fd[fd][0], size)
            super().truncate(fd, size)

    def fdatasync(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def fsync(self, fd: int) -> None:
        self._sync("fsync", fd)

    def _sync(self, name: str, fd: int) -> None:
        with self._guard:
            inode, path = self._by_fd[fd]
            self.perform(name, lambda: None)
            if not self._forgets(name, path):
                self._note("sync", inode)

    def replace(self, source: Path, target: Path) -> None:
        with self._guard:
            super().replace(source, target)
            if source in self._inodes:  # else it was there before the trace began
                self._inodes[target] = self._inodes.pop(source)
            self._note("replace", source, target)

    def unlink(self, path: Path) -> None:
        with self._guard:
            super().unlink(path)
            self._inodes.pop(path, None)
            self._note("unlink", path)

    def mkdir(self, path: Path) -> None:
        with self._guard:
            super().mkdir(path)
            self._note("mkdir", path)

    def rmdir(self, path: Path) -> None:
        with self._guard:
            super().rmdir(path)
            self._note("rmdir", path)

    def sync_folder(self, path: Path) -> None:
        with self._guard:
            super().sync_folder(path)
            if not self._forgets("sync_folder", path):
                self._note("sync_folder", path)


@dataclass
class _File:
    durable: bytes = b""
    pending: list[tuple[str, Any]] = field(default_factory=list)


@dataclass
class _Folder:
    durable: dict[str, Any] = field(default_factory=dict)
    pending: list[tuple[str, str, Any]] = field(default_factory=list)
    now: dict[str, Any] = field(default_factory=dict)

    def change(self, kind: str, name: str, entry: Any = None) -> None:
        self.pending.append((kind, name, entry))
        _apply_name(self.now, kind, name, entry)


class PowerLoss:
    """The model after some operations of a trace that began in an empty folder `top`."""

    def __init__(self, top: Path, trace: list[Operation]) -> None:
        self.files: dict[int, _File] = {}
        self.folders: dict[Path, _Folder] = {top: _Folder()}
        self.top = top
        for operation in trace:
            self._take(operation)

    def _take(self, operation: Operation) -> None:
        match operation:
            case ("create", path, inode):
                self.files[inode] = _File()
                self.folders[path.parent].change("set", path.name, inode)
            case ("write" | "truncate" as kind, inode, value):
                self.files[inode].pending.append((kind, value))
            case ("sync", inode):
                file = self.files[inode]
                file.durable = _content(file.durable, file.pending)
                file.pending = []
            case ("replace", source, target):
                folder = self.folders[source.parent]
                entry = folder.now[source.name]
                folder.pending.append(("rename", target.name, (source.name, entry)))
                del folder.now[source.name]
                folder.now[target.name] = entry
            case ("unlink" | "rmdir", path):
                self.folders[path.parent].change("drop", path.name)
            case ("mkdir", path):
                self.folders[path] = _Folder()
                self.folders[path.parent].change("set", path.name, path)
            case ("sync_folder", path) if path in self.folders:
                folder = self.folders[path]
                folder.durable = dict(folder.now)
                folder.pending = []
            case _:
                assert operation[0] == "sync_folder"

    def build(self, target: Path, rng: random.Random) -> None:
        """Write one possible state below `target`."""
        self._build(self.top, target, rng, {})

    def _build(
        self, folder: Path, target: Path, rng: random.Random, done: dict[int, bytes]
    ) -> None:
        target.mkdir(mode=0o700)
        for name, entry in self._names(self.folders[folder], rng).items():
            if isinstance(entry, Path):
                self._build(entry, target / name, rng, done)
            else:
                if entry not in done:
                    done[entry] = _survivor(self.files[entry], rng)
                (target / name).write_bytes(done[entry])

    def _names(self, folder: _Folder, rng: random.Random) -> dict[str, Any]:
        names = dict(folder.durable)
        chance = rng.choice((0.0, 0.3, 0.7, 1.0))
        for kind, name, entry in folder.pending:
            if rng.random() < chance:
                _apply_name(names, kind, name, entry)
        return names


def _apply_name(names: dict[str, Any], kind: str, name: str, entry: Any) -> None:
    if kind == "set":
        names[name] = entry
    elif kind == "drop":
        names.pop(name, None)
    else:
        source, inode = entry
        names.pop(source, None)
        names[name] = inode


def _content(content: bytes, changes: list[tuple[str, Any]]) -> bytes:
    for kind, value in changes:
        content = content + value if kind == "write" else content[:value]
    return content


def _survivor(file: _File, rng: random.Random) -> bytes:
    """What of a file is found: the synced part, and something of the rest."""
    kept = rng.randint(0, len(file.pending))
    content = _content(file.durable, file.pending[:kept])
    lost = [value for kind, value in file.pending[kept:] if kind == "write"]
    if not lost:
        return content
    first = lost[0]
    how = rng.choice(("gone", "torn", "zeros", "garbage", "hole"))
    if how == "torn":
        return content + first[: rng.randint(0, len(first))]
    if how == "zeros":
        cut = rng.randint(0, len(first))
        return content + first[:cut] + bytes(len(first) - cut)
    if how == "garbage":
        return content + rng.randbytes(rng.randint(1, len(first)))
    if how == "hole":
        return content + bytes(len(first)) + b"".join(lost[1:])
    return content
