"""A run whose process dies at a file operation and is resumed ends as if nothing had happened.

The missions are the cases of `tests/spec/run`: each step kind has its shape there. Here a sample
of the operations is tried; `make test-deep` tries all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reqon.engine.run import ResumeChoice
from reqon.state.reader import StateReader
from support.crash_disk import CountingDisk, DyingDisk
from support.fake_api import FakeApi
from support.run_spec import Case, Outcome, World, cases, same_end

CASES = [
    case for case in cases(Path(__file__).parents[2] / "spec" / "run")
    if case.resumes and "missions" not in case.options
]  # fmt: skip


async def undisturbed(case: Case, folder: Path) -> tuple[Outcome, int]:
    folder.mkdir()
    disk = CountingDisk()
    async with FakeApi() as api:
        outcome = await World(case, folder, api).run(disk=disk)
    return outcome, disk.count


async def died_and_resumed(case: Case, folder: Path, disk: DyingDisk) -> Outcome | None:
    """None where the run had ended already: only cleaning up was cut off."""
    folder.mkdir()
    async with FakeApi() as api:
        world = World(case, folder, api)
        try:
            await world.run(disk=disk)
        except BaseException:  # noqa: BLE001 - what died takes whatever was running along
            assert disk.dead
        if _has_ended(world):
            return None
        return await world.run(resume=ResumeChoice.IF_ANY)


def _has_ended(world: World) -> bool:
    state = StateReader(world.state).latest(world.program.missions[-1].name)
    return state is not None and state.status == "completed"


async def sweep(case: Case, tmp_path: Path, first: int, step: int) -> None:
    expected, count = await undisturbed(case, tmp_path / "whole")
    for at in range(first, count + 1, step):
        folder = tmp_path / str(at)
        resumed = await died_and_resumed(case, folder, DyingDisk(at, after=at % 2 == 0))
        if resumed is not None and expected.result.status == "completed":
            assert not same_end(case, expected, resumed), f"died at operation {at} of {count}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_dying_at_some_operations_changes_nothing(case: Case, tmp_path: Path) -> None:
    await sweep(case, tmp_path, first=9 + len(case.title) % 11, step=11)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_dying_at_every_operation_changes_nothing(case: Case, tmp_path: Path) -> None:
    await sweep(case, tmp_path, first=1, step=1)
