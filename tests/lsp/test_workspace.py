"""Several files and folders: what is said about files that are not open, and when it goes."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types

from reqon_lsp.workspace import source_files
from support.editor import CONFIG, Client, initialize, until
from support.raw_client import RawClient

pytestmark = pytest.mark.slow

ROOT = 'mission Sync {\n  source API { auth: none, base: "https://a.test" }\n  run Fetch\n}\n'
FETCH = 'action Fetch {\n  get "/x"\n  store response -> people { key: .id }\n}\n'
STORES = 'store people: file("people")\n'


@pytest_lsp.fixture(params=["visual_studio_code_1.139"], config=CONFIG)
async def client(request, lsp_client: Client, tmp_path):
    folder = tmp_path / "sync"
    folder.mkdir()
    (folder / "mission.vague").write_text(ROOT)
    (folder / "fetch.vague").write_text(FETCH)
    (folder / "stores.vague").write_text(STORES)
    await initialize(lsp_client, request.param, tmp_path)
    yield
    await lsp_client.shutdown_session()


def opened(client: Client, path: Path) -> str:
    uri = path.as_uri()
    text = path.read_text()
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "reqon", 1, text))
    )
    return uri


def codes(client: Client, path: Path) -> list[str]:
    return [str(one.code) for one in client.diagnostics.get(path.as_uri(), [])]


def changed(client: Client, path: Path, kind: types.FileChangeType) -> None:
    client.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent(path.as_uri(), kind)])
    )


async def test_an_edit_shows_its_mistakes_in_the_other_files_of_the_mission(client, tmp_path):
    folder = tmp_path / "sync"
    stores = opened(client, folder / "stores.vague")
    await until(lambda: stores in client.diagnostics)
    assert "RQ203" not in codes(client, folder / "fetch.vague")
    word = types.Range(types.Position(0, 6), types.Position(0, 12))
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, stores),
            [types.TextDocumentContentChangePartial(word, "persons")],
        )
    )
    await until(lambda: "RQ203" in codes(client, folder / "fetch.vague"))

    client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(stores))
    )
    await until(lambda: codes(client, folder / "fetch.vague") == [])


async def test_a_file_that_changes_on_the_disk_is_read_again_and_one_that_goes_is_cleared(
    client, tmp_path
):
    folder = tmp_path / "sync"
    root = opened(client, folder / "mission.vague")
    await until(lambda: root in client.diagnostics)
    fetch = folder / "fetch.vague"
    fetch.write_text(FETCH.replace("people", "peple"))
    changed(client, fetch, types.FileChangeType.Changed)
    await until(lambda: "RQ203" in codes(client, fetch))
    fetch.unlink()
    changed(client, fetch, types.FileChangeType.Deleted)
    await until(lambda: codes(client, fetch) == [] and codes(client, folder / "mission.vague"))


async def test_the_places_of_a_rename_lie_in_all_files(client, tmp_path):
    folder = tmp_path / "sync"
    stores = opened(client, folder / "stores.vague")
    await until(lambda: stores in client.diagnostics)
    edit = await client.text_document_rename_async(
        types.RenameParams(types.TextDocumentIdentifier(stores), types.Position(0, 7), "persons")
    )
    files = {change.text_document.uri.rpartition("/")[2] for change in edit.document_changes}
    assert files == {"stores.vague", "fetch.vague"}


async def test_the_same_name_in_two_folders_is_two_missions(client, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "sync", other)
    for folder in (tmp_path / "sync", other):
        uri = opened(client, folder / "mission.vague")
        await until(lambda uri=uri: uri in client.diagnostics)
    found = await client.workspace_symbol_async(types.WorkspaceSymbolParams("Sync"))
    assert len(found) == 2


async def test_a_file_that_is_gone_has_no_symbols_any_more(client, tmp_path):
    gone = tmp_path / "gone.vague"
    gone.write_text("mission Gone {\n  action Away { clear nothing }\n}\n")
    asked = types.WorkspaceSymbolParams("Gone")
    assert len(await client.workspace_symbol_async(asked)) == 1
    gone.unlink()
    assert await client.workspace_symbol_async(asked) == []


@pytest.mark.parametrize(
    "name", ["a%20b.vague", "a b.vague", "%61b.vague", "%C3%A9.vague", "é.vague", "a%2Bb.vague"]
)
async def test_a_file_is_known_however_its_name_is_written(client, tmp_path, name):
    uri = f"{tmp_path.as_uri()}/{name}"
    item = types.TextDocumentItem(uri, "reqon", 1, "mission A {\n  action B { clear nothing }\n}\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    await until(lambda: any(one.code == "RQ203" for one in client.diagnostics.get(uri, [])))
    end = types.Range(types.Position(1, 19), types.Position(1, 26))
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, uri),
            [types.TextDocumentContentChangePartial(end, "else")],
        )
    )
    await until(lambda: any("'else'" in one.message for one in client.diagnostics[uri]))


async def test_a_folder_that_leaves_and_comes_back_changes_nothing_else(client, tmp_path):
    root = opened(client, tmp_path / "sync" / "mission.vague")
    await until(lambda: root in client.diagnostics)
    folder = types.WorkspaceFolder(tmp_path.as_uri(), "work")
    for event in (
        types.WorkspaceFoldersChangeEvent([], [folder]),
        types.WorkspaceFoldersChangeEvent([folder], []),
    ):
        client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
    lenses = await client.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(root))
    )
    assert [one.command.title for one in lenses] == ["Run", "Dry run", "History"]


async def test_mistakes_of_closed_files_are_told_where_that_is_wanted(tmp_path):
    (tmp_path / "a.vague").write_text("mission A {\n  action B { clear nothing }\n}\n")
    client = await RawClient.start()
    folders = [{"uri": tmp_path.as_uri(), "name": "work"}]
    options = {"diagnostics": {"scope": "workspace"}}
    await client.initialize(workspaceFolders=folders, initializationOptions=options)
    found = await client.until(lambda one: one.get("method") == "textDocument/publishDiagnostics")
    assert "RQ203" in [one["code"] for one in found["params"]["diagnostics"]]
    assert await client.leave() == 0


def test_virtual_environments_and_ignored_folders_are_not_searched(tmp_path):
    for name in ("own", "out", "kept", "python"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "a.vague").write_text("")
    (tmp_path / "python" / "pyvenv.cfg").write_text("")
    (tmp_path / ".gitignore").write_text("# built\n/out/\nkept\n!kept\n*.pyc\n")
    found = [Path(each).relative_to(tmp_path).parts[0] for each in source_files([str(tmp_path)])]
    assert found == ["kept", "own"]


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        ("*.gen.vague", ["b.gen.vague", "a/deep/c.gen.vague"]),
        ("/*.gen.vague", ["b.gen.vague"]),
        ("a/*/", ["a/deep/c.gen.vague", "a/deep/d.vague"]),
        ("**/deep", ["a/deep/c.gen.vague", "a/deep/d.vague"]),
        ("a/**\n", ["a/deep/c.gen.vague", "a/deep/d.vague", "a/x.vague"]),
        ("d*p/\n!deep/", []),
        ("*.vague\n!x.vague", ["b.gen.vague", "a/deep/c.gen.vague", "a/deep/d.vague"]),
        ("[bc].gen.?ague", ["b.gen.vague", "a/deep/c.gen.vague"]),
        ("[!b].gen.vague", ["a/deep/c.gen.vague"]),
        ("x.vague/\n# d.vague\n\\#d.vague\n[", []),
    ],
)
def test_patterns_of_ignored_files_are_read_as_git_reads_them(tmp_path, rules, left_out):
    every = ["b.gen.vague", "a/x.vague", "a/deep/c.gen.vague", "a/deep/d.vague"]
    for name in every:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text(rules)
    found = [Path(path).relative_to(tmp_path).as_posix() for path in source_files([str(tmp_path)])]
    assert found == [name for name in every if name not in left_out]
    git = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "init", "-q", str(tmp_path)], check=False
    )
    if git.returncode == 0:
        asked = subprocess.run(
            ["git", "check-ignore", *every],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert sorted(asked.stdout.split()) == sorted(left_out)


def test_the_rules_around_a_folder_and_deeper_in_it_count(tmp_path):
    for name in ("r/w/a.vague", "r/w/b.vague", "r/w/in/c.vague", "r/w/in/b.vague"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "r/.git").mkdir()
    (tmp_path / ".gitignore").write_text("*.vague")
    (tmp_path / "r/.gitignore").write_text("b.vague")
    (tmp_path / "r/w/in/.gitignore").write_text("!b.vague\nc.*")
    top = tmp_path / "r/w"
    found = [Path(path).relative_to(top).as_posix() for path in source_files([str(top)])]
    assert found == ["a.vague", "in/b.vague"]


def test_only_folders_that_hold_missions_of_ones_own_are_searched(tmp_path):
    for name in ("a/x.vague", "b.reqon", ".git/y.vague", "node_modules/z.vague", "c/t.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    found = [Path(path).relative_to(tmp_path).as_posix() for path in source_files([str(tmp_path)])]
    assert found == ["b.reqon", "a/x.vague"]


async def test_the_server_leaves_when_its_editor_is_gone():
    editor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    client = await RawClient.start()
    await client.initialize(processId=editor.pid)
    editor.wait()
    assert await asyncio.wait_for(client.process.wait(), 30) == 1
