"""The web service that the crash tests run missions against: many small worlds on one port.

    with Service().in_thread() as service:
        world = service.world("7")
        … REQON_TEST_URL = world.url …
        world.effects()

Each run gets a world of its own, named by the first part of the path, so that what it did can be
compared with what another run did to another world. Lists are the same in all worlds and every
time they are asked for; what changes something is remembered by its idempotency key.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from support.fake_api import Asked, Reply, _asked, _send
from support.fake_pages import pages

PAGE = 4
N_CUSTOMERS = 13
CHANGED = ("cust_02", "cust_05", "cust_11")
NEW = ("cust_21", "cust_22")


def customer(number: int, *, day: int = 1) -> dict[str, Any]:
    return {
        "id": f"cust_{number:02}",
        "name": f" Customer {number}{' again' if day > 1 else ''} ",
        "email": f"C{number}@Shop.test",
        "active": number % 3 != 0,
        "updatedAt": f"2031-0{day}-01T00:00:{number:02}Z",
    }


ORDERS = [
    {
        "id": n,
        "customer": f"cust_{n % 5:02}",
        "paid": n % 4 != 0,
        "lines": [{"sku": f"s{(n + m) % 6}", "count": m + 1} for m in range(n % 4)],
    }
    for n in range(1, 12)
]
EVENTS = [
    {
        "no": n,
        "kind": ("made", "changed", "gone")[n % 3],
        "about": f"cust_{n % 7:02}",
        "value": n * 10,
    }
    for n in range(1, 15)
]
FILES = [{"id": f"f{n}", "name": f"file {n}.txt", "size": n * 100} for n in range(1, 10)]


@dataclass
class World:
    """What one run sees of the service, and what it did to it.

    `created` holds the bodies that had an effect, by path; `bodies` all that came with each key.
    From request `breaks_at` on, and in each of the `outages`, everything is answered with 500.
    The answer to request `holds_at` waits until it is `released`.
    """

    name: str
    url: str = ""
    day: int = 1
    n_customers: int = N_CUSTOMERS
    created: dict[str, list[Any]] = field(default_factory=dict)
    answers: dict[str, Reply] = field(default_factory=dict)
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    keyless: int = 0
    tokens: int = 0
    looks: Counter[str] = field(default_factory=Counter)
    n_requests: int = 0
    observe: Callable[[Asked], None] | None = None
    breaks_at: int | None = None
    outages: tuple[range, ...] = ()
    holds_at: int | None = None
    released: threading.Event = field(default_factory=threading.Event)

    def effects(self) -> dict[str, Any]:
        """What a run and an undisturbed run must have in common; generated ids and times differ."""
        by_path = {
            path: sorted(repr(_told(body)) for body in bodies)
            for path, bodies in sorted(self.created.items())
        }
        return {"created": by_path, "keyless": self.keyless}

    def double_keys(self) -> list[str]:
        """Keys that came with two bodies."""
        return [key for key, bodies in self.bodies.items() if len(bodies) > 1]

    # ---- answers

    def answer(self, asked: Asked) -> Any:
        self.n_requests += 1
        if self.observe is not None:
            self.observe(asked)
        broken = self.breaks_at is not None and self.n_requests >= self.breaks_at
        if broken or any(self.n_requests in outage for outage in self.outages):
            return Reply({"error": "out of order"}, 500)
        parts = asked.path.strip("/").split("/")
        handler = getattr(self, f"{asked.method.lower()}_{parts[0]}", None)
        if handler is None:
            return Reply({"error": "no such route", "path": asked.path}, 404)
        reply = handler(asked, parts[1:])
        return self._held(reply) if self.n_requests == self.holds_at else reply

    async def _held(self, reply: Any) -> Any:
        await asyncio.to_thread(self.released.wait, 30)
        return reply

    def get_customers(self, asked: Asked, rest: list[str]) -> Any:
        if rest:
            return {"score": int(rest[0][-2:]) * 37 % 101}
        return pages(self._customers(asked.params), "page", PAGE)(asked)

    def _customers(self, params: Mapping[str, str]) -> list[dict[str, Any]]:
        if "modified_since" not in params:
            return [customer(n) for n in range(1, self.n_customers + 1)]
        if self.day == 1:
            return []
        return [customer(int(name[-2:]), day=self.day) for name in (*CHANGED, *NEW)]

    def get_orders(self, asked: Asked, rest: list[str]) -> Any:
        return pages(ORDERS, "offset", PAGE)(asked)

    def get_events(self, asked: Asked, rest: list[str]) -> Any:
        return pages(EVENTS, "cursor", PAGE)(asked)

    def get_files(self, asked: Asked, rest: list[str]) -> Any:
        shifted = Asked(**{**asked.__dict__, "path": f"/{self.name}/files"})
        return pages(FILES, "link", PAGE, field=None)(shifted)

    def get_big(self, asked: Asked, rest: list[str]) -> Any:
        return {"id": rest[0], "text": rest[0] * 45_000, "parts": [{"n": n} for n in range(3)]}

    def get_large(self, asked: Asked, rest: list[str]) -> Any:
        items = [{"id": n, "size": n * 20_000, "text": f"{n} " * (n * 20_000)} for n in range(1, 6)]
        return pages(items, "page", 2)(asked)

    def get_echo(self, asked: Asked, rest: list[str]) -> Any:
        sent = asked.header("Authorization") or ""
        return {"id": rest[0], "sent": sent, "text": f"{sent} came with {rest[0]}"}

    def get_missing(self, asked: Asked, rest: list[str]) -> Any:
        return Reply({"error": "gone", "id": rest[0]}, 404 if int(rest[0]) % 2 else 410)

    def get_jobs(self, asked: Asked, rest: list[str]) -> Any:
        self.looks[rest[0]] += 1
        done = self.looks[rest[0]] > 2
        return {"id": rest[0], "state": "done" if done else "pending"}

    def get_tasks(self, asked: Asked, rest: list[str]) -> Any:
        """Done when it was noticed twice."""
        noticed = [body for body in self.created.get("notices", ()) if body["about"] == rest[0]]
        return {"id": rest[0], "state": "done" if len(noticed) > 1 else "pending"}

    def get_secure(self, asked: Asked, rest: list[str]) -> Any:
        if asked.header("Authorization") != "Bearer secret-token-0001":
            return Reply({"error": "unauthorized"}, 401)
        return {"id": rest[0], "value": f"v{rest[0]}"}

    def get_gates(self, asked: Asked, rest: list[str]) -> Any:
        """Open once somebody has knocked."""
        knocked = any(body["about"] == rest[0] for body in self.created.get("slips", ()))
        return {"open": True} if knocked else Reply({"error": "closed"}, 401)

    def post_missing(self, asked: Asked, rest: list[str]) -> Any:
        return self.get_missing(asked, rest)

    def post_login(self, asked: Asked, rest: list[str]) -> Any:
        self.tokens += 1
        return {"access_token": "secret-token-0001", "expires_in": 3600}

    def post_notices(self, asked: Asked, rest: list[str]) -> Any:
        return self._create("notices", asked)

    def post_slips(self, asked: Asked, rest: list[str]) -> Any:
        return self._create("slips", asked)

    def patch_slips(self, asked: Asked, rest: list[str]) -> Any:
        return self._create("slips", asked)

    def _create(self, path: str, asked: Asked) -> Reply:
        key = asked.header("Idempotency-Key")
        body = asked.json
        if key is None:
            self.keyless += 1
        else:
            self.bodies.setdefault(key, set()).add(asked.body)
            if key in self.answers:
                return self.answers[key]
        self.created.setdefault(path, []).append(body)
        reply = Reply({"id": f"{path[0]}-{body.get('about')}", "of": body}, 201)
        if key is not None:
            self.answers[key] = reply
        return reply


MADE_ANEW = ("id", "at", "uid", "gid")
"""Fields that another run gives other values."""


def _told(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in MADE_ANEW}


class Service:
    """The server; worlds come into being when they are first asked for."""

    def __init__(self, make: Callable[[str], World] = World) -> None:
        self.url = ""
        self._make = make
        self._worlds: dict[str, World] = {}
        self._runner: web.ServerRunner | None = None

    def world(self, name: str) -> World:
        if name not in self._worlds:
            self._worlds[name] = self._make(name)
        world = self._worlds[name]
        world.url = f"{self.url}/{name}"
        return world

    def replace(self, name: str, world: World) -> None:
        """Let another kind of world answer under this name."""
        self._worlds[name] = world

    def forget(self, name: str) -> None:
        self._worlds.pop(name, None)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await _asked(request)
        name, _, path = asked.path.lstrip("/").partition("/")
        reply = self.world(name).answer(Asked(**{**asked.__dict__, "path": f"/{path}"}))
        if isinstance(reply, Awaitable):
            reply = await reply
        return await _send(request, reply if isinstance(reply, Reply) else Reply(reply))

    async def __aenter__(self) -> Self:
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """The server on a loop of its own."""
        started, ended = threading.Event(), threading.Event()
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def serve() -> None:
            async with self:
                started.set()
                await stop.wait()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
            ended.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert started.wait(10), "the service did not start"
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            assert ended.wait(10), "the service did not stop"
            thread.join(10)
