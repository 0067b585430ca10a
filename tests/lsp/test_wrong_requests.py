"""Requests with a wrong value in any place: each gets one reply, and the next one is served."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.raw_client import RawClient

pytestmark = pytest.mark.slow

URI = "file:///nowhere/wrong.vague"
TEXT = 'mission M {\n  store a: file("a")\n  action B { store { id: 1 } -> a { key: .id } }\n  run B\n}\n'
PLACE = {"line": 2, "character": 32}
RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 3, "character": 2}}
DOCUMENT = {"uri": URI}
AT = {"textDocument": DOCUMENT, "position": PLACE}
ITEM = {"name": "B", "kind": 6, "uri": URI, "range": RANGE, "selectionRange": RANGE}
LAYOUT = {"tabSize": 2, "insertSpaces": True}
REQUESTS: dict[str, dict[str, Any]] = {
    "textDocument/completion": {**AT, "context": {"triggerKind": 1}},
    "completionItem/resolve": {"label": "a", "data": {"documentation": "x"}},
    "textDocument/signatureHelp": AT,
    "textDocument/formatting": {"textDocument": DOCUMENT, "options": LAYOUT},
    "textDocument/rangeFormatting": {"textDocument": DOCUMENT, "range": RANGE, "options": LAYOUT},
    "textDocument/hover": AT,
    "textDocument/definition": AT,
    "textDocument/references": {**AT, "context": {"includeDeclaration": True}},
    "textDocument/documentHighlight": AT,
    "textDocument/prepareRename": AT,
    "textDocument/rename": {**AT, "newName": "other"},
    "textDocument/documentSymbol": {"textDocument": DOCUMENT},
    "workspace/symbol": {"query": "B"},
    "textDocument/foldingRange": {"textDocument": DOCUMENT},
    "textDocument/selectionRange": {"textDocument": DOCUMENT, "positions": [PLACE]},
    "textDocument/semanticTokens/full": {"textDocument": DOCUMENT},
    "textDocument/semanticTokens/range": {"textDocument": DOCUMENT, "range": RANGE},
    "textDocument/documentLink": {"textDocument": DOCUMENT},
    "textDocument/codeAction": {
        "textDocument": DOCUMENT,
        "range": RANGE,
        "context": {"diagnostics": [{"range": RANGE, "message": "m"}], "only": ["quickfix"]},
    },
    "textDocument/codeLens": {"textDocument": DOCUMENT},
    "textDocument/inlayHint": {"textDocument": DOCUMENT, "range": RANGE},
    "inlayHint/resolve": {"position": PLACE, "label": "x", "data": {"uri": URI}},
    "textDocument/prepareCallHierarchy": AT,
    "callHierarchy/incomingCalls": {"item": ITEM},
    "callHierarchy/outgoingCalls": {"item": ITEM},
    "workspace/executeCommand": {
        "command": "reqon.server.restart",
        "arguments": [{"uri": URI, "mission": "M"}],
    },
}
NOTIFICATIONS: dict[str, dict[str, Any]] = {
    "textDocument/didChange": {
        "textDocument": {"uri": URI, "version": 7},
        "contentChanges": [{"range": RANGE, "text": TEXT[:1]}],
    },
    "textDocument/didOpen": {
        "textDocument": {"uri": URI, "languageId": "reqon", "version": 1, "text": TEXT}
    },
    "textDocument/didClose": {"textDocument": {"uri": "file:///nowhere/other.vague"}},
    "textDocument/didSave": {"textDocument": DOCUMENT},
    "workspace/didChangeConfiguration": {"settings": {"reqon": {"status": {"render": "auto"}}}},
    "workspace/didChangeWatchedFiles": {"changes": [{"uri": URI, "type": 2}]},
    "workspace/didChangeWorkspaceFolders": {"event": {"added": [], "removed": []}},
    "$/cancelRequest": {"id": "never asked"},
    "$/setTrace": {"value": "off"},
    "window/workDoneProgress/cancel": {"token": "unknown"},
}
WRONG: list[Any] = [
    None,
    True,
    -1,
    2**31,
    2**70,
    1.5,
    "",
    "\ud800",
    "file://\x00",
    "file:///%ff%00",
    [],
    [None],
    {},
    {"jsonrpc": "2.0", "id": 1, "method": "exit"},
    [[[[[[{}]]]]]],
]


def spoilt(value: Any) -> Iterator[Any]:
    """The value with a wrong one in each of its places, and with each of its fields missing."""
    yield from WRONG
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: wrong} for wrong in spoilt(inner))
        yield {**value, "another": 1}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for wrong in spoilt(inner):
                yield [*value[:index], wrong, *value[index + 1 :]]


async def opened() -> RawClient:
    client = await RawClient.start()
    await client.initialize()
    client.notify("textDocument/didOpen", copy.deepcopy(NOTIFICATIONS["textDocument/didOpen"]))
    return client


def shown_to_the_user(client: RawClient) -> list[Any]:
    return [one for one in client.seen if one.get("method") == "window/showMessage"]


async def still_serves(client: RawClient, after: str) -> None:
    """The server answers, and has shown nothing to its user."""
    client.notify("textDocument/didOpen", NOTIFICATIONS["textDocument/didOpen"])
    params = {"textDocument": DOCUMENT}
    answer = await client.request(f"after {after}", "textDocument/documentSymbol", params)
    assert "error" not in answer, after
    assert shown_to_the_user(client) == [], after


async def test_every_request_gets_one_reply_whatever_its_parameters():
    client = await opened()
    for method, right in REQUESTS.items():
        every = {f"{method} {number}": params for number, params in enumerate(spoilt(right))}
        for message_id, params in every.items():
            message = {"jsonrpc": "2.0", "id": message_id, "method": method, "params": params}
            client.send(message)
        for message_id in every:
            if all(one.get("id") != message_id for one in client.seen):
                await client.answer(message_id)
        await still_serves(client, method)
        replies = [one["id"] for one in client.seen if "method" not in one and one["id"] in every]
        assert sorted(replies) == sorted(every)
        client.seen.clear()
    assert await client.leave() == 0


async def test_no_notification_disturbs_what_follows():
    client = await opened()
    for method, right in NOTIFICATIONS.items():
        for params in spoilt(right):
            client.notify(method, params)
        await still_serves(client, method)
    assert await client.leave() == 0


async def test_a_notification_with_an_id_is_answered_once():
    client = await opened()
    for method, params in NOTIFICATIONS.items():
        answer = await client.request(f"odd {method}", method, params)
        assert answer["error"]["code"] == -32600
        await still_serves(client, method)
    assert await client.leave() == 0


BROKEN = [
    b"{",
    b"",
    b"null",
    b"[]",
    b"[1, 2]",
    b'"text"',
    b"\xff\xfe",
    b'{"jsonrpc": "2.0", "id": 1, "method": }',
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "1.0", "id": 5, "method": "textDocument/hover"}',
    b'{"id": 5, "method": "textDocument/hover", "params": {}}',
    b'{"jsonrpc": "2.0", "id": null, "method": "textDocument/hover"}',
    b'{"jsonrpc": "2.0", "id": 1.5, "method": "textDocument/hover"}',
    b'{"jsonrpc": "2.0", "id": {}, "method": "textDocument/hover", "params": {}}',
    b'{"jsonrpc": "2.0", "id": [1], "result": null}',
    b'{"jsonrpc": "2.0", "id": "unknown", "result": null}',
    b'{"jsonrpc": "2.0", "id": "unknown", "error": {"code": 1, "message": "no"}}',
    b'{"jsonrpc": "2.0", "id": "unknown", "error": null}',
    b'{"jsonrpc": "2.0", "id": 1, "method": 7}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "no/suchMethod", "params": [1, 2]}',
    b'{"jsonrpc": "2.0", "method": "no/suchNotification", "params": 3}',
    b'{"jsonrpc": "2.0", "method": "$/unknown"}',
    b'[{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}]',
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 400 + b', "method": "textDocument/hover", "params": {}}',
    b"[" * 5000 + b"]" * 5000,
]


async def test_no_broken_message_disturbs_what_follows():
    client = await opened()
    for body in BROKEN:
        client.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await still_serves(client, repr(body[:60]))
    assert await client.leave() == 0


async def test_each_of_two_requests_with_the_same_id_gets_its_reply():
    client = await opened()
    for _ in range(5):
        for _ in range(2):
            message = {"jsonrpc": "2.0", "id": 9, "method": "textDocument/hover", "params": AT}
            client.send(message)
        await client.answer(9)
        await client.answer(9)
    await still_serves(client, "last")
    assert await client.leave() == 0


async def test_cancelling_what_was_never_asked_or_is_answered_changes_nothing():
    client = await opened()
    await client.request(1, "textDocument/hover", AT)
    for message_id in (1, 2, "x", -5, 2**31 - 1):
        client.notify("$/cancelRequest", {"id": message_id})
    await still_serves(client, "last")
    assert await client.leave() == 0


async def test_before_initialize_and_after_shutdown_requests_are_refused():
    client = await RawClient.start()
    methods = [*REQUESTS, "no/suchMethod"]
    for method in methods:
        early = await client.request(f"early {method}", method, REQUESTS.get(method))
        assert early["error"]["code"] == -32002
    await client.initialize()
    await client.request("down", "shutdown")
    for method in methods:
        late = await client.request(f"late {method}", method, REQUESTS.get(method))
        assert late["error"]["code"] == -32600
    client.send({"jsonrpc": "2.0", "method": "exit"})
    await client.process.communicate()
    assert client.process.returncode == 0


async def test_a_message_cut_off_ends_the_server_and_nothing_else():
    client = await opened()
    client.send_bytes(b"Content-Length: 1000\r\n\r\n" + json.dumps({"jsonrpc": "2.0"}).encode())
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert await asyncio.wait_for(client.process.wait(), 30) == 1
