"""What a selection grows to, step by step: word, expression, step, block, member, item, file."""

from __future__ import annotations

from collections.abc import Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.tree import children_with_base
from vague.ast.base import Node
from vague.parser import Parsed
from vague.text import Span


def selection(snapshot: Snapshot, path: str, offset: int) -> tuple[Span, ...]:
    """The spans around an offset, the innermost first; each lies in the next one."""
    parsed = snapshot.parsed(path)
    if parsed is None:
        return (Span(offset, offset),)
    spans = [Span(0, len(parsed.source.text)), *_around(parsed, offset), _word(parsed, offset)]
    found: list[Span] = []
    for span in spans:
        inside = not found or (found[-1].start <= span.start and span.end <= found[-1].end)
        if inside and span.start <= offset <= span.end and (not found or span != found[-1]):
            found.append(span)
    return tuple(reversed(found))


def _around(parsed: Parsed, offset: int) -> Iterator[Span]:
    """The spans of the nodes that hold an offset, from the outermost in."""
    base, node = 0, parsed.tree
    waiting: list[tuple[int, Node]] = [(base, node)]
    while waiting:
        base, node = waiting.pop()
        if node is not parsed.tree:
            yield node.span.shifted(base)
        for inner_base, inner in children_with_base(node, base):
            span = inner.span.shifted(inner_base)
            if span.start <= offset <= span.end and span.end > span.start:
                waiting = [(inner_base, inner)]
                break


def _word(parsed: Parsed, offset: int) -> Span:
    text = parsed.source.text
    start = end = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return Span(start, end)
