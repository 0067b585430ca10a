"""Copies of executions that die half-way: repeated, they end as if nothing had happened.

Where a run goes on with half a copy instead, it has all that it needs, or begins from the start.
`REQON_CRASH_SEED` chooses which moments the short form takes; the deep form takes all.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reqon import set_state_store
from reqon.state.paths import StatePaths
from reqon.state_stores.sqlite import SqliteStateStore
from support.copied_states import (
    KINDS,
    PARTS,
    DyingStore,
    KeepingStore,
    Parts,
    Past,
    differences,
    files,
    ids,
    kept,
    make_past,
    pull,
    push,
    stored_parts,
)
from support.copy_desk import MANY, Desk, nothing
from support.crash_disk import CountingDisk, Died, DyingDisk
from support.crash_processes import KILLED, Process
from support.crash_runs import seed_of

N_DEATHS = 12
ALL_PARTS = {part["id"] for part in PARTS} | {"mark"}
PULLS = [("empty", 0), ("behind", 1), ("empty", 1)]
PUSHES = [("first", None), ("later", 0), ("later", None)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with Parts().serve() as parts:
        yield make_past(tmp_path_factory.mktemp("past"), parts)


class Copies:
    """Throw-away copies of a folder of the past."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def of(self, paths: StatePaths) -> StatePaths:
        self._number += 1
        made = StatePaths(self._folder / str(self._number))
        shutil.copytree(paths.root, made.root)
        return made


def chosen(moments: list[tuple[int, str]], name: str, *, deep: bool) -> list[tuple[int, str]]:
    """Some of the moments to die at, or all."""
    if deep:
        return moments
    chance = random.Random(f"copies {seed_of()} {name}")
    return sorted(chance.sample(moments, min(N_DEATHS, len(moments))))


def check_pull(past: Past, tmp_path: Path, kind: str, case: tuple[str, int], *, deep: bool) -> None:
    copies, wrap = Copies(tmp_path), KINDS[kind]
    start: StatePaths = getattr(past, case[0])
    target, disk = copies.of(start), CountingDisk()
    pull(target, wrap(copy.deepcopy(past.stores[kind][case[1]])), disk)
    wanted = files(target)
    numbers = range(1, disk.count + 1)
    moments = [(n, moment) for n in numbers for moment in ("before", "after", "torn")]
    for at, moment in chosen(moments, f"pull {kind} {case}", deep=deep):
        death = f"REQON_CRASH_SEED={seed_of()}: {moment} operation {at}, {disk.names[at - 1]}"
        store = copy.deepcopy(past.stores[kind][case[1]])
        target = copies.of(start)
        with pytest.raises(Died):
            pull(
                target,
                wrap(store),
                DyingDisk(at, after=moment == "after", torn=moment == "torn"),
            )
        half = copies.of(target)
        assert pull(target, wrap(store)).complete, death
        assert differences(files(target), wanted) == [], death
        check_going_on(past, half, store, wrap, death)


def check_going_on(
    past: Past, half: StatePaths, store: KeepingStore, wrap: Callable[[Any], Any], death: str
) -> None:
    """A resume in a folder with half a copy; then the copy goes on, and back."""
    assert past.parts.run(half, resume=True).status == "completed", death
    assert stored_parts(half) == ALL_PARTS, death
    reports = [pull(half, wrap(store)), push(half, wrap(store))]
    assert not any(report.damaged or report.running for report in reports), (death, reports)
    found = ids(half)
    assert len(set(found)) == len(found), death
    assert sorted(kept(store)) == found, death


def check_push(
    past: Past, tmp_path: Path, kind: str, case: tuple[str, int | None], *, deep: bool
) -> None:
    copies, wrap = Copies(tmp_path), KINDS[kind]
    start: StatePaths = getattr(past, case[0])
    before = KeepingStore() if case[1] is None else past.stores[kind][case[1]]
    store = copy.deepcopy(before)
    counting = DyingStore(store, 10_000)
    push(copies.of(start), wrap(counting))
    wanted = kept(store)
    numbers = range(1, counting.count + 1)
    moments = [(n, moment) for n in numbers for moment in ("before", "after")]
    for at, moment in chosen(moments, f"push {kind} {case}", deep=deep):
        death = f"REQON_CRASH_SEED={seed_of()}: {moment} call {at} of the store"
        store, origin = copy.deepcopy(before), copies.of(start)
        with pytest.raises(Died):
            push(origin, wrap(DyingStore(store, at, after=moment == "after")))
        half = copy.deepcopy(store)
        half.end_leases()
        assert push(origin, wrap(store)).complete, death
        assert differences(kept(store), wanted) == [], death
        if case[0] == "first":  # later nothing is left to go on with
            check_going_on_from(past, copies.of(past.empty), wrap(half), death)


