"""Pages put together into the one value that a program sees.

Lists are concatenated. Of objects it is the last page, with its item list replaced by the items
of all pages; where that list is, the program says, or it is found as `find_items` describes.
Pages are never changed: what differs is copied.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from reqon.errors import RunError

ItemPath: TypeAlias = tuple[str | int, ...]

USUAL_LISTS = ("data", "items", "results", "records", "values", "entries", "list")
"""Fields that are looked at first for the item list, in this order."""


def find_items(body: Any) -> ItemPath | None:
    """Where a page keeps its items: `()` for the page itself, None where it has no list.

    The first of the usual names that holds a list, else the first field that does.
    """
    if isinstance(body, list):
        return ()
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, Any]", body)
    names = (*USUAL_LISTS, *fields)
    return next(((name,) for name in names if isinstance(fields.get(name), list)), None)


def items_at(body: Any, path: ItemPath) -> list[Any] | None:
    """The list at `path`; None where the way ends or something else is there."""
    value = body
    for step in path:
        value = _step(value, step)
    return cast("list[Any]", value) if isinstance(value, list) else None


def _step(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return cast("dict[Any, Any]", value).get(step)
    if isinstance(value, list) and isinstance(step, int):
        elements = cast("list[Any]", value)
        return elements[step] if -len(elements) <= step < len(elements) else None
    return None


class PageMerge:
    """Collects the pages of one list in order.

    `path` is the item list's as the program gives it; None: it is found in the first page that
    has a list, and holds for all pages from then on.
    """

    def __init__(self, path: ItemPath | None = None) -> None:
        self.path = path
        self._items: list[Any] = []
        self._found = False
        self._lists = 0
        self._pages = 0
        self._last: Any = None

    def add(self, body: Any) -> int | None:
        """Take a page; answers the number of its items, None where no list is found.

        Raises RunError `pagination` where some pages are lists and others are not.
        """
        self._count(body)
        self._last = body
        items = self._items_of(body)
        if items is None:
            return 0 if self._found else None
        self._found = True
        self._items += items
        return len(items)

    @property
    def complete(self) -> bool:
        """Whether the result holds all pages: not where a list was found in none of several."""
        return self._found or self._pages <= 1

    def result(self) -> Any:
        """The value of the whole list."""
        if self._lists:
            return self._items
        if not self._found or not self.path:
            return self._last
        return _replaced(self._last, self.path, self._items)

    def _items_of(self, body: Any) -> list[Any] | None:
        if isinstance(body, list):
            return cast("list[Any]", body)
        if self.path is None:
            self.path = find_items(body)
        return None if self.path is None else items_at(body, self.path)

    def _count(self, body: Any) -> None:
        self._pages += 1
        self._lists += isinstance(body, list)
        if self._lists not in (0, self._pages):
            kind = "a list" if isinstance(body, list) else "no list"
            raise RunError(
                "pagination",
                f"page {self._pages} is {kind}, unlike the pages before it",
                details={"page": self._pages},
                hint="the service changes the shape of its pages; see what it answers there",
            )


def _replaced(value: Any, path: ItemPath, items: list[Any]) -> Any:
    """A copy of `value` with `items` at `path`; objects that lack a field of it get one."""
    if not path:
        return items
    step, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(step, int):
        elements = list(cast("list[Any]", value))
        if -len(elements) <= step < len(elements):
            elements[step] = _replaced(elements[step], rest, items)
        return elements
    fields = dict(cast("dict[Any, Any]", value)) if isinstance(value, dict) else {}
    fields[step] = _replaced(fields.get(step), rest, items)
    return fields
