"""Writing to the disk: the only place of Reqon that changes a file below a state folder.

Every change is one method call of `Disk`, named in `OPERATIONS`; a `Disk` is passed in wherever
something is written. So a test can pass one that dies before or after the n-th operation, that
answers with a full disk, or that records what a power failure would leave behind.

Nothing here knows what is written, and nothing here retries a failed sync: after an error of
`fsync` the kernel may have dropped the data, so the error is final for that file.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

if sys.platform == "darwin":
    import fcntl

    def _full_sync(fd: int) -> None:
        """macOS: `fsync` does not reach the drive, this does."""
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)

else:
    _full_sync = os.fsync

FILE_MODE = 0o600
FOLDER_MODE = 0o700

OPERATIONS = (
    "create",
    "open_append",
    "open_lock",
    "write",
    "truncate",
    "fdatasync",
    "fsync",
    "replace",
    "unlink",
    "mkdir",
    "rmdir",
    "sync_folder",
    "touch",
)
"""The methods that change something; all others are built from these."""

_REPLACE_TRIES = 10
_REPLACE_WAIT_SECONDS = 0.25
_BUSY_ON_WINDOWS = {5, 32, 33}


class Disk:
    """The file system itself. All methods raise OSError as the system does."""

    def create(self, path: Path, *, exclusive: bool = True) -> int:
        """Open a new file for writing; an existing one is an error, or emptied."""
        kind = os.O_EXCL if exclusive else os.O_TRUNC
        return os.open(path, os.O_WRONLY | os.O_CREAT | kind | _FLAGS, FILE_MODE)

    def open_append(self, path: Path) -> int:
        """Open an existing file so that each write goes to its end."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | _FLAGS)

    def open_lock(self, path: Path) -> int:
        """Open a lock file for reading and writing; it is created where it is missing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, FILE_MODE)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        """Write once; returns how many bytes were taken, which may be fewer than given."""
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(fd, size)

    def fdatasync(self, fd: int) -> None:
        """Wait until the file's content (and its length) is on the disk."""
        if sys.platform == "linux":
            os.fdatasync(fd)
        else:
            _full_sync(fd)

    def fsync(self, fd: int) -> None:
        """Wait until the file and its attributes are on the disk."""
        _full_sync(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Rename over `target` in one step; on Windows again while a reader holds it."""
        for attempt in range(1, _REPLACE_TRIES + 1):
            try:
                os.replace(source, target)  # noqa: PTH105 - the one place that renames
            except OSError as error:
                busy = getattr(error, "winerror", None) in _BUSY_ON_WINDOWS
                if not busy or attempt == _REPLACE_TRIES:
                    raise
                time.sleep(_REPLACE_WAIT_SECONDS)
            else:
                return

    def unlink(self, path: Path) -> None:
        """Remove a file; a missing one is an error."""
        path.unlink()

    def mkdir(self, path: Path) -> None:
        """Make a folder; an existing one is an error."""
        path.mkdir(mode=FOLDER_MODE)

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def sync_folder(self, path: Path) -> None:
        """Wait until created, renamed and removed names in the folder are on the disk."""
        if sys.platform == "win32":
            return
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _full_sync(fd)
        finally:
            os.close(fd)

    def touch(self, fd: int) -> None:
        """Set the file's time of change to now."""
        if os.utime in os.supports_fd:
            os.utime(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor; what was written stays."""
        os.close(fd)

    def write_all(self, fd: int, data: bytes | bytearray | memoryview) -> None:
        """Write until nothing is left."""
        written = self.write(fd, data)
        rest = memoryview(data)
        while written < len(rest):
            rest = rest[written:]
            written = self.write(fd, rest)

    def replace_file(self, path: Path, chunks: Iterable[bytes]) -> int:
        """Put new content in the place of a file, whole or not at all; returns its bytes.

        Temporary file beside it, sync, rename. The name is durable only after `sync_folder`,
        which the caller does once for all files of a folder. After an error nothing is left of the
        temporary file where that can be removed: a full disk has its room back.
        """
        temporary = temporary_path(path)
        try:
            size = self._write_new(temporary, chunks)
            self.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                self.unlink(temporary)
            raise
        return size

    def _write_new(self, path: Path, chunks: Iterable[bytes]) -> int:
        """Write a file that nobody reads yet, durable; returns its bytes."""
        fd = self.create(path, exclusive=False)
        size = 0
        try:
            for chunk in chunks:
                self.write_all(fd, chunk)
                size += len(chunk)
            self.fsync(fd)
        finally:
            self.close(fd)
        return size

    def replace_durably(self, path: Path, chunks: Iterable[bytes]) -> int:
        """`replace_file`, and the name durable as well."""
        size = self.replace_file(path, chunks)
        self.sync_folder(path.parent)
        return size

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, durable, where they are missing."""
        if path.is_dir():
            return
        if not path.parent.is_dir():
            self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            self.mkdir(path)
        self.sync_folder(path.parent)

    def discard(self, path: Path) -> int:
        """Remove a file where it exists; returns the bytes that this frees."""
        try:
            size = path.lstat().st_size
            self.unlink(path)
        except FileNotFoundError:
            return 0
        return size


def temporary_path(path: Path) -> Path:
    """The one temporary name beside `path`: the next attempt overwrites what a crash left."""
    return path.with_name(f".{path.name}.tmp")


_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
