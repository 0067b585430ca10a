"""The tokens of a text with the comments and line breaks around them.

The formatter writes every token again as it stood; this module says which comments belong before
and after it. It knows no grammar: its text is one that the parser has accepted. The result goes to
`vague.formatter.weave`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vague.text import Span

BYTE_ORDER_MARK = "\ufeff"
APART = "…"
"""The text of the token that a stretch apart counts as."""

_PIECE = re.compile(
    r"""
      (?P<space> [ \t\r\n]+ )
    | (?P<comment> //[^\n]* | \#[^\n]* | /\*.*?\*/ )
    | (?P<token>
          "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
        | [A-Za-z_][A-Za-z0-9_]*
        | [0-9]+ (?:\.[0-9]+)? (?:[eE][+-]?[0-9]+)?
        | \.\.\. | => | -> | == | != | <= | >= | \?\?
        | .
      )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Comment:
    """A comment. `line_breaks` stand before it; `ends_line`: nothing else follows on its line."""

    text: str
    line_breaks: int
    ends_line: bool = False

    @property
    def own_line(self) -> bool:
        """Whether it has a line, or lines, for itself."""
        return self.line_breaks > 0 and self.ends_line

    @property
    def must_break(self) -> bool:
        """Whether what follows has to stand on another line."""
        return self.own_line or self.text.startswith(("//", "#"))


@dataclass(slots=True)
class Tokens:
    """The tokens of a text in order, the end of the text being the last one (an empty text).

    Texts and the line breaks before each (those behind its comments) are lists, because there are
    many; comments are few and stand in dictionaries by the token's position. `before` are those
    that lead up to a token, `after` those on its line with nothing behind them.
    """

    texts: list[str] = field(default_factory=list[str])
    line_breaks: list[int] = field(default_factory=list[int])
    before: dict[int, Sequence[Comment]] = field(default_factory=dict[int, Sequence[Comment]])
    after: dict[int, Sequence[Comment]] = field(default_factory=dict[int, Sequence[Comment]])

    def add(self, text: str, comments: Sequence[Comment], line_breaks: int) -> None:
        """Add a token, giving to the one before it the comments that end its line."""
        position = len(self.texts)
        if comments:
            behind = _count_trailing(comments) if position else 0
            if behind:
                self.after[position - 1] = comments[:behind]
            if comments[behind:]:
                self.before[position] = comments[behind:]
        self.texts.append(text)
        self.line_breaks.append(line_breaks)

    def first_line_breaks(self, position: int) -> int:
        """Line breaks before the token at `position` and its comments."""
        comments = self.before.get(position)
        return comments[0].line_breaks if comments else self.line_breaks[position]


def read_tokens(text: str, whole: Span, apart: Sequence[Span] = ()) -> Tokens:
    """All tokens of a part of `text`; each of the stretches `apart` counts as one of them.

    Cost is one pass over what is not apart.
    """
    tokens = Tokens()
    comments: list[Comment] = []
    line_breaks = 0
    for kind, start, end in _pieces(text, whole, apart):
        if kind == "space":
            line_breaks += text.count("\n", start, end)
            if line_breaks and comments:
                comments[-1].ends_line = True
        elif kind == "comment":
            first = not tokens.texts and not comments
            comments.append(_comment(text, start, end, line_breaks, first=first))
            line_breaks = 0
        else:
            tokens.add(text[start:end] if kind else APART, comments, line_breaks)
            line_breaks = 0
            if comments:
                comments = []
    if comments:
        comments[-1].ends_line = True
    tokens.add("", comments, line_breaks)
    return tokens


def solid_spans(text: str, apart: Sequence[Span] = ()) -> list[Span]:
    """Where tokens and comments stand, optional white space and commas left out, and the end.

    Each of the stretches `apart` counts as one token.
    """
    spans = [
        Span(start, start + len(text[start:end].rstrip()))
        for kind, start, end in _pieces(text, Span(0, len(text)), apart)
        if kind != "space" and text[start:end] != ","
    ]
    spans.append(Span(len(text), len(text)))
    return spans


def _pieces(text: str, whole: Span, apart: Sequence[Span]) -> Iterator[tuple[str | None, int, int]]:
    start = whole.start
    if start == 0 and text.startswith(BYTE_ORDER_MARK):
        start = 1
    for left_out in apart:
        for match in _PIECE.finditer(text, start, left_out.start):
            yield match.lastgroup, match.start(), match.end()
        yield None, left_out.start, left_out.end
        start = left_out.end
    for match in _PIECE.finditer(text, start, whole.end):
        yield match.lastgroup, match.start(), match.end()


def _comment(text: str, start: int, end: int, line_breaks: int, *, first: bool) -> Comment:
    """A comment as it is written again: LF as line break, no white space at the end."""
    raw = text[start:end].replace("\r\n", "\n").rstrip()
    # The first thing of a file begins a line although no line break comes before it.
    breaks = max(line_breaks, 1) if first else line_breaks
    return Comment(raw, breaks)


def _count_trailing(comments: Sequence[Comment]) -> int:
    """How many of the comments stand on the line of what comes before them, with no token after."""
    for position, comment in enumerate(comments):
        if comment.line_breaks:
            return 0
        if comment.ends_line:
            return position + 1
    return 0
