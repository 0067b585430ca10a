"""Values of variables as the journal keeps them: small ones inline, large ones once.

What a request brought stays where the request keeps it (its pages, or its one reply). A variable
that holds the same list, or some of its elements, is kept as a reference with the positions, so
that filtering a fetched list does not write it a second time. Whatever else is large becomes a
blob. Forms of a kept value:

    {"v": tagged}                               the value itself, or a reference to its blob
    {"at": address, "path": […], "pick": "…"}   from what a request brought; `pick` is a bit mask
"""

# `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import base64
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reqon.http.paging.merge import ItemPath, PageMerge
from reqon.values.encoding import tag, untag
from reqon.values.reply import ReplyMeta, with_reply

Json = Any

_FEW = 16
"""Lists up to this length are kept as they are."""
_SHORT = 1024


class Blobs(Protocol):
    """Where large values go: the unit of the branch."""

    def blob(self, value: Json) -> Json:
        """The value for a cell: as it is, or where it is large a reference to a blob."""
        ...

    def load_blob(self, value: Json) -> Json:
        """Read it back."""
        ...


@dataclass(slots=True)
class Root:
    """What a request brought: the value, and the lists in it that variables may refer to."""

    address: str
    value: Any
    lists: tuple[tuple[ItemPath, list[Any]], ...]
    positions: dict[int, tuple[ItemPath, int]] | None = None

    def position_of(self, element: Any) -> tuple[ItemPath, int] | None:
        """Which element of which list an object is; the table is built when first needed."""
        if self.positions is None:
            self.positions = {
                id(item): (path, number)
                for path, items in self.lists
                for number, item in enumerate(items)
            }
        return self.positions.get(id(element))


class Keeper:
    """Turns values into kept ones and back, for all branches of a run."""

    def __init__(self, cells: MutableMapping[str, Json]) -> None:
        self._cells = cells
        self._roots: dict[str, Root] = {}
        self._by_id: dict[int, tuple[Root, ItemPath]] = {}

    # -------------------------------------------------------------- what requests brought

    def add_root(self, address: str, value: Any) -> None:
        """Remember what a request at `address` brought, which its own cells keep."""
        self.forget_root(address)
        root = Root(address, value, _lists_of(value))
        self._roots[address] = root
        self._by_id[id(value)] = (root, ())
        for path, items in root.lists:
            self._by_id[id(items)] = (root, path)

    def forget_root(self, address: str) -> None:
        """Drop one root."""
        root = self._roots.pop(address, None)
        if root is None:
            return
        for key in (id(root.value), *(id(items) for _, items in root.lists)):
            self._by_id.pop(key, None)

    def forget_below(self, address: str) -> None:
        """Drop what was brought below an address that is done with."""
        if self._roots:
            start = f"{address}/"
            for known in [a for a in self._roots if a == address or a.startswith(start)]:
                self.forget_root(known)

    # -------------------------------------------------------------- keeping

    def save(self, value: Any, blobs: Blobs) -> Json:
        """The kept form of a value."""
        if not isinstance(value, dict | list | str) or (
            isinstance(value, str) and len(value) < _SHORT
        ):
            return {"v": tag(value)}
        known = self._by_id.get(id(value))
        if known is not None:
            root, path = known
            return {"at": root.address, "path": list(path)} if path else {"at": root.address}
        if isinstance(value, list) and len(value) > _FEW:
            picked = self._picked(value)
            if picked is not None:
                return picked
        return self.save_whole(value, blobs)

    def save_picked(self, whole: list[Any], numbers: Sequence[int], blobs: Blobs) -> Json:
        """The kept form of some elements of a list, given by their positions in order."""
        known = self._by_id.get(id(whole))
        if known is None or len(numbers) <= _FEW:
            return self.save([whole[number] for number in numbers], blobs)
        root, path = known
        return {"at": root.address, "path": list(path), "pick": _mask(numbers)}

    @staticmethod
    def save_whole(value: Any, blobs: Blobs) -> Json:
        """The kept form without references to what requests brought."""
        return {"v": blobs.blob(tag(value))}

    def _picked(self, value: Sequence[Any]) -> Json | None:
        """A list whose elements all come, in order, from one list of a root."""
        for root in reversed(self._roots.values()):
            first = root.position_of(value[0])
            if first is None:
                continue
            numbers = _numbers(root, first[0], value)
            if numbers is not None:
                return {"at": root.address, "path": list(first[0]), "pick": _mask(numbers)}
        return None

    # -------------------------------------------------------------- reading

    def load(self, kept: Json, blobs: Blobs) -> Any:
        """The value of a kept form.

        Null where it refers to what a request brought that a directive has gone back over: the
        variable is out of sight then, and bound again before anything reads it.
        """
        if "v" in kept:
            return untag(blobs.load_blob(kept["v"]))
        root = self._root(kept["at"], blobs)
        path = tuple(kept.get("path", ()))
        if root is None:
            return None
        if not path and "pick" not in kept:
            return root.value
        items = next((items for known, items in root.lists if known == path), None)
        if items is None or "pick" not in kept:
            return items
        return [items[n] for n in _unmask(kept["pick"]) if n < len(items)]

    def _root(self, address: str, blobs: Blobs) -> Root | None:
        if address not in self._roots:
            if f"{address}/r" not in self._cells:
                return None
            self.add_root(address, self._rebuilt(address, blobs))
        return self._roots[address]

    def _rebuilt(self, address: str, blobs: Blobs) -> Any:
        """What the request at `address` brought, from its own cells."""
        cell = self._cells[f"{address}/r"]
        if "pages" not in cell:
            return self.load(cell, blobs)
        meta = load_meta(cell["meta"])
        path = cell.get("items")
        merge = PageMerge(None if path is None else tuple(path))
        for number in range(1, cell["pages"] + 1):
            merge.add(load_body(self._cells[f"{address}/p/{number}"], blobs))
        return with_reply(merge.result(), meta)


