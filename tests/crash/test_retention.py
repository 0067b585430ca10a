"""Old executions go and protected ones stay, also when the cleaning dies at any operation.

Each execution adds one to every counter it comes to, so that a journal which was removed before
its work was in the store would show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reqon.state.reader import StateReader
from support.crash_runs import Bench, Run

MISSION = """
mission Kept {
  stateRetention: 7 days
  stateDurability: strict
  store counters: file("counters")
  action Count {
    for n in [1, 2, 3, 4, 5] checkpoint every 1 {
      store { n: n, count: (counters[n].count ?? 0) + 1 } -> counters { key: .n }
    }
  }
  run Count
}
"""
UNKEPT = MISSION.replace("  stateRetention: 7 days\n", "")
REACHED = 3
"""How far an execution comes that dies in its loop: to its fifth frame."""
DIES_IN_ITS_LOOP = {"kind": "dying", "at": 5, "moment": "after", "only": "write *.journal"}

pytestmark = pytest.mark.slow


@contextmanager
def place(bench: Bench, text: str = UNKEPT) -> Iterator[Run]:
    name = "kept" if text == MISSION else "unkept"
    with bench.place(bench.program(name, text), "Kept", {"batch": 0.0}) as run:
        yield run


def date(day: int) -> str:
    return f"2020-01-{day:02}T12:00:00+00:00"


def live(run: Run, history: str) -> None:
    """`C1 I3 R4`: completed on day 1, died in its loop on day 3, resumed to the end on day 4."""
    for word in history.split():
        now = date(int(word[1:]))
        if word[0] == "I":
            assert run.start(DIES_IN_ITS_LOOP, now=now).died
            newest = StateReader(run.state_dir).latest("Kept")
            assert newest is not None
            assert newest.active_step is not None, "it died inside its loop"
            assert newest.active_step.index == REACHED
        else:
            answer = run.start(now=now, resume=word[0] == "R")
            assert answer.status == "completed", answer


def days(run: Run) -> list[int]:
    """The days of the executions that are left, oldest first."""
    history = StateReader(run.state_dir).history("Kept")
    return sorted(state.started_at.day for state in history)


def reached(run: Run) -> list[int]:
    """How far each execution that is left came."""
    return [
        state.checkpoints.get("Count", {}).get("itemsProcessed", 0)
        for state in StateReader(run.state_dir).history("Kept")
    ]


def counters(run: Run) -> list[int]:
    content = json.loads((run.state_dir / "stores" / "counters.json").read_text())
    return [record["count"] for record in content.values()]


def names(run: Run) -> list[str]:
    return sorted(path.name for path in (run.state_dir / "execution").iterdir())


@pytest.mark.parametrize(
    ("history", "left"),
    [
        ("C1 C2 C20", [20]),
        ("C1 C14 C20", [14, 20]),
        ("C1 I2 C20", [20]),
        ("C1 I2 R3 C9", [2, 9]),
        ("I1 C2 I3 C12", [12]),
    ],
)
def test_a_completed_run_takes_what_is_too_old_with_it(
    bench: Bench, history: str, left: list[int]
) -> None:
    with place(bench, MISSION) as run:
        live(run, history)
        assert days(run) == left
        assert [name for name in names(run) if not name.endswith(".json")] == []


def test_a_run_without_retention_takes_nothing(bench: Bench) -> None:
    with place(bench) as run:
        live(run, "C1 I2 C3 C28")
        assert days(run) == [1, 2, 3, 28]


@pytest.mark.parametrize(
    ("history", "rules", "left"),
    [
        ("C1 C2 C3", {"days": 7}, [3]),
        ("C1 C2 I3", {"days": 7}, [2, 3]),
        ("C1 I2 C3 I4", {"days": 7}, [3, 4]),
        ("I1 I2 I3", {"days": 7}, [3]),
        ("C1 C2 C3 C4", {"keep_last": 2}, [3, 4]),
        ("C1 C2 I3", {"everything": True}, []),
        ("C1 C2 I3", {"days": 7, "dry_run": True}, [1, 2, 3]),
    ],
)
def test_what_a_cleanup_leaves(
    bench: Bench, history: str, rules: dict[str, object], left: list[int]
) -> None:
    """`I1 I2 I3`: the work of the first two was brought into the store by the next start."""
    with place(bench) as run:
        live(run, history)
        assert run.start(clean=rules).exit_code == 0
        assert days(run) == left


@pytest.mark.timeout(300)
def test_a_run_that_dies_while_it_takes_old_executions_loses_none_that_must_stay(
    bench: Bench,
) -> None:
    with place(bench, MISSION) as run:
        live(run, "C1 C2 I3")
        before = run.start(now=date(20)).operations
    for at in range(len(before) - 34, len(before) + 1):
        with place(bench, MISSION) as run:
            live(run, "C1 C2 I3")
            assert run.start({"kind": "dying", "at": at, "moment": "before"}, now=date(20)).died
            kept = days(run)
            assert 20 in kept, at
            assert 2 in kept or StateReader(run.state_dir).latest("Kept").status == "completed", at
            total = run.start(resume=True, now=date(20))
            assert total.status == "completed", at
            assert run.start(now=date(20)).status == "completed", at
            assert set(days(run)) == {20}, at
            first, *rest = counters(run)
            assert first in (5, 6), at
            assert max(rest) <= first, at
            assert min(rest) >= first - 1, at
            assert all(name.endswith(".json") for name in names(run)), at


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rules", [{"days": 7}, {"everything": True}], ids=str)
def test_a_cleanup_that_dies_is_finished_by_the_next(
    bench: Bench, rules: dict[str, object]
) -> None:
    history = "C1 C2 I3 C4 I5"
    with place(bench) as run:
        live(run, history)
        wanted_counts = sum(reached(run))
        operations = run.start(clean=rules).operations
        left = names(run)
    assert len(operations) > 4
    for at in range(1, len(operations) + 1):
        for moment in ("before", "after"):
            with place(bench) as run:
                live(run, history)
                dying = {"kind": "dying", "at": at, "moment": moment}
                assert run.start(dying, clean=rules).died
                if rules == {"days": 7}:
                    assert {4, 5} <= set(days(run)), (at, moment)
                assert run.start(clean=rules).exit_code == 0
                assert names(run) == left, (at, moment)
                last = run.start(resume=True, now=date(6))
                assert last.status == "completed", (at, moment)
                more = 5 if rules != {"days": 7} else 5 - REACHED
                assert sum(counters(run)) == wanted_counts + more, (at, moment)
