"""Whatever a client sends, each request gets exactly one reply and the server lives."""

from __future__ import annotations

import pytest

from support.raw_client import RawClient

pytestmark = pytest.mark.slow

URI = "file:///nowhere/a.vague"


@pytest.fixture
async def client():
    client = await RawClient.start()
    yield client
    if client.process.returncode is None:
        client.process.kill()
    await client.process.communicate()


async def test_before_initialize_a_request_is_refused_and_a_notification_ignored(client):
    client.send({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}})
    answer = await client.request(1, "textDocument/hover", {})
    assert answer["error"]["code"] == -32002
    assert "capabilities" in (await client.initialize())["result"]
    assert await client.leave() == 0


async def test_after_shutdown_a_request_is_refused(client):
    await client.initialize()
    await client.request(1, "shutdown")
    answer = await client.request(2, "textDocument/inlayHint", {})
    assert answer["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("textDocument/inlayHint", {}, -32602),
        ("textDocument/inlayHint", {"textDocument": 3, "range": "x"}, -32602),
        ("textDocument/inlayHint", None, -32602),
        ("no/suchMethod", {}, -32601),
        ("initialize", {"capabilities": {}}, -32600),
        (7, {}, -32600),
    ],
)
async def test_a_malformed_request_gets_one_error(client, method, params, code):
    await client.initialize()
    answer = await client.request("bad", method, params)
    assert answer["error"]["code"] == code
    assert await client.leave() == 0
    assert [message.get("id") for message in client.seen].count("bad") == 1


@pytest.mark.parametrize(
    "message",
    [
        [],
        [{"jsonrpc": "2.0", "method": "x"}],
        "text",
        7,
        {"jsonrpc": "2.0"},
        {"jsonrpc": "1.0", "id": 9, "result": {}},
        {"jsonrpc": "2.0", "id": "unknown", "result": {}},
        {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {}},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 404}},
        {
            "jsonrpc": "2.0",
            "method": "textDocument/didClose",
            "params": {"textDocument": {"uri": URI}},
        },
        {
            "jsonrpc": "2.0",
            "method": "workspace/didChangeConfiguration",
            "params": {"settings": [{"reqon": 1}]},
        },
    ],
)
async def test_what_no_client_should_send_harms_nothing(client, message):
    await client.initialize()
    client.send(message)
    hints = await client.request(
        "after",
        "textDocument/inlayHint",
        {
            "textDocument": {"uri": URI},
            "range": {
                "start": {"line": 0, "character": 0},
                "end": {"line": 9, "character": 0},
            },
        },
    )
    assert hints["result"] == []
    assert not [m for m in client.seen if m.get("method") == "window/showMessage"]
    assert await client.leave() == 0


async def test_a_value_with_a_jsonrpc_key_is_just_a_value(client):
    await client.initialize()
    settings = {"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover"}
    client.send(
        {
            "jsonrpc": "2.0",
            "method": "workspace/didChangeConfiguration",
            "params": {"settings": {"reqon": settings}},
        }
    )
    assert await client.leave() == 0


async def test_leaving_without_shutdown_is_exit_code_1(client):
    await client.initialize()
    client.send({"jsonrpc": "2.0", "method": "exit"})
    await client.process.communicate()
    assert client.process.returncode == 1


async def test_the_end_of_input_ends_the_server(client):
    await client.initialize()
    client.process.stdin.close()
    await client.process.wait()
    assert client.process.returncode == 1
