"""Services that answer with what no mission expects: a clear error, nothing lost, and a way on.

The service is a bare socket that sends the bytes of each case. Every case runs twice: the request
fails, and when the service has recovered, a resume completes the mission.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reqon.engine.run import ResumeChoice, RunOptions, RunResult, run_mission
from reqon.settings import Settings
from support.run_spec import checked

MISSION = """\
mission Fetch {
  source Api { base: env("API"), timeout: 20 seconds }
  store out: file("out")
  action First {
    get "/good"
    store response -> out { key: .id }
  }
  action Second {
    get "/bad"
    store { id: "second", r: response } -> out
  }
  run First then Second
}
"""
JSON = "Content-Type: application/json\r\n"


def reply(
    body: bytes | str, head: str = JSON, status: str = "200 OK", length: int | None = None
) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    size = len(raw) if length is None else length
    lines = f"HTTP/1.1 {status}\r\n{head}Content-Length: {size}\r\nConnection: close\r\n\r\n"
    return lines.encode() + raw


GOOD = reply('[{"id": 1}]')
CHUNKED = f"HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n".encode()
ZIPPED = f"{JSON}Content-Encoding: gzip\r\n"

BAD: dict[str, tuple[bytes, str, str]] = {
    "10,000 levels": (reply("[" * 10_000 + "]" * 10_000), "invalid_json", "200 levels deep"),
    "NaN": (reply('{"a": NaN}'), "invalid_json", "at byte 6: {\"a\": ▸NaN}"),
    "1e999": (reply("[1e999]"), "invalid_json", "number out of range"),
    "10,000 digits": (reply("9" * 10_000), "invalid_json", "out of range"),
    "no UTF-8": (reply(b'{"a": "\xff"}'), "invalid_json", "it is no UTF-8, at byte 7 (0xff)"),
    "XML": (reply("<a><b>1</b></a>"), "invalid_json", "it looks like HTML or XML: <a><b>"),
    "CSV": (reply("a,b\n1,2\n"), "invalid_json", "▸a,b 1,2"),
    "half a body": (reply('{"a": [1, 2'), "invalid_json", "it ends too early, after 11 bytes"),
    "short": (reply('{"a": 1}', length=100), "network", "the reply's body broke off"),
    "bad chunk": (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", "network", "breaks the rules of HTTP"),
    "cut chunk": (CHUNKED + b'5\r\n{"a":', "network", "the reply's body broke off"),
    "no HTTP": (b"hello there\r\n\r\n", "network", "what came back is not HTTP"),
    "nothing": (b"", "network", "closed the connection without an answer"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Ty", "network", "closed the connection"),
    "no gzip": (reply(b"not gzip", ZIPPED), "network", "not compressed as it says"),
    "bomb": (
        reply(gzip.compress(b"0" * (20 << 20)), ZIPPED), "invalid_json", "invalid number at byte 1"
    ),
    "circle": (reply("", "Location: /bad\r\n", "302 Found"), "http", "answered 302 Found"),
    "nowhere": (reply("", "Location: ftp://x/\r\n", "301 Moved"), "http", "answered 301 Moved"),
    "long head": (
        reply("{}", f"{JSON}X-Long: {'a' * 100_000}\r\n"), "network", "more than 65,536 bytes"
    ),
    "colors": (
        reply(b'{"error": "\x1b[31mred\x07"}', status="500 Oops"), "http", "answered 500 Oops"
    ),
}  # fmt: skip
GOOD_ALL_THE_SAME: dict[str, tuple[bytes, Any]] = {
    "twice the same key": (reply('{"a": 1, "a": 2}'), {"a": 2}),
    "a byte-order mark": (reply(b'\xef\xbb\xbf{"a": 1}'), {"a": 1}),
    "half a pair": (reply('{"a": "\\ud800"}'), {"a": "�"}),
    "white space": (reply("  \n "), {}),
    "an unknown charset": (reply('"x"', "Content-Type: application/json; charset=no\r\n"), "x"),
    "XML that is said to be": (reply("<a/>", "Content-Type: application/xml\r\n"), "<a/>"),
    "first 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + reply('{"a": 1}'), {"a": 1}),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", {}),
}


@dataclass
class Service:
    """Answers `/good` well and `/bad` with the bytes given."""

    bad: bytes
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.split()[1].decode())
            writer.write(self.bad if b" /bad" in head else GOOD)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(bad: bytes) -> AsyncIterator[Service]:
    service = Service(bad)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    async with server:
        service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield service


async def run(folder: Path, service: Service, *, resume: bool = False) -> RunResult:
    path = folder / "mission.vague"
    path.write_text(MISSION)
    options = RunOptions(
        state_dir=folder / ".vague-data",
        settings=Settings({"API": service.url}),
        resume=ResumeChoice.IF_ANY if resume else ResumeChoice.NEVER,
    )
    return await run_mission(checked(path), "Fetch", options)


def stored(folder: Path) -> dict[str, Any]:
    return json.loads((folder / ".vague-data" / "stores" / "out.json").read_text())


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_reply_is_a_clear_error_and_the_run_can_go_on(
    name: str, tmp_path: Path
) -> None:
    raw, kind, words = BAD[name]
    async with serving(raw) as service:
        failed = await run(tmp_path, service)
        service.bad = reply('{"a": 1}')
        service.asked.clear()
        resumed = await run(tmp_path, service, resume=True)
    assert (failed.status, failed.exit_code) == ("failed", 1)
    [error] = failed.record["errors"]
    assert (error["kind"], error["action"], error["line"]) == (kind, "Second", 9)
    assert words in error["message"]
    assert error["message"].isprintable()
    assert len(error["message"]) < 400
    assert error["hint"].isprintable()
    assert resumed.status == "completed"
    assert service.asked == ["/bad"]
    assert stored(tmp_path) == {"1": {"id": 1}, "second": {"id": "second", "r": {"a": 1}}}


@pytest.mark.parametrize("name", GOOD_ALL_THE_SAME)
async def test_an_odd_reply_is_read(name: str, tmp_path: Path) -> None:
    raw, value = GOOD_ALL_THE_SAME[name]
    async with serving(raw) as service:
        result = await run(tmp_path, service)
    assert result.status == "completed"
    assert stored(tmp_path)["second"]["r"] == value


@pytest.mark.deep
async def test_a_reply_of_100_mb_is_stored_whole(tmp_path: Path) -> None:
    text = "x" * (100 << 20)
    async with serving(reply(json.dumps({"a": text}))) as service:
        result = await run(tmp_path, service)
    assert result.status == "completed"
    assert stored(tmp_path)["second"]["r"] == {"a": text}
