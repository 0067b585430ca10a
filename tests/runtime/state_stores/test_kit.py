"""The kit for authors of state stores: right stores pass, and each fault is found and named.

A broken store is a right one with a single method changed, as somebody might get it wrong.
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reqon import FileStateStore, MemoryStateStore
from reqon.testing import check_state_store
from support.sqlite_store import TABLES

State = dict[str, Any]


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    numbers = itertools.count()
    return lambda: tmp_path / f"store-{next(numbers)}"


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_a_user_pass(fresh: Callable[[], Path], table: str) -> None:
    check_state_store(lambda: TABLES[table](fresh()))


def test_the_stores_that_come_with_reqon_pass(fresh: Callable[[], Path]) -> None:
    check_state_store(MemoryStateStore)
    check_state_store(lambda: FileStateStore(fresh()))


class KeepsTheFirst(MemoryStateStore):
    def save(self, state: State) -> bool:
        return self.load(state["executionId"]) is not None or super().save(state)


class Merges(MemoryStateStore):
    def save(self, state: State) -> bool:
        return super().save({**(self.load(state["executionId"]) or {}), **state})


class KeepsOneExecution(MemoryStateStore):
    def save(self, state: State) -> bool:
        self._states.clear()
        return super().save(state)


class CutsTexts(MemoryStateStore):
    def save(self, state: State) -> bool:
        resume = state.get("resume", {})
        cut = {**resume, "frame": resume.get("frame", "")[:65_535]} if resume else resume
        return super().save({**state, "resume": cut} if resume else state)


class MakesFloats(MemoryStateStore):
    def load(self, execution_id: str) -> State | None:
        found = super().load(execution_id)
        return found and {n: float(v) if n == "big" else v for n, v in found.items()}


class ListsOldestFirst(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        return [*super().list(mission, None, status)][::-1][:limit]


class ForgetsTheLimit(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        return [*super().list(mission, None, status)]


class ForgetsTheStatus(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        return [*super().list(mission, limit, None)]


class PassesOverCase(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        found = super().list(None, None, status)
        wanted = mission and mission.lower()
        return [s for s in found if wanted in (None, s["mission"].lower())][:limit]


class TakesPatterns(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        found = super().list(None, None, status)
        pattern = (mission or "*").replace("_", "?")
        return [s for s in found if fnmatch.fnmatchcase(s["mission"], pattern)][:limit]


class ListsOnePage(MemoryStateStore):
    def list(self, mission: str | None, limit: int | None, status: str | None) -> list[State]:
        return [*super().list(mission, min(limit or 100, 100), status)]


class ReadsOnePage(MemoryStateStore):
    def read(self, execution_id: str, from_seq: int) -> list[State]:
        return [*super().read(execution_id, from_seq)][:100]


class ReadsLargePage(MemoryStateStore):
    def read(self, execution_id: str, from_seq: int) -> list[State]:
        return [*super().read(execution_id, from_seq)][:1000]

    def append_all(self, execution_id: str, frames: list[tuple[int, State]]) -> bool:
        taken = [self.append(execution_id, *frame) for frame in frames]
        return all(taken)


class KeepsWhatIsDeleted(MemoryStateStore):
    def delete(self, execution_id: str) -> None:
        pass


class KeepsFramesOfDeleted(MemoryStateStore):
    def delete(self, execution_id: str) -> None:
        self._states.pop(execution_id, None)


class SortsByText(MemoryStateStore):
    def read(self, execution_id: str, from_seq: int) -> list[State]:
        frames = super().read(execution_id, from_seq)
        return sorted(frames, key=lambda frame: frame["frame"])


class ReadsBehind(MemoryStateStore):
    def read(self, execution_id: str, from_seq: int) -> list[State]:
        return [*super().read(execution_id, from_seq + 1)]


class Overwrites(MemoryStateStore):
    def append(self, execution_id: str, seq: int, frame: State) -> bool:
        self._frames.get(execution_id, {}).pop(seq, None)
        return super().append(execution_id, seq, frame)


class RefusesAgain(MemoryStateStore):
    def append(self, execution_id: str, seq: int, frame: State) -> bool:
        taken = seq in self._frames.get(execution_id, {})
        return not taken and super().append(execution_id, seq, frame)


class DropsAllFrames(MemoryStateStore):
    def save(self, state: State) -> bool:
        self._frames.pop(state["executionId"], None)
        return super().save(state)


class LendsTwice(MemoryStateStore):
    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        return super().acquire(mission, "all are one", seconds)


class LendsForEver(MemoryStateStore):
    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        return super().acquire(mission, owner, 1e9)


class CountsNoEpochs(MemoryStateStore):
    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        return super().acquire(mission, owner, seconds) and 1


class RenewsNothing(MemoryStateStore):
    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        return super().renew(mission, epoch, self._leases[mission].ends_at - self._now())


class LendsForMilliseconds(MemoryStateStore):
    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        return super().acquire(mission, owner, seconds / 1000)


class RenewsForAll(MemoryStateStore):
    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        super().renew(mission, epoch, seconds)
        return True


class ReleasesForAll(MemoryStateStore):
    def release(self, mission: str, epoch: int) -> None:
        self._leases[mission].ends_at = 0.0


class KnowsNoOwners(MemoryStateStore):
    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        return super().acquire(mission, f"{owner} {id(object())} {len(self._leases)}", seconds)


class TellsOfAnyEpoch(MemoryStateStore):
    def holds(self, mission: str, epoch: int) -> bool:
        known = self._leases.get(mission)
        return known is not None and known.ends_at > self._now()


class TellsForEver(MemoryStateStore):
    def holds(self, mission: str, epoch: int) -> bool:
        known = self._leases.get(mission)
        return known is not None and known.epoch == epoch and known.ends_at > 0


class TellsByLending(MemoryStateStore):
    def holds(self, mission: str, epoch: int) -> bool:
        held = super().holds(mission, epoch)
        if mission in self._leases:
            self.acquire(mission, self._leases[mission].owner, 30)
        return held


class FencesNothing(MemoryStateStore):
    def _admits(self, execution_id: str, given: State) -> bool:
        return True


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (KeepsTheFirst, "a later state replaces an earlier one"),
        (Merges, "a later state replaces an earlier one of the same id, all of it"),
        (KeepsOneExecution, "is there"),
        (CutsTexts, "a state of some megabytes is kept whole"),
        (MakesFloats, "numbers stay numbers of the same kind"),
        (ListsOldestFirst, "newest start first"),
        (ForgetsTheLimit, r"list\('Sync', 2, None\)"),
        (ForgetsTheStatus, r"list\('Sync', None, 'failed'\)"),
        (PassesOverCase, "executions of this mission only"),
        (TakesPatterns, "executions of this mission only"),
        (ListsOnePage, "without a limit list gives all"),
        (ReadsOnePage, "read gives all of 120 frames"),
        (ReadsLargePage, "read gives all of 1,200 frames"),
        (RenewsNothing, "renew lends for so many seconds"),
        (LendsForMilliseconds, "acquire lends for so many seconds"),
        (KeepsWhatIsDeleted, "what is deleted is gone"),
        (KeepsFramesOfDeleted, "frames go with their execution"),
        (SortsByText, "in the order of their numbers"),
        (ReadsBehind, "in the order of their numbers"),
        (Overwrites, "another frame under a number that is taken is refused"),
        (RefusesAgain, "the same frame again is fine"),
        (DropsAllFrames, "save may drop frames up to its 'seq' only"),
        (LendsTwice, "what is lent is not lent again"),
        (LendsForEver, "a lease that ran out can be taken"),
        (CountsNoEpochs, "each lease has a higher epoch"),
        (RenewsForAll, "a lease that another has now cannot be renewed"),
        (ReleasesForAll, "who has lost a lease cannot give back that of another"),
        (KnowsNoOwners, "the same owner gets it at once"),
        (TellsOfAnyEpoch, "holds is True for the newest epoch alone"),
        (TellsForEver, "holds is False for a lease that ran out"),
        (TellsByLending, "asking with holds takes no lease away"),
        (FencesNothing, "a state of an earlier lease is refused"),
    ],
)
def test_a_fault_is_found_and_named(store: type[MemoryStateStore], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_state_store(store)
