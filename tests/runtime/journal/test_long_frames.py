"""A frame that is written in pieces is the frame that would be written whole."""

from __future__ import annotations

from typing import Any

import pytest

from reqon.journal.frames import Base, Frame, StartFacts, Summary, decode_line, line_of, long_line
from reqon.journal.placeholders import base_pieces, encode_hidden
from reqon.secrets import SecretRegistry

SECRET = "tok-9876543210"
START = StartFacts(1, "exec_x", "M", "2024", "0", 1, "2024", {}, "strict", "manual", "0")
PAGE = ["x" * 1000] * 200


def book() -> SecretRegistry:
    secrets = SecretRegistry()
    secrets.add("API_TOKEN", SECRET)
    return secrets


def frame(cells: list[Any], *, attempts: int = 1) -> Frame:
    made = Frame(n=7, t=1, k="base", s=7)
    made.start, made.summary = START, Summary()
    made.base = Base(cells=list(cells), attempts=[{"startedAt": "2024"}] * attempts)
    return made


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [("0", {"at": 1})],
        [(f"0/p/{number}", PAGE) for number in range(5)],
        [("0/p/1", [SECRET]), ("0/p/2", PAGE), ("0/v/x", {"v": f"Bearer {SECRET}"})],
        [("0/p/1", PAGE * 3)],
    ],
)
@pytest.mark.parametrize("attempts", [0, 1])
def test_the_line_is_that_of_the_whole_frame(cells: list[Any], attempts: int) -> None:
    line = b"".join(long_line(base_pieces(frame(cells, attempts=attempts), book())))
    assert SECRET.encode() not in line
    whole = line_of(encode_hidden(frame(cells, attempts=attempts), book()))
    assert decode_line(line) == decode_line(whole) is not None


def test_no_piece_holds_all() -> None:
    cells = [(f"0/p/{number}", PAGE) for number in range(20)]
    sizes = [len(piece) for piece in base_pieces(frame(cells), book())()]
    assert max(sizes) < 500_000 < sum(sizes)


def test_what_changes_while_it_is_written_is_an_error() -> None:
    page = {"n": 1}
    pieces = long_line(base_pieces(frame([("0/p/1", page)]), book()))
    next(pieces)
    page["n"] = 2
    with pytest.raises(RuntimeError, match="changed"):
        list(pieces)
