"""Two missions share a store, and one of them is dead with work that the store lacks.

Whoever opens the store next redoes that work first, once; the dead one, when it is resumed, finds
its work done and leaves alone what the other has done since.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import RefusedError
from reqon.journal.placeholders import NoSecrets
from reqon.journal.recovery import Extent, read_frames, read_operations
from reqon.journal.session import Barrier, ResumeChoice, SessionRequest, open_session
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec
from reqon.stores.memory import MemoryStore
from support.crash_disk import CountingDisk, DyingDisk, ForgetfulDisk
from support.scripted_run import (
    World,
    customers,
    orders,
    request_for,
    run,
    until_complete,
)

Items = list[tuple[str, Any]]


def shared(root: Path) -> Items:
    """The shared store's file: keys and records in order."""
    path = root / "stores/customers.json"
    return list(json.loads(path.read_bytes()).items()) if path.exists() else []


def by_journals(root: Path, mission: str, before: Items) -> Items:
    """What the shared store should hold: `before`, and every operation of the journal over it."""
    store = MemoryStore(StoreSpec("memory", "model"))
    store.records = dict(before)
    for path in sorted((root / "execution").glob(f"{mission}-*.journal")):
        for frame in read_frames(path, Extent(), NoSecrets()):
            operations = read_operations(frame, path)
            store.apply(op for op in operations if op[0] == "customers")
    return list(store.records.items())


def after_orders(before: Items) -> Items:
    """What the mission `Orders` makes of the store, said in another way."""
    records = dict(before)
    for index in range(6):
        known = records.get("c0", {"id": "c0", "orders": 0})
        records["c0"] = {**known, "orders": known.get("orders", 0) + 1}
        records[f"order-{index}"] = {"n": index}
        records.pop(f"order-{index - 2}", None)
    return list(records.items())


async def opened(root: Path, mission: str) -> Items:
    """The shared store as a resumed session finds it; the session is dropped again."""
    request = request_for(root, mission, resume=ResumeChoice.IF_ANY)
    session = await open_session(request, CountingDisk())
    found = list(session.stores["customers"].items())
    await session.close()
    return found


def is_dead(root: Path, mission: str) -> bool:
    state = StateReader(root).latest(mission)
    return state is not None and state.status == "interrupted"


def operations_of(root: Path, mission: Any, name: str, *, first: Any = None) -> int:
    """How many file operations a run takes."""
    disk = CountingDisk()
    if first is not None:
        first(root)
    assert run(request_for(root, name), disk, mission, World()) is not None
    shutil.rmtree(root)
    return disk.count


@pytest.mark.timeout(300)
def test_the_next_mission_redoes_what_a_dead_one_left(tmp_path: Path) -> None:
    total = operations_of(tmp_path / "count", customers, "Customers")
    unapplied = 0
    for at in range(1, total + 1, 4):
        root, world = tmp_path / str(at), World()
        run(request_for(root, "Customers"), DyingDisk(at, after=at % 8 == 1), customers, world)
        left = by_journals(root, "Customers", []) or shared(root)
        unapplied += left != shared(root)
        assert run(request_for(root, "Orders"), CountingDisk(), orders, World()) is not None
        assert shared(root) == after_orders(left)
        if is_dead(root, "Customers"):
            assert asyncio.run(opened(root, "Customers")) == shared(root)
            until_complete(root, "Customers", customers, world, CountingDisk)
        assert dict(shared(root))["order-5"] == {"n": 5}
        shutil.rmtree(root)
    assert unapplied > 10, "the interesting case did not happen"


