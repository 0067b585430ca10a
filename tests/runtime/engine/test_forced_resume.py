"""A resume with `--force` of a program that was changed where the run had stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from reqon.engine.run import ResumeChoice
from reqon.events.model import Warned
from support.fake_api import Asked, Reply, status
from support.missions import Lab, lab

MISSION = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action Other { store { id: "other" } -> out }
  action A {
    STEP
  }
  run A
}
"""
STEPS = {
    "for": 'for n in [1, 2] { get "/late/{n}" store { id: n } -> out }',
    "match": 'match 2 { 1 -> continue 2 -> { get "/late/1" store { id: 1 } -> out } }',
    "shorter match": 'match 1 { _ -> { get "/late/1" store { id: 1 } -> out } }',
    "catch": 'match 1 { _ -> { get "/missing" } } catch { _ -> { get "/late/1" store { id: 1 } -> out } }',
    "validate": 'validate { n: 1 } { assume .n > 1 } or { get "/late/1" store { id: 1 } -> out }',
    "run": "run Other then Late",
    "jump": "jump Late",
    "list": 'get "/late/1" { paginate: page(page, 1) }',
    "block": 'get "/late/1"\n    store { id: 1 } -> out',
}
LATE = '  action Late { get "/late/1" store { id: 1 } -> out }\n  run A'


def program(step: str) -> str:
    text = MISSION.replace("STEP", STEPS[step])
    return text.replace("  run A", LATE) if "Late" in text else text


@pytest.mark.parametrize("was", STEPS)
async def test_what_is_kept_of_another_kind_of_step_is_forgotten(tmp_path: Path, was: str) -> None:
    for now in STEPS:
        folder = tmp_path / now.replace(" ", "-")
        folder.mkdir()
        async with lab(folder) as world:
            world.api.get("/late/1", status(500), Reply([{"id": "x"}]), Reply([]))
            world.api.get("/late/2", {})
            world.api.get("/missing", status(404))
            assert (await world.run(program(was))).status == "failed"
            options = {"resume": ResumeChoice.IF_ANY, "force": True}
            result = await world.run(program(now), **options)
            assert result.status == "completed", (now, result.error)


LIST = MISSION.replace(
    "STEP",
    'get "/rows" { params: { limit: 2 }, paginate: page(page, 2), timeout: 1 minute }\n'
    "    store response -> out",
)


def rows(world: Lab) -> list[str]:
    """Eight rows by page and limit; the third page of two fails once; what was asked for."""
    left, asked_for = [status(503)], []

    def route(asked: Asked) -> Reply:
        limit, page = int(asked.params["limit"]), int(asked.params["page"])
        asked_for.append(f"{page}x{limit}")
        if page == 3 and left:
            return left.pop()
        return Reply([{"id": n} for n in range(8)][(page - 1) * limit : page * limit])

    world.api.get("/rows", route)
    return asked_for


@pytest.mark.parametrize(
    ("old", "new", "asked_then"),
    [
        ("limit: 2 }, paginate: page(page, 2)", "limit: 4 }, paginate: page(page, 4)", "1x4"),
        ("1 minute", "2 minutes", "2x2"),  # the last page that is kept is compared
    ],
)
async def test_pages_that_are_kept_count_for_the_same_list_alone(
    tmp_path: Path, old: str, new: str, asked_then: str
) -> None:
    async with lab(tmp_path) as world:
        asked_for = rows(world)
        assert (await world.run(LIST)).status == "failed"
        before = len(asked_for)
        changed = LIST.replace(old, new)
        result = await world.run(changed, resume=ResumeChoice.IF_ANY, force=True)
        assert result.status == "completed", result.error
        assert [row["id"] for row in world.store("out")] == list(range(8))
    assert asked_for[before] == asked_then


LOOP = MISSION.replace("STEP", 'for n in [1, 2] { get "/late/{n}" store { id: n } -> out }')


@pytest.mark.parametrize(
    ("old", "new", "warned"),
    [
        ("for n", 'let name = "x"\n    for n', True),
        ("for n", 'store { id: "first" } -> out\n    for n', True),
        ("for n", 'get "/first"\n    for n', True),
        ('get "/late/{n}"', 'let name = "x" get "/late/{n}"', False),
        ("id: n }", "id: n, name: 1 }", False),
        ("    for n", "\n    for n", False),
    ],
)
async def test_it_is_told_when_a_loop_begins_again(
    tmp_path: Path, old: str, new: str, warned: bool
) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/first", {})
        world.api.get("/late/1", {})
        world.api.get("/late/2", status(500), {})
        assert (await world.run(LOOP)).status == "failed"
        changed = LOOP.replace(old, new)
        result = await world.run(changed, resume=ResumeChoice.IF_ANY, force=True)
        assert result.status == "completed", result.error
        asked_for = [asked.path for asked in world.api.requests]
    told = [w for w in world.watcher.of(Warned) if "inside another step" in w.message]
    assert len(told) == warned
    assert asked_for.count("/late/1") == 1 + warned


LETS = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  let before = uuid()
  let factor = 2
  let double = factor * 2
  action A {
    for n in [1, 2, 3] {
      get "/late/{n}"
      store { id: n, factor: factor, double: double, before: before } -> out
    }
  }
  run A
}
"""


async def test_a_let_that_was_changed_counts_from_then_on(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/late/1", {})
        world.api.get("/late/2", status(500), {})
        world.api.get("/late/3", status(500), {})
        assert (await world.run(LETS)).status == "failed"
        changed = LETS.replace("factor = 2", "factor = 5")
        options = {"resume": ResumeChoice.IF_ANY}
        assert (await world.run(changed, **options, force=True)).status == "failed"
        assert (await world.run(changed, **options)).status == "completed"
    records = world.store("out")
    assert [(r["factor"], r["double"]) for r in records] == [(2, 4), (5, 10), (5, 10)]
    assert len({r["before"] for r in records}) == 1


STAGES = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action First { store { id: "first" } -> out }
  action Extra { store { id: "extra" } -> out }
  action A { get "/late/1" store { id: "a" } -> out }
  run First then A
}
"""


@pytest.mark.parametrize("pipeline", ["Extra then First then A", "First then A then Extra"])
async def test_a_stage_put_in_front_moves_those_behind_and_is_said(
    tmp_path: Path, pipeline: str
) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/late/1", status(500), {})
        assert (await world.run(STAGES)).status == "failed"
        changed = STAGES.replace("run First then A", f"run {pipeline}")
        options = {"resume": ResumeChoice.IF_ANY, "force": True}
        assert (await world.run(changed, **options)).status == "completed"
        said = [one.event.message for one in world.watcher.seen if isinstance(one.event, Warned)]
    moved = "where the stage with 'First' stood, the pipeline has 'Extra' now"
    assert any(moved in text for text in said) is pipeline.startswith("Extra")
