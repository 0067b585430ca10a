"""Schemas: what is told of a value that does not fit, and that telling agrees with matching."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.errors import RunError
from reqon.values.reply import Headers, ReplyMeta, with_reply
from reqon.values.schema_types import IS_TYPES, TYPES
from reqon.values.schemas import SchemaSet
from reqon.values.scope import Names, Scope
from support.expressions import Facts, schemas_of
from vague.ast.definitions import ObjectType, Schema
from vague.parser import parse
from vague.vocabulary.kinds import IS_TYPE_NAMES, PREDEFINED_SCHEMAS, TYPE_NAMES

TEXT = """
schema Tracked { id: string, at: date? }
schema Place { city: string, zip?: string }
schema Item {
  ...Tracked,
  kg: decimal,
  kind: "parcel" | "letter",
  place: Place?,
  tags: array<string>?,
  parts: [{ n: int }]?
  assume .kg > 0
}
schema Strict { n: int  assume .n > 3 }
schema Outer { inner: { n: int  assume .n > 3 }, any: any, list: [Tracked?] }
"""

SCOPE = Scope(Facts())
GOOD = {"id": "x", "kg": 1.5, "kind": "letter"}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ("Item", GOOD, []),
        ("Item", None, ["the value must be an object (Item), found null"]),
        ("Item", {**GOOD, "id": 5}, ["'.id' must be string, found a number (5)"]),
        ("Item", {**GOOD, "id": None}, ["'.id' is null"]),
        ("Item", {"id": "x", "kind": "letter"}, ["'.kg' is missing", "assumes"]),
        ("Item", {**GOOD, "kind": "box"}, ["'.kind' must be \"parcel\" | \"letter\""]),
        ("Item", {**GOOD, "place": {"zip": 5}}, ["'.place.city' is missing", "'.place.zip'"]),
        ("Item", {**GOOD, "place": "here"}, ["'.place' must be an object (Place)"]),
        ("Item", {**GOOD, "tags": ["a", 1, "b", None]}, ["'.tags[1]'", "'.tags[3]'"]),
        ("Item", {**GOOD, "tags": "a"}, ["'.tags' must be array<string>, found a string"]),
        ("Item", {**GOOD, "parts": [{"n": 1}, {}]}, ["'.parts[1].n' is missing"]),
        ("Item", {**GOOD, "kg": -1}, ["does not fulfil what 'Item' assumes"]),
        ("Strict", {"n": 3}, ["does not fulfil what 'Strict' assumes"]),
        ("Outer", {"inner": {"n": 3}, "list": []}, ["'.inner' does not fulfil"]),
        ("Outer", {"inner": {"n": 4}, "list": [None, {"id": "a"}, 5]}, ["'.list[2]' must be"]),
    ],
)  # fmt: skip
def test_each_mismatch_says_what_is_wrong_and_where(
    schema: str, value: Any, expected: list[str]
) -> None:
    schemas = schemas_of(TEXT)
    found = schemas.mismatches(SCOPE, schema, value)
    assert len(found) == len(expected), found
    for text, part in zip(found, expected, strict=True):
        assert part in text
    assert schemas.matches(SCOPE, schema, value) == (not expected)


SCHEMAS = schemas_of(TEXT)
scalars = st.one_of(
    st.none(), st.integers(-5, 5), st.sampled_from(["x", "letter", "2031-05-06", 1.5, True])
)
fields = st.sampled_from(
    ["id", "at", "kg", "kind", "place", "tags", "parts", "n", "city", "zip", "inner", "any", "list"]
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(fields, inner)),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    st.sampled_from(["Item", "Place", "Strict", "Outer", "Tracked"]),
    st.one_of(values, values.map(lambda value: {**GOOD, "place": value})),
)
def test_a_value_matches_exactly_when_there_is_no_mismatch(schema: str, value: Any) -> None:
    assert SCHEMAS.matches(SCOPE, schema, value) == (not SCHEMAS.mismatches(SCOPE, schema, value))


def test_the_built_in_types_are_those_of_the_language() -> None:
    assert sorted(TYPES) == sorted(TYPE_NAMES)
    assert sorted(IS_TYPES) == sorted(IS_TYPE_NAMES)
    assert "CircuitOpen" in schemas_of("")
    assert sorted(PREDEFINED_SCHEMAS) == ["CircuitOpen"]


def test_not_all_mismatches_of_a_long_list_are_told() -> None:
    found = SCHEMAS.mismatches(SCOPE, "Item", {**GOOD, "tags": [1] * 1000})
    assert len(found) == 20


def test_a_reply_is_seen_with_its_virtual_fields() -> None:
    schemas = schemas_of("schema Failed { code: 404, headers: object }")
    reply = with_reply({"error": "x"}, ReplyMeta(404, Headers(), ok=False))
    assert schemas.mismatches(SCOPE, "Failed", reply) == []
    assert schemas.mismatches(SCOPE, "Failed", {"code": 404}) == ["'.headers' is missing"]


def test_a_declared_schema_replaces_the_predefined_one() -> None:
    assert "CircuitOpen" in schemas_of("")
    schemas = schemas_of("schema CircuitOpen { mine: int }")
    assert schemas.matches(SCOPE, "CircuitOpen", {"mine": 1})


def test_a_schema_may_start_from_an_imported_component() -> None:
    [component, own] = [
        item.node
        for item in parse(
            "schema Base { bin: { code: string, weight: number } }"
            "schema Bin from warehouse.Bin { weight: int?, inner: [warehouse.Bin]? }"
        ).tree.items
    ]
    assert isinstance(component, Schema)
    assert isinstance(own, Schema)
    [field] = component.items
    assert isinstance(field.type, ObjectType)
    schemas = SchemaSet({"Bin": own}, Names(), {"warehouse.Bin": field.type})
    assert schemas.matches(SCOPE, "Bin", {"code": "x"})
    assert not schemas.matches(SCOPE, "Bin", {"weight": 1})
    assert not schemas.matches(SCOPE, "Bin", {"code": "x", "inner": [{"code": "y"}]})
    assert schemas.matches(SCOPE, "Bin", {"code": "x", "inner": [{"code": "y", "weight": 1.5}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema A { x: strnig }", "unknown type 'strnig'"),
        ("schema A { ...Nope }", "unknown schema 'Nope'"),
        ("schema A { ...B } schema B { ...A }", "includes itself"),
        ("schema A from ns.Part { x: int }", "no imported schema"),
    ],
)
def test_what_the_checker_refuses_is_an_error_here_too(text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        schemas_of(text).matches(SCOPE, "A", {})
