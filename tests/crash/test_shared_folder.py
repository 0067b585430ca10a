"""Two projects, each with a state folder of its own, write one store; no work is lost or done twice.

The store lies in a folder that both name, or in the state folder of one of them. Each execution
adds one to every counter that it comes to, so that a counter is the number of executions that got
that far. What one left unapplied when it died, the other finds and finishes before it writes.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reqon.state.reader import StateReader
from support.crash_processes import Ended, reqon
from support.crash_runs import Bench, Run, seed_of
from support.crash_worker import Answer

PROGRAM = """
mission Left {
  store shared: file("shared"%s)
  action Count {
    for n in [1, 2, 3, 4, 5, 6] checkpoint every 1 {
      store { count: (shared[n].count ?? 0) + 1, by: "left" } -> shared { key: n }
    }
  }
  run Count
}

mission Right {
  stateDurability: relaxed
  store counters: file("shared", { dir: "%s" })
  action Count {
    for n in [1, 2, 3, 4, 5, 6] checkpoint every 2 {
      store { count: (counters[n].count ?? 0) + 1, by: "right" } -> counters { key: n }
    }
  }
  run Count
}
"""
N_COUNTERS = 6
N_HISTORIES = 8
N_DEEP_HISTORIES = 300
PLACES = ("a common folder", "the folder of one of them")

pytestmark = pytest.mark.slow


class Two:
    """Both projects."""

    def __init__(self, run: Run, stores: Path) -> None:
        self.run = run
        self.stores = stores
        self.folders = {"Left": run.state_dir, "Right": run.folder / "right" / ".vague-data"}
        self.folders["Right"].parent.mkdir()

    def start(self, mission: str, disk: Any = None, *, resume: bool = False) -> Answer:
        return self.run.start(disk, mission=mission, state_dir=self.folders[mission], resume=resume)

    def counters(self) -> dict[int, int]:
        path = self.stores / "shared.json"
        content = json.loads(path.read_text()) if path.exists() else {}
        return {int(key): record["count"] for key, record in content.items()}

    def expected(self) -> dict[int, int]:
        """By counter, how many executions came to it."""
        reached = [
            state.checkpoints.get("Count", {}).get("itemsProcessed", 0)
            for mission, folder in self.folders.items()
            for state in StateReader(folder).history(mission)
        ]
        sums = {n: sum(items >= n for items in reached) for n in range(1, N_COUNTERS + 1)}
        return {n: value for n, value in sums.items() if value > 0}


@contextmanager
def projects(bench: Bench, place: str) -> Iterator[Two]:
    number = f"{bench.folder}/shared-{random.getrandbits(40):x}"
    common = place == PLACES[0]
    folder = Path(number) / "common" if common else Path(number) / "left/.vague-data/stores"
    folder.parent.mkdir(parents=True)
    text = PROGRAM % (f', {{ dir: "{folder}" }}' if common else "", folder)
    program = bench.program(Path(number).name, text)
    with bench.place(program, "Left", {"batch": 0.0}) as run:
        two = Two(run, folder)
        if not common:
            two.folders["Left"] = folder.parent
        yield two


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_one_project_finishes_what_the_other_left_unapplied(bench: Bench, place: str) -> None:
    with projects(bench, place) as two:
        n_operations = {m: len(two.start(m).operations) for m in two.folders}
    for dead, other in (("Left", "Right"), ("Right", "Left")):
        for at in range(3, n_operations[dead] + 1, 3):
            with projects(bench, place) as two:
                if not two.start(dead, {"kind": "dying", "at": at, "moment": "before"}).died:
                    continue
                answer = two.start(other)
                assert answer.exit_code == 0, (dead, at, answer)
                assert two.counters() == two.expected(), (dead, at)
                assert two.start(other).exit_code == 0
                resumed = two.start(dead, resume=True)
                assert resumed.exit_code == 0, (dead, at, resumed)
                assert two.counters() == two.expected(), (dead, at)
                assert two.run.trail == []


def history(bench: Bench, place: str, seed: str) -> list[str]:
    """A random history of both projects; what is wrong with the counters in the end."""
    chance = random.Random(seed)
    log: list[str] = []
    with projects(bench, place) as two:
        for _ in range(chance.randint(3, 8)):
            mission, resume = chance.choice(("Left", "Right")), chance.random() < 0.6
            moment = chance.choice(("before", "after", "torn"))
            kill = {"kind": "dying", "at": chance.randint(1, 110), "moment": moment}
            answer = two.start(mission, kill, resume=resume)
            log.append(f"{mission} {'resumed' if resume else 'started'} {kill}: {answer.status}")
            if not answer.died and answer.exit_code != 0:
                return [*log, f"ended with {answer.exit_code}: {answer.error}"]
        for mission in two.folders:
            answer = two.start(mission, resume=True)
            if answer.exit_code != 0:
                return [*log, f"{mission} ended with {answer.exit_code}: {answer.error}"]
        found, wanted = two.counters(), two.expected()
        if found != wanted or two.run.trail:
            return [*log, *two.run.trail, f"found {found}, wanted {wanted}"]
    return []


def check(bench: Bench, place: str, n: int, seed: int) -> None:
    for number in range(n):
        problems = history(bench, place, f"{seed} {number}")
        if problems:
            pytest.fail(f"history {number} of REQON_CRASH_SEED={seed}\n" + "\n".join(problems))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_any_history_of_two_projects_counts_right(bench: Bench, place: str) -> None:
    check(bench, place, N_HISTORIES, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", PLACES)
def test_many_histories_of_two_projects_count_right(bench: Bench, place: str) -> None:
    check(bench, place, N_DEEP_HISTORIES, seed_of(None))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_runs_of_two_projects_at_the_same_time_take_turns(bench: Bench, place: str) -> None:
    with projects(bench, place) as two:
        ended: list[Ended] = []

        def start(mission: str) -> None:
            line = ["--state-dir", str(two.folders[mission]), str(two.run.program)]
            ended.append(reqon([*line, "--mission", mission], two.run.folder, {}))

        threads = [threading.Thread(target=start, args=[m]) for m in ("Left", "Right") * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {one.code for one in ended} <= {0, 4}, ended
        assert all("already running" in one.errors for one in ended if one.code == 4), ended
        n_done = sum(one.code == 0 for one in ended)
        assert n_done >= 2
        assert two.counters() == dict.fromkeys(range(1, N_COUNTERS + 1), n_done)
        assert two.counters() == two.expected()
