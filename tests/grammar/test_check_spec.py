"""The specs in `tests/spec/check` hold: code, severity, range, message and fix of every problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.spec import Case, cases, fixed, problems, run, without_expectations

SPECS = Path(__file__).parents[1] / "spec" / "check"
CASES = cases(SPECS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reported_as_written(case: Case):
    assert problems(case) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.fixed], ids=lambda case: case.name)
def test_first_fixes_give_the_text_shown(case: Case):
    assert without_expectations(fixed(case)) == case.fixed


@pytest.mark.parametrize("case", [case for case in CASES if case.fixed], ids=lambda case: case.name)
def test_the_fixed_text_has_none_of_the_problems(case: Case):
    mended = {one.code for checked in run(case) for one in checked.diagnostics if one.fixes}
    again = Case(case.page, case.title, {"mission.vague": case.fixed or ""})
    codes = {one.code for checked in run(again) for one in checked.diagnostics}
    assert codes.isdisjoint(case.mentioned & mended)
