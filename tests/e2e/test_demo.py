"""`reqon demo` as a newcomer sees it: a tour with real processes that are really killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

REQON = [sys.executable, "-m", "reqon"]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_tour_keeps_every_promise(tmp_path: Path) -> None:
    begun = time.monotonic()
    tour = subprocess.run(
        [*REQON, "demo", "--keep", "tour"],
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tour.returncode == 0, tour.stdout[-2000:] + tour.stderr
    assert time.monotonic() - begun < 60
    for promise in (
        '"status": "interrupted"',
        '"checkpoints": { "FetchCustomers": { "page": 15, "itemsProcessed": 1500 } }',
        "TransformCustomers, item 523 of ",
        "ok one execution, three attempts, 1,523 customers added",
        "ok customers.json: equal, byte for byte",
        "ok scored.json: equal, byte for byte",
        "ok added 42, updated 18, nothing fetched twice",
    ):
        assert promise in tour.stdout
    assert tour.stdout.count("! kill -9") == 2
    assert "Traceback" not in tour.stdout + tour.stderr
    assert [line for line in tour.stdout.splitlines() if len(line) > 80] == []
    assert {p.name for p in (tmp_path / "tour").iterdir()} == {"disturbed", "undisturbed"}


@pytest.mark.slow
def test_the_tour_does_not_write_into_a_folder_that_exists(tmp_path: Path) -> None:
    tour = subprocess.run(
        [*REQON, "demo", "--keep", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert tour.returncode == 3
    assert "exists already" in tour.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_sample_service_serves_until_it_is_interrupted() -> None:
    with subprocess.Popen(
        [*REQON, "demo", "--serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        first = service.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found, first
        with urllib.request.urlopen(f"{found[0]}/customers?page=1&limit=3") as reply:
            assert reply.status == 200
        service.send_signal(signal.SIGINT)
        assert service.wait(10) == 0
