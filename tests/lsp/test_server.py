"""The server as real clients see it: mistakes as one types, and the last execution's status.

Each test runs under the capabilities of VS Code, Neovim 0.7 and 0.11, and Emacs. Records are
written by the real runtime in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types

from support.editor import CLIENTS, CONFIG, Client, initialize, open_document, until
from support.fake_api import FakeApi

pytestmark = pytest.mark.slow

MISSION = """\
mission Sync {
  source API { auth: none, base: env("API_URL") }
  store people: file("people")
  action Fetch {
    get "/people"
    store response -> people { key: .id }
  }
}
"""


@pytest_lsp.fixture(params=CLIENTS, config=CONFIG)
async def client(request, lsp_client: Client, tmp_path):
    await initialize(lsp_client, request.param, tmp_path)
    yield
    await lsp_client.shutdown_session()


def replace(client: Client, uri: str, version: int, line: int, before: str, after: str) -> None:
    text = MISSION.splitlines()[line]
    start = text.index(before)
    where = types.Range(types.Position(line, start), types.Position(line, start + len(before)))
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri),
            [types.TextDocumentContentChangePartial(where, after)],
        )
    )


def codes(client: Client, uri: str) -> list[str]:
    return [str(found.code) for found in client.diagnostics.get(uri, [])]


async def test_mistakes_appear_and_go_as_one_types(client: Client, tmp_path):
    uri = open_document(client, tmp_path / "sync.vague", MISSION)
    await until(lambda: uri in client.diagnostics)
    assert codes(client, uri) == ["RQ103"]

    replace(client, uri, 2, 5, "people", "peple")
    await until(lambda: "RQ203" in codes(client, uri))
    (found,) = [each for each in client.diagnostics[uri] if each.code == "RQ203"]
    start = MISSION.splitlines()[5].index("people")
    assert found.range == types.Range(types.Position(5, start), types.Position(5, start + 5))
    assert found.source == "reqon"

    replace(client, uri, 3, 5, "peopl", "people")
    await until(lambda: "RQ203" not in codes(client, uri))


async def test_the_server_and_the_command_say_the_same(client: Client, tmp_path):
    text = MISSION.replace("get ", "fetch ").replace("key: .id", "kee: .id, upsert: 3")
    path = tmp_path / "sync.vague"
    uri = open_document(client, path, text)
    await until(lambda: uri in client.diagnostics)
    shown = subprocess.run(
        [sys.executable, "-m", "reqon", "check", str(path), "--format", "json"],
        capture_output=True,
        check=False,
    )
    by_command = [
        (each["code"], each["range"]["start"]["line"], each["range"]["start"]["column"])
        for each in json.loads(shown.stdout)["diagnostics"]
    ]
    by_server = [
        (each.code, each.range.start.line + 1, each.range.start.character + 1)
        for each in client.diagnostics[uri]
    ]
    assert by_server == by_command
    assert len(by_server) >= 3


async def test_a_closed_document_leaves_what_the_disk_says(client: Client, tmp_path):
    path = tmp_path / "sync.vague"
    uri = open_document(client, path, MISSION.replace("-> people", "-> peeple"))
    await until(lambda: "RQ203" in codes(client, uri))
    path.unlink()
    client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
    )
    await until(lambda: client.diagnostics[uri] == [] or not codes(client, uri))


async def hints(client: Client, uri: str) -> list[str]:
    whole = types.Range(types.Position(0, 0), types.Position(100, 0))
    found = await client.text_document_inlay_hint_async(
        types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
    )
    return [f"{one.position.line}:{one.position.character} {text_of(one.label)}" for one in found]


def text_of(label: str | list[types.InlayHintLabelPart]) -> str:
    return label if isinstance(label, str) else "".join(part.value for part in label)


async def test_the_status_stands_beside_the_mission_and_follows_the_record(client, tmp_path):
    path = tmp_path / "sync.vague"
    uri = open_document(client, path, MISSION)
    await until(lambda: uri in client.diagnostics)
    assert await hints(client, uri) == []

    with FakeApi().in_thread() as api:
        api.on("GET", "/people", [{"id": n} for n in range(1204)])
        await run(path, api.url)
        label = await until_hint(client, uri, "✓")
        assert label.startswith("0:14 ✓ ")
        assert "· 1,204 rec ·" in label

        replace(client, uri, 2, 5, ".id", '.id or "?"')
        await until_hint(client, uri, "edited since")

        api.on("GET", "/people", {"error": "no"})
    await run(path, "http://127.0.0.1:9")
    assert "network" in await until_hint(client, uri, "✗")
    can = client.capabilities.workspace.inlay_hint if client.capabilities.workspace else None
    assert (client.hint_refreshes > 0) == bool(can and can.refresh_support)


async def until_hint(client: Client, uri: str, part: str) -> str:
    while not (found := [label for label in await hints(client, uri) if part in label]):
        await asyncio.sleep(0.02)
    return found[0]


async def run(path: Path, url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reqon", path.name, "--quiet"),
        cwd=path.parent,
        env={"API_URL": url, "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.wait()
