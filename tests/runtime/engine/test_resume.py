"""Resuming with data that is too large for frames, several deaths in one run, loops at once."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from reqon.engine.run import ResumeChoice, RunControl, RunResult
from reqon.state.reader import StateReader
from support.crash_disk import CountingDisk, DyingDisk
from support.fake_api import Gate, Reply
from support.fake_pages import pages
from support.missions import Lab, lab

ROWS = [
    {"id": n, "kind": "ab"[n % 2], "text": "x" * 250, "lines": [{"n": m} for m in range(n % 3)]}
    for n in range(900)
]

LARGE = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  store lines: file("lines")
  schema Kept { id: string }
  action A {
    get "/rows" { paginate: page(page, 300) }
    let rows = response.data
    get "/more"
    let extra = response
    for row in rows where .kind == "b" checkpoint every 50 {
      map row -> Kept { id: concat("r", .id), name: extra[.id].name }
      for line in row.lines { store { id: concat(row.id, "-", line.n) } -> lines }
      store row -> out
    }
    store { id: "end", rows: length(rows), extra: length(extra), name: extra[5].name } -> out
  }
  run A
}
"""

WIDE = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  store sums: file("sums")
  action A {
    get "/rows"
    for row in response parallel 3 checkpoint every 4 {
      let twice = row.id * 2
      get "/rows/{row.id}"
      let name = response.name
      get "/rows/{row.id}"
      store { id: row.id, twice: twice, name: name } -> out
    }
    store { id: "sum", n: length(out) } -> sums
  }
  action B { for n in range(1, 30) { store { id: n } -> sums } }
  run [A, B] then C
  action C { store { id: "c", n: length(sums) } -> sums }
}
"""


def serve(world: Lab) -> None:
    world.api.get("/rows", pages(ROWS, "page", 300))
    world.api.get("/more", [{"name": f"name {n}", "pad": "y" * 200} for n in range(900)])


def serve_wide(world: Lab) -> None:
    world.api.get("/rows", [{"id": n} for n in range(12)])
    for n in range(12):
        world.api.get(f"/rows/{n}", {"name": f"n{n}"})


def outcome(world: Lab, result: RunResult) -> tuple[Any, ...]:
    stores = {name: sorted(world.store(name), key=str) for name in ("out", "lines", "sums")}
    counts = {name: count["count"] for name, count in result.record["stores"].items()}
    return result.status, sorted(result.record["actionsRun"]), stores, counts


async def run_until_done(world: Lab, text: str, deaths: list[int]) -> RunResult | None:
    """Die at these operations, each in a process of its own, then run to the end.

    None where one died behind its end: the next run would be another execution.
    """
    for at in deaths:
        disk = DyingDisk(at)
        try:
            result = await world.run(text, disk=disk, resume=ResumeChoice.IF_ANY)
        except BaseException:  # noqa: BLE001 - what died takes whatever was running along
            assert disk.dead
        else:
            return result
        last = StateReader(world.state).latest("M")
        if last is not None and last.status == "completed":
            return None
    return await world.run(text, resume=ResumeChoice.IF_ANY)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("text", "prepare"), [(LARGE, serve), (WIDE, serve_wide)])
async def test_a_run_that_dies_again_and_again_comes_to_the_same_end(
    tmp_path: Path, text: str, prepare: Any
) -> None:
    async with lab(tmp_path) as world:
        prepare(world)
        disk = CountingDisk()
        expected = outcome(world, await world.run(text, disk=disk))
        assert expected[0] == "completed"
        dice = random.Random(7)
        for _ in range(12):
            shutil.rmtree(world.state)
            deaths = [dice.randrange(8, disk.count) for _ in range(dice.randrange(1, 5))]
            result = await run_until_done(world, text, deaths)
            if result is not None:
                assert outcome(world, result) == expected, f"died at {deaths}"


async def test_pages_are_fetched_once_and_the_last_one_compared(tmp_path: Path) -> None:
    """Interrupted at page 3, a resume asks for page 2 again, keeps what it had, and warns."""
    text = """
    mission M {
      source Api { base: env("API") }
      store out: file("out")
      action A { get "/rows" { paginate: page(page, 2) }  store response.data -> out }
      run A
    }
    """
    rows = [{"id": n} for n in range(5)]
    gate, control = Gate(), RunControl()
    served = pages(rows, "page", 2)
    async with lab(tmp_path) as world:
        world.api.get(
            "/rows",
            lambda asked: Reply({}, gate=gate) if asked.params["page"] == "3" else served(asked),
        )
        async with asyncio.TaskGroup() as group:
            run = group.create_task(world.run(text, control=control))
            await gate.reached()
            control.interrupt("SIGTERM")
            first = await run
        gate.open()
        assert first.record["checkpoints"] == {"A": {"page": 2, "itemsProcessed": 4}}
        world.api.requests.clear()
        world.api.get("/rows", pages([{"id": "new"}, *rows], "page", 2))
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert world.api.lines == [f"GET /rows?page={n}" for n in (2, 3, 4)]
    assert [record["id"] for record in world.store("out")] == [0, 1, 2, 3, 4]
    assert result.record["warnings"] == {"other": 1}


async def test_a_secret_in_a_variable_survives_a_resume(tmp_path: Path) -> None:
    text = """
    mission M {
      source Api { base: env("API") }
      store out: file("out")
      action A {
        let key = env("API_TOKEN")
        get "/one"
        for n in [1, 2, 3] checkpoint every 1 { get "/check" { headers: { "X-Key": key } } }
      }
      run A
    }
    """
    async with lab(tmp_path) as world:
        world.environ["API_TOKEN"] = "very-secret-token"
        world.api.get("/one", {}).get("/check", {})
        disk = CountingDisk()
        await world.run(text, disk=disk)
        shutil.rmtree(world.state)
        result = await run_until_done(world, text, [disk.count - 20])
        assert result.status == "completed"
        assert len(result.record["attempts"]) == 2
        assert {asked.header("X-Key") for asked in world.api.asked("/check")} == {
            "very-secret-token"
        }
    assert "very-secret-token" not in world.texts()
