"""What an earlier process left: cells by address, each taken up once, from the outside inwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any


class ResumeCells:
    """The cells that no runner has taken up yet. `active` is False once there are none."""

    __slots__ = ("_cells", "active")

    def __init__(self, cells: Mapping[str, Json]) -> None:
        self._cells = dict(cells)
        self.active = bool(self._cells)

    def holds(self, address: str) -> bool:
        """Whether something is left at this address or below it."""
        if not self.active:
            return False
        start = f"{address}/"
        return address in self._cells or any(known.startswith(start) for known in self._cells)

    def take(self, address: str) -> Json | None:
        """The cell of this address, once."""
        found = self._cells.pop(address, None)
        self.active = bool(self._cells)
        return found

    def take_below(self, start: str) -> list[tuple[str, Json]]:
        """All cells whose address begins with `start`: the rest of the address, and the cell."""
        found = [a for a in self._cells if a.startswith(start)]
        taken = [(address[len(start) :], self._cells.pop(address)) for address in found]
        self.active = bool(self._cells)
        return taken

    def drop(self, address: str) -> None:
        """Forget an address and everything below it."""
        if not self.active:
            return
        self._cells.pop(address, None)
        start = f"{address}/"
        for known in [a for a in self._cells if a.startswith(start)]:
            del self._cells[known]
        self.active = bool(self._cells)
