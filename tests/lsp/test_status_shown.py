"""The status of a real run in each form that a client can show, and told once when it changes."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from reqon.state.reader import StateReader
from reqon_lsp.runs import ask_to_stop
from reqon_lsp.server import create_server, did_change_files
from reqon_lsp.session import OpenText
from reqon_lsp.status_watch import POLL_SECONDS
from support.fake_api import FakeApi, status
from support.raw_client import RawClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MISSION = """\
mission Sync {
  store people: file("people")
  action Fetch {
    store { id: "p1" } -> people { key: .id }
  }
  run Fetch
}
"""
HINTS = {"textDocument": {"inlayHint": {}}}
RESOLVES = {"textDocument": {"inlayHint": {"resolveSupport": {"properties": ["tooltip"]}}}}
REFRESHES = {
    **HINTS,
    "workspace": {
        "inlayHint": {"refreshSupport": True},
        "codeLens": {"refreshSupport": True},
    },
}


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    path = tmp_path / "sync.vague"
    path.write_text(MISSION)
    return path


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder that one real run has left."""
    path = tmp_path_factory.mktemp("ran") / "sync.vague"
    path.write_text(MISSION)
    run(path)
    return path.parent / ".vague-data"


@pytest.fixture
def ran(mission: Path, state: Path) -> Path:
    """A mission beside the state of its run."""
    shutil.copytree(state, mission.parent / ".vague-data")
    return mission


def run(path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "reqon", path.name, "--quiet"],
        cwd=path.parent,
        env=os.environ | {"NO_COLOR": "1"},
        check=True,
    )


async def opened(mission: Path, capabilities: dict[str, Any], **settings: Any) -> RawClient:
    client = await RawClient.start()
    await client.initialize(
        capabilities, rootUri=mission.parent.as_uri(), initializationOptions=settings
    )
    document = {"uri": mission.as_uri(), "languageId": "reqon", "version": 1, "text": MISSION}
    client.notify("textDocument/didOpen", {"textDocument": document})
    return client


async def asked(client: RawClient, method: str, mission: Path) -> list[Any]:
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    params = {"textDocument": {"uri": mission.as_uri()}, "range": whole}
    answer = await client.request(f"{method}{len(client.seen)}", f"textDocument/{method}", params)
    return answer["result"]


async def where_it_stands(client: RawClient, mission: Path) -> set[str]:
    """The forms in which the status is there: a mark of success in hints, lenses, diagnostics."""
    hints, lenses = [await asked(client, name, mission) for name in ("inlayHint", "codeLens")]
    published = [m for m in client.seen if m.get("method") == "textDocument/publishDiagnostics"]
    forms = {"inlayHint": hints, "codeLens": lenses, "diagnostic": published[-1:]}
    return {form for form, found in forms.items() if "\u2713" in str(found)}


@pytest.mark.parametrize(
    ("render", "capabilities", "shown"),
    [
        ("auto", HINTS, {"inlayHint"}),
        ("auto", {}, {"codeLens"}),
        ("inlayHint", {}, {"inlayHint"}),
        ("codeLens", HINTS, {"codeLens"}),
        ("diagnostic", HINTS, {"diagnostic"}),
        ("off", HINTS, set()),
    ],
)
async def test_the_status_is_shown_as_the_settings_say(ran, render, capabilities, shown):
    client = await opened(ran, capabilities, status={"render": render})
    while "1 rec" not in str(await asked(client, "inlayHint", ran)):
        await asyncio.sleep(0.02)  # the counts of the store are there, so the record was read
    found = await where_it_stands(client, ran)
    if capabilities == {} and render == "auto":
        found -= {"inlayHint"}  # a client that asks for hints shows them, whatever it announced
    assert found == shown
    assert await client.leave() == 0


async def test_the_status_comes_back_with_a_document_that_was_closed(ran):
    client = await opened(ran, REFRESHES)
    for version in (1, 2, 3):
        while "\u2713" not in str(await asked(client, "inlayHint", ran)):
            await client.until(lambda one: one.get("method") == "workspace/inlayHint/refresh")
        client.notify("textDocument/didClose", {"textDocument": {"uri": ran.as_uri()}})
        await asyncio.sleep(0.3)
        client.seen.clear()
        document = {"uri": ran.as_uri(), "languageId": "reqon", "version": version, "text": MISSION}
        client.notify("textDocument/didOpen", {"textDocument": document})
    assert await client.leave() == 0


