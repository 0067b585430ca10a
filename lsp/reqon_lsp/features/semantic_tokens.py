"""Words with their meaning, for colours: names from the last check, the rest from the text.

Tokens are on one line, in order, and of the protocol's standard types only.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reqon_lsp.analysis import Snapshot
from reqon_lsp.results import Token
from vague.names import NameAt, NamedElement
from vague.text import Span
from vague.traversal.events import Kind
from vague.vocabulary.keywords import KEYWORDS, METHODS, RESERVED, KeywordKind

TYPES = (
    "namespace",
    "class",
    "struct",
    "type",
    "function",
    "method",
    "variable",
    "parameter",
    "property",
    "keyword",
    "string",
    "number",
    "comment",
    "operator",
)
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
_KINDS: dict[Kind, str] = {
    "mission": "namespace",
    "action": "function",
    "source": "class",
    "store": "variable",
    "schema": "struct",
    "transform": "function",
    "let": "variable",
    "local": "parameter",
    "function": "function",
    "operation": "method",
    "type": "type",
    "ambient": "variable",
    "step": "keyword",
}
_LIBRARY: frozenset[Kind] = frozenset({"function", "type", "ambient"})
_PIECE = re.compile(
    r"""
      (?P<comment> //[^\n]* | \#[^\n]* | /\*[^*]*+(?>\*(?!/)[^*]*+)*+(?:\*/)? )
    | (?P<string> "(?>[^"\\\n]++|\\.)*+"? | '(?>[^'\\\n]++|\\.)*+'? | `[^`\n]*`? )
    | (?P<word> [^\W0-9]\w*+ )
    | (?P<number> [0-9]+(?:\.[0-9]+)? )
    | (?P<operator> => | -> | == | != | <= | >= | \?\? | [-+*/%<>|=!] )
    """,
    re.VERBOSE | re.DOTALL,
)


def semantic_tokens(snapshot: Snapshot, path: str, span: Span | None = None) -> Iterator[Token]:
    """The tokens of a file, or of the part of it that `span` covers."""
    text = snapshot.text(path)
    start, end = _whole_lines(text, span)
    names = {name.span.start: _of_name(name) for name in _names(snapshot, path, start, end)}
    yield from _tokens(text, Span(start, end), names)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole lines of a file, whose tokens hang on their text and on these names alone."""

    span: Span
    text: str
    elements: tuple[NamedElement, ...] = ()
    headed: tuple[NameAt, ...] = ()

    def tokens(self) -> Iterator[Token]:
        """The tokens, counted from the start of the stretch."""
        inner = (name for element in self.elements for name in element.names())
        names = (_of_name(name, -self.span.start) for name in (*self.headed, *inner))
        by_start = {token.span.start: token for token in names}
        return _tokens(self.text, Span(0, len(self.text)), by_start)

    def names_are_those_of(self, other: Stretch) -> bool:
        """Whether the same text would have the same tokens in both."""
        return (
            len(self.elements) == len(other.elements)
            and all(
                one.result is another.result
                for one, another in zip(self.elements, other.elements, strict=True)
            )
            and [(name.symbol.name, name.span.start - self.span.start) for name in self.headed]
            == [(name.symbol.name, name.span.start - other.span.start) for name in other.headed]
        )


def stretches(snapshot: Snapshot, path: str) -> Iterator[Stretch]:
    """A file by stretches of whole lines, in order: one for each element, one for each gap."""
    text, headed = snapshot.text(path), snapshot.names.headed(path)
    end = 0
    for span, elements in _by_lines(text, snapshot.names.elements_of(path)):
        if end < span.start:
            yield _stretch(text, Span(end, span.start), (), headed)
        yield _stretch(text, span, elements, headed)
        end = span.end
    if end < len(text):
        yield _stretch(text, Span(end, len(text)), (), headed)


def _by_lines(
    text: str, elements: Iterable[NamedElement]
) -> Iterator[tuple[Span, tuple[NamedElement, ...]]]:
    """The lines that elements stand on, those that share a line together."""
    start = end = 0
    together: list[NamedElement] = []
    for element in elements:
        span = element.span
        if span.start >= end:
            if together:
                yield Span(start, end), tuple(together)
            start, together = text.rfind("\n", 0, span.start) + 1, []
        together.append(element)
        end = max(end, (text.find("\n", span.end) + 1) or len(text))
    if together:
        yield Span(start, end), tuple(together)


def _stretch(
    text: str, span: Span, elements: tuple[NamedElement, ...], headed: tuple[NameAt, ...]
) -> Stretch:
    own = tuple(name for name in headed if span.start <= name.span.start < span.end)
    return Stretch(span, text[slice(*span)], elements, own)


def tokens_of_text(text: str, span: Span | None = None) -> Iterator[Token]:
    """The tokens of a text that is not checked: what its words alone tell."""
    yield from _tokens(text, _whole_lines(text, span), {})


def _whole_lines(text: str, span: Span | None) -> Span:
    """From the beginning of the span's first line on: a comment or string may be cut else."""
    if span is None:
        return Span(0, len(text))
    return Span(text.rfind("\n", 0, span.start) + 1, span.end)


def _tokens(text: str, span: Span, names: Mapping[int, Token]) -> Iterator[Token]:
    start, end = span
    for match in _PIECE.finditer(text, start):
        if match.start() >= end:
            break
        name = names.get(match.start())
        if name is not None and match.lastgroup in ("word", "string"):
            yield name
        else:
            yield from _of_text(match, text)


def _names(snapshot: Snapshot, path: str, start: int, end: int) -> tuple[NameAt, ...]:
    found = snapshot.names.in_file(path, Span(start, end))
    low = bisect_left(found, start, key=lambda name: name.span.end)
    high = bisect_left(found, end, key=lambda name: name.span.start)
    return found[low:high]


def _of_name(name: NameAt, distance: int = 0) -> Token:
    modifiers = ("declaration",) if name.role == "declare" else ()
    if name.symbol.kind in _LIBRARY and name.symbol.path is None:
        modifiers = ("defaultLibrary",)
    return Token(name.span.shifted(distance), _KINDS.get(name.symbol.kind, "variable"), modifiers)


def _of_text(match: re.Match[str], text: str) -> Iterator[Token]:
    kind = match.lastgroup or "operator"
    if kind == "word":
        found = _of_word(match[0], match.start(), match.end(), text)
        if found is not None:
            yield Token(Span(*match.span()), found)
    elif kind in ("comment", "string"):
        yield from _by_line(match[0], match.start(), kind)
    else:
        yield Token(Span(*match.span()), kind)


def _by_line(text: str, start: int, kind: str) -> Iterator[Token]:
    for line in text.splitlines(keepends=True):
        length = len(line.rstrip("\r\n"))
        if length:
            yield Token(Span(start, start + length), kind)
        start += len(line)


def _of_word(word: str, start: int, end: int, text: str) -> str | None:
    """The kind of a word that no check has given a meaning: a field, a key, or a keyword."""
    if text[start - 1 : start] == "." and text[start - 3 : start] != "...":
        return "property"
    if text[end : end + 1] == ":" and word not in RESERVED and word != "schedule":
        return "property"
    row = KEYWORDS.get(word.lower() if word.lower() in METHODS else word)
    if row is None:
        return None
    return "keyword" if row.kind is not KeywordKind.UNIT else "type"
