"""Colours and widths by where the text goes; a reader that leaves early disturbs nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.state_folder import write_record

RED_OR_GREEN = ("\x1b[31m", "\x1b[32m")


def on_terminal(*arguments: str, columns: int = 80) -> str:
    """What the command writes when standard output and error are a terminal."""
    primary, secondary = pty.openpty()
    environ = {n: v for n, v in os.environ.items() if n not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "reqon", *arguments],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env={**environ, "TERM": "xterm", "COLUMNS": str(columns)},
    ) as process:
        os.close(secondary)
        shown = b""
        while True:
            try:
                data = os.read(primary, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        process.wait(30)
    os.close(primary)
    return shown.decode()


@pytest.mark.slow
def test_a_terminal_gets_colours_and_progress(own_folder: Path) -> None:
    write_record(own_folder)
    assert "\x1b[32mcompleted" in on_terminal("status")
    (own_folder / "count.vague").write_text(
        """mission Count {
          store s: memory("s")
          action Fill { for n in range(1, 3000) { store { n: n } -> s { key: .n } } }
        }"""
    )
    shown = on_terminal("count.vague")
    assert "3,000/3,000" in shown
    assert "Fill" in shown
    assert "\x1b[?25h" in shown
    assert "Count\x1b[0m \x1b[32mcompleted in" in shown
    assert "Fill: started" not in shown
    assert "3,000/3,000" not in on_terminal("count.vague", "--no-progress")


@pytest.mark.parametrize(
    ("variables", "colored"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1"}, False),
    ],
)
def test_no_color_and_force_color(
    reqon: Reqon,
    own_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    colored: bool,
) -> None:
    write_record(own_folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert any(color in reqon("status").stdout for color in RED_OR_GREEN) == colored
    assert any(color in reqon("status", "Nobody").stderr for color in RED_OR_GREEN) == colored
    assert "\x1b" not in reqon("status", "--json").stdout


@pytest.mark.slow
def test_a_reader_that_leaves_early_disturbs_nothing(own_folder: Path) -> None:
    for day in range(1, 29):
        write_record(own_folder, startedAt=f"2024-01-{day:02}T09:00:00Z")
    with subprocess.Popen(
        [sys.executable, "-m", "reqon", "history", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(20), errors) == (0, b"")


@pytest.mark.slow
def test_a_terminal_without_unicode_gets_the_text_all_the_same(own_folder: Path) -> None:
    write_record(own_folder, mission="Zoë")
    shown = subprocess.run(
        [sys.executable, "-m", "reqon", "status", "Zoë"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert shown.returncode == 0
    assert shown.stdout.startswith(b"Zo\\xeb  completed")


@pytest.mark.slow
def test_the_language_server_starts_by_the_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "reqon", "lsp", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0
    assert "0.1" in shown.stdout + shown.stderr
