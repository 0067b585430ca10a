"""The changes between a text and the same program in another layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vague.diagnostics import TextEdit
from vague.formatter.trivia import solid_spans
from vague.text import Span


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch whose changes are known: its places in both texts, changes counted from there."""

    before: Span
    after: Span
    edits: tuple[TextEdit, ...]


def edits_between(before: str, after: str, parts: Sequence[Part] = ()) -> tuple[TextEdit, ...]:
    """Changes that turn `before` into `after`, in order.

    Both have the same tokens and comments, so only what stands between these is compared; cost is
    one pass over each, the `parts` left out.
    """
    if before == after:
        return ()
    old_spans = solid_spans(before, [part.before for part in parts])
    new_spans = solid_spans(after, [part.after for part in parts])
    if len(old_spans) != len(new_spans):
        return (TextEdit(Span(0, len(before)), after),)
    known = {part.before: part.edits for part in parts}
    edits: list[TextEdit] = []
    old_end = new_end = 0
    for old, new in zip(old_spans, new_spans, strict=True):
        gap = after[new_end : new.start]
        if before[old_end : old.start] != gap:
            edits.append(_trimmed(before, Span(old_end, old.start), gap))
        inner = known.get(old)
        if inner is not None:
            edits.extend(TextEdit(each.span.shifted(old.start), each.text) for each in inner)
        elif before[old.start : old.end] != (solid := after[new.start : new.end]):
            edits.append(TextEdit(old, solid))
        old_end, new_end = old.end, new.end
    return tuple(edits)


def _trimmed(before: str, span: Span, text: str) -> TextEdit:
    """The edit without what both sides begin and end with."""
    old = before[span.start : span.end]
    head = _shared_length(old, text)
    tail = _shared_length(old[head:][::-1], text[head:][::-1])
    return TextEdit(Span(span.start + head, span.end - tail), text[head : len(text) - tail])


def _shared_length(first: str, second: str) -> int:
    """How many characters at the start are the same."""
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
