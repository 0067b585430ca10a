"""A line of a program with the place underlined: how diagnostics and run-time errors are shown.

    customer_sync.vague:14:29: error[RQ203]: unknown store 'custmers'
       |
    14 |     store response.data -> custmers { key: .id }
       |                            ^^^^^^^^
       help: did you mean 'customers'?

Pure: text in, lines out, at most as wide as asked. The first line has the form
`FILE:LINE:COL: severity[CODE]: message` on one line, however long, since editors and CI match it.
"""

from __future__ import annotations

from collections.abc import Callable

from reqon.cli import wording
from vague.diagnostics import Diagnostic
from vague.text import SourceText, Span

Paint = Callable[[str, str], str]
_MARGIN = 12
_MIN_WIDTH, _MAX_WIDTH = 20, 160


def diagnostic_lines(
    diagnostic: Diagnostic, source: SourceText | None, path: str, width: int, paint: Paint
) -> list[str]:
    """All lines of one diagnostic; `source` is None where the file's text is not at hand."""
    severity = diagnostic.severity.value
    place = path
    if source is not None:
        line, column = source.location(diagnostic.span.start)
        place = f"{path}:{line}:{column}"
    code = f"[{diagnostic.code}]" if diagnostic.code else ""
    head = paint(f"{severity}{code}", severity)
    lines = [f"{place}: {head}: {wording.one_line(diagnostic.message)}"]
    if source is not None and source.text:
        lines += marked_line(source, diagnostic.span, width, paint, severity)
    if diagnostic.help:
        lines += help_lines(diagnostic.help, width, paint)
    return lines


def help_lines(text: str, width: int, paint: Paint) -> list[str]:
    """`help: …`, wrapped under itself."""
    first, *rest = wording.wrap(wording.one_line(text), max(_MIN_WIDTH, width - 9))
    return [f"   {paint('help:', 'help')} {first}", *(" " * 9 + part for part in rest)]


def marked_line(source: SourceText, span: Span, width: int, paint: Paint, style: str) -> list[str]:
    """The line on which `span` starts, with that part of it underlined."""
    line, column = source.location(span.start)
    number = str(line)
    gutter = " " * len(number)
    text = source.line(line)
    start = min(column - 1, len(text))
    end = min(max(span.end - source.line_starts[line - 1], start + 1), max(len(text), start + 1))
    room = max(_MIN_WIDTH, min(width, _MAX_WIDTH) - len(number) - 3)
    shown, indent, marked = _fit(text, start, end, room)
    bar = paint("|", "faint")
    return [
        f"{gutter} {bar}",
        f"{paint(number, 'faint')} {bar} {shown}".rstrip(),
        f"{gutter} {bar} {' ' * indent}{paint('^' * max(1, marked), style)}",
    ]


def head_span(source: SourceText, start: int, head: str) -> Span:
    """The part of the line from `start` on that `head`, the step's own words, covers.

    `head` has its white space made single and may end in `…`; the span ends with the line. Where
    the text is another one (the file was edited), it is the rest of the line.
    """
    line, _ = source.location(start)
    end = source.line_starts[line - 1] + len(source.line(line).rstrip())
    at, cut = start, head.endswith("…")
    for word in head.removesuffix("…").split():
        while at < end and source.text[at].isspace():
            at += 1
        if at >= end:
            break
        if not source.text.startswith(word, at):
            return Span(start, end)
        at += len(word)
    return Span(start, end if cut or at == start else at)


def _fit(text: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """Cut `text` to `width` columns around its marked part; with where and how far to mark."""
    clean = wording.one_line(text)
    if wording.display_width(clean) <= width:
        return clean, *_columns(clean, start, end)
    begin = 0
    if wording.display_width(clean[:end]) > width:
        begin = max(0, start - _MARGIN)
    head = "..." if begin else ""
    shown = wording.shortened(head + clean[begin:], width)
    offset = len(head) - begin
    indent, marked = _columns(shown, start + offset, min(end + offset, len(shown)))
    return shown, indent, marked


def _columns(text: str, start: int, end: int) -> tuple[int, int]:
    return wording.display_width(text[:start]), wording.display_width(text[start:end])
