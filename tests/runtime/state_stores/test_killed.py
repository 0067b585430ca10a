"""Processes whose state is in a store that comes with Reqon: killed, their disk emptied, resumed."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from pathlib import Path

import pytest

from reqon.state_stores.s3 import open_store
from reqon.state_stores.s3_objects import LOOK_SECONDS
from support.bundled_stores import disturbed, kill_and_wipe, quickstart, undisturbed
from support.crash_outcome import differences
from support.crash_processes import Process, reqon
from support.crash_runs import Bench, Run
from support.postgres import Postgres
from support.s3 import SECRET, S3Server

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


def test_a_killed_run_goes_on_from_s3_alone(bench: Bench, s3: S3Server) -> None:
    assert disturbed(bench, "s3", s3.url, kill_and_wipe) == []


def test_a_run_does_not_mind_that_s3_is_away_for_a_while(bench: Bench, s3: S3Server) -> None:
    def away(process: Process, run: Run) -> None:
        s3.stop()
        threading.Timer(1.0, s3.start).start()
        assert process.runs

    assert disturbed(bench, "s3", s3.url, away) == []


def test_an_s3_that_stays_away_interrupts_the_run(bench: Bench, s3: S3Server) -> None:
    wanted = undisturbed(bench)
    with quickstart(bench, "s3") as (run, program):
        env = {"REQON_TEST_URL": run.world.url, "REQON_STATE_URL": s3.url}
        command = ["run", str(program), "--resume"]
        run.world.holds_at = 23
        with Process(command, run.folder, env) as process:
            process.signal_when(0, lambda: run.world.n_requests >= 23)
            s3.stop()
            run.world.released.set()
            ended = process.wait()
        assert ended.code == 1, ended
        assert f"S3 bucket 'our-state' at {s3.endpoint} cannot be reached" in ended.errors
        assert "--resume" in ended.errors
        s3.start()
        resumed = reqon(command, run.folder, env)
        assert resumed.code == 0, resumed
        assert "Quickstart: resumed" in resumed.errors, resumed
        assert differences(run.outcome(), wanted) == []
        files = [path for path in run.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_run_that_was_asleep_adds_nothing_to_s3(bench: Bench, s3: S3Server) -> None:
    """Another run gets its lease meanwhile; not within the second after its last look at it."""
    with quickstart(bench, "s3") as (run, program):
        env = {"REQON_TEST_URL": run.world.url, "REQON_STATE_URL": s3.url}
        run.world.holds_at = 23
        with Process(["run", str(program)], run.folder, env) as process:
            process.signal_when(signal.SIGSTOP, lambda: run.world.n_requests >= 23 and s3.is_quiet)
            (key,) = [key for key in s3.things if "/leases/" in key]
            owner = json.loads(s3.things[key].body)["owner"]
            mission = key.rpartition("/")[2]
            assert asyncio.run(open_store(s3.url).acquire(mission, owner, 60)) is not None
            before = dict(s3.things)
            time.sleep(LOOK_SECONDS)
            run.world.released.set()
            process.signal(signal.SIGCONT)
            ended = process.wait()
    assert ended.code == 1, ended
    assert f"another run has taken '{mission}' over" in " ".join(ended.errors.split())
    assert s3.things == before
