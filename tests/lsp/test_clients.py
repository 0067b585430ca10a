"""One session of each editor: every feature answers, in the form that the editor can take."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types

from reqon_lsp.features.code_actions import KINDS
from support.editor import (
    CONFIG,
    EVERY_CLIENT,
    Client,
    capabilities,
    initialize,
    open_document,
    until,
)

pytestmark = pytest.mark.slow

MISSION = """\
mission Sync {
  stateRetention: 7 days
  source API { auth: none, base: "https://api.test" }
  store people: file("people")
  schema Person { id: string }
    action Fetch {
    get "/people"
    store response -> people { key: .id }
  }
  action Other { run Fetch }
  run Fetch then Other
}
"""


@pytest_lsp.fixture(params=EVERY_CLIENT, config=CONFIG)
async def client(request, lsp_client: Client, tmp_path):
    result = await initialize(lsp_client, request.param, tmp_path)
    lsp_client.profile = request.param
    lsp_client.offered = result.capabilities
    yield
    await lsp_client.shutdown_session()


def place(part: str, shift: int = 0) -> types.Position:
    offset = MISSION.index(part) + shift
    before = MISSION[:offset]
    return types.Position(before.count("\n"), offset - (before.rfind("\n") + 1))


async def test_every_feature_answers_in_the_clients_form(client: Client, tmp_path: Path):
    uri = open_document(client, tmp_path / "sync.vague", MISSION)
    await until(lambda: uri in client.diagnostics)
    can = capabilities(client.profile)
    document = types.TextDocumentIdentifier(uri)
    whole = types.Range(types.Position(0, 0), types.Position(99, 0))
    options = types.FormattingOptions(2, insert_spaces=True)

    await completion(client, document, can)
    hover = await client.text_document_hover_async(types.HoverParams(document, place("people")))
    assert "store people" in text_of(hover.contents)
    found = await client.text_document_definition_async(
        types.DefinitionParams(document, place("-> people", 4))
    )
    links = bool(can.text_document.definition and can.text_document.definition.link_support)
    assert isinstance(found, list) == links
    references = await client.text_document_references_async(
        types.ReferenceParams(types.ReferenceContext(True), document, place("people"))
    )
    assert len(references) == 2
    highlights = await client.text_document_document_highlight_async(
        types.DocumentHighlightParams(document, place("people"))
    )
    assert len(highlights) == 2
    await renaming(client, document, can)
    await outline(client, document, can)
    folds = await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert [(fold.start_line, fold.end_line) for fold in folds] == [(0, 10), (5, 7)]
    (grown,) = await client.text_document_selection_range_async(
        types.SelectionRangeParams(document, [place("people")])
    )
    assert grown.parent is not None
    full = await client.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(document)
    )
    part = await client.text_document_semantic_tokens_range_async(
        types.SemanticTokensRangeParams(document, whole)
    )
    assert full.data == part.data
    assert len(full.data) % 5 == 0
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(document, options)
    )
    some = await client.text_document_range_formatting_async(
        types.DocumentRangeFormattingParams(document, whole, options)
    )
    assert edits == some
    assert len(edits) >= 1
    help_ = await client.text_document_signature_help_async(
        types.SignatureHelpParams(document, place('("people', 1))
    )
    assert help_ is None
    links_found = await client.text_document_document_link_async(types.DocumentLinkParams(document))
    assert [link.target.rpartition("/")[2] for link in links_found] == ["people.json"]
    await lenses_and_actions(client, document, can)
    await calls(client, document)


def text_of(content: types.MarkupContent | str) -> str:
    return content if isinstance(content, str) else content.value


async def completion(client: Client, document, can: types.ClientCapabilities) -> None:
    found = await client.text_document_completion_async(
        types.CompletionParams(document, place("stateRetention"))
    )
    item = next(one for one in found.items if one.label == "schedule")
    takes = can.text_document.completion.completion_item
    snippet = item.insert_text_format is types.InsertTextFormat.Snippet
    assert snippet == bool(takes and takes.snippet_support)
    assert item.text_edit is not None
    resolved = await client.completion_item_resolve_async(item)
    assert "daemon" in text_of(resolved.documentation)


async def renaming(client: Client, document, can: types.ClientCapabilities) -> None:
    ready = await client.text_document_prepare_rename_async(
        types.PrepareRenameParams(document, place("people"))
    )
    assert ready.placeholder == "people"
    edit = await client.text_document_rename_async(
        types.RenameParams(document, place("people"), "persons")
    )
    versioned = can.workspace.workspace_edit and can.workspace.workspace_edit.document_changes
    if versioned:
        (change,) = edit.document_changes
        assert change.text_document.version == 1
        assert len(change.edits) == 2
    else:
        assert len(edit.changes[document.uri]) == 2
    with pytest.raises(Exception, match="'1st' is not a name"):
        await client.text_document_rename_async(
            types.RenameParams(document, place("people"), "1st")
        )


async def outline(client: Client, document, can: types.ClientCapabilities) -> None:
    found = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    symbols = can.text_document.document_symbol
    if symbols and symbols.hierarchical_document_symbol_support:
        assert [one.name for one in found] == ["Sync"]
    else:
        assert [one.name for one in found][:3] == ["Sync", "stateRetention", "API"]
    everywhere = await client.workspace_symbol_async(types.WorkspaceSymbolParams("fetch"))
    assert [one.name for one in everywhere] == ["Fetch"]


async def lenses_and_actions(client: Client, document, can: types.ClientCapabilities) -> None:
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
    assert [one.command.title for one in lenses] == ["Run", "Dry run", "History"]
    assert lenses[0].command.command == "reqon.server.run"
    assert list(lenses[0].command.arguments) == [{"uri": document.uri, "mission": "Sync"}]
    at = types.Range(place("store"), place("store"))
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(document, at, types.CodeActionContext([]))
    )
    code_action = can.text_document.code_action
    literals = code_action is not None and code_action.code_action_literal_support is not None
    # The client's library takes an action that has a command for a command: its text is an object.
    commands = [str(one.command) for one in actions if one.command]
    assert {one.startswith("reqon.") for one in commands} == {not literals}
    assert set(KINDS) == set(client.offered.code_action_provider.code_action_kinds)


async def calls(client: Client, document) -> None:
    (item,) = await client.text_document_prepare_call_hierarchy_async(
        types.CallHierarchyPrepareParams(document, place("Fetch {"))
    )
    (incoming,) = await client.call_hierarchy_incoming_calls_async(
        types.CallHierarchyIncomingCallsParams(item)
    )
    assert incoming.from_.name == "Other"
    (outgoing,) = await client.call_hierarchy_outgoing_calls_async(
        types.CallHierarchyOutgoingCallsParams(incoming.from_)
    )
    assert outgoing.to.name == "Fetch"


async def test_only_what_the_client_can_register_is_registered(client: Client, tmp_path: Path):
    uri = open_document(client, tmp_path / "sync.vague", MISSION)
    await until(lambda: uri in client.diagnostics)
    await asyncio.sleep(0.1)
    files = capabilities(client.profile).workspace.did_change_watched_files
    dynamic = bool(files and files.dynamic_registration)
    assert [one.method for one in client.registered] == (
        [types.WORKSPACE_DID_CHANGE_WATCHED_FILES] if dynamic else []
    )
    assert client.told == []
