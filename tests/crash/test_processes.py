"""Real `reqon` processes, killed at random moments or asked to stop, and resumed.

Half of the kills come when the service has seen a certain number of requests, the others after a
certain time, so that starts, recoveries and ends are hit too. A failure prints the seed that
shows the same sequence again (as far as the machine is as fast).
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.crash_outcome import Outcome, differences
from support.crash_processes import KILLED, Process, reqon
from support.crash_runs import Bench, Run, Shape, seed_of

N_CUSTOMERS = 40
SHORT = [("quickstart", n) for n in range(4)] + [("post", 1), ("nested_loops", 1)]
DEEP_SHAPES = (
    "quickstart",
    "post",
    "nested_loops",
    "memory_to_file",
    "parallel_loop",
    "nested_actions",
    "jump_retry",
    "store_kinds",
)
N_KILLS = 9
N_DEEP_RUNS = 500
N_DEEP_KILLS = 1000

pytestmark = pytest.mark.slow


@contextmanager
def place(bench: Bench, name: str) -> Iterator[Run]:
    with bench.run(Shape(name)) as run:
        run.world.n_customers = N_CUSTOMERS
        yield run


def undisturbed(bench: Bench, name: str) -> Outcome:
    with place(bench, name) as run:
        assert run.start().exit_code == 0
        return run.outcome(ordered=Shape(name).ordered)


def command(run: Run, *options: str) -> tuple[list[str], Path, dict[str, str]]:
    return ["run", str(run.program), *options], run.folder, {"REQON_TEST_URL": run.world.url}


@dataclass(frozen=True)
class Usual:
    """What an undisturbed process leaves, how long it takes, and how many requests it sends."""

    outcome: Outcome
    seconds: float
    n_requests: int


def kill_somewhere(process: Process, run: Run, chance: random.Random, usual: Usual) -> str:
    """Kill a run at a random moment; says which."""
    if chance.random() < 0.5:
        more = chance.randint(1, usual.n_requests)
        delay = chance.random() * 0.02
        goal = run.world.n_requests + more
        process.signal_when(0, lambda: run.world.n_requests >= goal)
        time.sleep(delay)
        if process.runs:
            process.signal(signal.SIGKILL)
        return f"{more} requests and {delay:.3f} s"
    delay = chance.uniform(0.4, 1.0) * usual.seconds
    process.signal_after(signal.SIGKILL, delay)
    return f"{delay:.3f} s"


def signal_during(process: Process, number: int, run: Run, request: int) -> None:
    """Send a signal while the process waits for an answer, which comes after that."""
    run.world.holds_at = request
    process.signal_when(number, lambda: run.world.n_requests >= request)
    run.world.released.set()


def killed_run(
    bench: Bench, name: str, usual: Usual, chance: random.Random
) -> tuple[int, list[str]]:
    """Kill a run up to four times and let it end; how often it was, and what is not equal."""
    log: list[str] = []
    n_kills = 0
    with place(bench, name) as run:
        for _ in range(chance.randint(1, 4)):
            with Process(*command(run, "--resume")) as process:
                log.append("killed after " + kill_somewhere(process, run, chance, usual))
                ended = process.wait()
            if ended.code != KILLED:
                log.append(str(ended))
                break
            n_kills += 1
            if run.is_complete:
                break
        if not run.is_complete:
            ended = reqon(*command(run, "--resume"))
            log.append(f"resumed: {ended}")
        found = differences(run.outcome(ordered=Shape(name).ordered), usual.outcome)
        found += [f"two bodies under one key: {key}" for key in run.world.double_keys()]
    return n_kills, [*log, *found] if found else []


def usual_of(bench: Bench, name: str) -> Usual:
    """Run a process to its end; it must leave what a run in the test's worker leaves."""
    wanted = undisturbed(bench, name)
    with place(bench, name) as run:
        begun = time.monotonic()
        assert reqon(*command(run)).code == 0
        seconds = time.monotonic() - begun
        assert differences(run.outcome(ordered=Shape(name).ordered), wanted) == []
        return Usual(wanted, seconds, run.world.n_requests)


def kill_often(bench: Bench, name: str, n_kills: int, n_runs: int, seed: int) -> None:
    usual = usual_of(bench, name)
    kills = runs = 0
    while kills < n_kills or runs < n_runs:
        chance = random.Random(f"{seed} {name} {runs}")
        killed, problems = killed_run(bench, name, usual, chance)
        if problems:
            pytest.fail(f"{name}, REQON_CRASH_SEED={seed}, run {runs}\n" + "\n".join(problems))
        kills += killed
        runs += 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "part"), SHORT)
def test_a_killed_process_is_resumed_to_the_same_end(bench: Bench, name: str, part: int) -> None:
    kill_often(bench, name, N_KILLS, 1, seed_of() + part)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", DEEP_SHAPES)
def test_many_killed_processes(bench: Bench, name: str) -> None:
    n = len(DEEP_SHAPES)
    kill_often(bench, name, N_DEEP_KILLS // n, N_DEEP_RUNS // n, seed_of(None))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("after", [3, 14, 30])
def test_a_process_that_is_asked_to_stop_says_how_to_go_on(
    bench: Bench, number: int, code: int, after: int
) -> None:
    wanted = undisturbed(bench, "quickstart")
    with place(bench, "quickstart") as run:
        with Process(*command(run)) as process:
            signal_during(process, number, run, after)
            ended = process.wait()
        assert ended.code == code, ended
        assert "--resume" in ended.output + ended.errors
        status = reqon(["status", "Quickstart", "--json"], run.folder, {})
        record = json.loads(status.output)
        assert record["status"] == "interrupted"
        assert record["interruptedBy"] == signal.Signals(number).name
        assert reqon(*command(run, "--resume")).code == 0
        found = run.outcome()
        assert [r.pop("interruptedBy", None) for r in found.records] == [None]
        assert differences(found, wanted) == []


@pytest.mark.timeout(300)
def test_a_second_signal_ends_the_process_at_once(bench: Bench) -> None:
    wanted = undisturbed(bench, "post")
    with place(bench, "post") as run:
        with Process(*command(run)) as process:
            signal_during(process, signal.SIGTERM, run, 8)
            time.sleep(0.002)
            process.signal(signal.SIGTERM)
            ended = process.wait()
        # After all is saved the handlers are gone: the signal itself ends it, 143 to a shell too.
        assert ended.code in (143, -signal.SIGTERM), ended
        assert reqon(*command(run, "--resume")).code == 0
        assert differences(run.outcome(), wanted) == []
