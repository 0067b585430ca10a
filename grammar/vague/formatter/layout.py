"""From a stream of layout operations to text: which groups fit on their line, and indentation.

A group that fits on the rest of its line is written flat; otherwise its lines are broken, and the
groups in it are decided on their own. The operations come in the order of the text, from
`vague.formatter.weave`; nothing here knows the language. Cost is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

INDENT_WIDTH: Final = 2
_CLINGING: Final = frozenset((",", ")", "]"))


class Kind(Enum):
    """What an operation does."""

    TEXT = "text"
    SPACE = "space"
    LINE = "line"
    CHOICE = "choice"
    COMMENT = "comment"
    GROUP = "group"
    END = "end"
    HUG = "hug"
    INDENT = "indent"
    DEDENT = "dedent"


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

    A pair of HUG marks the last part of a group. If all before it fits on the line up to the first
    place where that part can be broken, the group is hugged: its own lines stay flat and without
    indentation, and only the last part is broken.
    """

    kind: Kind
    text: str = ""
    other: str = ""
    flag: bool = False


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
        self._widths = [0] * (count + 1)
        self._forced = [0] * (count + 1)
        self._ends = [0] * count
        self._hugs: dict[int, list[int]] = {}
        self._rest = [0] * (count + 1)
        self._add_up(operations)
        self._look_ahead(operations)

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

    def _add_up(self, operations: Sequence[Operation]) -> None:
        open_groups: list[int] = []
        for position, operation in enumerate(operations):
            if operation.kind is Kind.GROUP:
                open_groups.append(position)
            elif operation.kind is Kind.END:
                self._ends[open_groups.pop()] = position
            elif operation.kind is Kind.HUG:
                self._hugs.setdefault(open_groups[-1], []).append(position)
            self._widths[position + 1] = self._widths[position] + _flat_width(operation)
            self._forced[position + 1] = self._forced[position] + _forces_break(operation)

    def _look_ahead(self, operations: Sequence[Operation]) -> None:
        """For each position, find the width from there to where the line may next end."""
        tight = self._inside_tight_groups(operations)
        for position in range(len(operations) - 1, -1, -1):
            operation = operations[position]
            if operation.kind is Kind.LINE and not tight[position]:
                continue
            if operation.kind is Kind.COMMENT and operation.other:
                continue
            width = _flat_width(operation)
            if operation.kind is Kind.CHOICE and not tight[position]:
                # What is asked is whether a group fits, so the list around it is a broken one.
                width = len(operation.other)
            self._rest[position] = self._rest[position + 1] + width

    def _inside_tight_groups(self, operations: Sequence[Operation]) -> bytearray:
        """Marks for the operations inside of tight groups that no break is forced on."""
        marks = bytearray(len(operations))
        for position, operation in enumerate(operations):
            if operation.kind is Kind.GROUP and operation.other == "tight":
                end = self._ends[position]
                if not self._breaks(position, end):
                    marks[position:end] = b"\1" * (end - position)
        return marks


def _flat_width(operation: Operation) -> int:
    match operation.kind:
        case Kind.TEXT | Kind.LINE | Kind.CHOICE:
            return len(operation.text)
        case Kind.SPACE:
            return 1
        case Kind.COMMENT:
            return len(operation.text) + 2
        case _:
            return 0


def _forces_break(operation: Operation) -> bool:
    if operation.kind is Kind.GROUP:
        return operation.flag
    if operation.kind is Kind.COMMENT:
        return bool(operation.other) or operation.flag or "\n" in operation.text
    return False


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
    )

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.indent = 0
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


def render(operations: Sequence[Operation], width: int) -> str:
    """Write the operations, with lines of at most `width` columns where groups can be broken.

    The result has no line break at its end, and no white space at line ends but in comments.
    """
    measure = _Measure(operations)
    writer = _Writer()
    modes = [_Mode.BROKEN]
    for position, operation in enumerate(operations):
        match operation.kind:
            case Kind.GROUP:
                if modes[-1] is _Mode.FLAT:
                    modes.append(_Mode.FLAT)
                else:
                    modes.append(measure.mode(position, writer.room(width)))
            case Kind.END:
                modes.pop()
            case Kind.HUG:
                pass
            case _:
                _write(writer, operation, modes[-1])
    return "".join(writer.parts)


def _write(writer: _Writer, operation: Operation, mode: _Mode) -> None:
    match operation.kind:
        case Kind.TEXT:
            writer.token(operation.text)
        case Kind.SPACE:
            writer.space()
        case Kind.LINE:
            _write_line(writer, operation, mode)
        case Kind.CHOICE:
            chosen = operation.other if mode is _Mode.BROKEN else operation.text
            if chosen:
                writer.token(chosen)
        case Kind.COMMENT:
            writer.comment(operation)
        case Kind.INDENT:
            writer.indent += 0 if mode is _Mode.HUGGED else INDENT_WIDTH
        case _:
            writer.indent -= 0 if mode is _Mode.HUGGED else INDENT_WIDTH


def _write_line(writer: _Writer, operation: Operation, mode: _Mode) -> None:
    if mode is _Mode.BROKEN:
        writer.line(blank=operation.flag)
    elif operation.text:
        writer.space()
