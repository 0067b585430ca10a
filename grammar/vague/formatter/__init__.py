"""The canonical layout of a program: comments and blank lines kept, the tree unchanged.

`format_text` gives the whole text, `format_edits` the changes alone. Neither reads a file, and
neither ever raises: a text with syntax errors comes back as it is, with its diagnostics, and so
does one for which the result would not be the same program. What the layout is,
`docs/language/formatting.md` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vague.diagnostics import Diagnostic, Severity, TextEdit
from vague.formatter.blocks import Laid, Layouts
from vague.formatter.definitions import DEFINITION_TEMPLATES, file_items
from vague.formatter.expressions import EXPRESSION_TEMPLATES
from vague.formatter.sameness import same_comments, same_tree
from vague.formatter.steps import STEP_TEMPLATES
from vague.formatter.trivia import BYTE_ORDER_MARK
from vague.formatter.weave import MismatchError
from vague.parser import Parsed, parse
from vague.text import Span

__all__ = ["LINE_WIDTH", "TEMPLATES", "Earlier", "Formatted", "format_edits", "format_text"]

LINE_WIDTH = 100
"""Columns of a line, wherever a line can be broken."""

TEMPLATES = {**EXPRESSION_TEMPLATES, **STEP_TEMPLATES, **DEFINITION_TEMPLATES}
"""How each class of nodes is laid out."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """The formatted text; where there are diagnostics, the text that was given."""

    text: str
    changed: bool
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Earlier:
    """What formatting a text has found out, for the next time: that costs what has changed."""

    layouts: Layouts = field(default_factory=lambda: Layouts(TEMPLATES, LINE_WIDTH))
    formatted: Parsed | None = None


def format_text(
    text: str, parsed: Parsed | None = None, earlier: Earlier | None = None
) -> Formatted:
    """Lay `text` out in the canonical way; `parsed` spares reading it once more.

    Line endings (those of most lines) and a byte-order mark are kept. The diagnostics are the
    syntax errors that keep a text from being formatted; one without a code says that the formatter
    itself failed.
    """
    return _format(text, parsed, earlier or Earlier())[0]


def format_edits(
    text: str, parsed: Parsed | None = None, earlier: Earlier | None = None
) -> tuple[TextEdit, ...]:
    """The changes that `format_text` makes, each as small as possible, in order."""
    formatted, laid = _format(text, parsed, earlier or Earlier())
    return laid.edits if formatted.changed and laid is not None else ()


def _format(text: str, parsed: Parsed | None, earlier: Earlier) -> tuple[Formatted, Laid | None]:
    parsed = parse(text) if parsed is None else parsed
    errors = _errors(parsed)
    if errors:
        return Formatted(text, changed=False, diagnostics=errors), None
    try:
        laid = _lay_out(text, parsed, earlier.layouts)
    except MismatchError:
        return _refused(text), None
    if laid.text == text:
        return Formatted(text, changed=False), laid
    earlier.formatted = after = parse(laid.text, earlier.formatted or parsed)
    if not _same_program(parsed, after):
        return _refused(text), None
    return Formatted(laid.text, changed=True), laid


def _lay_out(text: str, parsed: Parsed, layouts: Layouts) -> Laid:
    laid = layouts.lay_out(text, file_items(parsed.tree))
    result = f"{laid.text}\n" if laid.text else ""
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    windows_lines = text.count("\r\n")
    if windows_lines * 2 > text.count("\n"):
        return Laid(text, mark + result.replace("\n", "\r\n"), ())
    return Laid(text, mark + result, laid.moved(len(mark)))


def _errors(parsed: Parsed) -> tuple[Diagnostic, ...]:
    return tuple(one for one in parsed.diagnostics if one.severity is Severity.ERROR)


def _same_program(before: Parsed, after: Parsed) -> bool:
    return (
        not _errors(after)
        and same_tree(before.tree, after.tree)
        and same_comments(before.comments, after.comments)
    )


def _refused(text: str) -> Formatted:
    problem = Diagnostic(
        code="",
        severity=Severity.ERROR,
        path="",
        span=Span(0, 0),
        message="this file cannot be formatted without changing its meaning, so it was left alone",
        help="this is a fault of the formatter: please report it together with the file",
    )
    return Formatted(text, changed=False, diagnostics=(problem,))
