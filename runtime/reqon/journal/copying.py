"""Copying executions between a state folder and a state store elsewhere, mission by mission.

    async with taken(paths, disk, elsewhere, mission) as grip:      # nobody runs it meanwhile
        await Push(…).mission()

What is newer stays, on either side; doing it again changes nothing, and what a killed copy left
undone the next one does. Sync times only go forward. Nothing here runs or ends an execution.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reqon.clock import Clock
from reqon.errors import ConfigError, RefusedError, StateStoreError, TakenOverError
from reqon.journal.applied import read_marks
from reqon.journal.applying import apply_journal
from reqon.journal.carrying import EPOCH, RESUME, SYNC
from reqon.journal.comparing import Age, Copy
from reqon.journal.disk import Disk
from reqon.journal.elsewhere import Elsewhere, State
from reqon.journal.fetching import Home, journal_of, record_of, start_of, write_home
from reqon.journal.held import described
from reqon.journal.lease import Lease, owner_of, take_lease
from reqon.journal.locks import FileLock, process_facts, read_owner
from reqon.journal.packing import Packer
from reqon.journal.placeholders import SecretBook
from reqon.journal.request import Timing
from reqon.journal.sync_checkpoints import (
    Checkpoints,
    later_keys,
    merge_sync_checkpoints,
    read_sync_checkpoints,
)
from reqon.state.liveness import COPYING, DOING
from reqon.state.model import ExecutionState, to_state
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state.record import as_object, cleaned
from reqon.state.updating import with_frames
from reqon.stores.registry import make_store

_NEWER_THERE = "what is there already is newer"
_APART = (
    "here and there it went on in different ways; neither is overwritten: complete one of the two, "
    "or remove the one that is not wanted (`reqon cleanup`, there with --state-store)"
)
_WOULD_TAKE = "what is there could be resumed, and this could not"


@dataclass(frozen=True, slots=True)
class Copied:
    """An execution that was copied. `problem` is why no resume goes with it though it has one."""

    mission: str
    execution_id: str
    status: str
    started_at: str
    resumable: bool
    problem: str | None = None


@dataclass(slots=True)
class CopyReport:
    """What a copy did: `kept` says by id, or by sync key, why something stayed as it was there.

    `running` are missions with the execution that was seen; `damaged` by id or file, with reasons;
    `sync` the keys whose times went forward.
    """

    copied: list[Copied] = field(default_factory=list[Copied])
    kept: dict[str, str] = field(default_factory=dict[str, str])
    running: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])
    damaged: dict[str, str] = field(default_factory=dict[str, str])
    sync: list[str] = field(default_factory=list[str])
    stores_stayed: bool = False

    @property
    def left_behind(self) -> set[str]:
        """Executions, by id, that are not there as they are here."""
        parted = {what for what, reason in self.kept.items() if reason != _NEWER_THERE}
        return parted | set(self.damaged) | {c.execution_id for c in self.copied if c.problem}

    @property
    def complete(self) -> bool:
        """Whether everything is there now that could be."""
        return not self.running and not self.damaged and not any(c.problem for c in self.copied)


@dataclass(frozen=True, slots=True)
class Places:
    """The folder, the store, and what is needed to go between them."""

    paths: StatePaths
    disk: Disk
    clock: Clock
    secrets: SecretBook
    elsewhere: Elsewhere


@dataclass(frozen=True, slots=True)
class Grip:
    """A mission that nobody runs; `lease` where the store lends missions."""

    mission: str
    lease: Lease | None


@contextlib.asynccontextmanager
async def taken(places: Places, mission: str, report: CopyReport) -> AsyncGenerator[Grip | None]:
    """Keep others from running the mission; None, and a line in the report, where it runs."""
    paths, elsewhere = places.paths, places.elsewhere
    places.disk.make_folder(paths.locks)
    lock = FileLock(paths.mission_lock(mission), places.disk)
    if not lock.try_acquire():
        report.running.append((mission, read_owner(lock.path).get("executionId")))
        yield None
        return
    lease: Lease | None = None
    try:
        lock.write_owner({"mission": mission, **process_facts(), DOING: COPYING})
        if elsewhere.can_lease:
            owner = owner_of(process_facts(), paths.root)
            try:
                lease = await take_lease(elsewhere, mission, owner, None, Timing())
            except RefusedError:
                report.running.append((mission, None))
                yield None
                return
            lease.keep(_ignore)
        try:
            yield Grip(mission, lease)
        except TakenOverError:
            report.running.append((mission, None))
    finally:
        try:
            if lease is not None:
                await lease.release()
        finally:
            lock.release()


def _ignore(error: StateStoreError) -> None:
    """A lease that is lost: the store refuses what is saved under it."""
    del error


# ---------------------------------------------------------------- into the store


class Push:
    """From the folder into the store; of one mission, whose grip is held."""

    def __init__(self, places: Places, grip: Grip, report: CopyReport) -> None:
        self._places = places
        self._grip = grip
        self._report = report

    async def mission(self, execution_id: str | None) -> None:
        """Copy all executions of the mission, or one; then the sync checkpoints."""
        places, mission = self._places, self._grip.mission
        reader = StateReader(places.paths.root, held=mission)
        for corrupt in reader.corrupt(mission) if execution_id is None else ():
            self._report.damaged[str(corrupt.path)] = corrupt.reason
        states = reader.history(mission)
        if execution_id is not None:
            states = [state for state in states if state.execution_id == execution_id]
        known = await self._known(states)
        newest = next(iter(known.values()), None)
        packer = Packer(
            places.paths,
            places.disk,
            places.clock,
            places.secrets,
            places.elsewhere,
            self._grip.lease,
            as_object((newest or {}).get(SYNC)) or {},
        )
        for state in reversed(states):
            await self._one(packer, state, known.get(state.execution_id))
        if states:
            sync = _own(read_sync_checkpoints(places.paths), mission)
            await self._sync(states[0].execution_id, sync)

    async def _known(self, states: Sequence[ExecutionState]) -> dict[str, State]:
        """What the store has, by id, the newest first."""
        elsewhere = self._places.elsewhere
        if elsewhere.can_list:
            found = list(await elsewhere.list(self._grip.mission, None, None))
        else:
            loaded = [await elsewhere.load(state.execution_id) for state in states]
            found = [state for state in loaded if state is not None]
        return {state["executionId"]: state for state in found}

    async def _one(self, packer: Packer, state: ExecutionState, known: State | None) -> None:
        elsewhere, execution_id = self._places.elsewhere, state.execution_id
        mine = Copy(state.record, state.resumable)
        theirs: Copy | None = None
        if known is not None:
            try:
                theirs = await _copy_of(known, elsewhere)
            except RefusedError as error:
                self._report.damaged[execution_id] = error.message
                return
            if not self._is_newer(execution_id, mine, theirs):
                return
        sending, problem = await self._packed(packer, state)
        mine = Copy(state.record, RESUME in sending)
        if theirs is not None and mine.age(theirs) is Age.SAME:
            self._report.damaged[execution_id] = problem or ""
        elif theirs is not None and mine.takes_away(theirs):
            self._report.kept[execution_id] = _WOULD_TAKE
        elif elsewhere.can_append and await elsewhere.read(execution_id, sending.get("seq", 0) + 1):
            self._report.kept[execution_id] = _APART
        else:
            await elsewhere.save(sending)
            self._report.copied.append(_copied(sending, problem))

    def _is_newer(self, execution_id: str, found: Copy, known: Copy) -> bool:
        return _is_newer(self._report, execution_id, found, known)

    async def _packed(self, packer: Packer, state: ExecutionState) -> tuple[State, str | None]:
        """The state, and why it is no more than the record where it should be."""
        if state.resumable:
            try:
                return await packer.whole(state), None
            except (ConfigError, RefusedError) as error:
                return packer.record_alone(state), error.message
        return packer.record_alone(state), None

    async def _sync(self, execution_id: str, sync: Checkpoints) -> None:
        """See to it that the newest state has the sync checkpoints: those are the ones that count.

        Last of all, as nobody is to sync from a time on whose records are not there yet. Not while
        the state may be running: what its run saves would be overwritten.
        """
        elsewhere = self._places.elsewhere
        if elsewhere.can_list:
            newest = next(iter(await elsewhere.list(self._grip.mission, 1, None)), None)
        else:
            newest = await elsewhere.load(execution_id)
        if newest is None:
            return
        there = as_object(newest.get(SYNC)) or {}
        lacking = _forward(self._report, there, sync)
        if not lacking or (newest["status"] == "running" and self._grip.lease is None):
            return
        epoch = {} if self._grip.lease is None else {EPOCH: self._grip.lease.epoch}
        merged = there | {key: sync[key] for key in lacking}
        await elsewhere.save({**newest, **epoch, SYNC: merged})
        self._report.sync += [key for key in lacking if key not in self._report.sync]


# ---------------------------------------------------------------- into the folder


class Pull:
    """From the store into the folder; of one mission, whose grip is held."""

    def __init__(self, places: Places, grip: Grip, report: CopyReport) -> None:
        self._places = places
        self._grip = grip
        self._report = report
        self._reader = StateReader(places.paths.root, held=grip.mission)
        self._writes_here = self._has_stores()

    async def mission(self, execution_id: str | None) -> None:
        """Copy all executions of the mission, or one; then the sync times that it has set."""
        elsewhere = self._places.elsewhere
        for corrupt in self._reader.corrupt(self._grip.mission) if execution_id is None else ():
            self._report.damaged[str(corrupt.path)] = corrupt.reason
        if execution_id is None:
            states = list(await elsewhere.list(self._grip.mission, None, None))
        else:
            loaded = await elsewhere.load(execution_id)
            states = [] if loaded is None else [loaded]
        for state in reversed(states):
            if state["status"] == "running" and self._grip.lease is None and execution_id is None:
                self._report.running.append((self._grip.mission, state["executionId"]))
            else:
                await self._one(state)
        if states and self._grip.mission not in {name for name, _ in self._report.running}:
            self._sync(states[0])

    async def _one(self, state: State) -> None:
        execution_id = state["executionId"]
        try:
            lines, contents = await journal_of(state, self._places.elsewhere)
        except RefusedError as error:
            self._report.damaged[execution_id] = error.message
            return
        if state["status"] == "running":
            state = {**state, "status": "interrupted"}
        home = Home(state, lines, contents)
        found = Copy(with_frames(record_of(state), lines), bool(lines))
        local = self._reader.record(execution_id, self._grip.mission)
        known = None if local is None else Copy(local.record, local.resumable)
        if known is not None and not _is_newer(self._report, execution_id, found, known):
            return
        if known is not None and found.takes_away(known):
            self._report.kept[execution_id] = _WOULD_TAKE
            return
        await self._write(home, found, local)

    async def _write(self, home: Home, found: Copy, local: ExecutionState | None) -> None:
        paths, disk = self._places.paths, self._places.disk
        stem = None if local is None else local.path.stem
        problem: str | None = None
        if home.lines:
            try:
                self._refuse_newer_stores(home, found)
                write_home(paths, disk, home, stem)
            except (ConfigError, RefusedError) as error:
                problem = error.message
                alone = replace(found, resumable=False)
                if local is not None and alone.age(Copy(local.record, local.resumable)) in (
                    Age.SAME,
                    Age.OLDER,
                ):
                    self._report.damaged[home.state["executionId"]] = problem
                    return
                home = Home(dict(found.record), [], {})
        if not home.lines:
            try:
                if local is not None and local.has_journal:
                    await apply_journal(
                        paths, disk, paths.journal(local.path.stem), self._places.secrets
                    )
                write_home(paths, disk, home, stem)
            except (ConfigError, RefusedError) as error:
                self._report.damaged[home.state["executionId"]] = error.message
                return
        shown: dict[str, Any] = dict(found.record)
        if home.lines:
            shown[RESUME] = True
        self._report.copied.append(_copied(shown, problem))

    def _refuse_newer_stores(self, home: Home, found: Copy) -> None:
        """What was written here after the execution stopped must not give way to its records."""
        paths = self._places.paths
        own = to_state(cleaned(found.record), paths.root, has_journal=True)
        for name, spec in described(start_of(home).stores).items():
            location = make_store(spec, paths).location
            marks = {} if location is None else read_marks(location)
            last = next(reversed(marks), own.execution_id)
            writer = None if last == own.execution_id else StateReader(paths.root).record(last)
            if writer is not None and writer.last_activity_at > own.last_activity_at:
                raise RefusedError(
                    f"the store '{name}' was written here by execution '{last}' since, and would "
                    "lose what that one stored"
                )

    # ---- sync checkpoints

    def _sync(self, newest: State) -> None:
        wanted = _own(as_object(newest.get(SYNC)) or {}, self._grip.mission)
        if self._writes_here:
            for key in later_keys(read_sync_checkpoints(self._places.paths), wanted):
                self._report.kept[f"sync checkpoint {key}"] = (
                    "the file stores here lack what was synced since; `reqon checkpoints set` "
                    "moves it all the same"
                )
            return
        known = read_sync_checkpoints(self._places.paths)
        forward = {key: wanted[key] for key in _forward(self._report, known, wanted)}
        keys = merge_sync_checkpoints(self._places.paths, self._places.disk, forward)
        self._report.sync += keys
        if keys and newest["status"] == "completed" and _has_records(newest):
            self._report.stores_stayed = True

    def _has_stores(self) -> bool:
        """Whether executions of the mission have written file stores of this folder."""
        paths = self._places.paths
        own = {state.execution_id for state in self._reader.history(self._grip.mission)}
        files = [path for path in paths.stores.rglob("*.json") if not path.name.startswith(".")]
        return any(own & set(read_marks(path)) for path in files)


# ---------------------------------------------------------------- both ways


async def _copy_of(state: State, elsewhere: Elsewhere) -> Copy:
    """What the store has; RefusedError for what is damaged."""
    lines, _ = await journal_of(state, elsewhere)
    return Copy(with_frames(record_of(state), lines), bool(lines))


def _is_newer(report: CopyReport, execution_id: str, found: Copy, known: Copy) -> bool:
    """Whether it is to be copied; what stays for another reason than being the same is told."""
    match found.age(known):
        case Age.NEWER:
            return True
        case Age.OLDER:
            report.kept[execution_id] = _NEWER_THERE
        case Age.APART:
            report.kept[execution_id] = _APART
        case Age.SAME:
            pass
    return False


def _own(entries: Mapping[str, Any], mission: str) -> Checkpoints:
    """The sync checkpoints that the mission has set, and those that were set by hand."""
    found = {key: as_object(entry) or {} for key, entry in entries.items()}
    return {key: entry for key, entry in found.items() if entry.get("mission") in (None, mission)}


def _forward(report: CopyReport, known: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The keys whose times go forward: not without the execution that has what was synced."""
    forward: list[str] = []
    for key in later_keys(known, found):
        execution_id = (as_object(found[key]) or {}).get("executionId")
        if execution_id in report.left_behind:
            report.kept[f"sync checkpoint {key}"] = f"what '{execution_id}' synced is not there"
        else:
            forward.append(key)
    return forward


def _copied(state: Mapping[str, Any], problem: str | None) -> Copied:
    return Copied(
        state["mission"],
        state["executionId"],
        state["status"],
        state["startedAt"],
        RESUME in state,
        problem,
    )


def _has_records(state: State) -> bool:
    stores = as_object(state.get("stores")) or {}
    return any((as_object(counts) or {}).get("count") for counts in stores.values())
