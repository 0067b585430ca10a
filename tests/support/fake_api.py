"""A real HTTP server on loopback whose replies a test scripts, and which remembers every request.

    async with FakeApi() as api:                     # in the test's own loop
        api.on("GET", "/customers", [{"id": 1}], status(503), DROP)
        ... api.url, api.requests

    with FakeApi().in_thread() as api: ...           # beside a `reqon` process

A route answers with its replies in order, the last one for ever after; a reply may be a JSON
value, a `Reply`, or a function of the request. Faults are replies too. Nothing waits on a clock:
a test that needs a slow service holds a `Gate` and opens it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

Fault = Literal["drop", "truncate", "raw"]


class Gate:
    """Holds replies back until a test opens it; `reached` tells that one is waiting."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        """Let everything through, now and later."""
        self._open.set()

    async def reached(self) -> None:
        """Wait until a request stands at the gate."""
        await asyncio.to_thread(self.reached_in_thread)

    def reached_in_thread(self) -> None:
        """The same for tests without a loop."""
        assert self._reached.wait(30), "no request came to the gate"

    async def pass_through(self) -> None:
        self._reached.set()
        while not self._open.is_set():
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; `query` has decoded pairs, `raw_path` is what was on the wire."""

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    peer: Any

    @property
    def params(self) -> dict[str, str]:
        return dict(self.query)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def line(self) -> str:
        """`GET /customers?page=2` as it was on the wire."""
        return f"{self.method} {self.raw_path}"

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)


@dataclass(frozen=True)
class Reply:
    """What a route answers. `body` is JSON unless it is bytes; `gate` holds it back.

    Faults: `drop` closes the connection without a word, `truncate` in the middle of the body,
    `raw` writes the body to the connection as all that is sent. With `gate_in_body` the first
    half of the body goes out before the gate.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    content_type: str | None = "application/json"
    fault: Fault | None = None
    gate: Gate | None = None
    gate_in_body: bool = False

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


Answer = Callable[[Asked], Any]

DROP = Reply(fault="drop")
TRUNCATE = Reply({"cut": "x" * 200}, fault="truncate")
GARBAGE = Reply(b"this is no HTTP\r\n\r\n", fault="raw")
BROKEN_JSON = Reply(b'{"items": [1, 2')


def status(code: int, body: Any = None, **headers: str) -> Reply:
    """A reply with a status; underscores in header names become dashes."""
    return Reply(body, code, {k.replace("_", "-"): v for k, v in headers.items()})


def text(body: str | bytes, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """A reply that is no JSON."""
    return Reply(body.encode() if isinstance(body, str) else body, content_type=content_type)


class FakeApi:
    """The server: `url`, what to answer, and what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Asked] = []
        self._routes: dict[tuple[str, str], Iterator[Any]] = {}
        self._runner: web.ServerRunner | None = None

    def on(self, method: str, path: str, *replies: Any) -> Self:
        """Answer `method path` (without query) with these, the last one again and again."""
        assert replies, "a route needs a reply"
        self._routes[method.upper(), path] = _lasting(replies)
        return self

    def get(self, path: str, *replies: Any) -> Self:
        return self.on("GET", path, *replies)

    def post(self, path: str, *replies: Any) -> Self:
        return self.on("POST", path, *replies)

    # what was asked

    def asked(self, path: str, method: str | None = None) -> list[Asked]:
        """The requests for a path, in order."""
        return [r for r in self.requests if r.path == path and method in (None, r.method)]

    @property
    def lines(self) -> list[str]:
        """`GET /customers?page=1` of every request, in order."""
        return [request.line for request in self.requests]

    def idempotency_keys(self, path: str, header: str = "Idempotency-Key") -> Counter[str | None]:
        """How often each key came with a request for the path; None counts those without."""
        return Counter(request.header(header) for request in self.asked(path))

    @property
    def n_connections(self) -> int:
        """How many connections the requests came through."""
        return len({request.peer for request in self.requests})

    # life

    async def __aenter__(self) -> Self:
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._runner = runner
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """The server on a loop of its own, for tests that start processes."""
        started, stop = threading.Event(), threading.Event()

        async def serve() -> None:
            async with self:
                started.set()
                while not stop.is_set():
                    await asyncio.sleep(0.01)

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        assert started.wait(10), "the fake API did not start"
        try:
            yield self
        finally:
            stop.set()
            thread.join(10)

    # answering

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await _asked(request)
        self.requests.append(asked)
        route = self._routes.get((asked.method, asked.path))
        if route is None:
            return web.json_response({"error": "no such route", "path": asked.path}, status=404)
        reply = next(route)
        if callable(reply):
            reply = reply(asked)
        if isinstance(reply, Awaitable):
            reply = await reply
        return await _send(request, reply if isinstance(reply, Reply) else Reply(reply))


def _lasting(replies: Sequence[Any]) -> Iterator[Any]:
    yield from replies
    while True:
        yield replies[-1]


async def _asked(request: web.BaseRequest) -> Asked:
    parts = urlsplit(request.raw_path)
    return Asked(
        request.method,
        request.path,
        request.raw_path,
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        dict(request.headers),
        await request.read(),
        request.transport and request.transport.get_extra_info("peername"),
    )


async def _send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    if reply.gate is not None and not reply.gate_in_body:
        await reply.gate.pass_through()
    if reply.fault is None and not reply.gate_in_body:
        return web.Response(
            body=reply.content, status=reply.status, reason=reply.reason, headers=_headers(reply)
        )
    return await _misbehave(request, reply)


async def _misbehave(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    transport = request.transport
    assert transport is not None
    if reply.fault == "raw":
        transport.write(reply.content)
    if reply.fault in ("drop", "raw"):
        transport.close()
        return response
    content = reply.content
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if reply.fault == "truncate":
        transport.close()
        return response
    if reply.gate is not None:
        await reply.gate.pass_through()
    await response.write(content[len(content) // 2 :])
    return response


def _headers(reply: Reply) -> dict[str, str]:
    typed = {"Content-Type": reply.content_type} if reply.content_type else {}
    return {**typed, **reply.headers}
