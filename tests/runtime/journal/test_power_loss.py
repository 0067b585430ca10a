"""After a loss of power a resumed run ends as if nothing had happened; what was acknowledged stays.

And the other way round: a disk that leaves out a sync must be found out, or these tests prove
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import ReqonError
from reqon.journal.session import ResumeChoice, Session, open_session
from reqon.state.reader import StateReader
from support.crash_disk import CountingDisk
from support.power_loss import PowerLoss, TraceDisk
from support.scripted_run import (
    PATIENT,
    World,
    attempt,
    customers,
    outcome,
    request_for,
    run,
    until_complete,
)


class Recorded:
    """An undisturbed run on a recording disk."""

    def __init__(
        self,
        folder: Path,
        forgets: Callable[[str, Path], bool] = lambda name, path: False,
        **options: Any,
    ) -> None:
        self.options = options
        self.top = folder / "recorded"
        self.top.mkdir(parents=True)
        self.disk = TraceDisk(forgets)
        self.world = World()
        request = request_for(self.top / "state", "Customers", **options)
        self.moments: list[tuple[int, int]] = []
        assert asyncio.run(self._run(request)) is not None
        self.outcome = outcome(self.top / "state", "Customers")

    async def _run(self, request: Any) -> Any:
        class Watched(World):
            """Notes how long the trace was when something was acknowledged."""

        world = Watched()
        world.acknowledged = _Moments(self)
        return await attempt(request, self.disk, customers, world)

    def acknowledged(self, length: int) -> int:
        """Items whose checkpoint had been acknowledged when the trace was that long."""
        return max((index for at, index in self.moments if at <= length), default=0)


class _Moments(list[Any]):
    def __init__(self, recorded: Recorded) -> None:
        super().__init__()
        self.recorded = recorded

    def append(self, item: tuple[int, int]) -> None:
        self.recorded.moments.append((len(self.recorded.disk.trace), item[1]))


def resume_index(session: Session) -> int:
    """How many items of the second stage are done, as a resumed run sees it."""
    cells = session.state.cells
    return cells["1"]["index"] if "1" in cells else 0


async def looked_at(root: Path, **options: Any) -> int:
    """The index from which a resume would go on; nothing is run."""
    request = request_for(root, "Customers", resume=ResumeChoice.IF_ANY, **options)
    session = await open_session(request, CountingDisk())
    try:
        return resume_index(session)
    finally:
        await session.close()


def difference(recorded: Recorded, root: Path, length: int, rng: random.Random) -> str | None:
    """What is wrong after the power failed at this length of the trace; None if all is well."""
    PowerLoss(recorded.top, recorded.disk.trace[:length]).build(root, rng)
    state = root / "state"
    try:
        last = StateReader(state).latest("Customers")
        if last is None or last.status != "completed":
            index = asyncio.run(looked_at(state, **recorded.options))
            if index < recorded.acknowledged(length):
                return f"acknowledged {recorded.acknowledged(length)} items, {index} are left"
            until_complete(state, "Customers", customers, World(), CountingDisk, **recorded.options)
        found = outcome(state, "Customers")
        if last is not None and last.status == "completed":
            run(request_for(state, "Customers"), CountingDisk(), nothing, World())
            found = {**found, "files": outcome(state, "Customers")["files"]}
    except ReqonError as error:
        return f"refused: {error}"
    return None if found == recorded.outcome else "the outcome is another one"


async def nothing(session: Session, world: World, disk: Any) -> None:
    """A mission that does nothing: opening the session is what is wanted."""


def differences(recorded: Recorded, folder: Path, states: int, seed: int) -> list[str]:
    """What is wrong in so many states after a loss of power, at moments spread over the run."""
    rng = random.Random(seed)
    length = len(recorded.disk.trace)
    found: list[str] = []
    for number in range(states):
        root = folder / f"state-{number}"
        problem = difference(recorded, root, 1 + number * length // states, rng)
        if problem is not None:
            found.append(problem)
        shutil.rmtree(root, ignore_errors=True)
    return found


def check_states(folder: Path, durability: str, grow_bytes: int, states: int, seed: int) -> None:
    timing = replace(PATIENT, grow_bytes=grow_bytes)
    recorded = Recorded(folder, durability=durability, timing=timing)
    if durability == "relaxed":
        recorded.moments.clear()
    assert differences(recorded, folder, states, seed) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("durability", "grow_bytes", "states"),
    [
        ("balanced", 1500, 120),
        ("balanced", 1 << 24, 80),
        ("strict", 1 << 24, 40),
        ("relaxed", 1500, 40),
    ],
)
def test_a_loss_of_power_changes_nothing(
    tmp_path: Path, durability: str, grow_bytes: int, states: int
) -> None:
    check_states(tmp_path, durability, grow_bytes, states, seed=1)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("durability", ["strict", "balanced", "relaxed"])
@pytest.mark.parametrize("grow_bytes", [1500, 1 << 24])
def test_thousands_of_losses_of_power_change_nothing(
    tmp_path: Path, durability: str, grow_bytes: int, seed: int
) -> None:
    check_states(tmp_path, durability, grow_bytes, 350, seed)


FORGOTTEN: dict[str, Callable[[str, Path], bool]] = {
    "the sync of the journal": lambda name, path: name == "fdatasync",
    "the sync of replaced files": lambda name, path: name == "fsync",
    "the sync of the folder of stores": lambda name, path: (
        name == "sync_folder" and path.name == "stores"
    ),
    "the sync of the folder of journals": lambda name, path: (
        name == "sync_folder" and path.name == "execution"
    ),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", FORGOTTEN)
def test_a_sync_that_is_left_out_is_noticed(tmp_path: Path, what: str) -> None:
    timing = replace(PATIENT, grow_bytes=1500)
    recorded = Recorded(tmp_path, FORGOTTEN[what], timing=timing)
    found: list[str] = []
    for seed in range(20):
        with contextlib.suppress(AssertionError):
            found += differences(recorded, tmp_path, 40, seed)
        if found:
            break
    assert found, f"nobody noticed that {what} was missing"
