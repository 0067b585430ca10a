"""Where the slices of a text lie: brackets, with strings and comments out of the way.

One pass over the characters finds for every opening bracket the one that closes it, and on the way
everything that is wrong with single characters. It knows no grammar. `matching` goes on where
brackets do not match, `peg` cuts by what is found, `parser` reports it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

# ---------------------------------------------------------------- pieces of tokens

RESERVED = (
    "true", "false", "null", "and", "or", "not", "if", "then", "else", "match", "in", "is", "where",
)  # fmt: skip

_ODD = r";@$~^\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_STRANGE = rf"[{_ODD}]++|[^\w\x00-\x7f]++|`(?![^`\n]*`)"
BLOCK_COMMENT = r"/\*[^*]*+(?>\*(?!/)[^*]*+)*+(?:\*/)?"
_TRAIL = r" \t\r,;()\[\]{}"


def _string(quote: str) -> str:
    """A string, or one that its line does not close: then without the brackets at its end.

    What stands last on the line (`get "/x {`) belongs much more often to the program than to the
    text, and leaving it out keeps the brackets around it whole.
    """
    closed = rf"{quote}(?>[^{quote}\\\n]++|\\.)*+{quote}"
    unclosed = rf"{quote}(?>[^{quote}\\\n{_TRAIL}]++|\\.|\\|[{_TRAIL}]++(?!\n|\Z))*+"
    return f"{closed}|{unclosed}"


_BACKTICKS = r"`[^`\n]*+`"
# An address that somebody has forgotten to quote: its `//` begins no comment.
BARE_URL = r"https?://(?>[^\s\"'`,;()\[\]{}]++|\{[\w.]*+\})++"

# What the regular expressions of the grammar name in angle brackets. Every repetition is
# possessive, so that no text makes a match slow or large. What is repeated is an atomic group
# (`(?>…)*+`): up to Python 3.11.4 a match of `(?:…)*+` may end at a wrong place.
PIECES: dict[str, str] = {
    "space": rf"(?>[ \t\r\n]++|//[^\n]*+|\#[^\n]*+|{BLOCK_COMMENT}|{_STRANGE})*+",
    "same": rf"(?>[ \t]++|/\*[^*\n]*+(?>\*(?!/)[^*\n]*+)*+\*/|{_STRANGE})*+",
    "word": r"[^\W0-9]\w*+",
    "name": rf"(?!(?:_|{'|'.join(RESERVED)})(?!\w))[^\W0-9]\w*+",
    "number": r"\.?[0-9](?>\w++|\.(?=[0-9])|\.(?![\w.])|(?<=[eE])[+-](?=[0-9]))*+",
    "string": f"(?:{_string(chr(34))}|{_string(chr(39))}|{_BACKTICKS})",
    "url": BARE_URL,
    "unit": r"(?:ms|(?:millisecond|second|minute|hour|day|week)s?)",
}

SPACE = re.compile(PIECES["space"])
STRANGE = re.compile(_STRANGE)
_SCAN = re.compile(
    rf"[()\[\]{{}}]|{PIECES['string']}|//[^\n]*|\#[^\n]*|{BLOCK_COMMENT}|{BARE_URL}"
    rf"|\A\ufeff|(?P<odd>[{_ODD}`])(?>(?P=odd))*+|[^\x00-\x7f]++"
)
_COMMENTS = re.compile(rf"{PIECES['string']}|//[^\n]*|\#[^\n]*|{BLOCK_COMMENT}|{BARE_URL}")
CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something wrong with characters: `kind` is the code that reports it."""

    code: str
    start: int
    end: int


class UncertainError(Exception):
    """A part of a text does not tell alone how it is to be read."""


@dataclass(slots=True)
class Brackets:
    """The brackets of one text: `closes[opener]` is the offset at which its contents end.

    That is where its closer stands; an opener without one is in `unclosed`, and its contents end
    where something else shows that they must have ended.
    """

    closes: dict[int, int] = field(default_factory=dict[int, int])
    unclosed: set[int] = field(default_factory=set[int])
    strays: list[int] = field(default_factory=list[int])
    oddities: list[Oddity] = field(default_factory=list[Oddity])
    partial: bool = False

    def close(self, opener: int, otherwise: int) -> int:
        """Where the contents of the bracket at `opener` end.

        Raises `UncertainError` where only a part of the text is known, and the bracket not in it.
        """
        found = self.closes.get(opener)
        if found is None:
            if self.partial:
                raise UncertainError
            return otherwise
        return found

    @property
    def balanced(self) -> bool:
        """Whether every bracket has its counterpart."""
        return not self.unclosed and not self.strays

    def odd(self, start: int, end: int) -> list[Oddity]:
        """What is odd from `start` to `end`, in order."""
        if not self.oddities:
            return []
        low = bisect_left(self.oddities, start, key=_start)
        high = bisect_left(self.oddities, end, key=_start)
        return self.oddities[low:high]


