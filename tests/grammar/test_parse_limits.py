"""No text is too deep, too long or too strange, and the time is that of the length."""

from __future__ import annotations

import sys
from time import process_time

import pytest

from support.samples import long_program
from vague.parser import parse
from vague.peg import MAXIMUM_CHAIN, MAXIMUM_DEPTH

DEPTH = MAXIMUM_DEPTH


def codes(text: str) -> list[str]:
    return [one.code for one in parse(text).diagnostics]


@pytest.mark.parametrize(
    "nested",
    [
        lambda n: "let a = " + "(" * n + "1" + ")" * n,
        lambda n: "let a = " + "[" * n + "1" + "]" * n,
        lambda n: "let a = " + "{ a: " * n + "1" + " }" * n,
        lambda n: "let a = " + "f(" * n + "1" + ")" * n,
        lambda n: "let a = " + "a[" * n + "1" + "]" * n,
        lambda n: "let a = " + "b ? c : " * n + "d",
        lambda n: "let a = " + "if b then c else " * n + "d",
        lambda n: "let a = " + "b => " * n + "c",
        lambda n: "let a = " + "any of " * n + "c",
        lambda n: "action A " + "{ for x in y " * n + "{ skip }" + " }" * n,
        lambda n: "schema S { a: " + "array<" * (n - 1) + "int" + ">" * (n - 1) + " }",
        lambda n: "schema S { a: " + "{ b: " * (n - 1) + "int" + " }" * (n - 1) + " }",
        lambda n: "action A { " + "match a { _ -> " * (n - 1) + "skip" + " }" * n,
    ],
    ids=["parentheses", "arrays", "objects", "calls", "indexes", "conditions", "ifs", "lambdas", "anys",
         "blocks", "types", "records", "matches"],
)  # fmt: skip
def test_nesting_ends_at_200_levels_with_one_problem(nested):
    assert codes(nested(DEPTH - 1)) == []
    assert codes(nested(DEPTH + 1)) == ["RQ014"]
    assert "RQ014" in codes(nested(40 * DEPTH))


@pytest.mark.parametrize(
    "chain",
    [
        lambda n: "let a = " + "-" * n + "1",
        lambda n: "let a = " + "not " * n + "b",
        lambda n: "let a = 1" + " + 1" * n,
        lambda n: "let a = b" + ".c" * n,
        lambda n: "let a = b" + " | c" * n,
        lambda n: "let a = b" + " where c" * n,
    ],
    ids=["signs", "nots", "sums", "fields", "pipes", "filters"],
)
def test_chains_end_at_2000_links_with_one_problem(chain):
    assert codes(chain(MAXIMUM_CHAIN)) == []
    assert codes(chain(MAXIMUM_CHAIN + 1)) == ["RQ014"]
    assert codes(chain(50 * MAXIMUM_CHAIN)) == ["RQ014"]


def test_exactly_200_brackets_are_fine():
    assert codes("let a = " + "(" * DEPTH + "1" + ")" * DEPTH) == []


def test_the_recursion_limit_and_the_collector_are_as_before():
    limit = sys.getrecursionlimit()
    parse("let a = " + "b ? c : " * 5000 + "d")
    assert sys.getrecursionlimit() == limit


def test_of_one_statement_a_thousand_problems_are_enough():
    assert len(codes("let a = [" + ", " * 5000 + "]")) == 1000
    assert len(codes("let a = [,]\n" * 2000)) == 2000


HOSTILE = [
    "{", "}", "([{", ")]}", '"', "'", "`", "\\", "/", "/*", "*/", "//", "#", "\n", " ", "\t\r\n",
    ".", "...", "???", "1.", "1e", ".5", "a", "a ", "a\n", "a.", "a(", "-", "->", "=>", "|", "?",
    "? :", "not ", "if ", "match ", "match {", "any of ", "get a ", "get x +\n", "store ",
    "store - ", "store a -> b ", "for a in ", "for a in b {", "let a = ", "mission M {", "action ",
    "a: ", "a: 1 ", ",", "[,", "é", "\0", "\ud800", "\u2028",
    "x => ", "(a, ", "\u00a0", "'\\", '"\\',
    "{ a: ", "array<", "schema S { a: ", "where ", "a where ", "a ? b : ", "_ -> ", "{ _ -> ",
    "run ", "run [", "match a { _ -> ", "timeout: 5 ", "timeout: 5 x\n", "since: lastSync ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_that_of_the_length(piece: str):
    """Four times the text takes about four times as long, whatever is repeated."""

    def seconds(n_pieces: int) -> float:
        text = piece * n_pieces
        begin = process_time()
        parse(text)
        return process_time() - begin

    seconds(10)
    short = max(min(seconds(1000) for _ in range(3)), 0.0005)
    assert min(seconds(4000) for _ in range(2)) < 10 * short


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "piece", ["{", "}", "(", '"', "\n", "a", ",", "let a = ", "get x +\n", "é"]
)
def test_ten_megabytes_end(piece: str):
    parse(piece * (10_000_000 // len(piece)))


def test_a_long_program_costs_as_much_per_line_as_a_short_one():
    def seconds_per_line(n_lines: int) -> float:
        text = long_program(n_lines)
        begin = process_time()
        assert parse(text).diagnostics == ()
        return (process_time() - begin) / n_lines

    seconds_per_line(100)
    short = min(seconds_per_line(300) for _ in range(3))
    assert min(seconds_per_line(6000) for _ in range(2)) < 1.6 * short


def test_a_mistake_behind_the_byte_order_mark_is_reported():
    assert [one.code for one in parse("\ufeffmissio M { }").diagnostics] == ["RQ001"]
