"""From a text to its tree, its syntax problems and its comments; again, cheaply, after an edit.

    parse("mission M { }").tree.items[0].node      # Mission(name=Identifier(text='M'), members=())

Reading never fails: what cannot be read becomes an error node and a diagnostic, and everything
around it is read as ever. Nothing here reads a file or knows what a name refers to; `program` joins
the files of a program, and the checker goes on from there.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from vague.ast.base import Node
from vague.ast.definitions import File, Mission
from vague.ast.expressions import Expression
from vague.build import definitions, expressions, options, patterns, steps
from vague.build.reader import Builder, Reader
from vague.build.readings import Reading, shifted
from vague.diagnostics import Diagnostic, sort_key
from vague.echoes import without_echoes
from vague.matching import Matching, Seeks, scan, scan_all, tidiness
from vague.peg import rules, undisturbed
from vague.reread import Edit, Rereader, edit_between, lists_as_before
from vague.slices import Brackets, comments
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
    """A text and its tree. What is made of the whole file is made when it is asked for.

    `reading` is how the tree was read and `matching` how its brackets match, for the next `parse`.
    """

    source: SourceText
    tree: File
    reading: Reading = field(repr=False, compare=False)
    matching: Matching = field(repr=False, compare=False)

    @cached_property
    def tidiness(self) -> Seeks:
        """How far the text is indented as its brackets nest; a pass or two where nobody looked."""
        known = self.matching.tidy
        return tidiness(self.source.text, self.matching.unmatched) if known is None else known

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All problems of syntax (RQ001 to RQ014), sorted, with offsets of the file, no path."""
        found: list[Diagnostic] = []
        _collect(self.reading, 0, found)
        return without_echoes(sorted(found, key=sort_key))

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """All comments, in order; cost is one pass over the text."""
        text = self.source.text
        return tuple(Comment(Span(*span), text[slice(*span)]) for span in comments(text))

    @cached_property
    def broken(self) -> tuple[Node, ...]:
        """The top-level items, and of missions the members, in which something is wrong.

        Of a mission with a wrong member both are named. They are the very objects of the tree.
        """
        found: list[Node] = []
        _collect_broken(self.reading, found)
        return tuple(found)


def parse(text: str, previous: Parsed | None = None) -> Parsed:
    """Read `text`; it never raises, whatever the text.

    With `previous`, the result for an earlier text, everything that has not changed is taken from
    there, as the same objects: the cost is that of the change.
    """
    if previous is not None and previous.source.text == text:
        return previous
    with undisturbed():
        if previous is None:
            brackets, matching = scan_all(text)
            return _parse_whole(text, _reader(text, brackets), matching)
        edit = edit_between(previous.source.text, text)
        return _parse_again(text, previous, edit) or _parse_mostly(text, previous, edit)


def parse_expression(text: str) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Read `text` as one expression, for tools and tests; spans count from its start."""
    reader = _reader(text, scan(text))
    with undisturbed():
        node: Expression | None = reader.whole("expr")
    return node, tuple(sorted(reader.problems, key=sort_key))


def _parse_again(text: str, previous: Parsed, edit: Edit) -> Parsed | None:
    """What the edit touches, if the text around it tells alone how it is to be read."""
    rereader = Rereader(text, edit, previous.matching, lambda: previous.tidiness, _reader)
    reading = rereader.reread(previous.reading)
    if reading is None:
        return None
    return _parsed(_source(text, previous.source, edit), reading, rereader.matching)


def _parse_mostly(text: str, previous: Parsed, edit: Edit) -> Parsed:
    """The whole text, but for the lists that are as they were."""
    brackets, matching = scan_all(text)
    reader = _reader(text, brackets)
    reader.known = lists_as_before(previous.reading, edit, brackets)
    return _parse_whole(text, reader, matching)


def _parse_whole(text: str, reader: Reader, matching: Matching) -> Parsed:
    reading = reader.read(rules().forms["program"], 0, len(text))
    return _parsed(SourceText.of(text), reading, matching)


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


def _parsed(source: SourceText, reading: Reading, matching: Matching) -> Parsed:
    tree = File(Span(0, len(source.text)), reading.placed)
    return Parsed(source, tree, reading, matching)


def _reader(text: str, brackets: Brackets) -> Reader:
    return Reader(text, brackets, _BUILDERS, expressions.POSTFIXES)


def _collect(reading: Reading, base: int, found: list[Diagnostic]) -> None:
    found.extend(shifted(problem, base + reading.end) for problem in reading.tail)
    if reading.n_troubled == 0:
        return
    for start, element in zip(reading.starts, reading.elements, strict=True):
        if element.troubled:
            found.extend(shifted(problem, base + start) for problem in element.problems)
            for inner in element.readings:
                _collect(inner, base + start, found)


def _collect_broken(reading: Reading, found: list[Node]) -> None:
    for element in reading.elements:
        if element.troubled:
            found.append(element.node)
            if isinstance(element.node, Mission):
                for inner in element.readings:
                    _collect_broken(inner, found)
