"""`reqon fmt`: lays files out in place, or says what would change."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Reqon

UGLY = 'mission A{store s:file("s")\n\n\n  action B{ store {id:"1"}->s{key:.id} } run B}\n'


@pytest.fixture
def file(own_folder: Path) -> Path:
    path = own_folder / "a.vague"
    path.write_text(UGLY)
    return path


def test_a_file_is_laid_out_in_place(reqon: Reqon, file: Path) -> None:
    file.chmod(0o640)
    shown = reqon("fmt", "a.vague")
    assert shown.exit_code == 0
    assert shown.stdout == "changed a.vague\n"
    assert shown.stderr == "1 file changed\n"
    neat = file.read_text()
    assert neat.startswith('mission A {\n  store s: file("s")\n')
    assert file.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in file.parent.iterdir()] == ["a.vague"]
    again = reqon("fmt", "a.vague")
    assert (again.stdout, again.stderr) == ("", "1 file in order already\n")
    assert file.read_text() == neat


def test_check_changes_nothing(reqon: Reqon, file: Path) -> None:
    shown = reqon("fmt", "--check", "a.vague")
    assert (shown.exit_code, shown.stdout) == (1, "would change a.vague\n")
    assert file.read_text() == UGLY
    reqon("fmt", "a.vague")
    assert reqon("fmt", "--check", "a.vague").exit_code == 0


def test_diff_shows_what_would_change(reqon: Reqon, file: Path) -> None:
    shown = reqon("fmt", "--diff", "a.vague")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[:2] == ["--- a/a.vague", "+++ b/a.vague"]
    assert '+  store s: file("s")' in lines
    assert file.read_text() == UGLY
    assert reqon("fmt", "--diff", "--check", "a.vague").exit_code == 1


def test_standard_input(reqon: Reqon, own_folder: Path) -> None:
    shown = reqon("fmt", "-", given=UGLY)
    assert shown.exit_code == 0
    assert shown.stdout.startswith('mission A {\n  store s: file("s")\n')
    assert reqon("fmt", "-", given=shown.stdout).stdout == shown.stdout
    assert reqon("fmt", "-", "--check", given=UGLY).exit_code == 1
    broken = reqon("fmt", "-", given="mission {")
    assert (broken.exit_code, broken.stdout) == (2, "")
    assert "<stdin>:1:" in broken.stderr
    assert reqon("fmt", "-", "a.vague", given="").exit_code == 2


def test_a_file_with_syntax_errors_stays_untouched(reqon: Reqon, file: Path) -> None:
    broken = file.parent / "broken.vague"
    broken.write_text("mission A {  action B { get }")
    shown = reqon("fmt", "a.vague", "broken.vague")
    assert shown.exit_code == 2
    assert broken.read_text() == "mission A {  action B { get }"
    assert file.read_text() != UGLY
    assert "broken.vague:1:" in shown.stderr
    assert "1 file changed, 1 file with syntax errors left untouched" in shown.stderr


def test_line_endings_and_byte_order_mark_stay(reqon: Reqon, own_folder: Path) -> None:
    path = own_folder / "windows.vague"
    path.write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    assert reqon("fmt", "windows.vague").exit_code == 0
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfmission A {\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_bytes_that_are_no_text(reqon: Reqon, own_folder: Path) -> None:
    path = own_folder / "bytes.vague"
    path.write_bytes(b"mission A {\n\xff}")
    shown = reqon("fmt", "bytes.vague")
    assert shown.exit_code == 2
    assert "bytes.vague:2:1: error[RQ015]: file is not valid UTF-8" in shown.stderr
    assert path.read_bytes() == b"mission A {\n\xff}"


def test_a_file_in_utf_16_is_left_alone(reqon: Reqon, own_folder: Path) -> None:
    path = own_folder / "wide.vague"
    path.write_bytes(UGLY.encode("utf-16"))
    shown = reqon("fmt", "wide.vague")
    assert shown.exit_code == 2
    assert "wide.vague:1:1: error[RQ015]: file is in UTF-16, not in UTF-8" in shown.stderr
    assert path.read_bytes() == UGLY.encode("utf-16")


def test_a_folder_is_searched_but_not_everywhere(reqon: Reqon, own_folder: Path) -> None:
    for name in ("m/a.vague", "m/deep/b.reqon", "m/.hidden/c.vague", "m/node_modules/d.vague"):
        path = own_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(UGLY)
    (own_folder / "m" / "notes.txt").write_text(UGLY)
    shown = reqon("fmt", "m")
    assert shown.stdout.splitlines() == ["changed m/a.vague", "changed m/deep/b.reqon"]
    for name in ("m/.hidden/c.vague", "m/node_modules/d.vague", "m/notes.txt"):
        assert (own_folder / name).read_text() == UGLY


def test_where_there_is_nothing_to_lay_out(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "empty").mkdir()
    assert reqon("fmt", "empty").exit_code == 3
    assert reqon("fmt", "missing.vague").exit_code == 3
