"""The tokens of a text with the comments and line breaks around them.

The formatter writes every token again as it stood; this module says which comments belong before
and after it. It knows no grammar: its text is one that the parser has accepted. The result goes to
`vague.formatter.weave`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vague.text import Span

BYTE_ORDER_MARK = "\ufeff"

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
    start: int
    end: int
    line_breaks: int
    ends_line: bool

    @property
    def own_line(self) -> bool:
        """Whether it has a line, or lines, for itself."""
        return self.line_breaks > 0 and self.ends_line

    @property
    def must_break(self) -> bool:
        """Whether what follows has to stand on another line."""
        return self.own_line or self.text.startswith(("//", "#"))


@dataclass(slots=True)
class Token:
    """A token, or the end of the text (`text` is empty).

    `before` are the comments that lead up to it, `after` those that follow on its line with
    nothing behind them. `line_breaks` stand between it and what comes before, comments included.
    """

    text: str
    start: int
    end: int
    before: Sequence[Comment]
    line_breaks: int
    after: Sequence[Comment] = ()

    @property
    def first_line_breaks(self) -> int:
        """Line breaks before the token and its comments."""
        return self.before[0].line_breaks if self.before else self.line_breaks


def read_tokens(text: str) -> list[Token]:
    """All tokens of `text` in order, the end of the text last; cost is one pass."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    line_breaks = 0
    for kind, start, end in _pieces(text):
        if kind == "space":
            line_breaks += text.count("\n", start, end)
            if line_breaks and comments:
                comments[-1].ends_line = True
        elif kind == "comment":
            comments.append(
                _comment(text, start, end, line_breaks, first=not tokens and not comments)
            )
            line_breaks = 0
        else:
            _append(tokens, Token(text[start:end], start, end, comments, line_breaks))
            comments = []
            line_breaks = 0
    if comments:
        comments[-1].ends_line = True
    _append(tokens, Token("", len(text), len(text), comments, line_breaks))
    return tokens


def solid_spans(text: str) -> list[Span]:
    """Where tokens and comments stand, optional white space and commas left out, and the end."""
    spans = [
        Span(start, start + len(text[start:end].rstrip()))
        for kind, start, end in _pieces(text)
        if kind != "space" and text[start:end] != ","
    ]
    spans.append(Span(len(text), len(text)))
    return spans


def _pieces(text: str) -> Iterator[tuple[str | None, int, int]]:
    start = 1 if text.startswith(BYTE_ORDER_MARK) else 0
    for match in _PIECE.finditer(text, start):
        yield match.lastgroup, match.start(), match.end()


def _comment(text: str, start: int, end: int, line_breaks: int, *, first: bool) -> Comment:
    """A comment as it is written again: LF as line break, no white space at the end."""
    raw = text[start:end].replace("\r\n", "\n").rstrip()
    # The first thing of a file begins a line although no line break comes before it.
    breaks = max(line_breaks, 1) if first else line_breaks
    return Comment(raw, start, start + len(text[start:end].rstrip()), breaks, ends_line=False)


def _append(tokens: list[Token], token: Token) -> None:
    """Add `token`, giving to the one before it the comments that end its line."""
    if tokens and token.before:
        count = _count_trailing(token.before)
        if count:
            tokens[-1].after = token.before[:count]
            token.before = token.before[count:]
    tokens.append(token)


def _count_trailing(comments: Sequence[Comment]) -> int:
    """How many of the comments stand on the line of what comes before them, with no token after."""
    for position, comment in enumerate(comments):
        if comment.line_breaks:
            return 0
        if comment.ends_line:
            return position + 1
    return 0
