"""Walking the tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from vague.ast.base import Node, Placed


@cache
def _field_names(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "span")


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside of a node, in the order of the text."""
    for name in _field_names(type(node)):
        yield from _nodes_in(getattr(node, name))


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, Placed):
        yield value.node
    elif isinstance(value, tuple):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _nodes_in(item)


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes inside of it, outer ones first."""
    yield node
    for child in children(node):
        yield from walk(child)
