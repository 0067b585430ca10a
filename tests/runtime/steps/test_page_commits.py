"""Which pages are committed together, and how long one may wait for that."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from reqon.errors import StorageError
from reqon.steps.paging import MOST_WAITING, PageCommits


class Pages:
    """Stands for a branch: pages that are ready, and how many each commit took along."""

    def __init__(self, *, seconds: float = 0.0, fails: bool = False) -> None:
        self.ready = 0
        self.commits: list[int] = []
        self._seconds = seconds
        self._fails = fails

    async def commit(self, *_: Any) -> None:
        taken, self.ready = self.ready, 0
        await asyncio.sleep(self._seconds)
        if self._fails:
            raise StorageError("the disk is full")
        self.commits.append(taken)

    async def fetch(self, n: int, apart: float, commits: PageCommits) -> None:
        for _ in range(n):
            await asyncio.sleep(apart)
            self.ready += 1
            await commits.commit_behind()

    async def run(self, n: int, apart: float = 0.0) -> None:
        async with PageCommits(cast("Any", self)) as commits:
            await commits.collect(cast("Any", self.fetch(n, apart, commits)))


async def test_pages_that_come_at_once_share_commits() -> None:
    pages = Pages()
    await pages.run(12)
    assert sum(pages.commits) == 12
    assert len(pages.commits) < 6


async def test_slow_pages_are_committed_one_by_one() -> None:
    pages = Pages()
    await pages.run(4, apart=0.05)
    assert pages.commits == [1, 1, 1, 1]


async def test_a_page_does_not_wait_for_one_that_is_long_in_coming() -> None:
    pages = Pages()
    async with PageCommits(cast("Any", pages)) as commits:
        await commits.collect(cast("Any", pages.fetch(3, 0, commits)))
        pages.commits.clear()
        await pages.fetch(2, 0, commits)
        await asyncio.sleep(0.1)
        assert sum(pages.commits) == 2


async def test_no_more_pages_wait_for_a_slow_disk_than_may() -> None:
    pages = Pages(seconds=0.02)
    await pages.run(40)
    assert sum(pages.commits) == 40
    assert max(pages.commits) <= MOST_WAITING


async def test_an_error_of_the_disk_ends_the_fetching() -> None:
    with pytest.raises(StorageError, match="full"):
        await Pages(fails=True).run(100, apart=0.001)
