"""What state and checkpoints cost a whole mission, against the same mission without.

    python benchmarks/checkpoint.py [--items 20000] [--rounds 5]

A mission fetches pages of 100 items from a service on loopback, at once and at 40 ms a page, and
stores them one by one. Variants take turns within a round and the best round of each counts, so
that a busy machine hits all; ratios carry over to other machines, times do not. Behind each
figure stands its goal. `benchmarks/journal.py` has the journal alone, `engine.py` the comparison
with a script written by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from reqon.engine.run import ResumeChoice, RunOptions, RunResult, run_mission
from reqon.events.model import CheckpointSaved, RunStarted, Stamped
from reqon.journal.session import Timing
from reqon.loader import DiskFiles
from reqon.settings import Settings
from vague.program import find_programs, read_program

PAGE = 100
MISSION = """
mission Bench {
  OPTIONS
  source Api { base: env("API") }
  store items: file("items")
  action Fetch {
    get "/items" {
      params: { count: COUNT, delay: DELAY }
      paginate: { type: page, maxPages: 20000 }
    }
    for item in response.data CLAUSE { store item -> items { key: .id } }
  }
  run Fetch
}
"""
VARIANTS: Mapping[str, tuple[str, str]] = {
    "without state": ("enableState: false", ""),
    "state": ("", ""),
    "checkpoint every 100": ("", "checkpoint every 100"),
    "checkpoint every 10": ("", "checkpoint every 10"),
    "strict, every 100": ("stateDurability: strict", "checkpoint every 100"),
}
GOALS = {("state", 0): 1.12, ("checkpoint every 100", 0): 1.10, ("checkpoint every 100", 40): 1.03}


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
    """Serve pages until killed; prints the port."""
    pages: dict[tuple[int, int], bytes] = {}

    async def items(request: web.Request) -> web.Response:
        query = request.query
        page, count = int(query["page"]), int(query["count"])
        if query["delay"] != "0":
            await asyncio.sleep(int(query["delay"]) / 1000)
        if (page, count) not in pages:
            numbers = range((page - 1) * PAGE, min(page * PAGE, count))
            pages[page, count] = json.dumps({"data": [item(n) for n in numbers]}).encode()
        return web.Response(body=pages[page, count], content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/items", items)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stdout.write(f"{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    asyncio.run(run())


# ---------------------------------------------------------------- runs


class Watch:
    """Notes when the run began; kills the process at a checkpoint if it is told to."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.began = 0.0
        self._dies_at = dies_at

    def receive(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, RunStarted):
            self.began = time.perf_counter()
        elif isinstance(event, CheckpointSaved) and self._is_last(event.index):
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_last(self, index: int) -> bool:
        return self._dies_at is not None and index >= self._dies_at


def run(
    folder: Path,
    url: str,
    variant: str,
    count: int,
    delay: int = 0,
    *,
    watch: Watch | None = None,
    resume: bool = False,
    timing: Timing | None = None,
) -> RunResult:
    """Run the mission in a folder."""
    options, clause = VARIANTS[variant]
    path = folder / "bench.vague"
    text = MISSION.replace("OPTIONS", options).replace("CLAUSE", clause)
    path.write_text(text.replace("COUNT", str(count)).replace("DELAY", str(delay)))
    files = DiskFiles()
    program = read_program(find_programs(str(path), files).programs[0], files)
    given = RunOptions(
        state_dir=folder / ".vague-data",
        settings=Settings({"API": url}),
        resume=ResumeChoice.IF_ANY if resume else ResumeChoice.NEVER,
        timing=timing or Timing(),
    )
    result = asyncio.run(run_mission(program, "Bench", given, [] if watch is None else [watch]))
    assert result.status == "completed", result.error
    assert result.record["stores"]["items"]["count"] == count
    return result


