"""How much slower a mission is than a script written by hand for the same work.

    python -m benchmarks.engine [--records 90000] [--rounds 5]

Both fetch all pages of a list from a service on loopback, keep every third record, reshape it and
write 30,000 records into a JSON file. Rounds are interleaved; the best of each counts, and only
ratios carry over to other machines. The second table shows the cost of a record as their number
grows: it should stay flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
from benchmarks.measure import in_child, in_turn, show

from reqon.engine.run import RunOptions, run_mission
from reqon.loader import DiskFiles
from reqon.settings import Settings
from vague.program import find_programs, read_program

PAGE = 1000

MISSION = """
mission Bench {
  enableState: %s
  source Api { base: env("API") }
  store kept: file("kept")
  action Fetch {
    get "/records" { params: { count: %d }, paginate: page(page, 1000) }
    for r in response.data where .kind == "b" {
      map r -> Kept {
        id: concat("k", .id)
        name: trim(uppercase(.name))
        total: .price * .amount
        paid: .paid and .price > 10
        at: .at
      }
      store r -> kept { key: .id }
    }
  }
  run Fetch
}
"""

SERVER = """
import json, sys
from aiohttp import web
pages = {}
def page(number, count):
    start, end = (number - 1) * 1000, min(number * 1000, count)
    return json.dumps({"data": [
        {"id": n, "kind": "abc"[n % 3], "name": f"  name of {n} ", "price": n % 97, "amount": n % 7,
         "paid": n % 2 == 0, "at": "2031-05-06T07:08:09Z", "note": "x" * 40}
        for n in range(start, end)]}).encode()
async def records(request):
    key = int(request.query["page"]), int(request.query["count"])
    if key not in pages:
        pages[key] = page(*key)
    return web.Response(body=pages[key], content_type="application/json")
app = web.Application()
app.router.add_get("/records", records)
async def started(app):
    pass
runner = web.AppRunner(app, access_log=None)
async def main():
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    import asyncio
    await asyncio.Event().wait()
import asyncio
asyncio.run(main())
"""


async def by_hand(url: str, count: int, target: Path) -> None:
    """What one would write without Reqon."""
    kept = {}
    async with aiohttp.ClientSession() as session:
        number = 1
        while True:
            params = {"count": str(count), "page": str(number)}
            async with session.get(f"{url}/records", params=params) as response:
                response.raise_for_status()
                rows = (await response.json())["data"]
            for row in rows:
                if row["kind"] == "b":
                    record = {
                        "id": f"k{row['id']}",
                        "name": row["name"].upper().strip(),
                        "total": row["price"] * row["amount"],
                        "paid": row["paid"] and row["price"] > 10,
                        "at": row["at"],
                    }
                    kept[record["id"]] = record
            if len(rows) < PAGE:
                break
            number += 1
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(kept))
    temporary.replace(target)


async def by_mission(url: str, count: int, folder: Path, *, state: bool = True) -> None:
    path = folder / "bench.vague"
    path.write_text(MISSION % ("true" if state else "false", count))
    program = read_program(find_programs(str(path), DiskFiles()).programs[0], DiskFiles())
    options = RunOptions(state_dir=folder / ".vague-data", settings=Settings({"API": url}))
    result = await run_mission(program, "Bench", options)
    assert result.status == "completed", result.error


def in_folder(work: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
    """Run it with a folder of its own and a loop of its own."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder)))


def check_same(url: str, count: int) -> None:
    """Both write the same records."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        asyncio.run(by_hand(url, count, base / "kept.json"))
        asyncio.run(by_mission(url, count, base))
        kept = json.loads((base / ".vague-data/stores/kept.json").read_text())
        assert kept == json.loads((base / "kept.json").read_text()), "same work, same result"


def cases(url: str, count: int) -> dict[str, Callable[[], None]]:
    return {
        "by hand": lambda: in_folder(lambda base: by_hand(url, count, base / "kept.json")),
        "mission": lambda: in_folder(lambda base: by_mission(url, count, base)),
        "without state": lambda: in_folder(lambda base: by_mission(url, count, base, state=False)),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--records", type=int, default=90_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--flat", type=int, nargs="*", default=[9_000, 90_000, 900_000])
    given = arguments.parse_args()
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        check_same(url, given.records)
        print(f"{given.records:,} records, best of {given.rounds}")
        show(in_turn(cases(url, given.records), given.rounds), {"mission": 2.0})
        print("processor time of a record")
        for count in given.flat:
            taken, _ = in_child(cases(url, count)["mission"])
            print(f"  {count:>9,}            {taken.processor / count * 1e6:6.2f} us")
    finally:
        server.kill()


if __name__ == "__main__":
    main()
