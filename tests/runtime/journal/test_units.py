"""What a unit makes true, for whom, and when."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import RunError, StorageError
from reqon.journal.disk import Disk
from reqon.journal.frames import decode_line
from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import PATIENT, request_for

STORES = {
    "a": StoreSpec("file", "a"),
    "same": StoreSpec("file", "a"),
    "m": StoreSpec("memory", "m"),
}


async def begin(root: Path, disk: Disk | None = None, **options: Any) -> Session:
    request = request_for(root, "M", **{"stores": STORES, "program": None, **options})
    return await open_session(request, disk or CountingDisk())


async def again(root: Path, session: Session, **options: Any) -> Session:
    """The session after a death and a resume."""
    await session.close()
    return await begin(root, resume=ResumeChoice.IF_ANY, **options)


def frames(root: Path) -> list[Any]:
    (journal,) = (root / "execution").glob("*.journal")
    return [decode_line(line + b"\n") for line in journal.read_bytes().splitlines()]


# ---------------------------------------------------------------- stores


async def test_a_unit_sees_its_own_writes_and_others_see_them_after_the_commit(
    tmp_path: Path,
) -> None:
    session = await begin(tmp_path)
    mine, other = session.unit("mine"), session.unit("other")
    before = mine.view("a")
    assert mine.put("a", "k", {"n": 1}) == "added"
    assert mine.put("a", "k", {"n": 2}) == "updated"
    assert mine.put("a", "k", {"n": 2}) == "unchanged"
    assert before.get("k") == mine.view("same").get("k") == {"n": 2}
    assert other.view("a").list() == session.stores["a"].list() == []
    await mine.commit()
    assert other.view("a").list() == [{"n": 2}]
    assert session.state.counts["a"][:3] == [1, 1, 1]
    await session.close()


@pytest.mark.parametrize(
    ("steps", "order"),
    [
        ("put x, put y, put x", "x y"),
        ("put x, put y, delete x, put x", "y x"),
        ("put x, put y, clear, put y, put x", "y x"),
        ("put x, commit, put y, delete x, put x", "y x"),
        ("put x, put y, commit, delete x, commit, put x", "y x"),
        ("put x, commit, clear, commit", ""),
        ("put x, put y, commit, put x, commit", "x y"),
        ("delete x, put x, commit, delete x", ""),
    ],
)
async def test_order_of_records(tmp_path: Path, steps: str, order: str) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    for number, step in enumerate(steps.split(", ")):
        match step.split():
            case ["put", key]:
                unit.put("a", key, {"key": key, "n": number})
            case ["delete", key]:
                unit.delete("a", key)
            case ["clear"]:
                unit.clear("a")
            case _:
                await unit.commit()
    assert [r["key"] for r in unit.view("a").list()] == order.split()
    assert unit.view("a").count() == len(order.split())
    await unit.commit("c", Barrier.FRAME)
    session = await again(tmp_path, session)
    assert list(session.stores["a"].items()) == [(r["key"], r) for r in session.stores["a"].list()]
    assert [key for key, _ in session.stores["a"].items()] == order.split()
    await session.close()


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "unchanged"),
        ({"a": 1}, {"a": 1.0}, "unchanged"),
        ({"a": 1}, {"a": True}, "updated"),
        ({"a": [0]}, {"a": [False]}, "updated"),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, "unchanged"),
        ({"a": None}, {}, "updated"),
        ({"a": "1"}, {"a": 1}, "updated"),
    ],
)
async def test_what_counts_as_a_change(tmp_path: Path, old: Any, new: Any, outcome: str) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.put("a", "k", old)
    await unit.commit()
    assert unit.put("a", "k", new) == outcome
    await unit.commit()
    assert session.stores["a"].get("k") == (old if outcome == "unchanged" else new)
    await session.close()


async def test_counts_are_made_against_what_others_committed_first(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    one, two = session.unit("one"), session.unit("two")
    assert one.put("a", "k", {"n": 1}) == two.put("a", "k", {"n": 1}) == "added"
    two.put("a", "gone", {})
    two.delete("a", "gone")
    await one.commit()
    await two.commit("c", Barrier.FRAME)
    assert session.state.counts["a"][:3] == [2, 0, 1]
    session = await again(tmp_path, session)
    assert session.state.counts["a"] == [2, 0, 1, 1]
    assert dict(session.stores["a"].items()) == {"k": {"n": 1}}
    await session.close()


async def test_a_discarded_unit_leaves_no_trace(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.put("a", "k", {"n": 1})
    unit.cell("x", 1)
    unit.error({"message": "no"})
    assert unit.changed
    unit.discard()
    assert not unit.changed
    await unit.commit("c", Barrier.SYNC)
    assert session.stores["a"].count() == 0
    assert session.record()["errors"] == []
    await session.close()


@pytest.mark.parametrize("bad", [{"x": object()}, {"x": "\ud800"}, {"x": {1, 2}.__iter__()}])
async def test_a_record_that_is_no_json_stops_its_own_unit_only(tmp_path: Path, bad: Any) -> None:
    session = await begin(tmp_path)
    unit, other = session.unit("bad"), session.unit("good")
    unit.put("a", "fine", {"n": 1})
    unit.put("a", "k", bad)
    unit.cell("x", 1)
    with pytest.raises(RunError) as caught:
        await unit.commit("c", Barrier.FRAME)
    assert caught.value.kind == "store"
    unit.discard()
    other.put("a", "k2", {"n": 2})
    await other.commit("c", Barrier.FRAME)
    assert dict(session.stores["a"].items()) == {"k2": {"n": 2}}
    session = await again(tmp_path, session)
    assert dict(session.stores["a"].items()) == {"k2": {"n": 2}}
    assert session.state.cells == {}
    await session.close()


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("steps", "cells"),
    [
        ("a=1 a/b=2 a/b/c=3 ab=4", {"a": 1, "a/b": 2, "a/b/c": 3, "ab": 4}),
        ("a=1 a/b=2 ab=4 a=", {"ab": 4}),
        ("a/b=2 a= a=5", {"a": 5}),
        ("a/b=2 | a= a=5", {"a": 5}),
        ("a/b=2 | a= a/c=5", {"a/c": 5}),
        ("a/b=2 | a/c=3 a= | a/b=7", {"a/b": 7}),
        ("a=1 | a= | a=2 a=3", {"a": 3}),
        ("a/b=1 a= a/b=2 a= a/b=3", {"a/b": 3}),
        ("a/b/c=1 a/b= ", {}),
    ],
)
async def test_cells_are_the_fold_of_all_changes(tmp_path: Path, steps: str, cells: Any) -> None:
    for separate in (False, True):
        root = tmp_path / str(separate)
        session = await begin(root)
        unit = session.unit()
        for step in steps.split():
            if step == "|":
                await unit.commit("c", Barrier.FRAME)
                continue
            address, _, value = step.partition("=")
            unit.cell(address, int(value) if value else None)
            if separate:
                await unit.commit()
        await unit.commit("c", Barrier.FRAME)
        assert session.state.cells == cells
        session = await again(root, session)
        assert session.state.cells == cells
        assert session.state.below("a") == {
            k.removeprefix("a/"): v for k, v in cells.items() if k.startswith("a/")
        }
        await session.close()


async def test_a_large_value_lies_beside_the_journal(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    small, large = {"t": "x" * 100}, {"t": "y" * 70_000}
    assert unit.blob(small) == small
    reference = unit.blob(large)
    assert list(reference) == ["$blob"]
    assert unit.load_blob(reference) == large
    unit.cell("big", reference)
    await unit.commit("c", Barrier.FRAME)
    session = await again(tmp_path, session)
    unit = session.unit()
    assert unit.load_blob(session.state.cells["big"]) == large
    (folder,) = (tmp_path / "execution").glob("*.blobs")
    assert [p.stem for p in folder.iterdir()] == [reference["$blob"]]
    unit.cell("big", None)
    await unit.commit("c", Barrier.FRAME)
    await session.materialise()
    assert list(folder.iterdir()) == []
    await session.finish("completed")
    assert not folder.exists()
    await session.close()


@pytest.mark.parametrize(("size", "is_beside"), [(10, False), (200_000, False), (300_000, True)])
async def test_a_page_is_part_of_the_frame_unless_it_is_very_large(
    tmp_path: Path, size: int, *, is_beside: bool
) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.page("0/p/1", ["x" * size])
    await unit.commit("page", Barrier.FRAME)
    assert any((tmp_path / "execution").glob("*.blobs/*")) == is_beside
    for _ in range(2):
        assert session.unit().load_blob(session.state.cells["0/p/1"]) == ["x" * size]
        session = await again(tmp_path, session)
    await session.close()


async def test_pages_that_are_in_use_do_not_make_a_journal_begin_anew(tmp_path: Path) -> None:
    disk = CountingDisk()
    session = await begin(tmp_path, disk, timing=replace(PATIENT, grow_bytes=10_000))
    unit = session.unit()
    before = disk.names.count("replace")
    for number in range(3):
        unit.page(f"0/p/{number}", ["x" * 9_000])
        await unit.commit("page", Barrier.SYNC)
    for number in range(3):
        unit.put("a", f"k{number}", {"text": "x" * 10_000})
        await unit.commit("c", Barrier.SYNC)
    assert disk.names.count("replace") == before, "the pages would be written for too little"
    unit.cell("0", None)
    await unit.commit("c", Barrier.SYNC)
    assert disk.names.count("replace") > before
    assert [frame.k for frame in frames(tmp_path)] == ["base"]
    await session.close()


# ---------------------------------------------------------------- frames


async def test_units_of_a_batch_become_one_frame(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    for number in range(50):
        unit = session.unit(str(number % 3))
        unit.put("a", f"k{number}", {"n": number})
        unit.cell("loop", number)
        await unit.commit()
    assert len(frames(tmp_path)) == 1
    await session.unit().commit("c", Barrier.FRAME)
    last = frames(tmp_path)[-1]
    assert [last.n, last.k, last.cells] == [2, "c", [("loop", 49)]]
    await session.close()


async def test_a_batch_does_not_grow_beyond_its_size(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    for number in range(20):
        unit.put("a", f"k{number}", {"text": "x" * 10_000})
        await unit.commit()
    assert len(frames(tmp_path)) == 1 + 2
    await session.close()


async def test_a_batch_does_not_wait_longer_than_its_time(tmp_path: Path) -> None:
    timing = request_for(tmp_path, "M").timing
    session = await begin(tmp_path, timing=type(timing)(batch=0.01, tick=1e9, heartbeat=1e9))
    unit = session.unit()
    unit.put("a", "k", {})
    await unit.commit()
    assert len(frames(tmp_path)) == 1
    while len(frames(tmp_path)) < 2:
        await asyncio.sleep(0.01)
    await session.close()


@pytest.mark.parametrize(
    ("durability", "kind", "barrier", "syncs"),
    [
        ("strict", "c", Barrier.BATCH, 1),
        ("strict", "c", Barrier.SYNC, 1),
        ("balanced", "c", Barrier.BATCH, 0),
        ("balanced", "c", Barrier.FRAME, 0),
        ("balanced", "page", Barrier.SYNC, 1),
        ("relaxed", "page", Barrier.SYNC, 0),
        ("relaxed", "stage", Barrier.SYNC, 1),
    ],
)
async def test_when_the_journal_is_synced(
    tmp_path: Path, durability: str, kind: Any, barrier: Barrier, syncs: int
) -> None:
    disk = CountingDisk()
    session = await begin(tmp_path, disk, durability=durability)
    before = disk.names.count("fdatasync")
    unit = session.unit()
    unit.put("a", "k", {})
    await unit.commit(kind, barrier)
    assert disk.names.count("fdatasync") - before == syncs
    await session.close()


async def test_one_sync_covers_all_branches_that_wait(tmp_path: Path) -> None:
    disk = CountingDisk()
    session = await begin(tmp_path, disk)
    before = disk.names.count("fdatasync")

    async def branch(number: int) -> None:
        unit = session.unit(str(number))
        unit.put("a", f"k{number}", {})
        await unit.commit("c", Barrier.SYNC)

    await asyncio.gather(*map(branch, range(40)))
    assert disk.names.count("fdatasync") - before <= 3
    await session.close()


async def test_after_an_error_of_the_disk_nothing_is_accepted(tmp_path: Path) -> None:
    class Failing(CountingDisk):
        broken = False

        def around(self, number: int, name: str, act: Any) -> Any:
            if self.broken and name == "fdatasync":
                raise OSError(5, "Input/output error")
            return act()

    disk = Failing()
    session = await begin(tmp_path, disk)
    unit = session.unit()
    unit.put("a", "k", {"n": 1})
    disk.broken = True
    with pytest.raises(StorageError, match="input/output error"):
        await unit.commit("c", Barrier.SYNC)
    disk.broken = False
    unit.put("a", "k", {"n": 2})
    with pytest.raises(StorageError):
        await unit.commit("c", Barrier.SYNC)
    record = await session.finish("completed")
    assert record["status"] == "interrupted"
    assert record["errors"][0]["kind"] == "store"
    await session.close()
    assert not (tmp_path / "stores/a.json").exists()


async def test_commits_wait_while_views_are_written(tmp_path: Path) -> None:
    class Slow(CountingDisk):
        busy = asyncio.Event()

    session = await begin(tmp_path)
    unit, other = session.unit("one"), session.unit("two")
    unit.put("a", "k", {"n": 1})
    await unit.commit()
    other.put("a", "later", {"n": 2})
    await asyncio.gather(session.materialise(), other.commit("c", Barrier.FRAME))
    assert json.loads((tmp_path / "stores/a.json").read_text()) == {"k": {"n": 1}}
    await session.materialise()
    assert list(json.loads((tmp_path / "stores/a.json").read_text())) == ["k", "later"]
    await session.close()


# ---------------------------------------------------------------- unsafe requests


async def test_a_request_is_recorded_before_it_is_sent_and_its_answer_after(
    tmp_path: Path,
) -> None:
    disk = CountingDisk()
    session = await begin(tmp_path, disk)
    unit = session.unit()
    assert unit.recorded("0/1", "key") is None
    before = disk.names.count("fdatasync")
    call = await unit.intent("0/1", "key", {"a": 1}, {"method": "POST"})
    assert disk.names.count("fdatasync") == before + 1
    session = await again(tmp_path, session)
    unit = session.unit()
    found = unit.recorded("0/1", "key")
    assert found is not None
    assert (found.body, found.usable, found.number) == ({"a": 1}, False, call.number)
    assert unit.recorded("0/1", "another key") is None
    assert not found.expired(found.at_ms + 22 * 3600 * 1000)
    assert found.expired(found.at_ms + 24 * 3600 * 1000)
    await unit.result(found, 201, {"id": 7})
    session = await again(tmp_path, session)
    unit = session.unit()
    found = unit.recorded("0/1", "key")
    assert found is not None
    assert (found.usable, found.status, found.reply) == (True, 201, {"id": 7})
    unit.put("a", "k", found.reply)
    unit.settle(found)
    await unit.commit("c", Barrier.FRAME)
    assert unit.recorded("0/1", "key") is None
    session = await again(tmp_path, session)
    assert session.unit().recorded("0/1", "key") is None
    await session.close()


async def test_a_refused_request_is_no_result(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    call = await unit.intent("0", "key", None, {})
    await unit.result(call, 503, {"error": "busy"})
    found = unit.recorded("0", "key")
    assert found is not None
    assert (found.usable, found.status) == (False, 503)
    await session.close()


async def test_a_request_that_no_unit_stands_for_is_listed_at_the_end(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    await session.unit().intent("0/1", "key", {"a": 1}, {"method": "POST", "path": "/x"})
    session = await again(tmp_path, session)
    record = await session.finish("completed")
    assert record["unknownEffects"] == [
        {"method": "POST", "path": "/x", "key": "key", "position": "0/1", "status": None}
    ]
    await session.close()
