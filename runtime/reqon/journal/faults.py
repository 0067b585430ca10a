"""From an error of the operating system to the words that a person gets.

Decides only how a failure is told; what it means for the run is decided where it happens.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from reqon.errors import ConfigError, StorageError
from reqon.state.closed import closed_file, closed_folder
from reqon.state.paths import StatePaths

if sys.platform == "win32":

    def _user_name(uid: int) -> str:
        return str(uid)

else:
    import pwd

    def _user_name(uid: int) -> str:
        return pwd.getpwuid(uid).pw_name


FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def storage_error(path: Path, error: BaseException) -> StorageError:
    """What went wrong while state or a store was written to `path`."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    message = f"cannot write '{path}': {reason.lower() or type(error).__name__}"
    return StorageError(message, hint=_hint(path, error))


def _hint(path: Path, error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL:
        return (
            f"free some space (`du -sh {path.parent}` shows what is large, "
            "`reqon cleanup --older-than 7d` removes old state), then run again with --resume"
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"make '{path.parent}' writable, then run again with --resume"
    if number == errno.ENOENT:
        return f"'{path.parent}' is gone: restore it, then run again with --resume"
    return "repair the disk, then run again with --resume"


def check_writable(folder: Path) -> None:
    """Refuse a folder in which nothing can be created; a missing one is judged by its parent.

    Raises ConfigError naming the path, its mode and its owner.
    """
    for place in (folder, *folder.absolute().parents):
        try:
            facts = place.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(folder, (error.strerror or "cannot be read").lower()) from error
        if not stat.S_ISDIR(facts.st_mode):
            raise _unusable(place, "it is not a folder")
        if _is_read_only(place):
            raise _unusable(place, "its file system is read-only")
        if not os.access(place, os.W_OK | os.X_OK):
            raise _unusable(place, _rights(facts))
        return


def check_readable(paths: StatePaths) -> None:
    """Refuse state that is there and may not be read: it must count neither as missing nor as bad.

    Raises ConfigError naming the path, its mode and its owner.
    """
    check_listable(paths)
    file = closed_file(paths)
    if file is not None:
        raise unreadable(file, "permission denied")


def check_listable(paths: StatePaths) -> None:
    """Refuse a state folder whose executions cannot be listed, so that nobody takes it for empty.

    Raises ConfigError naming the path, its mode and its owner.
    """
    folder = closed_folder(paths)
    if folder is not None:
        raise unreadable(folder.path, folder.reason)


def unreadable(path: Path, reason: str) -> ConfigError:
    """The error for state at `path` that may not be read, with who might."""
    return ConfigError(
        f"the state in '{path}' cannot be read: {_with_rights(path, reason)}",
        hint=f"`ls -la {path}` shows its rights; run Reqon as its owner, or give it to this user",
    )


def _with_rights(path: Path, reason: str) -> str:
    try:
        return f"{reason}: {_rights(path.stat())}"
    except OSError:
        return reason


def _rights(facts: os.stat_result) -> str:
    return (
        f"mode {stat.S_IMODE(facts.st_mode):04o}, owner {_owner(facts.st_uid)}; "
        f"this process is {_owner(_own_uid())}"
    )


def _is_read_only(folder: Path) -> bool:
    if sys.platform == "win32":
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def unwritable(path: Path, error: OSError) -> ConfigError | StorageError:
    """What a failure to set up `path` means: a full disk is a storage error, all else setup."""
    if error.errno in FULL:
        return storage_error(path, error)
    return _unusable(path, (error.strerror or "it cannot be written").lower())


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"state cannot be written below '{path}': {reason}",
        hint=f"`ls -la {path}` shows its rights; make it writable or choose another --state-dir",
    )


def _own_uid() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _owner(uid: int) -> str:
    try:
        return f"{_user_name(uid)} ({uid})"
    except (KeyError, OSError):
        return str(uid)
