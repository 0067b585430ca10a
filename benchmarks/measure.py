"""Comparing on a machine that is never quiet: cases in turn, the best of each counts.

Wall time is what people wait for; the processor time of this process (what the kernel does for it
included) hardly changes when others are busy. Used by the other files here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Taken(NamedTuple):
    """Seconds."""

    wall: float
    processor: float


NEVER = Taken(float("inf"), float("inf"))


def timed(work: Callable[[], object]) -> Taken:
    """What one call takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - wall, time.process_time() - processor)


def in_turn(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Taken]:
    """The best of `rounds` rounds of each case, behind one round that does not count."""
    best = dict.fromkeys(cases, NEVER)
    for number in range(rounds + 1):
        for name, work in cases.items():
            taken = timed(work)
            if number:
                best[name] = Taken(*map(min, best[name], taken))
    return best


def show(best: Mapping[str, Taken], goals: Mapping[str, float] | None = None) -> None:
    """A line for each case: times, their ratios to the first case, and the goal of the wall's."""
    base = next(iter(best.values()))
    for name, taken in best.items():
        goal = (goals or {}).get(name)
        print(
            f"  {name:24} {taken.wall:7.3f} s  ratio {taken.wall / base.wall:5.2f}"
            f"    processor {taken.processor:7.3f} s  ratio {taken.processor / base.processor:5.2f}"
            + (f"    (goal {goal})" if goal else "")
        )


def in_child(work: Callable[[], object]) -> tuple[Taken, float]:
    """Do it in a child process; its times, and its largest memory in MiB."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    assert status == 0, "the work failed"
    taken = Taken(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)
    return taken, usage.ru_maxrss / 1024
