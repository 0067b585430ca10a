"""Processes whose state is in a store that comes with Reqon: killed, their disk emptied, resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bundled_stores import disturbed, kill_and_wipe
from support.crash_processes import Process
from support.crash_runs import Bench, Run
from support.postgres import Postgres

pytestmark = pytest.mark.slow


def test_a_killed_run_goes_on_from_sqlite_alone(bench: Bench, tmp_path: Path) -> None:
    assert disturbed(bench, "sqlite", f"sqlite://{tmp_path}/state.db", kill_and_wipe) == []


def test_a_killed_run_goes_on_from_postgres_alone(bench: Bench, postgres: Postgres) -> None:
    assert disturbed(bench, "postgres", postgres.new_database(), kill_and_wipe) == []


def test_a_run_does_not_mind_that_the_server_is_restarted(bench: Bench, postgres: Postgres) -> None:
    def restart(process: Process, run: Run) -> None:
        postgres.restart()
        assert process.runs

    assert disturbed(bench, "postgres", postgres.new_database(), restart) == []
