"""An event loop in which nothing is left to the machine: time, order, threads and network.

    loop = SimulatedLoop(random.Random(seed), network)
    loop.run_until_complete(…)

Time is a number that jumps to the next timer, so that waiting costs nothing. Which of the tasks
that could go on goes first is drawn, and so is when work that was given to a thread is done and
when its result arrives. Connections lead to `Network`, which answers from a `World` in the same
process, late, with an error, half or never. The same seed gives the same run.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from support.crash_service import World
from support.fake_api import Asked, Reply

HOST = "127.0.0.1"
WORLD = "simulated"
URL = f"http://{HOST}:80/{WORLD}"
STARTS_AT = 1000.0
SLOW_SHARE = 0.02


class _VirtualTime(selectors.DefaultSelector):  # pyright: ignore[reportUntypedBaseClass]
    """Waits by moving the hands."""

    def __init__(self) -> None:
        super().__init__()
        self.now = STARTS_AT

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everything waits for something that will never come")
        self.now += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop; `halt` ends what runs in it, like the death of the process."""

    def __init__(self, chance: random.Random, network: Network) -> None:
        self._virtual = _VirtualTime()
        super().__init__(self._virtual)
        self._chance = chance
        self._network = network
        self._busy_until: dict[Any, float] = {}

    def time(self) -> float:
        return self._virtual.now

    def _run_once(self) -> None:
        """One turn; what is ready is done in an order that is drawn."""
        ready: Any = self._ready  # pyright: ignore[reportAttributeAccessIssue]
        if len(ready) > 1:
            drawn = list(ready)
            self._chance.shuffle(drawn)
            ready.clear()
            ready.extend(drawn)
        super()._run_once()  # pyright: ignore[reportAttributeAccessIssue]

    def delay(self) -> float:
        """How long a disk or a network takes: mostly milliseconds, sometimes seconds."""
        if self._chance.random() < SLOW_SHARE:
            return self._chance.uniform(0.5, 8.0)
        return self._chance.uniform(0.0001, 0.02)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Do it as a whole at some moment; the caller hears of it at a later one.

        One thread an executor, as the journal has: one piece of work after the other.
        """
        future = self.create_future()

        def work() -> None:
            try:
                result, error = func(*args), None
            except BaseException as raised:  # noqa: BLE001 - as a thread pool does
                result, error = None, raised
            self.call_later(self.delay(), answer, result, error)

        def answer(result: Any, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        at = max(self.time(), self._busy_until.get(executor, 0.0)) + self.delay()
        self._busy_until[executor] = at
        self.call_at(at, work)
        return future

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        await asyncio.sleep(self.delay())
        self._network.connect()

    async def create_connection(self, protocol_factory: Any, *_: Any, **options: Any) -> Any:
        protocol = protocol_factory()
        transport = _Connection(self, self._network, protocol, options["sock"])
        protocol.connection_made(transport)
        return transport, protocol


@dataclass
class Faults:
    """Shares of requests: refused connections, broken before and after the effect, busy, slow."""

    refused: float = 0.0
    lost_request: float = 0.0
    lost_reply: float = 0.0
    cut_reply: float = 0.0
    busy: float = 0.0


class Network:
    """What lies between a run and its service; when it is `silent` nothing passes."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.faults = Faults()
        self.silent = False
        self._chance = chance

    def happens(self, share: float) -> bool:
        return self._chance.random() < share

    def connect(self) -> None:
        if self.happens(self.faults.refused):
            raise ConnectionRefusedError(111, "Connection refused")


class _Connection(asyncio.Transport):
    """One connection: whole requests in, whole replies out."""

    def __init__(
        self, loop: SimulatedLoop, network: Network, protocol: Any, sock: socket.socket
    ) -> None:
        super().__init__()
        self._loop = loop
        self._network = network
        self._protocol = protocol
        self._socket = sock
        self._received = b""
        self._open = True

    def write(self, data: Any) -> None:
        if not self._open:
            return
        self._received += bytes(data)
        request, self._received = _whole_request(self._received)
        if request is not None and not self._network.silent:
            self._loop.call_later(self._loop.delay(), self._arrives, request)

    def _arrives(self, asked: Asked) -> None:
        network = self._network
        if network.silent:
            return
        faults = network.faults
        if network.happens(faults.lost_request):
            self._break()
            return
        if network.happens(faults.busy):
            retry = {"Retry-After": "1"} if network.happens(0.5) else {}
            reply = Reply({"error": "busy"}, 503, headers=retry)
        else:
            answer = network.world.answer(asked)
            reply = answer if isinstance(answer, Reply) else Reply(answer)
        self._loop.call_later(self._loop.delay(), self._answered, _as_bytes(reply))

    def _answered(self, content: bytes) -> None:
        network = self._network
        if network.silent or not self._open:
            return
        if network.happens(network.faults.lost_reply):
            self._break()
        elif network.happens(network.faults.cut_reply):
            self._protocol.data_received(content[: len(content) // 2])
            self._break()
        else:
            self._protocol.data_received(content)

    def _break(self) -> None:
        self._end(ConnectionResetError(104, "Connection reset by peer"))

    def close(self) -> None:
        self._end(None)

    abort = close

    def _end(self, error: Exception | None) -> None:
        if self._open:
            self._open = False
            self._socket.close()
            self._loop.call_soon(self._protocol.connection_lost, error)

    def is_closing(self) -> bool:
        return not self._open

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (HOST, 80) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Replies come whole."""

    def resume_reading(self) -> None:
        """Replies come whole."""

    def is_reading(self) -> bool:
        return self._open


def _whole_request(received: bytes) -> tuple[Asked | None, bytes]:
    """The request at the beginning, if all of it is there, and the rest."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return None, received
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(next((v for k, v in headers.items() if k.lower() == "content-length"), "0"))
    if len(rest) < size:
        return None, received
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path).removeprefix(f"/{WORLD}")
    asked = Asked(method, path, target, query, headers, rest[:size], (HOST, 1))
    return asked, rest[size:]


def _as_bytes(reply: Reply) -> bytes:
    body = reply.content
    headers = {"Content-Type": "application/json", "Content-Length": len(body), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
