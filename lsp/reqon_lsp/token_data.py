"""Semantic tokens as the numbers that go out, made anew only for lines that have changed.

The protocol counts each token from the one before it. So what stretches of whole lines give can be
kept and joined again, wherever an edit has moved them. Nothing here knows what a token means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reqon_lsp.convert import Encoding, LineIndex
from reqon_lsp.features import semantic_tokens
from reqon_lsp.features.semantic_tokens import Stretch
from reqon_lsp.results import Token

_TYPES: Mapping[str, int] = {name: number for number, name in enumerate(semantic_tokens.TYPES)}
_MODIFIERS: Mapping[str, int] = {
    name: 1 << number for number, name in enumerate(semantic_tokens.MODIFIERS)
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of some lines: the lines of the first and the last one, and the numbers.

    What the first one's line counts from is left to `joined`.
    """

    first: int
    last: int
    numbers: str


def encoded(tokens: Iterable[Token], index: LineIndex) -> Encoded | None:
    """Tokens in order as numbers; None where there are none."""
    text, starts, plain = index.text, [*index.starts, len(index.text) + 1], index.ascii_only
    numbers: list[int] = []
    first = line = last = character = 0
    for token in tokens:
        start, end = token.span
        while starts[line + 1] <= start:
            line += 1
        if plain:
            column, length = start - starts[line], end - start
        else:
            column, length = index.units(text[starts[line] : start]), index.units(text[start:end])
        if not numbers:
            first = last = line
        numbers += (
            line - last,
            column - character if line == last else column,
            length,
            _TYPES[token.kind],
            sum(_MODIFIERS[modifier] for modifier in token.modifiers),
        )
        last, character = line, column
    return Encoded(first, last, ",".join(map(str, numbers[1:]))) if numbers else None


def joined(parts: Iterable[tuple[int, Encoded | None]]) -> str:
    """The numbers of all parts, each with the line at which it begins; with commas between."""
    last, found = 0, list[str]()
    for line, part in parts:
        if part is not None:
            found.append(f"{line + part.first - last},{part.numbers}")
            last = line + part.last
    return ",".join(found)


@dataclass(slots=True)
class KnownTokens:
    """The tokens of a document as they last went out, by the text of their lines."""

    _known: dict[str, tuple[Stretch, Encoded | None]] = field(default_factory=dict)

    def joined(self, stretches: Iterable[Stretch], index: LineIndex) -> str:
        """The numbers of all stretches of a document, whose lines are given."""
        before, self._known = self._known, {}
        return joined(
            (index.place(stretch.span.start)[0], self._encoded(stretch, before, index.encoding))
            for stretch in stretches
        )

    def _encoded(
        self,
        stretch: Stretch,
        before: Mapping[str, tuple[Stretch, Encoded | None]],
        encoding: Encoding,
    ) -> Encoded | None:
        known = before.get(stretch.text)
        if known is not None and stretch.names_are_those_of(known[0]):
            found = known[1]
        else:
            found = encoded(stretch.tokens(), LineIndex(stretch.text, encoding))
        self._known[stretch.text] = (stretch, found)
        return found
