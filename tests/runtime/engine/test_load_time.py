"""What is evaluated once, when a run begins, is the same after a resume, however much later."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reqon.clock import SystemClock
from reqon.engine.run import ResumeChoice, RunControl, RunResult
from support.fake_api import Gate, Reply
from support.missions import Lab, lab

TEXT = """
let SHARED = concat(env("WHERE", "here"), uuid())
mission M {
  let run = uuid()
  let tag = concat(env("WHERE"), "-", generateId(), "-", run)
  let day = formatDate(now(), "YYYY-MM-DD")
  let from = now() - days(toNumber(env("DAYS", "7")))
  source Api { base: env("API"), headers: { "X-Run": concat(env("WHERE"), uuid()) } }
  store out: file(concat("out-", day))
  store named: file(concat("named-", run))
  action A {
    for n in [1, 2, 3] {
      get "/gate/{n}" { params: { from: from } }
      store { id: n, tag: tag, shared: SHARED, from: from } -> out
      store { id: n } -> named
    }
  }
  run A
}
"""


class NextDay(SystemClock):
    """A clock that is a day ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


async def interrupted(world: Lab, text: str) -> RunResult:
    """A run that is asked to stop in its second iteration."""
    control, gate = RunControl(), Gate()
    for n in (1, 3):
        world.api.get(f"/gate/{n}", {})
    world.api.get("/gate/2", Reply({}, gate=gate))
    async with asyncio.TaskGroup() as group:
        run = group.create_task(world.run(text, control=control))
        await gate.reached()
        control.interrupt("SIGTERM")
        result = await run
    gate.open()
    assert result.status == "interrupted"
    world.api.get("/gate/2", {})
    return result


def store_names(world: Lab) -> list[str]:
    return sorted(path.stem for path in (world.state / "stores").glob("[!.]*.json"))


def values(rows: list[dict[str, Any]], name: str) -> set[Any]:
    return {row[name] for row in rows}


async def test_lets_sources_and_stores_are_those_of_the_first_time(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.environ["WHERE"] = "north"
        today = SystemClock().now()
        await interrupted(world, TEXT)
        result = await world.run(TEXT, resume=ResumeChoice.IF_ANY, clock=NextDay())
        assert result.status == "completed", result.error
        asked = [one for n in (1, 2, 3) for one in world.api.asked(f"/gate/{n}")]
        assert len({one.header("X-Run") for one in asked}) == 1
        assert len({one.params["from"] for one in asked}) == 1
    named, out = store_names(world)
    assert named.startswith("named-")
    assert out in {f"out-{day:%Y-%m-%d}" for day in (today, today + timedelta(minutes=5))}
    rows = world.store(out)
    assert len(rows) == len(world.store(named)) == 3
    assert [len(values(rows, name)) for name in ("tag", "shared", "from")] == [1, 1, 1]
    assert values(rows, "tag").pop().endswith(named.removeprefix("named"))


async def test_a_later_run_begins_anew(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        for n in (1, 2, 3):
            world.api.get(f"/gate/{n}", {})
        assert (await world.run(TEXT)).status == "completed"
        assert (await world.run(TEXT, clock=NextDay())).status == "completed"
    assert [name.partition("-")[0] for name in store_names(world)] == ["named"] * 2 + ["out"] * 2


async def test_other_stores_are_still_refused(tmp_path: Path) -> None:
    """A name that the environment gives another value is no matter of when the run began."""
    text = TEXT.replace('file(concat("out-", day))', 'file(concat(env("WHERE"), day))')
    async with lab(tmp_path) as world:
        world.environ["WHERE"] = "north"
        await interrupted(world, text)
        world.environ["WHERE"] = "south"
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert result.error is not None
        assert "stores changed" in result.error.message
