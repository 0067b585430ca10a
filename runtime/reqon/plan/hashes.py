"""Hashes of programs that layout, comments and parentheses do not change.

A run that is resumed compares them with those of the program it finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from vague.ast.base import Node, Placed
from vague.ast.expressions import Group


def node_hash(nodes: tuple[Node, ...]) -> str:
    """32 hexadecimal digits for a sequence of nodes: equal exactly when their meaning is."""
    digest = hashlib.blake2b(digest_size=16)
    for text in _canonical(nodes):
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _canonical(value: Any) -> Iterator[str]:
    match value:
        case Group(inner=inner):
            yield from _canonical(inner)
        case Placed(node=node):
            yield from _canonical(node)
        case Node():
            yield type(value).__name__
            for name in _compared(type(value)):
                yield from _canonical(getattr(value, name))
        case tuple():
            yield f"({len(value)}"  # pyright: ignore[reportUnknownArgumentType]
            for item in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _canonical(item)
        case _:
            yield f"{type(value).__name__}:{value!r}"


@cache
def _compared(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.compare)


def action_hash(mission: Any, name: str) -> str:
    """The hash of an action."""
    return node_hash((mission.actions[name].node,))
