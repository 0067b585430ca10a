"""A run that is asked to stop at any moment stops in order; a resume ends as if undisturbed.

Unlike a death, a stop ends units, writes stores and the record, and may be followed by a death.
"""

from __future__ import annotations

import random

import pytest

from support.crash_outcome import Outcome, differences
from support.crash_runs import POLICIES, Bench, Kill, Shape, names_of_shapes, seed_of

POLICY_OF = ("strict", "balanced", "relaxed")
N_STOPS = 5
N_DEEP_STOPS = 60

pytestmark = pytest.mark.slow


def resumed(outcome: Outcome) -> Outcome:
    for record in outcome.records:
        record.pop("interruptedBy", None)
    return outcome


def stopped(bench: Bench, shape: Shape, at: int, kill: Kill | None) -> list[str]:
    """Ask to stop at an operation, perhaps die while stopping, then go on."""
    wanted = bench.uncut(shape).outcome
    with bench.run(shape) as run:
        if kill is not None:
            run.start(kill.disk)
            if run.is_complete:
                return []
        answer = run.start(extra={"interrupt_at": at}, resume=kill is not None)
        found: list[str] = []
        if answer.exit_code not in (0, 143):
            found.append(f"the stop ended with {answer}")
        if answer.exit_code == 143 and answer.status is not None:
            record = answer.record
            if (record["status"], record["interruptedBy"]) != ("interrupted", "SIGTERM"):
                found.append(f"the record says {record}")
        run.finish()
        found += run.trail
        found += differences(resumed(run.outcome(ordered=shape.ordered)), wanted)
        found += [f"one key, two bodies: {key}" for key in run.world.double_keys()]
    return [f"{shape!r}, stopped at {at}, {kill}: {problem}" for problem in found]


def check(bench: Bench, shape: Shape, n: int, seed: int) -> None:
    chance = random.Random(f"stops {seed} {shape}")
    last = len(bench.uncut(shape).operations)
    problems: list[str] = []
    for _ in range(n):
        kill = Kill(chance.randint(30, last)) if chance.random() < 0.3 else None
        problems += stopped(bench, shape, chance.randint(1, last), kill)
    if problems:
        pytest.fail(f"REQON_CRASH_SEED={seed}\n" + "\n".join(problems), pytrace=False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", names_of_shapes())
def test_a_run_that_was_stopped_is_resumed_to_the_same_end(bench: Bench, name: str) -> None:
    policy = POLICY_OF[len(name) % len(POLICY_OF)]
    check(bench, Shape(name, policy), N_STOPS, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", names_of_shapes())
def test_many_stops(bench: Bench, name: str, policy: str) -> None:
    check(bench, Shape(name, policy), N_DEEP_STOPS, seed_of(None))
