"""Which of two copies of an execution is further: that of the folder, or that of a store elsewhere.

Each attempt begins at another moment, so the attempts tell whether one copy came of the other;
within an attempt the number of the last frame does. Pure functions over records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from reqon.state.record import as_object, count


class Age(Enum):
    """What one copy is beside another; APART: each has done what the other does not know of."""

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Copy:
    """An execution as it is kept in one place; nobody runs it."""

    record: Mapping[str, Any]
    resumable: bool

    @property
    def completed(self) -> bool:
        """Whether nothing is left to be done."""
        return self.record["status"] == "completed"

    @property
    def number(self) -> int:
        """The last frame that it knows of; 0 without a journal."""
        found: Any = self.record.get("seq")
        return found if count(found) else 0

    def age(self, other: Copy) -> Age:
        """What this copy is beside the other one."""
        here, there = attempts_of(self.record), attempts_of(other.record)
        if any(a != b for a, b in zip(here, there, strict=False)):
            return Age.APART
        if len(here) > len(there):
            return _after(self, other, Age.NEWER)
        if len(here) < len(there):
            return _after(other, self, Age.OLDER)
        steps = (self._progress, other._progress)
        if steps[0] == steps[1]:
            return Age.SAME
        return Age.NEWER if steps[0] > steps[1] else Age.OLDER

    @property
    def _progress(self) -> tuple[bool, int, bool, bool]:
        """How far it is within an attempt; what ran last knows least of how that ended."""
        is_settled = self.record["status"] != "running"
        return self.completed, self.number, self.completed or self.resumable, is_settled

    def takes_away(self, other: Copy) -> bool:
        """Whether the other could be resumed, and this in its place could not."""
        return other.resumable and not self.completed and not self.resumable


def _after(longer: Copy, shorter: Copy, age: Age) -> Age:
    """With more attempts, unless the shorter went on where the longer does not know of."""
    parted = shorter.completed or shorter.number > longer.number
    return Age.APART if parted else age


def attempts_of(record: Mapping[str, Any]) -> list[Any]:
    """When each attempt began."""
    found = record.get("attempts")
    items = cast("list[Any]", found) if isinstance(found, list) else []
    return [(as_object(item) or {}).get("startedAt") for item in items]
