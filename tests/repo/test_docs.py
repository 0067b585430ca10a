"""Code in the docs is code: it parses, checks without errors, and is formatted.

A fence marked `vague error` shows a mistake and must be refused. The pages link to each other and
to the pages of codes, and every construct has a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.formatting import FENCE
from support.source_tree import ROOT
from vague.check_source import check_source
from vague.diagnostics import Diagnostic, Severity
from vague.formatter import format_text
from vague.vocabulary.keywords import STEP_WORDS

LANGUAGE = ROOT / "docs" / "language"
DIAGNOSTICS = ROOT / "docs" / "diagnostics"
PAGES = sorted(LANGUAGE.glob("*.md"))
OTHERS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# What the examples import; they speak of a depot with crates.
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Depot", "version": "1"},
    "servers": [{"url": "https://depot.test"}],
    "paths": {
        "/crates": {"get": {"operationId": "listCrates", "responses": {}}},
        "/crates/audit": {"get": {"operationId": "crates/audit", "responses": {}}},
    },
    "components": {
        "schemas": {"Crate": {"type": "object", "properties": {"code": {"type": "string"}}}}
    },
}
BESIDE = {
    "docs/depot-openapi.json": json.dumps(DOCUMENT),
    "shared/errors.vague": 'store errors: file("errors")\n',
}


@dataclass(frozen=True)
class Fence:
    page: str
    line: int
    marks: tuple[str, ...]
    code: str


def fences(pages: Iterable[Path]) -> list[Fence]:
    found: list[Fence] = []
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Fence(path.name, line, tuple(match[1].split()), match[2]))
    return found


def errors(code: str) -> list[Diagnostic]:
    problems = check_source(code, "docs/example.vague", BESIDE).diagnostics
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def examples(pages: Iterable[Path]) -> list[Any]:
    return [pytest.param(fence, id=f"{fence.page}:{fence.line}") for fence in fences(pages)]


@pytest.mark.docs
@pytest.mark.parametrize("fence", examples([*PAGES, *OTHERS]))
def test_code_in_the_docs_is_right_unless_it_is_marked(fence: Fence):
    assert fence.marks in ((), ("error",))
    assert bool(errors(fence.code)) == ("error" in fence.marks)
    result = format_text(fence.code)
    assert (result.text, result.diagnostics) == (fence.code, ())


@pytest.mark.docs
@pytest.mark.parametrize("fence", examples(sorted(DIAGNOSTICS.glob("*.md"))))
def test_good_examples_of_codes_are_formatted(fence: Fence):
    """That they are right, and the bad ones wrong, `tests/grammar/test_pages.py` asks."""
    if "error" not in fence.marks:
        assert format_text(fence.code).text == fence.code


def test_every_page_is_reached_from_the_index():
    index = (LANGUAGE / "index.md").read_text(encoding="utf-8")
    pages = {path.name for path in PAGES} - {"index.md"}
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_step_is_explained_in_a_page_of_its_own_or_with_its_kind():
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert [word for word in STEP_WORDS if word.islower() and f"`{word}" not in text] == []
