"""Source text: spans of offsets, and the way from an offset to a line and a column.

Offsets count Unicode code points of one text. Nothing here reads a file; the units of an
editor (UTF-8, UTF-16) exist only in the language server.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range of offsets; what they count from, the holder of the span says."""

    start: int
    end: int

    def shifted(self, by: int) -> Span:
        """The same range counted from a place that lies `by` characters earlier."""
        return Span(self.start + by, self.end + by)


class Location(NamedTuple):
    """A place as people read it: line and column, both from 1, the column in code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class SourceText:
    """One text with the offsets at which its lines begin. LF and CRLF end a line."""

    text: str
    line_starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> SourceText:
        """Index `text` by lines; cost is one pass over it."""
        starts = [0]
        position = text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = text.find("\n", position + 1)
        return cls(text, tuple(starts))

    def location(self, offset: int) -> Location:
        """Line and column of `offset`, clamped to the text."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.line_starts, offset)
        return Location(line, offset - self.line_starts[line - 1] + 1)

    def offset(self, location: Location) -> int:
        """Offset of `location`; past the end of a line it is the end of that line."""
        line = max(1, min(location.line, len(self.line_starts)))
        start = self.line_starts[line - 1]
        return min(start + max(0, location.column - 1), start + len(self.line(line)))

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line break."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")
