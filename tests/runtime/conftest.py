"""What the tests of the Python interface share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reqon import set_state_store


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, no state folder named by the environment, no state store after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REQON_STATE_DIR", raising=False)
    yield tmp_path
    set_state_store(None)