@pytest.mark.timeout(300)
def test_the_redo_itself_may_die_anywhere(tmp_path: Path) -> None:
    def interrupted(root: Path) -> None:
        """`Customers`, dead in the middle, its work not in the store."""
        run(request_for(root, "Customers"), DyingDisk(95), customers, World())

    total = operations_of(tmp_path / "count", orders, "Orders", first=interrupted)
    for at in range(1, total + 1, 2):
        root = tmp_path / str(at)
        interrupted(root)
        left = by_journals(root, "Customers", [])
        assert left != shared(root)
        run(request_for(root, "Orders"), DyingDisk(at, after=at % 4 == 1), orders, World())
        until_complete(root, "Orders", orders, World(), CountingDisk)
        assert shared(root) == after_orders(left)
        assert asyncio.run(opened(root, "Customers")) == shared(root)
        shutil.rmtree(root)


def test_the_dead_one_may_come_back_before_the_other_is_done(tmp_path: Path) -> None:
    for at in range(60, 160, 9):
        root, world = tmp_path / str(at), World()
        run(request_for(root, "Customers"), DyingDisk(at), customers, world)
        if not is_dead(root, "Customers"):
            continue
        left = by_journals(root, "Customers", [])
        run(request_for(root, "Orders"), DyingDisk(45), orders, World())
        between = by_journals(root, "Orders", left)
        assert asyncio.run(opened(root, "Customers")) == between
        until_complete(root, "Customers", customers, world, CountingDisk)
        assert asyncio.run(opened(root, "Orders")) == shared(root)


def test_a_store_that_is_being_written_is_refused_by_name(tmp_path: Path) -> None:
    async def both() -> None:
        first = await open_session(request_for(tmp_path, "Customers"), CountingDisk())
        with pytest.raises(RefusedError, match="the store 'customers' is being written") as caught:
            await open_session(request_for(tmp_path, "Orders"), CountingDisk())
        assert "reqon stop" in str(caught.value.hint)
        await first.close()
        second = await open_session(request_for(tmp_path, "Orders"), CountingDisk())
        await second.close()

    asyncio.run(both())


@pytest.mark.parametrize("own", [{}, {"dir": "common"}, {"dir": "link"}])
def test_a_store_that_another_state_folder_writes_is_refused(
    tmp_path: Path, own: dict[str, str]
) -> None:
    """Both name a folder, one of them perhaps by a link; or it is the folder of one of them."""
    folder = tmp_path / "common" if own else tmp_path / ".vague-data/stores"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)

    def request(root: Path, mission: str, options: dict[str, str]) -> SessionRequest:
        stores = {"customers": StoreSpec("file", "eu/customers", options)}
        return SessionRequest(StatePaths(root), mission, stores, store_wait_seconds=0.05)

    async def both() -> None:
        one = request(tmp_path / ".vague-data", "One", own)
        other = request(tmp_path / "else/.vague-data", "Other", {"dir": str(folder)})
        for first, second in ((one, other), (other, one)):
            session = await open_session(first, CountingDisk())
            with pytest.raises(RefusedError, match="the store 'customers' is being written"):
                await open_session(second, CountingDisk())
            await session.finish("completed")
            await session.close()

    asyncio.run(both())


def test_a_last_writer_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "common"
    folder.mkdir()
    (folder / ".customers.writer.json").write_text("{")
    stores = {"customers": StoreSpec("file", "customers", {"dir": str(folder)})}
    request = SessionRequest(StatePaths(tmp_path / ".vague-data"), "One", stores)

    async def start() -> None:
        with pytest.raises(RefusedError, match="written from another state folder last"):
            await open_session(request, CountingDisk())
        (folder / ".customers.writer.json").write_text('{"journal": "/gone/execution/a.journal"}')
        session = await open_session(request, CountingDisk())
        await session.close()

    asyncio.run(start())


