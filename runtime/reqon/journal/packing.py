"""Packing an execution of the state folder as a state that a store elsewhere keeps.

What a session saves of itself (`journal.carrying`), for an execution that nobody runs: its
journal is folded over its stores, and nothing of it is written. All records of its stores go
along. The caller holds the mission's lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

from reqon.clock import Clock
from reqon.errors import RefusedError
from reqon.journal.blobs import BlobFolder
from reqon.journal.carrying import ADDED, EPOCH, SYNC, Carrier
from reqon.journal.disk import Disk
from reqon.journal.elsewhere import Elsewhere, State
from reqon.journal.fetching import LARGE_STORES
from reqon.journal.filling import Filling, vanished
from reqon.journal.held import StoreShelf, beginning_damaged, damaged, described
from reqon.journal.lease import Lease
from reqon.journal.ledger import Ledger, Pace
from reqon.journal.net_changes import NetChanges
from reqon.journal.placeholders import SecretBook
from reqon.journal.records import RecordFacts, build_record, copied
from reqon.journal.recovery import recover
from reqon.journal.run_state import RunState
from reqon.journal.sync_checkpoints import Checkpoints
from reqon.state.journal_tail import read_start
from reqon.state.model import ExecutionState
from reqon.state.paths import StatePaths

_STORE_LOCK_SECONDS = 2.0
_LOCK_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs executions of one folder; `sync` are the sync checkpoints that go with each."""

    paths: StatePaths
    disk: Disk
    clock: Clock
    secrets: SecretBook
    elsewhere: Elsewhere
    lease: Lease | None
    sync: Checkpoints

    def record_alone(self, execution: ExecutionState) -> State:
        """An execution that is told of, and cannot be resumed."""
        added: dict[str, Any] = {} if self.lease is None else {EPOCH: self.lease.epoch}
        if self.sync:
            added[SYNC] = self.sync
        return {n: value for n, value in execution.record.items() if n not in ADDED} | added

    async def whole(self, execution: ExecutionState) -> State:
        """An execution with all that a resume needs.

        RefusedError for a damaged journal or store, and for a store that is being written;
        ConfigError where a secret in the journal is not known here.
        """
        journal = self.paths.journal(execution.path.stem)
        start = read_start(journal)
        if start is None:
            raise beginning_damaged(journal)
        shelf = StoreShelf(described(start.get("stores", {})), self.paths, self.disk)
        try:
            await shelf.lock(_STORE_LOCK_SECONDS, _LOCK_POLL_SECONDS)
            return await asyncio.to_thread(self._packed, execution, shelf)
        finally:
            shelf.release()

    def _packed(self, execution: ExecutionState, shelf: StoreShelf) -> State:
        shelf.open(execution.execution_id, self.secrets, force=False)
        blobs = BlobFolder(self.paths.blobs(execution.path.stem), self.disk, self.secrets)
        state = self._folded(execution, shelf, blobs)
        net = NetChanges()
        for held in shelf.held:
            if held.writes:
                net.note_whole(held.store, held.names[0])
        with ThreadPoolExecutor(1) as unused:
            pace = Pace(state.start.durability, 0.0, unused)
            ledger = Ledger(state, shelf.by_name, None, self.clock, self.secrets, pace)
            ledger.summary()
            record = copied(build_record(state, _facts(execution)), self.secrets)
            carrier = Carrier(self.elsewhere, self.lease, net, self.sync, self.clock)
            return carrier.state(record, ledger, blobs, self.secrets)

    def _folded(self, execution: ExecutionState, shelf: StoreShelf, blobs: BlobFolder) -> RunState:
        """The fold of the journal, with which the stores are filled in memory."""
        journal = self.paths.journal(execution.path.stem)
        stores = described((read_start(journal) or {}).get("stores", {}))
        fill = Filling(shelf, stores, blobs, execution.execution_id, journal)
        recovered = recover(journal, self.secrets, on_frame=fill.take)
        if recovered is None:
            raise beginning_damaged(journal)
        extent, state = recovered.extent, recovered.state
        applied = max([held.marks.get(execution.execution_id, 0) for held in shelf.durable] + [0])
        if extent.damage is not None or applied > extent.number:
            reason = f"frames up to {applied} were applied, only {extent.number} are good"
            raise damaged(journal, extent.damage or reason)
        for location in fill.vanished():
            raise vanished(location, execution.execution_id)
        if state.ended == "completed":
            raise RefusedError(
                f"the execution '{execution.execution_id}' has completed, and died before its "
                "stores and its record said so",
                hint="resume it in this folder, which finishes it",
            )
        # with all records of its stores, none is missed where the disk is empty
        notes = {name: note for name, note in state.start.notes.items() if name != LARGE_STORES}
        state.start = msgspec.structs.replace(state.start, notes=notes)
        return state


def _facts(execution: ExecutionState) -> RecordFacts:
    record: Mapping[str, Any] = execution.record
    return RecordFacts(
        execution.status,
        record.get("owner", {}),
        heartbeat_at=record.get("heartbeatAt", record["startedAt"]),
        completed_at=record.get("completedAt"),
        interrupted_by=record.get("interruptedBy"),
        duration_ms=execution.duration_ms,
        unknown_fields=record,
    )
