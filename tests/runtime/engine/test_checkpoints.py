"""How far a loop runs ahead of what is on the disk, and what is told when."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from reqon.events.model import CheckpointSaved, Progressed, Stamped
from reqon.journal.disk import Disk
from reqon.journal.frames import decode_line
from support.crash_disk import CountingDisk
from support.missions import lab

EVERY = 3
N = 90
MISSION = """
mission Count {
  OPTION
  store seen: file("seen")
  action Go {
    for n in range(1, 90) checkpoint every 3 CLAUSE { store { id: n } -> seen { key: .id } }
  }
  run Go
}
"""


class SlowDisk(Disk):
    """Notes up to which iteration frames are appended, and up to which they are synced.

    A checkpoint takes `write_seconds`; a sync ends when no more come for a while.
    """

    def __init__(self, write_seconds: float = 0.0) -> None:
        self.appended = 0
        self.durable = 0
        self.ahead: list[int] = []
        self._write_seconds = write_seconds

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        frame = decode_line(bytes(data))
        if frame is not None and frame.summary is not None and frame.summary.active is not None:
            self.appended = frame.summary.active.get("index", self.appended)
            self.ahead.append(self.appended - self.durable)
            time.sleep(self._write_seconds)
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        appended = seen = self.appended
        while time.sleep(0.001 + 3 * self._write_seconds) or self.appended != seen:
            seen = self.appended
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


async def run(
    folder: Path, option: str = "", clause: str = "", disk: SlowDisk | None = None
) -> tuple[SlowDisk, Teller]:
    disk = disk or SlowDisk()
    teller = Teller(disk)
    async with lab(folder) as made:
        text = MISSION.replace("OPTION", option).replace("CLAUSE", clause)
        result = await made.run(text, disk=disk, sinks=[teller])
    assert result.status == "completed"
    assert len(made.store("seen")) == N
    return disk, teller


async def test_a_loop_goes_on_while_the_disk_is_written_but_not_for_long(tmp_path: Path) -> None:
    """At 10 ms a checkpoint it is stopped at the fifth or sixth that is not on the disk."""
    disk, _ = await run(tmp_path, disk=SlowDisk(0.01))
    assert EVERY < max(disk.ahead) <= 7 * EVERY


async def test_checkpoints_that_come_fast_share_a_sync(tmp_path: Path) -> None:
    disk = CountingDisk()
    async with lab(tmp_path) as made:
        await made.run(MISSION.replace("OPTION", "").replace("CLAUSE", ""), disk=disk)
    assert disk.names.count("fdatasync") < N / EVERY / 2


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
    assert indexes[-1] == N
    assert all(index <= durable for index, durable in teller.saved)
    assert teller.progress == sorted(teller.progress)


async def test_an_action_is_complete_behind_its_checkpoints(tmp_path: Path) -> None:
    kinds: list[Any] = []

    class Kinds:
        def receive(self, stamped: Stamped) -> None:
            kinds.append(type(stamped.event).__name__)

    async with lab(tmp_path) as made:
        await made.run(MISSION.replace("OPTION", "").replace("CLAUSE", ""), sinks=[Kinds()])
    assert kinds.count("CheckpointSaved") == N / EVERY
    assert kinds.index("ActionCompleted") > max(
        at for at, kind in enumerate(kinds) if kind == "CheckpointSaved"
    )
