"""A language client that sends whatever bytes it is told to: for what no proper client sends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

ANSWER_SECONDS = 60


class RawClient:
    """Frames and bytes to a server process, and its messages back."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    @classmethod
    async def start(cls) -> RawClient:
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "reqon_lsp", stdin=pipe, stdout=pipe, stderr=nowhere
            )
        )

    async def initialize(
        self, capabilities: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        params = {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **more}
        answer = await self.request(0, "initialize", params)
        self.send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
        return answer

    def send(self, message: Any) -> None:
        self.send_bytes(frame(message))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    async def request(self, message_id: Any, method: str, params: Any = None) -> dict[str, Any]:
        self.send({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})
        return await self.answer(message_id)

    async def answer(self, message_id: Any) -> dict[str, Any]:
        """The reply to a request; what comes before it is kept in `seen`."""
        while True:
            message = await asyncio.wait_for(self._next(), ANSWER_SECONDS)
            self.seen.append(message)
            if "method" not in message and message.get("id") == message_id:
                return message

    def notify(self, method: str, params: Any) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message, from what was seen on, that is wanted."""
        for message in self.seen:
            if wanted(message):
                return message
        while True:
            message = await asyncio.wait_for(self._next(), ANSWER_SECONDS)
            self.seen.append(message)
            if wanted(message):
                return message

    async def _next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := (await self.process.stdout.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(await self.process.stdout.readexactly(length))

    async def leave(self) -> int:
        """End in good order; the exit code."""
        await self.request("bye", "shutdown")
        self.send({"jsonrpc": "2.0", "method": "exit"})
        await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


def frame(message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
