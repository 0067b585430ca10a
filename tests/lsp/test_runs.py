"""Missions run from the editor, without an extension: by the server's own commands.

The runs are real, against a fake service; what the client sees is what its user would.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types

from support.editor import CONFIG, Client, initialize, open_document, until
from support.fake_api import FakeApi, status

pytestmark = [pytest.mark.slow, pytest.mark.timeout(50)]

MISSION = """\
mission Sync {{
  source API {{ auth: none, base: "{url}", retry: {{ maxAttempts: 1 }} }}
  store people: file("people")
  action Fetch {{
    get "/people"
    store response -> people {{ key: .id }}
  }}
}}
"""
DRY = MISSION.replace("store response", "store response.data")  # there is no reply to store
SLOW = MISSION.replace("maxAttempts: 1", "maxAttempts: 3, initialDelay: 50 seconds").replace(
    "    store",
    '    for person in response checkpoint every 1 {{ get "/people/{{person.id}}" }}\n    store',
)


@pytest_lsp.fixture(params=["visual_studio_code_1.139", "neovim@v0.7"], config=CONFIG)
async def client(request, lsp_client: Client, tmp_path):
    lsp_client.profile = request.param
    await initialize(lsp_client, request.param, tmp_path)
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
def api():
    with FakeApi().in_thread() as service:
        service.on("GET", "/people", [{"id": f"p{n}"} for n in range(3)])
        yield service


async def opened(client: Client, path: Path, text: str) -> str:
    uri = open_document(client, path, text)
    await until(lambda: uri in client.diagnostics)
    return uri


async def execute(client: Client, command: str, *arguments: object):
    return await client.workspace_execute_command_async(
        types.ExecuteCommandParams(f"reqon.server.{command}", list(arguments))
    )


async def titles(client: Client, uri: str) -> list[str]:
    lenses = await client.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(uri))
    )
    return [lens.command.title for lens in lenses]


async def until_lens(client: Client, uri: str, part: str) -> list[str]:
    while True:
        found = await titles(client, uri)
        if any(part in title for title in found):
            return found
        await asyncio.sleep(0.05)


def informations(client: Client, uri: str) -> list[types.Diagnostic]:
    level = types.DiagnosticSeverity.Information
    return [
        d for d in client.diagnostics.get(uri, []) if d.code == "last-run" and d.severity == level
    ]


async def test_a_run_a_failure_at_its_step_and_a_resume(client: Client, api: FakeApi, tmp_path):
    uri = await opened(client, tmp_path / "sync.vague", MISSION.format(url=api.url))
    argument = {"uri": uri, "mission": "Sync"}

    answer = await execute(client, "run", argument)
    assert answer["executionId"].startswith("exec_")
    await until(lambda: client.told)
    assert client.told == ["Sync: completed"]
    assert (tmp_path / ".vague-data" / "stores" / "people.json").exists()
    kinds = [kind_of(report) for report in client.reports]
    assert (kinds[0], kinds[-1]) == ("begin", "end")

    api.on("GET", "/people", status(500))
    client.answers = ["Show history"]
    await execute(client, "run", argument)
    await until(lambda: informations(client, uri))
    (error,) = informations(client, uri)
    assert "failed here" in error.message
    assert error.range.start == types.Position(4, 4)
    assert "Resume" in await until_lens(client, uri, "Resume")
    await until(lambda: client.shown or len(client.told) > 1)
    assert len(client.asked) == 1

    api.on("GET", "/people", [{"id": "p9"}])
    resumed = await execute(client, "resume", argument)
    assert resumed["executionId"].startswith("exec_")
    await until(lambda: client.told[-1:] == ["Sync: completed"] and len(client.told) > 1)
    await until(lambda: not informations(client, uri))
    while "Resume" in await titles(client, uri):
        await asyncio.sleep(0.05)


def kind_of(report: object) -> object:
    return report.get("kind") if isinstance(report, dict) else getattr(report, "kind", None)


async def test_one_run_at_a_time_and_cancel(client: Client, api: FakeApi, tmp_path):
    api.on("GET", "/people/p0", {"id": "p0"}).on("GET", "/people/p1", status(503))
    uri = await opened(client, tmp_path / "sync.vague", SLOW.format(url=api.url))
    argument = {"uri": uri, "mission": "Sync"}
    await execute(client, "run", argument)
    assert "Cancel" in await until_lens(client, uri, "Cancel")
    with pytest.raises(Exception, match="'Sync' is running already"):
        await execute(client, "run", argument)
    await execute(client, "cancel", argument)
    found = await until_lens(client, uri, "Resume")
    assert found[:4] == ["Run", "Resume", "Dry run", "History"]
    rows = await execute(client, "history", argument)
    assert [row["status"] for row in rows] == ["interrupted"]


async def test_a_dry_run_leaves_no_state(client: Client, api: FakeApi, tmp_path):
    uri = await opened(client, tmp_path / "sync.vague", DRY.format(url=api.url))
    await execute(client, "dryRun", {"uri": uri, "mission": "Sync"})
    await until(lambda: client.told)
    assert client.told == ["Sync: completed"]
    assert not list(tmp_path.glob(".vague-data/execution/*"))


async def test_a_text_that_is_not_saved_is_asked_about(client: Client, api: FakeApi, tmp_path):
    path = tmp_path / "sync.vague"
    text = MISSION.format(url=api.url)
    uri = await opened(client, path, text)
    start = types.Position(0, 0)
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, uri),
            [types.TextDocumentContentChangePartial(types.Range(start, start), "// new\n")],
        )
    )
    client.answers = ["Cancel", "Run saved version"]
    assert await execute(client, "run", {"uri": uri, "mission": "Sync"}) is None
    assert client.asked == ["sync.vague has changes that are not saved."]
    assert (await execute(client, "run", {"uri": uri, "mission": "Sync"}))["executionId"]
    await until(lambda: client.told)


async def test_without_arguments_the_only_mission_is_meant(client: Client, api: FakeApi, tmp_path):
    await opened(client, tmp_path / "sync.vague", MISSION.format(url=api.url))
    assert await execute(client, "history") == []
    second = DRY.replace("Sync", "Second").format(url=api.url)
    await opened(client, tmp_path / "second.vague", second)
    client.answers = ["Second"]
    await execute(client, "dryRun")
    await until(lambda: client.told[-1:] == ["Second: completed"])
    assert client.asked == ["Which mission?"]


@pytest.mark.parametrize(
    "argument",
    [3, "x", None, [], {}, {"uri": 3}, {"uri": "untitled:a", "mission": "Sync"}],
    ids=repr,
)
async def test_wrong_arguments_are_refused_in_words(client: Client, argument, tmp_path):
    with pytest.raises(Exception, match=r"mission"):
        await execute(client, "run", argument)
    assert client.told == []


async def test_a_client_lists_missions_and_how_to_start_them(
    client: Client, api: FakeApi, tmp_path
):
    two = MISSION.format(url=api.url) + MISSION.format(url=api.url).replace("Sync", "Other")
    uri = await opened(client, tmp_path / "sync.vague", two)
    (tmp_path / "third.vague").write_text(MISSION.format(url=api.url).replace("Sync", "Third"))

    (other,) = await execute(client, "missions", {"uri": uri, "line": 9})
    assert (other["mission"], other["lines"], other["status"]) == ("Other", [8, 15], "never run")
    assert other["commands"].keys() == {"run", "dryRun"}
    command = other["commands"]["run"]
    assert command[command.index("run") :][1:4] == [
        str(tmp_path / "sync.vague"),
        "--mission",
        "Other",
    ]
    every = await execute(client, "missions")
    assert sorted(row["mission"] for row in every) == ["Other", "Sync", "Third"]

    api.on("GET", "/people", status(500))
    await execute(client, "run", {"uri": uri, "mission": "Sync"})
    await until_lens(client, uri, "Resume")
    sync, _ = await execute(client, "missions", {"uri": uri})
    assert (sync["state"], sync["running"]) == ("failed", False)
    assert "--resume-only" in sync["commands"]["resume"]
