"""A large program that is opened stops nobody: it is read beside the loop, and only its own wait.

What is asserted is an order of messages, never a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.raw_client import RawClient

pytestmark = pytest.mark.slow

SMALL = 'mission Small {\n  store people: file("people")\n}\n'
ACTION = """\
  action Fetch{n} {{
    get "/people/{n}"
    for person in response.data where .active and .age > {n} {{
      store {{ id: .id, name: uppercase(.name) }} -> people {{ key: .id, upsert: true }}
    }}
  }}
"""
LARGE = 'mission Large {\n  source API { auth: none, base: "https://api.test" }\n' + (
    '  store people: file("people")\n'
    + "".join(ACTION.format(n=n) for n in range(800))
    + "  run Fetch0\n}\n"
)


def opening(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return {
        "textDocument": {"uri": path.as_uri(), "languageId": "reqon", "version": 1, "text": text}
    }


def about(path: Path, line: int = 1, character: int = 10) -> dict[str, Any]:
    return {
        "textDocument": {"uri": path.as_uri()},
        "position": {"line": line, "character": character},
    }


def is_published(path: Path, version: int = 1):
    wanted = (path.as_uri(), version)
    return lambda m: (
        m.get("method") == "textDocument/publishDiagnostics"
        and (m["params"]["uri"], m["params"].get("version")) == wanted
    )


def ids(client: RawClient) -> list[Any]:
    return [message.get("id") for message in client.seen if "method" not in message]


@pytest.fixture
async def client(tmp_path: Path):
    client = await RawClient.start()
    await client.initialize()
    client.notify("textDocument/didOpen", opening(tmp_path / "small.vague", SMALL))
    await client.until(is_published(tmp_path / "small.vague"))
    client.notify("textDocument/didOpen", opening(tmp_path / "large.vague", LARGE))
    yield client
    if client.process.returncode is None:
        assert await client.leave() == 0


async def test_other_documents_are_answered_while_it_is_read(client: RawClient, tmp_path: Path):
    large = tmp_path / "large.vague"
    tokens = {"textDocument": {"uri": large.as_uri()}}
    client.send(
        {"jsonrpc": "2.0", "id": 1, "method": "textDocument/semanticTokens/full", "params": tokens}
    )
    for number in range(2, 6):
        answer = await client.request(number, "textDocument/hover", about(tmp_path / "small.vague"))
        assert "people" in str(answer["result"])
    assert not any(map(is_published(large), client.seen))
    assert 1 not in ids(client)
    answer = await client.answer(1)
    assert len(answer["result"]["data"]) > 5000
    assert any(map(is_published(large), client.seen))


async def test_edits_that_come_meanwhile_count(client: RawClient, tmp_path: Path):
    large = tmp_path / "large.vague"
    place = {"line": 2, "character": 8}
    client.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": large.as_uri(), "version": 2},
            "contentChanges": [{"range": {"start": place, "end": place}, "text": "x"}],
        },
    )
    published = await client.until(is_published(large, 2))
    codes = {found["code"] for found in published["params"]["diagnostics"]}
    assert "RQ203" in codes
    assert not any(map(is_published(large, 1), client.seen))


async def test_a_request_that_waits_can_be_cancelled(client: RawClient, tmp_path: Path):
    large = tmp_path / "large.vague"
    hover = {"jsonrpc": "2.0", "method": "textDocument/hover", "params": about(large, 2)}
    client.send({**hover, "id": "gone"})
    client.send({**hover, "id": "kept"})
    client.notify("$/cancelRequest", {"id": "gone"})
    answer = await client.answer("gone")
    assert answer["error"]["code"] == -32800
    assert not any(map(is_published(large), client.seen))
    assert "people" in str((await client.answer("kept"))["result"])
    assert ids(client).count("gone") == 1


async def test_closing_while_it_is_read_publishes_nothing(client: RawClient, tmp_path: Path):
    large = tmp_path / "large.vague"
    client.notify("textDocument/didClose", {"textDocument": {"uri": large.as_uri()}})
    client.notify("textDocument/didOpen", opening(tmp_path / "later.vague", SMALL))
    await client.until(is_published(tmp_path / "later.vague"))
    assert not any(map(is_published(large), client.seen))


async def test_each_request_is_answered_when_the_client_leaves_meanwhile(
    client: RawClient, tmp_path: Path
):
    large = tmp_path / "large.vague"
    for number in range(3):
        client.send(
            {
                "jsonrpc": "2.0",
                "id": f"late{number}",
                "method": "textDocument/hover",
                "params": about(large),
            }
        )
    await client.request("end", "shutdown")
    assert [one for one in ids(client) if one != 0] == ["late0", "late1", "late2", "end"]
    client.send({"jsonrpc": "2.0", "method": "exit"})
    await client.process.communicate()
    assert client.process.returncode == 0