# ---------------------------------------------------------------- bodies and meta


def page_cell(body: Any) -> Json:
    """A decoded body is JSON already: kept without tags, in a list so that none is read."""
    return [body]


def page_json(json: bytes) -> bytes:
    """The JSON of a page's cell, of the JSON of its body."""
    return b"[" + json + b"]"


def load_body(kept: Json, blobs: Blobs) -> Any:
    """The inverse of `page_cell`."""
    return blobs.load_blob(kept)[0]


def save_meta(meta: ReplyMeta) -> Json:
    """The facts of a reply as JSON."""
    return tag(with_reply({}, meta))


def load_meta(kept: Json) -> ReplyMeta:
    """The inverse of `save_meta`."""
    return untag(kept).meta


# ---------------------------------------------------------------- lists


def _lists_of(value: Any) -> tuple[tuple[ItemPath, list[Any]], ...]:
    """The lists in a value that programs usually take out of it: itself, and two levels down."""
    found: list[tuple[ItemPath, list[Any]]] = []
    _collect(value, (), found)
    return tuple(found)


def _collect(value: Any, path: ItemPath, found: list[tuple[ItemPath, list[Any]]]) -> None:
    if isinstance(value, list):
        found.append((path, value))
    elif isinstance(value, Mapping) and len(path) < 3:
        for name, item in value.items():
            if isinstance(item, dict | list):
                _collect(item, (*path, str(name)), found)


def _numbers(root: Root, path: ItemPath, value: Sequence[Any]) -> list[int] | None:
    numbers: list[int] = []
    last = -1
    for element in value:
        found = root.position_of(element)
        if found is None or found[0] != path or found[1] <= last:
            return None
        last = found[1]
        numbers.append(last)
    return numbers


def _mask(numbers: Sequence[int]) -> str:
    bits = bytearray(numbers[-1] // 8 + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return base64.b64encode(bits).decode()


def _unmask(text: str) -> list[int]:
    bits = base64.b64decode(text)
    return [
        (at << 3) + bit
        for at, byte in enumerate(bits)
        if byte
        for bit in range(8)
        if byte >> bit & 1
    ]
