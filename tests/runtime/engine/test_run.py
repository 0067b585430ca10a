"""Runs as their caller sees them: results, exit codes, attempts, interruptions, refusals."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reqon.clock import SystemClock
from reqon.engine.run import ResumeChoice, RunControl
from reqon.errors import CheckError, ConfigError, ExitCode, RefusedError
from reqon.events.model import ActionCompleted, Failed, Progressed, RunEnded, RunStarted, Warned
from support.crash_disk import DyingDisk, FailingDisk
from support.fake_api import Gate, Reply, status
from support.fake_pages import once_per_key
from support.missions import Lab, lab

STORE = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A { get "/items"  store response -> out }
  run A
}
"""


async def test_a_mission_that_succeeds(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/items", [{"id": 1}])
        result = await world.run(STORE)
    assert (result.status, result.exit_code, result.error) == ("completed", ExitCode.SUCCESS, None)
    assert result.record == world.records()[0]
    assert result.record["executionId"] == result.execution_id
    assert world.watcher.kinds == [
        "RunStarted", "StageStarted", "ActionStarted", "ActionCompleted", "RunEnded",
    ]  # fmt: skip
    assert [stamped.number for stamped in world.watcher.seen] == [1, 2, 3, 4, 5]


async def test_a_failing_mission_says_where(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/items", status(500, {"error": "no"}))
        result = await world.run(STORE)
    assert (result.status, result.exit_code) == ("failed", ExitCode.FAILED)
    (error,) = result.record["errors"]
    assert error["step"] == 'get "/items"'
    assert (error["file"], error["line"], error["column"]) == ("mission.vague", 5, 14)
    assert world.watcher.of(Failed)[0].error == error
    assert result.error is not None
    assert "answered 500" in result.error.message


# ---------------------------------------------------------------- before anything runs


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("call Api.listItems", "step 'call'"),
        ('wait { path: "/x" }', "step 'wait'"),
        ('get "/x" { rateLimit: { requestsPerMinute: 3 } }', "option 'rateLimit'"),
        ("shout { loud: true }", "step 'shout'"),
    ],
)
async def test_what_cannot_run_yet_is_refused_with_its_place(
    tmp_path: Path, step: str, what: str
) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(STORE.replace('get "/items"', step))
        assert world.api.requests == []
    assert result.status is None
    assert result.exit_code == ExitCode.SOURCE
    assert isinstance(result.error, CheckError)
    (diagnostic,) = result.error.diagnostics
    assert diagnostic.message == f"{what} is not supported yet"
    assert (tmp_path / "mission.vague").read_text()[diagnostic.span.start :].startswith(
        step.split(" ")[0]
    ) or "rateLimit" in step
    assert not world.state.exists()


