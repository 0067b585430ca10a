"""Offsets and client positions are the same places, in every encoding, for any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from reqon_lsp.convert import LineIndex, canonical_uri, path_of

TEXTS = st.text(alphabet=st.sampled_from("ab{ \n\r\t\u2028\x0c\x85é€😀\u0301"), max_size=60)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])


@given(TEXTS, ENCODINGS, st.data())
def test_an_offset_comes_back_from_its_position(text, encoding, data):
    index = LineIndex(text, encoding)
    offset = data.draw(st.integers(0, len(text)))
    back = index.offset(index.position(offset))
    inside_break = 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"
    assert back == (offset - 1 if inside_break else offset)


@given(TEXTS)
def test_lines_begin_behind_line_feeds_and_carriage_returns_only(text):
    index = LineIndex(text, "utf-32")
    breaks = list(re.finditer("\r\n|\n|\r", text))
    assert index.starts == [0, *(found.end() for found in breaks)]
    assert index.ends == [*(found.start() for found in breaks), len(text)]


@given(TEXTS, ENCODINGS, st.integers(0, 80), st.integers(0, 80))
def test_any_position_is_clamped_into_the_text(text, encoding, line, character):
    index = LineIndex(text, encoding)
    assert 0 <= index.offset(types.Position(line, character)) <= len(text)


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 6), ("utf-16", 3), ("utf-32", 2)])
def test_a_column_counts_the_negotiated_units(encoding, character):
    index = LineIndex("x\né😀b", encoding)
    assert index.position(len("x\né😀")) == types.Position(1, character)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///tmp/a%20b.vague", "/tmp/a b.vague"),
        ("untitled:Untitled-1", None),
        ("vscode-vfs://github/x.vague", None),
    ],
)
def test_only_file_uris_have_a_path(uri, path):
    assert path_of(uri) == path
    assert canonical_uri(uri) == canonical_uri(uri.replace("%20", " "))