def _start(oddity: Oddity) -> int:
    return oddity.start


def find_brackets(
    text: str, start: int, end: int, found: Brackets, stack: list[tuple[int, str]]
) -> int:
    """Find the brackets from `start` to `end`; the result is where the last token ends."""
    last = start
    for match in _SCAN.finditer(text, start, end):
        mark = text[match.start()]
        if mark in CLOSERS:
            stack.append((match.start(), mark))
        elif mark in ")]}":
            _close(found, stack, match.start(), mark)
        elif mark != "h" and (mark not in "\"'/#" or not is_plain(match.group())):
            _note(found, match, mark)
        last = match.end()
    return last


def scan_pieces(text: str, pieces: Iterable[tuple[int, int]]) -> Brackets:
    """Find the brackets of pieces of a text, between which brackets are known to match.

    Raises `UncertainError` when they do not match, or when a string or a comment may go on behind a
    piece.
    """
    found = Brackets(partial=True)
    stack: list[tuple[int, str]] = []
    for start, end in pieces:
        scan_piece(text, start, end, found, stack)
    if stack or not found.balanced:
        raise UncertainError
    return found


def scan_piece(
    text: str, start: int, end: int, found: Brackets, stack: list[tuple[int, str]]
) -> None:
    """Find the brackets from `start` to `end`.

    Raises `UncertainError` when a string or a comment may go on behind it.
    """
    n_odd = len(found.oddities)
    last = find_brackets(text, start, end, found, stack)
    if last == end and start < end < len(text) and _may_go_on(text, start, end):
        raise UncertainError
    for oddity in found.oddities[n_odd:]:
        open_string = oddity.code == "RQ002" and text.find("\n", oddity.start, end) < 0
        if oddity.code == "RQ003" or (open_string and end < len(text)):
            raise UncertainError


def _may_go_on(text: str, start: int, end: int) -> bool:
    """Whether the token that ends at `end` is a comment to the end of the line."""
    line = text.rfind("\n", start, end) + 1
    return any(
        stop == end and text[begin] in "/#" and not text.startswith("/*", begin)
        for begin, stop in comments(text, max(line, start), end)
    )


def comments(text: str, start: int = 0, stop: int | None = None) -> list[tuple[int, int]]:
    """Where the comments of `text` begin and end, in order; a line's end is not part of one."""
    found: list[tuple[int, int]] = []
    for match in _COMMENTS.finditer(text, start, len(text) if stop is None else stop):
        start, end = match.span()
        if text[start] in "/#":
            if text[end - 1] == "\r" and text[start : start + 2] != "/*":
                end -= 1
            found.append((start, end))
    return found


def _close(found: Brackets, stack: list[tuple[int, str]], at: int, mark: str) -> None:
    """Close the nearest opener that fits; `}` goes through `(` and `[`, these not through `{`."""
    depth = len(stack) - 1
    while depth >= 0 and CLOSERS[stack[depth][1]] != mark:
        if mark != "}" and stack[depth][1] == "{":
            depth = -1
            break
        depth -= 1
    if depth < 0:
        found.strays.append(at)
        return
    while len(stack) > depth + 1:
        opener, _ = stack.pop()
        found.closes[opener] = at
        found.unclosed.add(opener)
    found.closes[stack.pop()[0]] = at


def is_plain(written: str) -> bool:
    """Whether a string or a comment is closed as it should be."""
    if written[0] == "#" or written.startswith("//"):
        return True
    if written[0] == "/":
        return len(written) > 3 and written.endswith("*/")
    backslashes = len(written) - 1 - len(written[:-1].rstrip("\\"))
    return len(written) > 1 and written[-1] == written[0] and backslashes % 2 == 0


_CODES = {'"': "RQ002", "'": "RQ002", "/": "RQ003"}


def _note(found: Brackets, match: re.Match[str], mark: str) -> None:
    """Keep what is odd about a string, a comment or a single character."""
    if match.group() == "\ufeff" and match.start() == 0:
        return
    code = _CODES.get(mark, "RQ006")
    if mark == "`" and match.lastgroup is None:
        code = "RQ012"
    found.oddities.append(Oddity(code, match.start(), match.end()))
