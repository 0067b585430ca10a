"""Disks that fail on purpose: the seam through which a test kills a run between two operations.

A `Disk` numbers its operations from 1. `DyingDisk` ends the process at one of them, `FailingDisk`
answers it with an error of the system, `RecordingDisk` writes down what a power failure would
leave to chance, `ForgetfulDisk` leaves out what a rule of durability asks for, so that a suite
can show that it would notice. All work on real files below the one state folder they are given.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reqon.journal.disk import Disk

Moment = Literal["before", "after", "torn"]
MOMENTS: tuple[Moment, ...] = ("before", "after", "torn")
DIED = 77
"""Exit status of a process that a `DyingDisk` ended."""


class CountingDisk(Disk):
    """Counts operations; `around` is called with number, name, what is done and its arguments.

    `operations` lists what was done, such as `write execution/Sync-….journal`.
    """

    def __init__(self) -> None:
        self.operations: list[str] = []
        self._lock = threading.Lock()
        self._paths: dict[int, Path] = {}

    def around(self, number: int, name: str, do: Callable[[], Any], *_args: Any) -> Any:
        del number, name
        return do()

    def _do(self, name: str, path: Path | None, do: Callable[[], Any], *args: Any) -> Any:
        with self._lock:
            self.operations.append(f"{name} {'' if path is None else path.name}".strip())
            number = len(self.operations)
        return self.around(number, name, do, *args)

    def _opened(self, fd: int, path: Path) -> int:
        self._paths[fd] = path
        return fd

    def path_of(self, fd: int) -> Path | None:
        return self._paths.get(fd)

    def create(self, path: Path, *, exclusive: bool = True) -> int:
        opened = self._do("create", path, lambda: super(CountingDisk, self).create(
            path, exclusive=exclusive), path, exclusive)  # fmt: skip
        return self._opened(opened, path)

    def open_append(self, path: Path) -> int:
        return self._opened(
            self._do("open_append", path, lambda: super(CountingDisk, self).open_append(path)), path
        )

    def open_lock(self, path: Path) -> int:
        return self._opened(
            self._do("open_lock", path, lambda: super(CountingDisk, self).open_lock(path)), path
        )

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        return self._do(
            "write", self.path_of(fd), lambda: super(CountingDisk, self).write(fd, data), fd, data
        )

    def truncate(self, fd: int, size: int) -> None:
        self._do(
            "truncate",
            self.path_of(fd),
            lambda: super(CountingDisk, self).truncate(fd, size),
            fd,
            size,
        )

    def fdatasync(self, fd: int) -> None:
        self._do(
            "fdatasync", self.path_of(fd), lambda: super(CountingDisk, self).fdatasync(fd), fd
        )

    def fsync(self, fd: int) -> None:
        self._do("fsync", self.path_of(fd), lambda: super(CountingDisk, self).fsync(fd), fd)

    def replace(self, source: Path, target: Path) -> None:
        self._do(
            "replace",
            target,
            lambda: super(CountingDisk, self).replace(source, target),
            source,
            target,
        )

    def unlink(self, path: Path) -> None:
        self._do("unlink", path, lambda: super(CountingDisk, self).unlink(path), path)

    def mkdir(self, path: Path) -> None:
        self._do("mkdir", path, lambda: super(CountingDisk, self).mkdir(path), path)

    def rmdir(self, path: Path) -> None:
        self._do("rmdir", path, lambda: super(CountingDisk, self).rmdir(path), path)

    def sync_folder(self, path: Path) -> None:
        self._do("sync_folder", path, lambda: super(CountingDisk, self).sync_folder(path), path)


class DyingDisk(CountingDisk):
    """Ends the process before, after, or (for a write) in the middle of operation `at`.

    With a pattern such as `write *.journal` only those operations count.
    """

    def __init__(self, at: int, moment: Moment, only: str = "*") -> None:
        super().__init__()
        self._at = at
        self._moment = moment
        self._only = only

    def around(self, number: int, name: str, do: Callable[[], Any], *args: Any) -> Any:
        if self._only != "*":
            number = len(fnmatch.filter(self.operations[:number], self._only))
        if number != self._at or not fnmatch.fnmatch(self.operations[-1], self._only):
            return do()
        if self._moment == "torn" and name == "write":
            fd, data = args
            os.write(fd, bytes(data)[: len(data) // 2])
        if self._moment == "after":
            do()
        os._exit(DIED)


class FailingDisk(CountingDisk):
    """Answers operation `at`, and with `lasting` all later ones, with an error of the system.

    A write on a full disk takes a part first, as a real one does. Opening locks and syncing
    folders for reading go on working on a full disk.
    """

    def __init__(self, at: int, number: int, *, lasting: bool) -> None:
        super().__init__()
        self._at = at
        self._errno = number
        self._lasting = lasting

    def around(self, number: int, name: str, do: Callable[[], Any], *args: Any) -> Any:
        due = number >= self._at if self._lasting else number == self._at
        if not due or not self._hits(name):
            return do()
        if self._errno == errno.ENOSPC and name == "write" and len(args[1]) > 1:
            os.write(args[0], bytes(args[1])[: len(args[1]) // 2])
        raise OSError(self._errno, os.strerror(self._errno))

    def _hits(self, name: str) -> bool:
        if self._errno == errno.ENOSPC:
            return name in ("create", "write", "mkdir")
        if self._errno == errno.EMFILE:
            return name in ("create", "open_append", "open_lock", "sync_folder")
        if self._errno == errno.EIO:
            return name in ("write", "fdatasync", "fsync", "sync_folder", "truncate")
        return name not in ("fdatasync", "fsync", "write", "truncate")


# ---------------------------------------------------------------- what is left to chance


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
        return self._open(
            path, lambda: super(RecordingDisk, self).open_append(path), empties=False
        )

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


# ---------------------------------------------------------------- rules broken on purpose


def without_syncs(steps: Iterable[Step], what: str, kind: str) -> list[Step]:
    """A trace of a program that forgets one kind of sync.

    `what` is `sync` or `sync_folder`, `kind` one of `kind_of`'s words.
    """
    return [step for step in steps if not (step.what == what and kind_of(step.path) == kind)]


def kind_of(path: str) -> str:
    """What a path below the state folder is: journal, record, blob, store, mark, sync, …"""
    name = path.rsplit("/", 1)[-1].removeprefix(".").removesuffix(".tmp")
    if name.endswith(".journal"):
        return "journal"
    if ".blobs" in path:
        return "blob" if name.endswith(".json") else "blobs folder"
    if name.endswith(".applied.json"):
        return "sync mark" if "sync" in name else "mark"
    if name == "sync-checkpoints.json":
        return "sync"
    if path.startswith("stores/"):
        return "store"
    if path.startswith("execution/"):
        return "record"
    if name in ("gitignore", "reserve"):
        return "furniture"
    return f"folder {path or '.'}"


class ForgetfulDisk(Disk):
    """Breaks one rule: `marks` are never written, or `locks` keep nobody out."""

    def __init__(self, rule: Literal["marks", "locks"]) -> None:
        self._rule = rule

    def replace(self, source: Path, target: Path) -> None:
        if self._rule == "marks" and target.name.endswith(".applied.json"):
            source.unlink()
            return
        super().replace(source, target)

    def open_lock(self, path: Path) -> int:
        if self._rule == "locks":
            path.unlink(missing_ok=True)
        return super().open_lock(path)
