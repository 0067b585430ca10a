"""Two missions write one store, and die at any moment: no work is lost, and none is done twice.

Each execution adds one to every counter it comes to. So after any history of deaths, resumes and
fresh starts of both missions, a counter is the number of executions that got that far, as their
records say.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from reqon.state.reader import StateReader
from support.crash_runs import Bench, Run, seed_of

MISSION_FILE = Path(__file__).parent / "missions" / "shared_store.vague"
N_COUNTERS = 6
WRITERS = ("Left", "Right")
N_HISTORIES = 16
N_DEEP_HISTORIES = 600

pytestmark = pytest.mark.slow


def place(bench: Bench):
    program = bench.program("shared_store", MISSION_FILE.read_text())
    return bench.place(program, "Left", {"batch": 0.0})


def counters(run: Run) -> dict[int, int]:
    content = json.loads((run.state_dir / "stores" / "shared.json").read_text())
    return {int(key): record["count"] for key, record in content.items()}


def expected(run: Run) -> dict[int, int]:
    """By counter, how many executions came to it."""
    reader = StateReader(run.state_dir)
    reached = [
        state.checkpoints.get("Count", {}).get("itemsProcessed", 0)
        for mission in WRITERS
        for state in reader.history(mission)
    ]
    sums = {n: sum(items >= n for items in reached) for n in range(1, N_COUNTERS + 1)}
    return {n: value for n, value in sums.items() if value > 0}


def test_the_other_mission_first_finishes_what_a_dead_one_left_unapplied(bench: Bench) -> None:
    with place(bench) as run:
        n_operations = len(run.start().operations)
    for at in range(1, n_operations + 1, 2):
        with place(bench) as run:
            assert run.start({"kind": "dying", "at": at, "moment": "before"}).died
            left = StateReader(run.state_dir).latest("Left")
            done = 0 if left is None else left.checkpoints.get("Count", {}).get("itemsProcessed", 0)
            answer = run.start(mission="Right")
            assert answer.exit_code == 0, (at, answer)
            counts = answer.record["stores"]["counters"]
            assert (counts["added"], counts["updated"]) == (N_COUNTERS - done, done), at
            assert counters(run) == expected(run), at
            resumed = run.start(resume=True)
            assert resumed.exit_code == 0, (at, resumed)
            assert counters(run) == expected(run), at
            assert run.trail == []


def test_a_store_that_was_read_before_anything_was_in_it_is_not_missed(bench: Bench) -> None:
    with place(bench) as run:
        n_operations = len(run.start().operations)
    n_read = 0
    for at in range(1, n_operations):
        with place(bench) as run:
            assert run.start({"kind": "dying", "at": at, "moment": "before"}).died
            assert run.start(mission="Reader").exit_code == 0
            stores = run.state_dir / "stores"
            if (stores / "shared.json").exists():
                break
            if not (stores / ".shared.applied.json").exists():
                continue
            again = run.start(
                {"kind": "dying", "at": n_operations // 3, "moment": "after"}, resume=True
            )
            assert again.died, at
            n_read += not (stores / "shared.json").exists()
            resumed = run.start(resume=True)
            assert resumed.exit_code == 0, (at, resumed)
    assert n_read > 2


def history(bench: Bench, seed: str, disk_of_right: dict[str, str] | None = None) -> list[str]:
    """A random history of both missions; what is wrong with the counters along the way."""
    chance = random.Random(seed)
    log: list[str] = []
    with place(bench) as run:
        for _ in range(chance.randint(3, 8)):
            mission = chance.choice(WRITERS)
            resume = chance.random() < 0.7
            kill = {
                "kind": "dying",
                "at": chance.randint(1, 110),
                "moment": chance.choice(("before", "after", "torn")),
            }
            disk = disk_of_right if mission == "Right" and disk_of_right else kill
            answer = run.start(disk, mission=mission, resume=resume)
            log.append(f"{mission} {'resumed' if resume else 'started'} {disk}: {answer.status}")
            if not answer.died and answer.exit_code != 0:
                return [*log, f"ended with {answer.exit_code}: {answer.error}"]
            if chance.random() < 0.4:
                answer = run.start(mission="Reader")
                seen = json.loads((run.state_dir / "stores" / "sums.json").read_text())
                wanted = sum(expected(run).values())
                log.append(f"Reader: {seen['all']['sum']}, wanted {wanted}")
                if seen["all"]["sum"] != wanted:
                    return log
        for mission in WRITERS:
            answer = run.start(mission=mission, resume=True)
            if answer.exit_code != 0:
                return [*log, f"{mission} ended with {answer.exit_code}: {answer.error}"]
        found, wanted_counts = counters(run), expected(run)
        if found != wanted_counts or run.trail:
            return [*log, *run.trail, f"found {found}, wanted {wanted_counts}"]
    return []


def check_histories(bench: Bench, n: int, seed: int) -> None:
    for number in range(n):
        problems = history(bench, f"{seed} {number}")
        if problems:
            pytest.fail(f"history {number} of REQON_CRASH_SEED={seed}\n" + "\n".join(problems))


@pytest.mark.timeout(300)
def test_any_history_of_deaths_counts_right(bench: Bench) -> None:
    check_histories(bench, N_HISTORIES, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_many_histories_of_deaths_count_right(bench: Bench) -> None:
    check_histories(bench, N_DEEP_HISTORIES, seed_of(None))


def test_a_program_that_forgets_its_marks_would_be_found(bench: Bench) -> None:
    forgetful = {"kind": "forgetful", "rule": "marks"}
    assert any(history(bench, f"control {n}", forgetful) for n in range(20))
