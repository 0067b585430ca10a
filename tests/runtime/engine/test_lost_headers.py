"""A cookie is never written: who reads it after a resume is told, and does not go on without."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reqon.engine.run import ResumeChoice, RunControl
from support.fake_api import Asked, Gate, Reply, status
from support.missions import Lab, lab

MISSION = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A {
    LOGIN "/login"
    let cookie = response.headers["Set-Cookie"]
    get "/items" { headers: { "Cookie": cookie } }
    store response.data -> out
  }
  run A
}
"""


async def interrupted_behind_the_login(world: Lab, text: str) -> None:
    gate, control = Gate(), RunControl()
    world.api.get("/items", Reply(status=401, gate=gate))
    async with asyncio.TaskGroup() as group:
        run = group.create_task(world.run(text, control=control))
        await gate.reached()
        control.interrupt("SIGINT")
    gate.open()
    assert run.result().status == "interrupted"


@pytest.mark.parametrize(("login", "ends"), [("get", "completed"), ("post", "failed")])
async def test_a_cookie_that_was_not_kept_is_no_missing_one(
    tmp_path: Path, login: str, ends: str
) -> None:
    def items(asked: Asked) -> Reply:
        return Reply({"data": [{"id": 1}]}) if asked.header("Cookie") == "sid=7" else status(401)

    text = MISSION.replace("LOGIN", login)
    async with lab(tmp_path) as world:
        world.api.on(login, "/login", Reply({}, headers={"Set-Cookie": "sid=7"}))
        await interrupted_behind_the_login(world, text)
        world.api.get("/items", items)
        first = await world.run(text, resume=ResumeChoice.ONLY)
        assert first.status == "failed"
        assert "'set-cookie'" in first.record["errors"][-1]["message"]
        assert len(world.api.asked("/items")) == 1
        assert (await world.run(text, resume=ResumeChoice.ONLY)).status == ends
        assert len(world.api.asked("/items")) == (1 if ends == "failed" else 2)
        assert "sid=7" not in world.texts()
