"""What holds for all values: sorting, grouping, numbers and their texts, dates and their texts."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.clock import format_instant
from reqon.values.date_format import TOKENS, format_date, has_tokens
from reqon.values.dates import parse_date, parse_iso
from reqon.values.functions.registry import FUNCTIONS
from reqon.values.numbers import number_text, parse_number
from reqon.values.operators import compare, equal
from reqon.values.show import LONGEST, show
from reqon.values.sorting import identity
from support.expressions import NOW, Facts, attempt, evaluate

numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
)
texts = st.one_of(st.text(max_size=4), instants.map(format_instant), st.just("2031-05-06"))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, instants)
data = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.one_of(
        st.lists(st.one_of(numbers, st.none())),
        st.lists(st.one_of(st.text(max_size=3), st.none())),
        st.lists(st.one_of(instants, st.none())),
    ),
    st.booleans(),
)
def test_sorting_orders_by_comparison_with_nulls_last_and_keeps_equal_ones_in_order(
    keys: list[Any], descending: bool
) -> None:
    rows = [{"key": key, "at": at} for at, key in enumerate(keys)]
    direction = "desc" if descending else "asc"
    found = evaluate(f'sortBy(rows, .key, "{direction}")', {"rows": rows})
    assert sorted(row["at"] for row in found) == list(range(len(rows)))
    known = [row for row in found if row["key"] is not None]
    assert found[: len(known)] == known
    order = ">" if descending else "<"
    for before, after in pairwise(known):
        assert not compare(Facts(), order, after["key"], before["key"])
        if equal(before["key"], after["key"]):
            assert before["at"] < after["at"]


@settings(deadline=None)
@given(data, data)
def test_values_have_the_same_identity_when_they_are_equal(left: Any, right: Any) -> None:
    copy = json.loads(json.dumps(left)) if plain(left) else left
    assert identity(copy) == identity(left)
    if plain(left) and plain(right):
        assert (identity(left) == identity(right)) == equal(left, right)


def plain(value: Any) -> bool:
    """Without dates: a date equals its text, but is another value to `unique`."""
    match value:
        case datetime():
            return False
        case list():
            return all(map(plain, value))
        case dict():
            return all(map(plain, value.values()))
        case _:
            return True


@settings(deadline=None)
@given(st.lists(data, max_size=6))
def test_grouping_and_chunks_lose_nothing(values: list[Any]) -> None:
    groups = evaluate("groupBy(rows, it)", {"rows": values})
    grouped = [value for group in groups.values() for value in group]
    assert len(grouped) == len(values)
    chunks = evaluate("chunks(rows, 2)", {"rows": values})
    assert [value for chunk in chunks for value in chunk] == values
    assert evaluate("flatten(chunks(rows, 2)) == rows", {"rows": values}) is True


@settings(deadline=None)
@given(numbers)
def test_the_text_of_a_number_reads_as_that_number(number: float) -> None:
    text = number_text(number)
    assert parse_number(text) == number
    assert json.loads(text) == number
    assert not text.endswith(".0")


@settings(deadline=None)
@given(st.text(max_size=8))
def test_a_text_is_a_number_only_if_it_is_finite(text: str) -> None:
    number = parse_number(text)
    assert number is None or math.isfinite(number)


@settings(deadline=None)
@given(instants)
def test_a_date_reads_back_from_its_text(instant: datetime) -> None:
    assert parse_iso(format_instant(instant)) == instant
    if instant.year < 1000:
        return  # RFC 2822 reads such years as abbreviated ones
    assert parse_date(format_date(instant, "ddd, DD MMM YYYY HH:mm:ss +0000")) == instant.replace(
        microsecond=0
    )


@settings(deadline=None)
@given(st.one_of(st.text(), st.from_regex(r"\d{4}-\d\d-\d\d[T ]?[\d:.,Z+-]*", fullmatch=True)))
def test_reading_a_date_never_raises(text: str) -> None:
    for read in (parse_iso, parse_date):
        instant = read(text)
        assert instant is None or instant.tzinfo is UTC


@settings(deadline=None)
@given(st.text())
def test_formatting_a_date_never_raises_and_keeps_bracketed_text(pattern: str) -> None:
    assert isinstance(format_date(NOW, pattern), str)
    inner = pattern.replace("[", "").replace("]", "")
    assert format_date(NOW, f"[{inner}]") == inner


def test_every_token_writes_something() -> None:
    for token in TOKENS:
        assert has_tokens(token)
        assert format_date(NOW, token)
    assert not has_tokens("- / [YYYY]")


@settings(deadline=None)
@given(data)
def test_what_is_shown_of_a_value_is_short_and_on_one_line(value: Any) -> None:
    text = show(value)
    assert len(text) <= LONGEST
    assert "\n" not in text


@settings(deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(data, max_size=3))
def test_no_function_fails_in_a_way_that_is_not_an_error_of_the_program(
    name: str, values: list[Any]
) -> None:
    function = FUNCTIONS[name]
    if not function.minimum <= len(values) <= (function.maximum or 3):
        return
    variables = {f"v{at}": value for at, value in enumerate(values)}
    result = attempt(f"[{name}({', '.join(variables)})]", variables)
    assert isinstance(result, list) or result in {"function", "type"}
