"""Going down the tree with the offset that each node's span counts from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from vague.ast.base import Node, Placed
from vague.ast.walk import children


def children_with_base(node: Node, base: int) -> Iterator[tuple[int, Node]]:
    """The nodes directly inside of a node, each with what its span counts from."""
    starts = _starts(node)
    for child in children(node):
        yield base + starts.get(id(child), 0), child


def _starts(node: Node) -> dict[int, int]:
    """Where the placed elements among a node's fields start, by the identity of their nodes."""
    found: dict[int, int] = {}
    for name in getattr(type(node), "__dataclass_fields__", ()):
        value: Any = getattr(node, name)
        values = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
        for one in values:
            if isinstance(one, Placed):
                placed = cast("Placed[Node]", one)
                found[id(placed.node)] = placed.start
    return found
