"""Code in the language's docs is code: it parses, checks without errors, and is formatted.

A fence marked `vague error` shows a mistake and must be refused. The pages link to each other and
to the pages of codes, and every construct has a page.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import available_timezones

import pytest

from support.source_tree import ROOT
from vague.checker import CheckFacts, check
from vague.diagnostics import Diagnostic, Severity
from vague.formatter import format_text
from vague.program import find_programs, read_program
from vague.vocabulary.keywords import STEP_WORDS

LANGUAGE = ROOT / "docs" / "language"
PAGES = sorted(LANGUAGE.glob("*.md"))

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
    "/docs/depot-openapi.json": json.dumps(DOCUMENT),
    "/shared/errors.vague": 'store errors: file("errors")\n',
}


@dataclass(frozen=True)
class Fence:
    page: str
    line: int
    marks: tuple[str, ...]
    code: str


def fences() -> list[Fence]:
    found: list[Fence] = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"(?ms)^```vague([^\n]*)\n(.*?)^```$", text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Fence(path.name, line, tuple(match[1].split()), match[2]))
    return found


class Texts:
    """Files in memory: the example and what it imports."""

    def __init__(self, code: str) -> None:
        self.texts = {**BESIDE, "/docs/example.vague": code}

    def read(self, path: str) -> bytes:
        text = self.texts.get(posixpath.normpath(path))
        if text is None:
            raise FileNotFoundError(path)
        return text.encode()

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        path = posixpath.normpath(path)
        if path in self.texts:
            return "file"
        return "folder" if any(name.startswith(f"{path}/") for name in self.texts) else None

    def list(self, folder: str) -> Sequence[str]:
        folder = posixpath.normpath(folder)
        names = {
            name.removeprefix(f"{folder}/").split("/")[0]
            for name in self.texts
            if name.startswith(f"{folder}/")
        }
        return sorted(names)


def errors(code: str) -> list[Diagnostic]:
    files = Texts(code)
    found = find_programs("/docs/example.vague", files)
    program = read_program(found.programs[0], files)
    facts = CheckFacts(
        files=files,
        now=datetime(2031, 5, 6, tzinfo=UTC),
        time_zones=frozenset(available_timezones()),
    )
    return [one for one in check(program, facts).diagnostics if one.severity is Severity.ERROR]


ALL = fences()
IDS = [f"{fence.page}:{fence.line}" for fence in ALL]


@pytest.mark.docs
@pytest.mark.parametrize("fence", ALL, ids=IDS)
def test_code_in_the_docs_is_right_unless_it_is_marked(fence: Fence):
    assert fence.marks in ((), ("error",))
    assert bool(errors(fence.code)) == ("error" in fence.marks)
    result = format_text(fence.code)
    assert (result.text, result.diagnostics) == (fence.code, ())


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
