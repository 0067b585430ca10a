"""What cleaning takes, what it never takes, and that it runs by itself."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reqon.journal.applying import apply_journal
from reqon.journal.placeholders import NoSecrets
from reqon.journal.retention import Rules, clean_mission, clean_quarantine, lacking_store
from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.state.paths import StatePaths, stem_of
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk, Died, DyingDisk
from support.scripted_run import TestClock, request_for

NOW = datetime(2024, 6, 1, tzinfo=UTC)
STORES = {"a": StoreSpec("file", "a")}


async def begin(root: Path, at: datetime, **options: Any) -> Session:
    given = {"stores": STORES, "clock": TestClock(at), "program": None, **options}
    return await open_session(request_for(root, "M", **given), CountingDisk())


async def executed(root: Path, age_days: float, how: str) -> None:
    """An execution of some days ago: C completed, F failed, I interrupted, D died."""
    session = await begin(root, NOW - timedelta(days=age_days))
    unit = session.unit()
    unit.put("a", "k", {"age": age_days})
    unit.cell("big", unit.blob({"t": "x" * 70_000}))
    await unit.commit("c", Barrier.SYNC)
    if how != "D":
        ends = {"C": "completed", "F": "failed", "I": "interrupted"}
        await session.finish(ends[how])  # pyright: ignore[reportArgumentType]
    await session.close()


def made(root: Path, history: str) -> None:
    """Executions, oldest first, such as `C40 I30 C1`."""
    for word in history.split():
        asyncio.run(executed(root, float(word[1:]), word[0]))


def ages(root: Path) -> str:
    """What is there, oldest first, as `made` takes it."""
    letters = {"completed": "C", "failed": "F", "interrupted": "I", "running": "R"}
    states = reversed(StateReader(root).history("M"))
    return " ".join(
        f"{letters[s.status]}{abs((NOW - s.started_at).total_seconds()) / 86400:.0f}"
        for s in states
    )


def cleaned(root: Path, now: datetime = NOW, disk: Any = None, **rules: Any) -> Any:
    clock = TestClock(now)
    return clean_mission(StatePaths(root), disk or CountingDisk(), clock, "M", Rules(**rules))


WEEK = {"older_than": timedelta(days=7)}


@pytest.mark.parametrize(
    ("history", "rules", "left"),
    [
        ("C40 C30 C8 C6 C1", WEEK, "C6 C1"),
        ("C40 C30", WEEK, "C30"),
        ("C40", WEEK, "C40"),
        ("C40 F30 F20", WEEK, "C40 F20"),
        ("C40 I30", WEEK, "C40 I30"),
        ("I40 C30", WEEK, "C30"),
        ("I40 C30 C1", WEEK, "C1"),
        ("F40 F30 F20", WEEK, "F20"),
        ("F40 F30 F20", {**WEEK, "include_resumable": True}, ""),
        ("C40 F20", {**WEEK, "include_resumable": True}, "C40"),
        ("C5 C4 C3 C2", {"keep_last": 2}, "C3 C2"),
        ("C50 C40 C3 C2", {"keep_last": 1, **WEEK}, "C3 C2"),
        ("C5 C4 C3", {}, "C5 C4 C3"),
        ("C40 I30 F1", {"everything": True}, ""),
    ],
)
def test_what_goes_and_what_stays(tmp_path: Path, history: str, rules: Any, left: str) -> None:
    made(tmp_path, history)
    before = sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file())
    dry = cleaned(tmp_path, **rules, dry_run=True)
    assert ages(tmp_path) == history.replace("D", "I")
    result = cleaned(tmp_path, **rules)
    assert ages(tmp_path) == left
    assert len(result.removed) == len(history.split()) - len(left.split())
    assert [r.stem for r in dry.removed] == [r.stem for r in result.removed]
    after = sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file())
    assert result.freed_bytes == dry.freed_bytes == before - after
    assert json.loads((tmp_path / "stores/a.json").read_text())
    assert cleaned(tmp_path, **rules).removed == []


class OtherCleanup(CountingDisk):
    """Where another cleanup removes the journal as soon as the stores have all of it."""

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        for journal in path.parent.glob("execution/*.journal"):
            journal.unlink()


def test_what_another_cleanup_removes_meanwhile_is_not_missed(tmp_path: Path) -> None:
    made(tmp_path, "D40")
    journal = next((tmp_path / "execution").glob("*.journal"))
    asyncio.run(apply_journal(StatePaths(tmp_path), OtherCleanup(), journal, NoSecrets()))
    assert not journal.exists()


def test_work_that_a_store_lacks_stays_whatever_is_asked(tmp_path: Path) -> None:
    made(tmp_path, "D40")
    journal = next((tmp_path / "execution").glob("*.journal"))
    assert lacking_store(StatePaths(tmp_path), journal) == "a"
    result = cleaned(tmp_path, everything=True)
    assert ages(tmp_path) == "I40"
    assert list(result.kept.values()) == ["the store 'a' lacks some of its work"]
    asyncio.run(executed(tmp_path, 1, "C"))
    assert lacking_store(StatePaths(tmp_path), journal) is None
    cleaned(tmp_path, everything=True)
    assert ages(tmp_path) == ""


def test_what_runs_stays(tmp_path: Path) -> None:
    made(tmp_path, "C40")

    async def running() -> None:
        session = await begin(tmp_path, NOW - timedelta(days=39))
        result = cleaned(tmp_path, everything=True)
        assert ages(tmp_path) == "R39"
        assert len(result.running) == 1
        await session.close()

    asyncio.run(running())


def test_a_clock_that_went_back_takes_nothing(tmp_path: Path) -> None:
    made(tmp_path, "C40 C30 C20")
    result = cleaned(tmp_path, NOW - timedelta(days=25), older_than=timedelta(days=1))
    assert ages(tmp_path) == "C40 C30 C20"
    assert "before its newest execution" in result.warnings[0]
    result = cleaned(tmp_path, NOW + timedelta(days=400), older_than=timedelta(days=1))
    assert ages(tmp_path) == "C20"


def test_records_that_cannot_be_read_go_by_the_age_of_their_file(tmp_path: Path) -> None:
    made(tmp_path, "C40 C30 C20")
    oldest = min((tmp_path / "execution").glob("*.json"))
    oldest.write_bytes(b"\0")
    cleaned(tmp_path, older_than=timedelta(days=7))
    assert oldest.exists(), "its file is young"
    os.utime(oldest, (0, 0))
    result = cleaned(tmp_path, older_than=timedelta(days=7))
    assert not oldest.exists()
    assert [r.status for r in result.removed] == ["corrupt"]


def test_cleaning_may_die_anywhere_and_is_finished_by_the_next(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    made(origin, "C40 F30 I20 C10 F9 C1")
    whole = tmp_path / "whole"
    shutil.copytree(origin, whole)
    disk = CountingDisk()
    cleaned(whole, disk=disk, **WEEK)
    for at in range(1, disk.count + 1):
        root = tmp_path / str(at)
        shutil.copytree(origin, root)
        with pytest.raises(Died):
            cleaned(root, disk=DyingDisk(at, after=at % 2 == 0), **WEEK)
        StateReader(root).history()
        cleaned(root, **WEEK)
        assert files(root) == files(whole)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize(("retention", "left"), [(timedelta(days=7), "C6 C0"), (None, "C40 C6 C0")])
def test_retention_runs_after_each_success(tmp_path: Path, retention: Any, left: str) -> None:
    made(tmp_path, "C40 C6")

    async def run(status: Any) -> None:
        session = await begin(tmp_path, NOW, retention=retention, resume=ResumeChoice.IF_ANY)
        await session.finish(status)
        await session.close()

    asyncio.run(run("failed"))
    assert ages(tmp_path) == "C40 C6 F0"
    asyncio.run(run("completed"))
    assert ages(tmp_path) == left


def test_a_completed_execution_takes_two_kibibytes(tmp_path: Path) -> None:
    made(tmp_path, "C3")
    before = sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file())
    made(tmp_path, "C2")
    after = sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file())
    assert 500 < after - before <= 2048


def test_only_old_quarantine_goes(tmp_path: Path) -> None:
    folder = tmp_path / "quarantine"
    folder.mkdir(parents=True)
    for name, days in (("old", 40), ("young", 10)):
        (folder / name).write_text("data")
        (folder / f"{name}.reason").write_text('{"reason": "x"}')
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(folder / name, (moment, moment))
    paths, disk = StatePaths(tmp_path), CountingDisk()
    for dry_run in (True, False):
        freed = clean_quarantine(paths, disk, TestClock(NOW), timedelta(days=1), dry_run=dry_run)
        assert freed == 4
    assert sorted(path.name for path in folder.iterdir()) == ["young", "young.reason"]


def test_an_error_while_removing_does_not_undo_a_success(tmp_path: Path) -> None:
    class NoRemoval(CountingDisk):
        def around(self, number: int, name: str, act: Any) -> Any:
            if name in ("unlink", "rmdir"):
                raise PermissionError(13, "Permission denied")
            return act()

    async def run() -> Session:
        request = request_for(tmp_path, "M", stores=STORES, program=None)
        session = await open_session(replace(request, retention=timedelta(days=1)), NoRemoval())
        assert (await session.finish("completed"))["status"] == "completed"
        await session.close()
        return session

    session = asyncio.run(run())
    assert "could not be removed" in session.notices[0]
    assert list((tmp_path / "execution").glob("*.journal")) != []
    made(tmp_path, "C0")
    assert list((tmp_path / "execution").glob("*.journal")) == []


def test_a_mission_that_keeps_everything_is_told_when_it_is_much(tmp_path: Path) -> None:
    made(tmp_path, "C40")
    (record,) = (tmp_path / "execution").glob("*.json")
    start = NOW - timedelta(days=39)
    for number in range(998):
        name = stem_of("M", start + timedelta(seconds=number))
        (tmp_path / f"execution/{name}.json").write_bytes(record.read_bytes())

    async def run() -> list[str]:
        session = await begin(tmp_path, NOW)
        await session.finish("completed")
        await session.close()
        return session.notices

    (notice,) = asyncio.run(run())
    assert "1,000 execution records" in notice
    assert "stateRetention: 30 days" in notice
