"""What a repair brings back, what it says is lost, and that nothing is thrown away."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reqon.journal.placeholders import NoSecrets
from reqon.journal.repair import RepairReport, repair
from reqon.journal.session import Barrier, ResumeChoice, open_session
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from support.crash_disk import CountingDisk, Died, DyingDisk
from support.scripted_run import (
    TestClock,
    World,
    customers,
    orders,
    outcome,
    request_for,
    run,
    sync_times,
    until_complete,
)


def repaired(root: Path, disk: Any = None) -> RepairReport:
    return repair(StatePaths(root), disk or CountingDisk(), TestClock(), NoSecrets())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A completed run, and one that died in the middle of its second part."""
    root = tmp_path / "state"
    run(request_for(root, "Customers"), CountingDisk(), customers, World())
    run(request_for(root, "Orders"), DyingDisk(38), orders, World())
    return root


def quarantined(root: Path) -> list[str]:
    return [found.path.name.split("Z")[-1] for found in StateReader(root).quarantine()]


def test_a_sound_folder_is_left_alone(root: Path) -> None:
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert repaired(root) == RepairReport()
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_a_journal_that_goes_with_the_end_of_its_run_is_not_missed(root: Path) -> None:
    gone = root / "execution" / "Orders-2024-01-20T09-00-59.journal"
    gone.symlink_to(root / "gone")  # still in the list of files, and not there when it is read
    assert repaired(root) == RepairReport()


def test_a_record_comes_back_from_its_journal(root: Path) -> None:
    (record,) = (root / "execution").glob("Orders*.json")
    before = StateReader(root).latest("Orders")
    record.write_bytes(b"{")
    report = repaired(root)
    assert "Orders" in report.repaired[0]
    after = StateReader(root).latest("Orders")
    assert before is not None
    assert after is not None
    assert after.execution_id == before.execution_id
    assert json.loads(record.read_text())["status"] == "interrupted"
    assert len(quarantined(root)) == 1
    assert repaired(root) == RepairReport()


def test_a_record_without_a_journal_is_said_to_be_lost(root: Path) -> None:
    (record,) = (root / "execution").glob("Customers*.json")
    record.write_bytes(b"\xff")
    report = repaired(root)
    assert "it is not utf-8" in report.lost[0].lower()
    assert not record.exists()


def test_sync_times_come_back_from_the_records(root: Path) -> None:
    before = sync_times(root)
    assert len(before) == 2
    (root / "sync-checkpoints.json").write_bytes(b"[")
    (root / ".sync-checkpoints.applied.json").write_bytes(b"[")
    report = repaired(root)
    assert len(report.repaired) == 2
    assert sync_times(root) == before
    assert repaired(root) == RepairReport()


def test_a_store_keeps_its_whole_lines_and_gets_the_rest_of_the_journals(root: Path) -> None:
    path = root / "stores/customers.json"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]) + b'"c7": {"id":"c\0\0\0' + b"".join(lines[8:12]))
    report = repaired(root)
    assert "7 records are kept, about 1 lines are not" in report.lost[0]
    assert "reqon checkpoints reset" in report.lost[0]
    kept = json.loads(path.read_text())
    assert len(kept) == 7
    until_complete(root, "Orders", orders, World(), CountingDisk)
    assert json.loads(path.read_text())["order-5"] == {"n": 5}


def test_lost_marks_are_made_so_that_nothing_is_undone(root: Path) -> None:
    expected = root.with_name("expected")
    shutil.copytree(root, expected)
    until_complete(expected, "Orders", orders, World(), CountingDisk)
    for path in (root / "stores").glob(".*.applied.json"):
        path.write_bytes(b"nonsense")
    assert len(repaired(root).repaired) == 1
    until_complete(root, "Orders", orders, World(), CountingDisk)
    assert outcome(root, "Orders") == outcome(expected, "Orders")


def test_marks_lost_after_another_run_keep_that_runs_work(root: Path) -> None:
    """`Orders` is dead, `Customers` has redone its work and written over some of it since."""

    async def later() -> None:
        session = await open_session(
            request_for(root, "Customers", clock=TestClock(TestClock().moment.replace(year=2025))),
            CountingDisk(),
        )
        unit = session.unit()
        unit.put("customers", "c0", {"id": "c0", "later": True})
        await unit.commit("c", Barrier.SYNC)
        await session.finish("completed")
        await session.close()

    asyncio.run(later())
    (root / "stores/.customers.applied.json").write_bytes(b"{")
    repaired(root)

    async def resumed() -> Any:
        request = request_for(root, "Orders", resume=ResumeChoice.ONLY)
        session = await open_session(request, CountingDisk())
        found = session.stores["customers"].get("c0")
        await session.close()
        return found

    assert asyncio.run(resumed()) == {"id": "c0", "later": True}


def test_a_store_that_is_being_written_is_left(root: Path) -> None:
    async def busy() -> RepairReport:
        session = await open_session(request_for(root, "Customers"), CountingDisk())
        (root / "stores/customers.json").write_bytes(b"{")
        report = await asyncio.to_thread(repaired, root)
        await session.close()
        return report

    report = asyncio.run(busy())
    assert "is being written" in report.left[0]


def test_a_damaged_journal_is_told_and_left(root: Path) -> None:
    (journal,) = (root / "execution").glob("*.journal")
    content = journal.read_bytes()
    journal.write_bytes(content.replace(b'"kind"', b'"k1nd"').replace(b'"n":3,', b'"n":9,', 1))
    before = journal.read_bytes()
    report = repaired(root)
    assert journal.read_bytes() == before
    assert "--force" in report.left[0]


def test_a_repair_may_die_anywhere(root: Path, tmp_path: Path) -> None:
    for name in (
        "stores/customers.json",
        "stores/.customers.applied.json",
        "sync-checkpoints.json",
    ):
        (root / name).write_bytes(b"{")
    whole = tmp_path / "whole"
    shutil.copytree(root, whole)
    disk = CountingDisk()
    repaired(whole, disk)
    for at in range(1, disk.count + 1):
        cut = tmp_path / str(at)
        shutil.copytree(root, cut)
        with pytest.raises(Died):
            repaired(cut, DyingDisk(at, after=at % 2 == 0))
        repaired(cut)
        for name in ("stores/customers.json", "sync-checkpoints.json"):
            assert (cut / name).read_bytes() == (whole / name).read_bytes()
        until_complete(cut, "Orders", orders, World(), CountingDisk)
