"""A check that reuses earlier results says exactly what a fresh one says, and never fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.spec import ZONES, Case, cases
from vague.ast.definitions import Action, Store
from vague.check_source import NOON, MemoryFiles
from vague.checker import Checked, CheckFacts, check, check_element
from vague.names import names_of, scope_at
from vague.program import Program, ProgramRoot, find_programs, read_program
from vague.rules import ELEMENT_RULES
from vague.traversal.definitions import walk_element
from vague.traversal.surroundings import Surroundings

SPECS = Path(__file__).parents[1] / "spec" / "check"
CASES = [case for case in cases(SPECS) if list(case.files) == ["mission.vague"]]
TEXTS = sorted({case.files["mission.vague"] for case in CASES})
ROOT = ProgramRoot("mission.vague", "file", "mission.vague")
FACTS = CheckFacts(MemoryFiles(), NOON, ZONES)
SNIPPETS = [
    "", " ", "\n", "}", "{", "a", "x", "1", '"', "// c\n", "skip", "let q = 1\n",
    "action Z { skip }\n", 'store zz: file("zz")\n', "source Q { }\n", "schema R { id: string }\n",
    "run A\n", 'get "/q"\n', "enableState: false\n", "stateRetention: 7\n",
    "for r in a { skip }\n", "response", ".id", "mission",
]  # fmt: skip


def program_of(text: str, before: Program | None = None) -> Program:
    return read_program(ROOT, MemoryFiles({"mission.vague": text}), before)


def shown(checked: Checked) -> list[str]:
    return [repr(one) for one in checked.diagnostics]


Edit = tuple[float, int, str]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(SNIPPETS)),
    min_size=1,
    max_size=5,
)


def edited(text: str, edit: Edit) -> str:
    at = int(edit[0] * len(text))
    return text[:at] + edit[2] + text[at + edit[1] :]


@given(st.sampled_from(TEXTS), EDITS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_after_any_edits_the_result_is_that_of_a_fresh_check(text: str, edits: list[Edit]):
    program = program_of(text)
    checked = check(program, FACTS)
    for edit in edits:
        text = edited(text, edit)
        program = program_of(text, program)
        checked = check(program, FACTS, checked)
        assert shown(checked) == shown(check(program_of(text), FACTS))


@st.composite
def programs_of_missions(draw: st.DrawFn) -> str:
    """Several missions with shared definitions between them, in one file."""
    parts = draw(st.lists(st.sampled_from([*MISSIONS, *SHARED]), min_size=2, max_size=7))
    return "".join(part.replace("#", str(number)) for number, part in enumerate(parts))


SHARED = [
    'source Shared# { auth: none, base: "https://s.test" }\n',
    'store common: file("common")\n', "schema Row { id: string }\n", "let limit = 3\n",
    "transform Slim: Row -> Row { id: .id }\n", "action Login { skip }\n",
    "dataset D# { rooms: 3 of Rooms }\n",
]  # fmt: skip
MISSIONS = [
    """mission M# {
  source A { auth: none, base: "https://a.test" }
  store rows: file("rows")
  action Fetch {
    get "/rows"
    for row in response.rows { store row -> rows }
  }
  run Fetch
}
""",
    """mission Same { store common: memory action Fetch { run Login let x = limit } }
""",
    """mission At# { schedule: at "2029-01-01 10:00" action Go { get Shared0 "/x" apply Slim to response }
  run [Go] then Go
}
""",
    """mission Bad# { let a = b let b = 1 store s: file("x") store t: file("x") schema R { ...R } }
