"""A request that waits before it is sent again: interrupted at once, and resumed behind the wait."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reqon.clock import SystemClock
from reqon.engine.run import ResumeChoice, RunControl
from reqon.events.model import RetryScheduled
from support.fake_api import status
from support.missions import Lab, lab

MISSION = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A {
    get "/begin"
    REQUEST
    store { id: "x", reply: response } -> out
  }
  run A
}
"""


class LaterClock(SystemClock):
    """An hour ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


async def interrupted_while_waiting(world: Lab, text: str, resume: ResumeChoice) -> float:
    """A run that is interrupted as soon as it waits; how long it would have waited, in seconds."""
    control, before = RunControl(), len(world.watcher.of(RetryScheduled))
    async with asyncio.TaskGroup() as group:
        run = group.create_task(world.run(text, control=control, resume=resume))
        while len(world.watcher.of(RetryScheduled)) == before:
            await asyncio.sleep(0.01)
        control.interrupt("SIGINT")
    assert run.result().status == "interrupted"
    return world.watcher.of(RetryScheduled)[-1].wait_ms / 1000


@pytest.mark.timeout(8)
@pytest.mark.parametrize(
    "request_", ['get "/x"', 'post "/x" { body: { n: 1 } }', 'get "/x" { paginate: page(page, 2) }']
)
async def test_a_resume_does_not_ask_before_the_service_wants_it(
    tmp_path: Path, request_: str
) -> None:
    text = MISSION.replace("REQUEST", request_)
    method = request_[: request_.index(" ")].upper()
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        world.api.on(method, "/x", status(429, None, Retry_After="200"), {"data": [{"ok": 1}]})
        assert await interrupted_while_waiting(world, text, ResumeChoice.NEVER) == 200
        assert 100 < await interrupted_while_waiting(world, text, ResumeChoice.ONLY) <= 200
        assert len(world.api.asked("/x")) == 1
        result = await world.run(text, resume=ResumeChoice.ONLY, clock=LaterClock())
        assert result.status == "completed", result.error
        assert len(world.api.asked("/x")) == 2
        assert [row["reply"] for row in world.store("out")] == [{"data": [{"ok": 1}]}]
