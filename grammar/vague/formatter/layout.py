"""From a stream of layout operations to text: which groups fit on their line, and indentation.

A group that fits on the rest of its line is written flat; otherwise its lines are broken, and the
groups in it are decided on their own. The operations come in the order of the text, from
`vague.formatter.weave`; nothing here knows the language. Cost is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

INDENT_WIDTH: Final = 2
_CLINGING: Final = frozenset((",", ")", "]"))


class Kind(Enum):
    """What an operation does."""

    TEXT = "text"
    DONE = "done"
    SPACE = "space"
    LINE = "line"
    CHOICE = "choice"
    COMMENT = "comment"
    GROUP = "group"
    END = "end"
    HUG = "hug"
    INDENT = "indent"
    DEDENT = "dedent"


# Names of the module are found faster than members of the enumeration.
_TEXT, _DONE, _LINE, _CHOICE, _COMMENT = (
    Kind.TEXT,
    Kind.DONE,
    Kind.LINE,
    Kind.CHOICE,
    Kind.COMMENT,
)
_SPACE, _GROUP, _END, _HUG, _INDENT = Kind.SPACE, Kind.GROUP, Kind.END, Kind.HUG, Kind.INDENT


class Operation(NamedTuple):
    """One operation.

    TEXT writes `text`. SPACE is one space, unless a line begins or ends there. LINE is `text`
    (a space or nothing) in a flat group and a line break in a broken one, with an empty line where
    `flag` is set. CHOICE is `text` in a flat group and `other` in a broken one. COMMENT writes
    `text`, on its own line where `flag` is set; `other` holds the line break that must follow, or
    two for an empty line, or nothing. GROUP begins a group (broken in any case where `flag` is set)
    and END ends it. INDENT and DEDENT change the indentation of the lines that follow by one step.

    A group with `other` "tight" is broken later than what comes before it on the line: what clings
    to the end of an earlier group goes on through it, not just to its first line.

    DONE writes `text` as it is: lines that were laid out before, with their indentation.

    A pair of HUG marks the last part of a group. If all before it fits on the line up to the first
    place where that part can be broken, the group is hugged: its own lines stay flat and without
    indentation, and only the last part is broken.
    """

    kind: Kind
    text: str
    other: str
    flag: bool
    width: int
    """Columns that it takes in a flat group."""
    forces: bool
    """Whether the groups around it have to be broken."""


def operation(kind: Kind, *, other: str = "", flag: bool = False) -> Operation:
    """A SPACE, or an operation that writes nothing."""
    return Operation(kind, "", other, flag, int(kind is Kind.SPACE), flag)


@lru_cache(maxsize=4096)
def token(text: str) -> Operation:
    """The operation that writes a token; most of them come often."""
    return Operation(Kind.TEXT, text, "", flag=False, width=len(text), forces=False)


@lru_cache(maxsize=64)
def line(flat: str, blank: bool = False) -> Operation:  # noqa: FBT001, FBT002 - a cached call
    """A LINE; with an empty one where it is broken, if it is to be `blank`."""
    return Operation(Kind.LINE, flat, "", flag=blank, width=len(flat), forces=False)


@lru_cache(maxsize=64)
def choice(flat: str, broken: str) -> Operation:
    """A CHOICE."""
    return Operation(Kind.CHOICE, flat, broken, flag=False, width=len(flat), forces=False)


def comment(text: str, breaks: str, *, own_line: bool) -> Operation:
    """A COMMENT."""
    forces = bool(breaks) or own_line or "\n" in text
    return Operation(Kind.COMMENT, text, breaks, own_line, len(text) + 2, forces)


def done(text: str) -> Operation:
    """The operation that writes lines which were laid out before."""
    return Operation(Kind.DONE, text, "", flag=False, width=0, forces=True)


class _Mode(Enum):
    """How a group is written."""

    FLAT = "flat, with all that is in it"
    HUGGED = "flat, but for its last part"
    BROKEN = "broken at its own lines"


class _Measure:
    """Flat widths and forced breaks of all stretches of operations, by sums from the start."""

    __slots__ = ("_ends", "_forced", "_hugs", "_rest", "_widths")

    def __init__(self, operations: Sequence[Operation]) -> None:
        count = len(operations)
        self._widths = list(accumulate((one.width for one in operations), initial=0))
        self._forced = list(accumulate((one.forces for one in operations), initial=0))
        self._ends = [0] * count
        self._hugs: dict[int, list[int]] = {}
        self._rest = [0] * (count + 1)
        has_tight = self._find_groups(operations)
        self._look_ahead(operations, self._tight(operations) if has_tight else bytes(count))

    def mode(self, group: int, room: int) -> _Mode:
        """How the group at `group` is written where `room` columns are left."""
        end = self._ends[group]
        if self._fits(group, end, room):
            return _Mode.FLAT
        start, stop = self._hugs.get(group, (group, group))
        if stop > start and self._fits(group, start, room) and not self._breaks(stop, end):
            return _Mode.HUGGED
        return _Mode.BROKEN

    def _fits(self, start: int, end: int, room: int) -> bool:
        """Whether the stretch and what clings to its end need no break and no more room."""
        width = self._widths[end] - self._widths[start] + self._rest[end]
        return width <= room and not self._breaks(start, end)

    def _breaks(self, start: int, end: int) -> bool:
        return self._forced[end] > self._forced[start]

    def _find_groups(self, operations: Sequence[Operation]) -> bool:
        """Find where groups end and what may be hugged; whether some groups are tight."""
        open_groups: list[int] = []
        has_tight = False
        for position, one in enumerate(operations):
            kind = one.kind
            if kind is _GROUP:
                open_groups.append(position)
                has_tight = has_tight or one.other == "tight"
            elif kind is _END:
                self._ends[open_groups.pop()] = position
            elif kind is _HUG:
                self._hugs.setdefault(open_groups[-1], []).append(position)
        return has_tight

    def _look_ahead(self, operations: Sequence[Operation], tight: bytes | bytearray) -> None:
        """For each position, find the width from there to where the line may next end."""
        rest = self._rest
        width = 0
        for position in range(len(operations) - 1, -1, -1):
            one = operations[position]
            kind = one.kind
            if kind is _TEXT:
                width += one.width
            elif kind is _DONE or (
                bool(one.other) if kind is _COMMENT else kind is _LINE and not tight[position]
            ):
                width = 0
            elif kind is _CHOICE and not tight[position]:
                # What is asked is whether a group fits, so the list around it is a broken one.
                width += len(one.other)
            else:
                width += one.width
            rest[position] = width

    def _tight(self, operations: Sequence[Operation]) -> bytearray:
        """Marks for the operations inside of tight groups that no break is forced on."""
        marks = bytearray(len(operations))
        for position, one in enumerate(operations):
            if one.kind is _GROUP and one.other == "tight":
                end = self._ends[position]
                if not self._breaks(position, end):
                    marks[position:end] = b"\1" * (end - position)
        return marks


class _Writer:
    """The text so far and the state of its last line."""

    __slots__ = (
        "_at_line_start",
        "_column",
        "_continued",
        "_due",
        "_has_token",
        "_space",
        "indent",
        "parts",
        "places",
    )

    def __init__(self, indent: int) -> None:
        self.parts: list[str] = []
        self.places: list[int] = []
        """Which parts are lines that were laid out before."""
        self.indent = indent
        self._column = 0
        self._at_line_start = True
        self._has_token = False
        """Whether the line has more than comments."""
        self._space = ""
        """What separates the next text: nothing, `soft` (not before `,` and the like), `hard`."""
        self._due = 0
        """Line breaks that must come before anything else."""
        self._continued = 0
        """Extra indentation after a comment that broke off a line inside of a statement."""

    def token(self, text: str) -> None:
        self._text(text)
        self._has_token = True

    def done(self, text: str) -> None:
        self.token(text)
        self.places.append(len(self.parts) - 1)

    def space(self) -> None:
        self._space = "hard"

    def line(self, *, blank: bool) -> None:
        self._continued = 0
        self._break(max(self._due, 2 if blank else 1))

    def comment(self, operation: Operation) -> None:
        inside = self._has_token and not self._due
        if inside and (operation.flag or operation.other):
            self._continued = INDENT_WIDTH
        if not self._at_line_start and not self._due:
            if operation.flag:
                self._break(1)
            else:
                self._space_before_comment(ends_line=bool(operation.other))
        self._text(operation.text)
        last_break = operation.text.rfind("\n")
        if last_break >= 0:
            self._column = len(operation.text) - last_break - 1
        self._space = "soft"
        self._due = len(operation.other)

    def room(self, width: int) -> int:
        """Columns left on the current line."""
        if self._at_line_start or self._due:
            return width - self.indent - self._continued
        return width - self._column - (1 if self._space else 0)

    def _text(self, text: str) -> None:
        if self._due:
            self._break(self._due)
        if self._at_line_start:
            self._column = self.indent + self._continued
            self.parts.append(" " * self._column)
            self._at_line_start = False
        elif self._space == "hard" or (self._space and text not in _CLINGING):
            self._append(" ")
        self._space = ""
        self._append(text)

    def _space_before_comment(self, *, ends_line: bool) -> None:
        if ends_line:
            self._append(" ")
        if ends_line or not self.parts[-1].endswith(("(", "[")):
            self._space = "hard"

    def _break(self, breaks: int) -> None:
        if not self._at_line_start:
            self.parts.append("\n" * breaks)
        self._due = 0
        self._space = ""
        self._at_line_start = True
        self._has_token = False

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self._column += len(text)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, and where in it the lines begin that were laid out before."""

    text: str
    places: tuple[int, ...]


