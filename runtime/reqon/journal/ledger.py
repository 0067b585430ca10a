"""The ledger of a session: where the units of all branches become frames, in one order.

A commit merges a unit into the stores, the live state and the batch; the batch becomes one frame
with a single write. `settle` waits for as much as the barrier and the durability ask. Without a
journal (`enableState: false`) the same merging happens and no frame is written.

Materialising views and writing records is the session's work; while it does so, `closed` holds
commits back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from reqon.clock import Clock
from reqon.errors import StorageError
from reqon.journal.batch import UNWRITABLE, Batch, CellKey, Encoded, encode_cells, unwritable
from reqon.journal.blobs import PAGE_BYTES, BlobFolder
from reqon.journal.changes import ActiveStep, Changes, Rare
from reqon.journal.faults import storage_error
from reqon.journal.frames import CommitKind, Frame, Summary
from reqon.journal.net_changes import NetChanges
from reqon.journal.placeholders import SecretBook, encode_hidden
from reqon.journal.publishing import add_candidate, published_value, take_candidates
from reqon.journal.run_state import RecordedCall, RunState
from reqon.journal.writer import SHARED_SECONDS, JournalWriter, in_thread
from reqon.stores.base import ADD, SAME, UPDATE, Operation, Store

BATCH_BYTES = 64 * 1024
_COUNTED = {ADD: 0, UPDATE: 1, SAME: 2}
COUNT = 3
"""Place of a store's number of records in the counts."""

