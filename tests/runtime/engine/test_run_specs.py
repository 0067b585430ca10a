"""Every case of `tests/spec/run`: what a mission sends, stores and records.

Each is also interrupted after every write of its journal and resumed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fake_api import FakeApi
from support.run_spec import (
    Case,
    World,
    cases,
    interrupted_then_resumed,
    problems,
    same_end,
)

CASES = cases(Path(__file__).parents[2] / "spec" / "run")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("options", ["", "enableState: false", "stateDurability: strict"])
async def test_a_mission_does_what_its_page_says(case: Case, options: str, tmp_path: Path) -> None:
    if "enableState" in options and case.options.get("stateful"):
        options = "stateDurability: relaxed"
    async with FakeApi() as api:
        world = World(case, tmp_path, api, options)
        for mission in world.program.missions[:-1]:
            await world.run(mission.name)
        outcome = await world.run()
        if case.options.get("again"):
            api.requests.clear()
            outcome = await world.run()
    assert not problems(case, outcome)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.resumes], ids=lambda case: case.name
)
async def test_an_interrupted_mission_comes_to_the_same_end(case: Case, tmp_path: Path) -> None:
    undisturbed = await _undisturbed(case, tmp_path)
    for after in range(2, undisturbed.writes + 1):
        folder = tmp_path / f"after-{after}"
        folder.mkdir()
        async with FakeApi() as api:
            world = World(case, folder, api)
            for mission in world.program.missions[:-1]:
                await world.run(mission.name)
            name = world.program.missions[-1].name
            resumed = await interrupted_then_resumed(world, after, name)
        if resumed is not None:
            assert not same_end(case, undisturbed, resumed), f"interrupted after write {after}"


async def _undisturbed(case: Case, tmp_path: Path):
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    async with FakeApi() as api:
        world = World(case, folder, api)
        for mission in world.program.missions[:-1]:
            await world.run(mission.name)
        return await world.run()