def seconds(url: str, variant: str, count: int, delay: int = 0) -> float:
    """How long one run takes, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run(Path(folder), url, variant, count, delay)
        return time.perf_counter() - begun


def compare(url: str, count: int, delay: int, rounds: int) -> None:
    """All variants in turn."""
    for variant in VARIANTS:
        seconds(url, variant, PAGE)
    best = dict.fromkeys(VARIANTS, 1e9)
    for _ in range(rounds):
        for variant in VARIANTS:
            best[variant] = min(best[variant], seconds(url, variant, count, delay))
    print(f"\n{count:,} items at {delay} ms a page, best of {rounds}")
    for variant, taken in best.items():
        ratio = taken / best["without state"]
        goal = GOALS.get((variant, delay))
        print(
            f"  {variant:22} {taken:6.2f} s   ratio {ratio:.3f}"
            + (f"  (goal {goal})" if goal else "")
        )


def linearity(url: str, rounds: int) -> None:
    """The cost of an item as their number grows."""
    sizes = (1_000, 100_000)
    each = {
        n: min(seconds(url, "checkpoint every 100", n) for _ in range(rounds)) / n for n in sizes
    }
    print(f"\nan item of 100,000 costs {each[100_000] / each[1_000]:.2f} x one of 1,000 (goal 1.2)")


# ---------------------------------------------------------------- a child for what dies or grows


def in_child(work: Callable[[], None]) -> tuple[int, float]:
    """Do it in a child; its wait status, and its largest memory in MiB."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    return status, usage.ru_maxrss / 1024


def resume_time(url: str, count: int) -> None:
    """Kill a run near its end, with everything in the journal; how soon the next one works."""
    long = Timing(grow_bytes=1 << 40)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dies = Watch(count * 9 // 10)
        in_child(
            lambda: (
                run(folder, url, "checkpoint every 100", count, watch=dies, timing=long) and None
            )
        )
        state = folder / ".vague-data" / "execution"
        stored = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
        watch = Watch()
        begun = time.perf_counter()
        run(folder, url, "checkpoint every 100", count, watch=watch, resume=True, timing=long)
        fetched = sum(len(repr(item(n))) for n in range(count))
        goal = 0.5 if count <= 50_000 else 5.0
        print(f"resume of {count:,} items works after {watch.began - begun:.2f} s (goal {goal})")
        ratio = stored / fetched / 2
        print(f"  journal and pages while it ran: {ratio:.2f} x fetched + written (goal 3.2)")
        left = sum(path.stat().st_size for path in state.iterdir())
        print(f"  left beside the store: {left} bytes (goal 2,048)")


def memory(url: str, count: int) -> None:
    """The largest memory of a run, and of a script that holds the same records in a dict."""

    def by_hand() -> None:
        kept = {f"{n}": item(n) for n in range(count)}
        assert len(kept) == count

    def mission() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), url, "checkpoint every 100", count)

    _, base = in_child(by_hand)
    _, used = in_child(mission)
    print(f"memory for {count:,} items: {used - base:+.0f} MiB over a dict of them (goal 32)")


def commands(url: str, rounds: int) -> None:
    """Wall time of the commands that look, with the start of the interpreter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, url, "state", PAGE)
        record = next((folder / ".vague-data/execution").glob("*.json"))
        for n in range(1000):
            stamp = f"2020-01-{1 + n // 50:02}T{n % 24:02}-{n % 60:02}-{n % 59:02}"
            shutil.copy(record, record.with_name(f"Bench-{stamp}-{n + 2}.json"))
        for words, goal in (
            (["status"], 0.25),
            (["status", "Bench"], 0.25),
            (["history", "Bench"], 0.4),
        ):
            taken = min(_wall(words, folder) for _ in range(rounds))
            print(f"reqon {' '.join(words):14} {taken:.2f} s beside 1,000 records (goal {goal})")


def _wall(words: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "reqon", *words], cwd=folder, check=True, capture_output=True
    )
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="the resume of a million items too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        memory(url, 100_000)  # children of a process that has not grown itself yet
        compare(url, given.items, 0, given.rounds)
        compare(url, given.items // 2, 40, max(2, given.rounds - 2))
        linearity(url, 2)
        for count in (50_000, 1_000_000) if given.large else (50_000,):
            resume_time(url, count)
        commands(url, given.rounds)
    finally:
        server.kill()


if __name__ == "__main__":
    main()
