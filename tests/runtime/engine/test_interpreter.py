"""What a mission asks of Python while it runs is as before afterwards."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from reqon.engine.interpreter import prompt_threads, unhurried_collector

USUAL = (700, 10, 10)


@pytest.fixture(autouse=True)
def _usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def looks(around: AbstractContextManager[None]) -> int:
    """How often Python looked while records were made and kept."""
    seen: list[str] = []

    def look(phase: str, facts: dict[str, int]) -> None:
        del facts
        seen.append(phase)

    gc.callbacks.append(look)
    try:
        with around:
            kept: list[dict[str, Any]] = [{"id": [number]} for number in range(10_000)]
    finally:
        gc.callbacks.remove(look)
    return seen.count("start") * bool(kept)


def test_records_are_not_looked_through_again_and_again() -> None:
    assert looks(nullcontext()) > 10
    assert looks(unhurried_collector()) <= 2


def test_the_process_gets_its_setting_back() -> None:
    with pytest.raises(ValueError, match="of the run"), unhurried_collector():
        raise ValueError("of the run")
    assert gc.get_threshold() == USUAL


@pytest.mark.parametrize("chosen", [(0, 10, 10), (50_000, 5, 5)])
def test_a_process_that_looks_seldom_or_never_keeps_its_setting(
    chosen: tuple[int, int, int],
) -> None:
    gc.set_threshold(*chosen)
    with unhurried_collector():
        assert gc.get_threshold() == chosen
    assert gc.get_threshold() == chosen


@pytest.mark.parametrize(("chosen", "within"), [(0.005, 0.0002), (0.0001, 0.0001)])
def test_a_thread_that_asks_has_its_turn_soon(chosen: float, within: float) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(chosen)
    try:
        with prompt_threads():
            assert sys.getswitchinterval() == pytest.approx(within)
        assert sys.getswitchinterval() == pytest.approx(chosen)
    finally:
        sys.setswitchinterval(before)


def test_what_the_process_sets_meanwhile_stays() -> None:
    interval = sys.getswitchinterval()
    try:
        with unhurried_collector(), prompt_threads():
            gc.set_threshold(5_000, 5, 5)
            sys.setswitchinterval(0.02)
        assert gc.get_threshold() == (5_000, 5, 5)
        assert sys.getswitchinterval() == pytest.approx(0.02)
    finally:
        sys.setswitchinterval(interval)
