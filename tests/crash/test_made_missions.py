"""Missions made up at random, disturbed at random, end like undisturbed ones.

Every step, arm, directive and kind of list inside of every other; died at an operation, killed at
a moment, asked to stop, out of time, with a service that is out of order for a while; several
times, in recoveries too. A failure prints mission and seed.
"""

from __future__ import annotations

import random

import pytest

from support.crash_made import MadeRuns, Way, problems_of
from support.crash_missions import make_mission
from support.crash_runs import POLICIES, Bench, seed_of

N_MISSIONS = 14
N_REPAIRED = 6
N_RUNS = 3
N_DEEP_MISSIONS = 400
N_DEEP_RUNS = 5
N_DEEP_PARTS = 8
REPAIRED: dict[str, Way] = {"failed": MadeRuns.failed, "timed out": MadeRuns.timed_out}

pytestmark = pytest.mark.slow


def policy_of(number: int) -> str:
    return POLICIES[number % len(POLICIES)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(N_MISSIONS))
def test_a_disturbed_mission_ends_like_an_undisturbed_one(bench: Bench, number: int) -> None:
    seed, made = seed_of(), make_mission(seed_of() * 1000 + number)
    problems = problems_of(bench, made, MadeRuns.disturbed, N_RUNS, seed, policy_of(number))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(N_REPAIRED))
@pytest.mark.parametrize("way", REPAIRED)
def test_a_mission_that_failed_is_resumed_to_the_same_end(
    bench: Bench, number: int, way: str
) -> None:
    seed, made = seed_of(), make_mission(seed_of() * 2000 + number, handles=False)
    problems = problems_of(bench, made, REPAIRED[way], N_RUNS, seed, policy_of(number))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(N_REPAIRED))
def test_two_missions_that_write_one_store_end_like_undisturbed_ones(
    bench: Bench, number: int
) -> None:
    seed, made = seed_of(), make_mission(seed_of() * 3000 + number, shares=True)
    problems = problems_of(bench, made, MadeRuns.beside_another, N_RUNS, seed, policy_of(number))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(N_DEEP_PARTS))
def test_many_disturbed_missions(bench: Bench, part: int) -> None:
    seed = seed_of(None)
    chance = random.Random(f"{seed} {part}")
    for number in range(N_DEEP_MISSIONS // N_DEEP_PARTS):
        made_of = chance.randrange(1 << 32)
        for way in (MadeRuns.disturbed, MadeRuns.beside_another, *REPAIRED.values()):
            made = make_mission(
                made_of,
                handles=way not in REPAIRED.values(),
                shares=way is MadeRuns.beside_another,
            )
            problems = problems_of(bench, made, way, N_DEEP_RUNS, seed, policy_of(number))
            if problems:
                pytest.fail("\n".join(problems), pytrace=False)
