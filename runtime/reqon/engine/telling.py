"""Events of commits, told in the order of the commits and none before its own is true.

A checkpoint is true when it is on the disk, and the loop goes on meanwhile: what others commit
until then is told behind it, so that no progress is ever told backwards.
"""

from __future__ import annotations

from reqon.events.model import Event
from reqon.events.stream import EventStream


class Teller:
    """Tells the events of all branches of a run."""

    def __init__(self, events: EventStream) -> None:
        self._events = events
        self._waiting: list[Behind] = []

    def tell(self, told: list[Event]) -> None:
        """Tell what a commit has made true, or put it behind a checkpoint that is not yet."""
        if self._waiting:
            self._waiting[-1].told += told
        else:
            self.emit(told)

    def emit(self, told: list[Event]) -> None:
        """Tell it now."""
        for event in told:
            self._events.emit(event)

    def behind(self, told: list[Event]) -> Behind:
        """The telling of a checkpoint, which waits for the disk."""
        return Behind(self, told, self._waiting)


class Behind:
    """What a checkpoint tells: `reached` when it is on the disk, `wait` once it was appended."""

    def __init__(self, teller: Teller, told: list[Event], waiting: list[Behind]) -> None:
        self.told = told
        self._teller = teller
        self._waiting = waiting
        self._is_told = False

    def wait(self) -> None:
        """From now on other events come behind these, unless they are told already."""
        if not self._is_told:
            self._waiting.append(self)

    def reached(self) -> None:
        """Tell them, and what came behind."""
        self._is_told = True
        if self in self._waiting:
            self._waiting.remove(self)
        self._teller.emit(self.told)
