"""Going through a tree: children, descendants, elements with their places, the node at an offset.

Generic over the fields of the node classes. It knows no meaning, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from vague.ast.base import Node, Placed
from vague.ast.definitions import File


class At(NamedTuple):
    """A node, and where the element begins from which its spans count, in the file."""

    start: int
    node: Node


_FIELDS: dict[type[Node], tuple[str, ...]] = {}


def children(node: Node) -> list[Node]:
    """The nodes directly in `node`, in the order of its fields; placed ones without their place."""
    found: list[Node] = []
    for name in _names(type(node)):
        _gather(getattr(node, name), found)
    return found


def walk(node: Node) -> Iterator[Node]:
    """`node` and all nodes in it, each before what is in it. Needs no recursion."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        below = children(node)
        below.reverse()
        stack.extend(below)


def elements(file: File) -> Iterator[At]:
    """All placed elements of `file`, at every depth, with where they start; outer ones first."""
    stack = [At(placed.start, placed.node) for placed in reversed(file.items)]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(reversed([At(at.start + begin, one) for begin, one in _placed_in(at.node)]))


def node_at(file: File, offset: int) -> list[At]:
    """The way to the innermost node that covers `offset`, from the outermost one on.

    A node covers the offsets of its span and its end, so that a cursor behind a name is at it.
    """
    path: list[At] = []
    below = [At(placed.start, placed.node) for placed in file.items]
    while True:
        covering = [at for at in below if _covers(at, offset)]
        if not covering:
            return path
        best = covering[-1]
        path.append(best)
        below = _below(best)


def _below(at: At) -> list[At]:
    found: list[At] = []
    for name in _names(type(at.node)):
        _locate(getattr(at.node, name), at.start, found)
    found.sort(key=_begin)
    return found


def _begin(at: At) -> int:
    return at.start + at.node.span.start


def _covers(at: At, offset: int) -> bool:
    start, end = at.node.span
    return at.start + start <= offset <= at.start + end


def _names(of: type[Node]) -> tuple[str, ...]:
    names = _FIELDS.get(of)
    if names is None:
        names = _FIELDS[of] = tuple(field.name for field in fields(of) if field.name != "span")
    return names


def _gather(value: Any, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, tuple):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            _gather(one, found)
    elif isinstance(value, Placed):
        found.append(value.node)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _locate(value: Any, base: int, found: list[At]) -> None:
    if isinstance(value, Node):
        found.append(At(base, value))
    elif isinstance(value, tuple):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            _locate(one, base, found)
    elif isinstance(value, Placed):
        found.append(At(base + value.start, value.node))  # pyright: ignore[reportUnknownMemberType]


def _placed_in(node: Node) -> Iterator[tuple[int, Node]]:
    """The placed elements in `node`, not those in these."""
    stack: list[Any] = [node]
    while stack:
        value = stack.pop()
        if isinstance(value, Placed):
            yield value.start, value.node  # pyright: ignore[reportUnknownMemberType]
        elif isinstance(value, Node):
            stack.extend(getattr(value, name) for name in reversed(_names(type(value))))
        elif isinstance(value, tuple):
            stack.extend(reversed(value))  # pyright: ignore[reportUnknownArgumentType]
