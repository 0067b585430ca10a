"""Which brackets belong together, also where some are missing: of a text, or of a part of it.

Brackets that match decide alone. Where some have no counterpart, lines' indentation tells which
ones these are. A part between the brackets of a block can be matched alone, so that typing does
not cost a pass over the text: as long as the rest is *tidy*, that is indented as it is nested, it
is matched in the same way whatever is wrong in the part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from vague.slices import (
    BARE_URL,
    BLOCK_COMMENT,
    CLOSERS,
    PIECES,
    Brackets,
    Oddity,
    UncertainError,
    find_brackets,
    is_plain,
    scan_piece,
)

_MOST_UNMATCHED = 100_000
_MOST_KEPT = 50
_FURTHEST_CLOSER = 20_000


class Seeks(NamedTuple):
    """What is looked for in a text: brackets that nothing closes, closers that close nothing."""

    unclosed: bool
    strays: bool

    def covers(self, other: Seeks) -> bool:
        """Whether all of `other` is among it."""
        return self.unclosed >= other.unclosed and self.strays >= other.strays

    def both(self, other: Seeks) -> Seeks:
        """What is in this and in `other`."""
        return Seeks(self.unclosed and other.unclosed, self.strays and other.strays)


NOTHING = Seeks(unclosed=False, strays=False)
_ALL = Seeks(unclosed=True, strays=True)
_LEVELS = (_ALL, Seeks(unclosed=True, strays=False))


class Unmatched(NamedTuple):
    """A bracket without a counterpart.

    What an opener holds ends at `end`; that a closer closes nothing is known there at the latest.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Matching:
    """How the brackets of a text match, as far as its next reading has to know.

    `seeks` is what nesting alone has found in the whole text, which decides what is looked for.
    `tidy` is what may be looked for without that any other bracket matches differently; None where
    nobody looked.
    """

    unmatched: tuple[Unmatched, ...] = ()
    seeks: Seeks = NOTHING
    tidy: Seeks | None = None

    @property
    def balanced(self) -> bool:
        """Whether every bracket has its counterpart."""
        return not self.unmatched

    def moved(self, behind: int, by: int) -> Matching:
        """The same after an edit that moves what stands behind an offset."""
        if not self.unmatched:
            return self
        moved = (
            Unmatched(one.start + by, one.end + by) if one.start >= behind else one
            for one in self.unmatched
        )
        return replace(self, unmatched=tuple(moved))


def scan(text: str) -> Brackets:
    """Find all brackets of `text`; cost is one pass over it, two where they do not match."""
    return scan_all(text)[0]


def scan_all(text: str) -> tuple[Brackets, Matching]:
    """The brackets of a text, and what its next reading has to know of them."""
    found = Brackets()
    stack: list[tuple[int, str]] = []
    find_brackets(text, 0, len(text), found, stack)
    for opener, _ in stack:
        found.closes[opener] = len(text)
        found.unclosed.add(opener)
    if found.balanced:
        return found, Matching()
    seeks = Seeks(bool(found.unclosed), bool(found.strays))
    repair = _Repair(text, seeks)
    repair.run(0, len(text))
    repair.leave_all(len(text))
    return repair.settled(found.oddities), Matching(repair.unmatched(), seeks)


def tidiness(text: str, unmatched: tuple[Unmatched, ...]) -> Seeks:
    """What may be looked for so that still only these brackets do not match; a pass or two."""
    if len(unmatched) > _MOST_KEPT:
        return NOTHING
    for seeks in _LEVELS:
        repair = _Repair(text, seeks)
        repair.run(0, len(text))
        repair.leave_all(len(text))
        if repair.ends_in_comment:
            return NOTHING
        if not repair.looks_ahead and repair.unmatched() == unmatched:
            return seeks
    return NOTHING


# ---------------------------------------------------------------- a part of a text


class Part(NamedTuple):
    """The offsets of some elements of a list, of which `opener` is the bracket; -1 for none.

    `ends_list`: the part ends where the contents of the list do.
    """

    start: int
    end: int
    opener: int
    ends_list: bool


def tidiness_of_part(text: str, part: Part, unmatched: tuple[Unmatched, ...] = ()) -> Seeks:
    """The same for a part, as far as nothing else is asked for it."""
    for seeks in _LEVELS:
        try:
            repair = _repair_of_part(text, part, seeks)
        except UncertainError:
            continue
        if not repair.looks_ahead and repair.unmatched() == unmatched:
            return seeks
    return NOTHING


def match_part(text: str, part: Part) -> tuple[Brackets, Matching]:
    """The brackets of a part of a text in which all others match.

    Raises `UncertainError` where the part does not tell them alone.
    """
    found = Brackets(partial=True)
    around = (-1, "{")
    stack: list[tuple[int, str]] = [around]
    scan_piece(text, part.start, part.end, found, stack)
    leaves = not stack or stack[0] is not around
    still_open = stack if leaves else stack[1:]
    seeks = Seeks(bool(found.unclosed or still_open), bool(found.strays or leaves))
    if leaves and seeks.unclosed:
        raise UncertainError
    if seeks == NOTHING:
        return found, Matching((), seeks, tidiness_of_part(text, part))
    repair = _repair_of_part(text, part, seeks)
    repaired, unmatched = repair.settled(found.oddities), repair.unmatched()
    repaired.partial = True
    if len(unmatched) > _MOST_KEPT:
        raise UncertainError
    return repaired, Matching(unmatched, seeks, tidiness_of_part(text, part, unmatched))


