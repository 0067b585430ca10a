"""The kernel's lock on an open file, on every system: `flock`, or a locked byte on Windows.

Never `fcntl` locks: a process loses those when it closes any descriptor of the file. What is
locked and for how long, others decide.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(fd: int, *, shared: bool) -> bool:
        """Take the lock if it is free, without waiting; OSError where there are no locks."""
        del shared
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Let the lock go; closing the file does so too."""
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(fd: int, *, shared: bool) -> bool:
        """Take the lock if it is free, without waiting; OSError where there are no locks."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Let the lock go; closing the file does so too."""
        fcntl.flock(fd, fcntl.LOCK_UN)
