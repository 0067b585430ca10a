"""Filling the stores from the journal of an execution that goes on, or is copied elsewhere.

The journal is read by `recovery.recover`; each frame passes through here before it is folded.
Changes stay in memory: writing is up to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reqon.errors import RefusedError
from reqon.journal.blobs import BLOB_TAG, BlobFolder
from reqon.journal.frames import Frame, Summary
from reqon.journal.held import HeldStore, StoreShelf, apply_frame, described
from reqon.journal.net_changes import NetChanges
from reqon.journal.recovery import read_operations
from reqon.stores.base import ADD, CLEAR, Operation, StoreSpec


class Filling:
    """Applies the operations of the own journal.

    Durable stores take those above their mark, memory stores all of them. A name that meant
    another store when the frame was written is passed over: that store has its data already.
    `applied` tells what the execution had done where a store's mark stands.
    """

    def __init__(
        self,
        shelf: StoreShelf,
        stores: Mapping[str, StoreSpec],
        blobs: BlobFolder,
        execution_id: str,
        path: Path,
    ) -> None:
        self.memory: dict[str, Any] = {}
        self.applied: dict[HeldStore, Summary] = {}
        self.net: NetChanges | None = None
        self._lost_changes = False
        self._id = execution_id
        self._path = path
        self._blobs = blobs
        self._now = data_of(stores)
        self._by_name = {name: held for held in shelf.held for name in held.names}
        self._same: dict[str, HeldStore] = {}

    def take(self, frame: Frame) -> None:
        """One frame, in order."""
        if frame.start is not None:
            before = data_of(described(frame.start.stores))
            same = [name for name, data in before.items() if self._now.get(name) == data]
            self._same = {name: self._by_name[name] for name in same}
        if frame.base is not None:
            self.memory = frame.base.memory
            for name, reference in self.memory.items():
                if name in self._same:
                    self._fill(self._same[name], reference)
            self._lost_changes = frame.ops is msgspec.UNSET and bool(frame.base.wrote)
        targets: dict[str, HeldStore] = {}
        for name, held in self._same.items():
            if not held.store.durable or held.marks.get(self._id, 0) < frame.n:
                targets[name] = held
            elif frame.summary is not None:
                self.applied[held] = frame.summary
        if targets or self.net is not None:
            operations = read_operations(frame, self._path)
            apply_frame(operations, targets)
            self._note(operations)

    def _note(self, operations: list[Operation]) -> None:
        if self.net is not None:
            for operation in operations:
                held = self._same.get(operation[0])
                if held is not None:
                    self.net.note(held.store, [operation])

    def complete_net(self, shelf: StoreShelf) -> None:
        """A journal begun anew without a store elsewhere lost its changes: all records count."""
        if self.net is not None and self._lost_changes:
            for held in shelf.durable:
                if held.writes:
                    self.net.note_whole(held.store, held.names[0])

    def vanished(self) -> list[Path]:
        """Files of stores that have gone though the execution had stored records in them.

        What it stored later is in the journal, and a file that nothing was stored in may never
        have been there.
        """
        return [
            held.store.location
            for held, summary in self.applied.items()
            if held.store.location is not None
            and not held.store.location.exists()
            and any(sum(summary.counts.get(name, ())[:2]) for name in held.names)
        ]

    def _fill(self, held: HeldStore, reference: Any) -> None:
        records = self._blobs.load(reference[BLOB_TAG], {})
        name = held.names[0]
        held.store.apply([(name, CLEAR, None, None)])
        held.store.apply((name, ADD, key, record) for key, record in records.items())
        if self.net is not None:
            self.net.note_whole(held.store, name)


def data_of(stores: Mapping[str, StoreSpec]) -> dict[str, tuple[str, str, Any]]:
    """Which data each name means."""
    return {
        name: (spec.adapter, spec.identifier, spec.options.get("dir"))
        for name, spec in stores.items()
    }


def vanished(location: Path, execution_id: str) -> RefusedError:
    """The error for a store whose file has gone."""
    return RefusedError(
        f"the store file '{location}' is gone, in which execution '{execution_id}' had stored "
        "records",
        hint="restore it from a backup, or go on without those records with --force",
    )
