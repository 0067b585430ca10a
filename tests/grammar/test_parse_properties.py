"""Parsing is total, its trees are well formed, and it reads what the grammar alone reads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.samples import SAMPLES
from support.stock_grammar import accepts
from support.strategies import broken_programs, noise, program_like, programs
from vague.ast.base import Node, Placed
from vague.ast.definitions import File
from vague.ast.walk import At, children, elements, node_at, walk
from vague.parser import Parsed, parse, parse_expression
from vague.peg import grammar_text, rules
from vague.text import SourceText, Span
from vague.wording import name_of_label

# What is read although it is wrong, so that the grammar alone does not see it.
FORGIVEN = {
    "RQ001",
    "RQ002",
    "RQ003",
    "RQ004",
    "RQ005",
    "RQ006",
    "RQ008",
    "RQ009",
    "RQ011",
    "RQ012",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_parse_without_a_problem(name: str):
    parsed = parse(SAMPLES[name])
    assert parsed.diagnostics == ()
    assert parsed.broken == ()
    assert parsed.matching.balanced


@pytest.mark.parametrize("name", SAMPLES)
def test_line_ends_make_no_difference(name: str):
    text = SAMPLES[name].replace("\r\n", "\n").lstrip("\ufeff")
    assert parse(text.replace("\n", "\r\n")).tree == parse(text).tree
    assert parse("\ufeff" + text).tree == parse(text).tree


@given(programs())
def test_programs_parse_without_a_problem(text: str):
    assert parse(text).diagnostics == ()


@given(program_like)
def test_any_text_gives_a_sound_result(text: str):
    assert_sound(parse(text))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_prefix_of_a_program_gives_a_sound_result(name: str):
    text = SAMPLES[name]
    step = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 7
    for end in range(0, len(text), step):
        assert_sound(parse(text[:end]))


def assert_sound(parsed: Parsed) -> None:
    text = parsed.source.text
    assert parsed.source == SourceText.of(text)
    assert parsed.tree.span == Span(0, len(text))
    assert_nested(parsed.tree, parsed.tree.items, 0, len(text))
    places = [one.span for one in parsed.diagnostics]
    assert places == sorted(places, key=lambda span: (span.start, span.end))
    for one in parsed.diagnostics:
        assert 0 <= one.span.start <= one.span.end <= len(text)
        assert "\n" not in one.message
        assert one.code in RULES_CODES
        for fix in one.fixes:
            assert all(0 <= e.span.start <= e.span.end <= len(text) for e in fix.edits)
    for comment in parsed.comments:
        assert text[slice(*comment.span)] == comment.text
        assert comment.text[:1] in "/#"


RULES_CODES = {f"RQ{number:03}" for number in range(1, 15)}


def assert_nested(holder: Node, placed: tuple[Placed[Node], ...], start: int, end: int) -> None:
    """Elements lie in order within their holder, and nodes within their element."""
    position = 0
    for one in placed:
        assert one.node.span.start == 0
        assert position <= one.start, holder
        position = one.start + one.node.span.end
        assert position <= end - start
        assert_spans(one.node, one.node.span, start + one.start)


def assert_spans(node: Node, within: Span, base: int) -> None:
    for child in children(node):
        if child.span.start == 0 and is_placed(node, child):
            continue
        assert within.start <= child.span.start <= child.span.end <= within.end, (node, child)
        assert_spans(child, child.span, base)
    for at in placed_in(node):
        assert at.start >= 0
        assert at.start + at.node.span.end <= within.end
        assert_spans(at.node, at.node.span, base + at.start)


def is_placed(node: Node, child: Node) -> bool:
    return any(at.node is child for at in placed_in(node))


def placed_in(node: Node) -> list[Placed[Node]]:
    found: list[Placed[Node]] = []
    for name in node.__slots__ if isinstance(node.__slots__, tuple) else ():
        value = getattr(node, name)
        held = value if isinstance(value, tuple) else (value,)
        found.extend(one for one in held if isinstance(one, Placed))
    return found


# ---------------------------------------------------------------- the grammar alone


@pytest.mark.parametrize("name", SAMPLES)
def test_the_grammar_alone_reads_the_samples(name: str):
    assert accepts(SAMPLES[name])


@given(programs() | broken_programs())
def test_what_parses_is_what_the_grammar_reads(text: str):
    codes = {one.code for one in parse(text).diagnostics}
    if not codes:
        assert accepts(text)
    elif not codes <= FORGIVEN:
        assert not accepts(text)


def test_every_rule_is_defined_once_and_used():
    text = re.sub(r"#.*|~r\"[^\n]*\"", "", grammar_text())
    defined = re.findall(r"^(\w+) *=", text, re.MULTILINE)
    assert sorted(defined) == sorted(rules().names)
    used = set(re.findall(r"\w+", re.sub(r"^\w+ *=|\"[^\"\n]*\"", "", text, flags=re.MULTILINE)))
    assert rules().names - used == {"program"}


# Rules that stand in look-aheads alone, which are never what is expected.
ONLY_LOOKED_AT = {
    "before_arm", "definition_word", "for_word", "foreign_word", "key_colon", "member_head", "mission_value_end", "operator_word",
    "option_end", "path_word", "pattern_goes_on", "stage_head", "step_head", "step_word",
}  # fmt: skip


def test_everything_that_can_be_expected_has_a_name_for_people():
    labels = rules().labels | {form.element for form in rules().forms.values()}
    assert {label for label in labels if name_of_label(label) is None} == ONLY_LOOKED_AT


@pytest.mark.slow
@pytest.mark.parametrize("module", ["regex", "nothing"])
def test_parsing_is_the_same_with_and_without_the_regex_module(module: str):
    """Parsimonious takes `regex` if it is installed, else `re`."""
    code = (
        "import sys\n"
        f"if {module!r} == 'nothing': sys.modules['regex'] = None\n"
        "from vague.parser import parse\n"
        "from parsimonious import expressions\n"
        "print(expressions.re.__name__)\n"
        "print(repr(parse(sys.stdin.read()).tree))\n"
    )
    text = SAMPLES["everything"] + SAMPLES["expressions"]
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True
    )
    engine, tree = done.stdout.split("\n", 1)
    assert engine == ("re" if module == "nothing" else "regex")
    assert tree.strip() == repr(parse(text).tree)


# ---------------------------------------------------------------- expressions, walking


@given(noise)
def test_any_text_gives_an_expression_or_a_problem(text: str):
    node, problems = parse_expression(text)
    assert node is not None or problems
    assert all(0 <= one.span.start <= one.span.end <= len(text) for one in problems)


@pytest.mark.parametrize(
    ("text", "codes"),
    [("a + 1", []), (" a // b", []), ("", ["RQ001"]), ("a b", ["RQ001"]), ("(a", ["RQ007"]),
     ("a)", ["RQ007"]), ("'a", ["RQ002"]), ("a;", ["RQ006"]), ("1x", ["RQ005"])],
)  # fmt: skip
def test_expressions_alone(text: str, codes: list[str]):
    _, problems = parse_expression(text)
    assert [one.code for one in problems] == codes


@pytest.mark.parametrize("name", SAMPLES)
def test_walking_finds_every_node_where_it_stands(name: str):
    parsed = parse(SAMPLES[name])
    nodes = list(walk(parsed.tree))
    assert nodes[0] is parsed.tree
    assert len({id(node) for node in nodes}) == len(nodes)
    placed = list(elements(parsed.tree))
    assert [at.start for at in placed] == sorted(at.start for at in placed)
    assert {id(at.node) for at in placed} <= {id(node) for node in nodes}


@given(st.sampled_from(sorted(SAMPLES)), st.floats(0, 1))
@settings(max_examples=100)
def test_the_node_at_an_offset_is_the_end_of_a_way_inwards(name: str, place: float):
    parsed = parse(SAMPLES[name])
    offset = int(place * len(parsed.source.text))
    path = node_at(parsed.tree, offset)
    spans = [(at.start + at.node.span.start, at.start + at.node.span.end) for at in path]
    for (start, end), (inner_start, inner_end) in pairwise(spans):
        assert start <= inner_start <= offset <= inner_end <= end


def test_the_node_at_a_name_is_the_name():
    text = "mission M {\n  action A {\n    let total = row.price\n  }\n}\n"
    path = node_at(parse(text).tree, text.index("price") + 2)
    assert [type(at.node).__name__ for at in path] == [
        "Mission", "Action", "Let", "FieldAccess", "Identifier",
    ]  # fmt: skip
    at: At = path[-1]
    span = at.node.span.shifted(at.start)
    assert text[slice(*span)] == "price"
    assert node_at(parse(text).tree, 0)[0].start == 0
    assert node_at(File(Span(0, 0), ()), 0) == []
