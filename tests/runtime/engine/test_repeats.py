"""What is done again: the same call after a failure, another call after an answer or a refusal."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from reqon.clock import SystemClock
from reqon.engine.run import ResumeChoice, RunControl
from reqon.events.model import RetryScheduled
from support.fake_api import BROKEN_JSON, DROP, Asked, Gate, Reply, status
from support.fake_pages import once_per_key
from support.missions import Lab, lab

HEAD = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  store state: file("state")
"""
AFTER_FAILURE = (
    HEAD
    + """
  action A {
    get "/begin"
    match response {
      _ -> {
        for n in [1] {
          post "/orders" { body: { at: now(), id: uuid() } }
          match response { { error: _ } -> skip, _ -> store response -> out }
        }
        match count(out) { 0 -> retry { maxAttempts: 4, delay: 1 ms }, _ -> continue }
      }
    }
  }
  run A
}
"""
)
REFUSED = (
    HEAD
    + """
  action A {
    for n in [1] {
      post "/orders" { body: { n: n, email: env("EMAIL") } }
      store { id: n } -> out
    }
  }
  run A
}
"""
)
ONE_BY_ONE = (
    HEAD
    + """
  action A {
    get "/next"
    match count(state) {
      n where n < 3 -> {
        post "/jobs/{n}" { body: { job: n } }
        match response { { error: _ } -> store { id: n } -> out, _ -> continue }
        store { id: n } -> state
        retry { maxAttempts: 9, delay: 1 ms }
      }
      _ -> continue
    }
  }
  run A
}
"""
)
WITHOUT_KEY = (
    HEAD.replace("base:", "idempotency: none, base:")
    + """
  action A {
    post "/orders" { body: { n: 1 } }
    store { id: "x", reply: response } -> out
  }
  run A
}
"""
)
IN_EACH_PASS = (
    HEAD
    + """
  action Tell { post "/told" { body: { n: count(out) } } }
  action A {
    get "/begin"
    match count(out) {
      n where n < 3 -> {
        for part in [1, 2] { post "/orders" { body: { n: n, part: part } } }
        store { id: n } -> out
        run Tell
        retry { maxAttempts: 5, delay: 1 ms }
      }
      _ -> continue
    }
  }
  run A
}
"""
)
NEW_TOKEN = (
    HEAD
    + """
  action Renew { store { id: "token", t: (state["token"].t ?? 0) + 1 } -> state }
  action A {
    post "/orders" { body: { token: state["token"].t } }
    match response {
      { code: 401 } -> jump Renew then retry
      _ -> store { id: "done" } -> out
    }
  }
  run A
}
"""
)
POLL = (
    HEAD
    + """
  action A {
    get "/job"
    match response {
      { state: "done" } -> store { id: "job" } -> out
      _ -> retry { maxAttempts: 2, delay: DELAY }
    }
  }
  run A
}
"""
)
IN_PASSES_OF_PASSES = (
    HEAD
    + """
  store steps: file("steps")
  action A {
    get "/begin"
    match count(out) {
      outer where outer < 3 -> {
        for part in [1, 2] {
          get "/inner"
          store { id: uuid() } -> steps
          store { short: generateId(), outer: outer } -> steps
          match count(steps where .outer == outer) {
            n where n < 3 * part -> retry { maxAttempts: 9, delay: 1 ms }
            _ -> continue
          }
          store { behind: uuid() } -> steps
          queue steps { item: { queued: part } }
        }
        store { id: outer } -> out
        retry { maxAttempts: 5, delay: 1 ms }
      }
      _ -> continue
    }
  }
  run A
}
"""
)
NOTED_POLL = (
    HEAD
    + """
  action A {
    get "/job"
    store { state: response.state } -> state
    match response {
      { state: "done" } -> continue
      _ -> retry { maxAttempts: 3, delay: 1 ms }
    }
  }
  run A
}
"""
)
HALF = (
    HEAD
    + """
  action A {
    store { id: "b" } -> out
    store [{ id: "a" }, { id: "b", n: 1 }, { id: "c" }] -> out OPTIONS
  }
  run A
}
"""
)


