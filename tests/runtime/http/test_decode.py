"""Bodies into values: how deep, and what is wrong where."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.http.decode import (
    MAX_DEPTH,
    UnreadableBodyError,
    decode_body,
    decode_json,
    plain_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(JSON)
def test_what_json_writes_is_read_again(value: Any):
    assert decode_json(json.dumps(value).encode()) == value


@given(st.binary(), st.sampled_from(["application/json", "text/plain; charset=utf-16", "", None]))
def test_any_bytes_give_a_value_or_a_reason(raw: bytes, content_type: str | None):
    with suppress(UnreadableBodyError):
        decode_body(raw, content_type)


@pytest.mark.parametrize("pattern", ["[]", '{"a":}', '[{"a":}]', '{"a":[]}'])
@pytest.mark.parametrize("width", [1, 50])
def test_depth_is_limited_wherever_it_stands(pattern: str, width: int):
    def nested(depth: int) -> bytes:
        opening, closing = _halves(pattern)
        levels = depth // (opening.count("[") + opening.count("{"))
        deep = opening * levels + "1" + closing * levels
        return f"[{','.join(['[]'] * width)},{deep},{','.join(['{}'] * width)}]".encode()

    assert decode_json(nested(MAX_DEPTH - 2))
    with pytest.raises(UnreadableBodyError, match="nested more than 200 levels"):
        decode_json(nested(MAX_DEPTH + 50))


def _halves(pattern: str) -> tuple[str, str]:
    at = min(pattern.find(c) for c in "]}" if c in pattern)
    return pattern[:at], pattern[at:]


def test_brackets_in_strings_are_no_levels():
    texts = ["[" * 300, "{" * 300 + '\\"' + "[", "]}" * 500]
    assert decode_json(json.dumps(texts).encode()) == texts


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[1, 2", "it ends too early, after 5 bytes: [1, 2▸"),
        (b"[1,]", "trailing comma in array at byte 3: [1,▸]"),
        (b"[1] 2", "trailing characters at byte 4: [1] ▸2"),
        (b'{"a" 1}', "expected ':' at byte 5: {\"a\" ▸1}"),
        (b"[Infinity]", "invalid character at byte 1: [▸Infinity]"),
        (b"1e999", "number out of range: 1e999"),
        (b"id,name\n1,Ann", "invalid character at byte 0: ▸id,name 1,Ann"),
        (b"  <?xml version='1.0'?><a/>", "it looks like HTML or XML: <?xml version='1.0'?><a/>"),
        (b'{"\xff": 1}', 'it is no UTF-8, at byte 2 (0xff): {"▸�": 1}'),
        (b"[" * 100_000, "it is nested more than 200 levels deep"),
    ],
)
def test_broken_json_is_told_with_its_place(raw: bytes, reason: str):
    with pytest.raises(UnreadableBodyError) as raised:
        decode_body(raw, "application/json")
    assert raised.value.reason == reason
    assert raised.value.kind == "invalid_json"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"cut \\ud83d"', "cut �"),
        (b'"\\\\ud83d \\ude00"', "\\ud83d �"),
    ],
)
def test_half_characters_become_the_replacement_character(raw: bytes, value: str):
    assert decode_json(raw) == value


@pytest.mark.parametrize(
    ("content_type", "value"),
    [
        ("application/json", {"a": 1}),
        ("Application/JSON; charset=UTF-8", {"a": 1}),
        ("text/json", {"a": 1}),
        ("application/hal+json", {"a": 1}),
        (None, {"a": 1}),
        ("", {"a": 1}),
        ("text/plain", '{"a": 1}'),
        ("application/x-ndjson", '{"a": 1}'),
        ("application/octet-stream", '{"a": 1}'),
    ],
)
def test_the_content_type_decides(content_type: str | None, value: Any):
    assert decode_body(b'{"a": 1}', content_type) == value


WRITERS = {
    "python": json.dumps,
    "in characters": lambda value: json.dumps(value, ensure_ascii=False),
    "tight": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "on many lines": lambda value: json.dumps(value, indent=1),
}


@given(
    st.lists(JSON) | st.dictionaries(TEXT, JSON),
    st.sampled_from(list(WRITERS)),
    st.sampled_from(["application/json", "application/hal+json; charset=UTF-8"]),
)
def test_a_body_kept_as_it_came_says_the_same_in_one_line(value: Any, writer: str, media: str):
    raw = WRITERS[writer](value).encode()
    kept = plain_json(raw, media)
    if kept is not None:
        assert decode_json(kept) == decode_body(raw, media) == value
        assert len(kept.splitlines()) == 1


@given(st.dictionaries(TEXT, TEXT, min_size=1), TEXT.filter(bool))
def test_each_text_can_be_found_in_a_body_kept_as_it_came(value: dict[str, str], secret: str):
    raw = json.dumps({**value, "password": secret}, ensure_ascii=False).encode()
    assert plain_json(raw, "application/json") is None or secret.encode() in raw


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b'{"path": "a\\/b"}', "application/json"),
        (b'{"name": "\\u0041da"}', "application/json"),
        (b'{"a": 1,\n"b": 2}', "application/json"),
        (b'\xef\xbb\xbf{"a": 1}', "application/json"),
        ('{"name": "Zoë"}'.encode("latin-1"), "application/json; charset=latin-1"),
        (b'{"a": 1}', "text/plain"),
        (b'{"a": 1}', None),
        (b'"one text"', "application/json"),
        (b"", "application/json"),
    ],
)
def test_what_is_not_plain_is_written_anew(raw: bytes, content_type: str | None):
    assert plain_json(raw, content_type) is None
