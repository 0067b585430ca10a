"""A run that dies at any operation on the disk, and is resumed, ends like an undisturbed one.

For each mission shape under each policy of durability. `REQON_CRASH_SEED` chooses which moments
the short form takes; the deep form takes every operation, with a seed that it prints.
"""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from support.crash_runs import POLICIES, Bench, Kill, Shape, names_of_shapes, seed_of

ALL = [Shape(name, policy) for name in names_of_shapes() for policy in POLICIES]
N_KILLS = 10
N_CHAINS = 3
N_DEEP_CHAINS = 40
SHARE = 0.3

pytestmark = pytest.mark.slow


def check(bench: Bench, shape: Shape, chains: list[list[Kill]], seed: int) -> None:
    problems = [problem for kills in chains for problem in bench.problems(shape, kills)]
    if problems:
        pytest.fail(f"REQON_CRASH_SEED={seed}\n" + "\n".join(problems), pytrace=False)


def chains_of(bench: Bench, shape: Shape, n: int, seed: int) -> list[list[Kill]]:
    """Several deaths in a row: of the run, then of its recoveries."""
    chance = random.Random(f"chains {seed} {shape}")
    last = len(bench.uncut(shape).operations)
    return [
        [
            Kill(chance.randint(1, last), chance.choice(("before", "after"))),
            *(
                Kill(chance.randint(1, last // 2 + 10), chance.choice(("before", "after", "torn")))
                for _ in range(chance.randint(1, 3))
            ),
        ]
        for _ in range(n)
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", ALL, ids=str)
def test_a_run_that_died_is_resumed_to_the_same_end(bench: Bench, shape: Shape) -> None:
    seed = seed_of()
    check(bench, shape, [[kill] for kill in bench.kills(shape, N_KILLS, seed)], seed)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", ALL, ids=str)
def test_a_recovery_that_died_is_recovered_too(bench: Bench, shape: Shape) -> None:
    seed = seed_of()
    check(bench, shape, chains_of(bench, shape, N_CHAINS, seed), seed)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["quickstart", "one_request"])
def test_the_newcomers_mission_may_die_at_every_operation(bench: Bench, name: str) -> None:
    seed = seed_of()
    shape = Shape(name)
    check(bench, shape, [[kill] for kill in bench.all_kills(shape, 0.1, seed)], seed)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", ALL, ids=str)
def test_every_operation_of_every_shape(bench: Bench, shape: Shape) -> None:
    seed = seed_of(None)
    check(bench, shape, [[kill] for kill in bench.all_kills(shape, SHARE, seed)], seed)
    check(bench, shape, chains_of(bench, shape, N_DEEP_CHAINS, seed), seed)


def test_a_mission_of_one_stage_writes_its_views_once(bench: Bench) -> None:
    done = Counter(
        re.sub(r"OneRequest-[-0-9T]+", "execution", one)
        for one in bench.uncut(Shape("one_request")).operations
    )
    assert done["replace files.json"] == done["replace .files.applied.json"] == 1
    assert done["replace execution.json"] == 2, "as it begins, and as it ends"
    n_syncs = done["fdatasync execution.journal"]
    assert n_syncs == 3, "at its start, at the end of its action, and at its own"
