"""A run that is cut at any file operation and resumed ends as if nothing had happened."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.crash_disk import CountingDisk, DyingDisk
from reqon.state.reader import StateReader
from support.scripted_run import (
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


def undisturbed(root: Path, name: str, **options: Any) -> tuple[dict[str, Any], int, World]:
    """Outcome, number of file operations and world of a run that nothing disturbs."""
    disk, world = CountingDisk(), World()
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("durability", ["strict", "balanced", "relaxed"])
@pytest.mark.parametrize("name", ["Customers", "Orders"])
def test_dying_at_every_operation_changes_nothing(
    tmp_path: Path, name: str, durability: str
) -> None:
    expected, count, world = undisturbed(tmp_path / "whole", name, durability=durability)
    assert leftovers(tmp_path / "whole") == []
    for at in range(1, count + 1):
        for after in (False, True):
            root = tmp_path / f"{at}-{after}"
            disk, cut_world = DyingDisk(at, after=after), World()
            found = cut_and_resumed(root, name, disk, cut_world, durability=durability)
            assert found == expected, f"died {'after' if after else 'before'} {at} {disk.names[-1]}"
            assert cut_world.effects == world.effects
            assert cut_world.bodies == world.bodies
            shutil.rmtree(root)
