"""How far a loop runs ahead of what is on the disk, and what is told when."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from reqon.events.model import CheckpointSaved, Progressed, Stamped
from reqon.journal.disk import Disk
from reqon.journal.frames import decode_line
from support.missions import lab

EVERY = 3
MISSION = """
mission Count {
  OPTION
  store seen: file("seen")
  action Go {
    for n in range(1, 24) checkpoint every 3 CLAUSE { store { id: n } -> seen { key: .id } }
  }
  run Go
}
"""


class SlowDisk(Disk):
    """Notes up to which iteration frames are appended, and up to which they are synced.

    A sync ends as soon as two checkpoints are appended that are not on the disk, or no more come.
    """

    def __init__(self) -> None:
        self.appended = 0
        self.durable = 0
        self.ahead: list[int] = []

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        frame = decode_line(bytes(data))
        if frame is not None and frame.summary is not None and frame.summary.active is not None:
            self.appended = frame.summary.active.get("index", self.appended)
            self.ahead.append(self.appended - self.durable)
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        appended = self.appended
        for _ in range(10):
            if self.appended - self.durable < 2 * EVERY:
                time.sleep(0.002)
        super().fdatasync(fd)
        self.durable = appended


class Teller:
    """Keeps what it is told, each with what was on the disk at that moment."""

    def __init__(self, disk: SlowDisk) -> None:
        self.saved: list[tuple[int, int]] = []
        self.progress: list[int] = []
        self._disk = disk

    def receive(self, stamped: Stamped) -> None:
        match stamped.event:
            case CheckpointSaved(index=index):
                self.saved.append((index, self._disk.durable))
            case Progressed(current=current):
                self.progress.append(current)
            case _:
                pass


async def run(folder: Path, option: str = "", clause: str = "") -> tuple[SlowDisk, Teller]:
    disk = SlowDisk()
    teller = Teller(disk)
    async with lab(folder) as made:
        text = MISSION.replace("OPTION", option).replace("CLAUSE", clause)
        result = await made.run(text, disk=disk, sinks=[teller])
    assert result.status == "completed"
    assert len(made.store("seen")) == 24
    return disk, teller


async def test_a_loop_goes_on_while_one_checkpoint_is_written(tmp_path: Path) -> None:
    disk, _ = await run(tmp_path)
    assert max(disk.ahead) == 2 * EVERY


async def test_under_strict_it_waits_for_each_commit(tmp_path: Path) -> None:
    disk, _ = await run(tmp_path, "stateDurability: strict")
    assert max(disk.ahead) <= EVERY


@pytest.mark.parametrize("clause", ["", "parallel 2"])
@pytest.mark.parametrize("option", ["", "stateDurability: strict"])
async def test_a_checkpoint_is_told_when_it_is_on_the_disk(
    tmp_path: Path, option: str, clause: str
) -> None:
    _, teller = await run(tmp_path, option, clause)
    indexes = [index for index, _ in teller.saved]
    assert indexes == sorted(indexes)
    assert indexes[-1] == 24
    assert all(index <= durable for index, durable in teller.saved)
    assert teller.progress == sorted(teller.progress)


async def test_an_action_is_complete_behind_its_checkpoints(tmp_path: Path) -> None:
    kinds: list[Any] = []

    class Kinds:
        def receive(self, stamped: Stamped) -> None:
            kinds.append(type(stamped.event).__name__)

    async with lab(tmp_path) as made:
        await made.run(MISSION.replace("OPTION", "").replace("CLAUSE", ""), sinks=[Kinds()])
    assert kinds.count("CheckpointSaved") == 24 / EVERY
    assert kinds.index("ActionCompleted") > max(
        at for at, kind in enumerate(kinds) if kind == "CheckpointSaved"
    )
