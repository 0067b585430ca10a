"""The first frame of a journal, which can be as long as everything that a run has kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reqon.journal.frames import Base, Frame, StartFacts, Summary, encode_frame, line_of
from reqon.state.journal_tail import read_start

START = StartFacts(1, "exec_1", "Sync", "2024-01-01T00:00:00Z", "", 1, "", {}, "balanced", "", "")
LONG = "é" * 100_000


def base_frame(**parts: Any) -> bytes:
    """The line of a frame as compaction writes it."""
    cells: list[tuple[str, Any]] = [("0.Fetch/1/p/1", LONG)]
    frame = Frame(n=7, t=0, k="base", start=START, base=Base(cells=cells), summary=Summary())
    for name, value in parts.items():
        setattr(frame, name, value)
    return line_of(encode_frame(frame))


def started(tmp_path: Path, content: bytes) -> str | None:
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    start = read_start(path)
    return None if start is None else start["executionId"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param(line_of(encode_frame(Frame(n=1, t=0, k="start", start=START))), True,
                     id="short"),
        pytest.param(base_frame(), True, id="long behind it"),
        pytest.param(base_frame(cells=[("a", LONG)]), True, id="long before it"),
        pytest.param(base_frame(cells=[("a", '"start":{}' + LONG)]), True, id="a text like it"),
        pytest.param(base_frame(start=None), False, id="long without it"),
        pytest.param(base_frame()[:-1], False, id="cut before its end"),
        pytest.param(base_frame()[:-9], False, id="cut"),
        pytest.param(base_frame()[:70_000], False, id="cut in the middle"),
        pytest.param(base_frame().replace("é".encode(), b"e!", 1), False, id="damaged behind it"),
        pytest.param(base_frame().replace(b"exec_1", b"exec_2", 1), False, id="damaged in it"),
        pytest.param(b"x" * 100_000, False, id="no frame"),
        pytest.param(b"1 2 " + b"x" * 100_000, False, id="wrong length"),
        pytest.param(b"", False, id="empty"),
    ],
)  # fmt: skip
def test_the_first_frame_tells_what_began(tmp_path: Path, line: bytes, *, found: bool) -> None:
    assert started(tmp_path, line + b"12 garbage") == ("exec_1" if found else None)
    assert started(tmp_path, line) == ("exec_1" if found else None)
