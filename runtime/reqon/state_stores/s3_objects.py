"""States and frames as objects of a bucket, and why of two runs never both write on.

S3 writes one object at a time, under a condition on that object; no condition spans two. So a
write is followed by a look at the lease, and counts only if no later epoch has been lent. As what
is written can be read at once, whoever gets the lease afterwards reads all that has counted. What
an old run writes later is refused, and does no harm where it has reached the bucket:

- Frames under a number that a new run has used fail their condition.
- Frames under a number that a new run has not used yet (the old one was asleep between its look
  and its write) do not count, as that run is told. The new one replaces them when it comes to this
  number; a reader leaves out frames with an older epoch than the state's or than those before.
- A state does not count either; the new run replaces it, having read what it goes on from.

Blocks; used from several threads at once.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from reqon.state_stores.protocol import JournalFrame, State
from reqon.state_stores.s3_bucket import THREADS, Bucket, Found
from reqon.state_stores.s3_leases import Leases
from reqon.state_stores.s3_names import Entry, Names, entries_from, number_of

LOOK_SECONDS = 1.0
"""So long after a look at the lease frames are written without another one before them."""

_EPOCH, _LAST = "epoch", "last"


class Objects:
    """What a bucket keeps of executions."""

    def __init__(self, bucket: Bucket, names: Names, leases: Leases) -> None:
        self._bucket = bucket
        self._names = names
        self._leases = leases
        self._missions: dict[str, str] = {}
        self._admitted: dict[tuple[str, int], float] = {}

    def save(self, state: State) -> bool:
        """Replace the state, then drop the frames that it holds."""
        entry, epoch = Entry.of(state), state.get("epoch", 0)
        if not self._admits(entry.mission, epoch):
            return False
        key = self._names.state(entry.execution_id)
        known = self._bucket.look(key)
        before = None if known is None else Entry.from_facts(entry.execution_id, known.facts)
        if before != entry:
            self._bucket.note(self._names.entry(entry))
        body, facts = json.dumps(state).encode(), {**entry.facts, _EPOCH: str(epoch)}
        while known is None or _epoch(known) <= epoch:
            if self._bucket.put(key, body, facts, over=known):
                break
            known = self._bucket.look(key)
        else:
            return False
        if not self._admits(entry.mission, epoch):
            return False
        needless = self._needless(entry.execution_id, state.get("seq", 0))
        if before is not None and before != entry:
            needless.append(self._names.entry(before))
        self._bucket.delete(needless)
        return True

    def load(self, execution_id: str) -> State | None:
        """The state, or None."""
        found = self._bucket.get(self._names.state(execution_id))
        return None if found is None else json.loads(found.body)

    def history(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """Newest first. Entries may be out of date, but none is missing: the states decide."""
        entries = entries_from(self._bucket.keys(self._names.entries(mission)))
        waiting = [entry for entry in entries if status in (None, entry.status)]
        found: dict[str, State] = {}
        while waiting and (limit is None or len(found) < limit):
            most = len(waiting) if limit is None else limit - len(found)
            now, waiting = waiting[:most], waiting[most:]
            keys = [self._names.state(entry.execution_id) for entry in now]
            for entry, text in zip(now, self._texts(keys), strict=True):
                state = None if text is None else json.loads(text)
                if state is not None and Entry.of(state) == entry:
                    found[entry.execution_id] = state
        return list(found.values())

    def delete(self, execution_id: str) -> None:
        """Forget it: the frames first, so that none is left without its state."""
        key = self._names.state(execution_id)
        known = self._bucket.look(key)
        self._bucket.delete(self._bucket.keys(self._names.frames(execution_id)))
        self._bucket.delete([key])
        if known is not None:
            entry = Entry.from_facts(execution_id, known.facts)
            self._bucket.delete(self._bucket.keys(self._names.entries_of(entry)))

    def append_all(self, execution_id: str, frames: Sequence[tuple[int, JournalFrame]]) -> bool:
        """Make one object of frames, under the number of the first."""
        (number, first), last = frames[0], frames[-1][0]
        epoch, mission = first.get("epoch", 0), self._mission(execution_id)
        if not self._was_admitted(mission, epoch) and not self._admits(mission, epoch):
            return False
        key, body = self._names.frame(execution_id, number), json.dumps(frames).encode()
        facts, known = {_EPOCH: str(epoch), _LAST: str(last)}, None
        while not self._bucket.put(key, body, facts, over=known):
            known = self._bucket.get(key)
            if known is not None and known.body == body:
                break
            if known is not None and _epoch(known) >= epoch:
                return False
        return self._admits(mission, epoch)

    def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames that count, in the order of their numbers."""
        state = self._bucket.look(self._names.state(execution_id))
        keys = self._bucket.keys(self._names.frames(execution_id))
        first = bisect_right([number_of(key) for key in keys], from_seq) - 1
        best: dict[int, JournalFrame] = {}
        for text in self._texts(keys[max(0, first) :]):
            for seq, frame in json.loads(text or "[]"):
                if seq >= from_seq and _age(frame) >= _age(best.get(seq, {})):
                    best[seq] = frame
        counting: list[JournalFrame] = []
        newest = 0 if state is None else _epoch(state)
        for _, frame in sorted(best.items()):
            if _age(frame) >= newest:
                newest = _age(frame)
                counting.append(frame)
        return counting

    def _admits(self, mission: str | None, epoch: int) -> bool:
        """Whether no later epoch has been lent; as of now."""
        if mission is None:
            return True
        looked_at = time.monotonic()
        if self._leases.epoch(mission) > epoch:
            return False
        self._admitted = {(mission, epoch): looked_at}
        return True

    def _was_admitted(self, mission: str | None, epoch: int) -> bool:
        looked_at = self._admitted.get((mission or "", epoch))
        return looked_at is not None and time.monotonic() - looked_at < LOOK_SECONDS

    def _mission(self, execution_id: str) -> str | None:
        """The mission of an execution whose state was saved."""
        if execution_id not in self._missions:
            state = self._bucket.look(self._names.state(execution_id))
            if state is None:
                return None
            entry = Entry.from_facts(execution_id, state.facts)
            self._missions[execution_id] = entry.mission
        return self._missions[execution_id]

    def _needless(self, execution_id: str, seq: int) -> list[str]:
        """Keys of frames of which none has a number above `seq`."""
        keys = self._bucket.keys(self._names.frames(execution_id))
        older = [key for key in keys if number_of(key) <= seq]
        following = keys[len(older) :]
        if not older or (following and number_of(following[0]) == seq + 1):
            return older
        last = self._bucket.look(older[-1])
        is_whole = last is None or int(last.facts[_LAST]) <= seq
        return older if is_whole else older[:-1]

    def _texts(self, keys: Iterable[str]) -> Sequence[bytes | None]:
        """The contents of objects, several at a time; None for one that is not there."""
        with ThreadPoolExecutor(THREADS) as threads:
            return [found and found.body for found in threads.map(self._bucket.get, keys)]


def _epoch(known: Found) -> int:
    return int(known.facts[_EPOCH])


def _age(frame: JournalFrame) -> int:
    return frame.get("epoch", 0)
