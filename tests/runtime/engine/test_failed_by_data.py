"""A run that failed for what it had read: its resume reads again, and repeats nothing else.

Each case is the body of an action, the replies of the service by route, and the requests that the
resume sends: all that the first run had sent are known to the service already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reqon.engine.run import ResumeChoice
from support.crash_disk import CountingDisk, DyingDisk
from support.fake_api import Asked, status
from support.missions import Lab, lab

MISSION = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  store seen: file("seen")
  action A { %s }
  transform Count -> Counted { n: length(seen) + 1 }
  action Other { post "/other" { body: 1 } }
  run A
}
"""
STORED = "store { id: 1, by: response.by } -> out"
BUSY, READY = {"status": "busy"}, {"status": "ready", "by": "the second"}


class Growing:
    """A list of two pages whose second one is empty at first."""

    asked_before = False

    def __call__(self, asked: Asked) -> Any:
        if asked.params["page"] == "1":
            return [{"id": 1}, {"id": 2}]
        self.asked_before, grown = True, self.asked_before
        return [{"id": 3}] if grown else []


@dataclass(frozen=True)
class Case:
    """`again`: the requests of the resume; `env`: what is set for it alone; `kind` of the error."""

    body: str
    replies: dict[str, list[Any]]
    again: list[str]
    kind: str = "abort"
    env: dict[str, str] = field(default_factory=dict)


MENDED = {
    "abort in an arm": Case(
        'get "/one" match response { { status: "ready" } -> continue, _ -> abort "busy" } '
        + STORED,
        {"GET /one": [BUSY, READY]},
        ["GET /one"],
    ),
    "no arm": Case(
        'get "/one" match response { { status: "ready" } -> continue } ' + STORED,
        {"GET /one": [BUSY, READY]},
        ["GET /one"],
        "no_match",
    ),
    "abort of a validate": Case(
        'get "/one" validate response { assume .status == "ready" } or { abort "busy" } ' + STORED,
        {"GET /one": [BUSY, READY]},
        ["GET /one"],
    ),
    "only the last request": Case(
        'get "/first" get "/one" let was = response.status '
        'match was { "ready" -> continue, _ -> { store { id: was } -> seen abort was } } ' + STORED,
        {"GET /first": [{}], "GET /one": [BUSY, READY]},
        ["GET /one"],
    ),
    "over stores and loops that only store": Case(
        'get "/one" for n in [1, 2] { store { id: n } -> seen } store response -> seen { key: "r" } '
        'match response { { status: "busy" } -> abort "busy", _ -> continue } ' + STORED,
        {"GET /one": [BUSY, READY]},
        ["GET /one"],
    ),
    "a list from its first page": Case(
        'get "/list" { paginate: page(page, 2) } '
        'validate response { assume length(response) == 3 } or { abort "incomplete" } '
        "store response -> out",
        {"GET /list": [Growing]},
        ["GET /list?page=1", "GET /list?page=2"],
    ),
    "a request that was refused": Case(
        'post "/one" { body: { n: 1 } } match response { { code: 503 } -> abort "closed", _ -> continue } '
        + STORED,
        {"POST /one": [status(503), READY]},
        ["POST /one"],
    ),
    "the environment": Case(
        'get "/one" for n in [1] { let was = env("READY", "no") '
        'match was { "yes" -> continue, _ -> abort "not ready" } } ' + STORED,
        {"GET /one": [READY]},
        [],
        env={"READY": "yes"},
    ),
    "an error that a catch turns into an abort": Case(
        'get "/one" match response { _ -> { get "/two" continue } } '
        'catch { _ -> abort "no second one" } ' + STORED,
        {"GET /one": [READY], "GET /two": [status(500), READY]},
        ["GET /one", "GET /two"],
    ),
    "a record without a key": Case(
        'get "/one" store response -> out { key: .by }',
        {"GET /one": [{"by": None}, READY]},
        ["GET /one"],
        "store_key",
    ),
    "a path without a value": Case(
        'get "/one" get "/two/{response.by}" ' + STORED,
        {"GET /one": [BUSY, {"by": "b"}], "GET /two/b": [READY]},
        ["GET /one", "GET /two/b"],
        "path",
    ),
    "a variable that is made anew": Case(
        'get "/one" let was = response map was -> was { status: .status, n: (.n or 0) + 1 } '
        'match was { { status: "ready", n: 1 } -> continue, _ -> abort "busy" } ' + STORED,
        {"GET /one": [BUSY, READY]},
        ["GET /one"],
    ),
}

