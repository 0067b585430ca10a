"""How soon commands answer, and how soon a run sends its first request.

    python -m benchmarks.startup [--rounds 10]

Every command is a process of its own, its modules compiled by an earlier one; the bare interpreter
and a script that imports aiohttp stand beside them. The language server's look at the state is
measured in `benchmarks/journal.py`.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.measure import NEVER, Taken

from reqon.state.paths import stem_of
from reqon.state.reader import StateReader

REQON = [sys.executable, "-m", "reqon"]
MISSION = """
mission Bench {
  source Api { base: env("API") }
  store items: file("items")
  action Fetch {
    get "/items"
    store each response -> items { key: .id }
  }
  run Fetch
}
"""
SCRIPT = """
import asyncio, os
import aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        await session.get(os.environ["API"] + "/items")
asyncio.run(main())
"""
OFFLINE = """
mission Past {
  store items: memory("items")
  action Make { store { id: "1" } -> items }
  run Make
}
"""
N_RECORDS = 1000


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of the commands, in which modules stay compiled."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def until_end(words: list[str], folder: Path) -> Taken:
    """A command, to its end."""
    quiet = subprocess.DEVNULL
    begun = time.perf_counter()
    with subprocess.Popen(
        words, cwd=folder, env=surroundings(folder), stdout=quiet, stderr=quiet
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, words
    return Taken(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)


def until_request(words: list[str], folder: Path) -> Taken:
    """A command, to the moment at which a service would hear from it."""
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(60)
        url = f"http://127.0.0.1:{service.getsockname()[1]}"
        begun = time.perf_counter()
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            words, cwd=folder, env=surroundings(folder) | {"API": url}, stdout=quiet, stderr=quiet
        ) as child:
            connection, _ = service.accept()
            with connection:
                connection.recv(1)
                wall = time.perf_counter() - begun
                child.kill()
                _, _, usage = os.wait4(child.pid, 0)
                child.returncode = 0
    return Taken(wall, usage.ru_utime + usage.ru_stime)


CASES: Mapping[str, tuple[Callable[[list[str], Path], Taken], list[str]]] = {
    "the bare interpreter": (until_end, [sys.executable, "-c", "pass"]),
    "reqon --help": (until_end, [*REQON, "--help"]),
    "reqon status": (until_end, [*REQON, "status"]),
    "reqon history, 1,000": (until_end, [*REQON, "history", "Past"]),
    "reqon check FILE": (until_end, [*REQON, "check", "bench.vague"]),
    "first request, by hand": (until_request, [sys.executable, "script.py"]),
    "first request, reqon": (until_request, [*REQON, "bench.vague"]),
}
GOALS = {"reqon status": 0.25, "reqon history, 1,000": 0.4}


def history_of(folder: Path) -> None:
    """Many records of one mission."""
    (folder / "past.vague").write_text(OFFLINE)
    until_end([*REQON, "past.vague"], folder)
    state = StateReader(folder / ".vague-data").history()[0]
    content = state.path.read_bytes()
    for number in range(N_RECORDS):
        name = stem_of("Past", state.started_at, number + 2)
        state.path.with_name(f"{name}.json").write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.vague").write_text(MISSION)
        (folder / "script.py").write_text(SCRIPT)
        history_of(folder)
        best = dict.fromkeys(CASES, NEVER)
        for _ in range(rounds):
            for case, (measure, words) in CASES.items():
                best[case] = Taken(*map(min, best[case], measure(words, folder)))
        for case, taken in best.items():
            goal = GOALS.get(case)
            print(
                f"{case:24} {taken.wall:6.3f} s   processor {taken.processor:6.3f} s"
                + (f"   (goal {goal})" if goal else "")
            )


if __name__ == "__main__":
    main()
