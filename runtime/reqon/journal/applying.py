"""Bringing what a dead journal holds into its stores, before the journal goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reqon.journal.disk import Disk
from reqon.journal.held import StoreShelf, described
from reqon.journal.placeholders import NoSecrets, SecretBook
from reqon.journal.recovery import recover
from reqon.journal.retention import lacking_store
from reqon.journal.sync_checkpoints import publish, read_sync_marks
from reqon.state.journal_tail import read_start
from reqon.state.paths import StatePaths

STORE_LOCK_SECONDS = 30.0
LOCK_POLL_SECONDS = 0.02


async def apply_journal(paths: StatePaths, disk: Disk, journal: Path, secrets: SecretBook) -> None:
    """Write to the stores what they lack of the journal, then its sync times where they are due.

    Does nothing where all is there. The caller holds the mission's lock. RefusedError where a
    store is being written or damaged.
    """
    start = read_start(journal)
    if start is None:
        return
    if lacking_store(paths, journal) is not None:
        shelf = StoreShelf(described(start.get("stores", {})), paths, disk)
        try:
            await shelf.lock(STORE_LOCK_SECONDS, LOCK_POLL_SECONDS)
            await asyncio.to_thread(shelf.open, None, secrets, force=False)
        finally:
            shelf.release()
    await asyncio.to_thread(_publish, paths, disk, journal)


def _publish(paths: StatePaths, disk: Disk, journal: Path) -> None:
    """What is left where somebody died between the stores and the sync times."""
    start = read_start(journal)
    if start is None:  # another cleanup has removed it meanwhile: all of it was applied
        return
    after = read_sync_marks(paths).get(start["executionId"], 0)
    recovered = recover(journal, NoSecrets(), on_frame=_ignore, published_after=after)
    if recovered is None or recovered.extent.damage is not None or not recovered.published:
        return
    publish(
        paths,
        disk,
        recovered.published,
        mission=start["mission"],
        execution_id=start["executionId"],
        number=recovered.extent.number,
    )


def _ignore(frame: object) -> None:
    del frame
