"""Trees as text: one line a statement, the statements of a block indented below it.

    Let(x, Binary(+, Name(a), NumberLiteral(1)))

Spans, and everything else that does not take part in comparisons, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from vague.ast.base import Identifier, Key, Node, Placed
from vague.ast.definitions import File
from vague.ast.expressions import NumberLiteral, StringLiteral


def shown(node: Node) -> str:
    """The tree of a node, a file without the line of its own."""
    statements = node.items if isinstance(node, File) else (node,)
    return "\n".join(line for one in statements for line in _statement(one, ""))


def _statement(value: Placed[Any] | Node, indent: str) -> Iterator[str]:
    blocks: list[tuple[Any, ...]] = []
    yield indent + _inline(value, blocks)
    for number, block in enumerate(blocks, 1):
        if len(blocks) > 1:
            yield f"{indent}  [{number}]"
        for one in block:
            yield from _statement(one, indent + "  ")


def _inline(value: Any, blocks: list[tuple[Any, ...]]) -> str:
    if isinstance(value, Placed):
        return _inline(value.node, blocks)
    if isinstance(value, tuple):
        return _row(value, blocks)
    if isinstance(value, StringLiteral | NumberLiteral):
        return repr(value.value)
    if not isinstance(value, Node):
        return value if isinstance(value, str) else repr(value)
    return _name(value) or _call(value, blocks)


def _name(node: Node) -> str | None:
    if isinstance(node, Identifier):
        return node.text
    if isinstance(node, Key):
        return node.text if node.text.isidentifier() else repr(node.text)
    return None


def _call(node: Node, blocks: list[tuple[Any, ...]]) -> str:
    parts = [
        _inline(getattr(node, one.name), blocks)
        for one in fields(node)
        if one.compare and getattr(node, one.name) is not None
    ]
    return f"{type(node).__name__}({', '.join(parts)})" if parts else type(node).__name__


def _row(values: tuple[Any, ...], blocks: list[tuple[Any, ...]]) -> str:
    if values and all(isinstance(one, Placed) for one in values):
        blocks.append(values)
        return f"[{len(blocks)}]" if len(blocks) > 1 else "..."
    return f"[{', '.join(_inline(one, blocks) for one in values)}]"
