"""The specs in `tests/spec/check` hold: code, severity, range, message and fix of every problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.spec import Case, cases, fixed, problems, run, without_expectations
from vague.check_source import check_source

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


UNKNOWN = {
    "jump Nope": "there is A",
    'get Nope "/x"': "there is API",
    "apply Nope to response": "declare it: 'transform Nope …'",
    "match response { Nope -> skip _ -> skip }": "declare it: 'schema Nope { … }'",
    "let b = response is empty": "write 'isEmpty(…)'",
    'get "/y" { since: lastSync(concat("a", "b")) }': "'lastSync' has its key as a plain string, such "
    "as 'lastSync(\"orders\")'; without one, each path has its own",
    "store response -> nope": "declare it: 'store nope: file(\"nope\")'",
}


@pytest.mark.parametrize(("step", "hint"), UNKNOWN.items())
def test_what_is_unknown_is_answered_with_what_there_is(step: str, hint: str):
    source = 'source API { base: "https://x.test" }'
    text = f'mission M {{ {source} action A {{ get "/x" {step} }} run A }}'
    found = [one for one in check_source(text).diagnostics if one.code.startswith("RQ20")]
    assert [one.help for one in found] == [hint]
