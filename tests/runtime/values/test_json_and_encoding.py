"""What of a value is stored, and what the journal keeps of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.errors import RunError
from reqon.values.access import field, index, pattern_field
from reqon.values.duration import Duration
from reqon.values.encoding import tag, untag
from reqon.values.json_form import MAX_DEPTH, json_form, record_form
from reqon.values.mapped import Mapped, mapped, remap
from reqon.values.operators import equal
from reqon.values.reply import Headers, ReplyList, ReplyMeta, ReplyObject, ReplyText, with_reply
from reqon.values.text import json_text, record_key, text_of

META = ReplyMeta(200, Headers({"etag": "x"}), validation_errors=("type mismatch",))

keys = st.one_of(st.sampled_from(["a", "id", "$", "$date", "$x", ""]), st.text(max_size=3))
dates = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), dates, st.builds(Duration, st.integers()),
)  # fmt: skip
plain = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=10,
)
values = st.one_of(
    plain,
    st.builds(lambda body: with_reply(body, META), plain),
    st.builds(lambda own, old: mapped({"own": own}, old), plain, plain),
    st.builds(lambda own, body: mapped({"own": own}, with_reply({"b": body}, META)), plain, plain),
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same class all the way down."""
    if type(left) is not type(right):
        return False
    match left:
        case Mapped():
            return same(dict(left), dict(right)) and same(left.previous, right.previous)
        case ReplyObject():
            return same(dict(left), dict(right)) and left.meta == right.meta
        case ReplyList():
            return same(list(left), list(right)) and left.meta == right.meta
        case dict():
            return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
        case list():
            return len(left) == len(right) and all(map(same, left, right))
        case _:
            return left == right


@settings(deadline=None)
@given(values)
def test_a_value_comes_back_from_the_journal_as_it_was(value: Any) -> None:
    assert same(untag(json.loads(json.dumps(tag(value)))), value)


@settings(deadline=None)
@given(values)
def test_a_value_comes_back_through_the_encoder_that_the_journal_uses(value: Any) -> None:
    assert same(untag(msgspec.json.decode(msgspec.json.encode(tag(value)))), value)


@settings(deadline=None)
@given(values)
def test_the_json_form_is_json_and_its_own_json_form(value: Any) -> None:
    form = json_form(value)
    assert same(json.loads(json.dumps(form, allow_nan=False)), form)
    assert json_form(form) is form


@settings(deadline=None)
@given(values)
def test_a_value_equals_its_own_fields_alone(value: Any) -> None:
    copy = untag(tag(value))
    assert equal(value, copy)
    assert equal(copy, value)


def test_plain_json_is_passed_through_without_a_copy() -> None:
    record = {"a": [1, {"b": None}], "c": "x"}
    assert json_form(record) is record
    assert tag(record) is record
    assert untag(record) is record


def test_what_is_changed_on_the_way_is_copied() -> None:
    inner = {"at": datetime(2031, 5, 6, tzinfo=UTC)}
    record = {"a": [1, inner], "c": {"d": 1}}
    form = json_form(record)
    assert form == {"a": [1, {"at": "2031-05-06T00:00:00Z"}], "c": {"d": 1}}
    assert form["c"] is record["c"]
    assert record["a"][1] is inner


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"$date": 5}, {"$": ["$date", 5]}),
        ({"$": 1}, {"$": ["$", 1]}),
        ({"$date": 5, "b": 1}, {"$date": 5, "b": 1}),
        (Duration(5), {"$duration": 5}),
        (datetime(1970, 1, 1, tzinfo=UTC), {"$date": 0}),
        (mapped({"a": 1}, None), {"$map": [{"a": 1}, None]}),
        (
            ReplyText("x", ReplyMeta(404, ok=False)),
            {"$reply": ["x", {"code": 404, "headers": {}, "ok": False}]},
        ),
        (Headers({"a": "b"}), {"$headers": {"a": "b"}}),
    ],
)
def test_the_tags_of_the_journal(value: Any, expected: Any) -> None:
    assert tag(value) == expected
    assert same(untag(expected), value)


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\$future"):
        untag({"a": [{"$future": 1}]})


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("handle", [json_form, tag, json_text])
def test_what_is_nested_too_deep_is_refused(handle: Any) -> None:
    for depth in (MAX_DEPTH, 10_000):
        with pytest.raises(RunError, match="nested deeper than") as raised:
            handle(nested(depth))
        assert raised.value.kind == "type"


