"""A session: one attempt of an execution, from its first frame to its final record.

Holds the locks, the stores and the ledger; hands out units; brings the views up to date where a
stage ends, where the journal has grown, and at the end. Opening is `journal.opening`'s work.
Blocking work runs in one worker thread, so that syncs, records and views keep their order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reqon.clock import format_instant
from reqon.errors import ConfigError, RefusedError, ReqonError, StateStoreError, StorageError
from reqon.journal.blobs import BlobFolder
from reqon.journal.carrying import Carrier
from reqon.journal.disk import Disk
from reqon.journal.ending import rescue_record, unsettled_effects
from reqon.journal.frames import Frame
from reqon.journal.held import HeldStore, StoreShelf
from reqon.journal.ledger import Ledger
from reqon.journal.locks import FileLock, Heartbeat
from reqon.journal.materialise import Views, compact, living_blobs, write_views
from reqon.journal.records import RecordFacts, build_record, copied, duration_of, write_record
from reqon.journal.request import FinalStatus, SessionRequest, SyncCheckpoint
from reqon.journal.retention import finish_files
from reqon.journal.retention_elsewhere import forget_old
from reqon.journal.run_state import RunState
from reqon.journal.shipping import ShippedWriter
from reqon.journal.unit import Unit
from reqon.journal.writer import in_thread, to_its_end
from reqon.stores.base import Store

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Held:
    """What a session holds from opening to closing; `stem` is the file name of its execution."""

    request: SessionRequest
    disk: Disk
    executor: ThreadPoolExecutor
    mission_lock: FileLock
    heartbeat: Heartbeat | None
    shelf: StoreShelf
    stem: str
    facts: RecordFacts
    start_sync: Mapping[str, Mapping[str, Any]]
    carrier: Carrier | None = None


class Session:
    """One attempt of an execution; made by `open_session`.

    `state` is the live fold: cells, counts, actions, pending sync times, saved lets, recorded
    calls. `state.ended == "completed"` right after opening: only `finish("completed")` is left to
    do. `stores` are the committed data by the mission's names; two names may be one store.
    `notices` are what a person should know before the run begins, `failure` is why `finish`
    could not do what it was asked for. `memory` are the blobs with the records of memory stores
    that the journal's `base` frame names.
    """

    def __init__(self, held: Held, ledger: Ledger, blobs: BlobFolder | None, *, resumed: bool):
        self.resumed = resumed
        self.notices: list[str] = []
        self.failure: StorageError | None = None
        self._held = held
        self._ledger = ledger
        self._blobs = blobs
        self.memory: dict[str, Any] = {}
        self._views = asyncio.Lock()
        self._views_begun = self._views_done = 0
        self._tick: asyncio.TimerHandle | None = None
        self._record_write: asyncio.Future[None] | None = None
        self._ending: tuple[FinalStatus, dict[str, Any]] | None = None
        self._finished = False
        self._closed = False
        self._base_bytes = 0
        ledger.on_frame = self._arm_tick
        ledger.on_grown = self.materialise
        self._set_growth()

    # ---- what the engine reads

    @property
    def execution_id(self) -> str:
        """Id of the execution; a resume goes on under the same."""
        return self.state.start.execution_id

    @property
    def state(self) -> RunState:
        """The live fold; change it through units only."""
        return self._ledger.state

    @property
    def stores(self) -> Mapping[str, Store]:
        """The committed data, by the mission's names."""
        return self._held.shelf.by_name

    @property
    def record_path(self) -> Path | None:
        """File of the record; None where records are kept in memory only."""
        request = self._held.request
        if request.state_store == "memory":
            return None
        return request.paths.record(self._held.stem)

    def unit(self, branch: str = "") -> Unit:
        """A new unit for a branch of execution, such as `0.Fetch` or `1.Push/2/body@17`."""
        return Unit(branch, self._ledger, self._blobs)

    def sync_checkpoint(self, key: str) -> SyncCheckpoint | None:
        """The value of `key` as it was when this execution asked first; None: never synced."""
        entry = self._held.start_sync.get(key)
        if key not in self.state.since:
            last_sync = None if entry is None else entry.get("lastSync")
            self._ledger.freeze_since(key, last_sync if isinstance(last_sync, str) else None)
        frozen = self.state.since[key]
        if frozen is None:
            return None
        items, total = ((entry or {}).get(name, 0) for name in ("itemsSynced", "totalItemsSynced"))
        return SyncCheckpoint(key, frozen, items, total)

    def record(self) -> dict[str, Any]:
        """The record as it would be written now; shares nothing with the session."""
        self._ledger.summary()
        facts = self._held.facts
        facts.heartbeat_at = self._now()
        return copied(build_record(self.state, facts), self._held.request.secrets)

    def _now(self) -> str:
        return format_instant(self._held.request.clock.now())

    async def begin(self, *, rebase: bool) -> None:
        """The first frame of the attempt, on the disk, then the record; `open_session` calls it.

        `rebase` begins the journal anew, because its stores are other ones now.
        """
        ledger = self._ledger
        if ledger.writer is not None:
            ledger.append(Frame(n=0, t=0, k="start", start=self.state.start))
            await ledger.writer.synced()
        if rebase:
            await self._materialise(self.record())
            await self._compact()
        else:
            await self._write_record()
        await self._carry()

    # ---- elsewhere

    @property
    def keeps_checkpoints(self) -> bool:
        """Whether `keep_state` has something to do at a `checkpoint every N`."""
        carrier = self._held.carrier
        return carrier is not None and carrier.saves_checkpoints

    async def keep_state(self) -> str | None:
        """At a `checkpoint every N`: save the state in the store elsewhere, if there is one.

        A store that takes frames has had them with the commit; of a state that is not small the
        carrier's pace leaves some out. Answers once what a person should know of a large one.
        StorageError where the store fails; the session accepts nothing more then.
        """
        carrier = self._held.carrier
        if carrier is None or not carrier.saves_checkpoints or not carrier.pace.is_due():
            return None
        ledger = self._ledger
        while ledger.closed is not None:
            await ledger.closed.wait()
        ledger.check()
        if ledger.writer is not None:
            ledger.flush()
        await self._carry()
        return carrier.take_notice()

    async def _carry(self, record: dict[str, Any] | None = None) -> None:
        """Save the state of this very moment elsewhere; everything is in frames already."""
        carrier, ledger = self._held.carrier, self._ledger
        if carrier is None:
            return
        record = self.record() if record is None else record
        state = carrier.state(record, ledger, self._blobs, self._held.request.secrets)
        try:
            await carrier.save(state, ledger.writer)
        except StorageError as error:
            raise ledger.refuse(error) from error

    def keep_lease(self, on_lost: Callable[[StorageError], None]) -> None:
        """Renew the lease of the store elsewhere; once it is lost nothing more is accepted."""

        def lost(error: StorageError) -> None:
            on_lost(self._ledger.refuse(error))

        carrier = self._held.carrier
        if carrier is not None and carrier.lease is not None:
            carrier.lease.keep(lost)

    # ---- once a second

    def _arm_tick(self) -> None:
        if self._tick is None and not self._closed:
            seconds = self._held.request.timing.tick
            self._tick = asyncio.get_running_loop().call_later(seconds, self._on_tick)

    def _on_tick(self) -> None:
        """Sync the journal and bring the record up to date, without waiting for either."""
        self._tick = None
        if self._closed or self._ledger.closed is not None:
            return
        writer = self._ledger.writer
        with contextlib.suppress(StorageError):
            self._ledger.check()
            if writer is not None:
                self._ledger.flush()
                if self._ledger.pace.durability == "balanced" and writer.pending:
                    writer.start_sync()
            self._write_record_behind()

    def _write_record_behind(self) -> None:
        path = self.record_path
        if path is None or self._record_write is not None:
            return
        held = self._held
        future = asyncio.get_running_loop().run_in_executor(
            held.executor, write_record, held.disk, path, self.record()
        )
        self._record_write = future
        future.add_done_callback(self._record_written)

    def _record_written(self, future: asyncio.Future[None]) -> None:
        self._record_write = None
        error = None if future.cancelled() else future.exception()
        if isinstance(error, OSError):
            self._ledger.fail(self._held.request.paths.execution, error)

    # ---- views

    async def materialise(self) -> None:
        """Bring store files, sync checkpoints and record up to the journal; journal first.

        Commits of all branches wait meanwhile. Without a journal only the record is written:
        stores follow when the execution ends. Branches that come while this is under way share
        the next one.
        """
        asked = self._views_begun
        async with self._views:
            if self._views_done > asked:
                return
            self._views_begun += 1
            begun = self._views_begun
            await self._write_all_views()
            self._views_done = begun

    async def _write_all_views(self) -> None:
        if self._ledger.writer is None:
            await self._write_record()
            return
        with self._commits_held():
            self._ledger.flush()
            await self._materialise(self.record())

    @contextlib.contextmanager
    def _commits_held(self) -> Generator[None]:
        opened = self._ledger.closed = asyncio.Event()
        try:
            yield
        finally:
            self._ledger.closed = None
            opened.set()

    async def _materialise(self, record: Mapping[str, Any]) -> None:
        """With commits held back and the batch appended: journal, views, compaction, blobs."""
        ledger, held = self._ledger, self._held
        if ledger.writer is not None:
            await ledger.writer.synced()
        published = dict(ledger.unpublished)
        number = None if ledger.writer is None else ledger.writer.number
        views = Views(
            held.request.paths,
            self.state.start.mission,
            self.execution_id,
            number,
            [shelved for shelved in held.shelf.durable if self._is_behind(shelved)],
            published,
            record,
            self.record_path,
        )
        for key in await self._work(write_views, held.disk, views):
            self.notices.append(
                f"the sync checkpoint '{key}' was set back while this execution was under way: it "
                "stays as it is, and the next sync goes on from there"
            )
        ledger.unpublished.clear()
        if ledger.has_grown and self.state.ended is None:
            await self._compact()
            if held.carrier is not None and not held.carrier.saves_checkpoints:
                await self._carry()
        await self._collect_blobs()
        self._set_growth()

    def _is_behind(self, held: HeldStore) -> bool:
        """Whether a store, or at the end its mark, is to be written."""
        marked = self.state.ended is not None and self.execution_id in held.marks
        return held.store.touched or marked

    async def _work(self, work: Any, *args: Any) -> Any:
        """Blocking work in the worker thread; an error of the disk is final for the session."""
        try:
            return await in_thread(self._held.executor, work, *args)
        except OSError as error:
            raise self._failed(error) from error
        except ConfigError as error:  # a lock that cannot be opened any more
            if isinstance(error.__cause__, OSError):
                raise self._failed(error.__cause__) from error
            raise

    def _failed(self, error: OSError) -> StorageError:
        path = Path(error.filename) if error.filename else self._held.request.paths.root
        return self._ledger.fail(path, error)

    async def _write_record(self) -> None:
        path = self.record_path
        if path is not None:
            await self._work(write_record, self._held.disk, path, self.record())

    async def _compact(self) -> None:
        """Begin the journal anew; only right after the views were written.

        A cancellation waits: a writer that knew the old file alone would write where nobody reads.
        """
        await to_its_end(asyncio.ensure_future(self._compact_whole()))

    async def _compact_whole(self) -> None:
        held, writer = self._held, self._ledger.writer
        assert writer is not None
        assert self._blobs is not None
        done = await self._work(
            compact,
            held.disk,
            writer.path,
            self.state,
            held.shelf.held,
            self._blobs,
            held.request.secrets,
            self._ledger.net,
        )
        self.memory = done.memory
        self._base_bytes = done.size
        fd = await self._work(held.disk.open_append, writer.path)
        writer.attach(fd, done.size, writer.number, durable=writer.number)

    async def _collect_blobs(self) -> None:
        if self._blobs is not None and self._ledger.writer is not None and self._blobs.has_any:
            live = living_blobs(self.state, self.memory)
            await self._work(self._blobs.collect, live)

    def _set_growth(self) -> None:
        """When to write views and begin the journal anew: cost stays linear.

        Each time it has to grow by as much as was written then.
        """
        writer = self._ledger.writer
        if writer is None:
            return
        stored = sum(held.store.stored_bytes for held in self._held.shelf.held)
        grow = self._held.request.timing.grow_bytes
        size = writer.size - self.state.page_bytes
        self._ledger.grow_at = size + max(grow, stored, self._base_bytes)

    # ---- the end

    async def finish(
        self,
        status: FinalStatus,
        *,
        error: Mapping[str, Any] | None = None,
        interrupted_by: str | None = None,
    ) -> dict[str, Any]:
        """End the attempt: frame, stores, sync times, final record; returns the record.

        Uncommitted units are forgotten. `error` is added to the record's `errors`. After a
        StorageError, earlier or here, the journal is left as it is and the record says
        `interrupted`, whatever was asked for. A completed execution loses its journal, and old
        records go, as the retention says.
        """
        async with self._views:
            with self._commits_held():
                try:
                    record = await self._finish(status, error, interrupted_by)
                except StorageError as failure:
                    self.failure = failure
                    record = await self._rescue(failure, error)
        self._finished = True
        return record

    async def _finish(
        self, status: FinalStatus, error: Mapping[str, Any] | None, interrupted_by: str | None
    ) -> dict[str, Any]:
        ledger, facts = self._ledger, self._held.facts
        ledger.check()
        self._end_facts(status, interrupted_by)
        if status == "completed":
            ledger.active.clear()
            ledger.publish_deferred()
            effects = unsettled_effects(self.state)
            self.state.unknown += effects
            ledger.batch.unknown += effects
        if error is not None:
            self.state.errors.append(dict(error))
            ledger.batch.errors.append(dict(error))
        end = {"status": status, "at": self._now(), "durationMs": facts.duration_ms}
        self.state.end_attempt(end)
        ledger.append(Frame(n=0, t=0, k="end", end=end))
        record = self.record()
        self._ending = status, record
        await self._wind_up(status, record)
        return record

    async def _wind_up(self, status: FinalStatus, record: dict[str, Any]) -> None:
        """What follows the last frame; may be done twice."""
        await self._materialise(record)
        await self._carry(record)
        if status == "completed":
            self.notices += await self._work(
                finish_files, self._held.disk, self._held.request, self._held.stem
            )
            await self._forget_elsewhere()

    async def _forget_elsewhere(self) -> None:
        """Old states go from the store elsewhere too; a failure there changes no outcome."""
        request = self._held.request
        elsewhere, retention = request.elsewhere, request.retention
        if elsewhere is None or retention is None or not elsewhere.can_delete:
            return
        try:
            await forget_old(elsewhere, request.clock, request.mission, retention)
        except StorageError as error:
            self.notices.append(f"old state could not be removed: {error.message}")

    def _end_facts(self, status: FinalStatus, interrupted_by: str | None) -> None:
        facts = self._held.facts
        facts.status = status
        facts.interrupted_by = interrupted_by
        facts.completed_at = None if status == "interrupted" else self._now()
        facts.duration_ms = duration_of(self.state.attempts, self._now())

    async def _rescue(
        self, failure: StorageError, error: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """After a storage failure: say `interrupted` in the record if that can be written."""
        held = self._held
        self._ledger.drop()
        path = self.record_path
        shown = dict(error or {"kind": failure.kind, "message": failure.message, "at": self._now()})
        if path is None:
            self._held.facts.status = "interrupted"
            return self.record()
        journal = None if self._ledger.writer is None else self._ledger.writer.path
        record = await in_thread(
            held.executor, rescue_record, held.disk, held.request, path, journal, shown
        )
        if not isinstance(failure, StateStoreError):
            await self._carry_rescued(record)
        return record

    async def _carry_rescued(self, record: Mapping[str, Any]) -> None:
        """Say `interrupted` in the store elsewhere too."""
        shown = {name: record[name] for name in ("status", "errors") if name in record}
        self._held.facts.completed_at = None
        with contextlib.suppress(StorageError, RefusedError):
            await self._carry(self.record() | shown)

    async def leave(self, interrupted_by: str | None = None) -> None:
        """The task was cancelled: end as `interrupted`, or what `finish` had begun.

        An execution that has ended stays what it is. What cannot be written now a later run does.
        """
        if self._finished or self._closed or self._ledger.failure is not None:
            return
        try:
            if self._ending is not None:
                await self._wind_up(*self._ending)
            elif self.state.ended == "completed":
                await self.finish("completed")
            else:
                await self.finish("interrupted", interrupted_by=interrupted_by)
        except ReqonError as error:
            _log.warning("a cancelled run could not be ended in order: %s", error.message)

    async def close(self) -> None:
        """Release locks and descriptors, whatever comes between; nothing the second time."""
        if self._closed:
            return
        self._stop()
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._release)
            if self._held.carrier is not None:
                stack.push_async_callback(self._held.carrier.close)
            if isinstance(self._ledger.writer, ShippedWriter):
                stack.push_async_callback(self._ledger.writer.stop)

    def abandon(self) -> None:
        """The same where nobody can wait: the event loop is gone."""
        if not self._closed:
            self._stop()
            self._release()

    def _stop(self) -> None:
        self._closed = True
        if self._tick is not None:
            self._tick.cancel()
        self._ledger.drop()

    def _release(self) -> None:
        held = self._held
        if held.heartbeat is not None:
            held.heartbeat.stop()
        held.executor.shutdown(wait=True)
        if self._ledger.writer is not None:
            self._ledger.writer.close()
        held.shelf.release()
        held.mission_lock.release()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
