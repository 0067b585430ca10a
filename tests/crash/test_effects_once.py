"""Requests that change something have their effect once, whatever happens to run and network.

The service does what it is asked and then loses the answer now and then; the run dies now and
then. In the end every effect has happened once, under one key, and each key came with one body.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from support.crash_outcome import differences
from support.crash_runs import Bench, Shape, seed_of
from support.crash_service import World
from support.fake_api import DROP, Asked, Reply

SHAPES = [
    Shape("post"),
    Shape("post", "strict"),
    Shape("post", "relaxed"),
    Shape("post_now"),
    Shape("post_now", "compacting"),
    Shape("parallel_loop"),
]
N_RUNS = 6
N_DEEP_RUNS = 300

pytestmark = pytest.mark.slow


class Lossy(World):
    """Does what it is asked, and loses one answer in five, or is too busy to begin."""

    def __init__(self, name: str, seed: str) -> None:
        super().__init__(name)
        self.chance = random.Random(seed)
        self.calm = False

    def _create(self, path: str, asked: Asked) -> Reply:
        if not self.calm and self.chance.random() < 0.1:
            return Reply({"error": "busy"}, 503, {"Retry-After": "0"})
        reply = super()._create(path, asked)
        return DROP if not self.calm and self.chance.random() < 0.15 else reply


def disturbed(bench: Bench, shape: Shape, seed: str) -> list[str]:
    """Run until it is complete, dying and losing answers on the way; what is not as it should."""
    chance = random.Random(seed)
    wanted = bench.uncut(shape).outcome
    log: list[str] = []
    with bench.run(shape) as run:
        world = Lossy(run.name, seed)
        world.url = run.world.url
        run.world = world
        bench.service.replace(run.name, world)
        last = len(bench.uncut(shape).operations)
        for _ in range(30):
            kill = {"kind": "dying", "at": chance.randint(20, last), "moment": "before"}
            answer = run.start(kill if chance.random() < 0.6 else None, resume=True)
            log.append(f"{kill if answer.died else answer.error}")
            if run.is_complete:
                break
        world.calm = True
        run.finish()
        found = run.outcome(ordered=shape.ordered)
        for record in found.records:
            record["errors"] = 0
        problems: list[Any] = [*run.trail, *differences(found, wanted)]
        problems += [f"one key, two bodies: {key}" for key in world.double_keys()]
        n_effects = sum(map(len, world.created.values()))
        if len(world.answers) != n_effects:
            problems.append(f"{len(world.answers)} keys, {n_effects} effects")
        if world.keyless:
            problems.append(f"{world.keyless} requests without a key")
    return [*log, *problems] if problems else []


def check(bench: Bench, shape: Shape, n: int, seed: int) -> None:
    for number in range(n):
        problems = disturbed(bench, shape, f"{seed} {shape} {number}")
        if problems:
            pytest.fail(f"{shape!r}, run {number}, REQON_CRASH_SEED={seed}\n" + "\n".join(problems))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_effect_happens_once(bench: Bench, shape: Shape) -> None:
    check(bench, shape, N_RUNS, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_effect_of_many_runs_happens_once(bench: Bench, shape: Shape) -> None:
    check(bench, shape, N_DEEP_RUNS, seed_of(None))
