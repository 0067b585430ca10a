"""A list that fails at one of its pages: where a resume goes on, and under which keys."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from reqon.engine.run import ResumeChoice
from support.fake_api import BROKEN_JSON, DROP, Asked, Reply, status
from support.missions import Lab, lab

LIST = """
mission M {
  source Api { base: env("API") }
  store out: file("out")
  action A {
    REQUEST
    store response.data -> out
  }
  run A
}
"""
GET = LIST.replace("REQUEST", 'get "/rows" { paginate: page(page, 2) }')
POST = LIST.replace(
    "REQUEST", 'post "/rows" { body: { at: now() }, paginate: page(page, 2), until: page >= 4 }'
)


def failing_at(world: Lab, method: str, page: int, *replies: Reply) -> list[int]:
    """Four pages of two rows, one of which fails so often; the pages asked for, in order."""
    left, asked_for = list(replies), []

    def route(asked: Asked) -> Reply:
        number = int(asked.params["page"])
        asked_for.append(number)
        if number == page and left:
            return left.pop(0)
        rows = [{"id": 2 * number}, {"id": 2 * number + 1}]
        return Reply({"data": rows if number < 5 else []})

    world.api.on(method, "/rows", route)
    return asked_for


async def resumed(world: Lab, text: str) -> None:
    result = await world.run(text, resume=ResumeChoice.IF_ANY)
    assert result.status == "completed", result.error
    assert len(world.store("out")) == 8


@pytest.mark.parametrize(
    "reply", [DROP, BROKEN_JSON, status(503), status(401), status(429), status(304)]
)
async def test_a_resume_asks_for_the_page_that_failed(tmp_path: Path, reply: Reply) -> None:
    async with lab(tmp_path) as world:
        replies = [reply] * (3 if reply.status == 429 else 1)  # a 429 is asked again by itself
        asked_for = failing_at(world, "GET", 3, *replies)
        assert (await world.run(GET)).status == "failed"
        before = len(asked_for)
        await resumed(world, GET)
    assert asked_for[before:] == [2, 3, 4, 5]  # the last page that is kept is compared


@pytest.mark.parametrize(("code", "moves"), [(200, True), (304, False)])
async def test_a_list_that_is_not_sent_leaves_the_time_of_the_last_sync(
    tmp_path: Path, code: int, moves: bool
) -> None:
    text = GET.replace("page(page, 2)", "page(page, 2), since: lastSync")
    async with lab(tmp_path) as world:
        world.api.get("/rows", status(code, {"data": []} if code == 200 else None))
        result = await world.run(text)
        assert result.status == "completed", result.error
        assert (world.state / "sync-checkpoints.json").exists() == moves


async def test_a_page_that_is_refused_is_not_asked_for_again(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        asked_for = failing_at(world, "GET", 3, status(400))
        assert (await world.run(GET)).status == "failed"
        await resumed(world, GET)
    assert asked_for == [1, 2, 3, 1, 2, 3, 4, 5]


async def test_a_page_that_fails_again_is_not_asked_for_a_third_time(tmp_path: Path) -> None:
    async with lab(tmp_path) as world:
        asked_for = failing_at(world, "GET", 3, status(500), status(500))
        assert (await world.run(GET)).status == "failed"
        assert (await world.run(GET, resume=ResumeChoice.IF_ANY)).status == "failed"
        await resumed(world, GET)
    assert asked_for == [1, 2, 3, 2, 3, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("reply", "pages"),
    [(status(503), [1, 2, 3, 3, 4]), (status(400), [1, 2, 3, 1, 2, 3, 4])],
)
async def test_no_page_asked_for_by_post_has_the_key_of_another_body(
    tmp_path: Path, reply: Reply, pages: list[int]
) -> None:
    async with lab(tmp_path) as world:
        asked_for = failing_at(world, "POST", 3, reply)
        assert (await world.run(POST)).status == "failed"
        await resumed(world, POST)
        bodies: dict[str | None, set[bytes]] = defaultdict(set)
        for asked in world.api.requests:
            bodies[asked.header("Idempotency-Key")].add(asked.body)
    assert asked_for == pages
    assert all(len(found) == 1 for found in bodies.values())


@pytest.mark.parametrize(
    "request_",
    [
        'get "/rows" { params: { at: now(), team: env("TEAM") }, OPTIONS }',
        'get "/rows" { params: { ...{ at: now() } }, OPTIONS }',
        'get "/rows" { params: { at: length(kept) }, OPTIONS }',
        'get "/rows" { body: { at: generateId() }, OPTIONS }',
        'get concat("/rows?at=", formatDate(now(), "HH:mm:ss.SSS")) { OPTIONS }',
        'post "/rows" { body: { at: now(), team: env("TEAM") }, OPTIONS }',
    ],
)
async def test_a_resume_asks_for_the_later_pages_of_the_same_list(
    tmp_path: Path, request_: str
) -> None:
    written = request_.replace("OPTIONS", "paginate: page(page, 2)")
    text = LIST.replace("REQUEST", written).replace(
        "  action A", '  store kept: file("kept")\n  action A'
    )
    async with lab(tmp_path) as world:
        world.environ["TEAM"] = "red"
        failing_at(world, request_[:4].strip().upper(), 3, status(503))
        assert (await world.run(text)).status == "failed"
        (world.state / "stores" / "kept.json").write_text('{"a":{"id":"a"}}')
        world.environ["TEAM"] = "blue"
        await resumed(world, text)
        values = [sent_with(asked) for asked in world.api.requests]
    assert len({at for at, _ in values}) == 1
    if "TEAM" in request_:
        assert (values[0][1], values[-1][1]) == ("red", "blue")


def sent_with(asked: Asked) -> tuple[str, str | None]:
    """What a page was asked with as `at` and `team`, wherever they stand."""
    sent = {**asked.params, **(asked.json if asked.body else {})}
    return sent["at"], sent.get("team")
