"""Syncs again and again, with deaths in between, and a service that makes it hard.

Records appear late (with a time up to two seconds before they can be seen), share their times,
are dated in the future, and change while they are listed; the clocks of service and client
differ. Whatever happens, the store has everything that the service had at the last sync.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from support.crash_runs import Bench, Run, seed_of
from support.crash_service import World
from support.fake_api import Asked, Reply
from support.fake_pages import pages

MISSION_FILE = Path(__file__).parent / "missions" / "incremental_items.vague"
START = datetime(2031, 3, 1, tzinfo=UTC)
LATE_SECONDS = 2
DAY_SECONDS = 86_400

pytestmark = pytest.mark.slow


class Changing(World):
    """Items with times; `now` is the service's clock, which stands still during a sync."""

    def __init__(self, name: str, seed: str) -> None:
        super().__init__(name)
        self.now = START
        self.chance = random.Random(seed)
        self.items: dict[int, dict[str, Any]] = {}
        self.hidden: list[tuple[datetime, dict[str, Any]]] = []
        self.n_changes = 0
        self.calm = False

    def change(self) -> None:
        """One record is made or changed; it can be seen now or a little later."""
        chance = self.chance
        number = chance.randint(1, 30)
        seen_at = self.now + timedelta(seconds=chance.choice((0, 0, 0, 1, 3)))
        dated = seen_at - timedelta(seconds=chance.choice((0, 0, 1, LATE_SECONDS)))
        if chance.random() < 0.05:
            dated += timedelta(days=400)
        self.n_changes += 1
        item = {"id": number, "version": self.n_changes, "updatedAt": shown(dated)}
        if seen_at <= self.now:
            self.items[number] = item
        else:
            self.hidden.append((seen_at, item))

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        due = [(at, item) for at, item in self.hidden if at <= self.now]
        self.hidden = [(at, item) for at, item in self.hidden if at > self.now]
        for _, item in sorted(due, key=lambda pair: pair[0]):
            self.items[item["id"]] = item

    def get_items(self, asked: Asked, rest: list[str]) -> Any:
        since = asked.params.get("modified_since", "")
        found = [item for _, item in sorted(self.items.items()) if item["updatedAt"] >= since]
        reply = pages(found, "page", 3)(asked)
        if not self.calm and self.chance.random() < 0.2:
            self.change()
        date = format_datetime(self.now, usegmt=True)
        return Reply(reply.body, headers={**reply.headers, "Date": date})


def shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def sync(run: Run, world: Changing, chance: random.Random, log: list[str]) -> None:
    """One sync, which may die several times on its way."""
    skew = chance.choice((-DAY_SECONDS, -2, -1, 0, 0, 0.5, 1, 2, DAY_SECONDS))
    for _ in range(4):
        disk = None
        if chance.random() < 0.4:
            disk = {"kind": "dying", "at": chance.randint(1, 75), "moment": "after"}
        now = (world.now + timedelta(seconds=skew)).isoformat()
        answer = run.start(disk, resume=True, now=now)
        log.append(f"at {shown(world.now)} {skew:+} s: {disk or answer.status}")
        if not answer.died:
            assert answer.exit_code == 0, answer
            return
        world.move(chance.choice((0, 0, 1, 2)))
    run.start(resume=True, now=world.now.isoformat())


def history(bench: Bench, mission: str, n_syncs: int, seed: str) -> list[str]:
    """Many syncs; what the store lacks in the end, and how it came to it."""
    chance = random.Random(seed)
    log: list[str] = []
    program = bench.program("incremental_items", MISSION_FILE.read_text())
    with bench.place(program, mission) as run:
        world = Changing(run.name, seed)
        world.url = run.world.url
        bench.service.replace(run.name, world)
        for _ in range(n_syncs):
            for _ in range(chance.randint(0, 4)):
                world.change()
            world.move(chance.choice((0, 1, 2, 5, 9)))
            sync(run, world, chance, log)
        world.calm = True
        world.move(10)
        last = run.start(resume=True, now=world.now.isoformat())
        assert last.exit_code == 0, last
        run.start(now=world.now.isoformat())
        found = json.loads((run.state_dir / "stores" / "items.json").read_text())
        wanted = {str(number): item for number, item in world.items.items()}
        problems = [f"{key}: found {found.get(key)}, wanted {item}" for key, item in wanted.items()
                    if found.get(key) != item]  # fmt: skip
    return [*log, *problems] if problems else []


def check(bench: Bench, mission: str, n_cases: int, n_syncs: int, seed: int) -> None:
    for number in range(n_cases):
        problems = history(bench, mission, n_syncs, f"{seed} {mission} {number}")
        if problems:
            pytest.fail(f"case {number}, REQON_CRASH_SEED={seed}\n" + "\n".join(problems))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mission", ["ByTime", "ByRecord"])
def test_nothing_is_missed_by_syncs_that_die(bench: Bench, mission: str) -> None:
    check(bench, mission, 4, 20, seed_of())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mission", ["ByTime", "ByRecord"])
def test_nothing_is_missed_by_many_syncs_that_die(bench: Bench, mission: str) -> None:
    check(bench, mission, 100, 50, seed_of(None))
