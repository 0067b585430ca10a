"""Hashes of trees: equal for what means the same, whatever its layout, quotes and parentheses.

Without recursion, so that a chain of operators may be as long as it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import cast

from vague.ast.base import Node, Placed
from vague.ast.expressions import Group


def node_hash(*nodes: Node) -> str:
    """A hash that two rows of nodes share when they mean the same, whatever their layout."""
    digest = hashlib.sha256()
    for token in _tokens(nodes):
        digest.update(token.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _tokens(root: tuple[Node, ...]) -> Iterator[str]:
    """The tree as a row of words, without recursion: chains may be as long as they like."""
    waiting: list[object] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Group):
            waiting.append(value.inner)
        elif isinstance(value, Placed):
            waiting.append(cast("Placed[Node]", value).node)
        elif isinstance(value, Node):
            names = _compared_fields(type(value))
            yield f"{type(value).__name__}/{len(names)}"
            waiting.extend(getattr(value, name) for name in reversed(names))
        elif isinstance(value, tuple):
            items = cast("tuple[object, ...]", value)
            yield f"list/{len(items)}"
            waiting.extend(reversed(items))
        else:
            yield repr(value)


@cache
def _compared_fields(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.compare)