_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How the ledger writes.

    `durability` as in the mission, the batch's longest wait, and the executor whose one thread
    does all blocking work of the session.
    """

    durability: str
    batch_seconds: float
    executor: Executor


class Ledger:
    """The one writer of an execution's truth; used from the event loop only.

    `writer` is None without a journal. `base_totals` are the items of earlier executions by sync
    key, `unpublished` what was published in frames and is not in the sync file yet.
    """

    def __init__(
        self,
        state: RunState,
        stores: Mapping[str, Store],
        writer: JournalWriter | None,
        clock: Clock,
        secrets: SecretBook,
        pace: Pace,
    ) -> None:
        self.state = state
        self.stores = stores
        self.writer = writer
        self.clock = clock
        self.secrets = secrets
        self.pace = pace
        self.batch = Batch()
        self.active: dict[str, ActiveStep] = _where_it_stood(state.summary)
        self.base_totals: dict[str, int] = {}
        self.unpublished: dict[str, dict[str, Any]] = {}
        self.closed: asyncio.Event | None = None
        self.failure: StorageError | None = None
        self.grow_at = 0
        self.on_grown: Callable[[], Awaitable[None]] | None = None
        self.on_frame: Callable[[], None] = _nothing
        self.on_blobs: Callable[[Mapping[str, bytes]], None] | None = None
        self.net: NetChanges | None = None
        self.redact: frozenset[str] = frozenset()
        self.page_bytes = PAGE_BYTES
        self._timer: asyncio.TimerHandle | None = None
        self._behind, self._behind_since = 0, 0.0
        self._entered = set(state.summary.entered)

    # ---- merging

    def merge(self, changes: Changes) -> None:
        """Make a unit's changes part of stores, state and batch: all of them, or none.

        RunError of kind `store` where a record or a cell cannot be written as JSON; the unit
        keeps its changes then.
        """
        self.check()
        resolved = [staged.resolve() for staged in changes.staged.values()]
        before = len(self.batch.operations)
        try:
            if self.writer is not None:
                for staged in resolved:
                    self.batch.add_operations(staged.written)
            cells = encode_cells(changes.cells)
        except UNWRITABLE as error:
            del self.batch.operations[before:]
            raise unwritable(error) from error
        self.batch.units += 1
        for key, value in changes.cells.items():
            self._merge_cell(key, value, cells[key])
        for staged in resolved:
            self._apply(staged.store, staged.operations, changes.action)
        self._merge_shown(changes)
        if changes.rare is not None:
            self._merge_rare(changes.rare)
        changes.reset()

    def _merge_cell(self, key: CellKey, value: Any, encoded: msgspec.Raw | None) -> None:
        """Take over one change of a cell; deleting what is not there is no change."""
        if isinstance(key, str):
            if type(value) is Encoded:
                self.state.set_page(key, value.value, len(memoryview(value.json)))
            else:
                self.state.set_cell(key, value)
            self.batch.set_cell(key, encoded)
        elif self.state.has_cells_at(key[0]):
            self.state.set_cell(key[0], None)
            self.batch.delete_cell(key[0])

    def _apply(self, store: Store, operations: list[Operation], action: str | None) -> None:
        known, numbers = None, [0, 0, 0, 0]
        for name, letter, _, _ in operations:
            if name != known:
                known, numbers = name, self.state.summary.counts.setdefault(name, [0, 0, 0, 0])
                self._note_written(action, name)
            place = _COUNTED.get(letter)
            if place is not None:
                numbers[place] += 1
        store.apply(operations)
        if self.net is not None:
            self.net.note(store, operations)

    def _note_written(self, action: str | None, name: str) -> None:
        if action is None or name in self.state.wrote.get(action, ()):
            return
        self.state.note_written(action, [name])
        self.batch.wrote.setdefault(action, []).append(name)

    def _merge_shown(self, changes: Changes) -> None:
        summary = self.state.summary
        if changes.active is not None:
            action = changes.active[0]
            self.active[changes.branch] = changes.active
            if action not in self._entered:
                self._entered.add(action)
                summary.entered.append(action)
        if changes.left:
            self.active.pop(changes.branch, None)
        for action, n in changes.items.items():
            checkpoint = summary.checkpoints.setdefault(action, {})
            checkpoint["itemsProcessed"] = checkpoint.get("itemsProcessed", 0) + n

    def _merge_rare(self, rare: Rare) -> None:
        state, summary, batch = self.state, self.state.summary, self.batch
        for action, fields in rare.checkpoints.items():
            shown = {**summary.checkpoints.get(action, {}), **fields}
            summary.checkpoints[action] = {k: v for k, v in shown.items() if v is not None}
        if rare.progress is not None:
            summary.progress = rare.progress
        summary.actions += [a for a in rare.done if a not in summary.actions]
        for index, status, branches in rare.pipeline:
            set_stage(summary.pipeline, index, status, branches)
        for kind, n in rare.warnings.items():
            summary.warnings[kind] = summary.warnings.get(kind, 0) + n
        state.errors += rare.errors
        batch.errors += rare.errors
        state.unknown += rare.unknown
        batch.unknown += rare.unknown
        state.settle(rare.settled)
        batch.settled += rare.settled
        for key, action, candidate in rare.syncs:
            add_candidate(summary.pending_sync, key, action, **candidate)
        for action in rare.publish:
            self._publish(action)

    # ---- sync times

    def _publish(self, action: str) -> None:
        for key, candidate in take_candidates(self.state.summary.pending_sync, action).items():
            if all(self.stores[name].durable for name in self.state.wrote.get(action, ())):
                self._publish_key(key, candidate)
            else:
                value = published_value(candidate, self.state.deferred.get(key), 0)
                self.state.deferred[key] = self.batch.deferred[key] = value

    def _publish_key(self, key: str, candidate: Mapping[str, Any]) -> None:
        value = published_value(candidate, self.state.synced.get(key), self.base_totals.get(key, 0))
        if since := self.state.since.get(key):
            value["since"] = since
        self.state.synced[key] = self.batch.published[key] = self.unpublished[key] = value

    def publish_deferred(self) -> None:
        """The execution completes: what waited for its end counts now."""
        for key, value in list(self.state.deferred.items()):
            self._publish_key(key, {**value, "items": value["itemsSynced"]})
        self.state.deferred.clear()

    def freeze_since(self, key: str, last_sync: str | None) -> None:
        """Note which sync time the execution uses, with the next frame."""
        if key not in self.state.since:
            self.state.since[key] = self.batch.since[key] = last_sync

    # ---- frames

    def holds(self) -> bool:
        """Whether what was merged may wait in the batch; the timer or a later commit appends it."""
        if self.writer is None:
            self.batch = Batch()
            self.on_frame()
            return True
        if self.batch.size >= BATCH_BYTES or self.pace.durability == "strict":
            return False
        if self._timer is None and self.batch.units:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.pace.batch_seconds, self._flush_quietly)
        return not self.has_grown

    @property
    def has_grown(self) -> bool:
        """Whether views are to be written and the journal begun anew.

        Pages in use stay in any case, so that they are no growth. And they would be written once
        more: as much of everything else has to come first.
        """
        writer = self.writer
        return writer is not None and writer.size > self.grow_at + 2 * self.state.page_bytes

    async def settle(self, kind: CommitKind, *, sync: bool) -> None:
        """Append what was merged; wait for the disk as asked and as the durability says."""
        writer = self.writer
        if writer is None:
            self.holds()
            return
        self.flush(kind)
        durability = self.pace.durability
        wanted = sync and (durability == "balanced" or kind == "stage")
        if wanted or durability == "strict":
            await writer.synced()
        if self.has_grown and self.on_grown is not None:
            await self.on_grown()

    async def settle_behind(self, kind: CommitKind, then: Callable[[], None]) -> None:
        """Append what was merged; call `then` when it is on the disk.

        Waits where what was appended twice `SHARED_SECONDS` ago is not there yet.
        """
        writer = self.writer
        if writer is None or self.pace.durability != "balanced":
            await self.settle(kind, sync=True)
            then()
            return
        self.flush(kind)
        mine = writer.number
        now = asyncio.get_running_loop().time()
        if writer.durable < self._behind and now > self._behind_since + 2 * SHARED_SECONDS:
            await writer.durable_at(self._behind)
        if writer.durable >= self._behind:
            self._behind, self._behind_since = mine, now
        if self.has_grown and self.on_grown is not None:
            await self.on_grown()
        writer.when_durable(mine, then)

    def flush(self, kind: CommitKind = "c") -> None:
        """Append what is in the batch as one frame; nothing where it is empty."""
        if self.batch.units:
            self.append(Frame(n=0, t=0, k=kind))

    def append(self, frame: Frame) -> int:
        """Append a commit frame that carries the batch and the summary; returns its number."""
        batch, self.batch = self.batch, Batch()
        self._cancel_timer()
        return self._append(batch.into(frame, self.summary()))

    def append_input(self, frame: Frame) -> int:
        """Append a frame that commits nothing, behind everything committed so far."""
        self.flush()
        return self._append(frame)

    def _append(self, frame: Frame) -> int:
        writer = self.writer
        if writer is None:
            self.state.last_number += 1
            return self.state.last_number
        writer.check()
        frame.n = writer.number + 1
        frame.t = now_ms(self.clock)
        frame.s = writer.durable
        writer.append(encode_hidden(frame, self.secrets), frame.n)
        self.state.last_number, self.state.last_ms = frame.n, frame.t
        self.on_frame()
        return frame.n

    def _flush_quietly(self) -> None:
        """The timer's flush: a failure is kept by the writer, the next commit raises it."""
        self._timer = None
        try:
            self.flush()
        except StorageError:
            return

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def summary(self) -> Summary:
        """The summary as it stands, with the active step of the branch that began first."""
        summary = self.state.summary
        for name, numbers in summary.counts.items():
            if name in self.stores:
                numbers[COUNT] = self.stores[name].count()
        step = self._first_active()
        summary.active = None if step is None else shown_step(*step, self.redact, self.secrets)
        return summary

    def _first_active(self) -> tuple[str, ActiveStep] | None:
        """The branch that began first; where its loop runs in branches, how far those have come."""
        first = next(iter(self.active.items()), None)
        if first is None or len(self.active) == 1:
            return first
        branch, step = first
        inner = [
            other
            for name, other in self.active.items()
            if name.startswith(branch) and other[0] == step[0]
        ]
        return branch, max(inner, key=lambda other: -1 if other[1] is None else other[1])

    def check(self) -> None:
        """Raise the failure after which nothing is accepted."""
        if self.failure is not None:
            raise self.failure
        if self.writer is not None:
            self.writer.check()

    def fail(self, path: Path, error: OSError) -> StorageError:
        """Note that the disk has failed; the first failure is the one that is told."""
        failure = self.failure or storage_error(path, error)
        if self.writer is not None:
            failure = self.writer.fail(failure)
        self.failure = failure
        return failure

    def refuse(self, failure: StorageError) -> StorageError:
        """Accept nothing more: what is kept elsewhere cannot be kept any more."""
        if self.writer is not None:
            failure = self.writer.fail(failure)
        self.failure = self.failure or failure
        return self.failure

    def drop(self) -> None:
        """Forget what was merged and not appended; only after a failure."""
        self._cancel_timer()
        self.batch = Batch()

    async def save_blobs(self, folder: BlobFolder, blobs: Mapping[str, bytes]) -> None:
        """Put blobs on the disk in the worker thread; an error is final for the session."""
        try:
            await in_thread(self.pace.executor, folder.save, blobs)
        except OSError as error:
            raise self.fail(folder.folder, error) from error
        if self.on_blobs is not None:
            self.on_blobs(blobs)

    # ---- unsafe requests

    async def intent(
        self, position: str, key: str, body: Any, facts: Mapping[str, Any], scope: str
    ) -> RecordedCall:
        """Record a request that is about to be sent; on the disk unless relaxed."""
        at_ms = now_ms(self.clock)
        call = RecordedCall(0, position, key, body, at_ms, dict(facts), scope=scope)
        form = {name: v for name, v in call.to_json().items() if name != "n" and v is not None}
        number = self.append_input(Frame(n=0, t=0, k="fx", fx=form))
        call = replace(call, number=number)
        self.state.record_intent(call)
        await self._sync_input()
        return call

    async def result(self, call: RecordedCall, status: int, reply: Any) -> None:
        """Record the answer to it."""
        form = {"position": call.position, "key": call.key, "status": status, "reply": reply}
        self.append_input(Frame(n=0, t=0, k="fxr", fxr=form))
        self.state.record_result(call.position, call.key, status, reply)
        await self._sync_input()

    async def _sync_input(self) -> None:
        if self.writer is not None and self.pace.durability != "relaxed":
            await self.writer.synced()


