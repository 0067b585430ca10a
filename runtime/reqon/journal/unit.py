"""A unit of work: what one branch of an execution does between two commits.

Everything that a step wants to be remembered goes through the unit of its branch: store
operations, position, counts, sync times. `commit` makes all of it true together, in one frame of
the journal; until then only the branch itself sees it, and `discard` forgets it. No method here
writes a store file or a record, and no position can be saved without the data it stands for.

Addresses of cells are paths such as `0.Fetch/2/body@17/0`; which ones, the engine decides. After
a restart the same values are found in `Session.state.cells`, and each runner looks up its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal, TypeAlias

import msgspec

from reqon.journal.batch import Encoded, note_cell
from reqon.journal.blobs import BLOB_TAG, INLINE_BYTES, BlobFolder, reference_of
from reqon.journal.changes import Changes
from reqon.journal.frames import CommitKind, Json, encode_json
from reqon.journal.ledger import Ledger
from reqon.journal.run_state import RecordedCall
from reqon.journal.staging import StagedStore, UnitView
from reqon.stores.base import ADD, UPDATE, Record, Store, StoreView

Outcome: TypeAlias = Literal["added", "updated", "unchanged"]

_OUTCOMES: Mapping[str, Outcome] = {ADD: "added", UPDATE: "updated"}


class Barrier(Enum):
    """How true a commit is when it returns.

    BATCH: visible to other branches; appended with others to the journal within 50 ms or 64 KiB.
    FRAME: appended to the journal: a killed process keeps it.
    SYNC: on the disk as the durability says: balanced and strict wait for it, relaxed waits
    where a stage ends. Under strict every commit is a SYNC.
    """

    BATCH = 0
    FRAME = 1
    SYNC = 2


class Unit:
    """The unit of one branch; `Session.unit(branch)` makes it, one task uses it.

    All methods but `commit`, `intent` and `result` only note things and cannot block. After a
    commit the same object is the branch's next, empty unit. Values that are handed over must not
    be changed afterwards.
    """

    __slots__ = ("_blobs", "_changes", "_ledger", "_saved", "_stores", "branch")

    def __init__(self, branch: str, ledger: Ledger, blobs: BlobFolder | None) -> None:
        self.branch = branch
        self._ledger = ledger
        self._stores = ledger.stores
        self._blobs = blobs
        self._changes = Changes(branch)
        self._saved: list[str] = []

    # ---- stores; names are those of the mission

    def put(self, store: str, key: str, record: Record) -> Outcome:
        """Store a record in JSON form under `key`; an equal one is not written again.

        The answer is as seen by this branch; the counts of the record are made at the commit,
        against what other branches have committed by then. RunError of kind `store` comes from
        `commit` where the record cannot be written as JSON.
        """
        staged = self._changes.staged.get(self._stores[store])
        if staged is None:
            staged = self._stage(self._stores[store])
        return _OUTCOMES.get(staged.put(store, key, record), "unchanged")

    def delete(self, store: str, key: str) -> None:
        """Take the record of `key` away; a missing one is fine."""
        self._stage(self._stores[store]).delete(store, key)

    def clear(self, store: str) -> None:
        """Take all records away."""
        self._stage(self._stores[store]).clear(store)

    def mark(self, store: str) -> int:
        """A mark in what is staged for a store, for `undo`; the next commit ends it."""
        staged = self._changes.staged.get(self._stores[store])
        return 0 if staged is None else len(staged.operations)

    def undo(self, store: str, mark: int) -> None:
        """Take back what was staged for a store since the mark."""
        of_store = self._stores[store]
        staged = self._changes.staged.get(of_store)
        if staged is not None:
            self._changes.staged[of_store] = staged.replayed(mark)

    def view(self, store: str) -> StoreView:
        """Committed data of all branches and this branch's own writes; stays valid and current."""
        return UnitView(self._stores[store], self._changes.staged)

    def _stage(self, store: Store) -> StagedStore:
        staged = self._changes.staged.get(store)
        if staged is None:
            staged = self._changes.staged[store] = StagedStore(store)
        return staged

    # ---- position

    def cell(self, address: str, value: Json | None) -> None:
        """Set a cell, or with None delete it and all below it (`a` deletes `a` and `a/…`)."""
        if value is None:
            note_cell(self._changes.cells, address, None)
        else:
            self._changes.cells[address] = value

    def active(
        self,
        action: str,
        index: int | None = None,
        item: dict[str, Any] | None = None,
        path: Any = None,
    ) -> None:
        """Where the branch is, for people: `index` of the next item (from 0), its id fields.

        Only scalar fields of `item` are shown, texts cut at 200 characters. Also notes that the
        action has begun (a changed source may then not change it).
        """
        changes = self._changes
        changes.active = (action, index, item, path)
        changes.action = action
        changes.left = False

    def leave(self) -> None:
        """The branch is in no action any more."""
        self._changes.active = None
        self._changes.left = True

    # ---- what the record shows

    def checkpoint(self, action: str, fields: Mapping[str, Any]) -> None:
        """Merge fields (`page`, `cursor`, …) into the action's checkpoint; None drops one."""
        self._changes.more().checkpoints.setdefault(action, {}).update(fields)

    def count_items(self, action: str, n: int = 1) -> None:
        """Add to `itemsProcessed` of the action's checkpoint."""
        items = self._changes.items
        items[action] = items.get(action, 0) + n

    def progress(self, action: str, current: int, total: int | None) -> None:
        """How far the execution is, in an action; `total` None while it is not known."""
        more = self._changes.more()
        more.progress = {"current": current, "total": total, "action": action}

    def action_done(self, action: str) -> None:
        """The action completed: `actionsRun` names it, once; the branch leaves it."""
        self._changes.more().done.append(action)
        self.leave()

    def stage(
        self, index: int, status: str | None = None, branches: Mapping[str, str] | None = None
    ) -> None:
        """Set the status of a pipeline stage and of actions in it (`running`, `completed`, …)."""
        self._changes.more().pipeline.append((index, status, dict(branches or {})))

    def warn(self, kind: Literal["assume", "other"] = "other") -> None:
        """Count a warning."""
        warnings = self._changes.more().warnings
        warnings[kind] = warnings.get(kind, 0) + 1

    def error(self, error: Mapping[str, Any]) -> None:
        """Add to the record's `errors`."""
        self._changes.more().errors.append(dict(error))

    def unknown_effect(self, effect: Mapping[str, Any]) -> None:
        """Add to the record's `unknownEffects`: a request that may or may not have acted."""
        self._changes.more().unknown.append(dict(effect))

    # ---- sync times

    def sync(
        self, key: str, action: str, last_sync: str, items: int, *, cursor: bool = False
    ) -> None:
        """A complete fetch under `key` by `action`: a candidate for its next `lastSync`.

        `last_sync` is an instant in ISO form. Several fetches under one key: the earliest
        counts; of candidates that are a `cursor` (`updateFrom`) the latest. `items` add up.
        """
        candidate = {"last_sync": last_sync, "items": items, "cursor": cursor}
        self._changes.more().syncs.append((key, action, candidate))

    def publish_sync(self, action: str) -> None:
        """The action ends: publish its candidates with this commit.

        Where the action has written a store that is not durable (memory), they are published
        when the execution completes instead.
        """
        self._changes.more().publish.append(action)

    # ---- large values

    def blob(self, value: Json) -> Json:
        """Prepare a value for a cell: as it is up to 64 KiB, else `{"$blob": hash}`.

        The commit (or `intent`, `result`) puts the value beside the journal, durable, before the
        frame that names it.
        """
        if self._blobs is None:
            return value
        content = encode_json(value)
        if len(content) <= INLINE_BYTES:
            return value
        return self._beside(value, content, self._blobs)

    def page(self, address: str, value: Json, json: bytes | None = None) -> None:
        """Set a cell to a page of a list: part of the frame, or where it is large a blob.

        `json` is its JSON, in one line and without escapes, where that is at hand.
        """
        content = encode_json(value) if json is None else json
        if self._blobs is None or len(content) <= self._ledger.page_bytes:
            self._changes.cells[address] = Encoded(value, msgspec.Raw(content))
        else:
            self._changes.cells[address] = self._beside(value, content, self._blobs)

    def _beside(self, value: Json, content: bytes, blobs: BlobFolder) -> Json:
        """The reference to a value that is to be put beside the journal."""
        name, hidden = blobs.encode_any(value, content)
        self._changes.more().blobs[name] = hidden
        return {BLOB_TAG: name}

    def load_blob(self, value: Json) -> Json:
        """The value that `blob` was given, from its answer. Blocks.

        RefusedError where the file is missing or damaged.
        """
        name = reference_of(value)
        if name is None or self._blobs is None:
            return value
        rare = self._changes.rare
        return self._blobs.load(name, {} if rare is None else rare.blobs)

    # ---- unsafe requests

    def recorded(self, position: str, key: str) -> RecordedCall | None:
        """What was recorded at this position under this idempotency key and is not settled.

        Call it before sending: with a usable result nothing is sent, with an intent only the
        recorded body is sent again.
        """
        return self._ledger.state.calls.get((position, key))

    async def intent(
        self,
        position: str,
        key: str,
        body: Json,
        facts: Mapping[str, Any],
        scope: str | None = None,
    ) -> RecordedCall:
        """Record, on the disk, that a request is about to be sent; `facts` are for people.

        `facts` such as `{"source": "API", "method": "POST", "path": "/orders"}`. Commits nothing;
        what other branches have in the batch is appended before it. The call stays recorded until
        `settle`, or where it failed until the cells at `scope` (or around it) are deleted; without
        it, those around the position.
        """
        await self.ready()
        return await self._ledger.intent(position, key, body, facts, scope or position)

    async def result(self, call: RecordedCall, status: int, reply: Json) -> None:
        """Record, on the disk, what was answered; a status of 400 or above is no usable result."""
        await self.ready()
        await self._ledger.result(call, status, reply)

    def settle(self, call: RecordedCall) -> None:
        """What the unit holds stands for the call from now on: its next commit forgets it."""
        self._changes.more().settled.append(call.number)

    # ---- the end of a unit

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._changes)

    def discard(self) -> None:
        """Forget everything since the last commit (an error, an interruption)."""
        self._changes.reset()
        self._release()

    async def commit(self, kind: CommitKind = "c", barrier: Barrier = Barrier.BATCH) -> None:
        """Make everything since the last commit true, together; empty units cost nothing.

        Events may be emitted only afterwards. StorageError: nothing of it is true, and the
        session accepts nothing more (`Session.finish` still works).
        """
        ledger, changes = self._ledger, self._changes
        if self.waits:
            await self.ready()
        if changes:
            ledger.merge(changes)
        if self._saved:
            self._release()
        if barrier is Barrier.BATCH and ledger.holds():
            return
        await ledger.settle(kind, sync=barrier is Barrier.SYNC)

    async def commit_behind(self, kind: CommitKind, then: Callable[[], None]) -> None:
        """Commit, and call `then` once that is on the disk, without waiting for it here.

        Those that follow each other quickly share a sync. Waits only where one of 40 ms ago is not
        on the disk yet: so a loss of power costs no more than two of these, or what was done in
        twice that time. Under relaxed `then` is called at once. An error of the disk is raised by
        the next commit, and `then` is not called. Nothing has its turn between the last wait and
        the return, or before `then` where it is called at once.
        """
        ledger = self._ledger
        await self.ready()
        if self._changes:
            ledger.merge(self._changes)
        self._release()
        await ledger.settle_behind(kind, then)

    @property
    def waits(self) -> bool:
        """Whether a commit would have to wait before it can merge what the unit holds."""
        rare = self._changes.rare
        return self._ledger.closed is not None or (rare is not None and bool(rare.blobs))

    async def ready(self) -> None:
        """Wait while views are written; then put the unit's blobs on the disk.

        A commit that finds the unit ready merges it before any other task has its turn.
        """
        ledger = self._ledger
        while True:
            rare = self._changes.rare
            if ledger.closed is not None:
                await ledger.closed.wait()
            elif rare is not None and rare.blobs and self._blobs is not None:
                blobs, rare.blobs = rare.blobs, {}
                self._blobs.reserved.update(blobs.keys())
                self._saved += blobs
                await ledger.save_blobs(self._blobs, blobs)
            else:
                return

    def _release(self) -> None:
        """The unit's blobs are named by a frame now, or not wanted any more."""
        if self._blobs is not None:
            self._blobs.reserved.subtract(self._saved)
        self._saved.clear()
