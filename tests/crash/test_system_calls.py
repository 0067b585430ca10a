"""The real command under strace: killed at, or refused by, the n-th system call of a kind.

Nothing of the program is replaced here, so this also covers what goes past the seam that the
other tests use. The short form takes a sample, the deep form every call.
"""

from __future__ import annotations

import json
import random
import shutil

import pytest

from support.crash_outcome import differences
from support.crash_processes import Ended, Process, reqon
from support.crash_runs import Bench, Run, Shape, seed_of

CALLS = ("write", "fdatasync", "fsync", "rename", "unlink")
ERRORS = [("fdatasync", "EIO"), ("fsync", "EIO"), ("rename", "EACCES"), ("fsync", "ENOSPC")]
MISSIONS = ("quickstart", "post")
N_CUSTOMERS = 30
SHARE = 0.09
MOST = 400

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def strace() -> str:
    found = shutil.which("strace")
    assert found is not None, "strace is not installed; scripts/system-packages.sh strace does it"
    return found


def traced(run: Run, injection: str) -> Ended:
    """Run the mission with one injection; its calls are traced in all threads."""
    call = injection.partition(":")[0]
    around = ["strace", "-f", "-qq", "-o", str(run.folder / "strace"), "--seccomp-bpf"]
    around += ["-e", f"trace={call}", "-e", f"inject={injection}"]
    arguments = ["run", str(run.program), "--resume"]
    env = {"REQON_TEST_URL": run.world.url}
    with Process(arguments, run.folder, env, around=around) as process:
        return process.wait(120)


def n_calls(bench: Bench, shape: Shape, call: str) -> int:
    """How often the busiest thread of an undisturbed run makes a call."""
    with bench.run(shape) as run:
        run.world.n_customers = N_CUSTOMERS
        ended = traced(run, f"{call}:delay_enter=1:when={MOST}+")
        assert ended.code == 0, ended
        lines = (run.folder / "strace").read_text().splitlines()
    threads = [line.split()[0] for line in lines if f" {call}(" in line]
    return max((threads.count(thread) for thread in set(threads)), default=0)


def chosen(n: int, share: float, seed: int, what: str) -> list[int]:
    """Numbers of calls, at least two."""
    chance = random.Random(f"{seed} {what}")
    some = max(2, round(n * share))
    return sorted(chance.sample(range(1, n + 1), min(n, some)))


def uncut(bench: Bench, shape: Shape):
    with bench.run(shape) as run:
        run.world.n_customers = N_CUSTOMERS
        assert run.start().exit_code == 0
        return run.outcome()


def killed_at(bench: Bench, name: str, call: str, share: float, seed: int) -> None:
    shape = Shape(name)
    wanted = uncut(bench, shape)
    for number in chosen(n_calls(bench, shape, call), share, seed, f"{name} {call}"):
        with bench.run(shape) as run:
            run.world.n_customers = N_CUSTOMERS
            traced(run, f"{call}:signal=KILL:when={number}")
            ended = None
            if not run.is_complete:
                ended = reqon(["run", str(run.program), "--resume"], run.folder,
                              {"REQON_TEST_URL": run.world.url})  # fmt: skip
            problems = differences(run.outcome(), wanted)
            assert problems == [], f"{name}, {call} number {number}, {ended}"
            assert run.world.double_keys() == []


def refused_at(bench: Bench, call: str, error: str, share: float, seed: int) -> None:
    shape = Shape("quickstart")
    wanted = uncut(bench, shape)
    for number in chosen(n_calls(bench, shape, call), share, seed, f"{call} {error}"):
        with bench.run(shape) as run:
            run.world.n_customers = N_CUSTOMERS
            ended = traced(run, f"{call}:error={error}:when={number}")
            place = f"{call} number {number} answers {error}: {ended}"
            assert ended.code in (0, 1, 3), place
            assert "Traceback" not in ended.errors, place
            if ended.code != 0:
                assert "error" in ended.errors.lower(), place
                said = reqon(["status", shape.mission, "--json"], run.folder, {})
                if said.code == 0:
                    assert json.loads(said.output)["status"] == "interrupted", place
                again = reqon(["run", str(run.program), "--resume"], run.folder,
                              {"REQON_TEST_URL": run.world.url})  # fmt: skip
                assert again.code == 0, f"{place}\nthen {again}"
            found = run.outcome()
            for record in found.records:
                record["errors"] = 0
            assert differences(found, wanted) == [], place


@pytest.mark.timeout(300)
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_a_system_call(bench: Bench, call: str) -> None:
    killed_at(bench, "quickstart", call, SHARE, seed_of())


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("call", "error"), ERRORS)
def test_a_system_call_that_fails_stops_the_run_in_order(
    bench: Bench, call: str, error: str
) -> None:
    refused_at(bench, call, error, SHARE / 2, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", MISSIONS)
def test_killed_at_every_system_call(bench: Bench, name: str, call: str) -> None:
    killed_at(bench, name, call, 1.0, seed_of(None))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("call", "error"), ERRORS)
def test_every_system_call_may_fail(bench: Bench, call: str, error: str) -> None:
    refused_at(bench, call, error, 1.0, seed_of(None))
