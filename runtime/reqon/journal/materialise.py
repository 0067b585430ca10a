"""Bringing the views up to the journal: store files, marks, sync checkpoints, record, in order.

The journal is on the disk before the first view is replaced; a store's file before its mark; the
data before the sync times that speak of it; the record last, because it says that all this is
done. Compaction then begins the journal anew with the fold of everything before. All functions
block and run in the session's worker thread while commits are held back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reqon.journal.applied import moved_on
from reqon.journal.blobs import BLOB_TAG, BlobFolder, live_hashes
from reqon.journal.disk import Disk
from reqon.journal.frames import Frame, long_line
from reqon.journal.held import HeldStore, write_stores
from reqon.journal.listing import living_executions
from reqon.journal.net_changes import NetChanges
from reqon.journal.placeholders import SecretBook, base_pieces
from reqon.journal.records import write_record
from reqon.journal.run_state import RunState
from reqon.journal.sync_checkpoints import publish
from reqon.state.paths import StatePaths


@dataclass(frozen=True, slots=True)
class Views:
    """What is to be written, fixed before the worker begins.

    `number` is the last frame, which the stores hold now; None without a journal. `published` are
    sync times that the file may not hold yet. `record_path` is None where no record is kept on
    the disk.
    """

    paths: StatePaths
    mission: str
    execution_id: str
    number: int | None
    stores: list[HeldStore]
    published: Mapping[str, Mapping[str, Any]]
    record: Mapping[str, Any]
    record_path: Path | None


def write_views(disk: Disk, views: Views) -> list[str]:
    """Write everything, in the one order that is right; OSError as the disk says.

    Returns the keys of sync times that somebody has set back since this execution began.
    """
    kept: list[str] = []
    if views.number is not None:
        living = living_executions(views.paths)
        for held in views.stores:
            keep = None if held.shared else living
            held.marks = moved_on(held.marks, views.execution_id, views.number, keep)
    write_stores(disk, views.stores)
    if views.published:
        kept = publish(
            views.paths,
            disk,
            views.published,
            mission=views.mission,
            execution_id=views.execution_id,
            number=views.number,
        )
    if views.record_path is not None:
        write_record(disk, views.record_path, views.record)
    return kept


@dataclass(frozen=True, slots=True)
class Compacted:
    """A journal that was begun anew: its length, and the blobs of memory stores it refers to."""

    size: int
    memory: dict[str, Any]


def compact(
    disk: Disk,
    path: Path,
    state: RunState,
    stores: list[HeldStore],
    blobs: BlobFolder,
    secrets: SecretBook,
    net: NetChanges | None = None,
) -> Compacted:
    """Replace the journal by one with a single `base` frame that says the same.

    Only after `write_views`: operations of durable stores are not kept (but for those in `net`,
    which a state elsewhere needs), memory stores go into blobs. The frame has the number of the
    last one before it.
    """
    memory: dict[str, Any] = {}
    contents: dict[str, bytes] = {}
    for held in stores:
        if not held.store.durable:
            name, content = blobs.encode_any(dict(held.store.items()))
            contents[name] = content
            memory[held.names[0]] = {BLOB_TAG: name}
            held.store.stored_bytes = len(content)
    if contents:
        blobs.save(contents)
    frame = Frame(n=state.last_number, t=state.last_ms, k="base", s=state.last_number)
    frame.start = state.start
    frame.base = state.to_base(memory)
    frame.summary = state.summary
    if net is not None:
        frame.ops = net.encoded(durable_only=True)
    size = disk.replace_durably(path, long_line(base_pieces(frame, secrets)))
    return Compacted(size, memory)


def living_blobs(state: RunState, memory: Mapping[str, Any]) -> set[str]:
    """The blobs that the journal's fold refers to."""
    calls = [value for call in state.calls.values() for value in (call.body, call.reply)]
    return live_hashes([*state.cells.values(), *calls, *state.events.values(), *memory.values()])