def _repair_of_part(text: str, part: Part, seeks: Seeks) -> _Repair:
    """The repair of a part; raises `UncertainError` where it touches what stands around that."""
    repair = _Repair(text, seeks)
    base = repair.begin(part)
    repair.run(part.start, part.end)
    repair.close_list(base, part)
    return repair


# ---------------------------------------------------------------- brackets that do not match


@dataclass(slots=True)
class _Open:
    """An opener that waits: the column at which its line begins, and the line's first word.

    `closer`: where a `}` begins a line with the same indentation, -1 for nowhere; None where nobody
    has looked.
    """

    at: int
    mark: str
    indent: int
    head: str
    closer: int | None = None


class _Repair:
    """Matches brackets with the help of how lines are indented.

    Alone, the nesting of brackets names the outermost one as unclosed, and everything behind the
    true mistake belongs to the wrong block. A line that begins with `}` or with a definition
    further left than the line of an opener shows that this one should have been closed before.
    """

    def __init__(self, text: str, seeks: Seeks) -> None:
        self._text = text
        self._seeks = seeks
        self.ends_in_comment = False
        self.looks_ahead = False
        self._found = Brackets()
        self._own_closers: dict[int, int] = {}
        self._stack: list[_Open] = []
        self._first = 0
        self._indent = 0
        self._head = ""

    def begin(self, part: Part) -> list[_Open]:
        """Go to the start of a part; the result are the brackets around it."""
        if part.opener >= 0:
            self._line_at(part.opener)
            self._stack.append(_Open(part.opener, "{", self._indent, self._head))
        self._line_at(part.start)
        return list(self._stack)

    def _line_at(self, offset: int) -> None:
        start = self._text.rfind("\n", 0, offset) + 1
        if self._text.find("*/", start, offset) >= 0:
            raise UncertainError
        self._new_line(start)

    def run(self, start: int, end: int) -> None:
        """Match the brackets from `start` to `end`."""
        if start == 0:
            self._new_line(0)
        for match in _REPAIR.finditer(self._text, start):
            at = match.start()
            if at >= end:
                break
            mark = self._text[at]
            if mark == "\n":
                block = self._dedent(match)
                self._new_line(at + 1)
                if block is not None:
                    self._indent = self._indent_in(block)
            elif mark in CLOSERS:
                self._stack.append(_Open(at, mark, self._indent, self._head))
            elif mark in ")]}":
                self._closer(at, mark)
            elif mark == "/":
                self._comment(match)

    def leave_all(self, end: int) -> None:
        """Nothing closes what is still open."""
        for opener in self._stack:
            self._leave(opener, end)

    def close_list(self, base: list[_Open], part: Part) -> None:
        """End the part; raises `UncertainError` where that touches what stands around it."""
        if any(at > part.end for at in self._own_closers.values()):
            raise UncertainError
        if part.ends_list and part.opener < 0:
            self.leave_all(part.end)
            return
        if part.ends_list and not self._stands_at(base):
            self._closer(part.end, "}")
            is_left = part.opener in self._found.unclosed
            if self._stack or is_left or self._found.closes.get(part.opener) != part.end:
                raise UncertainError
        elif not self._stands_at(base):
            raise UncertainError

    def unmatched(self) -> tuple[Unmatched, ...]:
        """The brackets without a counterpart, in order."""
        found, seen = self._found, self._own_closers
        openers = (Unmatched(at, found.closes[at]) for at in found.unclosed)
        strays = (Unmatched(at, seen.get(at, at + 1)) for at in found.strays)
        return tuple(sorted([*openers, *strays]))

    def _stands_at(self, base: list[_Open]) -> bool:
        same_length = len(self._stack) == len(base)
        return same_length and all(a is b for a, b in zip(self._stack, base, strict=True))

    def _new_line(self, at: int) -> None:
        space = _BLANK.match(self._text, at)
        self._first = at if space is None else space.end()
        self._indent = self._first - at
        word = _HEAD_WORD.match(self._text, self._first)
        self._head = "" if word is None else word.group()

    def _comment(self, match: re.Match[str]) -> None:
        start, end = match.span()
        line = self._text.rfind("\n", start, end)
        if line >= 0:
            self._new_line(line + 1)
            self._first = end
        is_block = self._text.startswith("/*", start)
        self.ends_in_comment = is_block and not is_plain(match.group())

    def _dedent(self, match: re.Match[str]) -> _Open | None:
        """A word begins a line: what was opened further right must have ended before it.

        The result is the block that the line belongs to all the same, as that is closed behind it.
        """
        word = match.lastgroup
        if word is None or not self._seeks.unclosed:
            return None
        at = match.start(word)
        indent = at - match.start() - 1
        kind = None if word == "word" else match.group(word)
        while self._stack and self._ends_before(self._stack[-1], kind, indent):
            if kind is None and self._is_closed_behind(self._stack[-1], indent, at):
                return self._stack[-1]
            self._leave(self._stack.pop(), at)
        return None

    def _ends_before(self, opener: _Open, kind: str | None, indent: int) -> bool:
        if opener.indent != indent:
            return opener.indent > indent
        if kind is not None:
            return kind == "mission" or opener.head != "mission" or opener.mark != "{"
        return opener.mark != "{" or _LINE_GOES_ON.match(self._text, opener.at + 1) is not None

    def _indent_in(self, block: _Open) -> int:
        """How far the first line of a block is indented."""
        line = self._text.find("\n", block.at) + 1
        space = _BLANK.match(self._text, line)
        return 0 if space is None else space.end() - line

    def _is_closed_behind(self, opener: _Open, indent: int, at: int) -> bool:
        """Whether a `}` is there for a block; then a line further left is only badly indented."""
        if opener.mark != "{" or opener.indent <= indent:
            return False
        self.looks_ahead = True
        if opener.closer is None:
            line = re.compile(rf"\n([ \t]{{0,{opener.indent}}})\}}")
            match = line.search(self._text, at, at + _FURTHEST_CLOSER)
            is_its = match is not None and len(match.group(1)) == opener.indent
            opener.closer = match.end() - 1 if match is not None and is_its else -1
        return opener.closer > at

    def _closer(self, at: int, mark: str) -> None:
        if mark == "}" and self._first == at:
            self._brace(at, self._indent)
        else:
            self._plain(at, mark)

    def _brace(self, at: int, indent: int) -> None:
        """A `}` that begins a line: it closes what was opened on a line with its indentation."""
        while self._stack and (self._stack[-1].mark != "{" or self._stack[-1].indent > indent):
            self._leave(self._stack.pop(), at)
        if not self._stack or (self._stack[-1].indent < indent and self._seeks.strays):
            self._found.strays.append(at)
        else:
            self._found.closes[self._stack.pop().at] = at

    def _plain(self, at: int, mark: str) -> None:
        depth = len(self._stack) - 1
        while depth >= 0 and CLOSERS[self._stack[depth].mark] != mark:
            depth = -1 if mark != "}" and self._stack[depth].mark == "{" else depth - 1
        if depth < 0 or (mark == "}" and self._has_own_closer(self._stack[depth], at)):
            self._found.strays.append(at)
            return
        while len(self._stack) > depth + 1:
            self._leave(self._stack.pop(), at)
        self._found.closes[self._stack.pop().at] = at

    def _has_own_closer(self, opener: _Open, at: int) -> bool:
        """Whether a `}` in the midst of a line cannot be that of a block of many lines.

        So it is when the block goes on behind that line, up to a `}` that stands below its head.
        """
        if not self._seeks.strays or self._text.find("\n", opener.at, at) < 0:
            return False
        line = re.compile(rf"\n([ \t]{{0,{opener.indent}}})(?=[^\s#/])")
        match = line.search(self._text, at, at + _FURTHEST_CLOSER)
        is_below = match is not None and len(match.group(1)) == opener.indent
        if match is None or not is_below or self._text[match.end()] != "}":
            self.looks_ahead = True
            return False
        self._own_closers[at] = match.end()
        return True

    def _leave(self, opener: _Open, at: int) -> None:
        self._found.closes[opener.at] = at
        self._found.unclosed.add(opener.at)

    def settled(self, oddities: Iterable[Oddity]) -> Brackets:
        """The brackets, each with the end of its contents, and all that is odd."""
        found = self._found
        found.oddities = list(oddities)
        swallowed = any(oddity.code == "RQ003" for oddity in found.oddities)
        openers = [] if swallowed else sorted(found.unclosed)
        places = [*openers, *found.strays][:_MOST_UNMATCHED]
        wrong = [Oddity("RQ007", at, at + 1) for at in places]
        found.oddities = sorted((*found.oddities, *wrong), key=_START)
        return found


_START = attrgetter("start")
_BLANK = re.compile(r"[ \t]*")
_HEAD_WORD = re.compile(r"\w*")
_LINE_GOES_ON = re.compile(r"[ \t]*(?![ \t\r\n#]|//|\Z)")
_REPAIR = re.compile(
    rf"[()\[\]{{}}]|{PIECES['string']}|//[^\n]*|\#[^\n]*|{BLOCK_COMMENT}|{BARE_URL}"
    rf"|\n(?=[ \t]*+(?:(?P<kind>mission|action|source|schema|transform)(?!\w)"
    rf"{PIECES['same']}{PIECES['word']}{PIECES['same']}[{{:f-]"
    rf"|(?P<store>store)(?!\w){PIECES['same']}{PIECES['word']}{PIECES['same']}:"
    rf"|(?P<word>[^\W0-9])))|\n"
)
