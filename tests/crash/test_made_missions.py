"""Missions made up at random, disturbed at random, end like undisturbed ones.

Every step, arm, directive and kind of list inside of every other; died at an operation, killed at
a moment, asked to stop, several times, in recoveries too. A failure prints mission and seed.
"""

from __future__ import annotations

import random

import pytest

from support.crash_made import problems_of
from support.crash_missions import make_mission
from support.crash_runs import POLICIES, Bench, seed_of

N_MISSIONS = 16
N_RUNS = 3
N_DEEP_MISSIONS = 400
N_DEEP_RUNS = 5
N_DEEP_PARTS = 8

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(N_MISSIONS))
def test_a_disturbed_mission_ends_like_an_undisturbed_one(bench: Bench, number: int) -> None:
    seed = seed_of()
    policy = POLICIES[number % len(POLICIES)]
    problems = problems_of(bench, make_mission(seed * 1000 + number), N_RUNS, seed, (policy,))
    if problems:
        pytest.fail(f"REQON_CRASH_SEED={seed}\n" + "\n".join(problems), pytrace=False)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(N_DEEP_PARTS))
def test_many_disturbed_missions(bench: Bench, part: int) -> None:
    seed = seed_of(None)
    chance = random.Random(f"{seed} {part}")
    for _ in range(N_DEEP_MISSIONS // N_DEEP_PARTS):
        made = make_mission(chance.randrange(1 << 32))
        problems = problems_of(bench, made, N_DEEP_RUNS, seed)
        if problems:
            pytest.fail(f"REQON_CRASH_SEED={seed}\n" + "\n".join(problems), pytrace=False)
