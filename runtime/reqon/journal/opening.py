"""Opening a session: locks, recovery, journal, record; in the one order that is safe.

    folders → mission lock → which execution → what died is tended → store locks in order
    → stores read, dead journals redone → own journal folded → source check
    → torn tail cut → first frame, on the disk → record

Whatever fails on the way lets go of everything that was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from reqon.clock import format_instant, new_execution_id, new_seed
from reqon.errors import ConfigError, RefusedError
from reqon.journal.blobs import INLINE_BYTES, BlobFolder
from reqon.journal.carrying import Carrier
from reqon.journal.choosing import check_program, choose, lets_that_count
from reqon.journal.disk import Disk
from reqon.journal.faults import storage_error, unwritable
from reqon.journal.fetching import LARGE_STORES, fetch
from reqon.journal.filling import Filling, data_of, vanished
from reqon.journal.folders import prepare_folders
from reqon.journal.frames import SCHEMA_VERSION, Frame, StartFacts
from reqon.journal.held import (
    StoreShelf,
    beginning_damaged,
    damaged,
    describe,
    described,
)
from reqon.journal.lease import Lease, owner_of, take_lease
from reqon.journal.ledger import Ledger, Pace
from reqon.journal.live import Held, Session
from reqon.journal.locks import FileLock, Heartbeat, process_facts, refuse_mission
from reqon.journal.net_changes import NetChanges
from reqon.journal.quarantine import put_aside
from reqon.journal.records import RecordFacts
from reqon.journal.recovery import Recovered, recover
from reqon.journal.request import ResumeChoice, SessionRequest
from reqon.journal.run_state import RunState
from reqon.journal.shipping import ShippedWriter
from reqon.journal.sync_checkpoints import Checkpoints, read_sync_checkpoints, read_sync_marks
from reqon.journal.tending import finish_dead, tend
from reqon.journal.writer import JournalWriter, in_thread
from reqon.state.journal_tail import read_start
from reqon.state.model import ExecutionState
from reqon.state.paths import BLOBS_SUFFIX, Stem, stems_behind
from reqon.state.reader import StateReader
from reqon.state.record import as_object, cleaned, read_json_object

WHOLE_BYTES = 1024 * 1024
"""Stores up to this size are kept elsewhere whole."""


async def open_session(request: SessionRequest, disk: Disk) -> Session:
    """Begin or resume an execution of the mission.

    Raises ConfigError (folder not writable; unknown execution; ONLY and nothing to resume),
    RefusedError (running already, source changed, damaged or newer state), StorageError.
    """
    opening = _Opening(request, disk)
    try:
        return await opening.run()
    except GeneratorExit:
        opening.abandon()
        raise
    except asyncio.CancelledError:
        await opening.leave()
        raise
    except OSError as error:
        await opening.release()
        path = Path(error.filename) if error.filename else request.paths.root
        raise storage_error(path, error) from error
    except BaseException:
        await opening.release()
        raise


@dataclass(slots=True)
class _Resumed:
    """An execution that is gone on with: its journal read, and what its record said.

    `number` is the last one that is taken: after damage more than the last good frame's.
    `memory` are the blobs that its `base` frame names.
    """

    stem: str
    recovered: Recovered
    record: Mapping[str, Any]
    number: int
    memory: dict[str, Any]


class _Opening:
    """The steps of opening, and what they have taken so far."""

    def __init__(self, request: SessionRequest, disk: Disk) -> None:
        self.request = request
        self.disk = disk
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="reqon-state")
        self.mission_lock = FileLock(request.paths.mission_lock(request.mission), disk)
        self.shelf: StoreShelf | None = None
        self.heartbeat: Heartbeat | None = None
        self.writer: JournalWriter | None = None
        self.notices: list[str] = []
        self.owner = process_facts()
        self.lease: Lease | None = None
        self.net = None if request.elsewhere is None else NetChanges()
        self.session: Session | None = None

    async def leave(self) -> None:
        """The task was cancelled: end what has begun, then let everything go."""
        try:
            if self.session is not None:
                await self.session.leave()
        finally:
            await self.release()

    async def release(self) -> None:
        """Let everything go, whatever comes between."""
        if self.session is not None:
            await self.session.close()
            return
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._release)
            if self.lease is not None:
                stack.push_async_callback(self.lease.release)

    def abandon(self) -> None:
        """The same where nobody can wait: the event loop is gone."""
        if self.session is not None:
            self.session.abandon()
        else:
            self._release()

    def _release(self) -> None:
        if self.heartbeat is not None:
            self.heartbeat.stop()
        self.executor.shutdown(wait=True)
        if self.writer is not None:
            self.writer.close()
        if self.shelf is not None:
            self.shelf.release()
        self.mission_lock.release()

    async def run(self) -> Session:
        """All steps, in order."""
        request = self.request
        await self._work(prepare_folders, request.paths, self.disk)
        await self._take_mission()
        await self._fetch()
        chosen = await self._choose()
        if chosen is not None:
            self._name_stores(chosen)
            await self._check_stores(chosen)
        self.shelf = StoreShelf(self.request.stores, request.paths, self.disk)
        await self.shelf.lock(request.store_wait_seconds, request.timing.lock_poll)
        own = None if chosen is None else chosen.execution_id
        await self._work(self._open_stores, self.shelf, own)
        resumed = None if chosen is None else await self._work(self._recover, chosen)
        if resumed is not None:
            state = resumed.recovered.state
            self.notices += check_program(state, request.program, force=request.force)
        return await self._begin(resumed)

    async def _work(self, work: Any, *args: Any) -> Any:
        return await in_thread(self.executor, work, *args)

    # ---- the mission

    async def _take_mission(self) -> None:
        request, timing = self.request, self.request.timing
        seconds = timing.lock_retry if request.wait_seconds is None else request.wait_seconds
        if not await self.mission_lock.acquire(seconds, timing.lock_poll):
            raise refuse_mission(request.mission, self.mission_lock.path)
        self._sign(None)
        self.heartbeat = Heartbeat(self.mission_lock, self.disk, timing.heartbeat)

    def _sign(self, execution_id: str | None) -> None:
        """Write who holds the mission's lock; the id only once the execution is decided."""
        line = {"mission": self.request.mission, **self.owner, "startedAt": self._now()}
        if execution_id is not None:
            line["executionId"] = execution_id
        self.mission_lock.write_owner(line)

    def _now(self) -> str:
        return format_instant(self.request.clock.now())

    async def _fetch(self) -> None:
        """From a state store elsewhere: the lease, and what the folder lacks."""
        request = self.request
        elsewhere = request.elsewhere
        if elsewhere is None:
            return
        if elsewhere.can_lease:
            owner = owner_of(self.owner, request.paths.root)
            self.lease = await take_lease(
                elsewhere, request.mission, owner, request.wait_seconds, request.timing
            )
        if request.journaled:
            self.notices += await fetch(request, self.disk)

    async def _choose(self) -> ExecutionState | None:
        """Decide what to resume, and put the records of all others right."""
        request = self.request
        reader = StateReader(request.paths.root, held=request.mission)
        execution: ExecutionState | None = None
        if request.journaled:
            choice = await self._work(choose, reader, request)
            execution = choice.execution
            self.notices += choice.notices
        elif request.resume is not ResumeChoice.NEVER:
            self._refuse_without_journal()
        own = None if execution is None else execution.execution_id
        tending = await self._work(tend, reader, request, self.disk, own)
        self.notices += tending.notices
        for listed in tending.to_finish:
            await finish_dead(request, self.disk, listed)
        return execution

    def _refuse_without_journal(self) -> None:
        if self.request.resume is not ResumeChoice.IF_ANY:
            raise ConfigError(
                f"'{self.request.mission}' keeps no state that could be resumed",
                hint="set `enableState: true` and `stateStore: file`",
            )
        self.notices.append("the mission keeps no state: there is nothing to resume")

    # ---- the execution that goes on

    def _name_stores(self, chosen: ExecutionState) -> None:
        """The stores are those of the time when the execution began."""
        request = self.request
        start = read_start(request.paths.journal(chosen.path.stem))
        if start is None or request.stores_of is None:
            return
        if start.get("stores") == describe(request.stores):
            return
        lets = lets_that_count(
            request.secrets.reveal(as_object(start.get("lets")) or {}),
            as_object(start.get("program")),
            request.program,
        )
        self.request = replace(request, stores=request.stores_of(lets))

    async def _check_stores(self, chosen: ExecutionState) -> None:
        """Refuse other stores than before; with force, first finish what the old ones lack."""
        request = self.request
        start = read_start(request.paths.journal(chosen.path.stem)) or {}
        before = described(start.get("stores", {}))
        if data_of(before) == data_of(request.stores):
            return
        if not request.force:
            recovered = await self._work(self._fold_only, chosen)
            check_program(recovered.state, request.program, force=False)
            raise RefusedError(
                f"the stores changed since execution '{chosen.execution_id}' stopped",
                hint="undo the change, start anew without --resume, or go on with --force",
            )
        old = StoreShelf(before, request.paths, self.disk)
        try:
            await old.lock(request.store_wait_seconds, request.timing.lock_poll)
            await self._work(self._open_stores, old, None)
        finally:
            old.release()

    def _fold_only(self, chosen: ExecutionState) -> Recovered:
        path = self.request.paths.journal(chosen.path.stem)
        recovered = recover(path, self.request.secrets, on_frame=_ignore)
        if recovered is None:
            raise beginning_damaged(path)
        return recovered

    def _open_stores(self, shelf: StoreShelf, own: str | None) -> None:
        with _no_collection():
            shelf.open(own, self.request.secrets, force=self.request.force)

    def _recover(self, chosen: ExecutionState) -> _Resumed:
        """Fold the journal, and bring the stores to where it ends. Blocks."""
        assert self.shelf is not None
        request = self.request
        path = request.paths.journal(chosen.path.stem)
        marks = read_sync_marks(request.paths)
        blobs = BlobFolder(path.with_suffix(BLOBS_SUFFIX), self.disk, request.secrets)
        fill = Filling(self.shelf, request.stores, blobs, chosen.execution_id, path)
        fill.net = self.net
        after = marks.get(chosen.execution_id, 0)
        with _no_collection():
            recovered = recover(path, request.secrets, on_frame=fill.take, published_after=after)
        if recovered is None:
            raise beginning_damaged(path)
        fill.complete_net(self.shelf)
        self._refuse_vanished(chosen, fill)
        proven = max(self._proven(chosen), marks.get(chosen.execution_id, 0))
        damage = recovered.extent.damage
        if damage is None and recovered.extent.number < proven:
            damage = f"frames up to {proven} were applied, only {recovered.extent.number} are good"
        if damage is not None:
            self._go_on_or_refuse(path, damage)
        number = max(recovered.extent.number, proven)
        return _Resumed(chosen.path.stem, recovered, chosen.record, number, fill.memory)

    def _refuse_vanished(self, chosen: ExecutionState, fill: Filling) -> None:
        """A store's file that has gone takes more with it than the journal could give back."""
        for location in fill.vanished():
            if not self.request.force:
                raise vanished(location, chosen.execution_id)
            self.notices.append(f"the store file '{location}' is gone; going on without it")

    def _proven(self, chosen: ExecutionState) -> int:
        """The highest frame that a view says it has seen; only ever frames on the disk.

        Of the record what its file says: the reader's knows the last frame of the journal, which
        proves nothing about those in front of it.
        """
        assert self.shelf is not None
        marks = [held.marks.get(chosen.execution_id, 0) for held in self.shelf.durable]
        written = read_json_object(chosen.path)
        record = cleaned(written) if isinstance(written, dict) else {}
        settled = record.get("status") == "failed" or "interruptedBy" in record
        return max(*marks, record.get("seq", 0) if settled else 0, 0)

    def _go_on_or_refuse(self, path: Path, damage: str) -> None:
        if not self.request.force:
            raise damaged(path, damage)
        put_aside(self.request.paths, self.disk, self.request.clock, path, damage, keep=True)
        self.notices.append(f"the journal is damaged ({damage}); going on from its last good frame")

    # ---- the first frame

    async def _begin(self, resumed: _Resumed | None) -> Session:
        assert self.shelf is not None
        request = self.request
        start = self._new_start() if resumed is None else self._next_start(resumed)
        self._sign(start.execution_id)
        if resumed is None:
            state = RunState(start)
            self._note_small_stores()
            stem = await self._work(self._create)
        else:
            state, stem = resumed.recovered.state, resumed.stem
            await self._work(self._reopen, resumed)
        if request.journaled:
            await self._work(self.shelf.sign, request.paths.journal(stem))
        moved = data_of(described(state.start.stores)) != data_of(request.stores)
        state.begin_attempt(start)
        session = self.session = self._session(state, stem, resumed)
        await session.begin(rebase=moved)
        return session

    def _session(self, state: RunState, stem: str, resumed: _Resumed | None) -> Session:
        assert self.shelf is not None
        request = self.request
        pace = Pace(request.durability, request.timing.batch, self.executor)
        ledger = Ledger(
            state, self.shelf.by_name, self.writer, request.clock, request.secrets, pace
        )
        ledger.redact = frozenset(request.redact)
        for name, spec in request.stores.items():
            if spec.writes:
                state.summary.counts.setdefault(name, [0, 0, 0, 0])
        sync = read_sync_checkpoints(request.paths)
        ledger.base_totals = _totals(sync, state.start.execution_id)
        if resumed is not None:
            ledger.unpublished = dict(resumed.recovered.published)
        facts = RecordFacts("running", self.owner, heartbeat_at=self._now())
        facts.journaled = request.journaled
        ledger.net = self.net
        if self.net is not None:  # what is kept elsewhere is smaller where blobs go once
            ledger.page_bytes = INLINE_BYTES
        if isinstance(self.writer, ShippedWriter):
            self.writer.execution_id = state.start.execution_id
            ledger.on_blobs = self.writer.note_blobs
        if resumed is not None:
            facts.unknown_fields = resumed.record
        blobs = None
        if request.journaled:
            blobs = BlobFolder(request.paths.blobs(stem), self.disk, request.secrets)
        held = Held(
            request,
            self.disk,
            self.executor,
            self.mission_lock,
            self.heartbeat,
            self.shelf,
            stem,
            facts,
            sync,
            self._carrier(sync),
        )
        session = Session(held, ledger, blobs, resumed=resumed is not None)
        session.notices += self.notices
        if resumed is not None:
            session.memory = resumed.memory
        return session

    def _note_small_stores(self) -> None:
        """Small stores go elsewhere whole; of large ones only what the execution changes."""
        if self.net is not None and self.shelf is not None:
            for held in self.shelf.durable:
                if held.writes and held.store.stored_bytes <= WHOLE_BYTES:
                    self.net.note_whole(held.store, held.names[0])

    def _large_stores(self) -> dict[str, int]:
        """How many records large stores hold, by name: a resume on an empty disk misses them."""
        assert self.shelf is not None
        return {
            held.names[0]: held.store.count()
            for held in self.shelf.durable
            if held.writes and held.store.stored_bytes > WHOLE_BYTES
        }

    def _carrier(self, sync: Checkpoints) -> Carrier | None:
        elsewhere = self.request.elsewhere
        if elsewhere is None or self.net is None:
            return None
        return Carrier(elsewhere, self.lease, self.net, sync, self.request.clock)

    def _new_writer(self, path: Path) -> JournalWriter:
        elsewhere = self.request.elsewhere
        if elsewhere is None or not elsewhere.can_append:
            return JournalWriter(self.disk, path, self.executor)
        epoch = None if self.lease is None else self.lease.epoch
        return ShippedWriter(self.disk, path, self.executor, elsewhere, epoch)

    def _new_start(self) -> StartFacts:
        request = self.request
        now = self._now()
        return StartFacts(
            schema_version=SCHEMA_VERSION,
            execution_id=new_execution_id(),
            mission=request.mission,
            started_at=now,
            seed=new_seed(),
            attempt=1,
            attempt_at=now,
            stores=describe(request.stores),
            durability=request.durability,
            trigger=request.trigger,
            engine=_version(),
            program=None if request.program is None else request.program.to_json(),
            owner=self.owner,
            lets=dict(request.lets),
            notes=self._notes(),
            retry_of=request.retry_of,
        )

    def _notes(self) -> dict[str, Any]:
        large = {} if self.net is None else self._large_stores()
        return {**self.request.notes, **({LARGE_STORES: large} if large else {})}

    def _next_start(self, resumed: _Resumed) -> StartFacts:
        request = self.request
        before = resumed.recovered.state.start
        program = before.program if request.program is None else request.program.to_json()
        if before.program is not None and program is not None:
            old, new = before.program.get("planHash"), program.get("planHash")
            if old != new:
                program = {**program, "resumedFromPlanHash": old}
        return msgspec.structs.replace(
            before,
            attempt=before.attempt + 1,
            attempt_at=self._now(),
            stores=describe(request.stores),
            durability=request.durability,
            engine=_version(),
            lets=lets_that_count(before.lets, before.program, request.program),
            program=program,
            owner=self.owner,
            forced=before.forced or request.force,
            completed=resumed.recovered.state.ended == "completed",
        )

    def _create(self) -> str:
        """Find a free file name, and create the journal where there is to be one. Blocks."""
        request, paths = self.request, self.request.paths
        newest = StateReader(paths.root).latest(request.mission)
        behind = None if newest is None else Stem.parse(newest.path.stem)
        for stem in stems_behind(behind, request.mission, request.clock.now()):
            places = (paths.record(stem), paths.journal(stem), paths.blobs(stem))
            if any(map(os.path.lexists, places)):
                continue
            if not request.journaled:
                return stem
            try:
                fd = self.disk.create(paths.journal(stem))
            except FileExistsError:
                continue
            except OSError as error:
                raise unwritable(paths.journal(stem), error) from error
            self.writer = self._new_writer(paths.journal(stem))
            self.writer.attach(fd, 0, 0, durable=0)
            self._keep_name(paths.journal(stem))
            return stem
        raise AssertionError("there is always another name")

    def _keep_name(self, journal: Path) -> None:
        """A power failure must not leave a record whose journal has lost its name."""
        try:
            self.disk.sync_folder(journal.parent)
        except OSError as error:
            raise unwritable(journal, error) from error

    def _reopen(self, resumed: _Resumed) -> None:
        """Open the journal at the end of its good frames, and make those durable. Blocks."""
        path = self.request.paths.journal(resumed.stem)
        extent = resumed.recovered.extent
        fd = self.disk.open_append(path)
        self.writer = self._new_writer(path)
        self.writer.attach(fd, extent.size, resumed.number, durable=0)
        if extent.torn:
            self.disk.truncate(fd, extent.size)
        self.disk.fdatasync(fd)
        self.writer.durable = resumed.number


def _totals(sync: Mapping[str, Mapping[str, Any]], execution_id: str) -> dict[str, int]:
    """Items that earlier executions synced, by key."""
    totals: dict[str, int] = {}
    for key, entry in sync.items():
        total = entry.get("totalItemsSynced", entry.get("itemsSynced", 0))
        own = entry.get("itemsSynced", 0) if entry.get("executionId") == execution_id else 0
        if isinstance(total, int) and isinstance(own, int):
            totals[key] = max(0, total - own)
    return totals


@contextlib.contextmanager
def _no_collection() -> Generator[None]:
    """Reading a million records makes no garbage, but three of four seconds went into looking."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _version() -> str:
    try:
        return version("reqon")
    except PackageNotFoundError:
        return ""


def _ignore(frame: Frame) -> None:
    del frame
