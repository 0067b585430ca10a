"""Which statements of a file hold syntax errors: what is said about them rests on guesses.

The checker leaves such problems out: one message for one mistake. Statements around a broken one,
and whole ones inside of it, are checked as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from vague.ast.base import Node, Placed
from vague.ast.definitions import File
from vague.diagnostics import Diagnostic
from vague.echoes import NESTING_CODES, uncertain_from
from vague.program import SourceFile

Statement = tuple[int, int]
"""Start and end of an item, member or step, as offsets of the file."""


def outside_of_broken_statements(
    found: Iterable[Diagnostic], source: SourceFile
) -> Iterator[Diagnostic]:
    """The problems of a file that are in no statement with a syntax error.

    Behind a bracket without its counterpart nothing is said about the block that something is in.
    """
    uncertain = uncertain_from(source.diagnostics)
    tree = source.parsed.tree
    broken: set[Statement] = set()
    for error in source.diagnostics:
        statements = _around(tree, error.span.start)
        broken.add(statements[-1])
        if error.code == "RQ010":
            broken.update(_statement_before(tree, statements))
    for one in found:
        if uncertain is not None and one.code in NESTING_CODES and one.span.start > uncertain:
            continue
        if _around(tree, one.span.start)[-1] not in broken:
            yield one


def _around(tree: File, offset: int) -> list[Statement]:
    """The statements that hold an offset, from the outermost (the file) to the innermost."""
    start, node = 0, tree
    statements: list[Statement] = [(0, tree.span.end)]
    while True:
        placed = _last_before(_placed_in(node), offset - start)
        if placed is None or start + placed.start + placed.node.span.end <= offset:
            return statements
        start, node = start + placed.start, placed.node
        statements.append((start, start + node.span.end))


def _statement_before(tree: File, statements: list[Statement]) -> Iterator[Statement]:
    """The one that a bracket on a line of its own was meant to belong to."""
    start = statements[-1][0]
    before = _around(tree, start - 1)
    if before == statements[:-1]:
        base, node = 0, tree
        for inner_start, _ in statements[1:-1]:
            inner = _last_before(_placed_in(node), inner_start - base)
            if inner is None:
                return
            base, node = inner_start, inner.node
        last = _last_before(_placed_in(node), start - base - 1)
        if last is not None:
            yield base + last.start, base + last.start + last.node.span.end
    else:
        yield before[-1]


def _last_before(placed: tuple[Placed[Node], ...], offset: int) -> Placed[Node] | None:
    """The last element that starts at or before an offset of the element around it."""
    low, high = 0, len(placed)
    while low < high:
        middle = (low + high) // 2
        if placed[middle].start <= offset:
            low = middle + 1
        else:
            high = middle
    return placed[low - 1] if low else None


def _placed_in(node: Node) -> tuple[Placed[Node], ...]:
    """The elements of the lists directly in a node, in the order of the text."""
    found: list[Placed[Node]] = []
    waiting: list[Any] = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Placed):
            found.append(value)  # pyright: ignore[reportUnknownArgumentType] - of any node
        elif isinstance(value, tuple):
            waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, Node):
            waiting.extend(getattr(value, name) for name in _field_names(type(value)))
    return tuple(sorted(found, key=lambda placed: placed.start))


@cache
def _field_names(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "span")
