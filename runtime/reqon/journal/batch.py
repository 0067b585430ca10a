"""What committed units have put together since the last frame: the frame in the making.

Store operations and cell values are encoded as they come, so that the size is known and a value
that cannot be written stops its own unit only. Filled and emptied by `journal.ledger`; writes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from reqon.errors import RunError
from reqon.journal.frames import Frame, Summary, encode_json
from reqon.stores.base import Operation

CellKey: TypeAlias = "str | tuple[str]"
"""An address that is set, or, in a tuple, an address that is deleted with everything below."""

_COMMA = ord(",")
UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What encoding raises for a value that is no JSON."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value of a cell together with its JSON, so that what is large is encoded once."""

    value: Any
    json: msgspec.Raw


def note_cell(cells: dict[CellKey, Any], address: str, value: Any) -> None:
    """Put a change of a cell behind those before it; a deletion makes earlier ones idle."""
    if value is not None:
        cells[address] = value
        return
    start = address + "/"
    for key in [k for k in cells if _below(k, address, start)]:
        del cells[key]
    cells[(address,)] = None


def _below(key: CellKey, address: str, start: str) -> bool:
    place = key if isinstance(key, str) else key[0]
    return place == address or place.startswith(start)


class Batch:
    """The parts of a commit frame that are changes; the summary is added at the end."""

    __slots__ = (
        "cell_bytes",
        "cells",
        "deferred",
        "errors",
        "operations",
        "published",
        "settled",
        "since",
        "units",
        "unknown",
        "wrote",
    )

    def __init__(self) -> None:
        self.operations = bytearray()
        self.cells: dict[CellKey, msgspec.Raw | None] = {}
        self.cell_bytes = 0
        self.published: dict[str, dict[str, Any]] = {}
        self.deferred: dict[str, dict[str, Any]] = {}
        self.since: dict[str, str | None] = {}
        self.wrote: dict[str, list[str]] = {}
        self.errors: list[dict[str, Any]] = []
        self.unknown: list[dict[str, Any]] = []
        self.settled: list[int] = []
        self.units = 0

    @property
    def size(self) -> int:
        """About how many bytes of frame there are."""
        return len(self.operations) + self.cell_bytes

    def add_operations(self, operations: Sequence[Operation]) -> None:
        """Encode store operations, all in one go, at the end of those that are there.

        Raises TypeError, ValueError and the like for what is no JSON.
        """
        if operations:
            self.operations += memoryview(encode_json(operations))[1:-1]
            self.operations.append(_COMMA)

    def set_cell(self, address: str, encoded: msgspec.Raw | None) -> None:
        """Set a cell to an encoded value."""
        self.cells[address] = encoded
        self.cell_bytes += len(address) + len(memoryview(encoded or b"")) + 8

    def delete_cell(self, address: str) -> None:
        """Delete a cell and everything below it."""
        note_cell(self.cells, address, None)
        self.cell_bytes += len(address) + 12

    def into(self, frame: Frame, summary: Summary) -> Frame:
        """Complete the frame with what is in the batch."""
        frame.cells = [
            (k, v) if isinstance(k, str) else (k[0], None) for k, v in self.cells.items()
        ]
        if self.operations:
            body = bytearray(b"[")
            body += memoryview(self.operations)[:-1]
            body += b"]"
            frame.ops = msgspec.Raw(body)
        frame.summary = summary
        frame.published = self.published
        frame.deferred = self.deferred
        frame.since = self.since
        frame.wrote = self.wrote
        frame.errors = self.errors
        frame.unknown = self.unknown
        frame.settled = self.settled
        return frame


def encode_cells(cells: dict[CellKey, Any]) -> dict[CellKey, msgspec.Raw | None]:
    """The values of changed cells as JSON; raises as `Batch.add_operations` does."""
    return {key: _encoded(value) for key, value in cells.items()}


def _encoded(value: Any) -> msgspec.Raw | None:
    if type(value) is Encoded:
        return value.json
    return None if value is None else msgspec.Raw(encode_json(value))


def unwritable(error: Exception) -> RunError:
    """The error of a unit whose values are no JSON."""
    return RunError("store", f"a value cannot be saved: {error}")
