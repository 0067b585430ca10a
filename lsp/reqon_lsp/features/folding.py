"""What can be folded: blocks in brackets, comments, runs of imports. Whole lines only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.results import Fold
from vague.ast.definitions import Import
from vague.parser import Parsed

_PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|\#[^\n]*|/\*[^*]*+(?>\*(?!/)[^*]*+)*+(?:\*/)?)"""
    r"""|(?P<string>"(?>[^"\\\n]++|\\.)*+"?|'(?>[^'\\\n]++|\\.)*+'?|`[^`\n]*`?)"""
    r"""|(?P<open>[{\[(])|(?P<close>[}\])])""",
    re.DOTALL,
)


def folding(snapshot: Snapshot, path: str, limit: int | None = None) -> tuple[Fold, ...]:
    """The folds of a file in order, at most `limit`."""
    parsed = snapshot.parsed(path)
    if parsed is None:
        return ()
    found = {(fold.first, fold.last): fold for fold in _folds(parsed)}
    ordered = sorted(found.values(), key=lambda fold: (fold.first, -fold.last))
    return tuple(ordered[:limit])


def _folds(parsed: Parsed) -> Iterator[Fold]:
    yield from _imports(parsed)
    text = parsed.source.text
    opened: list[int] = []
    comments: list[int] = []
    line = counted = 0
    for match in _PIECE.finditer(text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        kind = match.lastgroup
        if kind == "comment":
            last = line + match[0].count("\n")
            if last > line:
                yield Fold(line, last, "comment", f"{match[0].splitlines()[0].strip()} …")
            elif not comments or comments[-1] == line - 1:
                comments.append(line)
            else:
                yield from _block_of_comments(comments, text)
                comments = [line]
        elif kind == "open":
            opened.append(line)
        elif kind == "close" and opened:
            first = opened.pop()
            if line - 1 > first:
                yield Fold(first, line - 1, "region")
    yield from _block_of_comments(comments, text)


def _block_of_comments(lines: list[int], text: str) -> Iterator[Fold]:
    if len(lines) > 1:
        first = text.split("\n", lines[0] + 1)[lines[0]].strip()
        yield Fold(lines[0], lines[-1], "comment", f"{first} …")


def _imports(parsed: Parsed) -> Iterator[Fold]:
    lines = [
        parsed.source.location(item.start).line - 1
        for item in parsed.tree.items
        if isinstance(item.node, Import)
    ]
    if len(lines) > 1:
        yield Fold(lines[0], lines[-1], "imports", f"{len(lines)} imports …")