""",
]


@given(programs_of_missions(), EDITS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_missions_that_an_edit_only_moves_are_as_if_checked_anew(text: str, edits: list[Edit]):
    program = program_of(text)
    checked = check(program, FACTS)
    for edit in edits:
        text = edited(text, edit)
        program = program_of(text, program)
        checked = check(program, FACTS, checked)
        fresh = check(program_of(text), FACTS)
        assert shown(checked) == shown(fresh)
        assert program.diagnostics == fresh.program.diagnostics
        names, fresh_names = names_of(checked), names_of(fresh)
        assert names.in_file("mission.vague") == fresh_names.in_file("mission.vague")


def test_a_mission_is_checked_again_when_time_or_shared_names_change_and_not_when_it_moves():
    text = "".join(part.replace("#", str(number)) for number, part in enumerate(MISSIONS[:3]))
    program = program_of(text)
    before = check(program, FACTS)
    moved = check(program_of("// moved\n" + text, program), FACTS, before)
    same = [a.found is b.found for a, b in zip(before.missions, moved.missions, strict=True)]
    assert same == [True, True, False]
    shared = check(program_of("let limit = 3\n" + text, program), FACTS, before)
    assert not any(
        a.found is b.found for a, b in zip(before.missions, shared.missions, strict=True)
    )


STEPS = [
    "let a{n} = 1", "let b = a{m}", "let c = {{ k: a{m}.trim() }}", "let a{m} = b", "let _d = nope",
    'get "/rows/{{a{m}}}"', "store response.rows -> s {{ key: .id }}", "store b -> t{m}",
    "for row in response.rows checkpoint every a{m} {{ store row -> s {{ key: row.id }} }}",
    "for r in a{m} parallel {{ let q = r.x store q -> s wait {{ path: '/h' }} }}",
    "match response {{ {{ code: 401 }} -> retry, b -> continue }}", "match b {{ a{m} -> retry }}",
    "map b -> Out {{ x: a{m}, y: .z }}", "apply T to a{m} as e{n}", "continue", "skip", "retry",
    "validate b {{ assume .a > a{m} }} or {{ store failures -> s }}", "jump A then retry",
    "queue s {{ item: b }}", "let e{n} = s.get(a{m})", "let b = 7", "abort 'no'",
    "store {{ x: a{m} where .y > 1 }} -> s", "let f = a{m} | filter(x => x.b == a{n})",
]  # fmt: skip


@st.composite
def long_lists(draw: st.DrawFn) -> str:
    """A program with an action of many steps, some of them in a loop of many steps."""
    numbered = st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(0, 3))
    steps = draw(st.lists(numbered, min_size=25, max_size=70))
    lines = [step.format(n=n, m=m) for step, n, m in steps]
    first = draw(st.integers(0, len(lines)))
    last = draw(st.integers(first, len(lines)))
    inner = "\n".join(["for o in b {", *lines[first:last], "}"])
    body = "\n".join([*lines[:first], inner, *lines[last:]])
    return f"mission M {{\nstore s: memory\nlet a0 = 5\naction A {{\n{body}\n}}\nrun A\n}}\n"


@given(long_lists(), EDITS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_edits_in_long_lists_are_checked_as_afresh(text: str, edits: list[Edit]):
    program = program_of(text)
    checked = check(program, FACTS)
    for edit in edits:
        text = edited(text, edit)
        program = program_of(text, program)
        checked = check(program, FACTS, checked)
        fresh = check(program_of(text), FACTS)
        assert shown(checked) == shown(fresh)
        names, same = names_of(checked), names_of(fresh)
        assert names.in_file("mission.vague") == same.in_file("mission.vague")


@given(long_lists())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_long_list_is_checked_as_if_it_were_not_cut(text: str):
    program = program_of(text)
    for mission in program.missions:
        surroundings = Surroundings.of(program, mission, FACTS)
        for declared in mission.actions.values():
            whole = walk_element(declared, surroundings, ELEMENT_RULES).found
            cut = check_element(declared, surroundings)
            uncut = replace(cut, found=whole, published=None)
            found = cut.at("", 9, broken=False)
            assert sorted(map(repr, found)) == sorted(map(repr, uncut.at("", 9, broken=False)))
            names = sorted(one[:4] for one in cut.occurrences)
            assert names == sorted(one[:4] for one in whole.occurrences)
            assert cut.used == whole.mentions() - {("action", "A")}


def test_a_broken_statement_leaves_the_results_of_all_other_actions():
    """What is said of unknown names comes and goes, and is not computed again."""
    actions = "".join(f"  action A{n} {{ store response -> s{n % 2} }}\n" for n in range(20))
    text = "mission M {\n  store s0: memory\n" + actions + "  run A0\n}\n"
    program = program_of(text)
    before = check(program, FACTS)
    assert sum(one.code == "RQ203" for one in before.diagnostics) == 10
    for broken in ("store response -", "store response -> s0 { key: trim(.id }"):
        edit = text.replace("store response -> s0", broken, 1)
        after = check(program_of(edit, program), FACTS, before)
        assert [one.code for one in after.diagnostics if one.code.startswith("RQ2")] == []
        old = {id(result) for _, result in before.missions[0].elements}
        kept = [1 for _, result in after.missions[0].elements if id(result) in old]
        assert len(kept) == len(before.missions[0].elements) - 1
        mended = check(program_of(text, program_of(edit, program)), FACTS, after)
        assert shown(mended) == shown(before)


def test_an_edit_in_a_long_list_walks_few_steps():
    text = "mission M {\n  store s: memory\n  action A {\n" + "".join(
        f"    let v{n} = {n}\n    store {{ id: v{n} }} -> s\n" for n in range(500)
    )
    text += "  }\n  run A\n}\n"
    program = program_of(text)
    before = check(program, FACTS)
    after = check(program_of(text.replace("= 250", "= 2500"), program), FACTS, before)
    old = {id(one) for _, result in before.missions[0].elements for one in result.found.stretches()}
    stretches = [
        one
        for _, result in after.missions[0].elements
        for one in result.found.stretches()
        if one.level == 1
    ]
    assert sum(len(one.nodes) for one in stretches if id(one) not in old) <= 20
    assert sum(len(one.nodes) for one in stretches) == 1000


def test_an_edit_keeps_the_results_of_all_other_elements():
    text = "mission M {\n  store a: memory\n" + "".join(
        f"  action A{n} {{ store {{ id: {n} }} -> a }}\n" for n in range(20)
    )
    text += "  run " + " then ".join(f"A{n}" for n in range(20)) + "\n}\n"
    program = program_of(text)
    before = check(program, FACTS)
    after = check(program_of(text.replace("id: 7 ", "id: 777 "), program), FACTS, before)
    old = {id(result) for _, result in before.missions[0].elements}
    kept = [result for _, result in after.missions[0].elements if id(result) in old]
    assert len(kept) == len(before.missions[0].elements) - 1
    assert [one.span.start for one in after.diagnostics] != [
        one.span.start for one in before.diagnostics
    ]


@pytest.mark.parametrize(
    ("old", "new", "rechecked"),
    [
        ("store b: memory", "store c: memory", {"B", "C"}),
        ("action C {", "action D {", {"A"}),
        ("enableState: true", "enableState: false", {"A", "B", "C", "a", "b"}),
        ("run A", "run A then A", set()),
        ("let x = 1", "let x = 2", {"C"}),
    ],
)
def test_a_changed_name_rechecks_those_that_asked_for_it(old: str, new: str, rechecked: set[str]):
    """Of the elements that are still the same; the parser reads those beside the edit anew."""
    text = """mission M {
      enableState: true
      store a: memory
      store b: memory
      let x = 1
      action A { run C }
      action B { store { id: 1 } -> b { key: .id } }
      action C { store { id: x } -> b { key: .id } }
      run A
    }"""
    program = program_of(text)
    before = check(program, FACTS)
    after = check(program_of(text.replace(old, new), program), FACTS, before)
    results = {id(declared.node): result for declared, result in before.missions[0].elements}
    assert rechecked == {
        declared.node.name.text
        for declared, result in after.missions[0].elements
        if isinstance(declared.node, Action | Store)
        and results.get(id(declared.node), result) is not result
    }


# ---------------------------------------------------------------- no text is too much


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_prefix_is_checked(case: Case):
    text = case.files["mission.vague"]
    for end in range(0, len(text), 7):
        program = program_of(text[:end])
        checked = check(program, FACTS)
        for one in checked.diagnostics:
            assert 0 <= one.span.start <= one.span.end <= end
        scope_at(program, FACTS, "mission.vague", end)
        names_of(checked).in_file("mission.vague")


@given(st.sampled_from(TEXTS), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_lines_in_any_order_are_checked(text: str, data: st.DataObject):
    lines = data.draw(st.permutations(text.splitlines()))
    check(program_of("\n".join(lines)), FACTS).diagnostics  # noqa: B018 - must not raise


@given(st.binary(max_size=300))
def test_any_bytes_are_checked(data: bytes):
    program = read_program(ROOT, MemoryFiles({"mission.vague": data}))
    assert isinstance(check(program, FACTS).diagnostics, tuple)


@pytest.mark.parametrize(
    "expression",
    [
        "1" + " + 1" * 20_000,
        "a" + ".b" * 20_000,
        "a" + " | first" * 5_000,
        "a" + "[0]" * 10_000,
        "a where " + " where ".join(["true"] * 2_000),
        "not " * 3_000 + "a",
        "- " * 3_000 + "a",
        "a ? 1 : " * 3_000 + "2",
        "if a then " * 3_000 + "1",
        "x => " * 2_000 + "x",
    ],
    ids=lambda text: text[:12],
)
def test_a_long_chain_is_checked(expression: str):
    text = "mission M { let a = 1 action A { let b = %s store b -> s } store s: file run A }"
    program = program_of(text % expression)
    assert isinstance(check(program, FACTS).diagnostics, tuple)


def test_a_changed_clock_is_seen():
    text = 'mission M { schedule: at "2030-01-02 00:00" action A { skip } run A }'
    program = program_of(text)
    before = check(program, FACTS)
    later = CheckFacts(FACTS.files, NOON.replace(year=2031), ZONES)
    assert [one.code for one in before.diagnostics] == []
    assert [one.code for one in check(program, later, before).diagnostics] == ["RQ313"]


def test_collections_hold_programs_of_their_own():
    files = MemoryFiles({"a.vague": "mission M { }", "b.vague": "mission M { }"})
    for root in find_programs(".", files).programs:
        checked = check(read_program(root, files), FACTS)
        assert [one.code for one in checked.diagnostics] == ["RQ104"]


def test_having_no_mission_weighs_more_when_executing():
    program = program_of("let x = 1")
    executing = CheckFacts(FACTS.files, NOON, ZONES, execute=True)
    assert not check(program, FACTS).has_errors
    assert check(program, executing).has_errors
