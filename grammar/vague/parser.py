"""From a text to its tree."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from vague.ast.definitions import File
from vague.ast.expressions import Expression
from vague.build import definitions, expressions, options, patterns, steps
from vague.build.reader import Builder, Reader, Reading, shifted
from vague.diagnostics import Diagnostic, sort_key
from vague.peg import RULES, undisturbed
from vague.reread import Edit, Rereader, edit_between
from vague.slices import Brackets, comments, scan
from vague.text import SourceText, Span

_BUILDERS: dict[str, Builder] = {
    **definitions.BUILDERS,
    **steps.BUILDERS,
    **patterns.BUILDERS,
    **options.BUILDERS,
    **expressions.BUILDERS,
}


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as written, with its marks; `span` counts from the start of the file."""

    span: Span
    text: str


@dataclass(frozen=True)
class Parsed:
    """A text and what it means."""

    source: SourceText
    tree: File
    reading: Reading
    balanced: bool

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All syntax problems, sorted, with offsets of the file."""
        found: list[Diagnostic] = []
        _collect(self.reading, 0, found)
        return tuple(sorted(found, key=sort_key))

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """All comments, in order."""
        text = self.source.text
        return tuple(Comment(Span(*span), text[slice(*span)]) for span in comments(text))

    @cached_property
    def broken(self) -> tuple[object, ...]:
        return ()


def _collect(reading: Reading, base: int, found: list[Diagnostic]) -> None:
    for start, element in zip(reading.starts, reading.elements, strict=True):
        if element.troubled:
            found.extend(shifted(problem, base + start) for problem in element.problems)
            for inner in element.readings:
                _collect(inner, base + start, found)
    found.extend(shifted(problem, base + reading.end) for problem in reading.tail)


def parse(text: str, previous: Parsed | None = None) -> Parsed:
    """Read `text`; it never raises, whatever the text.

    With `previous`, the result for an earlier text, everything that has not changed is taken from
    there: the cost is that of the change.
    """
    with undisturbed():
        if previous is not None:
            if previous.source.text == text:
                return previous
            again = _parse_again(text, previous)
            if again is not None:
                return again
        brackets = scan(text)
        reading = _reader(text, brackets).read(RULES.forms["program"], 0, len(text))
    return _parsed(SourceText.of(text), reading, balanced=brackets.balanced)


def _parse_again(text: str, previous: Parsed) -> Parsed | None:
    if not previous.balanced:
        return None
    edit = edit_between(previous.source.text, text)
    reading = Rereader(text, edit, _reader).reread(previous.reading)
    if reading is None:
        return None
    return _parsed(_source(text, previous.source, edit), reading, balanced=True)


def _source(text: str, old: SourceText, edit: Edit) -> SourceText:
    """The lines of `text`, those outside the edit taken over."""
    starts = old.line_starts
    before = bisect_right(starts, edit.start)
    behind = bisect_right(starts, edit.old_end)
    new: list[int] = []
    at = text.find("\n", edit.start, edit.new_end)
    while at >= 0:
        new.append(at + 1)
        at = text.find("\n", at + 1, edit.new_end)
    moved = map(edit.delta.__add__, starts[behind:])
    return SourceText(text, (*starts[:before], *new, *moved))


def _parsed(source: SourceText, reading: Reading, *, balanced: bool) -> Parsed:
    tree = File(Span(0, len(source.text)), reading.placed)
    return Parsed(source, tree, reading, balanced)


def _reader(text: str, brackets: Brackets) -> Reader:
    return Reader(text, brackets, _BUILDERS, expressions.POSTFIXES)


def parse_expression(text: str) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Read one expression, for tools and tests."""
    reader = _reader(text, scan(text))
    match, _ = RULES.match("expr", text, 0, reader)
    if match is None:
        return None, ()
    return reader.build(match), tuple(reader.problems)
