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
    if isinstance(value, Identifier):
        return value.text
    if isinstance(value, Key):
        return value.text if value.text.isidentifier() else repr(value.text)
    if isinstance(value, StringLiteral):
        return repr(value.value)
    if isinstance(value, NumberLiteral):
        return repr(value.value)
    if not isinstance(value, Node):
        return value if isinstance(value, str) else repr(value)
    parts = [
        _inline(getattr(value, one.name), blocks)
        for one in fields(value)
        if one.compare and getattr(value, one.name) is not None
    ]
    return f"{type(value).__name__}({', '.join(parts)})" if parts else type(value).__name__


def _row(values: tuple[Any, ...], blocks: list[tuple[Any, ...]]) -> str:
    if values and all(isinstance(one, Placed) for one in values):
        blocks.append(values)
        return f"[{len(blocks)}]" if len(blocks) > 1 else "..."
    return f"[{', '.join(_inline(one, blocks) for one in values)}]"