KEPT = {
    "a request that was answered": Case(
        'post "/one" { body: 1 } match response { { status: "busy" } -> abort "rejected", _ -> continue } '
        + STORED,
        {"POST /one": [BUSY]},
        [],
    ),
    "behind a request that was answered": Case(
        'get "/one" post "/two" { body: 1 } match 1 { _ -> abort "no" }',
        {"GET /one": [READY], "POST /two": [{}]},
        [],
    ),
    "behind an action that was run": Case(
        'get "/one" run Other match response { _ -> abort "no" }',
        {"GET /one": [READY], "POST /other": [{}]},
        [],
    ),
    "the list of a loop": Case(
        'get "/list" for one in response { match one.ok { true -> store one -> out, _ -> abort "no" } }',
        {"GET /list": [[{"id": 1, "ok": True}, {"id": 2}]]},
        [],
    ),
    "a variable of before that was mapped": Case(
        'let was = { n: 0 } get "/one" map was -> was { n: .n + 1 } '
        'match was { { n: 1 } -> abort "no" }',
        {"GET /one": [READY]},
        [],
    ),
    "a sum that would grow once more": Case(
        'get "/list" for row in response { store { n: (seen["sum"].n or 0) + row } -> seen { key: "sum" } } '
        'match response { [_] -> continue, _ -> abort "too long" }',
        {"GET /list": [[1, 2], [3]]},
        [],
    ),
    "a variable with what was stored": Case(
        'get "/one" let before = seen["n"].n or 0 store { n: before + 1 } -> seen { key: "n" } '
        'match response.status { "ready" -> continue, _ -> abort "no" }',
        {"GET /one": [BUSY, READY]},
        [],
    ),
    "a request sent with what was stored": Case(
        'get "/one" { params: { after: seen["mark"].at } } store { at: 7 } -> seen { key: "mark" } '
        'match response.status { "ready" -> continue, _ -> abort "no" }',
        {"GET /one": [BUSY, READY]},
        [],
    ),
    "a path with what was stored": Case(
        'get "/one/{seen.length}" queue seen { item: { n: 1 }, key: "q" } '
        'match response.status { "ready" -> continue, _ -> abort "no" }',
        {"GET /one/0": [BUSY], "GET /one/1": [READY]},
        [],
    ),
    "an arm that was chosen by what is stored now": Case(
        'get "/one" match seen["x"] { null -> { store { id: "x" } -> seen abort "new" } _ -> continue }',
        {"GET /one": [READY]},
        [],
    ),
    "a transform that reads what was stored": Case(
        'get "/one" apply Count to response as counted store counted -> seen { key: "n" } '
        'match response.status { "ready" -> continue, _ -> abort "no" }',
        {"GET /one": [BUSY, READY]},
        [],
    ),
}


def prepare(world: Lab, case: Case) -> str:
    for route, replies in case.replies.items():
        method, _, path = route.partition(" ")
        world.api.on(method, path, *(one() if callable(one) else one for one in replies))
    return MISSION % case.body


async def failed(world: Lab, case: Case) -> tuple[str, list[str]]:
    """The program after its first run, and the requests of that."""
    text = prepare(world, case)
    result = await world.run(text)
    assert [error["kind"] for error in result.record["errors"]] == [case.kind]
    return text, list(world.api.lines)


@pytest.mark.parametrize("name", MENDED)
async def test_a_resume_reads_again_what_made_the_run_fail(tmp_path: Path, name: str) -> None:
    case = MENDED[name]
    async with lab(tmp_path) as world:
        text, first = await failed(world, case)
        world.environ |= case.env
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert result.error is None
        assert world.api.lines[len(first) :] == case.again
        keys = {asked.header("Idempotency-Key") for asked in world.api.requests}
        assert len(keys) == 1, "a request that was refused keeps its key"
    assert world.store("out")
    assert len(result.record["attempts"]) == 2


@pytest.mark.parametrize("name", KEPT)
async def test_what_had_an_effect_is_not_repeated(tmp_path: Path, name: str) -> None:
    case = KEPT[name]
    async with lab(tmp_path) as world:
        text, first = await failed(world, case)
        stored = world.store("seen")
        result = await world.run(text, resume=ResumeChoice.IF_ANY)
        assert world.api.lines[len(first) :] == case.again
        assert world.store("seen") == stored
    first_error, second_error = result.record["errors"]
    assert (first_error["kind"], second_error["kind"]) == (case.kind, case.kind)
    assert "start the mission anew without --resume" in second_error["hint"]


@pytest.mark.parametrize("name", MENDED)
async def test_a_resume_that_dies_while_it_goes_back_comes_to_the_same_end(
    tmp_path: Path, name: str
) -> None:
    case = MENDED[name]
    async with lab(tmp_path / "whole") as world:
        (tmp_path / "whole").mkdir()
        text, _ = await failed(world, case)
        world.environ |= case.env
        disk = CountingDisk()
        await world.run(text, resume=ResumeChoice.IF_ANY, disk=disk)
        expected = world.store("out")
    for at in range(1, disk.count + 1, 5):
        async with lab(tmp_path / str(at)) as world:
            (tmp_path / str(at)).mkdir()
            text, _ = await failed(world, case)
            world.environ |= case.env
            dying = DyingDisk(at)
            with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever ran along died too
                await world.run(text, resume=ResumeChoice.IF_ANY, disk=dying)
            assert dying.dead
            for _ in range(2):
                result = await world.run(text, resume=ResumeChoice.IF_ANY)
                if result.error is None:
                    break
            assert result.error is None, f"died at {at}"
            assert world.store("out") == expected


async def test_a_retried_execution_reads_again(tmp_path: Path) -> None:
    case = MENDED["no arm"]
    async with lab(tmp_path) as world:
        text = prepare(world, case).replace(
            "mission M {", "mission M { retryOnFailure: { maxAttempts: 3, initialDelay: 1 ms }"
        )
        result = await world.run(text)
        assert world.api.lines == ["GET /one", "GET /one"]
    assert result.status == "completed"


async def test_a_loop_goes_on_in_the_iteration_that_failed(tmp_path: Path) -> None:
    body = """
      for n in [1, 2, 3] {
        get "/rows/{n}"
        match response { { done: true } -> continue, _ -> abort "not yet" }
        store { id: n } -> out
      }
    """
    async with lab(tmp_path) as world:
        ok = {"done": True}
        world.api.get("/rows/1", ok).get("/rows/2", {}, ok).get("/rows/3", ok)
        text = MISSION % body
        assert (await world.run(text)).status == "failed"
        assert (await world.run(text, resume=ResumeChoice.IF_ANY)).status == "completed"
        assert world.api.lines == ["GET /rows/1", "GET /rows/2", "GET /rows/2", "GET /rows/3"]
    assert [record["id"] for record in world.store("out")] == [1, 2, 3]
