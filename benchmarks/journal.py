"""What durable state costs: the write side and the read side, as ratios and against their goals.

    python benchmarks/journal.py [--items 20000] [--rounds 5]

Each figure is the smallest of several rounds, and the things that are compared take turns within
a round, so that a busy machine hits all of them. Ratios carry over to other machines, times do
not. No network: `benchmarks/` has other files for whole missions.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from reqon.journal.disk import Disk
from reqon.journal.session import (
    Barrier,
    ResumeChoice,
    Session,
    SessionRequest,
    Timing,
    open_session,
)
from reqon.state.paths import StatePaths, stem_of
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec

STORES = {"customers": StoreSpec("file", "customers")}


def records(n: int) -> list[dict[str, Any]]:
    """Records of some 150 bytes."""
    return [
        {
            "id": f"cust_{i}",
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "active": True,
            "score": i * 0.5,
            "address": {"city": "Paris", "zip": "75001"},
        }
        for i in range(n)
    ]


def request(root: Path, **options: Any) -> SessionRequest:
    return SessionRequest(paths=StatePaths(root), mission="Bench", stores=STORES, **options)


async def loop(
    session: Session, items: list[dict[str, Any]], barrier: Barrier, every: int | None
) -> None:
    """A loop as the engine runs it: one record, one position, one unit an item."""
    unit = session.unit()
    for index, item in enumerate(items, 1):
        unit.put("customers", item["id"], item)
        unit.cell("0/loop", {"index": index})
        unit.active("Loop", index, item)
        unit.count_items("Loop")
        due = every is not None and index % every == 0
        await unit.commit("c", Barrier.SYNC if due else barrier)
        if index % 300 == 0:
            await asyncio.sleep(0)


async def run(items: list[dict[str, Any]], how: str) -> float:
    """Seconds of the loop alone."""
    root = Path(tempfile.mkdtemp(prefix="reqon-bench-"))
    try:
        options: dict[str, Any] = {"enable_state": how != "no state"}
        if how == "strict":
            options["durability"] = "strict"
        session = await open_session(request(root, **options), Disk())
        barrier = Barrier.FRAME if how == "frame an item" else Barrier.BATCH
        every = {"every 100": 100, "every 10": 10}.get(how)
        start, cpu = time.perf_counter(), time.process_time()
        await loop(session, items, barrier, every)
        seconds = time.perf_counter() - start
        seconds = time.process_time() - cpu if how == "default, processor" else seconds
        await session.finish("completed")
        await session.close()
        return seconds
    finally:
        shutil.rmtree(root)


def by_hand(items: list[dict[str, Any]]) -> float:
    """The same loop as a person would write it, all in memory, encoded at the end."""
    start = time.perf_counter()
    store: dict[str, Any] = {}
    for item in items:
        if store.get(item["id"]) != item:
            store[item["id"]] = item
    return time.perf_counter() - start


def commits(n: int, rounds: int) -> None:
    """What a commit costs, by how often the journal is synced."""
    items = records(n)
    names = ("no state", "default", "every 100", "every 10", "frame an item")
    best = dict.fromkeys(names, float("inf"))
    hand = float("inf")
    for _ in range(rounds):
        hand = min(hand, by_hand(items))
        for name in names:
            best[name] = min(best[name], asyncio.run(run(items, name)))
    strict = asyncio.run(run(items[: n // 20], "strict")) * 20
    print(f"\ncost of an item in a loop ({n:,} items)          us    over no state")
    print(f"  {'a dict by hand':<36} {hand / n * 1e6:>8.2f}")
    for name in (*names, "strict"):
        seconds = strict if name == "strict" else best[name]
        extra = (seconds - best["no state"]) / n * 1e6
        print(f"  {name:<36} {seconds / n * 1e6:>8.2f}    +{extra:.2f} us")


def linearity(rounds: int) -> None:
    """Whether an item costs the processor the same however many there are."""
    small, large = records(1_000), records(100_000)
    how = "default, processor"
    best_small = best_large = float("inf")
    for _ in range(rounds):
        best_small = min(best_small, sum(asyncio.run(run(small, how)) for _ in range(10)) / 10)
        best_large = min(best_large, asyncio.run(run(large, how)))
    ratio = (best_large / len(large)) / (best_small / len(small))
    print(f"\nan item of 100,000 costs {ratio:.2f} x one of 1,000 (goal: 1.2)")


async def resumed(n: int) -> dict[str, float]:
    """Seconds of a resume from a journal that nothing was taken out of, and sizes."""
    root = Path(tempfile.mkdtemp(prefix="reqon-bench-"))
    try:
        items = records(n)
        session = await open_session(request(root, timing=Timing(grow_bytes=1 << 40)), Disk())
        await loop(session, items, Barrier.BATCH, None)
        await session.unit().commit("c", Barrier.SYNC)
        await session.close()
        running = _size_of(root)
        start = time.perf_counter()
        state = StateReader(root).latest("Bench")
        status = time.perf_counter() - start
        assert state is not None
        start = time.perf_counter()
        session = await open_session(request(root, resume=ResumeChoice.ONLY), Disk())
        seconds = time.perf_counter() - start
        await session.finish("completed")
        await session.close()
        store = (root / "stores/customers.json").stat().st_size
        return {"resume": seconds, "status": status, "size": (running - 256 * 1024) / store}
    finally:
        shutil.rmtree(root)


def _size_of(root: Path) -> int:
    return sum(f.stat().st_size for f in root.rglob("*") if f.is_file())


def reading(n: int, rounds: int) -> None:
    """What a look into the state costs: the history of many, the newest from the cache."""
    root = Path(tempfile.mkdtemp(prefix="reqon-bench-"))
    try:
        asyncio.run(one_completed(root))
        (record,) = (root / "execution").glob("*.json")
        content = record.read_text()
        state = StateReader(root).history()[0]
        for number in range(n):
            name = stem_of("Bench", state.started_at, number + 2)
            (root / "execution" / f"{name}.json").write_text(content)
        history = min(_timed(lambda: StateReader(root).history("Bench")) for _ in range(rounds))
        reader = StateReader(root)
        for _ in range(2):
            reader.latest("Bench")
            time.sleep(0.1)
        cached = min(_timed(lambda: reader.latest("Bench")) for _ in range(rounds))
        print(f"\nhistory over {n:,} records: {history * 1e3:.0f} ms (goal: 400 with the start)")
        print(f"the newest, again, beside {n:,} others: {cached * 1e3:.2f} ms (goal: 5)")
    finally:
        shutil.rmtree(root)


async def one_completed(root: Path) -> None:
    session = await open_session(request(root), Disk())
    await loop(session, records(10), Barrier.BATCH, None)
    await session.finish("completed")
    await session.close()


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resumes() -> None:
    for n, goal in ((50_000, 0.5), (1_000_000, 5.0)):
        found = asyncio.run(_one(lambda n=n: resumed(n)))
        print(
            f"\nresume from {n:,} items: {found['resume']:.2f} s (goal: {goal}), "
            f"status of it: {found['status'] * 1e3:.1f} ms, "
            f"journal while it ran: {found['size']:.2f} x the store (goal with pages: 3.2)"
        )


async def _one(work: Callable[[], Awaitable[dict[str, float]]]) -> dict[str, float]:
    return await work()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    commits(options.items, options.rounds)
    linearity(options.rounds)
    reading(1_000, options.rounds)
    resumes()


if __name__ == "__main__":
    main()
