"""The memory store: records that live as long as the execution.

Also the heart of the stores that keep files: they add reading and writing. A resumed execution
gets its memory stores back from its journal; nothing here knows that.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable
from pathlib import Path

from reqon.stores.base import (
    ADD,
    CLEAR,
    DELETE,
    SAME,
    UPDATE,
    FileWriter,
    Operation,
    Record,
    StoreSpec,
)


class MemoryStore:
    """Records by key, in insertion order."""

    durable = False

    def __init__(self, spec: StoreSpec) -> None:
        self.adapter = spec.adapter
        self.identifier = spec.identifier
        self.version = 0
        self.touched = False
        self.stored_bytes = 0
        self.records: dict[str, Record] = {}

    @property
    def location(self) -> Path | None:
        """There is no file."""
        return None

    def get(self, key: str) -> Record | None:
        """The record of this key."""
        return self.records.get(key)

    def list(self) -> list[Record]:
        """A new list of all records, in order."""
        return list(self.records.values())

    def count(self) -> int:
        """How many records there are."""
        return len(self.records)

    def items(self) -> ItemsView[str, Record]:
        """Keys and records in order."""
        return self.records.items()

    def apply(self, operations: Iterable[Operation]) -> None:
        """Do operations in order; doing a whole sequence again changes nothing."""
        records = self.records
        changed = False
        for _, letter, key, record in operations:
            if letter == SAME:
                continue
            changed = True
            if key is None:
                if letter == CLEAR:
                    records.clear()
            elif letter == ADD and record is not None:
                records.pop(key, None)
                records[key] = record
            elif letter == UPDATE and record is not None:
                records[key] = record
            elif letter == DELETE:
                records.pop(key, None)
        if changed:
            self.version += 1
            self.touched = True

    def load(self) -> None:
        """Begin empty."""

    def write(self, disk: FileWriter) -> None:
        """Nothing is written."""
        del disk
        self.touched = False
