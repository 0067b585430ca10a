"""What of a state folder this process may not look at.

A folder or a file without the right to read it is neither missing nor damaged: whoever takes it
for one of these begins anew what could be resumed, or puts whole state aside. So the readers ask
here before they say that there is nothing, and the writers before they change anything.
"""

from __future__ import annotations

import os
from pathlib import Path

from reqon.state.paths import StatePaths
from reqon.state.record import Unreadable


def closed_folder(paths: StatePaths) -> Unreadable | None:
    """Why the executions cannot be listed; None where they can, and where there are none yet."""
    try:
        with os.scandir(paths.execution):
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        at = paths.execution if paths.root.is_dir() else paths.root
        return Unreadable(at, (error.strerror or str(error)).lower())


def closed_file(paths: StatePaths) -> Path | None:
    """The first file of the state that is there and may not be read; None where all may."""
    for folder in (paths.execution, paths.stores):
        for path in _entries(folder):
            if is_closed(path):
                return path
    files = (paths.sync_checkpoints, paths.sync_applied)
    return next((path for path in files if is_closed(path)), None)


def is_closed(path: Path) -> bool:
    """Whether something is at `path` that this process may not read."""
    try:
        return not os.access(path, os.R_OK) and os.access(path, os.F_OK)
    except ValueError:
        return False


def _entries(folder: Path) -> list[Path]:
    """What a folder holds; where it may not be listed, the folder itself."""
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        return [folder]
    except OSError:
        return []
