"""Literate specs of the parser: what a text is read as, and what is said about its mistakes.

A section (`## …`) is a case. Its ```vague block is a file; a ```tree block below it is its tree
(see `trees`), a ```fixed block what all first fixes of its problems make of it. Problems stand at
the end of their line, with the exact range and the message:

    store response rooms   // error[RQ001] «rooms»: expected '->', found 'rooms'

Problems that no comment announces are not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.spec import expectations
from vague.diagnostics import Diagnostic
from vague.parser import Parsed, parse

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class SyntaxCase:
    """One section of a spec."""

    page: str
    title: str
    text: str
    tree: str | None
    fixed: str | None

    @property
    def name(self) -> str:
        return f"{self.page}: {self.title}"


def syntax_cases(folder: Path) -> list[SyntaxCase]:
    """All cases of the specs in a folder."""
    return [case for path in sorted(folder.glob("*.md")) for case in _cases_of(path)]


def _cases_of(path: Path) -> Iterator[SyntaxCase]:
    parts = _HEADING.split(path.read_text(encoding="utf-8"))[1:]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        blocks = dict(_FENCE.findall(body))
        yield SyntaxCase(path.stem, title, blocks["vague"], blocks.get("tree"), blocks.get("fixed"))


def announced(case: SyntaxCase) -> list[str]:
    """The problems that the comments announce, in order."""
    return sorted(
        f"{one.line:3} {one.code} «{one.text}»: {one.message}"
        for one in expectations("", case.text)
    )


def found(case: SyntaxCase) -> list[str]:
    """The problems that the parser finds, in the same form."""
    parsed = parse(case.text)
    return sorted(_line_of(parsed, one) for one in parsed.diagnostics)


def _line_of(parsed: Parsed, one: Diagnostic) -> str:
    line = parsed.source.location(one.span.start).line
    text = parsed.source.text[one.span.start : one.span.end]
    return f"{line:3} {one.code} «{text}»: {one.message}"


def with_first_fixes(text: str) -> str:
    """The text after the first fix of every problem."""
    edits = {edit for one in parse(text).diagnostics for fix in one.fixes[:1] for edit in fix.edits}
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text
