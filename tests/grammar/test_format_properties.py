"""What the formatter promises for every program, whatever white space and comments it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support import program_texts
from support.formatting import formatted, programs
from vague.formatter import Earlier, format_edits, format_text
from vague.formatter.trivia import solid_spans
from vague.parser import parse

GAPS = (
    *(" ", "  ", "\n", "\n\n", "\n\n\n\n", "\r\n", "\t", "\n,", ",\n", " , "),
    *(" // c\n", "\n// own\n", "\n\n# own\n\n", " // x\n // y\n", " , // c\n", " // c\n , "),
    *("/* b */", " /* b */\n", "\n/* b */\n", "\n/* b */", "/* b */ /* d */ // e\n"),
    "\n /* two\n   lines */ ",
)
SAMPLES = tuple(programs())
EARLIER = Earlier()
"""What formatting any of the programs here has found out."""


@st.composite
def rearranged_programs(draw: st.DrawFn) -> str:
    """A program with other gaps between some of its tokens and comments."""
    program = draw(st.one_of(st.sampled_from(SAMPLES), program_texts.programs()))
    spans = solid_spans(program)
    places = st.integers(0, len(spans) - 1)
    gaps = draw(st.dictionaries(places, st.sampled_from(GAPS), max_size=8))
    parts: list[str] = []
    end = 0
    for position, span in enumerate(spans):
        parts.append(gaps.get(position, program[end : span.start]))
        parts.append(program[span.start : span.end])
        end = span.end
    return "".join(parts)


@given(rearranged_programs())
def test_a_program_stays_the_same_and_is_formatted_once_and_for_all(program: str):
    if parse(program).diagnostics:
        assert format_text(program).text == program
    else:
        formatted(program)


@given(program_texts.programs())
def test_random_programs_are_programs(program: str):
    assert not parse(program).diagnostics


@given(st.text(alphabet=st.sampled_from("{}[]()\"'/*#,.:?!=<>-+| \n\rab1_\ufeff\\$é"), max_size=60))
def test_any_text_comes_back(text: str):
    result = format_text(text)
    if result.diagnostics:
        assert (result.text, result.changed) == (text, False)
    else:
        formatted(text)


@given(rearranged_programs())
def test_no_line_is_longer_than_it_has_to_be_and_none_ends_in_space(program: str):
    result = format_text(program)
    lines = result.text.splitlines() if not result.diagnostics and "/*" not in program else []
    assert not [line for line in lines if line != line.rstrip()]
    assert not [line for line in lines if len(line) > 100 and ", " in line.partition("//")[0]]


@given(rearranged_programs())
def test_what_is_known_from_earlier_texts_changes_nothing(program: str):
    parsed = parse(program)
    assert format_edits(program, parsed, EARLIER) == format_edits(program)
    assert format_text(program, parsed, EARLIER) == format_text(program)