@pytest.mark.parametrize(
    ("journal", "refused"),
    [
        pytest.param(b"", False, id="empty"),
        pytest.param(b'310 0badc0de {"seq":1,"kind":"st', False, id="torn first frame"),
        pytest.param(b"\0" * 4096, False, id="zeros for a first frame"),
        pytest.param(b"310 0badc0de {}\n12 cafe {}\n", True, id="damaged, with more behind it"),
    ],
)
def test_a_last_writer_that_died_as_it_began_is_not_missed(
    tmp_path: Path, journal: bytes, refused: bool
) -> None:
    folder = tmp_path / "common"
    folder.mkdir()
    left = tmp_path / "else/.vague-data/execution/Other-2026-01-01T00-00-00.journal"
    left.parent.mkdir(parents=True)
    left.write_bytes(journal)
    (folder / ".customers.writer.json").write_text(json.dumps({"journal": str(left)}))
    stores = {"customers": StoreSpec("file", "customers", {"dir": str(folder)})}
    request = SessionRequest(StatePaths(tmp_path / ".vague-data"), "One", stores)

    async def start() -> None:
        session = await open_session(request, CountingDisk())
        await session.finish("completed")
        await session.close()

    with pytest.raises(RefusedError) if refused else contextlib.nullcontext():
        asyncio.run(start())


def test_a_mission_that_only_reads_sees_the_work_of_a_dead_one(tmp_path: Path) -> None:
    run(request_for(tmp_path, "Customers"), DyingDisk(95), customers, World())
    left = by_journals(tmp_path, "Customers", [])
    assert left != shared(tmp_path)

    async def reading() -> None:
        stores = {"customers": StoreSpec("file", "customers", writes=False)}
        session = await open_session(request_for(tmp_path, "Report", stores=stores), CountingDisk())
        assert list(session.stores["customers"].items()) == left == shared(tmp_path)
        writer = await open_session(request_for(tmp_path, "Orders"), CountingDisk())
        await writer.close()
        await session.finish("completed")
        await session.close()

    asyncio.run(reading())


# ---------------------------------------------------------------- controls: what must be noticed


def first_difference(root: Path, make_disk: Any) -> str | None:
    """Runs `Orders` after a dead `Customers`, on disks with a fault; what is wrong at the end."""
    run(request_for(root, "Customers"), DyingDisk(44), customers, World())
    left = by_journals(root, "Customers", [])
    assert left != shared(root)
    assert run(request_for(root, "Orders"), make_disk(), orders, World()) is not None
    if shared(root) != after_orders(left):
        return "what the dead one left is missing"
    if asyncio.run(opened(root, "Customers")) != shared(root):
        return "the resumed one undoes what came after it"
    return None


def test_a_mark_that_is_left_out_is_noticed(tmp_path: Path) -> None:
    def forgets(name: str, path: Path | None) -> bool:
        return path is not None and path.name.endswith(".applied.json")

    assert first_difference(tmp_path / "sound", CountingDisk) is None
    problem = first_difference(tmp_path / "faulty", lambda: ForgetfulDisk(forgets))
    assert problem == "the resumed one undoes what came after it"


def test_a_store_that_is_not_written_before_its_mark_is_noticed(tmp_path: Path) -> None:
    def forgets(name: str, path: Path | None) -> bool:
        return path is not None and path.name == "customers.json"

    problem = first_difference(tmp_path, lambda: ForgetfulDisk(forgets))
    assert problem == "what the dead one left is missing"


def test_a_lock_that_does_not_lock_is_noticed(tmp_path: Path) -> None:
    class Unlocking(CountingDisk):
        """Gives every opener of a store's lock a file of its own."""

        def open_lock(self, path: Path) -> int:
            if path.name.startswith("store-"):
                path.unlink(missing_ok=True)
            return super().open_lock(path)

    async def both_write() -> int:
        first = await open_session(request_for(tmp_path, "Customers"), Unlocking())
        second = await open_session(request_for(tmp_path, "Orders"), Unlocking())
        for session in (first, second):
            unit = session.unit()
            unit.put("customers", session.execution_id, {})
            await unit.commit("c", Barrier.SYNC)
        for session in (first, second):
            await session.finish("completed")
            await session.close()
        return len(shared(tmp_path))

    assert asyncio.run(both_write()) == 1, "the second has written over the first"
