"""Bringing what a dead journal holds into its stores, before the journal goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reqon.journal.disk import Disk
from reqon.journal.held import StoreShelf, described
from reqon.journal.placeholders import SecretBook
from reqon.journal.retention import lacking_store
from reqon.state.journal_tail import read_start
from reqon.state.paths import StatePaths

STORE_LOCK_SECONDS = 30.0
LOCK_POLL_SECONDS = 0.02


async def apply_journal(paths: StatePaths, disk: Disk, journal: Path, secrets: SecretBook) -> None:
    """Write to the stores what they lack of the journal; nothing where they have it all.

    The caller holds the mission's lock. RefusedError where a store is being written or damaged.
    """
    start = read_start(journal)
    if start is None or lacking_store(paths, journal) is None:
        return
    shelf = StoreShelf(described(start.get("stores", {})), paths, disk)
    try:
        await shelf.lock(STORE_LOCK_SECONDS, LOCK_POLL_SECONDS)
        await asyncio.to_thread(shelf.open, None, secrets, force=False)
    finally:
        shelf.release()
