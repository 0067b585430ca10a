"""A run that failed is repaired by a resume, wherever it failed and whenever it died besides.

The service answers 500 from some request on; then it is well again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from support.crash_outcome import Outcome, differences
from support.crash_runs import Bench, Kill, Shape, seed_of

SHAPES = (
    "quickstart",
    "offset_pages",
    "cursor_pages",
    "link_pages",
    "nested_loops",
    "nested_actions",
    "memory_to_file",
    "store_kinds",
    "large_values",
    "parallel_loop",
    "parallel_group",
    "post",
)
LATER_STAGES_RUN_TWICE = ("parallel_group",)
"""After a group that failed in part the pipeline goes on, and a resume runs what follows again:
the stores are the same, the counts tell of both passes."""
N_PLACES = 3

pytestmark = pytest.mark.slow


def differing(found: Outcome, wanted: Outcome, shape: Shape) -> list[str]:
    for record in found.records:
        record["errors"] = 0
    lines = differences(found, wanted)
    if shape.name in LATER_STAGES_RUN_TWICE:
        return [line for line in lines if line.startswith(("stores", "effects", "sync"))]
    return lines


def broken(bench: Bench, shape: Shape, at: int, kills: list[Kill]) -> Iterator[str]:
    wanted = bench.uncut(shape).outcome
    with bench.run(shape) as run:
        run.world.breaks_at = at
        for number, kill in enumerate(kills):
            run.start(kill.disk, resume=number > 0)
        failed = run.start(resume=bool(kills))
        yield from run.trail
        if failed.status != "completed" and (failed.exit_code, failed.status) != (1, "failed"):
            yield f"the failed run ended with {failed}"
        run.world.breaks_at = None
        run.finish()
        yield from (*run.trail, *differing(run.outcome(ordered=shape.ordered), wanted, shape))
        yield from (f"one key, two bodies: {key}" for key in run.world.double_keys())


def check(bench: Bench, shape: Shape, n: int, seed: int) -> None:
    chance = random.Random(f"{seed} {shape}")
    with bench.run(shape) as run:
        run.start()
        n_requests = run.world.n_requests
    last = len(bench.uncut(shape).operations)
    for _ in range(n):
        at = chance.randint(1, n_requests)
        kills = [Kill(chance.randint(1, last)) for _ in range(chance.choice((0, 0, 1, 2)))]
        problems = list(broken(bench, shape, at, kills))
        if problems:
            place = f"{shape!r}, broken at request {at}, {kills}, REQON_CRASH_SEED={seed}"
            pytest.fail("\n".join([place, *problems]), pytrace=False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("policy", ["strict", "compacting"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_failed_run_is_repaired_by_a_resume(bench: Bench, name: str, policy: str) -> None:
    check(bench, Shape(name, policy), N_PLACES, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("policy", ["strict", "balanced", "relaxed", "compacting"])
@pytest.mark.parametrize("name", SHAPES)
def test_many_failed_runs_are_repaired(bench: Bench, name: str, policy: str) -> None:
    check(bench, Shape(name, policy), 80, seed_of(None))
