"""The sample service: the same data for everyone, pages, scores, a 503 now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from reqon.demo.customers import first_day, next_day, score_of
from reqon.demo.sample_api import SampleApi
from reqon.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


class Client:
    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self.session = session

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.address + path, **options) as reply:
            body = await reply.json() if reply.content_type == "application/json" else None
            return reply.status, body

    async def get(self, path: str) -> tuple[int, Any]:
        return await self.ask("GET", path)

    async def get_in_the_end(self, path: str) -> Any:
        status, body = await self.get(path)
        return body if status != 503 else (await self.get(path))[1]


@pytest.fixture
async def api() -> AsyncIterator[SampleApi]:
    async with SampleApi() as api:
        yield api


@pytest.fixture
async def client(api: SampleApi) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(api.address, session)


def test_there_are_1523_customers_whose_first_thousand_are_active() -> None:
    customers = first_day()
    assert len(customers) == 1523
    assert customers == first_day()
    assert len({customer["id"] for customer in customers}) == 1523
    assert all(customer["active"] for customer in customers[:1000])
    assert not all(customer["active"] for customer in customers)
    assert {0 <= score_of(customer["id"]) <= 100 for customer in customers} == {True}


def test_the_next_day_42_are_new_and_18_have_changed() -> None:
    before = first_day()
    after = next_day(before, datetime(2031, 5, 6, tzinfo=UTC))
    known = {customer["id"]: customer for customer in before}
    new = [customer for customer in after if customer["id"] not in known]
    changed = [c for c in after if c["id"] in known and c != known[c["id"]]]
    assert (len(new), len(changed)) == (42, 18)
    assert {c["updatedAt"] for c in [*new, *changed]} == {"2031-05-06T00:00:00Z"}


async def test_the_pages_hold_every_customer_once(client: Client) -> None:
    ids: list[str] = []
    for page in range(1, 18):
        body = await client.get_in_the_end(f"/customers?page={page}&limit=100")
        ids += [customer["id"] for customer in body["data"]]
    assert ids == [customer["id"] for customer in first_day()]


async def test_modified_since_is_honoured(api: SampleApi, client: Client) -> None:
    _, nothing = await client.get("/customers?modified_since=2026-01-01T00:00:00Z")
    assert nothing["data"] == []
    status, _ = await client.ask("POST", "/next-day")
    assert status == 200
    _, changed = await client.get("/customers?modified_since=2026-01-01T00:00:00Z&limit=500")
    assert len(changed["data"]) == 60
    assert api.customer_count == 1565


async def test_now_and_then_it_is_busy_once(client: Client) -> None:
    assert [(await client.get("/customers/cust_150/score"))[0] for _ in range(3)] == [503, 200, 200]
    assert (await client.get("/customers/cust_151/score"))[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customers/cust_9999/score", 404),
        ("/customers/nobody/score", 404),
        ("/customers?page=x", 400),
        ("/customers?modified_since=yesterday", 400),
        ("/customers?modified_since=2026-01-01", 400),
        ("/elsewhere", 404),
        ("/warehouses/wh_9/shelves", 404),
        ("/products?cursor=%20", 400),
    ],
)
async def test_what_cannot_be_answered_is_said_in_json(
    client: Client, path: str, status: int
) -> None:
    found, body = await client.get(path)
    assert found == status
    assert body["error"]


async def test_an_answer_can_be_held_back(api: SampleApi, client: Client) -> None:
    gate = api.hold("/customers/cust_7/score")
    asked = asyncio.ensure_future(client.get("/customers/cust_7/score"))
    await asyncio.wait_for(gate.reached.wait(), 60)
    await asyncio.sleep(0.05)
    assert not asked.done()
    gate.opened.set()
    assert (await asked)[0] == 200


async def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(api: SampleApi) -> None:
    port = int(api.address.rpartition(":")[2])
    with pytest.raises(ConfigError, match="address already in use") as caught:
        async with SampleApi(port):
            pass
    assert "--port" in str(caught.value.hint)


async def test_a_post_with_a_known_idempotency_key_has_no_second_effect(client: Client) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await client.ask("POST", "/tasks", json={"title": "Pay rent"}, headers=headers)
    again = await client.ask("POST", "/tasks", json={"title": "Pay rent"}, headers=headers)
    assert first == again == (201, {"id": "task_1", "title": "Pay rent", "done": False})
    assert len((await client.get("/tasks"))[1]["tasks"]) == 1


async def test_pages_by_offset_cursor_and_link_hold_everything_once(client: Client) -> None:
    orders = [
        order["id"]
        for offset in range(0, 400, 50)
        for order in (await client.get(f"/orders?offset={offset}&limit=50"))[1]["orders"]
    ]
    assert orders == [f"ord_{n}" for n in range(1, 341)]

    skus: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await client.get(f"/products?limit=40{cursor and '&cursor=' + cursor}"))[1]
        skus += [product["sku"] for product in page["items"]]
        cursor = page["meta"]["next"]
    assert skus == [f"sku_{n}" for n in range(1, 131)]

    ids: list[int] = []
    url: str | None = client.address + "/events"
    while url:
        async with client.session.get(url) as reply:
            ids += [event["id"] for event in await reply.json()]
            url = str(reply.links["next"]["url"]) if "next" in reply.links else None
    assert ids == list(range(1, 61))


def test_the_quickstart_is_the_mission_that_the_demo_runs() -> None:
    shipped = ROOT / "runtime/reqon/demo/quickstart/customer_sync.vague"
    shown = ROOT / "examples/quickstart/customer_sync.vague"
    assert shipped.read_text() == shown.read_text()
