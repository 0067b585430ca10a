"""Reading a text again after an edit: only what the edit can have changed.

The tree has lists of placed elements at every depth. The edit lies inside one list and touches a
few of its elements; these are read again, until an element ends where one of before has ended,
and everything behind it is taken over. What stands around that list is matched again too, with
the list as its ready contents. Nothing here decides what a text means: the result equals a reading
of the whole text, and where that is not certain there is none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from vague.ast.base import Node
from vague.ast.definitions import ErrorMember
from vague.ast.steps import ErrorStep
from vague.build.reader import PlacedList, Reader
from vague.build.readings import ONE, Element, Reading, place
from vague.diagnostics import Diagnostic
from vague.matching import NOTHING, Matching, Part, Seeks, Unmatched, match_part, tidiness_of_part
from vague.peg import rules
from vague.slices import Brackets, UncertainError, scan_pieces

_ERRORS = (ErrorStep, ErrorMember)
_MORE_BEFORE = 8
_LONGEST_TIDIED = 20_000
_BRACKET = re.compile(r"[()\[\]{}]")
_LINE_HEAD = re.compile(r"[ \t]*\w*")
_NODE: Callable[[Element], Node] = attrgetter("node")


class Edit(NamedTuple):
    """The characters from `start` to `old_end` have become those from `start` to `new_end`.

    `joins_lines`: a line break was among them.
    """

    start: int
    old_end: int
    new_end: int
    joins_lines: bool = False

    @property
    def delta(self) -> int:
        """By how much everything behind the edit has moved."""
        return self.new_end - self.old_end


def edit_between(old: str, new: str) -> Edit:
    """The one edit that leads from `old` to `new`, by their common start and end."""
    start = _common(old, new, min(len(old), len(new)))
    most = min(len(old), len(new)) - start
    tail = _common_end(old, new, most)
    old_end = len(old) - tail
    return Edit(start, old_end, len(new) - tail, old.find("\n", start, old_end) >= 0)


def _common(old: str, new: str, most: int) -> int:
    """The length of the common start, by comparing ever shorter pieces."""
    done, size = 0, most
    while size > 0 and done < most:
        size = min(size, most - done)
        if old[done : done + size] == new[done : done + size]:
            done += size
        else:
            size //= 2
    return done


def _common_end(old: str, new: str, most: int) -> int:
    done, size = 0, most
    while size > 0 and done < most:
        size = min(size, most - done)
        old_end, new_end = len(old) - done, len(new) - done
        if old[old_end - size : old_end] == new[new_end - size : new_end]:
            done += size
        else:
            size //= 2
    return done


def lists_as_before(reading: Reading, edit: Edit, brackets: Brackets) -> dict[int, Reading]:
    """The lists that the edit leaves as they are, by where their brackets open now.

    For a whole reading, with all brackets known, where the edit has changed which of them match.
    A list counts when nothing is wrong in it, before and now.
    """
    return dict(_lists_as_before(reading, 0, edit, brackets, 0, len(reading.elements)))


def _lists_as_before(
    reading: Reading, base: int, edit: Edit, brackets: Brackets, first: int, last: int
) -> Iterator[tuple[int, Reading]]:
    for index in range(first, last):
        begin = base + reading.starts[index]
        for inner in reading.elements[index].readings:
            start, end = begin + inner.start, begin + inner.end
            by = edit.delta if start > edit.old_end else 0
            outside = end < edit.start or start > edit.old_end
            if outside and _is_whole(inner, start + by, end + by, brackets):
                yield start + by - 1, inner
            else:
                yield from _lists_as_before(inner, begin, edit, brackets, 0, len(inner.elements))


def _is_whole(reading: Reading, start: int, end: int, brackets: Brackets) -> bool:
    """Whether the brackets around a list and in it match as they did."""
    if reading.form is ONE or reading.troubled or brackets.odd(start, end):
        return False
    return brackets.closes.get(start - 1) == end and start - 1 not in brackets.unclosed


class _Inner(NamedTuple):
    """A list inside an element: where it stood in the old text, and how it was read."""

    start: int
    end: int
    reading: Reading


class _Region(NamedTuple):
    """What is read again: the elements from `first` up to `last`, between two old offsets."""

    first: int
    last: int
    start: int
    end: int


class Rereader:
    """Reads `text` again, which differs by `edit` from the text of a `Reading`."""

    def __init__(
        self,
        text: str,
        edit: Edit,
        matching: Matching,
        tidiness: Callable[[], Seeks],
        start: Callable[[str, Brackets], Reader],
    ) -> None:
        self.matching = matching
        self._text = text
        self._edit = edit
        self._before = matching
        self._tidiness = tidiness
        self._new_reader = start

    def reread(self, reading: Reading, base: int = 0) -> Reading | None:
        """The list as it is now; None when the edit changes more than this list.

        `base` is where the element that holds the list starts, which lies before the edit.
        """
        try:
            within = self._within(reading, base)
            if within is not None or reading.form is ONE:
                return within
            return self._here(reading, base)
        except UncertainError:
            return None

    # ------------------------------------------------------------ the edit is deeper

    def _within(self, reading: Reading, base: int) -> Reading | None:
        """Read the list again that lies inside the one element that the edit touches."""
        index = bisect_right(reading.starts, self._edit.start - base) - 1
        if index < 0 or isinstance(reading.elements[index].node, _ERRORS):
            return None
        begin = base + reading.starts[index]
        stop = begin + reading.elements[index].length
        for inner in reading.elements[index].readings:
            start, end = begin + inner.start, begin + inner.end
            if start <= self._edit.start and self._edit.old_end <= end:
                changed = self.reread(inner, begin)
                if changed is None or any(
                    not (start <= one.start and one.end <= end)
                    for one in self._unmatched_in(begin, stop)
                ):
                    return None
                return self._around(reading, base, index, {id(inner): changed})
        return None

    def _around(
        self, reading: Reading, base: int, index: int, changed: Mapping[int, Reading]
    ) -> Reading | None:
        """The list with the element at `index` matched again around its changed list."""
        region = _region(reading, base, index, index + 1)
        ready = list(self._ready_lists(reading, base, region, changed))
        brackets = scan_pieces(self._text, self._pieces(region, ready))
        reader = self._reader(reading, base, brackets, ready)
        if reading.form is ONE:
            return self._one(reader, region)
        elements = self._elements(reader, reading, base, region)
        end = base + reading.starts[index] + reading.elements[index].length + self._edit.delta
        if not elements.read_next() or elements.position != end:
            return None
        if self._is_seen_from(reading, index + 1, end):
            return None
        if elements.starts != reading.starts[index : index + 1]:
            return None
        return self._joined(
            reading, base, _Found(index, elements, index + 1, reading.tail, self.matching)
        )

    def _is_seen_from(self, reading: Reading, index: int, end: int) -> bool:
        """Whether something wrong is said with a look at the line before, which the edit touches.

        `end` is where the element before that at `index` ends.
        """
        if index >= len(reading.elements) or not reading.elements[index].troubled:
            return False
        return self._text.find("\n", self._edit.new_end, end) < 0

    def _one(self, reader: Reader, region: _Region) -> Reading | None:
        """A single step around its changed list."""
        tree, _ = rules().match("step", self._text, region.start, reader)
        if tree is None or tree.end != region.end + self._edit.delta:
            return None
        reader.placed_one(tree)
        return reader.readings[-1]

    # ------------------------------------------------------------ the edit is here

    def _here(self, reading: Reading, base: int) -> Reading | None:
        """Read the touched elements again, and as many behind them as it takes."""
        first = self._first_touched(reading, base)
        last = bisect_right(reading.starts, self._edit.old_end - base) + 1
        n_elements = len(reading.elements)
        while True:
            found = self._found(reading, base, first, min(last, n_elements))
            if found is None and last >= n_elements:
                return None
            if found is None:
                last = 2 * last - first
            elif found.may_take_from_before:
                first = found.first - 1
            else:
                self.matching = found.matching
                return self._joined(reading, base, found)

    def _found(self, reading: Reading, base: int, first: int, last: int) -> _Found | None:
        """The elements from `first` up to `last` as they are now; None where that is uncertain."""
        for read in (self._matched, self._repaired):
            try:
                found = read(reading, base, first, last)
            except UncertainError:
                continue
            if found is not None:
                return found
        return None

    def _matched(self, reading: Reading, base: int, first: int, last: int) -> _Found | None:
        """The elements of a region in which brackets match, before and now."""
        region = _region(reading, base, first, last)
        if self._unmatched_in(region.start, region.end):
            return None
        ready = list(self._ready_lists(reading, base, region, {}))
        brackets = scan_pieces(self._text, self._pieces(region, ready))
        tidy = self._tidiness_with(reading, base, region)
        if not (self._before.balanced or tidy.covers(self._before.seeks)):
            return None
        reader = self._reader(reading, base, brackets, ready)
        matching = self._before.moved(self._edit.old_end, self._edit.delta)
        matching = replace(matching, tidy=_unless_nothing(tidy))
        return self._until_known(reading, base, region, reader, matching)

    def _repaired(self, reading: Reading, base: int, first: int, last: int) -> _Found | None:
        """The elements of a region outside of which all brackets match, before and now."""
        before = self._before.unmatched
        if before:
            here = bisect_right(reading.starts, before[0].start - base) - 1
            first = max(0, min(first, here))
            last = max(last, bisect_right(reading.starts, before[-1].end - base))
        region = _region(reading, base, first, last)
        if any(one.start < region.start or one.end > region.end for one in before):
            return None
        part = self._part(reading, base, region)
        if not self._has_line_as_before(part.end):
            return None
        brackets, matching = match_part(self._text, part)
        tidy = self._tidiness()
        if not (tidy.covers(matching.seeks) and tidy.covers(self._before.seeks)):
            return None
        reader = self._reader(reading, base, brackets, [])
        reader.known = dict(_lists_as_before(reading, base, self._edit, brackets, first, last))
        matching = replace(matching, tidy=_unless_nothing(tidy.both(matching.tidy or NOTHING)))
        return self._until_known(reading, base, region, reader, matching)

    def _first_touched(self, reading: Reading, base: int) -> int:
        """The first element whose reading has looked at something that the edit changes."""
        at = self._edit.start - base
        first = max(0, bisect_right(reading.starts, at) - 1)
        for index in range(max(0, first - _MORE_BEFORE), first):
            if reading.starts[index] + reading.elements[index].reach >= at:
                first = index
                break
        while first > 0 and reading.elements[first - 1].troubled:
            first -= 1
        return first

    def _until_known(
        self, reading: Reading, base: int, region: _Region, reader: Reader, matching: Matching
    ) -> _Found | None:
        """Read elements until one ends where one has ended before, or the list does."""
        elements = self._elements(reader, reading, base, region)
        settled = self._settled(region, matching)
        while elements.read_next():
            if _is_wrong(elements.elements[-1]) and reader.forgot_problems(elements.position):
                return None
            if elements.position > region.end + self._edit.delta:
                return None
            if elements.position < settled:
                continue
            upto = self._known_behind(reading, base, elements.position - self._edit.delta)
            if upto is not None:
                return _Found(region.first, elements, upto, reading.tail, matching)
        n_elements = len(reading.elements)
        if region.last < n_elements:
            return None
        return _Found(region.first, elements, n_elements, elements.tail(), matching)

    def _settled(self, region: _Region, matching: Matching) -> int:
        """Where all ends that is wrong about the brackets of a region, before and now."""
        delta = self._edit.delta
        before = (one.end + delta for one in self._unmatched_in(region.start, region.end))
        stop = region.end + delta
        now = (one.end for one in matching.unmatched if region.start <= one.start < stop)
        return max([*before, *now], default=0)

    # ------------------------------------------------------------ brackets

    def _unmatched_in(self, start: int, end: int) -> list[Unmatched]:
        """The brackets without a counterpart that concerned the old text from `start` to `end`."""
        return [one for one in self._before.unmatched if one.start < end and one.end >= start]

    def _part(self, reading: Reading, base: int, region: _Region) -> Part:
        """A region in the new text."""
        inside = base + reading.start
        opener = -1 if reading.form.opener == "" else inside - 1
        ends_list = region.last == len(reading.elements)
        return Part(region.start, region.end + self._edit.delta, opener, ends_list)

    def _tidiness_with(self, reading: Reading, base: int, region: _Region) -> Seeks:
        """How tidy the text still is with a region in which brackets match, if that is known."""
        before = self._before
        known = before.tidy if before.balanced else self._tidiness()
        if known is None or region.end - region.start > _LONGEST_TIDIED:
            return NOTHING
        part = self._part(reading, base, region)
        if not self._has_line_as_before(part.end):
            return NOTHING
        return known.both(tidiness_of_part(self._text, part))

    def _has_line_as_before(self, at: int) -> bool:
        """Whether brackets behind `at` stand on a line that begins as it did."""
        text = self._text
        line = text.rfind("\n", 0, at) + 1
        head = _LINE_HEAD.match(text, line)
        if line > self._edit.new_end:
            return True
        if not self._edit.joins_lines and head is not None and self._edit.start > head.end():
            return True
        stop = text.find("\n", at)
        return _BRACKET.search(text, at, len(text) if stop < 0 else stop) is None

    def _known_behind(self, reading: Reading, base: int, end: int) -> int | None:
        """The first old element behind the old offset `end`, if all is as it was from there on."""
        if end < self._edit.old_end:
            return None
        index = bisect_right(reading.starts, end - base - 1) - 1
        if index < 0 or reading.starts[index] + reading.elements[index].length != end - base:
            return None
        if index + 1 == len(reading.elements):
            return None if reading.tail else index + 1
        return None if reading.elements[index + 1].troubled else index + 1

    # ------------------------------------------------------------ pieces

    def _elements(self, reader: Reader, reading: Reading, base: int, region: _Region) -> PlacedList:
        end = base + reading.end + self._edit.delta
        elements = PlacedList(reader, reading.form, base + reading.start, end)
        elements.go_on_at(region.start, fresh=region.first == 0)
        return elements

    def _pieces(self, region: _Region, ready: list[_Inner]) -> list[tuple[int, int]]:
        """What is to be scanned of a region in the new text: all but its ready lists."""
        pieces: list[tuple[int, int]] = []
        at = region.start
        for inner in ready:
            if inner.reading.form is not ONE:
                pieces.append((at, inner.start))
                at = inner.end
        return [*pieces, (at, region.end + self._edit.delta)]

    def _reader(
        self, reading: Reading, base: int, brackets: Brackets, ready: list[_Inner]
    ) -> Reader:
        """A reader that knows some brackets, and some lists that are ready."""
        reader = self._new_reader(self._text, brackets)
        reader.known = {
            inner.start - (inner.reading.form is not ONE): inner.reading for inner in ready
        }
        reader.base = base
        reader.depth = reading.depth
        return reader

    def _ready_lists(
        self, reading: Reading, base: int, region: _Region, changed: Mapping[int, Reading]
    ) -> Iterator[_Inner]:
        """The lists in the elements of a region that need no reading, where they stand now.

        `changed` has, by the identity of a list, what has become of it.
        """
        edit = self._edit
        for index in range(region.first, region.last):
            begin = base + reading.starts[index]
            for inner in reading.elements[index].readings:
                start, end = begin + inner.start, begin + inner.end
                new = changed.get(id(inner))
                if new is not None:
                    yield from _all_lists(new, begin)
                elif end < edit.start and self._is_closed_before(inner, end):
                    yield from _all_lists(inner, begin)
                elif start > edit.old_end:
                    yield from _all_lists(inner, begin + edit.delta)
                elif inner.form is ONE:
                    yield from self._ready_lists(inner, begin, _Region(0, 1, 0, 0), changed)

    def _is_closed_before(self, reading: Reading, end: int) -> bool:
        """Whether a list that ends at `end` does so whatever follows.

        How far an unclosed string goes is decided at the end of its line; a single step may have
        looked behind its end.
        """
        if reading.form is ONE:
            step = reading.elements[0]
            return not step.troubled and end - step.length + step.reach < self._edit.start
        return not reading.troubled or self._text.find("\n", end, self._edit.start) >= 0

    def _joined(self, reading: Reading, base: int, found: _Found) -> Reading:
        """The new elements between the old ones."""
        delta, first, upto = self._edit.delta, found.first, found.upto
        new = self._same_objects(reading, base, found)
        starts = [*found.elements.starts, *map(delta.__add__, reading.starts[upto:])]
        nodes = [*(one.node for one in new), *map(_NODE, reading.elements[upto:])]
        removed = sum(one.troubled for one in reading.elements[first:upto])
        return Reading(
            reading.form,
            reading.depth,
            reading.start,
            reading.end + delta,
            reading.starts[:first] + starts,
            reading.elements[:first] + new + reading.elements[upto:],
            reading.placed[:first] + place(starts, nodes),
            found.tail,
            reading.n_troubled - removed + sum(one.troubled for one in new),
        )

    def _same_objects(self, reading: Reading, base: int, found: _Found) -> list[Element]:
        """The new elements; those that are as they were are the old objects."""
        start, old_end, delta = self._edit.start - base, self._edit.old_end - base, self._edit.delta
        old_elements = reading.elements[found.first : found.upto]
        old = dict(zip(reading.starts[found.first : found.upto], old_elements, strict=True))
        new: list[Element] = []
        for begin, element in zip(found.elements.starts, found.elements.elements, strict=True):
            before: Element | None = None
            if begin + element.length <= start:
                before = old.get(begin)
            elif begin - delta >= old_end:
                before = old.get(begin - delta)
            if before is not None and _alike(before, element):
                element = replace(element, node=before.node)  # noqa: PLW2901 - the same, as it was
            new.append(element)
        return new


def _alike(old: Element, new: Element) -> bool:
    """Whether an element whose text has not changed is read as before."""
    if old.length != new.length or old.troubled or new.troubled:
        return False
    return old.node == new.node


def _is_wrong(element: Element) -> bool:
    """Whether an element could not be read, or something is wrong in it."""
    return element.troubled or isinstance(element.node, _ERRORS)


def _unless_nothing(tidy: Seeks) -> Seeks | None:
    """None, so that somebody looks again, where all is untidy."""
    return None if tidy == NOTHING else tidy


class _Found(NamedTuple):
    """Elements read again in place of the old ones from `first` up to `upto`."""

    first: int
    elements: PlacedList
    upto: int
    tail: tuple[Diagnostic, ...]
    matching: Matching

    @property
    def may_take_from_before(self) -> bool:
        """Whether reading the first element might have changed the one before, had it been read."""
        new = self.elements.elements
        return self.first > 0 and bool(new) and isinstance(new[0].node, _ERRORS)


def _region(reading: Reading, base: int, first: int, last: int) -> _Region:
    start, end = reading.start, reading.end
    if reading.form is ONE:
        start = reading.starts[0]
    elif first > 0:
        start = reading.starts[first - 1] + reading.elements[first - 1].length
    if last < len(reading.elements):
        end = reading.starts[last - 1] + reading.elements[last - 1].length
    return _Region(first, last, base + start, base + end)


def _all_lists(reading: Reading, base: int) -> Iterator[_Inner]:
    """A list at its place, and the lists of the step when it is a single one."""
    yield _Inner(base + reading.start, base + reading.end, reading)
    if reading.form is ONE:
        for inner in reading.elements[0].readings:
            yield from _all_lists(inner, base + reading.starts[0])
