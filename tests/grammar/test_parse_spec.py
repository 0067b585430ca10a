"""The specs in `tests/spec/parse` hold: trees, and every problem with code, range and message."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.spec import without_expectations
from support.syntax import SyntaxCase, announced, found, syntax_cases, with_first_fixes
from support.trees import shown
from vague.parser import parse

CASES = syntax_cases(Path(__file__).parents[1] / "spec" / "parse")


def test_there_are_cases():
    assert len(CASES) > 50
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems_are_those_announced(case: SyntaxCase):
    assert found(case) == announced(case)


@pytest.mark.parametrize("case", [one for one in CASES if one.tree], ids=lambda case: case.name)
def test_the_tree_is_as_shown(case: SyntaxCase):
    assert shown(parse(case.text).tree) + "\n" == case.tree


@pytest.mark.parametrize("case", [one for one in CASES if one.fixed], ids=lambda case: case.name)
def test_first_fixes_give_the_text_shown(case: SyntaxCase):
    assert without_expectations(with_first_fixes(case.text)) == case.fixed