@pytest.mark.parametrize(
    ("old", "new", "what", "known"),
    [
        (
            '{ base: env("API") }',
            '{ base: env("API"), auth: basic }',
            "auth 'basic'",
            "bearer, none",
        ),
        ('file("out")', 'nosql("out")', "store adapter 'nosql'", "file, memory"),
        ('file("out")', "nosql", "store adapter 'nosql'", "file, memory"),
    ],
)
async def test_a_kind_that_cannot_run_yet_is_refused_with_those_that_can(
    tmp_path: Path, old: str, new: str, what: str, known: str
) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(STORE.replace(old, new))
        assert world.api.requests == []
    assert isinstance(result.error, CheckError)
    (diagnostic,) = result.error.diagnostics
    assert diagnostic.message == f"{what} is not supported yet"
    assert diagnostic.help is not None
    assert diagnostic.help.endswith(known)
    assert not world.state.exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('env("API")', '"${NOT_SET}"', "'NOT_SET'"),
        ('env("API")', "7", "'base' must be a string"),
        ('env("API")', '"ftp://x.test"', "the base of source 'Api' cannot be used"),
        ('env("API")', '"http://a b/"', "the base of source 'Api' cannot be used"),
        ('file("out")', 'file("../out")', "'../out'"),
        ('file("out")', "4", "'out' is no adapter"),
        ('file("out")', 'env("X") == "1" ? memory("m") : sql("out")', "'sql'"),
        ("source Api {", 'source Api { timeout: env("X", "soon"),', "'timeout'"),
        ("source Api {", "source Api { auth: bearer,", "no token"),
        ("mission M {", 'mission M { maxConcurrency: toNumber("0")', "'maxConcurrency'"),
        ("mission M {", "let a = 1 + {} mission M {", "let 'a'"),
    ],
)
async def test_wrong_configuration_is_told_before_anything_is_sent(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(STORE.replace(old, new))
        assert world.api.requests == []
    assert result.exit_code == ExitCode.CONFIGURATION
    assert isinstance(result.error, ConfigError)
    assert words in result.error.message


async def test_an_unknown_variable_of_the_command_line(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(STORE, variables={"nope": "1"})
    assert result.exit_code == ExitCode.CONFIGURATION


async def test_a_mission_that_is_running_is_not_started_again(tmp_path: Path) -> None:
    gate = Gate()
    async with lab(tmp_path) as world:
        world.api.get("/items", Reply([{"id": 1}], gate=gate))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(world.run(STORE))
            await gate.reached()
            second = await world.run(STORE, sinks=[])
            gate.open()
    assert first.result().status == "completed"
    assert second.status is None
    assert second.exit_code == ExitCode.STATE
    assert isinstance(second.error, RefusedError)


async def test_waiting_for_a_running_mission_ends_with_an_interruption(tmp_path: Path) -> None:
    gate, control = Gate(), RunControl()
    async with lab(tmp_path) as world:
        world.api.get("/items", Reply([{"id": 1}], gate=gate))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(world.run(STORE))
            await gate.reached()
            second = group.create_task(world.run(STORE, sinks=[], control=control, wait_seconds=60))
            await asyncio.sleep(0.05)
            control.interrupt("SIGINT")
            assert (await second).exit_code == ExitCode.SIGINT
            gate.open()
    assert first.result().status == "completed"


# ---------------------------------------------------------------- interruption


LOOP = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A {
    for n in range(1, 9) checkpoint every 2 {
      get "/items/{n}"
      store { id: n } -> out
    }
  }
  run A
}
"""


async def interrupted_at(world: Lab, number: int, text: str = LOOP) -> tuple[Any, Gate]:
    """A run that is told to stop while request `number` of its loop is on its way."""
    gate, control = Gate(), RunControl()
    for n in range(1, 10):
        world.api.get(f"/items/{n}", Reply({"n": n}, gate=gate) if n == number else {"n": n})
    async with asyncio.TaskGroup() as group:
        run = group.create_task(world.run(text, control=control))
        await gate.reached()
        control.interrupt("SIGTERM")
        result = await run
    return result, gate


async def test_an_interrupted_run_says_where_and_goes_on_there(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        result, gate = await interrupted_at(world, 5)
        assert (result.status, result.exit_code) == ("interrupted", ExitCode.SIGTERM)
        assert result.record["interruptedBy"] == "SIGTERM"
        assert result.record["activeStep"]["action"] == "A"
        assert result.record["activeStep"]["index"] == 4
        assert [record["id"] for record in world.store("out")] == [1, 2, 3, 4]
        gate.open()
        world.api.requests.clear()
        resumed = await world.run(LOOP, resume=ResumeChoice.IF_ANY)
        assert world.api.lines[0] == "GET /items/5"
    assert resumed.status == "completed"
    assert resumed.execution_id == result.execution_id
    assert len(resumed.record["attempts"]) == 2
    assert [record["id"] for record in world.store("out")] == list(range(1, 10))
    assert world.watcher.of(RunStarted)[-1].resumed_at == "item 4 in 'A'"


async def test_an_interruption_passes_over_nothing_of_a_loop_inside_a_parallel_one(
    tmp_path: Path,
) -> None:
    text = LOOP.replace(
        "checkpoint every 2 {",
        'parallel 3 { for k in ["a", "b"] { store { id: concat(k, n) } -> out }',
    )
    async with lab(tmp_path) as world:
        result, gate = await interrupted_at(world, 5, text)
        assert result.status == "interrupted"
        gate.open()
        assert (await world.run(text, resume=ResumeChoice.IF_ANY)).status == "completed"
    wanted = [f"{k}{n}" for k in "ab" for n in range(1, 10)]
    assert sorted(str(record["id"]) for record in world.store("out")) == sorted(
        [*wanted, *(str(n) for n in range(1, 10))]
    )


async def test_a_post_on_its_way_may_come_to_its_end(tmp_path: Path) -> None:
    gate, control = Gate(), RunControl()
    text = LOOP.replace('get "/items/{n}"', 'post "/items/{n}" { body: n }')
    async with lab(tmp_path) as world:
        for n in range(1, 10):
            world.api.post(f"/items/{n}", Reply({}, gate=gate) if n == 3 else {})
        async with asyncio.TaskGroup() as group:
            run = group.create_task(world.run(text, control=control))
            await gate.reached()
            control.interrupt("SIGINT")
            gate.open()
            result = await run
        assert result.exit_code == ExitCode.SIGINT
        await world.run(text, resume=ResumeChoice.IF_ANY)
        keys = world.api.idempotency_keys("/items/3")
    assert list(keys.values()) == [1]


async def test_an_interruption_ends_a_wait_for_a_retry(tmp_path: Path) -> None:
    class LaterClock(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=10)

    control = RunControl()
    text = STORE.replace('get "/items"', 'get "/items" { retry: { delay: 10 minutes } }')
    async with lab(tmp_path) as world:
        world.api.get("/items", status(503))
        async with asyncio.TaskGroup() as group:
            run = group.create_task(world.run(text, control=control))
            while not world.api.requests:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            control.interrupt("SIGTERM")
            result = await run
        assert result.status == "interrupted"
        world.api.get("/items", [{"id": 1}])
        result = await world.run(text, resume=ResumeChoice.IF_ANY, clock=LaterClock())
        assert result.status == "completed"


async def test_nothing_to_resume(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/items", [{"id": 1}])
        refused = await world.run(STORE, resume=ResumeChoice.ONLY)
        assert refused.exit_code == ExitCode.CONFIGURATION
        assert (await world.run(STORE, resume=ResumeChoice.IF_ANY)).status == "completed"


async def test_a_changed_program_is_not_resumed(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        _, gate = await interrupted_at(world, 5)
        gate.open()
        changed = LOOP.replace("id: n", "id: n, more: 1")
        refused = await world.run(changed, resume=ResumeChoice.IF_ANY)
        assert refused.exit_code == ExitCode.STATE
        assert refused.error is not None
        assert "'A'" in refused.error.message
        forced = await world.run(changed, resume=ResumeChoice.IF_ANY, force=True)
        assert forced.status == "completed"
    assert [record.get("more") for record in world.store("out")][3:6] == [None, 1, 1]


async def test_layout_and_comments_do_not_change_a_program(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        _, gate = await interrupted_at(world, 5)
        gate.open()
        same = "// a comment\n" + LOOP.replace("{ id: n }", "{\n id: (n) }")
        assert (await world.run(same, resume=ResumeChoice.IF_ANY)).status == "completed"


# ---------------------------------------------------------------- several attempts


RETRIED = STORE.replace(
    "mission M {", "mission M { retryOnFailure: { maxAttempts: 3, initialDelay: 1 ms }"
)


async def test_a_failed_execution_is_tried_again_and_goes_on(tmp_path: Path) -> None:
    text = RETRIED.replace("action A {", 'action A { get "/first"')
    async with lab(tmp_path) as world:
        world.api.get("/first", {}).get("/items", status(500), status(500), [{"id": 1}])
        result = await world.run(text)
        assert world.api.lines.count("GET /first") == 1
    assert result.status == "completed"
    assert len(world.records()) == 1
    assert len(result.record["attempts"]) == 3
    assert [error["attempt"] for error in result.record["errors"]] == [1, 2]


async def test_without_state_each_try_is_an_execution_of_its_own(tmp_path: Path) -> None:
    text = RETRIED.replace("mission M {", "mission M { enableState: false")
    async with lab(tmp_path) as world:
        world.api.get("/items", status(500), [{"id": 1}])
        result = await world.run(text)
    first, second = sorted(world.records(), key=lambda record: record["status"], reverse=True)
    assert (first["status"], second["status"]) == ("failed", "completed")
    assert second["retryOf"] == first["executionId"]
    assert result.execution_id == second["executionId"]
    assert [record["id"] for record in world.store("out")] == [1]


class Pausing(RunControl):
    """Something else happens between two attempts."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    async def sleep(self, seconds: float) -> None:
        await self._work()


@pytest.mark.parametrize("other", ["anew", "resumed", "removed"])
async def test_who_went_on_while_it_waited_is_not_overtaken(tmp_path: Path, other: str) -> None:
    text = RETRIED.replace("action A {", 'action A { get "/first" store response -> out')
    async with lab(tmp_path) as world:
        world.api.get("/first", [{"id": 1, "v": "old"}], [{"id": 1, "v": "new"}])
        world.api.get("/items", status(500), [{"id": 2}])

        async def meanwhile() -> None:
            if other == "removed":
                shutil.rmtree(world.state / "execution")
            else:
                choice = ResumeChoice.IF_ANY if other == "resumed" else ResumeChoice.NEVER
                assert (await world.run(text, resume=choice)).status == "completed"

        result = await world.run(text, control=Pausing(meanwhile))
        warned = [one.event for one in world.watcher.seen if isinstance(one.event, Warned)]
        said = [event.message for event in warned]
    assert "try 1 failed: GET" in said[0]
    assert said[0].endswith("the next one begins in 0.001s")
    assert result.status == ("completed" if other == "resumed" else "failed")
    assert world.store("out")[0]["v"] == ("new" if other == "anew" else "old")
    assert ("the mission is not tried again" in said[-1]) is (other != "resumed")


async def test_abort_is_not_tried_again(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(RETRIED.replace('get "/items"', 'abort "no"'))
    assert result.status == "failed"
    assert len(result.record["attempts"]) == 1


async def test_a_failed_group_member_is_run_again_then_the_later_stages(tmp_path: Path) -> None:
    text = """
    mission M {
      source Api { base: env("API") }
      store out: file("out")
      action Good { store { id: "good" } -> out }
      action Bad { post "/bad" { body: 1 } store { id: "bad" } -> out }
      action After { post "/after" { body: 1 } store { id: uuid() } -> out }
      run [Good, Bad] then After
    }
    """
    async with lab(tmp_path) as world:
        world.api.post("/bad", status(500), {}).post("/after", {})
        first = await world.run(text)
        assert first.status == "failed"
        assert sorted(first.record["actionsRun"]) == ["After", "Good"]
        second = await world.run(text, resume=ResumeChoice.IF_ANY)
        after = world.api.idempotency_keys("/after")
    assert second.status == "completed"
    assert sorted(second.record["actionsRun"]) == ["After", "Bad", "Good"]
    assert len(after) == 2
    assert len(world.store("out")) == 4


# ---------------------------------------------------------------- trouble with the disk


async def test_a_full_disk_stops_the_run_and_it_can_be_resumed(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        for n in range(1, 10):
            world.api.get(f"/items/{n}", {"n": n})
        disk = FailingDisk(40, errno.ENOSPC, lasting=True)
        result = await world.run(LOOP, disk=disk)
        assert (result.status, result.exit_code) == ("interrupted", ExitCode.FAILED)
        resumed = await world.run(LOOP, resume=ResumeChoice.IF_ANY)
    assert resumed.status == "completed"
    assert [record["id"] for record in world.store("out")] == list(range(1, 10))


# ---------------------------------------------------------------- dry run, sinks, secrets


async def test_a_dry_run_sends_and_writes_nothing(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/items", [{"id": 1}])
        await world.run(STORE)
        before = world.texts()
        world.api.requests.clear()
        result = await world.run(STORE, dry_run=True)
        assert world.api.requests == []
    assert result.status == "completed"
    assert world.texts() == before
    told = [stamped.event for stamped in world.watcher.seen]
    assert any("would send GET" in str(event) for event in told)


async def test_a_failing_watcher_is_dropped_and_a_slow_one_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    class Bad:
        def receive(self, stamped: Any) -> None:
            raise ValueError("watcher")

    class Slow:
        async def receive(self, stamped: Any) -> None:
            await asyncio.sleep(0.01)
            seen.append(type(stamped.event).__name__)

    async with lab(tmp_path) as world:
        world.api.get("/items", [{"id": 1}])
        result = await world.run(STORE, sinks=[Bad(), Slow()])
    assert result.status == "completed"
    assert seen[-1] == "RunEnded"
    assert "watcher" in caplog.text


async def test_a_secret_reaches_neither_files_nor_events(tmp_path: Path) -> None:
    text = """
    mission M {
      source Api { base: env("API"), auth: bearer, token: env("API_TOKEN") }
      store out: file("out")
      action A {
        let key = env("API_TOKEN")
        get "/echo" { params: { key: key } }
        for n in [1, 2] { get "/gone/{n}" }
      }
      run A
    }
    """
    async with lab(tmp_path) as world:
        world.environ["API_TOKEN"] = "very-secret-token"
        world.api.get("/echo", lambda asked: {"you": asked.header("Authorization")})
        world.api.get("/gone/1", lambda asked: status(500, {"e": asked.header("Authorization")}))
        result = await world.run(text)
        assert world.api.requests[0].header("Authorization") == "Bearer very-secret-token"
    assert result.status == "failed"
    assert "very-secret-token" not in world.texts()
    assert "very-secret-token" not in str(world.watcher.seen)
    assert "very-secret-token" not in json.dumps(result.record)


async def test_progress_is_told_and_ends_with_the_whole(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        for n in range(1, 10):
            world.api.get(f"/items/{n}", {})
        await world.run(LOOP)
    told = [(event.current, event.total) for event in world.watcher.of(Progressed)]
    assert told == sorted(told)  # at each checkpoint, and when some time has passed
    assert set(told) >= {(2, 9), (4, 9), (6, 9), (8, 9), (9, 9)}
    assert world.watcher.of(ActionCompleted)[0].items == 9
    assert world.watcher.of(RunEnded)[0].status == "completed"


async def test_the_record_of_a_run_that_failed_says_how_far_it_was(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        for n in range(1, 6):
            world.api.get(f"/items/{n}", {})
        result = await world.run(LOOP)
    assert result.record["activeStep"]["index"] == 5
    assert result.record["progress"] == {"current": 5, "total": 9, "action": "A"}


# ---------------------------------------------------------------- requests of unknown outcome


POST = """
mission M {
  source Api { base: env("API") MORE }
  store out: file("out")
  action A {
    post "/orders" { body: { n: 1 } }
    store { id: "x", reply: response } -> out
  }
  run A
}
"""


async def died_after_sending(world: Lab, text: str) -> bool:
    """Runs that die at each file operation, until one dies between the request and its answer."""
    for at in range(20, 90):
        shutil.rmtree(world.state, ignore_errors=True)
        world.api.requests.clear()
        disk = DyingDisk(at)
        try:
            await world.run(text, disk=disk)
        except BaseException:  # noqa: BLE001 - what died takes whatever was running along
            assert disk.dead
        journal = "".join(p.read_text() for p in world.state.rglob("*.journal"))
        if len(world.api.requests) == 1 and '"fx"' in journal and '"fxr"' not in journal:
            return True
    return False


async def test_a_request_without_answer_is_sent_again_with_its_key(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        answer, created = once_per_key()
        world.api.post("/orders", answer)
        assert await died_after_sending(world, POST.replace("MORE", ""))
        created.clear()
        result = await world.run(POST.replace("MORE", ""), resume=ResumeChoice.IF_ANY)
        assert result.status == "completed"
        assert list(world.api.idempotency_keys("/orders").values()) == [2]
        assert created == []


@pytest.mark.parametrize(
    ("unknown", "status", "n_requests"),
    [(None, "failed", 1), ("skip", "completed", 1), ("resend", "completed", 2)],
)
async def test_a_request_without_key_is_not_sent_again_unasked(
    tmp_path: Path, unknown: str | None, status: str, n_requests: int
) -> None:
    text = POST.replace("MORE", ", idempotency: none")
    async with lab(tmp_path) as world:
        world.api.post("/orders", {"id": 1})
        assert await died_after_sending(world, text)
        result = await world.run(text, resume=ResumeChoice.IF_ANY, unknown=unknown)
        assert len(world.api.requests) == n_requests
    assert result.status == status
    listed = result.record.get("unknownEffects", [])
    assert len(listed) == (0 if unknown == "resend" else 1)