@pytest.mark.parametrize(
    ("editor", "first"),
    [
        ("Visual Studio Code", "$(play)\u00a0Run"),
        ("VSCodium", "$(play)\u00a0Run"),
        ("Neovim", "Run"),
        (None, "Run"),
    ],
)
async def test_lenses_have_pictures_and_hints_a_word_on_clicks_where_both_are_of_use(
    ran, editor, first
):
    client = await RawClient.start()
    info = {"clientInfo": {"name": editor}} if editor else {}
    await client.initialize(HINTS, rootUri=ran.parent.as_uri(), **info)
    document = {"uri": ran.as_uri(), "languageId": "reqon", "version": 1, "text": MISSION}
    client.notify("textDocument/didOpen", {"textDocument": document})
    while "\u2713" not in str(hints := await asked(client, "inlayHint", ran)):
        await asyncio.sleep(0.02)
    lenses = await asked(client, "codeLens", ran)
    assert lenses[0]["command"]["title"] == first
    assert ("Ctrl+click" in hints[0]["tooltip"]["value"]) == first.startswith("$")
    assert await client.leave() == 0


async def test_a_tooltip_is_left_to_resolve_where_the_client_can(ran):
    client = await opened(ran, RESOLVES)
    while len(hints := await asked(client, "inlayHint", ran)) < 2:
        await asyncio.sleep(0.02)
    assert [hint.get("tooltip") for hint in hints] == [None, None]
    resolved = (await client.request("r", "inlayHint/resolve", hints[0]))["result"]
    assert "**Sync** completed" in resolved["tooltip"]["value"]
    assert resolved["label"] == hints[0]["label"]
    foreign = {"position": {"line": 3, "character": 0}, "label": "x", "data": 7}
    assert (await client.request("f", "inlayHint/resolve", foreign))["result"]["label"] == "x"
    assert await client.leave() == 0


async def test_a_change_of_the_record_is_one_refresh_and_no_change_is_none(mission):
    client = await opened(mission, REFRESHES)
    await client.until(lambda m: m.get("method") == "textDocument/publishDiagnostics")
    await asyncio.to_thread(run, mission)
    await client.until(lambda m: m.get("method") == "workspace/inlayHint/refresh")
    while "\u2713" not in str(await asked(client, "inlayHint", mission)):
        await asyncio.sleep(0.02)
    record = next((mission.parent / ".vague-data" / "execution").glob("Sync-*.json"))
    await until_it_is_quiet(client, mission)
    for _ in range(3):
        record.touch()
        await asyncio.sleep(2 * POLL_SECONDS)
    await asked(client, "codeLens", mission)
    assert [m["method"] for m in client.seen if "method" in m] == []
    assert await client.leave() == 0


async def until_it_is_quiet(client: RawClient, mission: Path) -> None:
    """Wait until the server has told all that it knows: nothing for some looks of its poll."""
    while True:
        client.seen.clear()
        await asyncio.sleep(4 * POLL_SECONDS)
        await asked(client, "codeLens", mission)
        if not [m for m in client.seen if "method" in m]:
            return


async def test_a_record_that_the_client_saw_change_is_read_without_the_poll(mission):
    server = create_server()
    path = str(mission)
    server.session.files.texts[path] = OpenText(mission.as_uri(), path, 1, MISSION)
    (found,) = server.analysis.update(path).program.missions
    run(mission)
    assert server.latest(found) is None
    record = next((mission.parent / ".vague-data" / "execution").glob("Sync-*.json"))
    change = types.FileEvent(record.as_uri(), types.FileChangeType.Created)
    await did_change_files(server, types.DidChangeWatchedFilesParams([change]))
    latest = server.latest(found)
    assert latest is not None
    assert latest.status == "completed"


STUCK = """\
mission Sync {{
  source API {{
    auth: none,
    base: "{url}",
    retry: {{ maxAttempts: 3, initialDelay: 50 seconds, maxDelay: 50 seconds }}
  }}
  store people: file("people")
  action Fetch {{
    get "/people"
    store response -> people {{ key: .id }}
  }}
  run Fetch
}}
"""


@pytest.mark.parametrize(("detach", "left"), [(True, "running"), (False, "interrupted")])
async def test_a_run_survives_its_editor_unless_the_settings_say_otherwise(mission, detach, left):
    reader = StateReader(mission.parent / ".vague-data")

    async def until_it_is(wanted: str) -> None:
        while (state := reader.latest("Sync")) is None or state.status != wanted:
            await asyncio.sleep(0.05)

    with FakeApi().in_thread() as api:
        api.on("GET", "/people", status(503))
        mission.write_text(STUCK.format(url=api.url))
        client = await RawClient.start()
        await client.initialize(
            rootUri=mission.parent.as_uri(), initializationOptions={"runs": {"detach": detach}}
        )
        argument = {"uri": mission.as_uri(), "mission": "Sync"}
        await client.request(
            "run",
            "workspace/executeCommand",
            {"command": "reqon.server.run", "arguments": [argument]},
        )
        await until_it_is("running")
        assert await client.leave() == 0
        await until_it_is(left)
        if detach:
            await ask_to_stop(str(reader.paths.root), "Sync")
            await until_it_is("interrupted")
