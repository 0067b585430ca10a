"""A run that is cut at any file operation and resumed ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import ConfigError, ReqonError, StorageError
from reqon.journal.session import ResumeChoice, Timing, open_session
from reqon.state.reader import StateReader
from support.crash_disk import CountingDisk, DyingDisk, ExitingDisk, FailingDisk
from support.scripted_run import (
    PATIENT,
    Mission,
    World,
    customers,
    leftovers,
    orders,
    outcome,
    request_for,
    run,
    until_complete,
)

MISSIONS: dict[str, Mission] = {"Customers": customers, "Orders": orders}


def undisturbed(
    root: Path, name: str, disk: CountingDisk | None = None, **options: Any
) -> tuple[dict[str, Any], int, World]:
    """Outcome, number of file operations and world of a run that nothing disturbs."""
    disk, world = disk or CountingDisk(), World()
    assert run(request_for(root, name, **options), disk, MISSIONS[name], world) is not None
    return outcome(root, name), disk.count, world


def cut_and_resumed(
    root: Path, name: str, disk: DyingDisk, world: World, **options: Any
) -> dict[str, Any]:
    """Outcome of a run that dies once and is resumed until it completes."""
    if run(request_for(root, name, **options), disk, MISSIONS[name], world) is not None:
        return outcome(root, name)
    finished = is_completed(root, name)
    until_complete(root, name, MISSIONS[name], world, CountingDisk, **options)
    if not finished:
        assert leftovers(root) == []
    return outcome(root, name)


def is_completed(root: Path, name: str) -> bool:
    """Whether the record says so: only the removal of the journal was cut off then."""
    state = StateReader(root).latest(name)
    return state is not None and state.status == "completed"


def check_deaths(
    folder: Path,
    name: str,
    moments: list[tuple[int, bool]],
    expected: Any,
    world: World,
    **how: Any,
) -> None:
    """Die at each of these operations, before or after it; nothing may come out otherwise."""
    for at, after in moments:
        root = folder / f"{at}-{after}"
        disk, cut_world = DyingDisk(at, after=after), World()
        found = cut_and_resumed(root, name, disk, cut_world, **how)
        assert found == expected, f"died {'after' if after else 'before'} {at} {disk.names[-1]}"
        assert cut_world.effects == world.effects
        assert cut_world.bodies == world.bodies
        shutil.rmtree(root)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "durability", "step"),
    [("Customers", "balanced", 1), ("Customers", "strict", 5), ("Orders", "relaxed", 2)],
)
def test_dying_at_any_operation_changes_nothing(
    tmp_path: Path, name: str, durability: str, step: int
) -> None:
    expected, count, world = undisturbed(tmp_path / "whole", name, durability=durability)
    assert leftovers(tmp_path / "whole") == []
    moments = [(at, at // step % 2 == 0) for at in range(1, count + 1, step)]
    check_deaths(tmp_path, name, moments, expected, world, durability=durability)


@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("durability", ["strict", "balanced", "relaxed"])
@pytest.mark.parametrize("name", ["Customers", "Orders"])
def test_dying_before_and_after_every_operation_changes_nothing(
    tmp_path: Path, name: str, durability: str
) -> None:
    expected, count, world = undisturbed(tmp_path / "whole", name, durability=durability)
    moments = [(at, after) for at in range(1, count + 1) for after in (False, True)]
    check_deaths(tmp_path, name, moments, expected, world, durability=durability)


def compacting(**options: Any) -> Timing:
    """A journal that is begun anew whenever it has grown by a few frames."""
    return replace(PATIENT, grow_bytes=1500, **options)


@pytest.mark.timeout(300)
def test_dying_while_the_journal_is_begun_anew_changes_nothing(tmp_path: Path) -> None:
    timing = compacting()
    expected, count, world = undisturbed(tmp_path / "whole", "Customers", timing=timing)
    plain, plain_count, _ = undisturbed(tmp_path / "plain", "Customers")
    assert expected == plain
    assert count > plain_count + 50, "the journal was never begun anew"
    moments = [(at, at % 4 == 0) for at in range(1, count + 1, 2)]
    check_deaths(tmp_path, "Customers", moments, expected, world, timing=timing)


@pytest.mark.timeout(300)
def test_dying_again_while_it_recovers_changes_nothing(tmp_path: Path) -> None:
    timing = compacting()
    expected, count, _ = undisturbed(tmp_path / "whole", "Customers", timing=timing)
    rng = random.Random(1)
    for number in range(60):
        root, world = tmp_path / str(number), World()
        deaths = [rng.randint(1, count), *(rng.randint(1, 60) for _ in range(rng.randint(1, 4)))]
        for at in deaths:
            disk = DyingDisk(at, after=rng.random() < 0.5, torn=rng.random() < 0.3)
            request = request_for(root, "Customers", resume=ResumeChoice.IF_ANY, timing=timing)
            if is_completed(root, "Customers") or run(request, disk, customers, world) is not None:
                break
        until_complete(root, "Customers", customers, world, CountingDisk, timing=timing)
        assert outcome(root, "Customers") == expected, deaths
        shutil.rmtree(root)


@pytest.mark.timeout(300)
def test_a_torn_write_changes_nothing(tmp_path: Path) -> None:
    disk = CountingDisk()
    expected, _, world = undisturbed(tmp_path / "whole", "Customers", disk)
    writes = [at for at, name in enumerate(disk.names, 1) if name == "write"]
    for at in writes:
        root, cut_world = tmp_path / str(at), World()
        disk = DyingDisk(at, torn=True)
        assert cut_and_resumed(root, "Customers", disk, cut_world) == expected
        assert cut_world.effects == world.effects
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_process_that_really_ends_changes_nothing(tmp_path: Path) -> None:
    expected, count, _ = undisturbed(tmp_path / "whole", "Customers")
    for at in range(1, count + 1, 9):
        root = tmp_path / str(at)
        child = os.fork()
        if child == 0:
            disk = ExitingDisk(at, after=at % 2 == 0)
            run(request_for(root, "Customers"), disk, customers, World())
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 77
        until_complete(root, "Customers", customers, World(), CountingDisk)
        assert outcome(root, "Customers") == expected
        shutil.rmtree(root)


# ---------------------------------------------------------------- errors of the disk


async def attempt_to_the_end(
    root: Path, disk: FailingDisk, world: World
) -> tuple[str, ReqonError | None]:
    """One attempt as the engine makes it: an error ends it in order. Status and error."""
    session = None
    try:
        session = await open_session(request_for(root, "Customers"), disk)
        await customers(session, world, disk)
        record = await session.finish("completed")
        return record["status"], None
    except ReqonError as error:
        if session is None:
            return "not begun", error
        record = await session.finish("interrupted")
        return record["status"], error
    finally:
        if session is not None:
            await session.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_an_error_of_the_disk_is_told_and_loses_nothing(tmp_path: Path, code: int) -> None:
    expected, count, world = undisturbed(tmp_path / "whole", "Customers")
    for at in range(1, count + 1, 2 if code == errno.ENOSPC else 7):
        root, cut_world = tmp_path / str(at), World()
        disk = FailingDisk(at, code, lasting=code == errno.ENOSPC)
        status, error = asyncio.run(attempt_to_the_end(root, disk, cut_world))
        if error is not None:
            assert isinstance(error, StorageError | ConfigError)
            assert error.hint
        if status not in ("completed", "not begun"):
            assert status == "interrupted"
            state = StateReader(root).latest("Customers")
            assert state is not None
            if state.status == "completed":
                assert disk.names[at - 1] == "sync_folder", "the name of the last record"
            else:
                assert state.status == "interrupted"
        until_complete(root, "Customers", customers, cut_world, CountingDisk)
        assert outcome_without_errors(root) == outcome_without_errors(tmp_path / "whole")
        assert cut_world.effects == world.effects
        shutil.rmtree(root)
    assert expected["record"]["errors"] == []


def outcome_without_errors(root: Path) -> dict[str, Any]:
    """After a failure that was told, the record may keep it in `errors`."""
    found = outcome(root, "Customers")
    del found["record"]["errors"]
    return found
