"""The formatter by example: `tests/spec/format/*.md`, and what a spec file cannot hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from support.formatting import FENCE, formatted
from vague.ast import definitions, expressions, steps
from vague.diagnostics import TextEdit
from vague.formatter import TEMPLATES, Earlier, format_edits, format_text
from vague.formatter.edits import edits_between
from vague.formatter.sameness import same_tree
from vague.parser import parse, parse_expression
from vague.text import Span

SPEC = Path(__file__).parents[1] / "spec" / "format"


@dataclass(frozen=True)
class Case:
    name: str
    before: str
    after: str


def cases() -> list[Case]:
    """A heading, the text as typed, and as formatted where that differs."""
    found: list[Case] = []
    for path in sorted(SPEC.glob("*.md")):
        for section in re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]:
            blocks = [code for _, code in FENCE.findall(section)]
            heading = section.partition("\n")[0]
            found.append(Case(f"{path.stem}: {heading}", blocks[0], blocks[-1]))
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_layout(case: Case):
    assert formatted(case.before) == case.after


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("  \n\n ", ""),
        ("\ufeff", "\ufeff"),
        ("\ufefflet a=1", "\ufefflet a = 1\n"),
        ("// only", "// only\n"),
        ("let a=1", "let a = 1\n"),
        ("let a = 1\n\n\n", "let a = 1\n"),
        ("let a=1\r\n\r\n\r\nlet b=2\r\n", "let a = 1\r\n\r\nlet b = 2\r\n"),
        ("let a=1\r\nlet b=2\nlet c=3\r\n", "let a = 1\r\nlet b = 2\r\nlet c = 3\r\n"),
        ("let a=1\nlet b=2\r\nlet c=3\n", "let a = 1\nlet b = 2\nlet c = 3\n"),
        ("/* a\r\n b */\r\nlet a=1\r\n", "/* a\r\n b */\r\nlet a = 1\r\n"),
        ("// end   \nlet a=1\n", "// end\nlet a = 1\n"),
        ("\tlet a=1\n", "let a = 1\n"),
    ],
)
def test_ends_of_lines_and_of_the_file(text: str, result: str):
    assert formatted(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "action A {\n  get   \n}",
        "mission A { source",
        "let a = 1 2",
        "let a = b &&   c",
        'let a = "open',
        "let a = 1 ;",
        'action A { get "/a" \n { params: {} } }',
    ],
)
def test_a_text_with_a_syntax_error_is_left_alone(text: str):
    result = format_text(text)
    assert (result.text, result.changed) == (text, False)
    assert result.diagnostics
    assert all(problem.code.startswith("RQ0") for problem in result.diagnostics)
    assert format_edits(text) == ()


def test_what_only_the_checker_refuses_is_formatted():
    assert formatted("mission A{stateRetention:7}") == "mission A {\n  stateRetention: 7\n}\n"
    assert formatted("run[]") == "run []\n"


def test_edits_touch_only_what_changes():
    text = "let a = 1\nlet b=2 // two\nlet c = 3\n"
    assert [(edit.span, edit.text) for edit in format_edits(text)] == [
        ((15, 15), " "),
        ((16, 16), " "),
        ((18, 18), " "),
    ]


def test_a_reading_that_is_at_hand_is_used():
    text = "let a=1"
    assert format_text(text, parse(text)) == format_text(text)
    assert format_edits(text, parse(text)) == format_edits(text)


@pytest.mark.parametrize(
    "other", ["let a = 2", "run A", "let a = 1 let b = 2", "// note\nlet a = 1"]
)
def test_a_result_that_is_not_the_same_program_is_refused(other: str):
    result = format_text("let a=1", parse(other))
    assert (result.text, result.changed) == ("let a=1", False)
    assert [problem.code for problem in result.diagnostics] == [""]
    assert result.diagnostics[0].help is not None


def test_after_an_edit_only_what_holds_it_is_laid_out_again():
    actions = "".join(f"action A{n} {{ let a=1 for x in [a] {{ let b=x }} }}\n" for n in range(50))
    text, earlier = f"mission M {{ {actions} }}", Earlier()
    before = format_edits(text, earlier=earlier)
    known = len(earlier.layouts)
    edited = text.replace("A25 { let a=1", "A25 { let a=10")
    assert len(format_edits(edited, earlier=earlier)) == len(before)
    assert len(earlier.layouts) == known + len(("the mission", "the action", "the step"))


def test_a_memory_of_layouts_does_not_grow_for_ever():
    earlier, known = Earlier(), [0]
    for number in range(300):
        format_edits(f"let a=[{number}, '{'x' * 1000}']", earlier=earlier)
        known.append(len(earlier.layouts))
    assert 50 < max(known) < 250


def test_edits_between_different_texts_replace_what_differs():
    assert edits_between("let a = 1", "let b  = 1") == (
        TextEdit(Span(4, 5), "b"),
        TextEdit(Span(6, 6), " "),
    )
    assert edits_between("let a = 1", "run A") == (TextEdit(Span(0, 9), "run A"),)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1", " 1", True),
        ("1", "2", False),
        ("1", "x", False),
        ("f(1)", "f(1, 2)", False),
        ("1.0", "1.00", True),
    ],
)
def test_trees_of_any_depth_are_compared(first: str, second: str, same: bool):
    assert same_tree(deep_tree(first), deep_tree(second)) == same


def deep_tree(innermost: str) -> expressions.Expression:
    tree, _ = parse_expression(innermost)
    assert tree is not None
    for _ in range(5000):
        tree = expressions.Unary(Span(0, 0), "not", tree)
    return tree


@pytest.mark.parametrize("depth", [50, 150])
def test_deep_nesting_is_laid_out(depth: int):
    assert formatted(f"let a = {'(' * depth}1{')' * depth}").count("(") == depth
    assert formatted(f"let a = {'[' * depth}1{']' * depth}").count("[") == depth


@pytest.mark.parametrize("operator", ["+", "and", "??", "|"])
def test_a_long_chain_is_laid_out(operator: str):
    names = [f"name{number}" for number in range(150)]
    lines = formatted(f"let a = {f' {operator} '.join(names)}").splitlines()
    assert lines[0] == "let a = name0"
    assert lines[1:] == [f"  {operator} {name}" for name in names[1:]]


def test_every_class_of_nodes_has_a_template():
    unions = (
        expressions.Expression,
        expressions.Pattern,
        expressions.OptionValue,
        steps.Step,
        definitions.Item,
        definitions.Member,
        definitions.TypeExpression,
        definitions.SchemaItem,
    )
    classes = {node for union in unions for node in get_args(union)}
    broken = {expressions.ErrorExpression, steps.ErrorStep, definitions.ErrorMember}
    assert classes - broken <= set(TEMPLATES)
