"""A small engine for tests of state: missions as loops over units, with positions in cells.

`Customers` fetches pages and then transforms what it fetched, item by item, with a loop inside
the loop, a memory store, deletions, unsafe requests and sync times. `Orders` shares a store with
it. Each looks at its cells first and goes on there, as the real engine does. The world outside
(`World`) answers the same whatever happens, and remembers what unsafe requests did to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reqon.journal.disk import Disk
from reqon.journal.session import (
    Barrier,
    ProgramFacts,
    ResumeChoice,
    Session,
    SessionRequest,
    Timing,
    open_session,
)
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec
from support.crash_disk import Died

NEVER = 1e9
PATIENT = Timing(batch=NEVER, tick=NEVER, heartbeat=NEVER, lock_retry=0.0)
"""No timers: what happens is the same in every run."""

PROGRAM = ProgramFacts("m.vague", "0" * 64, "plan-1", {"Fetch": "f1", "Transform": "t1"})


class TestClock:
    """A clock whose hands move a millisecond a look."""

    __test__ = False

    def __init__(self, start: datetime = datetime(2024, 1, 20, 9, tzinfo=UTC)) -> None:
        self.moment = start

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@dataclass
class World:
    """The service outside: what each idempotency key did, with which body, how often asked."""

    effects: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, set[str]] = field(default_factory=dict)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def post(self, key: str, body: Any) -> dict[str, Any]:
        self.bodies.setdefault(key, set()).add(json.dumps(body))
        return self.effects.setdefault(key, {"accepted": body["id"]})


STORES = {
    "customers": StoreSpec("file", "customers"),
    "scored": StoreSpec("file", "crm/scored"),
    "seen": StoreSpec("memory", "seen"),
}
PAGES, PAGE_SIZE = 4, 5


async def customers(session: Session, world: World, disk: Any) -> None:
    """The mission `Customers`."""
    main = session.unit("")
    if session.state.ended == "completed":
        return
    if "0" not in session.state.cells and "1" not in session.state.cells:
        main.stage(0, "running", {"Fetch": "running"})
        main.active("Fetch")
        main.cell("0", {"page": 0})
        await main.commit("enter", Barrier.FRAME)
    if "0" in session.state.cells:
        await _fetch(session, main)
    if session.state.cells["1"]["index"] == 0:
        await session.materialise()
    await _transform(session, main, world, disk)
    await _parallel(session)
    main.stage(2, "completed", {"Left": "completed", "Right": "completed"})
    await main.commit("stage", Barrier.SYNC)


async def _fetch(session: Session, unit: Any) -> None:
    session.sync_checkpoint("API-/customers")
    for page in range(session.state.cells["0"]["page"], PAGES):
        items = [
            {"id": f"c{page * PAGE_SIZE + n}", "page": page, "active": n % 2 == 0}
            for n in range(PAGE_SIZE)
        ]
        unit.cell(f"0/page/{page}", unit.blob(items))
        for item in items:
            unit.put("customers", item["id"], item)
        unit.active("Fetch")
        unit.checkpoint("Fetch", {"page": page + 1})
        unit.count_items("Fetch", len(items))
        unit.cell("0", {"page": page + 1})
        await unit.commit("page", Barrier.SYNC)
    unit.sync("API-/customers", "Fetch", "2024-01-20T09:00:00Z", PAGES * PAGE_SIZE)
    unit.action_done("Fetch")
    unit.publish_sync("Fetch")
    unit.cell("0", None)
    unit.cell("1", {"index": 0})
    unit.stage(0, "completed", {"Fetch": "completed"})
    unit.stage(1, "running", {"Transform": "running"})
    await unit.commit("stage", Barrier.SYNC)


async def _transform(session: Session, unit: Any, world: World, disk: Any) -> None:
    items = [r for r in session.stores["customers"].list() if "page" in r]
    if "1/items" not in session.state.cells:
        unit.cell("1/items", unit.blob(items))
    else:
        items = unit.load_blob(session.state.cells["1/items"])
    start = session.state.cells["1"]["index"]
    for index in range(start, len(items)):
        await _item(session, unit, world, index, items[index])
        if (index + 1) % 4 == 0:
            await unit.commit("c", Barrier.SYNC)
            world.acknowledged.append((disk.count, index + 1))
        else:
            await unit.commit("c", Barrier.BATCH if index % 3 else Barrier.FRAME)
    if "Transform" not in session.state.actions_run:
        unit.sync("API-/scores", "Transform", "2024-01-20T09:00:01Z", len(items))
        unit.action_done("Transform")
        unit.publish_sync("Transform")
        unit.stage(1, "completed", {"Transform": "completed"})
        await unit.commit("stage", Barrier.SYNC)
        await session.materialise()


async def _item(session: Session, unit: Any, world: World, index: int, item: dict) -> None:
    first = (
        session.state.cells.get("1/inner", 0) if index == session.state.cells["1"]["index"] else 0
    )
    for step in range(first, 2):
        tally = unit.view("seen").get("tally") or {"n": 0}
        unit.put("seen", "tally", {"n": tally["n"] + 1})
        unit.put("scored", item["id"], {**item, "score": index * 7, "step": step})
        unit.cell("1/inner", step + 1)
        if step == 0 and index % 5 == 0:
            unit.active("Transform", index, {"id": item["id"]}, [index, step])
            await unit.commit("c", Barrier.FRAME)
    if index % 4 == 1:
        unit.delete("scored", item["id"])
    if index % 6 == 2:
        unit.put("customers", item["id"], {**item, "visited": True})
    if index == 7:
        unit.put("customers", item["id"], item)
    if index == 9:
        unit.clear("scored")
    if index % 3 == 0:
        await _post(unit, world, index, item)
    unit.active("Transform", index + 1, {"id": f"c{index + 1}"})
    unit.count_items("Transform")
    unit.cell("1/inner", None)
    unit.cell("1", {"index": index + 1})


async def _post(unit: Any, world: World, index: int, item: dict) -> None:
    position, key = f"1/{index}/post", f"key-{index}"
    call = unit.recorded(position, key)
    if call is not None and call.usable:
        reply = call.reply
    else:
        call = await unit.intent(position, key, {"id": item["id"]}, {"method": "POST"})
        reply = world.post(key, call.body)
        await unit.result(call, 201, reply)
    unit.settle(call)
    unit.put("scored", f"receipt-{index}", reply)


async def _parallel(session: Session) -> None:
    async def branch(name: str) -> None:
        unit = session.unit(name)
        cell = f"2/{name}"
        for index in range(session.state.cells.get(cell, 0), 6):
            unit.active(name, index)
            await asyncio.sleep(0)
            unit.put("customers", f"{name}-{index}", {"by": name, "n": index})
            unit.cell(cell, index + 1)
            await unit.commit("c", Barrier.SYNC if index == 3 else Barrier.BATCH)
        if name not in session.state.actions_run:
            unit.action_done(name)
            await unit.commit("c", Barrier.FRAME)

    await asyncio.gather(branch("Left"), branch("Right"))


async def orders(session: Session, world: World, disk: Any) -> None:
    """The mission `Orders`: counts up in the store that it shares, adds and removes."""
    if session.state.ended == "completed":
        return
    unit = session.unit("")
    for index in range(session.state.cells.get("0", 0), 6):
        unit.active("Order", index)
        record = unit.view("customers").get("c0") or {"id": "c0", "orders": 0}
        unit.put("customers", "c0", {**record, "orders": record.get("orders", 0) + 1})
        unit.put("customers", f"order-{index}", {"n": index})
        unit.delete("customers", f"order-{index - 2}")
        unit.put("orders", f"o{index}", {"n": index})
        unit.cell("0", index + 1)
        await unit.commit("c", Barrier.FRAME)
    unit.action_done("Order")
    await unit.commit("stage", Barrier.SYNC)


ORDER_STORES = {
    "customers": StoreSpec("file", "customers"),
    "orders": StoreSpec("file", "orders"),
}

Mission = Callable[[Session, World, Any], Awaitable[None]]


def request_for(root: Path, mission: str, **options: Any) -> SessionRequest:
    """A request for one of the missions here."""
    stores = STORES if mission == "Customers" else ORDER_STORES
    given: dict[str, Any] = {
        "paths": StatePaths(root),
        "mission": mission,
        "stores": stores,
        "program": PROGRAM,
        "clock": TestClock(),
        "timing": PATIENT,
        "store_wait_seconds": 0.0,
    }
    return SessionRequest(**{**given, **options})


async def attempt(
    request: SessionRequest, disk: Disk, mission: Mission, world: World
) -> dict[str, Any] | None:
    """One attempt; None when the disk died under it. Descriptors and locks are let go."""
    session = None
    try:
        session = await open_session(request, disk)
        await mission(session, world, disk)
        return await session.finish("completed")
    except Died:
        return None
    finally:
        if session is not None:
            with contextlib.suppress(Died):
                await session.close()
        for fd in list(getattr(disk, "open_fds", ())):
            disk.close(fd)


def run(request: SessionRequest, disk: Disk, mission: Mission, world: World) -> Any:
    """`attempt` in an event loop of its own."""
    return asyncio.run(attempt(request, disk, mission, world))


def until_complete(
    root: Path,
    name: str,
    mission: Mission,
    world: World,
    make_disk: Callable[[], Disk],
    **options: Any,
) -> dict[str, Any]:
    """Resume again and again until the mission has completed; returns its record.

    Where the record says so already, only the removal of the journal was cut off.
    """
    for _ in range(50):
        last = StateReader(root).latest(name)
        if last is not None and last.status == "completed":
            return last.to_dict()
        request = request_for(root, name, resume=ResumeChoice.IF_ANY, **options)
        record = run(request, make_disk(), mission, world)
        if record is not None:
            return record
    raise AssertionError("it never completed")


# ---------------------------------------------------------------- what is compared

VARIABLE = (
    "executionId", "startedAt", "completedAt", "seq", "frozen", "attempts", "owner",
    "heartbeatAt", "durationMs",
)  # fmt: skip
"""Fields of a record that may differ between a cut and an uncut run."""


def outcome(root: Path, mission: str) -> dict[str, Any]:
    """Everything that has to be equal: stores byte for byte, sync times, the record."""
    state = StateReader(root).latest(mission)
    assert state is not None
    record = {name: v for name, v in state.to_dict().items() if name not in VARIABLE}
    return {"record": record, "files": files(root), "sync": sync_times(root)}


def files(root: Path) -> dict[str, bytes]:
    """The store files by name, what parallel branches wrote in one order."""
    stores = root / "stores"
    return {
        str(path.relative_to(stores)): _in_one_order(path.read_bytes())
        for path in sorted(stores.rglob("*.json"))
        if not path.name.startswith(".")
    }


def _in_one_order(content: bytes) -> bytes:
    lines = [line.rstrip(b",") for line in content.split(b"\n")]
    places = [n for n, line in enumerate(lines) if line.startswith((b'"Left-', b'"Right-'))]
    for place, line in zip(places, sorted(lines[n] for n in places), strict=True):
        lines[place] = line
    return b"\n".join(lines)


def sync_times(root: Path) -> dict[str, Any]:
    """The sync checkpoints without execution ids."""
    path = root / "sync-checkpoints.json"
    content = json.loads(path.read_bytes()) if path.exists() else {}
    return {
        key: {name: v for name, v in entry.items() if name != "executionId"}
        for key, entry in content.items()
    }


def leftovers(root: Path) -> list[str]:
    """What should not be there after a completed run: journals, blobs, temporary files."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.suffix in (".journal", ".blobs", ".tmp")
    )
