"""The border between our units and the client's: offsets and positions, paths and URIs.

Inside the server a place is an offset in code points. A client counts lines and, within a line,
UTF-8 bytes, UTF-16 units or code points, as was negotiated. The modules of the
connection mention LSP types, features never do.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import accumulate, count
from operator import add
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from lsprotocol import types
from pygls import uris

from vague.diagnostics import Diagnostic, Severity
from vague.text import Span

Encoding = Literal["utf-8", "utf-16", "utf-32"]
Json = dict[str, Any]

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error.value,
    Severity.WARNING: types.DiagnosticSeverity.Warning.value,
    Severity.INFO: types.DiagnosticSeverity.Information.value,
    Severity.HINT: types.DiagnosticSeverity.Hint.value,
}
UNNECESSARY_CODES = frozenset(
    {"RQ401", "RQ402", "RQ403", "RQ404", "RQ405", "RQ406", "RQ407", "RQ408"}
)


@dataclass(frozen=True)
class LineIndex:
    """One text by the client's lines: CRLF, LF and a lone CR each end one."""

    text: str
    encoding: Encoding
    starts: list[int] = field(init=False)
    ends: list[int] = field(init=False)
    ascii_only: bool = field(init=False)

    def __post_init__(self) -> None:
        starts, ends = _lines(self.text) if "\r" in self.text else _lines_by_feed(self.text)
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "ascii_only", self.text.isascii())

    def offset(self, position: types.Position) -> int:
        """Offset of a client's position; whatever lies outside is clamped to the nearest place."""
        line = position.line
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[line], self.ends[line]
        units = max(0, position.character)
        if self.ascii_only or self.encoding == "utf-32":
            return min(start + units, end)
        return start + _code_points(self.text[start:end], units, self.encoding)

    def position(self, offset: int) -> types.Position:
        """The client's position of an offset; inside a line break it is the line's end."""
        return types.Position(*self.place(offset))

    def place(self, offset: int) -> tuple[int, int]:
        """The same as line and character."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset) - 1
        start = self.starts[line]
        before = self.text[start : min(offset, self.ends[line])]
        if self.ascii_only or self.encoding == "utf-32":
            return line, len(before)
        return line, self.units(before)

    def units(self, text: str) -> int:
        """How many of the client's units a text takes in a line."""
        return len(text) if text.isascii() else _units(text, self.encoding)

    def range(self, span: Span) -> types.Range:
        """The client's range of a span."""
        return types.Range(self.position(span.start), self.position(span.end))

    def span(self, range_: types.Range) -> Span:
        """The span of a client's range; a reversed one is turned round."""
        first, second = self.offset(range_.start), self.offset(range_.end)
        return Span(min(first, second), max(first, second))

    def line_end(self, offset: int) -> int:
        """Offset of the end of the line that holds `offset`, its line break left out."""
        return self.ends[bisect_right(self.starts, max(0, min(offset, len(self.text)))) - 1]


def plain_range(span: Span, index: LineIndex) -> Json:
    """A range as it goes out."""
    (first, start), (last, end) = index.place(span.start), index.place(span.end)
    return {
        "start": {"line": first, "character": start},
        "end": {"line": last, "character": end},
    }


def _lines(text: str) -> tuple[list[int], list[int]]:
    """Where the lines start and end."""
    starts: list[int] = [0]
    ends: list[int] = []
    for found in _LINE_BREAK.finditer(text):
        ends.append(found.start())
        starts.append(found.end())
    ends.append(len(text))
    return starts, ends


def _lines_by_feed(text: str) -> tuple[list[int], list[int]]:
    """The same where only LF ends lines: counted without a step in Python for each line."""
    lengths = map(len, text.split("\n"))
    ends = list(map(add, accumulate(lengths), count()))
    return [0, *map((1).__add__, ends[:-1])], ends


@lru_cache(maxsize=8)
def line_index(text: str, encoding: Encoding) -> LineIndex:
    """The lines of a text; those of the newest texts are kept."""
    return LineIndex(text, encoding)


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32":
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(character > "\uffff" for character in text)
    return len(text.encode("utf-8", "surrogatepass"))


def _code_points(line: str, units: int, encoding: Encoding) -> int:
    """How many code points of `line` lie wholly before `units`."""
    used = 0
    for index, character in enumerate(line):
        used += _units(character, encoding)
        if used > units:
            return index
    return len(line)


def negotiated(capabilities: types.ClientCapabilities) -> Encoding:
    """The position encoding that this session uses: the client's first choice that we know."""
    general = capabilities.general
    offered = (general.position_encodings if general else None) or []
    for encoding in offered:
        value = encoding.value if isinstance(encoding, types.PositionEncodingKind) else encoding
        if value in ("utf-8", "utf-16", "utf-32"):
            return value
    return "utf-16"


def path_of(uri: str) -> str | None:
    """The canonical path of a `file:` URI, None for any other kind."""
    if not uri.startswith("file:"):
        return None
    path = uris.to_fs_path(uri)
    if not path:
        return None
    path = str(Path(path))
    return path.casefold() if sys.platform == "win32" else path


def uri_of(path: str) -> str:
    """The `file:` URI of a path."""
    return uris.from_fs_path(path) or Path(path).as_uri()


def canonical_uri(uri: str) -> str:
    """The key under which a document is kept, whatever the client's spelling of its URI."""
    path = path_of(uri)
    return f"path:{path}" if path is not None else f"uri:{unquote(uri)}"


@cache
def code_page(code: str) -> str | None:
    """The URI of the page that explains a code."""
    page = files("vague.pages").joinpath(f"{code}.md")
    return uri_of(str(page)) if page.is_file() else None


def diagnostic(
    found: Diagnostic,
    index: LineIndex,
    related: Sequence[Json] = (),
    *,
    describe: bool = False,
) -> Json:
    """A diagnostic as it goes out; the help line follows the message."""
    message = f"{found.message}\n{found.help}" if found.help else found.message
    page = code_page(found.code) if describe else None
    shown: Json = {
        "range": plain_range(found.span, index),
        "message": message,
        "severity": _SEVERITIES[found.severity],
        "code": found.code,
        "source": "reqon",
    }
    if found.code in UNNECESSARY_CODES:
        shown["tags"] = [types.DiagnosticTag.Unnecessary.value]
    if related:
        shown["relatedInformation"] = list(related)
    if page is not None:
        shown["codeDescription"] = {"href": page}
    return shown