def failing_first(world: Lab, path: str, *replies: Reply) -> list[object]:
    """A route that fails so often and then creates once per key; what came, in order."""
    answer, _ = once_per_key()
    left, came = list(replies), []

    def route(asked: Asked) -> Reply:
        came.append(asked.json)
        return left.pop(0) if left else answer(asked)

    world.api.post(path, route)
    return came


@pytest.mark.parametrize("replies", [(status(500), status(503)), (BROKEN_JSON, BROKEN_JSON)])
async def test_a_call_that_failed_is_sent_again_as_it_was(
    tmp_path: Path, replies: tuple[Reply, ...]
) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        came = failing_first(world, "/orders", *replies)
        result = await world.run(AFTER_FAILURE)
        assert result.status == "completed", result.error
        assert list(world.api.idempotency_keys("/orders").values()) == [3]
    assert len(came) == 3
    assert came[0] == came[1] == came[2]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("n_conflicts", [1, 2])
async def test_what_is_still_being_worked_on_is_waited_for(
    tmp_path: Path, n_conflicts: int
) -> None:
    """The service knows the key, and the first request with it has not ended yet."""
    text = f"""{HEAD}
  action A {{
    post "/orders" {{ body: {{ id: uuid() }} }}
    match response {{
      {{ code: 409 }} -> store {{ id: "conflict" }} -> out
      {{ error: _ }} -> retry {{ maxAttempts: 2, delay: 1 ms }}
      _ -> store {{ id: "done" }} -> out
    }}
  }}
  run A
}}
"""
    async with lab(tmp_path) as world:
        came = failing_first(world, "/orders", DROP, *[status(409)] * n_conflicts)
        result = await world.run(text)
        assert result.status == "completed", result.error
        assert list(world.api.idempotency_keys("/orders").values()) == [2 + n_conflicts]
    assert len(came) == 2 + n_conflicts
    assert world.store("out") == [{"id": "done"}]


async def test_a_conflict_that_was_answered_is_the_programs(tmp_path: Path) -> None:
    text = AFTER_FAILURE.replace("{ error: _ } -> skip", "{ code: 409 } -> skip")
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        came = failing_first(world, "/orders", status(409), status(409))
        result = await world.run(text)
        assert result.status == "completed", result.error
    assert len(came) == 3
    retries = [event.wait_ms for event in world.watcher.of(RetryScheduled)]
    assert max(retries) < 1000, "nothing but the program's own waits"


@pytest.mark.parametrize("reply", [status(500), DROP, BROKEN_JSON])
async def test_a_resume_sends_what_the_failed_run_sent(tmp_path: Path, reply: Reply) -> None:
    text = (
        HEAD
        + """
  action A { post "/orders" { body: { at: now(), id: uuid() } }  store response -> out }
  run A
}
"""
    )
    async with lab(tmp_path) as world:
        came = failing_first(world, "/orders", reply)
        assert (await world.run(text)).status == "failed"
        assert (await world.run(text, resume=ResumeChoice.IF_ANY)).status == "completed"
        assert list(world.api.idempotency_keys("/orders").values()) == [2]
    assert came[0] == came[1]


@pytest.mark.parametrize("reply", [DROP, BROKEN_JSON])
@pytest.mark.parametrize(
    ("unknown", "ended", "n_requests"),
    [(None, "failed", 1), ("skip", "completed", 1), ("resend", "completed", 2)],
)
async def test_a_call_without_key_that_may_have_acted_is_not_sent_again_unasked(
    tmp_path: Path, reply: Reply, unknown: str | None, ended: str, n_requests: int
) -> None:
    async with lab(tmp_path) as world:
        came = failing_first(world, "/orders", reply)
        assert (await world.run(WITHOUT_KEY)).status == "failed"
        for _ in range(2):
            result = await world.run(WITHOUT_KEY, resume=ResumeChoice.IF_ANY, unknown=unknown)
            assert result.status == ended, result.error
            assert len(came) == n_requests
            if ended == "completed":
                break
    assert len(result.record.get("unknownEffects", [])) == (0 if unknown == "resend" else 1)


