"""A small web service for trying Reqon: customers in pages, a score for each, now and then a 503.

    GET  /customers?page=3&limit=100&modified_since=2031-05-06T07:08:09Z
    GET  /customers/cust_7/score
    POST /next-day          42 customers sign up, 18 change
    and what `shop_api` adds for the examples

It listens on loopback only and gives the same answers to everyone, whatever was asked before; only
the 503s, each of which goes away when asked again, remember. The tour can make it hold an answer
back (`hold`), so that it knows at which moment it pulls the plug.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

from aiohttp import web

from reqon.clock import Clock, SystemClock
from reqon.demo.customers import Customer, first_day, next_day, score_of
from reqon.demo.shop_api import ShopApi, problem, read_number
from reqon.errors import ConfigError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8765
_PAGE_SECONDS = 0.02
_SCORE_SECONDS = 0.002
_MAX_LIMIT = 500
_BUSY_PAGE = 7
_BUSY_EVERY = 150


@dataclass(slots=True)
class Gate:
    """One answer held back: `reached` is set when it is asked for, `opened` lets it go."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


class SampleApi:
    """The service; use it as an asynchronous context, then `address` is where it listens."""

    def __init__(self, port: int = 0, clock: Clock | None = None) -> None:
        self._port = port
        self._clock = clock or SystemClock()
        self._customers = first_day()
        self._asked: Counter[str] = Counter()
        self._gates: dict[str, Gate] = {}
        self.shop = ShopApi()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        self.address = ""

    async def __aenter__(self) -> SampleApi:
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            reason = os.strerror(error.errno or 0).lower()
            raise ConfigError(
                f"cannot listen on {LOOPBACK}:{self._port}: {reason}",
                hint="another program uses this port; choose one with --port NUMBER",
            ) from error
        port = self._runner.addresses[0][1]
        self.address = f"http://{LOOPBACK}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for gate in self._gates.values():
            gate.opened.set()
        await self._runner.cleanup()

    def hold(self, path: str, page: int | None = None) -> Gate:
        """Hold back the next answer for `path` (and `page`) until the gate is opened."""
        gate = Gate()
        self._gates[_request_key(path, page)] = gate
        return gate

    def start_next_day(self) -> None:
        """Let 42 customers sign up and 18 change, now."""
        self._customers = next_day(self._customers, self._clock.now())

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        return len(self._customers)

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/customers", self._get_customers)
        app.router.add_get("/customers/{id}/score", self._get_score)
        app.router.add_post("/next-day", self._post_next_day)
        self.shop.add_routes(app)
        app.router.add_route("*", "/{rest:.*}", _get_nothing)
        return app

    async def _get_customers(self, request: web.Request) -> web.Response:
        page = max(1, read_number(request, "page", 1))
        limit = min(read_number(request, "limit", 100), _MAX_LIMIT)
        await self._pass_gate(_request_key(request.path, page))
        await asyncio.sleep(_PAGE_SECONDS)
        if page == _BUSY_PAGE and self._is_first_time(f"page {page}"):
            return _busy()
        found = self._modified_since(request.query.get("modified_since"))
        start = (page - 1) * limit
        return web.json_response({"page": page, "data": found[start : start + limit]})

    async def _get_score(self, request: web.Request) -> web.Response:
        customer_id = request.match_info["id"]
        await self._pass_gate(_request_key(request.path, None))
        await asyncio.sleep(_SCORE_SECONDS)
        if not any(customer["id"] == customer_id for customer in self._customers):
            return problem(404, f"there is no customer '{customer_id}'")
        number = int(customer_id.removeprefix("cust_"))
        if number % _BUSY_EVERY == 0 and self._is_first_time(customer_id):
            return _busy()
        return web.json_response({"customerId": customer_id, "score": score_of(customer_id)})

    async def _post_next_day(self, _request: web.Request) -> web.Response:
        self.start_next_day()
        return web.json_response({"customers": self.customer_count})

    async def _pass_gate(self, key: str) -> None:
        gate = self._gates.pop(key, None)
        if gate is not None:
            gate.reached.set()
            await gate.opened.wait()

    def _is_first_time(self, key: str) -> bool:
        self._asked[key] += 1
        return self._asked[key] == 1

    def _modified_since(self, text: str | None) -> list[Customer]:
        if text is None:
            return self._customers
        try:
            since = datetime.fromisoformat(text)
            return [c for c in self._customers if datetime.fromisoformat(c["updatedAt"]) >= since]
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(
                text='{"error": "modified_since must be an ISO 8601 time with its zone"}',
                content_type="application/json",
            ) from error


async def _get_nothing(request: web.Request) -> web.Response:
    return problem(404, f"nothing is served at {request.method} {request.path}")


def _busy() -> web.Response:
    return problem(503, "busy, please ask again")


def _request_key(path: str, page: int | None) -> str:
    return path if page is None else f"{path}?page={page}"
