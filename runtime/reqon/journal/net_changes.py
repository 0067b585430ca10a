"""What an execution has done to its stores, all in all: the last change of each key.

A state that is kept elsewhere has to bring the data back where the disk is empty. Doing these
operations gives a store the records, and their order, that it had when the last one was noted.
Noted by the ledger as units commit, and by a resume as frames are read; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from reqon.journal.frames import encode_json_into
from reqon.stores.base import ADD, CLEAR, DELETE, SAME, UPDATE, Operation, Record, Store

_COMMA = ord(",")


class NetChanges:
    """The net changes of all stores of a session; each under one of the mission's names."""

    def __init__(self) -> None:
        self._by_store: dict[Store, _Net] = {}

    def note(self, store: Store, operations: Iterable[Operation]) -> None:
        """Take operations in, in order."""
        net = self._by_store.get(store)
        for name, letter, key, record in operations:
            if net is None:
                net = self._by_store[store] = _Net(name)
            net.note(letter, key, record)

    def note_whole(self, store: Store, name: str) -> None:
        """Everything that the store holds now."""
        self._by_store[store] = _Net(name)
        self.note(store, [(name, ADD, key, record) for key, record in store.items()])

    def encoded(self, *, durable_only: bool = False) -> msgspec.Raw | msgspec.UnsetType:
        """The operations as a frame has them; UNSET where there are none."""
        target = bytearray(b"[")
        for store, net in self._by_store.items():
            if store.durable or not durable_only:
                net.encode_into(target)
        if len(target) == 1:
            return msgspec.UNSET
        target[-1:] = b"]"
        return msgspec.Raw(target)


class _Net:
    """The net changes of one store: an encoded operation for each key that was touched."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._cleared = False
        self._kept: dict[str, tuple[str, bytes]] = {}

    def note(self, letter: str, key: str | None, record: Record | None) -> None:
        if letter == CLEAR:
            self._cleared = True
            self._kept.clear()
        if key is None or letter == SAME:
            return
        if letter == UPDATE:
            before = self._kept.get(key)
            letter = ADD if before is not None and before[0] == ADD else UPDATE
        else:
            self._kept.pop(key, None)
        if letter != DELETE or not self._cleared:
            self._kept[key] = (letter, self._encode(letter, key, record))

    def _encode(self, letter: str, key: str | None, record: Record | None) -> bytes:
        buffer = bytearray()
        encode_json_into((self._name, letter, key, record), buffer)
        return bytes(buffer)

    def encode_into(self, target: bytearray) -> None:
        """Put the operations at the end of `target`, a comma after each."""
        if self._cleared:
            target += self._encode(CLEAR, None, None)
            target.append(_COMMA)
        for _, encoded in self._kept.values():
            target += encoded
            target.append(_COMMA)
