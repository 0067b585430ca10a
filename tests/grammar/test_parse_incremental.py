"""After an edit the result is that of a fresh reading, and what has not changed is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.samples import SAMPLES, long_action, long_program
from support.strategies import Change, Typing, changes, programs, typings
from vague.ast.base import Node
from vague.ast.definitions import Action, Mission
from vague.ast.walk import elements
from vague.parser import Parsed, parse
from vague.reread import edit_between


def assert_as_fresh(parsed: Parsed) -> None:
    fresh = parse(parsed.source.text)
    assert parsed.tree == fresh.tree
    assert repr(parsed.tree) == repr(fresh.tree), "spans and places differ"
    assert parsed.diagnostics == fresh.diagnostics
    assert parsed.comments == fresh.comments
    assert parsed.source == fresh.source
    assert parsed.broken == fresh.broken
    assert parsed.matching.unmatched == fresh.matching.unmatched


@given(st.sampled_from(sorted(SAMPLES)), st.lists(changes, min_size=1, max_size=6))
def test_after_any_edits_of_a_sample(name: str, edits: list[Change]):
    check_edits(SAMPLES[name], edits)


@given(programs(), st.lists(changes, min_size=1, max_size=6))
def test_after_any_edits_of_a_program(text: str, edits: list[Change]):
    check_edits(text, edits)


def check_edits(text: str, edits: list[Change]) -> None:
    parsed = parse(text)
    for edit in edits:
        text = edit.applied(text)
        parsed = parse(text, parsed)
        assert_as_fresh(parsed)


@given(st.sampled_from(sorted(SAMPLES)), st.lists(typings, min_size=1, max_size=3))
def test_while_brackets_are_typed(name: str, typed: list[Typing]):
    parsed = parse(SAMPLES[name])
    for session in typed:
        for text in session.texts(parsed.source.text):
            parsed = parse(text, parsed)
        assert_as_fresh(parsed)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["everything", "comments", "names"])
def test_while_a_program_is_typed(name: str):
    """Character by character, as an editor asks; only some of the results are compared in full."""
    text = SAMPLES[name]
    parsed = parse("")
    for end in range(1, len(text) + 1):
        parsed = parse(text[:end], parsed)
        if end % 40 == 0:
            assert_as_fresh(parsed)
    assert_as_fresh(parsed)


REGRESSIONS = {
    "a string opened before a closing brace": (
        'mission M {\n  source S { base: "x" }\n  action A {\n    get /a" { b: 1 }\n  }\n}\n',
        "{ b: 1 }\n", "{ b: 1 }a\n",
    ),
    "a comment opened before a closing brace": (
        "action A { skip }\naction B { skip }\n", "skip }\n", "skip // }\n",
    ),
    "an item broken before an unclosed string": (
        "dataset D { a: 1 of B }\naction A {\n  é\n}\n'\naction C { skip }\n", " of ", " o ",
    ),
    "a head broken before odd characters in its block": (
        "action A { for x in y { ; } }\naction B { }\n", "action A", "actin A",
    ),
    "a value that takes the next statement": (
        "action A {\n  let x = 1\n  store a -> b\n}\n", "= 1", "=",
    ),
    "a value completed again": ("action A {\n  let x =\n  store a -> b\n}\n", "x =", "x = 1"),
    "a path that becomes a source": ("action A {\n  get next\n  skip\n}\n", "next", 'next "/a"'),
    "a step word that loses its arrow": (
        "action A { get next store response -> x skip }", " -> ", " ",
    ),
    "an option that loses its end": (
        "mission M {\n  timeout: 5 minutes\n  a: 1\n}\n", "a: 1", "a 1",
    ),
    "a head moves its block": ("action A { for x in y { skip } }", "in y", "in yyyy"),
    "a step of an arm grows": (
        "action A { match x { a -> for b in c { skip } } }", "skip", "skip abort",
    ),
    "a step of an arm takes options": (
        "action A { match x { a -> queue b, c -> skip } }", ", c", " { d: 1 }, c",
    ),
    "a block is wrapped": ("action A { skip }", "skip", "for x in y { skip }"),
    "an arm becomes a block": ("action A { match x { a -> skip } }", "-> skip", "-> { skip }"),
    "everything goes": ("action A { skip }", "action A { skip }", ""),
    "a brace goes": ("mission M {\n  action A { skip }\n}\n", "{ skip", " skip"),
    "odd characters in a block whose head breaks": (
        "\ufeffmission' M {\n\taction B {\n`\t\tget \"/x\"\n\t}\n}", "mission'", "missio",
    ),
    "a line is joined with the end of its block": (
        "mission M {\n  action A {\n    skip )\n  }\n  run A\n}\n", ")\n  }", ") }",
    ),
    "a line is broken before a bracket on its own line": (
        'mission M { source S { base: "http://a" } action B { get "/x" { p: 1 } get next }\n'
        "  { key: .id }\n}\n", "p: 1", "p:\n 1",
    ),
    "a carriage return goes": ("action A {\r\n  skip\r\n}\r\n", "\r\n  skip", "\n  skip"),
}  # fmt: skip


@pytest.mark.parametrize("name", REGRESSIONS)
def test_edits_that_reach_far(name: str):
    text, old, new = REGRESSIONS[name]
    assert old in text
    changed = text.replace(old, new, 1)
    assert_as_fresh(parse(changed, parse(text)))
    assert_as_fresh(parse(text, parse(changed)))


@given(st.text("ab\n", max_size=30), st.text("ab\n", max_size=30))
def test_the_edit_between_two_texts(old: str, new: str):
    start, old_end, new_end, joins_lines = edit_between(old, new)
    assert joins_lines == ("\n" in old[start:old_end])
    assert 0 <= start <= min(old_end, new_end)
    assert old[:start] + new[start:new_end] + old[old_end:] == new
    if start < min(old_end, new_end):
        assert old[start] != new[start]
        assert old[old_end - 1] != new[new_end - 1]


# ---------------------------------------------------------------- what is kept


def nodes_of(parsed: Parsed) -> list[Node]:
    return [at.node for at in elements(parsed.tree)]


def kept(before: Parsed, after: Parsed) -> int:
    """How many elements are the same objects."""
    old = {id(node) for node in nodes_of(before)}
    return sum(id(node) in old for node in nodes_of(after))


def test_the_same_text_gives_the_same_result():
    parsed = parse("mission M { }")
    assert parse("mission M { }", parsed) is parsed


@pytest.mark.parametrize("text", [long_program(400), long_action(400)], ids=["missions", "steps"])
def test_an_edit_makes_anew_only_what_it_touches_and_what_is_around(text: str):
    before = parse(text)
    at = text.index("value200" if "value200" in text else "row.price * 7") + 3
    after = parse(text[:at] + "x" + text[at:], before)
    assert after.diagnostics == ()
    n_nodes = len(nodes_of(after))
    assert n_nodes == len(nodes_of(before))
    assert kept(before, after) >= n_nodes - 4


@pytest.mark.parametrize(
    "keys",
    [
        "\n      let x = trim(lower(row.name)) + [1]",
        "\n      store { id: .id } -> t { key: .id }",
        "\n      for x in y {\n        skip\n      }",
        "\n      let y = row.name }",
        "\n      let y = 'a [",
    ],
)
def test_while_brackets_do_not_match_the_rest_is_kept(keys: str):
    text = long_program(400)
    at = text.index("# with tax\n", len(text) // 2) + len("# with tax")
    before = parse(text)
    for end in range(1, len(keys) + 1):
        after = parse(text[:at] + keys[:end] + text[at:], before)
        assert kept(before, after) >= len(nodes_of(after)) - 20, keys[:end]
        before = after


def test_a_step_between_two_others_leaves_them_alone():
    text = "mission M {\n  action A {\n    skip\n    abort\n  }\n  action B { skip }\n}\n"
    before = parse(text)
    after = parse(text.replace("skip\n", "skip\n    retry\n", 1), before)
    assert_as_fresh(after)
    mission = after.tree.items[0].node
    assert isinstance(mission, Mission)
    old = before.tree.items[0].node
    assert isinstance(old, Mission)
    assert mission.members[1].node is old.members[1].node
    first, first_old = mission.members[0].node, old.members[0].node
    assert isinstance(first, Action)
    assert isinstance(first_old, Action)
    assert first.steps[0].node is first_old.steps[0].node
    assert first.steps[2].node is first_old.steps[1].node


def test_a_mistake_is_not_told_twice():
    text = SAMPLES["everything"]
    parsed = parse(text)
    broken = parse(text.replace("store bin -> slips", "store bin - slips"), parsed)
    assert [one.code for one in broken.diagnostics] == ["RQ001"]
    assert kept(parsed, broken) >= len(nodes_of(broken)) - 6
    mended = parse(text, broken)
    assert mended.diagnostics == ()
    assert mended.tree == parsed.tree
