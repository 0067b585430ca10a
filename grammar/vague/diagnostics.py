"""What the language says about a program: diagnostics with an exact place and, often, a fix.

A diagnostic is a value beside the result, never an exception. Codes and severities are those of
the pages in `vague/pages`; the wording follows one form (see `docs/language/diagnostics.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

from vague.text import Span


class Severity(Enum):
    """How much a diagnostic weighs; only an error keeps a program from running."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace the characters of `span` (offsets in the diagnostic's file) by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A mechanical change that removes the problem. `safe`: it cannot change what a run does."""

    title: str
    edits: tuple[TextEdit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class RelatedPlace:
    """Another place that the problem involves, such as the first of two definitions."""

    path: str
    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of one file.

    Without a `code` it is no mistake of the program, but something that this version cannot do.
    `span` counts offsets from the start of the file at `path`. `message` is lower case, quotes
    program text in single quotes and has no full stop; `help` says what to do next.
    """

    code: str
    severity: Severity
    path: str
    span: Span
    message: str
    help: str | None = None
    fixes: tuple[Fix, ...] = ()
    related: tuple[RelatedPlace, ...] = ()


sort_key: Callable[[Diagnostic], tuple[str, Span, str]] = attrgetter("path", "span", "code")
"""Order in which people read problems: by file, then place, then code."""
