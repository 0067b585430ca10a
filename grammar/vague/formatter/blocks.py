"""The elements of a program laid out one by one, so that formatting again costs what has changed.

An item, a member or a step with lines of its own looks the same wherever it stands at the same
indentation. It is laid out alone, and what came out is kept by its text. `Layouts` is that memory,
and the way from a node to its lines: templates are taken apart to pieces here, `weave` joins them
with the tokens of the text, `layout` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from vague.ast.base import Node, Placed
from vague.diagnostics import TextEdit
from vague.formatter.edits import Part, edits_between
from vague.formatter.layout import INDENT_WIDTH, render
from vague.formatter.trivia import read_tokens
from vague.formatter.weave import (
    Block,
    Close,
    Done,
    Item,
    Mark,
    Open,
    Piece,
    Separator,
    Template,
    weave,
)
from vague.text import Span

_DEEPEST = 6
"""Blocks in blocks up to here; what lies deeper is laid out with them."""

_KEPT_PER_CHARACTER = 16
_KEPT_ANYWAY = 100_000

_BESIDE = " \t\r\n,"
_AFTER = re.compile(rf"[{_BESIDE}]*+/\*")
# An element that begins so may need a comma before it, which its list decides.
_CONTINUING = re.compile(r"[-+.]|(?:contains|startsWith|endsWith)\b")


@dataclass(frozen=True)
class Laid:
    """An element's own text, and its lines; `inner` are the elements in it, from its start."""

    source: str
    text: str
    inner: tuple[tuple[Span, Span, Laid], ...]

    def moved(self, distance: int) -> tuple[tuple[Span, Span, Laid], ...]:
        """The elements in it, where something of that length comes before the lines."""
        return tuple((before, after.shifted(distance), laid) for before, after, laid in self.inner)

    @cached_property
    def edits(self) -> tuple[TextEdit, ...]:
        """The changes from the one to the other, in order."""
        if self.source == self.text:
            return ()
        parts = [Part(before, after, laid.edits) for before, after, laid in self.inner]
        return edits_between(self.source, self.text, parts)


@dataclass(slots=True)
class Layouts:
    """The elements that have been laid out, for a text that is formatted again and again."""

    templates: Mapping[type, Template]
    width: int
    _known: dict[tuple[type, int, str], Laid] = field(default_factory=dict)
    _characters: int = 0

    def __len__(self) -> int:
        """How many elements are known."""
        return len(self._known)

    def lay_out(self, text: str, items: Sequence[Item]) -> Laid:
        """The lines of a whole text.

        Raises:
            MismatchError: when the items do not fit the text.
        """
        if self._characters > _KEPT_PER_CHARACTER * len(text) + _KEPT_ANYWAY:
            self._known.clear()
            self._characters = 0
        return self._laid(text, Span(0, len(text)), items, 0, 0)

    def _block(self, text: str, span: Span, node: Node, indent: int, depth: int) -> Laid:
        """The lines of an element, from memory where it has been laid out before."""
        source = text[slice(*span)]
        key = (type(node), indent, source)
        laid = self._known.get(key)
        if laid is None:
            items = self.templates[type(node)](node)
            laid = self._known[key] = self._laid(text, span, items, indent, depth)
            self._characters += len(source)
        return laid

    def _laid(self, text: str, span: Span, items: Sequence[Item], indent: int, depth: int) -> Laid:
        taken = _Pieces(self.templates, text, span, depth < _DEEPEST)
        taken.take(items)
        inner = [
            self._block(text, one.span, one.node, indent + one.indent * INDENT_WIDTH, depth + 1)
            for one in taken.blocks
        ]
        spans = [one.span for one in taken.blocks]
        for position, laid in zip(taken.places, inner, strict=True):
            taken.pieces[position] = Done(laid.text)
        operations = weave(taken.pieces, read_tokens(text, span, spans))
        rendered = render(operations, self.width, indent)
        places = tuple(
            (where.shifted(-span.start), Span(start, start + len(laid.text)), laid)
            for where, start, laid in zip(spans, rendered.places, inner, strict=True)
        )
        source = text[slice(*span)]
        same = source == rendered.text
        return Laid(source, source if same else rendered.text, places)


@dataclass(frozen=True, slots=True)
class _BlockAt:
    """A block in a text, so many steps of indentation further in."""

    span: Span
    node: Node
    indent: int


@dataclass(slots=True)
class _Pieces:
    """Templates taken apart, in order; depth has no limit.

    What can be laid out alone is not taken apart: `places` says at which of the pieces it stands.
    """

    templates: Mapping[type, Template]
    text: str
    whole: Span
    with_blocks: bool
    pieces: list[Piece] = field(default_factory=list[Piece])
    blocks: list[_BlockAt] = field(default_factory=list[_BlockAt])
    places: list[int] = field(default_factory=list[int])

    def take(self, items: Sequence[Item]) -> None:
        """Take items apart."""
        pieces, indent = self.pieces, 0
        stack: list[tuple[Item, int]] = [(item, self.whole.start) for item in reversed(items)]
        while stack:
            item, base = stack.pop()
            if isinstance(item, str | Separator):
                pieces.append(item)
            elif isinstance(item, Mark):
                pieces.append(item)
                indent += (item is Mark.INDENT) - (item is Mark.DEDENT)
            elif isinstance(item, Open):
                pieces.append(item)
                indent += 1
            elif isinstance(item, Close):
                pieces.append(item)
                indent -= 1
            elif isinstance(item, Block):
                if not self._set_apart(item.placed, base, indent):
                    stack.append((item.placed, base))
            elif isinstance(item, Placed):
                stack.append((item.node, base + item.start))
            else:
                inner = self.templates[type(item)](item)
                stack.extend((each, base) for each in reversed(inner))

    def _set_apart(self, placed: Placed[Node], base: int, indent: int) -> bool:
        span = placed.node.span.shifted(base + placed.start)
        if not self.with_blocks or span.end > self.whole.end:
            return False
        if not _stands_alone(self.text, span, self.whole):
            return False
        self.places.append(len(self.pieces))
        self.blocks.append(_BlockAt(span, placed.node, indent))
        self.pieces.append(Done(""))
        return True


def _stands_alone(text: str, span: Span, whole: Span) -> bool:
    """Whether no comment shares a line with the element, or would after formatting."""
    end = span.start
    while end > whole.start and text[end - 1] in _BESIDE:
        end -= 1
    gap = text[end : span.start]
    if text.startswith("*/", end - 2) and ("," in gap or "\n" not in gap):
        return False
    after = _AFTER.match(text, span.end, whole.end)
    if after is not None and ("," in after[0] or "\n" not in after[0]):
        return False
    return _CONTINUING.match(text, span.start) is None
