"""Colours, folds, layout, signatures and fixes, told from the text and the last check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon_lsp.convert import LineIndex
from reqon_lsp.features.code_actions import code_actions
from reqon_lsp.features.folding import folding
from reqon_lsp.features.formatting import formatting, range_formatting
from reqon_lsp.features.semantic_tokens import MODIFIERS, TYPES, semantic_tokens, stretches
from reqon_lsp.features.signature_help import signature_help
from reqon_lsp.token_data import KnownTokens, encoded, joined
from support.cursor import At, at, snapshot_of
from support.source_tree import ROOT
from vague.formatter import format_text
from vague.pages import pages
from vague.program import ProgramRoot
from vague.text import Span

EXAMPLES = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.vague")]

TYPED = ["", "x", "é😀", "\n", "\r\n", "{", "}", '"', "// ", "let a = people ", "mission N { "]

MISSION = """\
// A mission.
// It does little.
mission Sync {
  source API { auth: none, base: "https://api.test" }
  store people: file("people")
  action Fetch {
    get "/people" {
      since: lastSync
    }
    for person in people {
      let old = uppercase(person.name) == "X" and 3 days > 1
    }
  }
  run Fetch
}
"""


def tokens(text: str, span: Span | None = None) -> list[tuple[str, str]]:
    here = at(text)
    return [
        (here.text[slice(*token.span)], token.kind)
        for token in semantic_tokens(here.snapshot, here.path, span)
    ]


def test_words_have_the_colour_of_their_meaning():
    found = dict(tokens(MISSION))
    assert found["// A mission."] == "comment"
    assert found["mission"] == "keyword"
    assert found["Sync"] == "namespace"
    assert found["API"] == "class"
    assert found["auth"] == "property"
    assert found['"/people"'] == "string"
    assert found["people"] == "variable"
    assert found["person"] == "parameter"
    assert found["uppercase"] == "function"
    assert found["name"] == "property"
    assert found["Fetch"] == "function"
    assert found["days"] == "type"
    assert found["3"] == "number"
    assert found["=="] == "operator"


@pytest.mark.parametrize("text", EXAMPLES)
def test_tokens_are_in_order_apart_and_on_one_line(text):
    here = at(text)
    end = 0
    for token in semantic_tokens(here.snapshot, here.path):
        assert end <= token.span.start < token.span.end
        assert "\n" not in here.text[slice(*token.span)]
        assert token.kind in TYPES
        assert set(token.modifiers) <= set(MODIFIERS)
        end = token.span.end


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_tokens_of_a_range_are_those_of_the_whole(text):
    here = at(text)
    middle = Span(len(text) // 3, 2 * len(text) // 3)
    whole = [t for t in semantic_tokens(here.snapshot, here.path) if t.span.start < middle.end]
    part = list(semantic_tokens(here.snapshot, here.path, middle))
    assert part
    assert whole[-len(part) :] == part


EDITED = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 12), st.sampled_from(TYPED)), max_size=4
)


@given(st.sampled_from([MISSION, *EXAMPLES]), EDITED, st.sampled_from(["utf-8", "utf-16"]))
def test_tokens_that_are_kept_are_those_of_the_text_as_it_is(text, edits, encoding):
    known, snapshot = KnownTokens(), None
    for start, length, typed in [(0, 0, ""), *edits]:
        text = text[:start] + typed + text[start + length :]
        snapshot = snapshot_of(
            ProgramRoot("m.vague", "file", "m.vague"), {"m.vague": text}, snapshot
        )
        index = LineIndex(text, encoding)
        every = encoded(semantic_tokens(at(text).snapshot, "m.vague"), index)
        assert known.joined(stretches(snapshot, "m.vague"), index) == joined([(0, every)])


def test_blocks_and_comments_fold_from_their_first_line():
    here = at(MISSION)
    found = [(fold.first, fold.last, fold.kind) for fold in folding(here.snapshot, here.path)]
    assert found == [
        (0, 1, "comment"),
        (2, 13, "region"),
        (5, 11, "region"),
        (6, 7, "region"),
        (9, 10, "region"),
    ]
    assert len(folding(here.snapshot, here.path, 2)) == 2


def apply(here: At, edits) -> str:
    return applied(here.text, edits)


def applied(text: str, edits) -> str:
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


@given(st.sampled_from(EXAMPLES), st.data())
def test_the_edits_of_formatting_give_the_canonical_text(text, data):
    lines = text.split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = data.draw(st.sampled_from([" ", "   ", "\t"])) + lines[number] + "  "
    here = at(data.draw(st.sampled_from(["\n", "\r\n"])).join(lines))
    edits = formatting(here.snapshot, here.path)
    assert apply(here, edits) == format_text(here.text).text
    for edit in edits:
        assert here.text[slice(*edit.span)] != edit.text


def test_formatting_some_lines_leaves_the_others():
    text = "mission A {\n     store s: file('s')\n  action B {\n       clear s\n  }\n}\n"
    here = at(text)
    line = here.offset_of("       clear s")
    edits = range_formatting(here.snapshot, here.path, Span(line, line + 3))
    assert apply(here, edits) == text.replace("       clear s", "    clear s")


def test_text_with_syntax_errors_is_not_formatted():
    here = at("mission A {\n     store s: file(\n}\n")
    assert formatting(here.snapshot, here.path) == ()


@pytest.mark.parametrize(
    ("call", "label", "active"),
    [
        ("substring($0", "substring(text, start, count?) → string", 0),
        ('substring("a", $0', "substring(text, start, count?) → string", 1),
        ('substring("a", length([1, 2]), $0)', "substring(text, start, count?) → string", 2),
        ('"a" | substring($0)', "substring(text, start, count?) → string", 1),
        ('substring(lowercase("a$0"), 1)', "lowercase(text) → string", 0),
        ("concat(1, 2, 3, $0)", "concat(first, ...more) → string or array", 1),
    ],
)
def test_the_signature_of_the_call_around_the_cursor(call, label, active):
    here = at(f"mission A {{\n  action B {{\n    let x = {call}\n  }}\n}}\n")
    found = signature_help(here.snapshot, here.path, here.offset)
    assert found is not None
    assert (found.label, found.active) == (label, active)
    shown = [found.label[slice(*span)] for span in found.parameters]
    assert ", ".join(shown) == label[label.index("(") + 1 : label.index(")")]


@pytest.mark.parametrize("text", ["let x = 1$0", "let x = (1$0)", "let x = {a: 1$0}", "get '/x'$0"])
def test_no_signature_outside_of_calls(text):
    here = at(f"mission A {{\n  action B {{\n    {text}\n  }}\n}}\n")
    assert signature_help(here.snapshot, here.path, here.offset) is None


def test_a_pagination_has_a_signature_too():
    here = at('mission A {\n  action B {\n    get "/x" { paginate: page(page, $0) }\n  }\n}\n')
    found = signature_help(here.snapshot, here.path, here.offset)
    assert found is not None
    assert (found.label, found.active) == ("page(param, size)", 1)


FIXABLE = """\
mission A {
  stateRetention: 7
  source B { auth: none, base: "https://b.test" }
  store people: file("people")
  action C {
    get "/x"
    store response -> peple { key: .id }
  }
  run C
}
"""


def actions_at(text: str, part: str, only: tuple[str, ...] | None = None):
    here = at(text)
    start = here.offset_of(part)
    found = code_actions(here.snapshot, here.path, Span(start, start), lambda _: None, only)
    return here, list(found)


def test_a_fix_removes_its_problem():
    here, found = actions_at(FIXABLE, "peple", ("quickfix",))
    action = next(one for one in found if one.fixes is not None and one.fixes[0] == "RQ203")
    new = apply(here, action.edits[here.path])
    assert "-> people" in new
    assert "RQ203" not in [d.code for d in at(new).snapshot.checked.diagnostics]


def bad_examples():
    for page in pages():
        for number, files in enumerate(page.bad):
            yield pytest.param(files, id=f"{page.code}-{number}")


@pytest.mark.parametrize("files", list(bad_examples()))
def test_each_fix_of_the_manual_s_bad_examples_removes_its_problem_and_a_safe_one_adds_none(files):
    name = next(iter(files))
    root = ProgramRoot(name, "file", name)
    before = snapshot_of(root, files)
    codes = {found.code for found in before.checked.diagnostics}
    for found in before.checked.diagnostics:
        for fix in found.fixes:
            text = applied(before.text(found.path), fix.edits)
            after = snapshot_of(root, {**files, found.path: text}).checked.diagnostics
            assert (found.code, found.message) not in {(one.code, one.message) for one in after}
            assert not fix.safe or {one.code for one in after} <= codes


def fixable_codes():
    here = at(FIXABLE)
    return {d.code for d in here.snapshot.checked.diagnostics if any(f.safe for f in d.fixes)}


def test_fix_all_applies_every_safe_fix_at_once():
    here, found = actions_at(FIXABLE, "mission", ("source.fixAll",))
    safe = fixable_codes()
    assert [action.kind for action in found] == (["source.fixAll.reqon"] if safe else [])
    for action in found:
        new = at(apply(here, action.edits[here.path]))
        left = {d.code for d in new.snapshot.checked.diagnostics}
        assert not safe & left


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (("source.reqon.run",), ["source.reqon.run"]),
        (("source.reqon",), ["source.reqon.run", "source.reqon.dryRun", "source.reqon.history"]),
        (("refactor",), []),
    ],
)
def test_a_mission_is_run_from_code_actions(only, kinds):
    _, found = actions_at(FIXABLE, "store", only)
    assert [action.kind for action in found] == kinds
    assert all(action.command is not None for action in found)
