"""A state store in the memory of the process: for tests, and to read how one is written.

Does everything that a store may do: history, frames, leases, fencing. A state is kept as JSON, so
that nobody shares it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reqon.clock import Clock, SystemClock
from reqon.state_stores.protocol import JournalFrame, State


@dataclass(slots=True)
class _Lease:
    epoch: int
    owner: str
    ends_at: float


class MemoryStateStore:
    """States, frames and leases of one process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._states: dict[str, str] = {}
        self._frames: dict[str, dict[int, str]] = {}
        self._leases: dict[str, _Lease] = {}
        self._epochs: dict[str, int] = {}

    def save(self, state: State) -> bool:
        """Keep it, unless a later lease has saved the execution already."""
        execution_id = state["executionId"]
        if not self._admits(execution_id, state):
            return False
        self._states[execution_id] = json.dumps(state)
        seq = state.get("seq", 0)
        frames = self._frames.get(execution_id, {})
        self._frames[execution_id] = {n: frame for n, frame in frames.items() if n > seq}
        return True

    def load(self, execution_id: str) -> State | None:
        """The state, a new one each time."""
        found = self._states.get(execution_id)
        return None if found is None else json.loads(found)

    def list(self, mission: str | None, limit: int | None, status: str | None) -> Sequence[State]:
        """Newest first."""
        states = [json.loads(text) for text in self._states.values()]
        return newest_first(states, mission, limit, status)

    def delete(self, execution_id: str) -> None:
        """Forget it."""
        for kept in (self._states, self._frames, self._epochs):
            kept.pop(execution_id, None)

    def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Keep a frame; a number that is taken by another one refuses it."""
        if not self._admits(execution_id, frame):
            return False
        text = json.dumps(frame)
        return self._frames.setdefault(execution_id, {}).setdefault(seq, text) == text

    def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        frames = sorted(self._frames.get(execution_id, {}).items())
        return [json.loads(text) for seq, text in frames if seq >= from_seq]

    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        known = self._leases.get(mission)
        if known is not None and known.owner != owner and known.ends_at > self._now():
            return None
        epoch = 1 if known is None else known.epoch + 1
        self._leases[mission] = _Lease(epoch, owner, self._now() + seconds)
        return epoch

    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        known = self._leases.get(mission)
        if known is None or known.epoch != epoch:
            return False
        known.ends_at = self._now() + seconds
        return True

    def release(self, mission: str, epoch: int) -> None:
        """Take it back; the epoch stays known."""
        known = self._leases.get(mission)
        if known is not None and known.epoch == epoch:
            known.ends_at = 0.0

    def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts."""
        known = self._leases.get(mission)
        return known is not None and known.epoch == epoch and known.ends_at > self._now()

    def _admits(self, execution_id: str, given: dict[str, Any]) -> bool:
        """Whether what is given comes from the newest lease that has written the execution."""
        epoch = given.get("epoch", 0)
        if epoch < self._epochs.get(execution_id, 0):
            return False
        self._epochs[execution_id] = epoch
        return True

    def _now(self) -> float:
        return self._clock.now().timestamp()


def newest_first(
    states: Sequence[State], mission: str | None, limit: int | None, status: str | None
) -> list[State]:
    """What `list` gives of some states."""
    fitting = [
        state
        for state in states
        if mission in (None, state["mission"]) and status in (None, state["status"])
    ]
    return sorted(fitting, key=lambda state: state["startedAt"], reverse=True)[:limit]
