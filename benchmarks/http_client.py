"""The HTTP client against a bare aiohttp loop, over the same pages of the same local service.

    python benchmarks/http_client.py          # prints seconds and ratios; 1.00 is as fast as bare

Two loops that do the same work are run in turn, and the best of each counts, so that the load of
the machine touches both. `bare` is what one writes by hand (`session.get`, `response.json()`),
`bare, msgspec` the same with the faster decoder.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
import msgspec
from aiohttp import web

from reqon.http.client import HttpClient
from reqon.http.encode import RequestParts, Target, build_request, full_url, page_request
from reqon.http.messages import HttpReply
from reqon.http.paging.base import PageFacts
from reqon.http.paging.merge import PageMerge
from reqon.http.paging.progress import Paging
from reqon.plan.policies import PagingPolicy

PAGES = 300
SIZE = 100
ROUNDS = 5


def _page() -> bytes:
    records = [
        {
            "id": f"cust_{i}",
            "name": f"Customer {i}",
            "email": f"customer{i}@example.test",
            "active": i % 3 == 0,
            "balance": i * 1.25,
            "address": {"street": "Main Street 1", "city": "Springfield", "zip": "12345"},
            "tags": ["a", "b"],
        }
        for i in range(SIZE)
    ]
    return json.dumps({"data": records}).encode()


def _serve(pipe: Connection) -> None:
    """The service, in a process of its own: it answers every page with the same bytes."""
    body, last = _page(), json.dumps({"data": []}).encode()

    async def answer(request: web.BaseRequest) -> web.Response:
        content = body if int(request.query.get("page", "1")) <= PAGES else last
        return web.Response(body=content, content_type="application/json")

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def bare(url: str) -> int:
    """A loop as one writes it by hand."""
    items: list[object] = []
    async with aiohttp.ClientSession() as session:
        page = 0
        while True:
            page += 1
            async with session.get(f"{url}/customers", params={"page": page}) as response:
                response.raise_for_status()
                found = (await response.json())["data"]
            items += found
            if len(found) < SIZE:
                return len(items)


async def bare_msgspec(url: str) -> int:
    """The same with the faster decoder."""
    items: list[object] = []
    async with aiohttp.ClientSession() as session:
        page = 0
        while True:
            page += 1
            async with session.get(f"{url}/customers", params={"page": page}) as response:
                response.raise_for_status()
                found = msgspec.json.decode(await response.read())["data"]
            items += found
            if len(found) < SIZE:
                return len(items)


async def client(url: str) -> int:
    """Our client with its pagination."""
    target = Target("API", url)
    first = build_request(target, RequestParts("get", "/customers"))
    paging, merge = Paging(PagingPolicy("page", "page", SIZE)), PageMerge()
    async with HttpClient() as http:
        going = True
        while going:
            request = page_request(first, target, paging.ask)
            reply = await http.send(request)
            assert isinstance(reply, HttpReply)
            n_items = merge.add(reply.body)
            paging.receive(PageFacts(n_items, reply.headers, url=full_url(request)))
            going = paging.advance()
    return len(merge.result()["data"])


def _timed(loop: Callable[[str], Awaitable[int]], url: str) -> float:
    async def run() -> float:
        start = time.perf_counter()
        assert await loop(url) == PAGES * SIZE
        return time.perf_counter() - start

    return asyncio.run(run())


def main() -> None:
    """Run all loops in turn and print the best time of each, and its ratio to `bare`."""
    here, there = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(there,), daemon=True
    )
    service.start()
    url = f"http://127.0.0.1:{here.recv()}"
    loops = {"bare": bare, "bare, msgspec": bare_msgspec, "reqon client": client}
    best = dict.fromkeys(loops, float("inf"))
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            best[name] = min(best[name], _timed(loop, url))
    service.terminate()
    for name, seconds in best.items():
        pages = PAGES / seconds
        print(f"{name:14} {seconds:6.3f} s {pages:7.0f} pages/s  {seconds / best['bare']:5.2f}")


if __name__ == "__main__":
    main()
