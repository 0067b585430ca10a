"""Processes whose state is in a store that comes with Reqon: killed, their disk emptied, resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bundled_stores import disturbed, kill_and_wipe
from support.crash_runs import Bench

pytestmark = pytest.mark.slow


def test_a_killed_run_goes_on_from_sqlite_alone(bench: Bench, tmp_path: Path) -> None:
    assert disturbed(bench, "sqlite", f"sqlite://{tmp_path}/state.db", kill_and_wipe) == []
