"""What all nodes share. The tree is immutable, and a node knows nothing of where it stands.

Spans are relative: a node's `span` counts from the start of the `Placed` element it belongs to
(top-level item, mission member, or step), and a `Placed` says where that element starts, counted
from the element around it (or from the start of the file). So an element that did not change is
reused as it is, wherever an edit has moved it. Spans never take part in comparisons: two trees
are equal when the programs are, whatever their layout and comments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vague.text import Span


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a program; `span` is relative, see the module."""

    span: Span = field(compare=False)


N = TypeVar("N", bound=Node, covariant=True)


@dataclass(frozen=True, slots=True)
class Placed(Generic[N]):
    """An element of a list (item, member, step) at its place.

    `start` is the offset at which the element's first token begins, counted from the start of the
    element that holds the list. `node.span` is then `(0, length)`.
    """

    start: int = field(compare=False)
    node: N


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name where it is declared or referred to."""

    text: str


@dataclass(frozen=True, slots=True)
class Key(Node):
    """The left side of `key: value`; `quoted` when it was written as a string."""

    text: str
    quoted: bool = field(default=False, compare=False)