def check_going_on_from(past: Past, empty: StatePaths, half: Any, death: str) -> None:
    """A run on an empty disk, with half a copy as its state store."""
    set_state_store(half)
    try:
        assert past.parts.run(empty, resume=True).status == "completed", death
    finally:
        set_state_store(None)
    assert stored_parts(empty) == ALL_PARTS, death


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PULLS, ids=str)
def test_a_pull_that_died(past: Past, tmp_path: Path, kind: str, case: tuple[str, int]) -> None:
    check_pull(past, tmp_path, kind, case, deep=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PUSHES, ids=str)
def test_a_push_that_died(
    past: Past, tmp_path: Path, kind: str, case: tuple[str, int | None]
) -> None:
    check_push(past, tmp_path, kind, case, deep=False)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PULLS, ids=str)
def test_pulls_that_died_anywhere(
    past: Past, tmp_path: Path, kind: str, case: tuple[str, int]
) -> None:
    check_pull(past, tmp_path, kind, case, deep=True)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PUSHES, ids=str)
def test_pushes_that_died_anywhere(
    past: Past, tmp_path: Path, kind: str, case: tuple[str, int | None]
) -> None:
    check_push(past, tmp_path, kind, case, deep=True)


def test_no_sync_time_goes_without_what_was_synced(past: Past, tmp_path: Path) -> None:
    """The killed execution has synced, and neither copy of it can be read."""
    sync = json.loads(past.first.sync_checkpoints.read_bytes())["API-/parts"]
    origin, store = Copies(tmp_path).of(past.first), KeepingStore()
    journal = max(origin.execution.glob("Parts-*.journal"))
    journal.write_bytes(b"x" + journal.read_bytes()[1:])
    report = push(origin, store)
    assert [c.execution_id for c in report.copied if c.problem] == [sync["executionId"]]
    assert (report.sync, list(report.kept)) == ([], ["sync checkpoint API-/parts"])
    assert not any("syncCheckpoints" in state for state in kept(store).values())

    store = copy.deepcopy(past.stores["whole"][0])
    state = store.load(sync["executionId"])
    assert state is not None
    state["resume"]["frame"] = "x" + state["resume"]["frame"][1:]
    store.save(state)
    target = StatePaths(tmp_path / "target")
    report = pull(target, store)
    assert list(report.damaged) == [sync["executionId"]]
    assert (report.sync, list(report.kept)) == ([], ["sync checkpoint API-/parts"])
    assert not target.sync_checkpoints.exists()


class ContestedStore(SqliteStateStore):
    """Its leases run out at the wrong moment, and another machine takes the missions over."""

    def save(self, state: dict[str, Any]) -> bool:
        self.release(state["mission"], state["epoch"])
        self.acquire(state["mission"], "another machine", 60)
        return super().save(state)


def test_a_mission_that_is_taken_over_meanwhile_is_skipped(past: Past, tmp_path: Path) -> None:
    store = ContestedStore(tmp_path / "state.db")
    report = push(past.first, store)
    assert report.running == [("Other", None), ("Parts", None)]
    assert (report.copied, report.complete, kept(store)) == ([], False, {})


def test_processes_that_are_killed_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere/state.db"
    desk = Desk(tmp_path, "sqlite", f"sqlite://{file}")
    assert desk.run().code == 0
    assert desk.run(BAD="5").code == 1
    desk.kill_one()
    assert desk.reqon("checkpoints", "set", "API-/parts", "2024-01-01T00:00:00Z").code == 0
    records = desk.folder / ".vague-data/execution"

    def kept_elsewhere() -> int:
        if not file.exists():
            return 0
        with closing(sqlite3.connect(file)) as db:
            found = db.execute("select count(*) from sqlite_master where name = 'reqon_states'")
            if found.fetchone() == (0,):
                return 0
            return db.execute("select count(*) from reqon_states").fetchone()[0]

    def pulled() -> int:
        return len(list(records.glob("*.json"))) + len(list(records.glob("*.journal")))

    def kill(way: str, due: Callable[[], bool]) -> int:
        with Process(["state", way, "--state-store", "sqlite"], desk.folder, desk.env) as process:
            process.signal_when(signal.SIGKILL, due)
            return process.wait().code

    codes = [kill("push", lambda n=n: kept_elsewhere() >= n) for n in (1, 2, 3)]
    assert KILLED in codes
    desk.copy("push")
    assert nothing(desk.copy("push"))
    before = desk.history()
    desk.wipe()
    codes = [kill("pull", lambda n=n: pulled() >= n) for n in (1, 3, 5)]
    assert KILLED in codes
    desk.copy("pull")
    assert nothing(desk.copy("pull"))
    names = ("executionId", "status", "seq", "attempts")
    assert [[one.get(name) for name in names] for one in desk.history()] == [
        [one.get(name) for name in names] for one in before
    ]
    resumed = desk.run("--resume-only", **MANY)
    assert resumed.code == 0, resumed
    assert desk.numbers().keys() == {str(n) for n in range(1, int(MANY["UP_TO"]) + 1)}
