"""What a store is: the protocol that every adapter fulfils, and what a mission asks for.

A store is a keyed collection of records in insertion order; replacing keeps the position.
Records are JSON objects and are never changed in place. Stores of a session are changed by
committed operations only, through `apply`; nothing here knows units, journals or branches.
"""

from __future__ import annotations

from collections.abc import ItemsView as Items
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

Record: TypeAlias = dict[str, Any]
"""A JSON object."""

ADD, UPDATE, DELETE, CLEAR = "a", "u", "d", "x"
"""Store operations. ADD puts the record at the end, taking an older one of that key away, so
that applying operations twice gives the same order; UPDATE replaces in place."""

SAME = "="
"""No operation: the record was there already. It is counted, and never stands in a frame."""

Operation: TypeAlias = tuple[str, str, str | None, Record | None]
"""Store name in the mission, letter, key, record."""


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store as a mission declares it.

    Two names with the same adapter and identifier share their data. `writes` is False where the
    mission only reads: then the store is not locked while it runs.
    """

    adapter: str
    identifier: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    writes: bool = True


class FileWriter(Protocol):
    """What a store that keeps files needs of the disk (`reqon.journal.disk.Disk`)."""

    def replace_file(self, path: Path, chunks: Iterable[bytes]) -> int:
        """Put new content in the place of a file, whole or not at all; returns its bytes."""
        ...


class StoreView(Protocol):
    """What an expression may ask of a store."""

    def get(self, key: str) -> Record | None:
        """The record of this key; it must not be changed."""
        ...

    def list(self) -> list[Record]:
        """A new list of all records, in order; the records are shared."""
        ...

    def count(self) -> int:
        """How many records there are."""
        ...


class Store(StoreView, Protocol):
    """A store while a session holds it.

    `durable` tells whether the data outlives the execution, `version` grows with every change,
    `touched` tells whether there is something that `write` has not written yet, `stored_bytes`
    how much was last read or written.
    """

    adapter: str
    identifier: str
    durable: bool
    version: int
    touched: bool
    stored_bytes: int

    @property
    def location(self) -> Path | None:
        """The file that holds the data; None where there is none."""
        ...

    def items(self) -> Items[str, Record]:
        """Keys and records in order."""
        ...

    def apply(self, operations: Iterable[Operation]) -> None:
        """Do operations of a committed frame, in order; SAME is passed over."""
        ...

    def load(self) -> None:
        """Read the data as last written; RefusedError where it is damaged. Blocks."""
        ...

    def write(self, disk: FileWriter) -> None:
        """Put the data in place of what was written last, whole or not at all. Blocks.

        The folder of `location` is there: it was made at opening, and one that vanished since is
        an error. The name is durable only after the folder is synced, which the caller does.
        """
        ...
