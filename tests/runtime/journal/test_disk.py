"""What the disk does with a file that takes the place of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from reqon.journal.disk import Disk


def test_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    assert Disk().replace_file(path, [b"ne", b"w"]) == 3
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


def test_after_an_error_nothing_is_left_of_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        Disk().replace_file(path, [b"new"])
    assert list(tmp_path.iterdir()) == [path]
