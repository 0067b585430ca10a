"""Locks that die with their holder: one file each, held by the kernel.

`flock` on Linux and macOS, a locked byte on Windows; never `fcntl` locks, which a process loses
when it closes any descriptor of the file. A lock file is created once and never removed or
renamed: whoever unlinks one lets two holders in. Its content is one JSON line for people, and
decides nothing. A lock is the process's that took it: a forked child lets go of its copy at once,
since a copy that stays open keeps the lock beyond the run, and beyond a death of its holder.

Order: a mission's own lock, then stores by name, the sync lock last and for a moment only.
Nobody takes the lock of a second mission.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from reqon.errors import RefusedError
from reqon.journal.disk import Disk
from reqon.journal.faults import unwritable
from reqon.state.flock import try_lock
from reqon.state.liveness import DOING
from reqon.state.regular import open_regular

_OWNER_BYTES = 1024
_WAIT_OR_STOP = "wait for it to end, stop it with `reqon stop`, or queue behind it with --wait 10m"
_open: set[int] = set()
"""Descriptors of lock files that this process has open."""


def _let_go_in_child() -> None:
    for fd in _open:
        with contextlib.suppress(OSError):
            os.close(fd)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


class FileLock:
    """One lock file, held or not."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.fd = -1
        self._disk = disk

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting."""
        try:
            fd = self._disk.open_lock(self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error
        _open.add(fd)
        taken = False
        try:
            taken = try_lock(fd, shared=False) and self._is_current(fd)
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            if not taken:
                self._close(fd)
        if taken:
            self.fd = fd
        return taken

    def _is_current(self, fd: int) -> bool:
        """Whether the path still names the locked file: a person may have removed it meanwhile."""
        try:
            return os.path.samestat(os.fstat(fd), self.path.stat())
        except FileNotFoundError:
            return False

    async def acquire(self, seconds: float, poll: float) -> bool:
        """Take the lock, trying again for so many seconds; False when it stayed taken."""
        return await wait_for(self.try_acquire, seconds, poll)

    def write_owner(self, owner: Mapping[str, Any]) -> None:
        """Say who holds the lock.

        Readers take an execution for running when its id stands here, people read the rest. The
        line has always the same length, so that a full disk does not stop it. Errors are passed
        over: the holder itself does not go by the text (see `StateReader`).
        """
        line = json.dumps(owner).encode().ljust(_OWNER_BYTES - 1) + b"\n"
        with contextlib.suppress(OSError):
            os.lseek(self.fd, 0, os.SEEK_SET)
            self._disk.write(self.fd, line)

    def release(self) -> None:
        """Let the lock go; does nothing where it is not held."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self._close(fd)

    def __del__(self) -> None:
        """Whoever held it is gone without a word, as a run whose event loop was closed."""
        with contextlib.suppress(BaseException):
            self.release()

    def _close(self, fd: int) -> None:
        if fd in _open:  # else this is a forked child, which has let go of it
            _open.discard(fd)
            self._disk.close(fd)


async def wait_for(try_acquire: Callable[[], bool], seconds: float, poll: float) -> bool:
    """Try again for so many seconds; False when it never could be taken."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not try_acquire():
        if loop.time() >= end:
            return False
        await asyncio.sleep(poll)
    return True


def read_owner(path: Path) -> dict[str, Any]:
    """What the holder wrote; empty where it cannot be read."""
    try:
        with open_regular(path) as file:
            owner = json.loads(file.read(_OWNER_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", owner) if isinstance(owner, dict) else {}


def refuse_mission(mission: str, path: Path) -> RefusedError:
    """The error for a mission that another process runs, copies or cleans up."""
    doing = read_owner(path).get(DOING)
    if doing is None:
        return refuse(f"'{mission}' is already running", path)
    hint = "wait for it to end, or queue behind it with --wait 10m"
    return refuse(f"'{mission}' is {doing}", path, hint)


def refuse(what: str, path: Path, hint: str = _WAIT_OR_STOP) -> RefusedError:
    """The error for a lock that another process holds."""
    owner = read_owner(path)
    who = ", ".join(
        f"{word} {owner[name]}"
        for word, name in (
            ("execution", "executionId"),
            ("process", "pid"),
            ("on", "host"),
            ("since", "startedAt"),
        )
        if name in owner
    )
    return RefusedError(f"{what}" + (f" ({who})" if who else ""), hint=hint)


def process_facts() -> dict[str, Any]:
    """What tells this process from all others: host, boot, pid and the pid's start."""
    return {
        "host": socket.gethostname(),
        "bootId": _first_line("/proc/sys/kernel/random/boot_id"),
        "pid": os.getpid(),
        "pidStart": start_of_process(os.getpid()),
    }


def start_of_process(pid: int) -> str | None:
    """Start of a process in clock ticks since boot; None where the system does not tell."""
    line = _first_line(f"/proc/{pid}/stat")
    fields = (line or "").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


class Heartbeat:
    """A thread that touches a lock file now and then: a sign of life for people on shared disks."""

    def __init__(self, lock: FileLock, disk: Disk, seconds: float) -> None:
        self._stop = threading.Event()
        self._lock = weakref.ref(lock)  # so that a lock that nobody holds is let go
        self._disk = disk
        self._seconds = seconds
        self._thread = threading.Thread(target=self._beat, name="reqon-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds):
            if not self._touch():
                return

    def _touch(self) -> bool:
        lock = self._lock()
        if lock is None:
            return False
        with contextlib.suppress(OSError):
            self._disk.touch(lock.fd)
        return True

    def stop(self) -> None:
        """End the thread, before its lock is released."""
        self._stop.set()
        self._thread.join()