def now_ms(clock: Clock) -> int:
    """The clock's time in ms since 1970."""
    return round(clock.now().timestamp() * 1000)


def set_stage(
    pipeline: list[dict[str, Any]], index: int, status: str | None, branches: Mapping[str, str]
) -> None:
    """Set the status of a stage and of actions in it; missing stages before it are pending."""
    while len(pipeline) <= index:
        pipeline.append({"stage": len(pipeline), "status": "pending", "branches": {}})
    stage = pipeline[index]
    if status is not None:
        stage["status"] = status
    for action, state in branches.items():
        stage["branches"].setdefault(action, {})["status"] = state


def _where_it_stood(summary: Summary) -> dict[str, ActiveStep]:
    """The active step that an earlier attempt left, by branch, until that branch goes on."""
    step = summary.active
    if step is None:
        return {}
    known = (step["action"], step.get("index"), step.get("item"), step.get("path"))
    return {step.get("branch", ""): known}


def shown_step(
    branch: str, step: ActiveStep, redact: frozenset[str], secrets: SecretBook
) -> dict[str, Any]:
    """The record's `activeStep`: scalar fields only, long texts cut, redacted paths left out."""
    action, index, item, path = step
    shown: dict[str, Any] = {"action": action}
    if index is not None:
        shown["index"] = index
    if item is not None:
        shown["item"] = {
            name: _cut(value, secrets) if isinstance(value, str) else value
            for name, value in item.items()
            if name not in redact and not isinstance(value, dict | list)
        }
    if path is not None:
        shown["path"] = path
    if branch:
        shown["branch"] = branch
    return shown


def _cut(text: str, secrets: SecretBook) -> str:
    """The first characters; secrets become stars before, so that none is cut in two."""
    if len(text) <= _TEXT_LIMIT:
        return text
    redacted: str = secrets.redact_value(text)
    return redacted[:_TEXT_LIMIT]


def _nothing() -> None:
    return
