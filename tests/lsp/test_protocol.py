"""Whatever a client sends, each request gets exactly one reply and the server lives."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from reqon_lsp.features.semantic_tokens import TYPES
from reqon_lsp.requests import REQUESTS
from reqon_lsp.server import NOTIFICATIONS
from support.raw_client import RawClient, frame

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


async def test_a_command_goes_on_where_the_client_replies_what_cannot_be_read(client, tmp_path):
    file = tmp_path / "sync.vague"
    file.write_text("mission Sync {\n  action Fetch { clear people }\n}\n")
    await client.initialize({"window": {"showDocument": {"support": True}}})
    argument = {"uri": file.as_uri(), "mission": "Sync"}
    history = {"command": "reqon.server.history", "arguments": [argument]}
    client.send(
        {"jsonrpc": "2.0", "id": 1, "method": "workspace/executeCommand", "params": history}
    )
    asked = await client.until(lambda message: message.get("method") == "window/showDocument")
    client.send({"jsonrpc": "2.0", "id": asked["id"], "result": None})
    assert (await client.answer(1))["result"] == []
    assert await client.leave() == 0


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


# ---------------------------------------------------------------- any message at all

POSITION = {"line": 1, "character": 2}
ODD: list[Any] = [
    *(None, True, -1, 0, 2**31, 2**64, 1.5, "", "\ud800", "\x00", URI, "file:///", "untitled:u"),
    *([], {}, [1], {"uri": URI}, {"uri": 3}, {"line": -1, "character": 2**40}, {"jsonrpc": "2.0"}),
    {"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 0}},
]
METHODS = sorted(
    {method for method in REQUESTS if not method.startswith("callHierarchy")}
    | {*NOTIFICATIONS, "workspace/executeCommand", "$/cancelRequest", "$/setTrace", "x/unknown"}
    - {"initialize", "shutdown", "exit"}
)


def good_parameters(chance: random.Random) -> dict[str, Any]:
    document = {"uri": URI, "version": chance.randint(-1, 99), "languageId": "reqon", "text": "m"}
    span = {"start": POSITION, "end": {"line": 3, "character": 0}}
    return {
        "textDocument": document,
        "position": POSITION,
        "positions": [POSITION],
        "range": span,
        "context": {"diagnostics": [], "includeDeclaration": True},
        "options": {"tabSize": 2, "insertSpaces": True},
        "newName": "other",
        "query": "a",
        "label": "x",
        "command": "reqon.server.history",
        "settings": {},
        "changes": [{"uri": URI, "type": 2}],
        "contentChanges": [{"range": span, "text": "mission A {"}, {"text": "mission B {\n}"}],
        "event": {"added": [], "removed": []},
        "value": "off",
        "id": 1,
    }


def odd_message(chance: random.Random, number: int) -> Any:
    """A message that is nearly right: something in it is missing, of another type, or absurd."""
    params = good_parameters(chance)
    for _ in range(chance.choice((0, 1, 1, 2))):
        key = chance.choice(list(params))
        if chance.random() < 0.3:
            del params[key]
        elif isinstance(params[key], dict) and params[key] and chance.random() < 0.6:
            inner = dict(params[key])
            inner[chance.choice(list(inner))] = chance.choice(ODD)
            params[key] = inner
        else:
            params[key] = chance.choice(ODD)
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": chance.choice(METHODS)}
    message["params"] = params if chance.random() < 0.9 else chance.choice(ODD)
    if message["method"] in REQUESTS or message["method"] == "workspace/executeCommand":
        message["id"] = f"request {number}"
    return message


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_sent_each_request_has_one_reply_and_nobody_is_bothered(client, seed):
    chance = random.Random(seed)
    await client.initialize()
    document = {"uri": URI, "languageId": "reqon", "version": 1, "text": "mission A {\n}\n"}
    client.notify("textDocument/didOpen", {"textDocument": document})
    asked: set[str] = set()
    for number in range(400):
        message = odd_message(chance, number)
        if "id" in message:
            asked.add(message["id"])
        client.send(message)
        if chance.random() < 0.05:
            client.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "x"}})
    await client.request("last", "workspace/symbol", {"query": ""})
    answers = Counter(str(one.get("id")) for one in client.seen if "method" not in one)
    missing = asked - set(answers)
    for each in sorted(missing):
        await client.answer(each)
        answers[each] += 1
    assert {one: n for one, n in answers.items() if n != 1} == {}
    assert not [one for one in client.seen if one.get("method") == "window/showMessageRequest"]
    told = [
        one["params"]["message"] for one in client.seen if one.get("method") == "window/showMessage"
    ]
    assert [text for text in told if "ever ran" not in text] == []
    assert await client.leave() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Length: 2\r\n\r\n{]",
        b"Content-Length: 4\r\n\r\nnull",
        b"Content-Length: 7\r\n\r\n\xff\xfe{}   ",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}",
    ],
)
async def test_a_body_that_is_no_message_is_passed_over(client, data):
    await client.initialize()
    client.send_bytes(data)
    answer = await client.request("after", "workspace/symbol", {"query": "a"})
    assert answer["result"] == []


async def test_headers_may_arrive_in_pieces(client):
    await client.initialize()
    message = {"jsonrpc": "2.0", "id": 5, "method": "workspace/symbol", "params": {"query": "a"}}
    for byte in frame(message):
        client.send_bytes(bytes([byte]))
    assert (await client.answer(5))["result"] == []


async def test_a_very_long_line_is_no_danger(client):
    options = {"maxFileSize": 20_000_000}
    await client.initialize(initializationOptions=options)
    text = "mission A {\n  // " + "é" * 2_000_000 + "\n}\n"
    document = {"uri": URI, "languageId": "reqon", "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})
    where = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 999_999}}
    assert (await client.request("h", "textDocument/hover", where))["result"] is None


async def test_a_large_file_is_not_checked_but_said_to_be_so(client):
    await client.initialize(initializationOptions={"maxFileSize": 100})
    document = {"uri": URI, "languageId": "reqon", "version": 1, "text": "mission A {\n}\n" * 50}
    client.notify("textDocument/didOpen", {"textDocument": document})
    found = await client.until(lambda one: one.get("method") == PUBLISH)
    (problem,) = found["params"]["diagnostics"]
    assert problem["severity"] == 3
    assert "more than 100 characters" in problem["message"]
    where = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 1}}
    assert (await client.request("h", "textDocument/hover", where))["result"] is None
    await still_has_colours(client)
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}
    change = {"contentChanges": [{"range": span, "text": "mission A {\n}\n"}]}
    client.notify("textDocument/didChange", {"textDocument": {"uri": URI, "version": 2}, **change})
    await client.until(
        lambda one: (
            one.get("method") == PUBLISH
            and one["params"]["version"] == 2
            and "too-large" not in [d["code"] for d in one["params"]["diagnostics"]]
        )
    )


async def still_has_colours(client: RawClient) -> None:
    """A file that is too large has the tokens that its words alone tell."""
    answer = await client.request(
        "full", "textDocument/semanticTokens/full", {"textDocument": {"uri": URI}}
    )
    keyword = TYPES.index("keyword")
    assert answer["result"]["data"][:10] == [0, 0, 7, keyword, 0, 2, 0, 7, keyword, 0]
    lines = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 9}}
    answer = await client.request(
        "range",
        "textDocument/semanticTokens/range",
        {"textDocument": {"uri": URI}, "range": lines},
    )
    assert answer["result"]["data"] == [2, 0, 7, keyword, 0]


PUBLISH = "textDocument/publishDiagnostics"


async def test_commands_carry_the_ids_that_the_client_announces(client):
    announced = {"experimental": {"commands": {"commands": ["reqon.run", "reqon.history"]}}}
    await client.initialize(announced)
    document = {"uri": URI, "languageId": "reqon", "version": 1, "text": "mission A {\n}\n"}
    client.notify("textDocument/didOpen", {"textDocument": document})
    answer = await client.request("l", "textDocument/codeLens", {"textDocument": {"uri": URI}})
    assert [lens["command"]["command"] for lens in answer["result"]] == [
        "reqon.run",
        "reqon.server.dryRun",
        "reqon.history",
    ]
    assert await client.leave() == 0


async def test_settings_turn_each_lens_and_the_status_off(client):
    settings = {"codeLens": {"history": False, "dryRun": False}, "status": {"render": "off"}}
    await client.initialize(initializationOptions=settings)
    document = {"uri": URI, "languageId": "reqon", "version": 1, "text": "mission A {\n}\n"}
    client.notify("textDocument/didOpen", {"textDocument": document})
    lenses = {"textDocument": {"uri": URI}}
    answer = await client.request("l", "textDocument/codeLens", lenses)
    assert [lens["command"]["title"] for lens in answer["result"]] == ["Run"]
    client.notify(
        "workspace/didChangeConfiguration", {"settings": {"reqon": {"codeLens": {"run": False}}}}
    )
    answer = await client.request("m", "textDocument/codeLens", lenses)
    assert answer["result"] == []


async def test_in_an_untrusted_workspace_nothing_runs(client):
    await client.initialize(initializationOptions={"trusted": False})
    answer = await client.request(
        "r", "workspace/executeCommand", {"command": "reqon.server.run", "arguments": []}
    )
    assert "not trusted" in answer["error"]["message"]
    assert answer["error"]["code"] == -32803
