"""A place in a program, underlined."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.cli import wording
from reqon.cli.excerpt import diagnostic_lines, head_span, marked_line
from vague.diagnostics import Diagnostic, Severity
from vague.text import SourceText, Span


def plain(text: str, _style: str) -> str:
    return text


def shown(program: str, marked: str, *, width: int = 80, help_text: str | None = None) -> list[str]:
    start = program.index(marked)
    diagnostic = Diagnostic(
        "RQ203",
        Severity.ERROR,
        "sync.vague",
        Span(start, start + len(marked)),
        f"unknown store '{marked.strip()}'",
        help_text,
    )
    return diagnostic_lines(diagnostic, SourceText.of(program), "sync.vague", width, plain)


PROGRAM = "mission A {\n  store response -> shelfs { key: .id }\n}\n"


def test_a_diagnostic_names_its_place_and_underlines_it() -> None:
    assert shown(PROGRAM, "shelfs", help_text="did you mean 'shelves'?") == [
        "sync.vague:2:21: error[RQ203]: unknown store 'shelfs'",
        "  |",
        "2 |   store response -> shelfs { key: .id }",
        "  |                     ^^^^^^",
        "   help: did you mean 'shelves'?",
    ]


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first_line() -> None:
    assert shown(PROGRAM, "{ key: .id }\n}")[-1] == "  |                            ^^^^^^^^^^^^"


def test_an_empty_span_still_points_at_its_place() -> None:
    source = SourceText.of("run")
    lines = marked_line(source, Span(3, 3), 80, plain, "error")
    assert lines == ["  |", "1 | run", "  |    ^"]


def test_tabs_and_wide_characters_do_not_shift_the_mark() -> None:
    assert shown('\tabort "顧客" + name', "name")[-2:] == [
        '1 |  abort "顧客" + name',
        "  |                 ^^^^",
    ]


def test_a_long_line_is_cut_around_the_mark() -> None:
    program = "let a = " + "1 + " * 100 + "oops + " + "2 + " * 50
    lines = shown(program, "oops", width=60)
    assert lines[2].startswith("1 | ...1 + ")
    assert lines[2].endswith("...")
    column = lines[3].index("^")
    assert lines[2][column : column + 4] == "oops"
    assert all(len(line) <= 60 for line in lines[1:])


def test_a_problem_of_an_unreadable_file_has_no_excerpt() -> None:
    diagnostic = Diagnostic("RQ112", Severity.ERROR, "gone.vague", Span(0, 0), "cannot be read")
    lines = diagnostic_lines(diagnostic, None, "gone.vague", 80, plain)
    assert lines == ["gone.vague: error[RQ112]: cannot be read"]


@pytest.mark.parametrize("width", [20, 33, 80])
@given(st.text(min_size=1), st.data())
def test_any_text_and_any_span_give_lines_that_fit(
    width: int, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    lines = marked_line(SourceText.of(text), Span(start, end), width, plain, "error")
    assert "^" in lines[-1]
    room = max(width, 20 + len(lines[1].split(" ")[0]) + 3)
    assert all(wording.display_width(click.unstyle(line)) <= room for line in lines)


@pytest.mark.parametrize(
    ("program", "head", "marked"),
    [
        ('get "/x" store response -> a', 'get "/x"', 'get "/x"'),
        ('get   "/x"  store response -> a', 'get "/x"', 'get   "/x"'),
        ('get "/x" from\n  API', 'get "/x" from API', 'get "/x" from'),
        ("store concat(a, b) -> c", "store concat(…", "store concat(a, b) -> c"),
        ('post "/y" store it -> a  ', 'get "/x"', 'post "/y" store it -> a'),
        ("run Fetch  ", "", "run Fetch"),
    ],
)
def test_a_failed_step_is_marked_by_its_own_words(program: str, head: str, marked: str) -> None:
    source = SourceText.of("action A {\n  " + program + "\n}")
    start = source.text.index(program)
    span = head_span(source, start, head)
    assert source.text[span.start : span.end] == marked
