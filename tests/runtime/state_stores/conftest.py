from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.crash_runs import Bench, open_bench
from support.postgres import Postgres, server
from support.s3 import S3Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    with open_bench() as opened:
        yield opened


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server() as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running
