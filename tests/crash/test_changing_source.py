"""The list at the service changes between death and resume: what is lost, what is not.

With a cursor nothing is lost that was there all the time. Page numbers shift when records come
or go: the pages that were kept stay as they are, and one warning says that they differ now.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reqon.steps.paging import APART
from support.crash_runs import Bench, Run, seed_of
from support.crash_service import PAGE, World
from support.fake_api import Asked, Reply

MISSION = """
mission Listing {
  source API { auth: none, base: env("REQON_TEST_URL") }
  store rows: file("rows")
  action Fetch {
    get "/rows" { params: { limit: 4 }, paginate: PAGING }
    for row in response.data checkpoint every 3 { store row -> rows { key: .id } }
  }
  run Fetch
}
"""
PAGINGS = {"cursor": "cursor(.next)", "page": "page(page, 4)"}
N_ROWS = 22

pytestmark = pytest.mark.slow


class Rows(World):
    """Rows in the order of their ids; a cursor names the last row that was seen.

    It answers so slowly that each page is committed alone.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ids = list(range(10, 10 + 10 * N_ROWS, 10))

    def answer(self, asked: Asked) -> Any:
        return self._slowly(super().answer(asked))

    @staticmethod
    async def _slowly(reply: Any) -> Any:
        await asyncio.sleep(1.5 * APART)
        return reply

    def get_rows(self, asked: Asked, rest: list[str]) -> Any:
        params = asked.params
        rows = [{"id": number, "text": f"row {number}"} for number in self.ids]
        if "page" in params:
            first = (int(params["page"]) - 1) * PAGE
            return {"data": rows[first : first + PAGE]}
        after = int(params.get("cursor", "0").removeprefix("after-"))
        found = [row for row in rows if row["id"] > after]
        more = len(found) > PAGE
        return Reply({
            "data": found[:PAGE],
            "next": f"after-{found[PAGE - 1]['id']}" if more else None,
        })  # fmt: skip

    def change(self, chance: random.Random) -> set[int]:
        """Rows go and come, anywhere; answers those that went."""
        gone = set(chance.sample(self.ids, 4))
        new = {chance.randrange(1, 10 * N_ROWS + 50) for _ in range(4)}
        self.ids = sorted({*self.ids, *new} - gone)
        return gone


@contextmanager
def dead(bench: Bench, paging: str, n_requests: int) -> Iterator[tuple[Run, Rows]]:
    """A run that dies right after so many pages."""
    text = MISSION.replace("PAGING", PAGINGS[paging])
    with bench.place(bench.program(f"listing-{paging}", text), "Listing") as run:
        world = Rows(run.name)
        world.url = run.world.url
        bench.service.replace(run.name, world)
        at = 1
        while world.n_requests < n_requests:
            run.remove()
            run.folder.mkdir()
            bench.service.replace(run.name, world)
            world.n_requests = 0
            assert run.start({"kind": "dying", "at": at, "moment": "after"}).died
            at += 1
        yield run, world


def rows_of(run: Run) -> set[int]:
    content = json.loads((run.state_dir / "stores" / "rows.json").read_text())
    return {int(key) for key in content}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("n_requests", [1, 2, 4, 6])
def test_a_cursor_loses_nothing_that_was_there_all_the_time(bench: Bench, n_requests: int) -> None:
    chance = random.Random(f"{seed_of()} {n_requests}")
    with dead(bench, "cursor", n_requests) as (run, world):
        before = set(world.ids)
        gone = world.change(chance)
        answer = run.start(resume=True)
        assert answer.exit_code == 0, answer
        assert rows_of(run) >= before - gone
        assert rows_of(run) <= before | set(world.ids)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("n_requests", [2, 4])
def test_page_numbers_keep_what_was_fetched_and_warn_once(bench: Bench, n_requests: int) -> None:
    with dead(bench, "page", n_requests) as (run, world):
        kept = world.ids[: (n_requests - 1) * PAGE]
        world.ids = [5, *world.ids]
        answer = run.start(resume=True)
        assert answer.exit_code == 0, answer
        assert answer.record["warnings"] == {"other": 1}
        assert rows_of(run) == {*world.ids} - {5}, "rows move to later pages: none is lost"
        assert set(kept) <= rows_of(run)


def test_page_numbers_that_fit_do_not_warn(bench: Bench) -> None:
    with dead(bench, "page", 3) as (run, world):
        answer = run.start(resume=True)
        assert answer.exit_code == 0, answer
        assert "warnings" not in answer.record
        assert rows_of(run) == set(world.ids)
