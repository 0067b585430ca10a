"""How messages and fixes are put: lists of names, suggestions, edits of a name."""

from __future__ import annotations

from collections.abc import Iterable

from vague.ast.base import Node
from vague.diagnostics import Fix
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.state import Walk

_MANY = 8


def listed(names: Iterable[str]) -> str:
    """`a, b or c`; long lists are cut."""
    words = list(names)
    if len(words) > _MANY:
        return ", ".join(words[:_MANY]) + ", …"
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"


def count(n: int, noun: str) -> str:
    """`1 argument`, `2 arguments`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def replacement(walk: Walk, at: Node | Span, text: str, *, safe: bool = True) -> Fix:
    """A fix that writes `text` instead."""
    return Fix(f"change to '{text}'", (walk.edit(at, text),), safe)


def suggestion(
    walk: Walk, at: Node | Span, name: str, candidates: Iterable[str]
) -> tuple[str | None, tuple[Fix, ...]]:
    """A help line and a fix with the nearest of the names, if one is near."""
    found = nearest(name, candidates)
    if found is None:
        return None, ()
    return f"did you mean '{found}'?", (replacement(walk, at, found),)


def removal(walk: Walk, at: Node | Span, title: str, *, safe: bool = True) -> Fix:
    """A fix that removes a piece together with the comma and space behind it, if any."""
    span = walk.span(at) if isinstance(at, Node) else at
    rest = walk.rest_of_line(span.end)
    end = span.end + separator_length(rest)
    return Fix(title, (walk.edit(Span(span.start, end), ""),), safe)


def separator_length(rest: str) -> int:
    """How much of the text behind an element goes with it when it is removed."""
    trimmed = rest.lstrip(" \t")
    if trimmed.startswith(","):
        trimmed = trimmed[1:].lstrip(" \t")
    if trimmed.startswith(("\n", "\r", "}", "//", "#", "/*")):
        trimmed = rest.lstrip(" \t").removeprefix(",")
    return len(rest) - len(trimmed)
