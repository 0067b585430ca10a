"""Runs of the command whose state is in Redis: either side is killed, and nothing is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bundled_stores import disturbed, kill_and_wipe, quickstart, undisturbed
from support.crash_outcome import differences
from support.crash_processes import Process, reqon
from support.crash_runs import Bench
from support.redis import PASSWORD, RedisServer

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


def test_a_killed_run_goes_on_from_redis_alone(bench: Bench, server: RedisServer) -> None:
    assert disturbed(bench, "redis", server.url, kill_and_wipe) == []


def test_the_server_may_crash_and_come_back(bench: Bench, server: RedisServer) -> None:
    assert disturbed(bench, "redis", server.url, lambda *_: server.restart()) == []


def test_a_server_that_stays_away_interrupts_the_run(bench: Bench, server: RedisServer) -> None:
    wanted = undisturbed(bench)
    with quickstart(bench, "redis") as (run, program):
        env = {"REQON_TEST_URL": run.world.url, "REQON_STATE_URL": server.url}
        command = ["run", str(program), "--resume"]
        run.world.holds_at = 23
        with Process(command, run.folder, env) as process:
            process.signal_when(0, lambda: run.world.n_requests >= 23)
            server.stop()
            run.world.released.set()
            ended = process.wait()
        assert ended.code == 1, ended
        assert f"Redis at 127.0.0.1:{server.port} cannot be reached" in ended.errors
        assert "--resume" in ended.errors
        server.start()
        resumed = reqon(command, run.folder, env)
        assert resumed.code == 0, resumed
        assert "Quickstart: resumed" in resumed.errors, resumed
        assert differences(run.outcome(), wanted) == []
        assert PASSWORD not in ended.output + ended.errors + resumed.output + resumed.errors
        files = [path for path in run.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
