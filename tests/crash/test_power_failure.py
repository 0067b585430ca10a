"""The power fails at any moment: what was told is true, and the run ends as if undisturbed.

A run is recorded once; from its trace come states that a disk may be in afterwards, each is built
and resumed. `without_syncs` shows that the suite would find a program that forgets a sync.
"""

from __future__ import annotations

import pickle
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader
from support.crash_outcome import Outcome, differences
from support.crash_power import CrashState, Recorded, states
from support.crash_runs import INCREMENTAL, POLICIES, Bench, Shape, names_of_shapes, seed_of
from support.crash_trace import Step, without_syncs
from support.fake_api import Asked

SHORT = [
    Shape("quickstart"),
    Shape(INCREMENTAL),
    Shape("post", "strict"),
    Shape("memory_to_file", "compacting"),
    Shape("large_values", "compacting"),
    Shape("parallel_loop"),
    Shape("offset_pages", "relaxed"),
]
SENDING = (
    *("post", "post_in_retry", "post_now", "post_refused"),
    *("parallel_loop", "parallel_counts"),
)
DEEP = [
    Shape(name, policy)
    for name in names_of_shapes()
    for policy in POLICIES
    if policy != "relaxed" or name not in SENDING
]
"""Relaxed does not sync before a request that changes something, so a power failure may send it
again, under a new key or with another body: that is what the word means."""
N_STATES = 60
N_DEEP_STATES = 350

pytestmark = pytest.mark.slow


def record(bench: Bench, shape: Shape) -> Recorded:
    """The trace of an undisturbed run, with what reached the service in between."""
    effects: list[Step] = []
    with bench.run(shape) as run:
        run.world.observe = lambda asked: effects.append(Step("effect", promise=_kept(asked)))
        target = run.folder / "trace"
        answer = run.start(record_to=str(target))
        assert answer.exit_code == 0, answer
        first, steps = pickle.loads(target.read_bytes())
    return first, _seen(sorted([*steps, *effects], key=lambda step: step.at))


def _seen(steps: list[Step]) -> list[Step]:
    """Without the pages of lists that an action fetches again and again: no record counts them."""
    pages = [step.promise for step in steps if step.what == "ack" and step.promise[0] == "page"]
    twice = {action for (_, action, _), n in Counter(pages).items() if n > 1}
    return [s for s in steps if s.promise is None or s.what != "ack" or s.promise[0] != "page"
            or s.promise[1] not in twice]  # fmt: skip


def _kept(asked: Asked) -> Asked:
    return replace(asked, headers=dict(asked.headers), peer=None)


def is_kept(promise: tuple[str, str, int], state: ExecutionState | None) -> bool:
    """Whether what was told is what a person sees after the failure."""
    kind, action, number = promise
    if state is None or kind == "end":
        return state is not None and state.status == "completed"
    if state.status == "completed" or action in state.actions_run:
        return True
    checkpoint = state.checkpoints.get(action, {})
    if kind == "page":
        return checkpoint.get("page", 0) >= number
    step = state.active_step
    if step is not None and step.action == action and step.index is not None:
        return kind == "index" and step.index >= number
    # behind the loop, or another action of the group is shown
    return kind == "index" and checkpoint.get("itemsProcessed", 0) >= number


def problems_of(bench: Bench, shape: Shape, state: CrashState, wanted: Outcome) -> list[str]:
    """Build a state, look at it, go on from it."""
    with bench.place(bench.program(str(shape), shape.text), shape.mission, shape.timing) as run:
        if shape.name == INCREMENTAL:
            run.world.day = run.goal = 2
        state.build(run.state_dir)
        for asked in state.effects:
            run.world.answer(asked)
        newest = StateReader(run.state_dir).latest(shape.mission)
        if newest is not None and shape.name == INCREMENTAL and len(
            StateReader(run.state_dir).history(shape.mission)) < 2:  # fmt: skip
            newest = None
        found = [
            f"a promise is broken: {promise}"
            for promise in (() if shape.policy == "relaxed" else state.promises)
            if not is_kept(promise, newest)
        ]
        run.finish()
        outcome = run.outcome(ordered=shape.ordered)
        found += [*run.trail, *(line for line in differences(outcome, wanted)
                                if not line.startswith("files"))]  # fmt: skip
        found += [f"one key, two bodies: {key}" for key in run.world.double_keys()]
    return [f"{shape!r} at {state.at} ({state.how}): {problem}" for problem in found]


def search(
    bench: Bench,
    shape: Shape,
    recorded: Recorded,
    n: int,
    seed: int,
    moments: Sequence[int] = (),
) -> Iterator[str]:
    wanted = bench.uncut(shape).outcome
    chance = random.Random(f"{seed} {shape}")
    for state in states(recorded, chance, n, moments):
        yield from problems_of(bench, shape, state, wanted)


def check(bench: Bench, shape: Shape, n: int, seed: int) -> None:
    problems = list(search(bench, shape, record(bench, shape), n, seed))
    if problems:
        pytest.fail(f"REQON_CRASH_SEED={seed}\n" + "\n".join(problems), pytrace=False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHORT, ids=str)
def test_after_a_power_failure_nothing_is_lost(bench: Bench, shape: Shape) -> None:
    check(bench, shape, N_STATES, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", DEEP, ids=str)
def test_many_power_failures(bench: Bench, shape: Shape) -> None:
    check(bench, shape, N_DEEP_STATES, seed_of(None))


CONTROLS = [
    ("sync", "journal"),
    ("sync", "record"),
    ("sync", "store"),
    ("sync", "mark"),
    ("sync", "sync"),
    ("sync", "sync mark"),
    ("sync", "blob"),
    ("sync_folder", "folder ."),
    ("sync_folder", "folder execution"),
    ("sync_folder", "folder stores"),
    ("sync_folder", "blobs folder"),
]
WINDOW = 15


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("what", "kind"), CONTROLS)
def test_a_program_that_forgets_one_sync_would_be_found(bench: Bench, what: str, kind: str) -> None:
    """The same search as above finds a problem once one kind of sync is left out."""
    shape = Shape("large_values" if "blob" in kind else "quickstart")
    first, steps = record(bench, shape)
    forgetful = without_syncs(steps, what, kind)
    assert len(forgetful) < len(steps), "this sync is made"
    times = [step.at for step in steps if step not in forgetful]
    moments = [
        n
        for n, step in enumerate(forgetful, 1)
        if sum(time < step.at for time in times)
        and any(0 <= n - _place(forgetful, time) <= WINDOW for time in times)
    ]
    found = search(bench, shape, (first, forgetful), 400, seed_of(), moments)
    assert next(found, None) is not None


def _place(steps: Sequence[Step], time: int) -> int:
    """How many steps were done by then."""
    return sum(step.at < time for step in steps)
