"""A branch's own view of a store: committed data and, over it, what its unit has not committed.

Operations are kept in order as they will stand in the frame. When another branch commits to the
store in between, `resolve` decides anew what each write means: the counts are made against the
data that the frame really meets. Changes no store; `journal.ledger` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

from reqon.stores.base import ADD, CLEAR, DELETE, SAME, UPDATE, Operation, Record, Store


class StagedStore:
    """The uncommitted operations of one unit on one store, and the view through them.

    `operations` are (name in the mission, letter, key, record); the letter is that of a frame,
    or SAME, of which `repeats` says whether there are any. `version` is the store's at the first
    operation.
    """

    __slots__ = ("cleared", "fresh", "operations", "over", "repeats", "store", "version")

    def __init__(self, store: Store) -> None:
        self.store = store
        self.version = store.version
        self.operations: list[Operation] = []
        self.over: dict[str, Record | None] = {}
        self.fresh: dict[str, None] = {}
        self.cleared = False
        self.repeats = False

    def put(self, name: str, key: str, record: Record) -> str:
        """Stage a write; returns the letter that it has as things stand."""
        over = self.over
        old = over[key] if key in over else self.get(key)
        if old is None:
            letter = ADD
            self.fresh[key] = None
        elif same_value(old, record):
            self.operations.append((name, SAME, key, record))
            self.repeats = True
            return SAME
        else:
            letter = UPDATE
        over[key] = record
        self.operations.append((name, letter, key, record))
        return letter

    def delete(self, name: str, key: str) -> None:
        """Stage a removal; one that finds nothing is kept, another branch may add the key."""
        self.operations.append((name, DELETE, key, None))
        self.over[key] = None
        self.fresh.pop(key, None)

    def clear(self, name: str) -> None:
        """Stage the removal of everything."""
        self.operations.append((name, CLEAR, None, None))
        self.over.clear()
        self.fresh.clear()
        self.cleared = True

    def get(self, key: str) -> Record | None:
        """The record as the branch sees it."""
        if key in self.over:
            return self.over[key]
        return None if self.cleared else self.store.get(key)

    def values(self) -> Iterator[Record]:
        """All records as the branch sees them, in the order that they will have."""
        over = self.over
        added = (record for key in self.fresh if (record := over[key]) is not None)
        if self.cleared:
            return added
        return chain(self._committed(), added)

    def _committed(self) -> Iterator[Record]:
        over, fresh = self.over, self.fresh
        for key, record in self.store.items():
            if key not in over:
                yield record
            elif key not in fresh and (mine := over[key]) is not None:
                yield mine

    def resolve(self) -> StagedStore:
        """The operations against what the store holds now."""
        if self.version == self.store.version:
            return self
        return self.replayed(len(self.operations))

    @property
    def written(self) -> list[Operation]:
        """The operations that change something."""
        if not self.repeats:
            return self.operations
        return [operation for operation in self.operations if operation[1] != SAME]

    def replayed(self, count: int) -> StagedStore:
        """The first `count` operations alone, against what the store holds now."""
        anew = StagedStore(self.store)
        for name, letter, key, record in self.operations[:count]:
            if letter == CLEAR:
                anew.clear(name)
            elif key is not None and record is not None:
                anew.put(name, key, record)
            elif key is not None:
                anew.delete(name, key)
        return anew


def same_value(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: key order does not matter, `true` is not `1`."""
    if left is right:
        return True
    return left == right and _same_kinds(left, right)


def _same_kinds(left: Any, right: Any) -> bool:
    """Of values that Python calls equal: whether no boolean stands for a number."""
    if isinstance(left, dict):
        return all(_same_kinds(v, right[k]) for k, v in cast("Record", left).items())
    if isinstance(left, list):
        return all(map(_same_kinds, cast("list[Any]", left), right))
    return isinstance(left, bool) == isinstance(right, bool)


class UnitView:
    """The view that expressions get; always current, whatever is staged or committed later."""

    __slots__ = ("_staged", "_store")

    def __init__(self, store: Store, staged: dict[Store, StagedStore]) -> None:
        self._store = store
        self._staged = staged

    def get(self, key: str) -> Record | None:
        """The record of this key."""
        staged = self._staged.get(self._store)
        return self._store.get(key) if staged is None else staged.get(key)

    def list(self) -> list[Record]:
        """All records in order."""
        staged = self._staged.get(self._store)
        return self._store.list() if staged is None else list(staged.values())

    def count(self) -> int:
        """How many records there are."""
        staged = self._staged.get(self._store)
        return self._store.count() if staged is None else sum(1 for _ in staged.values())
