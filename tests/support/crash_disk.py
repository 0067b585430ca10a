"""Disks that fail on purpose: dying at an operation, answering with an error, losing power.

`CountingDisk` numbers the operations of `reqon.journal.disk.OPERATIONS`; the others build on it.
A test runs something once to count, then once for each number.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reqon.journal.disk import OPERATIONS, Disk


class Died(BaseException):
    """The process is dead: nothing after this may change a file."""


class CountingDisk(Disk):
    """Counts operations and hands each to `around`; syncs do nothing, for speed.

    A killed process loses nothing that was written, so the syncs need not be real here.
    """

    def __init__(self) -> None:
        self.count = 0
        self.names: list[str] = []
        self.open_fds: set[int] = set()
        self._guard = threading.RLock()

    def around(self, number: int, name: str, act: Callable[[], Any]) -> Any:
        """Do the operation of this number, or something else."""
        return act()

    def perform(self, name: str, act: Callable[[], Any]) -> Any:
        with self._guard:
            self.count += 1
            self.names.append(name)
            return self.around(self.count, name, act)

    def fdatasync(self, fd: int) -> None:
        self.perform("fdatasync", lambda: None)

    def fsync(self, fd: int) -> None:
        self.perform("fsync", lambda: None)

    def sync_folder(self, path: Path) -> None:
        self.perform("sync_folder", path.stat)

    def close(self, fd: int) -> None:
        self.open_fds.discard(fd)
        super().close(fd)


def _counted(name: str) -> Any:
    plain = getattr(Disk, name)

    def method(self: CountingDisk, *args: Any, **options: Any) -> Any:
        result = self.perform(name, lambda: plain(self, *args, **options))
        if name in ("create", "open_append", "open_lock"):
            self.open_fds.add(result)
        return result

    return method


for _name in OPERATIONS:
    if _name not in CountingDisk.__dict__:
        setattr(CountingDisk, _name, _counted(_name))


class DyingDisk(CountingDisk):
    """Dies before or after operation `at`; later operations change nothing any more.

    A write that is the last operation is torn with `torn`: only so much of it is done.
    """

    def __init__(self, at: int, *, after: bool = False, torn: bool = False) -> None:
        super().__init__()
        self.at = at
        self.after = after
        self.torn = torn
        self.dead = False

    def around(self, number: int, name: str, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Died
        if number < self.at:
            return act()
        self.dead = True
        if self.after:
            act()
        raise Died

    def write(self, fd: int, data: Any) -> int:
        if self.torn and not self.dead and self.count + 1 == self.at:
            self.count += 1
            self.dead = True
            os.write(fd, bytes(data)[: max(1, len(data) // 2)])
            raise Died
        return self.perform("write", lambda: Disk.write(self, fd, data))


class ExitingDisk(CountingDisk):
    """Ends the process itself at operation `at`, for a child of the test."""

    def __init__(self, at: int, *, after: bool = False) -> None:
        super().__init__()
        self.at = at
        self.after = after

    def around(self, number: int, name: str, act: Callable[[], Any]) -> Any:
        if number < self.at:
            return act()
        if self.after:
            act()
        os._exit(77)


class FailingDisk(CountingDisk):
    """Operation `at` fails with an error of the system; `lasting`: all later ones that write too.

    A failing write takes half of the data first, as a full disk does.
    """

    def __init__(self, at: int, code: int, *, lasting: bool = False) -> None:
        super().__init__()
        self.at = at
        self.code = code
        self.lasting = lasting

    def around(self, number: int, name: str, act: Callable[[], Any]) -> Any:
        fails = number == self.at or (self.lasting and number > self.at and name in _NEEDS_SPACE)
        if fails:
            raise OSError(self.code, os.strerror(self.code), f"<operation {number}: {name}>")
        return act()

    def write(self, fd: int, data: Any) -> int:
        if self.count + 1 == self.at and self.code == errno.ENOSPC and len(data) > 1:
            os.write(fd, bytes(data)[: len(data) // 2])
        return self.perform("write", lambda: Disk.write(self, fd, data))


_NEEDS_SPACE = {"create", "write", "mkdir"}


class ForgetfulDisk(CountingDisk):
    """Leaves out operations for which `forgets(name, path)` says so: a fault that tests find."""

    def __init__(self, forgets: Callable[[str, Path | None], bool]) -> None:
        super().__init__()
        self.forgets = forgets

    def replace(self, source: Path, target: Path) -> None:
        if self.forgets("replace", target):
            source.unlink()
            return
        self.perform("replace", lambda: Disk.replace(self, source, target))
