"""Whole lives in a simulated machine: each ends like an undisturbed one, whatever happens in it.

A failure says its shape and seed, and the one command that shows that life again.
"""

from __future__ import annotations

import pytest

from support.crash_runs import INCREMENTAL, POLICIES, STATELESS, Shape, names_of_shapes, seed_of
from support.simulation import simulate

SENDING = (
    "post",
    "parallel_loop",
    "parallel_counts",
    "post_in_retry",
    "post_now",
    "post_refused",
)
"""Their requests change something; `relaxed` does not sync before one, so it may be sent again."""
SHAPES = [
    Shape(name, policy)
    for name in names_of_shapes()
    for policy in POLICIES
    if policy != "relaxed" or name not in SENDING
]
REPEATABLE = (
    "quickstart",
    "one_request",
    "offset_pages",
    "cursor_pages",
    "link_pages",
    INCREMENTAL,
)
"""Missions that may begin anew after each death: with `enableState: false` they do."""
N_STATELESS = 40
N_SEEDS = 2000
N_DEEP_SEEDS = 20_000
N_PARTS = 8

pytestmark = pytest.mark.slow


def live(first: int, n: int) -> None:
    """One life a seed; the shapes take turns."""
    for seed in range(first, first + n):
        shape = SHAPES[seed % len(SHAPES)]
        problems, log = simulate(shape, seed)
        if problems:
            again = f"PYTHONPATH=tests .venv/bin/python -m support.simulation {shape.name} {shape.policy} {seed}"
            pytest.fail("\n".join([again, *log, *problems]), pytrace=False)


def seeds(total: int, part: int, start: int | None) -> tuple[int, int]:
    """First seed and number of a part."""
    each = total // N_PARTS
    return seed_of(start) * 2000 + part * each, each


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(N_PARTS))
def test_a_life_of_faults_ends_like_an_undisturbed_one(part: int) -> None:
    live(*seeds(N_SEEDS, part, 1))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(N_PARTS))
def test_very_many_lives(part: int) -> None:
    live(*seeds(N_DEEP_SEEDS, part, None))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", REPEATABLE)
def test_a_life_without_state_ends_with_the_same_stores(name: str) -> None:
    shape = Shape(name, STATELESS)
    for seed in range(N_STATELESS):
        problems, log = simulate(shape, seed)
        assert not problems, "\n".join([f"seed {seed}", *log, *problems])


@pytest.mark.parametrize("seed", range(12))
def test_a_seed_gives_the_same_life_again(seed: int) -> None:
    assert simulate(SHAPES[seed], seed) == simulate(SHAPES[seed], seed)


@pytest.mark.timeout(300)
def test_a_program_without_syncs_would_be_found() -> None:
    shape = Shape("post", "strict")
    found = any(
        simulate(shape, seed, lambda name, _: name == "fdatasync")[0] for seed in range(300)
    )
    assert found
