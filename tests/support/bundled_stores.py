"""State stores that come with Reqon, seen from outside: the command, killed processes, races.

    place = Place(folder, "sqlite", "sqlite:///tmp/state.db")
    ended = place.run("--resume")

`run_beside` starts processes that ask for the same lease at the same moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from reqon.cli.main import cli
from reqon.state_stores.bundled import BUNDLED
from reqon.testing import example_state
from support.crash_outcome import Outcome, differences
from support.crash_processes import KILLED, Ended, Process, reqon
from support.crash_runs import Bench, Run, Shape

COUNTING = """mission Counting {
  stateStore: STORE
  store numbers: file("numbers")
  action Count {
    for n in range(1, 9) checkpoint every 2 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) {
        store bad -> numbers { key: .id }
      }
      store { id: toString(n) } -> numbers { key: .id }
    }
  }
  run Count
}
"""

RACER = """
import asyncio, inspect, sys, time
from reqon.state_stores.bundled import BUNDLED
import importlib

name, url, start, owner = sys.argv[1:]
store = importlib.import_module(BUNDLED[name].module).open_store(url)

async def main():
    outcome = store.acquire("Raced", owner, 60.0)
    print(await outcome if inspect.isawaitable(outcome) else outcome)

while time.time() < float(start):
    pass
asyncio.run(main())
"""


class Place:
    """A folder with a mission that counts to nine, and where its state is kept."""

    def __init__(self, folder: Path, store: str, url: str) -> None:
        self.folder = folder
        self.store = store
        self.url = url
        self.env = {"REQON_STATE_URL": url, "BAD": "0"}
        (folder / "counting.vague").write_text(COUNTING.replace("STORE", store))

    def run(self, *arguments: str, **env: str) -> Ended:
        """Run the mission, in this process."""
        return self._command("counting.vague", *arguments, **env)

    def read(self, *arguments: str) -> Ended:
        """A command that looks into the store, in this process."""
        return self._command(*arguments, "--state-store", self.store)

    def refused(self, *arguments: str) -> str:
        """What a command says that must end with 3."""
        ended = self._command(*arguments)
        assert ended.code == 3, ended
        assert "Traceback" not in str(ended)
        return " ".join(str(ended).split())

    def _command(self, *arguments: str, **env: str) -> Ended:
        with contextlib.chdir(self.folder):
            ended = CliRunner().invoke(cli, list(arguments), env=self.env | env)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    def wipe(self) -> None:
        shutil.rmtree(self.folder / ".vague-data")

    @property
    def numbers(self) -> int:
        """How many records the mission's store has."""
        return len(json.loads((self.folder / ".vague-data/stores/numbers.json").read_text()))


def check_life(place: Place) -> None:
    """A run that fails, is found on an empty disk, goes on, is listed and removed."""
    failed = place.run(BAD="8")
    assert failed.code == 1, failed
    place.wipe()
    resumed = place.run("--resume")
    assert resumed.code == 0, resumed
    assert "Counting: resumed at item 7 in 'Count'" in resumed.errors
    assert place.numbers == 9
    place.wipe()
    (record,) = json.loads(place.read("history", "--json").output)
    assert record["status"] == "completed"
    removed = place.read("cleanup", "Counting", "--all")
    assert removed.code == 0, removed
    none = f"no executions in the state store '{place.store}' yet\n"
    assert place.read("history").errors == place.read("status").errors == none
    assert json.loads(place.read("history", "--json").output) == []


def check_dead(place: Place) -> None:
    """What died on another machine is interrupted once its lease is over, and can be removed."""
    store = importlib.import_module(BUNDLED[place.store].module).open_store(place.url)
    owner = {"host": "another machine", "pid": 1, "pidStart": 1, "bootId": "another boot"}

    def statuses() -> list[str]:
        (shown,) = json.loads(place.read("status", "--json").output)
        one = json.loads(place.read("status", "Counting", "--json").output)
        listed = json.loads(place.read("history", "--status", shown["status"], "--json").output)
        return [state["status"] for state in (shown, one, *listed)]

    async def lend(seconds: float) -> int:
        return await _answer(store.acquire("Counting", "another machine", seconds))

    async def start() -> None:
        epoch = await lend(60)
        state = example_state("exec_1", "Counting", seq=0, owner=owner, epoch=epoch)
        assert await _answer(store.save(state))
        frame = {"frame": "", "epoch": epoch}
        assert await _answer(store.append("exec_1", 1, frame))

    asyncio.run(start())
    assert statuses() == ["running"] * 3
    kept = place.read("cleanup", "Counting", "--all", "--json")
    assert json.loads(kept.output)["running"] == ["exec_1"], kept
    asyncio.run(lend(0.1))
    assert statuses() == ["interrupted"] * 3, "another run has the mission now"
    end = time.monotonic() + 30
    while json.loads(place.read("cleanup", "Counting", "--all", "--json").output)["running"]:
        assert time.monotonic() < end, "it can be removed when nobody has the mission"
        time.sleep(0.1)
    assert json.loads(place.read("history", "--json").output) == []


async def _answer(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


def run_beside(store: str, url: str, n: int) -> list[str]:
    """What `acquire` says in so many processes that ask at the same moment."""
    start = str(time.time() + 1.0)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store, url, start, f"owner {number}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(n)
    ]
    return [process.communicate(timeout=60)[0].strip() for process in processes]


# ---------------------------------------------------------------- processes that are killed


@contextmanager
def quickstart(bench: Bench, store: str) -> Iterator[tuple[Run, Path]]:
    """A world, and the quickstart's program with its state in a store."""
    shape = Shape("quickstart")
    text = shape.text.replace("stateDurability", f"stateStore: {store}  stateDurability", 1)
    with bench.run(shape) as run:
        run.world.n_customers = 40
        yield run, bench.program(f"quickstart-in-{store}", text)


def undisturbed(bench: Bench) -> Outcome:
    """What the quickstart leaves without such a store."""
    with bench.run(Shape("quickstart")) as run:
        run.world.n_customers = 40
        assert run.start().exit_code == 0
        return run.outcome()


def disturbed(
    bench: Bench, store: str, url: str, disturb: Callable[[Process, Run], None]
) -> list[str]:
    """What is not as in an undisturbed run, after `disturb` while an answer is held back.

    A process that this has ended is followed by a resume.
    """
    wanted = undisturbed(bench)
    with quickstart(bench, store) as (run, program):
        env = {"REQON_TEST_URL": run.world.url, "REQON_STATE_URL": url}
        command = ["run", str(program), "--resume"]
        run.world.holds_at = 23
        with Process(command, run.folder, env) as process:
            process.signal_when(0, lambda: run.world.n_requests >= 23)
            disturb(process, run)
            run.world.released.set()
            ended = process.wait()
        log = [str(ended)]
        if ended.code == KILLED:
            resumed = reqon(command, run.folder, env)
            log.append(str(resumed))
            assert "nothing to resume" not in resumed.errors, log
        elif ended.code != 0:
            return log
        found = differences(run.outcome(), wanted)
        found += [f"one key, two bodies: {key}" for key in run.world.double_keys()]
        return [*log, *found] if found else []


def kill_and_wipe(process: Process, run: Run) -> None:
    """End a process and empty its state folder."""
    process.signal(signal.SIGKILL)
    process.wait()
    shutil.rmtree(run.state_dir)
