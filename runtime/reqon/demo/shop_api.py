"""The shop's part of the sample API, which the examples use: pages of every kind, lookups, writes.

    GET  /products?limit=&cursor=       {"items": […], "meta": {"next": "…"}}
    GET  /orders?offset=&limit=&changedAfter=UNIX       {"orders": […]}
    GET  /events?after=                 […] and a Link header
    GET  /rates /warehouses /warehouses/{code}/shelves /invoices /payments /parcels
    POST /notices                       201, or 422 for a recipient who cannot be reached
    GET  POST /tasks, GET PATCH DELETE /tasks/{id}
    POST /reports, GET /reports/{id}    done when asked for the third time

A POST that carries an `Idempotency-Key` seen before gets the answer that it got then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from reqon.demo import shop

Record = dict[str, Any]
_EVENTS_PER_PAGE = 20
_UNREACHABLE_EVERY = 10
_REPORT_ASKS = 3


class ShopApi:
    """The routes and what they remember: tasks, reports, answers by idempotency key."""

    def __init__(self) -> None:
        self._tasks: dict[str, Record] = {}
        self._last_task = 0
        self._reports: Counter[str] = Counter()
        self._answers: dict[str, tuple[int, Record]] = {}
        self.notices: list[Record] = []

    def add_routes(self, app: web.Application) -> None:
        """Put the routes into the application."""
        app.add_routes(
            [
                web.get("/products", _get_products),
                web.get("/orders", _get_orders),
                web.get("/events", _get_events),
                web.get("/rates", _get_rates),
                web.get("/warehouses", _get_warehouses),
                web.get("/warehouses/{code}/shelves", _get_shelves),
                web.get("/invoices", _get_invoices),
                web.get("/payments", _get_payments),
                web.get("/parcels", _get_parcels),
                web.post("/notices", self._post_notice),
                web.get("/tasks", self._get_tasks),
                web.post("/tasks", self._post_task),
                web.get("/tasks/{id}", self._get_task),
                web.patch("/tasks/{id}", self._patch_task),
                web.delete("/tasks/{id}", self._delete_task),
                web.post("/reports", self._post_report),
                web.get("/reports/{id}", self._get_report),
            ]
        )

    async def _post_notice(self, request: web.Request) -> web.Response:
        notice = await read_object(request)
        return self._once(request, lambda: self._send_notice(notice))

    def _send_notice(self, notice: Record) -> tuple[int, Record]:
        customer = str(notice.get("customerId", ""))
        digits = customer.removeprefix("cust_")
        if not digits.isdecimal():
            return 400, {"error": "customerId is missing"}
        if int(digits) % _UNREACHABLE_EVERY == 0:
            return 422, {"error": "unreachable", "message": f"{customer} has no working address"}
        self.notices.append(notice)
        return 201, {"id": f"ntc_{len(self.notices)}", "customerId": customer}

    async def _get_tasks(self, _request: web.Request) -> web.Response:
        return web.json_response({"tasks": list(self._tasks.values())})

    async def _post_task(self, request: web.Request) -> web.Response:
        task = await read_object(request)
        return self._once(request, lambda: self._add_task(task))

    def _add_task(self, task: Record) -> tuple[int, Record]:
        self._last_task += 1
        key = f"task_{self._last_task}"
        self._tasks[key] = {"id": key, "title": task.get("title"), "done": False}
        return 201, self._tasks[key]

    async def _get_task(self, request: web.Request) -> web.Response:
        task = self._tasks.get(request.match_info["id"])
        return problem(404, "there is no such task") if task is None else web.json_response(task)

    async def _patch_task(self, request: web.Request) -> web.Response:
        changes = await read_object(request)
        task = self._tasks.get(request.match_info["id"])
        if task is None:
            return problem(404, "there is no such task")
        task.update({name: changes[name] for name in ("title", "done") if name in changes})
        return web.json_response(task)

    async def _delete_task(self, request: web.Request) -> web.Response:
        self._tasks.pop(request.match_info["id"], None)
        return web.Response(status=204)

    async def _post_report(self, request: web.Request) -> web.Response:
        return self._once(request, self._add_report)

    def _add_report(self) -> tuple[int, Record]:
        key = f"rep_{len(self._reports) + 1}"
        self._reports[key] = 0
        return 202, {"id": key, "state": "queued"}

    async def _get_report(self, request: web.Request) -> web.Response:
        key = request.match_info["id"]
        if key not in self._reports:
            return problem(404, "there is no such report")
        self._reports[key] += 1
        if self._reports[key] < _REPORT_ASKS:
            return web.json_response({"id": key, "state": "working"})
        return web.json_response({"id": key, "state": "done", "rows": 340, "total": 12345.5})

    def _once(self, request: web.Request, effect: Callable[[], tuple[int, Record]]) -> web.Response:
        """Answer with what `effect` gives, or with what the same idempotency key got before."""
        key = request.headers.get("Idempotency-Key")
        status, body = self._answers.get(key or "") or effect()
        if key:
            self._answers[key] = (status, body)
        return web.json_response(body, status=status)


async def _get_products(request: web.Request) -> web.Response:
    limit = read_number(request, "limit", 40)
    after = request.query.get("cursor", "sku_0").removeprefix("sku_")
    if not after.isdecimal():
        return problem(400, "cursor is none of ours")
    start = int(after)
    found = shop.products()
    page = found[start : start + limit]
    has_more = start + limit < len(found)
    return web.json_response(
        {"items": page, "meta": {"next": page[-1]["sku"] if has_more else None}}
    )


async def _get_orders(request: web.Request) -> web.Response:
    offset = read_number(request, "offset", 0)
    limit = read_number(request, "limit", 50)
    since = read_number(request, "changedAfter", 0)
    found = [
        order
        for order in shop.orders()
        if datetime.fromisoformat(order["updatedAt"]).timestamp() >= since
    ]
    return web.json_response({"orders": found[offset : offset + limit]})


async def _get_events(request: web.Request) -> web.Response:
    after = read_number(request, "after", 0)
    found = [event for event in shop.events() if event["id"] > after]
    page = found[:_EVENTS_PER_PAGE]
    headers: dict[str, str] = {}
    if len(found) > len(page):
        headers["Link"] = f'<{request.url.with_query(after=page[-1]["id"])}>; rel="next"'
    return web.json_response(page, headers=headers)


async def _get_rates(_request: web.Request) -> web.Response:
    return web.json_response({"base": "EUR", "rates": shop.RATES})


async def _get_warehouses(_request: web.Request) -> web.Response:
    return web.json_response({"warehouses": shop.warehouses()})


async def _get_shelves(request: web.Request) -> web.Response:
    code = request.match_info["code"]
    if not any(warehouse["code"] == code for warehouse in shop.warehouses()):
        return problem(404, f"there is no warehouse '{code}'")
    return web.json_response({"shelves": shop.shelves(code)})


async def _get_invoices(_request: web.Request) -> web.Response:
    return web.json_response(shop.invoices())


async def _get_payments(_request: web.Request) -> web.Response:
    return web.json_response(shop.payments())


async def _get_parcels(_request: web.Request) -> web.Response:
    return web.json_response(shop.parcels())


async def read_object(request: web.Request) -> Record:
    """The JSON object of the body; 400 for anything else."""
    try:
        body = await request.json()
    except (ValueError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(
            text='{"error": "the body must be a JSON object"}', content_type="application/json"
        )
    return body  # pyright: ignore[reportUnknownVariableType] - JSON


def read_number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query; 400 for anything else."""
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdecimal():
        body = json.dumps({"error": f"{name} must be a whole number"})
        raise web.HTTPBadRequest(text=body, content_type="application/json")
    return int(text)


def problem(status: int, message: str) -> web.Response:
    """An error reply in JSON."""
    return web.json_response({"error": message}, status=status)
