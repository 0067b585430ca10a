"""A language client that behaves like a given editor: its capabilities, and what it is told."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from lsprotocol import converters, types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from support.source_tree import ROOT

CLIENTS = ("visual_studio_code_1.139", "neovim@v0.7", "neovim@v0.11", "emacs@v29.1")
"""Clients that differ most: tests that take long run under these."""

EVERY_CLIENT = (
    *CLIENTS,
    "neovim@v0.6",
    "neovim@v0.8",
    "neovim@v0.9",
    "neovim@v0.10",
    "visual_studio_code@v1.65",
    "helix",
    "zed",
)
_OWN = {
    "visual_studio_code_1.139": "vscode-initialize.json",
    "helix": "helix.json",
    "zed": "zed.json",
}


class Client(LanguageClient):
    """A client that remembers what it is asked for and told.

    `answers` are the choices that its user makes, in turn, when asked.
    """

    hint_refreshes = 0
    lens_refreshes = 0

    def __init__(self) -> None:
        super().__init__(converter_factory=converters.get_converter)
        self.answers: list[str] = []
        self.asked: list[str] = []
        self.told: list[str] = []
        self.shown: list[str] = []
        self.registered: list[types.Registration] = []
        self.reports: list[object] = []
        self.settings: dict[str, object] | None = None


def make_client() -> Client:
    client = Client()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams) -> None:
        client.diagnostics[params.uri] = params.diagnostics

    @client.feature(types.WORKSPACE_CONFIGURATION)
    def configuration(params: types.ConfigurationParams) -> list[object]:
        return [client.settings for _ in params.items]

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def registered(params: types.RegistrationParams) -> None:
        client.registered.extend(params.registrations)

    @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
    def refresh_lenses(_: None) -> None:
        client.lens_refreshes += 1

    @client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)
    def refresh_hints(_: None) -> None:
        client.hint_refreshes += 1

    _talk(client)
    return client


def _talk(client: Client) -> None:
    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def asked(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        client.asked.append(params.message)
        return types.MessageActionItem(client.answers.pop(0)) if client.answers else None

    @client.feature(types.WINDOW_SHOW_MESSAGE)
    def told(params: types.ShowMessageParams) -> None:
        client.told.append(params.message)

    @client.feature(types.WINDOW_LOG_MESSAGE)
    def logged(_: types.LogMessageParams) -> None:
        return None

    @client.feature(types.WINDOW_SHOW_DOCUMENT)
    def shown(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        client.shown.append(params.uri)
        return types.ShowDocumentResult(success=True)

    @client.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
    def progress_created(_: types.WorkDoneProgressCreateParams) -> None:
        return None

    @client.feature(types.PROGRESS)
    def progressed(params: types.ProgressParams) -> None:
        client.reports.append(params.value)


def capabilities(name: str) -> types.ClientCapabilities:
    """What the client of this name says of itself: of our own collection, else of pytest-lsp's."""
    if name not in _OWN:
        return client_capabilities(name)
    dump = ROOT / "tests" / "lsp" / "clients" / _OWN[name]
    params = json.loads(dump.read_text(encoding="utf-8"))
    structure = converters.get_converter().structure
    return structure(params.get("params", params)["capabilities"], types.ClientCapabilities)


CONFIG = ClientServerConfig(
    server_command=[sys.executable, "-m", "reqon_lsp"], client_factory=make_client
)


async def initialize(
    client: Client, name: str, folder: Path, options: dict[str, object] | None = None
) -> types.InitializeResult:
    """Say hello as the editor of this name would, with one workspace folder."""
    return await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities(name),
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "work")],
            root_uri=folder.as_uri(),
            initialization_options=options,
        )
    )


def open_document(client: Client, path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    uri = path.as_uri()
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "reqon", 1, text))
    )
    return uri


async def until(read, good=bool):
    """Poll as a person would look; the test's own time limit ends a wait in vain."""
    while not good(value := read()):
        await asyncio.sleep(0.02)
    return value
