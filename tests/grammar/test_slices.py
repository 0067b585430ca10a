"""Brackets are found whatever stands between, and repaired by indentation where they differ."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from support.strategies import noise, program_like
from vague.matching import scan
from vague.slices import SPACE, UncertainError, comments, scan_pieces


def pairs(text: str) -> dict[str, str]:
    """Each opener with what stands between it and its end."""
    found = scan(text)
    return {text[at : at + 1] + str(at): text[at + 1 : end] for at, end in found.closes.items()}


def odd(text: str) -> list[tuple[str, str]]:
    return [(one.code, text[one.start : one.end]) for one in scan(text).oddities]


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ("{ a }", {"{0": " a "}),
        ("f([1], {})", {"(1": "[1], {}", "[2": "1", "{7": ""}),
        ('{ "}" }', {"{0": ' "}" '}),
        ("{ '\\'}' }", {"{0": " '\\'}' "}),
        ("{ // }\n}", {"{0": " // }\n"}),
        ("{ # }\n}", {"{0": " # }\n"}),
        ("{ /* } \n } */ }", {"{0": " /* } \n } */ "}),
        ("{ `}` }", {"{0": " `}` "}),
        ("a / b { }", {"{6": " "}),
    ],
)
def test_brackets_in_strings_and_comments_do_not_count(text: str, contents: dict[str, str]):
    assert pairs(text) == contents
    assert scan(text).balanced


@pytest.mark.parametrize(
    ("text", "oddities"),
    [
        ('get "/x', [("RQ002", '"/x')]),
        ('get "/x {', [("RQ002", '"/x'), ("RQ007", "{")]),
        ('store { key: "id }', [("RQ002", '"id')]),
        ("f('a, b)", [("RQ002", "'a, b")]),
        ('"a\\', [("RQ002", '"a\\')]),
        ('"a\\"', [("RQ002", '"a\\"')]),
        ('"a\nb"', [("RQ002", '"a'), ("RQ002", '"')]),
        ('"a\r\n"', [("RQ002", '"a'), ("RQ002", '"')]),
        ("a /* b", [("RQ003", "/* b")]),
        ("/*/", [("RQ003", "/*/")]),
        ("{ /* }", [("RQ003", "/* }")]),
        ("a; b @@ c", [("RQ006", ";"), ("RQ006", "@@")]),
        (
            "caf\u00e9 \u201cx\u201d",
            [("RQ006", "\u00e9"), ("RQ006", "\u201c"), ("RQ006", "\u201d")],
        ),
        ("\ufeffa\ufeff", [("RQ006", "\ufeff")]),
        ("`a` `b", [("RQ012", "`a`"), ("RQ006", "`")]),
        ("(", [("RQ007", "(")]),
        ("a)", [("RQ007", ")")]),
    ],
)
def test_what_is_odd(text: str, oddities: list[tuple[str, str]]):
    assert odd(text) == oddities


@pytest.mark.parametrize(
    ("text", "unclosed", "strays"),
    [
        # The inner block of a deeper line, not the outer one, is blamed.
        ("a {\n  b {\n    c {\n      x\n  }\n}\n", ["c {"], []),
        ("a {\n  b {\n  x\n  }\n  }\n}\n", [], ["}\n}"]),
        # A definition that begins further left, or as far left, ends what is open.
        ("mission M {\n  action A {\n    x\n  action B { y }\n}\n", ["action A {"], []),
        ("mission M {\n  source A { x: 1\n  store s: t\n}\n", ["source A {"], []),
        ("mission M {\n  x\nmission N {\n}\n", ["mission M {"], []),
        # A parenthesis ends at the line of the next statement.
        ("a {\n  let b = f(1,\n  let c = 2\n}\n", ["let b = f("], []),
        ("a {\n  let b = f(1,\n    2\n  let c = 2\n}\n", ["let b = f("], []),
        # A line further left than its block is no evidence where the block is closed behind it.
        ("a {\n  b {\n    x\nlet c = f(1\n    y\n  }\n}\n", ["let c = f("], []),
        ("a {\n  b {\n    x\n  let c = (1\n    y\n}\n", ["b {", "let c = ("], []),
        # A `}` within a line does not end a block that goes on to a `}` of its own.
        ("a {\n  b {\n    x }\n    y\n  }\n}\n", [], ["}\n    y\n  }\n}"]),
        ("a {\n  b {\n    x }\n  c {\n  }}\n}\n", [], ["}\n}"]),
        # On one line the nearest closer of the kind is taken.
        ("{ a: [1, (2 }", ["{ a: [", "{ a: [1, ("], []),
        ("{ a: 1 ) }", [], [") }"]),
        ("{{{", ["{", "{{", "{{{"], []),
    ],
)
def test_the_bracket_that_is_wrong(text: str, unclosed: list[str], strays: list[str]):
    found = scan(text)
    lines = [text.rfind("\n", 0, at) + 1 for at in sorted(found.unclosed)]
    starts = zip(lines, sorted(found.unclosed), strict=True)
    assert [text[line : at + 1].strip() for line, at in starts] == unclosed
    assert [text[at:].strip() for at in found.strays] == strays


def test_odd_indentation_is_no_mistake():
    text = "mission M {\naction A {\n      }\n  action B {\n}\n        }\n"
    assert scan(text).balanced


def test_comments_are_found_in_order():
    text = "// a\r\nx # b\n'// no' /* c\n*/ y //"
    assert [text[slice(*span)] for span in comments(text)] == ["// a", "# b", "/* c\n*/", "//"]


@given(program_like)
def test_every_opener_ends_within_the_text_and_slices_nest(text: str):
    found = scan(text)
    for opener, end in found.closes.items():
        assert opener < end <= len(text)
    spans = sorted(found.closes.items())
    for (start, end), (inner_start, inner_end) in pairwise(spans):
        assert inner_start >= end or inner_end <= end, (start, inner_start)


@given(program_like)
def test_space_and_tokens_leave_nothing_out(text: str):
    """White space with comments ends before something that is no white space, or at the end."""
    match = SPACE.match(text)
    assert match is not None
    assert (
        match.end() == len(text)
        or not text[match.end()].isspace()
        or text[match.end()] not in " \t\r\n"
    )


@given(noise)
def test_a_piece_that_is_the_whole_is_scanned_as_the_whole(text: str):
    whole = scan(text)
    try:
        piece = scan_pieces(text, [(0, len(text))])
    except UncertainError:
        assert not whole.balanced or any(one.code == "RQ003" for one in whole.oddities)
    else:
        assert (piece.closes, piece.oddities) == (whole.closes, whole.oddities)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("{ ( }", [(0, 5)]),
        ('a "b } c" }', [(0, 6)]),
        ("a // } b\n}", [(0, 6)]),
        ("a /* } */", [(0, 6)]),
        ("{ a", [(0, 3)]),
    ],
)
def test_a_piece_that_does_not_tell_alone_is_refused(text: str, pieces: list[tuple[int, int]]):
    with pytest.raises(UncertainError):
        scan_pieces(text, pieces)


def test_pieces_join_over_what_lies_between():
    text = "a { skip this ( } b { }"
    found = scan_pieces(text, [(0, 3), (16, len(text))])
    assert {text[at]: text[end] for at, end in found.closes.items()} == {"{": "}"}
    with pytest.raises(UncertainError):
        found.close(14, 0)
