"""Disks that fail on purpose: the seam through which a test kills a run between two operations.

Operations are numbered from 1. `DyingDisk` ends the process at one of them, `FailingDisk` answers
it with an error of the system, `ForgetfulDisk` leaves out what a rule asks for, so that a suite
can show that it would notice. All work on real files. `crash_trace` has the disk that records.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import threading
from collections.abc import Callable
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
        self._do("fdatasync", self.path_of(fd), lambda: super(CountingDisk, self).fdatasync(fd), fd)

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


class TellingDisk(CountingDisk):
    """Calls `tell` when operation `at` is done."""

    def __init__(self, at: int, tell: Callable[[], None]) -> None:
        super().__init__()
        self._at = at
        self._tell = tell

    def around(self, number: int, name: str, do: Callable[[], Any], *_args: Any) -> Any:
        try:
            return do()
        finally:
            if number == self._at:
                self._tell()


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