async def test_a_call_without_key_that_was_refused_is_sent_again(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        came = failing_first(world, "/orders", status(422))
        assert (await world.run(WITHOUT_KEY)).status == "failed"
        result = await world.run(WITHOUT_KEY, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
    assert came == [{"n": 1}, {"n": 1}]


async def test_a_call_without_key_that_never_left_is_sent_when_resumed(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        failing_first(world, "/orders")
        world.environ["API"] = "http://127.0.0.1:1"
        result = await world.run(WITHOUT_KEY)
        assert result.record["errors"][0]["kind"] == "network"
        del world.environ["API"]
        result = await world.run(WITHOUT_KEY, resume=ResumeChoice.IF_ANY, force=True)
        assert result.status == "completed", result.error


async def test_the_program_may_send_a_call_without_key_again(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        came = failing_first(world, "/orders", DROP, BROKEN_JSON)
        text = AFTER_FAILURE.replace("base:", "idempotency: none, base:")
        result = await world.run(text)
        assert result.status == "completed", result.error
    assert len(came) == 3


@pytest.mark.parametrize(("reply", "n_listed"), [(DROP, 1), (status(422), 0)])
async def test_a_call_whose_answer_never_came_is_listed_at_the_end(
    tmp_path: Path, reply: Reply, n_listed: int
) -> None:
    text = f"""{HEAD}
  action A {{
    for n in [1, 2] {{
      post "/orders" {{ body: {{ n: n }} }}
      match response {{ {{ error: _ }} -> skip, _ -> store response -> out }}
    }}
  }}
  run A
}}
"""
    async with lab(tmp_path) as world:
        failing_first(world, "/orders", reply)
        result = await world.run(text)
        assert result.status == "completed"
        assert len(result.record.get("unknownEffects", [])) == n_listed


async def test_each_pass_of_a_retry_makes_calls_of_its_own(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        for path in ("/orders", "/told"):
            world.api.post(path, once_per_key()[0])
        result = await world.run(IN_EACH_PASS)
        assert result.status == "completed", result.error
        assert list(world.api.idempotency_keys("/orders").values()) == [1] * 6
        assert list(world.api.idempotency_keys("/told").values()) == [1] * 3


async def test_each_pass_inside_of_each_pass_has_ids_of_its_own(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/begin", {})
        world.api.get("/inner", {})
        result = await world.run(IN_PASSES_OF_PASSES)
        assert result.status == "completed", result.error
        noted = world.store("steps")
    by_kind = {name: [row[name] for row in noted if name in row] for name in ("id", "short")}
    assert [len(values) for values in by_kind.values()] == [18, 18]
    assert len(set(by_kind["short"])) == 18
    assert [sum(name in row for row in noted) for name in ("behind", "queued")] == [6, 6]


async def test_what_is_noted_while_polling_anew_replaces_nothing(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/job", {"state": "pending"})
        for number in range(1, 4):
            result = await world.run(NOTED_POLL, resume=ResumeChoice.IF_ANY)
            assert result.status == "failed"
            assert len(world.store("state")) == 1 + 2 * number
        world.api.get("/job", {"state": "done"})
        result = await world.run(NOTED_POLL, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert world.store("state")[-1] == {"state": "done"}


async def test_a_refused_call_that_says_something_else_has_another_key(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        came = failing_first(world, "/orders", status(401))
        result = await world.run(NEW_TOKEN)
        assert result.status == "completed", result.error
        assert list(world.api.idempotency_keys("/orders").values()) == [1, 1]
    assert came == [{"token": None}, {"token": 1}]


@pytest.mark.parametrize("reply", [status(500), status(409), DROP])
async def test_a_call_that_failed_is_not_sent_to_another_address(
    tmp_path: Path, reply: Reply
) -> None:
    async with lab(tmp_path) as world:
        world.api.get("/next", {})
        for n, answer in enumerate((reply, reply, {})):
            world.api.post(f"/jobs/{n}", answer)
        result = await world.run(ONE_BY_ONE)
        assert result.status == "completed", result.error
        sent = [asked for asked in world.api.requests if asked.method == "POST"]
    assert [(asked.path, asked.json) for asked in sent] == [
        (f"/jobs/{n}", {"job": n}) for n in range(3)
    ]
    assert len({asked.header("Idempotency-Key") for asked in sent}) == 3


@pytest.mark.timeout(60)
async def test_a_run_that_failed_on_a_refusal_sends_what_was_mended(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        world.environ["EMAIL"] = "wrong"
        came = failing_first(world, "/orders", status(422))
        result = await world.run(REFUSED)
        assert result.status == "failed"
        world.environ["EMAIL"] = "right"
        result = await world.run(REFUSED, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert came == [{"n": 1, "email": "wrong"}, {"n": 1, "email": "right"}]
        assert list(world.api.idempotency_keys("/orders").values()) == [1, 1]


@pytest.mark.timeout(60)
async def test_a_call_that_is_refused_again_and_again_never_has_a_key_twice(
    tmp_path: Path,
) -> None:
    async with lab(tmp_path) as world:
        came: list[object] = []
        world.api.post("/orders", lambda asked: (came.append(asked.json), Reply({}, 422))[1])
        for number in range(4):
            world.environ["EMAIL"] = f"wrong {number}"
            result = await world.run(REFUSED, resume=ResumeChoice.IF_ANY)
            assert result.status == "failed"
            assert result.record["errors"][-1]["code"] == 422
        assert len(came) == 4
        assert list(world.api.idempotency_keys("/orders").values()) == [1] * 4
        world.api.post("/orders", once_per_key()[0])
        result = await world.run(REFUSED, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error


async def test_a_run_that_gave_up_polling_polls_anew_when_resumed(tmp_path: Path) -> None:
    text = POLL.replace("DELAY", "1 ms")
    async with lab(tmp_path) as world:
        world.api.get("/job", {"state": "pending"})
        result = await world.run(text)
        assert result.status == "failed"
        assert result.record["errors"][0]["kind"] == "retry_exhausted"
        world.api.get("/job", {"state": "done"})
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert result.status == "completed", result.error
        assert world.store("out") == [{"id": "job"}]


class LaterClock(SystemClock):
    """A clock that is an hour ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


@pytest.mark.timeout(30)
async def test_a_resume_waits_only_for_what_is_left_of_a_wait(tmp_path: Path) -> None:
    text, control, gate = POLL.replace("DELAY", "30 minutes"), RunControl(), Gate()
    async with lab(tmp_path) as world:
        world.api.get("/job", Reply({"state": "pending"}, gate=gate))
        async with asyncio.TaskGroup() as group:
            run = group.create_task(world.run(text, control=control))
            await gate.reached()
            gate.open()
            while "until" not in world.texts():
                await asyncio.sleep(0.01)
            control.interrupt("SIGINT")
        assert run.result().status == "interrupted"
        world.api.get("/job", {"state": "done"})
        result = await world.run(text, resume=ResumeChoice.IF_ANY, clock=LaterClock())
        assert result.status == "completed"


async def test_what_a_repeated_key_brings_is_as_old_as_the_first_request(tmp_path: Path) -> None:
    """The service may answer with what it kept: the next sync must ask for what came since then."""
    text = f"""{HEAD}
  action A {{
    post "/search" {{ since: lastSync, body: {{ all: true }} }}
    store response.data -> out
  }}
  run A
}}
"""
    begun, clock = SystemClock().now(), LaterClock()
    kept = Reply({"data": [{"id": 1}]}, headers={"Date": format_datetime(clock.now(), usegmt=True)})
    async with lab(tmp_path) as world:
        replies = [DROP, kept]
        world.api.post("/search", lambda _asked: replies.pop(0))
        assert (await world.run(text)).status == "failed"
        result = await world.run(text, resume=ResumeChoice.IF_ANY, clock=clock)
        assert result.status == "completed", result.error
        checkpoints = json.loads((world.state / "sync-checkpoints.json").read_text())
    last = datetime.fromisoformat(checkpoints["Api-/search"]["lastSync"])
    assert last < begun + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ('{ key: .id == "c" ? null : .id }', "store_key"),
        ("{ partial: true, upsert: false }", "store_missing"),
    ],
)
async def test_a_list_that_cannot_be_stored_whole_is_not_stored_in_part(
    tmp_path: Path, options: str, kind: str
) -> None:
    async with lab(tmp_path) as world:
        result = await world.run(HALF.replace("OPTIONS", options))
        assert result.status == "failed"
        assert result.record["errors"][0]["kind"] == kind
        assert world.store("out") == [{"id": "b"}]
