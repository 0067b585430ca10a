"""Which journals there are, and whose. Reads names and first frames only."""

from __future__ import annotations

from pathlib import Path

from reqon.state.journal_tail import read_start
from reqon.state.paths import JOURNAL_SUFFIX, StatePaths


def journals(paths: StatePaths) -> list[Path]:
    """All journals below the state folder, by name."""
    try:
        found = sorted(paths.execution.iterdir())
    except OSError:
        return []
    return [p for p in found if p.suffix == JOURNAL_SUFFIX and not p.name.startswith(".")]


def living_executions(paths: StatePaths) -> set[str] | None:
    """Ids of all executions that have a journal; None where one of them cannot be told.

    Marks of all others are not needed any more: nothing can be redone without a journal.
    """
    starts = [read_start(path) for path in journals(paths)]
    known = {start.get("executionId") for start in starts if start is not None}
    return None if None in starts else {name for name in known if isinstance(name, str)}
