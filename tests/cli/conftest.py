"""A command line in a folder of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reqon.cli.main import cli

Reqon = Callable[..., Result]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, no variable of Reqon's set, times in UTC, lines kept whole."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("REQON_") or name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def reqon() -> Reqon:
    """Run the command line in this process."""

    def run(*arguments: str, given: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=given)

    return run
