"""What a state store is: the two methods that each must have, and those that it may have.

    class Table:
        def save(self, state): ...              # keep it under state["executionId"]
        def load(self, execution_id): ...       # what was saved last, or None

Every method may be a coroutine. Values are plain JSON types and come back as they were given.
Types only; who calls them is `careful`, what they are given is `journal.carrying`'s work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

State: TypeAlias = dict[str, Any]
"""A record as JSON, see `docs/state-format.md`, with `resume`: what a resume needs."""

JournalFrame: TypeAlias = dict[str, Any]
"""A line of the journal as JSON: to be kept, and not to be looked into."""

Answer: TypeAlias = "Awaitable[T] | T"


class StateStore(Protocol):
    """What a store must have. `reqon.testing.check_state_store` checks that it does it right."""

    def save(self, state: State, /) -> Answer[object]:
        """Keep the state under its `executionId`, in the place of an older one.

        False refuses it: another run has taken the execution over.
        """
        ...

    def load(self, execution_id: str, /) -> Answer[State | None]:
        """The state last saved under this id, or None."""
        ...


class ListingStateStore(StateStore, Protocol):
    """A store that knows its history: a resume finds the execution, `history` shows all."""

    def list(
        self, mission: str | None, limit: int | None, status: str | None, /
    ) -> Answer[Sequence[State]]:
        """States, newest start first, each execution once; None means all."""
        ...


class DeletingStateStore(ListingStateStore, Protocol):
    """A store in which `stateRetention` holds."""

    def delete(self, execution_id: str, /) -> Answer[object]:
        """Forget an execution and its frames; an unknown one is fine."""
        ...


class AppendingStateStore(StateStore, Protocol):
    """A store that takes the journal as it grows, so that a state need not be saved whole."""

    def append(self, execution_id: str, seq: int, frame: JournalFrame, /) -> Answer[object]:
        """Keep a frame under its number.

        The same frame again is fine (a try after a lost answer); another one under a number that
        is taken is refused with False: two runs write the same execution. A `save` makes frames
        up to the state's `seq` needless; those may go.
        """
        ...

    def read(self, execution_id: str, from_seq: int, /) -> Answer[Iterable[JournalFrame]]:
        """The frames from this number on, in the order of their numbers."""
        ...


class GroupingStateStore(AppendingStateStore, Protocol):
    """A store to which a call is dear, and that takes frames together."""

    def append_all(
        self, execution_id: str, frames: Sequence[tuple[int, JournalFrame]], /
    ) -> Answer[object]:
        """Keep frames under their numbers, which follow each other: all of them, or none.

        Called in the place of `append`. The same frames again are fine; refused is as there.
        """
        ...


class LeasingStateStore(StateStore, Protocol):
    """A store that lets one run at a time have a mission, wherever it runs.

    States and frames carry the lease's `epoch`: one that is lower than the newest lent out is to
    be refused with False. That keeps a run out that was only asleep.
    """

    def acquire(self, mission: str, owner: str, seconds: float, /) -> Answer[int | None]:
        """Lend the mission out for so long; the epoch, higher each time, or None while it is lent.

        Free is also what has run out, and what the same `owner` has (its earlier process died).
        """
        ...

    def renew(self, mission: str, epoch: int, seconds: float, /) -> Answer[object]:
        """Lend it further from now on; False where this epoch does not have it any more."""
        ...

    def release(self, mission: str, epoch: int, /) -> Answer[object]:
        """Give it back; nothing where this epoch does not have it any more."""
        ...


class TellingStateStore(LeasingStateStore, Protocol):
    """A store that tells which leases last: who looks sees at once which runs are dead."""

    def holds(self, mission: str, epoch: int, /) -> Answer[bool]:
        """Whether this epoch has the mission now: lent last, not run out, not given back.

        Changes nothing, and makes nothing where there is nothing yet.
        """
        ...
