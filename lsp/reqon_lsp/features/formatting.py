"""The canonical layout of a document, or of some lines of it, as the smallest edits.

A text with syntax errors is left alone: no edit is better than a wrong one.
"""

from __future__ import annotations

from reqon_lsp.analysis import Snapshot
from vague.diagnostics import TextEdit
from vague.formatter import Earlier, format_edits
from vague.text import Span


def formatting(
    snapshot: Snapshot, path: str, earlier: Earlier | None = None
) -> tuple[TextEdit, ...]:
    """The edits that lay the whole document out; `earlier` makes the next time cheap."""
    parsed = snapshot.parsed(path)
    return format_edits(parsed.source.text, parsed, earlier) if parsed is not None else ()


def range_formatting(
    snapshot: Snapshot, path: str, span: Span, earlier: Earlier | None = None
) -> tuple[TextEdit, ...]:
    """Those of the edits that lie wholly in the lines which `span` touches."""
    text = snapshot.text(path)
    first = text.rfind("\n", 0, span.start) + 1
    last = text.find("\n", max(span.start, span.end - 1))
    end = len(text) if last < 0 else last
    return tuple(
        edit
        for edit in formatting(snapshot, path, earlier)
        if first <= edit.span.start and edit.span.end <= end
    )
