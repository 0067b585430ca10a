"""The promises of the formatter, asked of any text, and the programs written in docs and specs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vague.formatter import format_edits, format_text
from vague.formatter.sameness import same_comments, same_tree
from vague.parser import parse

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?ms)^```vague([^\n]*)\n(.*?)^```$")


def formatted(text: str) -> str:
    """The formatted text, having asserted that it is stable and the same program."""
    result = format_text(text)
    assert result.diagnostics == ()
    assert result.changed == (result.text != text)
    before, after = parse(text), parse(result.text)
    assert same_tree(before.tree, after.tree)
    assert same_comments(before.comments, after.comments)
    assert apply_edits(text) == result.text
    again = format_text(result.text)
    assert (again.text, again.changed) == (result.text, False)
    return result.text


def apply_edits(text: str) -> str:
    """`text` with the edits of the formatter applied, which must be in order and apart."""
    edits = format_edits(text)
    ends = [0, *(edit.span.end for edit in edits)]
    assert all(end <= edit.span.start for end, edit in zip(ends, edits, strict=False))
    for edit in reversed(edits):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def programs() -> Iterator[str]:
    """Every program of the language's docs and of the specs for the formatter."""
    for folder in (ROOT / "docs" / "language", ROOT / "tests" / "spec" / "format"):
        for path in sorted(folder.glob("*.md")):
            yield from (code for _, code in FENCE.findall(path.read_text(encoding="utf-8")))
