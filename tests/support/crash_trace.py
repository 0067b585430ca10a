"""Writing down what a disk was asked to do: what a power failure may undo, and what not.

    trace = Trace()
    disk = RecordingDisk(state_dir, trace, first={})      # does everything, and notes it
    trace.steps                                           # for `crash_power`

Beside operations a trace holds promises (what the run told) and effects (what reached the
service), so that a state after a failure can be judged.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.journal.disk import Disk


@dataclass(frozen=True)
class Step:
    """One thing that happened: an operation that changed something, a sync, or a promise.

    `what` is `create write truncate replace unlink mkdir rmdir` with paths relative to the state
    folder; `sync` (of a file: `path` and the inode's number) and `sync_folder`; `ack` with
    `promise`; `effect` with what reached the service. `at` is when it was done, in ns of the
    machine's monotonic clock; a sync covers what was done before `since`, when it began.
    """

    what: str
    path: str = ""
    target: str = ""
    inode: int = 0
    data: bytes = b""
    size: int = 0
    since: int = 0
    promise: Any = None
    at: int = field(default_factory=time.monotonic_ns)


@dataclass
class Trace:
    """Steps in the order in which they took effect. Filled from several threads."""

    steps: list[Step] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, step: Step) -> None:
        with self.lock:
            self.steps.append(step)


class RecordingDisk(Disk):
    """Does everything, and writes it down. `root` is the state folder; others are not recorded.

    Inodes have numbers of their own, since the system uses its numbers again: those of the files
    in `first`, then new ones.
    """

    def __init__(self, root: Path, trace: Trace, first: dict[str, int]) -> None:
        self._root = root
        self._trace = trace
        self._by_name = dict(first)
        self._by_fd: dict[int, tuple[int, str]] = {}
        self._last = max(first.values(), default=0)

    def _name(self, path: Path) -> str | None:
        try:
            return path.relative_to(self._root).as_posix()
        except ValueError:
            return None

    def _open(self, path: Path, opened: Callable[[], int], *, empties: bool) -> int:
        name = self._name(path)
        with self._trace.lock:
            fd = opened()
            if name is None:
                return fd
            if name not in self._by_name:
                self._last += 1
                self._by_name[name] = self._last
                self._trace.steps.append(Step("create", name, inode=self._last))
            elif empties:
                self._trace.steps.append(Step("truncate", name, inode=self._by_name[name]))
            self._by_fd[fd] = (self._by_name[name], name)
        return fd

    def create(self, path: Path, *, exclusive: bool = True) -> int:
        return self._open(
            path,
            lambda: super(RecordingDisk, self).create(path, exclusive=exclusive),
            empties=True,
        )

    def open_append(self, path: Path) -> int:
        return self._open(path, lambda: super(RecordingDisk, self).open_append(path), empties=False)

    def open_lock(self, path: Path) -> int:
        return self._open(path, lambda: super(RecordingDisk, self).open_lock(path), empties=False)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        with self._trace.lock:
            written = super().write(fd, data)
            inode, name = self._by_fd[fd]
            if not name.startswith("locks/"):
                self._trace.steps.append(Step("write", name, inode=inode, data=bytes(data)))
        return written

    def truncate(self, fd: int, size: int) -> None:
        with self._trace.lock:
            super().truncate(fd, size)
            inode, name = self._by_fd[fd]
            self._trace.steps.append(Step("truncate", name, inode=inode, size=size))

    def fdatasync(self, fd: int) -> None:
        self._synced(fd, lambda: super(RecordingDisk, self).fdatasync(fd))

    def fsync(self, fd: int) -> None:
        self._synced(fd, lambda: super(RecordingDisk, self).fsync(fd))

    def _synced(self, fd: int, sync: Callable[[], None]) -> None:
        since = time.monotonic_ns()
        sync()
        inode, name = self._by_fd[fd]
        self._trace.add(Step("sync", name, inode=inode, since=since))

    def replace(self, source: Path, target: Path) -> None:
        old, new = self._name(source), self._name(target)
        with self._trace.lock:
            super().replace(source, target)
            if old is not None and new is not None:
                self._by_name[new] = self._by_name.pop(old)
                self._trace.steps.append(Step("replace", old, new))

    def _change(self, what: str, path: Path, do: Callable[[], None]) -> None:
        name = self._name(path)
        with self._trace.lock:
            do()
            if name is not None:
                self._by_name.pop(name, None)
                self._trace.steps.append(Step(what, name))

    def unlink(self, path: Path) -> None:
        self._change("unlink", path, lambda: super(RecordingDisk, self).unlink(path))

    def mkdir(self, path: Path) -> None:
        self._change("mkdir", path, lambda: super(RecordingDisk, self).mkdir(path))

    def rmdir(self, path: Path) -> None:
        self._change("rmdir", path, lambda: super(RecordingDisk, self).rmdir(path))

    def sync_folder(self, path: Path) -> None:
        since = time.monotonic_ns()
        super().sync_folder(path)
        name = self._name(path)
        if name is not None:
            self._trace.add(Step("sync_folder", name, since=since))


def without_syncs(steps: Iterable[Step], what: str, kind: str) -> list[Step]:
    """A trace of a program that forgets one kind of sync.

    `what` is `sync` or `sync_folder`, `kind` one of `kind_of`'s words.
    """
    return [step for step in steps if not (step.what == what and kind_of(step.path) == kind)]


_KINDS = (
    (r".*\.blobs/.*\.json", "blob"),
    (r".*\.blobs", "blobs folder"),
    (r".*\.journal", "journal"),
    (r"sync-checkpoints\.applied\.json", "sync mark"),
    (r"sync-checkpoints\.json", "sync"),
    (r".*\.applied\.json", "mark"),
    (r"stores/.*", "store"),
    (r"execution/.*", "record"),
    (r"gitignore|reserve", "furniture"),
)


def kind_of(path: str) -> str:
    """What a path below the state folder is: journal, record, blob, store, mark, sync, …"""
    folder, _, name = path.rpartition("/")
    plain = name.lstrip(".").removesuffix(".tmp")
    whole = f"{folder}/{plain}" if folder else plain
    found = (kind for pattern, kind in _KINDS if re.fullmatch(pattern, whole))
    return next(found, f"folder {path or '.'}")
