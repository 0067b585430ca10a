"""Whether a mission is running: asked of the kernel's lock, never of a status field or a pid.

The probe takes the lock for an instant and lets it go. It opens files for reading only and makes
none, so it works in folders that cannot be written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reqon.state.flock import try_lock, unlock

_OWNER_BYTES = 1024

DOING, CLEANING, COPYING = "doing", "being cleaned up", "being copied"
"""A field of the holder's line, and what it says of a mission that is held but not run."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as far as it said so; `execution_id` is None while it is still opening."""

    execution_id: str | None
    facts: dict[str, Any]


def holder(path: Path) -> Holder | None:
    """The holder of a lock file; None where nobody holds it, or there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    try:
        if not _is_locked(fd):
            return None
        facts = _owner(fd)
    finally:
        os.close(fd)
    execution_id = facts.get("executionId")
    return Holder(execution_id if isinstance(execution_id, str) else None, facts)


def _is_locked(fd: int) -> bool:
    try:
        if not try_lock(fd, shared=True):
            return True
        unlock(fd)
    except OSError:
        return False
    return False


def _owner(fd: int) -> dict[str, Any]:
    """The line that the holder wrote; anything else gives nothing."""
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        facts = json.loads(os.read(fd, _OWNER_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", facts) if isinstance(facts, dict) else {}