def render(operations: Sequence[Operation], width: int, indent: int = 0) -> Rendered:
    """Write the operations, with lines of at most `width` columns where groups can be broken.

    The result has no line break at its end, and no white space at line ends but in comments. Its
    lines are indented by `indent` columns, the first one left out.
    """
    measure = _Measure(operations)
    writer = _Writer(indent)
    modes = [_Mode.BROKEN]
    for position, one in enumerate(operations):
        kind = one.kind
        if kind is _TEXT:
            writer.token(one.text)
        elif kind is _GROUP:
            if modes[-1] is _Mode.FLAT:
                modes.append(_Mode.FLAT)
            else:
                modes.append(measure.mode(position, writer.room(width)))
        elif kind is _END:
            modes.pop()
        else:
            _write(writer, one, modes[-1])
    return _rendered(writer, indent)


def _rendered(writer: _Writer, indent: int) -> Rendered:
    ends = list(accumulate(map(len, writer.parts), initial=-indent))
    places = tuple(ends[place] for place in writer.places)
    return Rendered("".join(writer.parts)[indent:], places)


def _write(writer: _Writer, one: Operation, mode: _Mode) -> None:
    kind = one.kind
    if kind is _SPACE:
        writer.space()
    elif kind is _LINE:
        _write_line(writer, one, mode)
    elif kind is _CHOICE:
        chosen = one.other if mode is _Mode.BROKEN else one.text
        if chosen:
            writer.token(chosen)
    elif kind is _COMMENT:
        writer.comment(one)
    elif kind is _DONE:
        writer.done(one.text)
    elif kind is not _HUG and mode is not _Mode.HUGGED:
        writer.indent += INDENT_WIDTH if kind is _INDENT else -INDENT_WIDTH


def _write_line(writer: _Writer, one: Operation, mode: _Mode) -> None:
    if mode is _Mode.BROKEN:
        writer.line(blank=one.flag)
    elif one.text:
        writer.space()
