"""Opening files that somebody may have replaced by something else: nothing here waits or hangs."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading bytes; the caller closes it.

    Raises OSError also for what is no regular file: a folder, a pipe, a device.
    """
    fd = os.open(path, _FLAGS | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return open(fd, "rb")  # noqa: PTH123 - a descriptor, closed by the caller
    os.close(fd)
    raise OSError(errno.EINVAL, "it is not a file", str(path))
