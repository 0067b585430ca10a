"""Requests without a key that change something: what led to them is not read again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reqon.engine.run import ResumeChoice
from support.crash_disk import DyingDisk
from support.fake_api import DROP, Asked, Reply, status
from support.missions import Lab, lab

HEAD = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
"""
COUNT_UP = (
    HEAD
    + """
  action A {
    for x in [1, 2] {
      get "/n"
      let was = response.n
      put "/n" { body: { n: was + 1 } }
      store { id: x, was: was } -> out
    }
  }
  run A
}
"""
)
TAKE = (
    HEAD
    + """
  action A {
    for x in [1, 2] {
      get "/first"
      let id = response.id
      delete "/queue/{id}"
      store { id: id } -> out
    }
  }
  run A
}
"""
)
DELETE = (
    HEAD
    + """
  action A {
    for id in ["a", "b"] {
      delete "/queue/{id}" RETRY
      GUARD
      store { id: id, code: response.code } -> out
    }
  }
  run A
}
"""
)
GUARD = 'match response { { error: _ } -> abort concat("refused: ", response.code), _ -> continue }'


def counter(world: Lab) -> Callable[[], Any]:
    """Read and write a number."""
    found = {"n": 0}

    def put(asked: Asked) -> Any:
        found.update(asked.json)
        return found

    world.api.on("GET", "/n", lambda _asked: dict(found)).on("PUT", "/n", put)
    return lambda: found["n"]


def queue(world: Lab, *faults: Reply) -> Callable[[], Any]:
    """Look at the first of a queue and take it away; the faults are answered where it is done."""
    left, lost = ["a", "b", "c"], list(faults)

    def delete(asked: Asked) -> Any:
        name = asked.path.rpartition("/")[2]
        if name not in left:
            return status(404)
        left.remove(name)
        return lost.pop(0) if lost else status(204)

    for name in left:
        world.api.on("DELETE", f"/queue/{name}", delete)
    world.api.on("GET", "/first", lambda _asked: {"id": left[0] if left else None})
    return lambda: list(left)


@pytest.mark.parametrize(
    ("text", "service", "left", "field", "stored"),
    [(COUNT_UP, counter, 2, "was", [0, 1]), (TAKE, queue, ["c"], "id", ["a", "b"])],
)
async def test_a_run_that_dies_anywhere_changes_nothing_twice(
    tmp_path: Path, text: str, service: Any, left: Any, field: str, stored: list[Any]
) -> None:
    async with lab(tmp_path) as world:
        at, dead = 19, True
        while dead:
            at += 3
            shutil.rmtree(world.state, ignore_errors=True)
            found = service(world)
            disk = DyingDisk(at)
            try:
                await world.run(text, disk=disk)
            except BaseException:  # noqa: BLE001 - what died takes whatever was running along
                assert disk.dead
            dead = disk.dead
            if dead and not _completed(world):
                result = await world.run(text, resume=ResumeChoice.IF_ANY)
                assert result.status == "completed", (at, result.error)
            assert found() == left, f"after dying at {at}"
            assert [row[field] for row in world.store("out")] == stored, f"after dying at {at}"
        assert at > 25


def _completed(world: Lab) -> bool:
    return any(record["status"] == "completed" for record in world.records())


@pytest.mark.parametrize("guard", ["", GUARD])
@pytest.mark.parametrize("lost", [DROP, status(502)])
async def test_what_a_lost_delete_has_deleted_counts_as_deleted(
    tmp_path: Path, lost: Reply, guard: str
) -> None:
    text = DELETE.replace("RETRY", "{ retry: { maxAttempts: 3, delay: 1 ms } }")
    async with lab(tmp_path) as world:
        left = queue(world, lost)
        result = await world.run(text.replace("GUARD", guard))
        assert result.status == "completed", result.error
        assert left() == ["c"]
        assert [row["code"] for row in world.store("out")] == [204, 204]
        assert result.record["warnings"]["other"] == 1


@pytest.mark.parametrize("guard", ["", GUARD])
@pytest.mark.parametrize("lost", [DROP, status(502)])
async def test_a_run_that_failed_for_a_lost_delete_can_be_resumed(
    tmp_path: Path, lost: Reply, guard: str
) -> None:
    text = DELETE.replace("RETRY", "").replace("GUARD", guard)
    async with lab(tmp_path) as world:
        left = queue(world, lost)
        assert (await world.run(text)).status == "failed"
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert left() == ["c"]


async def test_what_was_never_there_is_still_a_failure(tmp_path: Path) -> None:
    text = DELETE.replace("RETRY", "").replace("GUARD", "")
    async with lab(tmp_path) as world:
        world.api.on("DELETE", "/queue/a", status(404))
        for resume in (ResumeChoice.NEVER, ResumeChoice.IF_ANY):
            result = await world.run(text, resume=resume)
            assert result.status == "failed"
            assert result.record["errors"][-1]["code"] == 404
