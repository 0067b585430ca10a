"""The canonical layout of a program: comments and blank lines kept, the tree unchanged.

`format_text` gives the whole text, `format_edits` the changes alone. Neither reads a file, and
neither ever raises: a text with syntax errors comes back as it is, with its diagnostics, and so
does one for which the result would not be the same program. What the layout is,
`docs/language/formatting.md` says.
"""

from __future__ import annotations

from dataclasses import dataclass

from vague.diagnostics import Diagnostic, Severity, TextEdit
from vague.formatter.definitions import DEFINITION_TEMPLATES, file_items
from vague.formatter.edits import edits_between
from vague.formatter.expressions import EXPRESSION_TEMPLATES
from vague.formatter.layout import render
from vague.formatter.sameness import same_comments, same_tree
from vague.formatter.steps import STEP_TEMPLATES
from vague.formatter.trivia import BYTE_ORDER_MARK, read_tokens
from vague.formatter.weave import MismatchError, weave
from vague.parser import Parsed, parse
from vague.text import Span

__all__ = ["LINE_WIDTH", "TEMPLATES", "Formatted", "format_edits", "format_text"]

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


def format_text(text: str, parsed: Parsed | None = None) -> Formatted:
    """Lay `text` out in the canonical way; `parsed` spares reading it once more.

    Line endings (those of most lines) and a byte-order mark are kept. The diagnostics are the
    syntax errors that keep a text from being formatted, or RQ000 where the formatter itself failed.
    """
    parsed = parse(text) if parsed is None else parsed
    errors = _errors(parsed)
    if errors:
        return Formatted(text, changed=False, diagnostics=errors)
    try:
        result = _lay_out(text, parsed)
    except MismatchError:
        return _refused(text)
    if result == text:
        return Formatted(text, changed=False)
    if not _same_program(parsed, parse(result, parsed)):
        return _refused(text)
    return Formatted(result, changed=True)


def format_edits(text: str, parsed: Parsed | None = None) -> tuple[TextEdit, ...]:
    """The changes that `format_text` makes, each as small as possible, in order."""
    formatted = format_text(text, parsed)
    return edits_between(text, formatted.text) if formatted.changed else ()


def _lay_out(text: str, parsed: Parsed) -> str:
    operations = weave(file_items(parsed.tree), read_tokens(text), TEMPLATES)
    result = render(operations, LINE_WIDTH)
    if result:
        result += "\n"
    windows_lines = text.count("\r\n")
    if windows_lines * 2 > text.count("\n"):
        result = result.replace("\n", "\r\n")
    return BYTE_ORDER_MARK + result if text.startswith(BYTE_ORDER_MARK) else result


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
        code="RQ000",
        severity=Severity.ERROR,
        path="",
        span=Span(0, 0),
        message="this file cannot be formatted without changing its meaning, so it was left alone",
        help="this is a fault of the formatter: please report it together with the file",
    )
    return Formatted(text, changed=False, diagnostics=(problem,))
