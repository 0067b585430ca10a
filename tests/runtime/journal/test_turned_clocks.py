"""The clock of the machine is turned: what ran last stays the newest, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reqon.journal.retention import Rules, clean_mission
from reqon.journal.session import Barrier, ResumeChoice, open_session
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.memory import MemoryStateStore
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import TestClock, request_for

NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)
"""The day on which the clocks of Europe go forward, and the last one of its month."""
DAY = timedelta(days=1)
JUMPS = (-DAY, DAY, -timedelta(hours=1), timedelta(hours=1), -timedelta(days=31))


async def execution(root: Path, at: datetime, ends: Any, jump: timedelta = timedelta()) -> str:
    """Run at a time, with a clock that is turned on the way; its id."""
    clock = TestClock(at)
    given = {"stores": {"a": StoreSpec("file", "a")}, "clock": clock, "program": None}
    session = await open_session(request_for(root, "M", **given), CountingDisk())
    unit = session.unit()
    unit.put("a", "k", {"at": str(at)})
    await unit.commit("c", Barrier.SYNC)
    clock.moment += jump
    unit.put("a", "k", {"at": str(at), "jump": str(jump)})
    await unit.commit("c", Barrier.SYNC)
    if ends is not None:
        await session.finish(ends)
    name = session.execution_id
    await session.close()
    return name


def run(root: Path, at: datetime, ends: Any, jump: timedelta = timedelta()) -> str:
    return asyncio.run(execution(root, at, ends, jump))


def ids(root: Path) -> list[str]:
    return [state.execution_id for state in StateReader(root).history("M")]


@pytest.mark.parametrize("back", [timedelta(), timedelta(hours=1), DAY, timedelta(days=400)])
def test_what_ran_last_is_the_newest(tmp_path: Path, back: timedelta) -> None:
    ran = [
        run(tmp_path, NOON, "interrupted"),
        run(tmp_path, NOON - back, "failed"),
        run(tmp_path, NOON - back / 2, "completed"),
    ]
    assert ids(tmp_path) == ran[::-1]
    assert StateReader(tmp_path).candidates("M") == [], "a later run has completed"


def test_a_name_that_became_free_is_not_given_again_before_newer_ones(tmp_path: Path) -> None:
    first, second = (run(tmp_path, NOON, "completed") for _ in range(2))
    for state in StateReader(tmp_path).history("M"):
        if state.execution_id == first:
            state.path.unlink()
    third = run(tmp_path, NOON, "interrupted")
    assert ids(tmp_path) == [third, second]


def test_once_the_clock_is_right_again_names_tell_the_time(tmp_path: Path) -> None:
    run(tmp_path, NOON, "completed")
    run(tmp_path, NOON - DAY, "completed")
    run(tmp_path, NOON + DAY, "completed")
    newest = StateReader(tmp_path).latest("M")
    assert newest is not None
    assert newest.path.name == "M-2024-04-01T12-00-00.json"


def test_a_file_with_an_impossible_date_in_its_name_is_passed_over(tmp_path: Path) -> None:
    run(tmp_path, NOON, "completed")
    (tmp_path / "execution" / "M-9999-99-99T99-99-99.json").write_bytes(b"\0")
    last = run(tmp_path, NOON + DAY, "interrupted")
    assert ids(tmp_path)[0] == last


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("ends", ["completed", "interrupted", None])
def test_a_clock_that_is_turned_while_a_mission_runs(
    tmp_path: Path, jump: timedelta, ends: str | None
) -> None:
    name = run(tmp_path, NOON, ends, jump)
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert (state.execution_id, state.status) == (name, ends or "interrupted")
    assert state.duration is None or state.duration >= timedelta()


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_cleanup_under_a_turned_clock_takes_nothing_young(
    tmp_path: Path, jump: timedelta
) -> None:
    ran = [run(tmp_path, NOON - timedelta(days=n), "completed") for n in (3, 2)]
    ran.append(run(tmp_path, NOON, "interrupted"))
    clock = TestClock(NOON + jump)
    rules = Rules(older_than=timedelta(days=7))
    clean_mission(StatePaths(tmp_path), CountingDisk(), clock, "M", rules)
    assert ids(tmp_path) == ran[::-1]


async def on_machine(folder: Path, store: MemoryStateStore, at: datetime, ends: Any) -> str:
    """Run, or go on, on a machine with an empty disk and a clock of its own; the id."""
    session = await open_session(
        request_for(
            folder,
            "M",
            stores={"a": StoreSpec("file", "a")},
            clock=TestClock(at),
            program=None,
            elsewhere=CarefulStore(store, "M"),
            resume=ResumeChoice.IF_ANY,
        ),
        CountingDisk(),
    )
    unit = session.unit()
    unit.put("a", "k", {"at": str(at)})
    await unit.commit("c", Barrier.SYNC)
    await session.finish(ends)
    name = session.execution_id
    await session.close()
    return name


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=1), DAY, timedelta(days=400)])
def test_what_ran_last_goes_on_though_the_clock_of_another_machine_is_ahead(
    tmp_path: Path, ahead: timedelta
) -> None:
    async def lives() -> None:
        store = MemoryStateStore()
        first = await on_machine(tmp_path / "1", store, NOON + ahead, "completed")
        second = await on_machine(tmp_path / "2", store, NOON, "interrupted")
        assert second != first
        assert await on_machine(tmp_path / "3", store, NOON + ahead, "failed") == second
        assert ids(tmp_path / "3")[0] == second
        assert await on_machine(tmp_path / "4", store, NOON, "completed") == second
        assert await on_machine(tmp_path / "5", store, NOON, "completed") not in (first, second)

    asyncio.run(lives())
