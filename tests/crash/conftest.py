from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.crash_runs import Bench, open_bench


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    with open_bench() as opened:
        yield opened
