"""Every code has a page, whose bad examples have exactly that problem and whose good ones none."""

from __future__ import annotations

import pytest

from vague.check_source import NOON, MemoryFiles
from vague.checker import CheckFacts, check
from vague.codes import SEVERITIES
from vague.diagnostics import Severity
from vague.pages import Example, Page, page, pages
from vague.program import find_programs, read_program

ZONES = frozenset({"Europe/Lisbon", "Europe/London", "UTC"})
PAGES = pages()
BAD = [
    pytest.param(one, example, id=f"{one.code}-{number}")
    for one in PAGES
    for number, example in enumerate(one.bad, 1)
]
GOOD = [
    pytest.param(one, example, id=f"{one.code}-{number}")
    for one in PAGES
    for number, example in enumerate(one.good, 1)
]


def codes_of(example: Example) -> set[tuple[str, Severity]]:
    files = MemoryFiles(example)
    found = find_programs(".", files)
    diagnostics = list(found.diagnostics)
    for root in found.programs or find_programs("mission.vague", files).programs:
        diagnostics += check(read_program(root, files), CheckFacts(files, NOON, ZONES)).diagnostics
    return {(one.code, one.severity) for one in diagnostics}


def test_every_code_has_a_page():
    assert [one.code for one in PAGES] == sorted(SEVERITIES)
    assert page("RQ999") is None


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.code)
def test_a_page_is_complete(one: Page):
    assert one.severity is SEVERITIES[one.code]
    assert one.title
    assert all((one.what, one.bad, one.good, one.why, one.fix))
    assert not one.title.endswith(".")


@pytest.mark.parametrize(("one", "example"), BAD)
def test_the_bad_example_has_this_problem_and_no_other(one: Page, example: Example):
    assert codes_of(example) == {(one.code, one.severity)}


@pytest.mark.parametrize(("one", "example"), GOOD)
def test_the_good_example_has_no_problem(one: Page, example: Example):
    assert codes_of(example) == set()


def checked_of(example: Example):
    files = MemoryFiles(example)
    facts = CheckFacts(files, NOON, ZONES)
    roots = find_programs(".", files).programs or find_programs("mission.vague", files).programs
    return [check(read_program(root, files), facts) for root in roots if files.kind(root.path)]


@pytest.mark.parametrize(("one", "example"), BAD)
def test_every_fix_removes_its_problem_and_makes_no_syntax_error(one: Page, example: Example):
    for checked in checked_of(example):
        mine = [found for found in checked.diagnostics if found.code == one.code]
        for found in mine:
            for fix in found.fixes:
                text = checked.program.files[found.path].parsed.source.text
                for edit in sorted(fix.edits, key=lambda edit: edit.span, reverse=True):
                    text = text[: edit.span.start] + edit.text + text[edit.span.end :]
                (again,) = checked_of({**example, found.path: text.encode()})
                left = [other for other in again.diagnostics if other.code == one.code]
                assert len(left) < len(mine), fix.title
                assert not [other for other in again.diagnostics if other.code < "RQ100"], text
