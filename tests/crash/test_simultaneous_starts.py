"""Many processes start the same mission at once: one runs, the others say who does."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from support.crash_outcome import differences
from support.crash_processes import Process
from support.crash_runs import Bench, Run, Shape
from support.crash_service import World
from support.crash_worker import Answer, Job, Worker
from support.fake_api import Asked

N_PROCESSES = 20
N_DEEP_PROCESSES = 50

pytestmark = pytest.mark.slow


class Crowd(World):
    """Holds each first page back until `open`, and counts who is in at the same time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.inside = threading.Semaphore(0)
        self.n_inside = 0
        self.open = threading.Event()

    async def get_customers(self, asked: Asked, rest: list[str]) -> Any:
        if not rest and asked.params.get("page") == "1":
            self.n_inside += 1
            self.inside.release()
            while not self.open.is_set():
                await asyncio.sleep(0.01)
        return super().get_customers(asked, rest)


def crowd(bench: Bench, run: Run) -> Crowd:
    world = Crowd(run.name)
    world.url = run.world.url
    run.world = world
    bench.service.replace(run.name, world)
    return world


def starts(bench: Bench, n: int) -> None:
    """The first run waits at the service until all others have ended, however long that takes."""
    shape = Shape("quickstart")
    text = shape.text.replace("retry:", "timeout: 10 minutes\n    retry:", 1)
    with bench.place(bench.program("crowd", text), shape.mission) as run, ExitStack() as stack:
        world = crowd(bench, run)
        env = {"REQON_TEST_URL": world.url}
        processes = [
            stack.enter_context(Process(["run", str(run.program)], run.folder, env))
            for _ in range(n)
        ]
        while sum(process.runs for process in processes) > 1:
            time.sleep(0.05)
        world.open.set()
        ended = [process.wait() for process in processes]
        assert sorted(e.code for e in ended) == [0] + [4] * (n - 1)
        for refused in (e for e in ended if e.code == 4):
            assert "already running" in refused.errors
            assert re.search(r"process \d+", refused.errors), refused
            assert "Traceback" not in refused.errors
        assert world.n_inside == 1
        assert differences(run.outcome(), bench.uncut(Shape("quickstart")).outcome) == []


def two_at_once(bench: Bench, run: Run, disk: dict[str, Any]) -> tuple[list[Answer], bool]:
    """Start a second run while the first one waits; whether both were in at the same time."""
    world = crowd(bench, run)
    job = Job(
        str(run.program),
        run.mission,
        str(run.state_dir),
        {"REQON_TEST_URL": world.url},
        disk=disk,
    )
    answers: list[Answer] = []

    def start() -> None:
        with Worker() as worker:
            answers.append(worker.run(job))

    first, second = threading.Thread(target=start), threading.Thread(target=start)
    first.start()
    assert world.inside.acquire(timeout=50)
    second.start()
    both = False
    while second.is_alive() and not both:
        both = world.inside.acquire(timeout=0.1)
    world.open.set()
    for thread in (first, second):
        thread.join()
    return answers, both


@pytest.mark.timeout(180)
def test_one_of_many_processes_runs(bench: Bench) -> None:
    starts(bench, N_PROCESSES)


@pytest.mark.deep
@pytest.mark.timeout(3000)
def test_one_of_very_many_processes_runs(bench: Bench) -> None:
    for _ in range(5):
        starts(bench, N_DEEP_PROCESSES)


@pytest.mark.timeout(300)
def test_the_second_of_two_is_refused_while_the_first_runs(bench: Bench) -> None:
    with bench.run(Shape("quickstart")) as run:
        answers, both = two_at_once(bench, run, {"kind": "plain"})
        assert not both
        assert sorted(answer.exit_code or 0 for answer in answers) == [0, 4]
        refused = next(answer for answer in answers if answer.exit_code == 4)
        assert refused.error is not None
        for word in ("already running", "execution exec_", "process ", "since 20", "--wait"):
            assert word in refused.error


@pytest.mark.timeout(300)
def test_a_program_without_locks_would_be_found(bench: Bench) -> None:
    with bench.run(Shape("quickstart")) as run:
        _, both = two_at_once(bench, run, {"kind": "forgetful", "rule": "locks"})
        assert both
