"""Loops of a mission against loops written by hand, and how both grow.

    python -m benchmarks.loops [--items 20000] [--requests 5000] [--rounds 5] [--large]

Pages of 100 items from a service on loopback, at once and at 40 ms a page, stored one by one;
and a request for each of many items, 50 at once, against `asyncio.Semaphore(50)`. `--large` adds
a million records into a file store and one reply of 100 MB: time and memory against a script
that holds the same. Ratios carry over to other machines, times do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from benchmarks.measure import in_child, in_turn, show

from reqon.engine.run import RunOptions, run_mission
from reqon.loader import DiskFiles
from reqon.settings import Settings
from vague.program import find_programs, read_program

PAGE = 100
WIDTH = 50

PAGED = """
mission Bench {
  source Api { base: env("API") }
  store items: file("items")
  action Fetch {
    get "/items" {
      params: { count: COUNT, delay: DELAY, size: SIZE }
      paginate: page(page, SIZE)
    }
    for item in response.data checkpoint every 100 { store item -> items { key: .id } }
  }
  run Fetch
}
"""

EACH = """
mission Bench {
  source Api { base: env("API") }
  store items: file("items")
  action Fetch {
    get "/ids" { params: { count: COUNT } }
    for one in response.data parallel 50 {
      get "/items/{one.id}"
      store response -> items { key: .id }
    }
  }
  run Fetch
}
"""

WHOLE = """
mission Bench {
  source Api { base: env("API") }
  store items: file("items")
  action Fetch {
    get "/items" { params: { count: COUNT, delay: 0, size: COUNT, page: 1 }, timeout: 10 minutes }
    store each response.data -> items { key: .id }
  }
  run Fetch
}
"""


def item(number: int) -> dict[str, object]:
    """A record of some 150 bytes."""
    return {
        "id": f"item_{number:07}",
        "name": "Ada Lovelace",
        "email": f"ada{number}@example.test",
        "active": number % 3 != 0,
        "score": number * 0.5,
        "address": {"city": "Paris", "zip": "75001"},
    }


# ---------------------------------------------------------------- the service


def serve() -> None:
    """Serve until killed; prints the port."""
    known: dict[tuple[int, int, int], bytes] = {}

    async def items(request: web.Request) -> web.Response:
        page, count, size = (int(request.query[name]) for name in ("page", "count", "size"))
        await asyncio.sleep(int(request.query["delay"]) / 1000)
        place = page, count, size
        if place not in known:
            numbers = range((page - 1) * size, min(page * size, count))
            known[place] = json.dumps({"data": [item(n) for n in numbers]}).encode()
        return web.Response(body=known[place], content_type="application/json")

    async def ids(request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": n} for n in range(int(request.query["count"]))]})

    async def one(request: web.Request) -> web.Response:
        return web.json_response(item(int(request.match_info["number"])))

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/items", items)
        app.router.add_get("/items/{number}", one)
        app.router.add_get("/ids", ids)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


# ---------------------------------------------------------------- the same work twice


async def fetched(url: str, count: int, delay: int, size: int) -> dict[str, Any]:
    """All records by id."""
    kept: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session:
        page = 0
        while True:
            page += 1
            params = {"page": page, "count": count, "delay": delay, "size": size}
            async with session.get(f"{url}/items", params=params) as response:
                response.raise_for_status()
                rows = (await response.json())["data"]
            for row in rows:
                kept[row["id"]] = row
            if len(rows) < size:
                return kept


async def each_fetched(url: str, count: int) -> dict[str, Any]:
    """All records by id, each by a request of its own, so many at once."""
    kept: dict[str, Any] = {}
    limit = asyncio.Semaphore(WIDTH)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            async with limit, session.get(f"{url}/items/{number}") as response:
                response.raise_for_status()
                row = await response.json()
            kept[row["id"]] = row

        async with session.get(f"{url}/ids", params={"count": count}) as response:
            rows = (await response.json())["data"]
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(one(row["id"]))
    return kept


def by_hand(work: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Fetch, then write one file and put it in place."""

    async def run() -> None:
        kept = await work()
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "items.json"
            target.with_suffix(".tmp").write_text(json.dumps(kept))
            target.with_suffix(".tmp").replace(target)

    asyncio.run(run())


def by_mission(url: str, mission: str, count: int, delay: int = 0, size: int = PAGE) -> None:
    """Run a mission in a new folder."""
    text = mission.replace("COUNT", str(count)).replace("DELAY", str(delay))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.vague"
        path.write_text(text.replace("SIZE", str(size)))
        files = DiskFiles()
        program = read_program(find_programs(str(path), files).programs[0], files)
        options = RunOptions(state_dir=path.parent / "state", settings=Settings({"API": url}))
        result = asyncio.run(run_mission(program, "Bench", options))
        assert result.status == "completed", result.error
        assert result.record["stores"]["items"]["count"] == count, "same work, same result"


# ---------------------------------------------------------------- what is compared


def paged(url: str, count: int, delay: int, rounds: int) -> None:
    print(f"\n{count:,} items in pages of {PAGE}, {delay} ms a page")
    cases = {
        "by hand": lambda: by_hand(lambda: fetched(url, count, delay, PAGE)),
        "mission": lambda: by_mission(url, PAGED, count, delay),
    }
    show(in_turn(cases, rounds), {"mission": 1.05 if delay else 2.0})


def parallel(url: str, count: int, rounds: int) -> None:
    print(f"\n{count:,} requests, {WIDTH} at once")
    cases = {
        "by hand": lambda: by_hand(lambda: each_fetched(url, count)),
        "mission": lambda: by_mission(url, EACH, count),
    }
    show(in_turn(cases, rounds), {"mission": 1.5})


def growth(url: str, sizes: tuple[int, ...]) -> None:
    """What a record costs, and how much memory all of them take, as they grow in number."""
    for size in sizes:
        (_, hand), hand_memory = in_child(lambda n=size: by_hand(lambda: fetched(url, n, 0, 1000)))
        (_, used), memory = in_child(lambda n=size: by_mission(url, PAGED, n, 0, 1000))
        print(
            f"{size:>9,} records: {used / size * 1e6:6.2f} us each by a mission, by hand "
            f"{hand / size * 1e6:6.2f}; memory {memory:5.0f} MiB, by hand {hand_memory:5.0f}"
        )


def one_reply(url: str, count: int) -> None:
    """One large reply, stored whole."""
    (_, hand), hand_memory = in_child(lambda: by_hand(lambda: fetched(url, count, 0, count + 1)))
    (_, used), memory = in_child(lambda: by_mission(url, WHOLE, count))
    print(
        f"one reply with {count:,} records: processor {used:.2f} s, by hand {hand:.2f}; "
        f"memory {memory:.0f} MiB, by hand {hand_memory:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="a million records and 100 MB too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    words = [sys.executable, "-m", "benchmarks.loops", "--serve"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        try:
            paged(url, given.items, 0, given.rounds)
            paged(url, given.items // 4, 40, max(2, given.rounds - 3))
            parallel(url, given.requests, given.rounds)
            print()
            growth(url, (1_000, 100_000, 1_000_000) if given.large else (1_000, 100_000))
            if given.large:
                one_reply(url, 650_000)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