def test_the_deepest_value_that_is_kept_can_be_encoded_and_decoded() -> None:
    value = nested(MAX_DEPTH // 2)
    assert untag(msgspec.json.decode(msgspec.json.encode(tag(value)))) == value
    assert msgspec.json.decode(msgspec.json.encode(json_form(value))) == value
    assert equal(value, nested(MAX_DEPTH // 2))


def test_data_of_any_depth_can_be_compared() -> None:
    assert equal(nested(10_000), nested(10_000))
    assert not equal(nested(10_000), nested(10_001))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_nan_and_infinity_are_never_stored(value: Any) -> None:
    for handle in (json_form, tag):
        with pytest.raises(RunError, match="too large"):
            handle(value)


def test_a_function_is_no_data() -> None:
    for handle in (json_form, tag):
        with pytest.raises(RunError) as raised:
            handle({"a": lambda: None})
        assert raised.value.kind == "type"


def test_huge_whole_numbers_are_kept_and_too_huge_ones_are_an_error() -> None:
    number = 7**2000
    assert json_form({"n": number}) == {"n": number}
    assert text_of(number) == str(number)
    with pytest.raises(RunError, match="too large"):
        text_of(7**20_000)


def test_header_fields_are_known_by_any_case_and_repeated_ones_joined() -> None:
    headers = Headers.of([("ETag", "a"), ("Link", "x"), ("link", "y")])
    assert headers == {"etag": "a", "link": "x, y"}


def test_what_is_no_object_is_stored_as_a_value() -> None:
    assert record_form(5) == {"value": 5}
    assert record_form([1]) == {"value": [1]}
    assert record_form(mapped({"a": 1}, {"b": 2})) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("a", "a"), (5, "5"), (5.0, "5"), (True, "true"), (Duration(7), "7"),
        (datetime(2031, 5, 6, tzinfo=UTC), "2031-05-06T00:00:00Z"),
        (datetime(2031, 5, 6, tzinfo=UTC) + timedelta(milliseconds=1), "2031-05-06T00:00:00.001Z"),
    ],
)  # fmt: skip
def test_keys_of_records_are_texts(value: Any, key: str) -> None:
    assert record_key(value) == key


@pytest.mark.parametrize("value", [None, [], {}, [1]])
def test_what_can_be_no_key_is_refused(value: Any) -> None:
    with pytest.raises(RunError) as raised:
        record_key(value)
    assert raised.value.kind == "store_key"


def test_a_variable_mapped_a_million_times_does_not_grow() -> None:
    value: Any = {"id": 0, "kept": "yes"}
    for turn in range(100_000):
        value = remap({"id": turn, f"field_{turn % 3}": turn}, value)
    assert value["id"] == 99_999
    assert value.previous["kept"] == "yes"
    assert len(str(tag(value))) < 200


def test_a_variable_that_held_a_reply_still_answers_to_its_virtual_fields() -> None:
    value: Any = with_reply({"id": 1, "old": 2}, META)
    for turn in range(3):
        value = remap({"id": turn}, value)
    assert value.previous["old"] == 2
    assert value.previous.meta is META


def test_a_variable_that_held_a_list_still_projects_after_two_maps() -> None:
    first = remap({"a": 1}, [{"n": 5}])
    second = remap({"b": 2}, first)
    third = remap({"c": 3}, second)
    assert dict(third) == {"c": 3}
    assert dict(third.previous) == {"a": 1, "b": 2}
    assert third.previous.previous == [{"n": 5}]


def test_cookies_and_secret_fields_of_a_reply_are_not_kept():
    fields = [("Set-Cookie", "sid=1"), ("X-Auth-Token", "t"), ("ETag", "e"), ("X-Total", "7")]
    reply = with_reply({"id": 1}, ReplyMeta(200, Headers.of(fields)))
    body, meta = tag(reply)["$reply"]
    assert body == {"id": 1}
    lost = ["set-cookie", "x-auth-token"]
    assert meta["headers"] == {"etag": "e", "x-total": "7", ":lost": lost}


@pytest.mark.parametrize("name", ["Set-Cookie", "x-auth-token"])
def test_a_header_that_was_not_kept_is_no_missing_one(name: str):
    headers = Headers.of([("Set-Cookie", "sid=1"), ("X-Auth-Token", "t"), ("ETag", "e")])
    again = untag(tag(untag(tag(headers))))
    assert (field(again, "etag"), field(again, "x-other")) == ("e", None)
    for read in (field, index, pattern_field):
        with pytest.raises(RunError, match="was not kept"):
            read(again, name)
