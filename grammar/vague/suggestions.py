"""Finds the name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` is most likely a misspelling of.

    It differs in letter case only, or in at most 2 letters (a third of a long name), and shares
    at least one letter. The first of several equally near ones wins.
    """
    limit = max(2, len(name) // 3)
    best: str | None = None
    best_distance = limit + 1
    letters = frozenset(name)
    for candidate in candidates:
        if candidate == name:
            continue
        if candidate.lower() == name.lower():
            return candidate
        if abs(len(candidate) - len(name)) >= best_distance:
            continue
        if _is_far(letters, _letters(candidate), best_distance):
            continue
        distance = edit_distance(name, candidate, best_distance)
        if distance < min(best_distance, max(len(name), len(candidate))):
            best, best_distance = candidate, distance
    return best


def _is_far(left: frozenset[str], right: frozenset[str], limit: int) -> bool:
    """Whether so many letters are in one name only that the distance cannot be below `limit`."""
    return len(left - right) >= limit or len(right - left) >= limit


@lru_cache(maxsize=10_000)
def _letters(name: str) -> frozenset[str]:
    return frozenset(name)


def edit_distance(left: str, right: str, limit: int) -> int:
    """Letters to insert, remove, replace or swap with their neighbor; `limit` if at least that.

    Cost is the product of the lengths, less where the limit is small.
    """
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            best = min(
                previous[column] + 1,
                current[column - 1] + 1,
                previous[column - 1] + (letter != other),
            )
            swapped = row > 1 and column > 1 and letter == right[column - 2]
            if swapped and left[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        if min(current) >= limit:
            return limit
        before, previous = previous, current
    return min(previous[-1], limit)
