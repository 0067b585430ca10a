"""The server: the life of a connection, its documents, and which method leads to which handler.

It only wires. Texts go to the session, edits to the publisher, records to the status watch;
features are pure functions that read what those hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from reqon_lsp import convert
from reqon_lsp.commands import COMMANDS
from reqon_lsp.connection import ReqonServer, server_version
from reqon_lsp.guard import fenced
from reqon_lsp.replies import Abilities
from reqon_lsp.requests import REQUESTS
from reqon_lsp.session import OpenText

__all__ = ["ReqonServer", "create_server", "server_version"]

logger = logging.getLogger(__name__)

PARENT_SECONDS = 5.0
_SOURCE_GLOB = "**/*.{vague,reqon}"
_CODE_AND_ITS_KIN = (
    "visual studio code",
    "vscod",
    "code-server",
    "code - oss",
    "cursor",
    "windsurf",
    "positron",
)
"""Editors that show pictures in lenses, by their names in small letters."""
_RECORD_GLOB = "**/.vague-data/execution/*.json"


def create_server() -> ReqonServer:
    """A server with every feature registered."""
    server = ReqonServer()
    for method, handler in NOTIFICATIONS.items():
        server.feature(method)(handler)
    for method, (handler, options) in REQUESTS.items():
        server.feature(method, options)(handler)
    for name, handler in COMMANDS.items():
        server.command(name)(handler)
    return server


# ---------------------------------------------------------------- life of a connection


def initialize(ls: ReqonServer, params: types.InitializeParams) -> None:
    """Learn what the client can and wants, before our capabilities are computed."""
    encoding = convert.negotiated(params.capabilities)
    ls.protocol.use_workspace(encoding)
    ls.publisher.encoding = encoding
    can = params.capabilities
    ls.abilities = ls.talk.abilities = abilities_of(can)
    name = params.client_info.name.lower() if params.client_info is not None else ""
    ls.abilities.icons = any(kin in name for kin in _CODE_AND_ITS_KIN)
    publishes = "text_document.publish_diagnostics"
    ls.publisher.related_information = _can(can, f"{publishes}.related_information")
    ls.publisher.describes_codes = _can(can, f"{publishes}.code_description_support")
    _set(ls, params.initialization_options)
    _take_folders(ls)
    if params.process_id is not None and params.process_id > 0 and os.name == "posix":
        ls.keep(_watch_parent(ls, params.process_id))


def abilities_of(can: types.ClientCapabilities) -> Abilities:
    """What a client can take, read from its capabilities."""
    item = "text_document.completion.completion_item"
    signature = "text_document.signature_help.signature_information"
    parameter = f"{signature}.parameter_information"
    return Abilities(
        snippets=_can(can, f"{item}.snippet_support"),
        label_details=_can(can, f"{item}.label_details_support"),
        hover_formats=_formats(can, "text_document.hover.content_format"),
        completion_formats=_formats(can, f"{item}.documentation_format"),
        signature_formats=_formats(can, f"{signature}.documentation_format"),
        hierarchical_symbols=_can(
            can, "text_document.document_symbol.hierarchical_document_symbol_support"
        ),
        definition_links=_can(can, "text_document.definition.link_support"),
        document_changes=_can(can, "workspace.workspace_edit.document_changes"),
        inlay_hints=get_capability(can, "text_document.inlay_hint") is not None,
        resolves_tooltips="tooltip"
        in (get_capability(can, "text_document.inlay_hint.resolve_support.properties") or ()),
        collapsed_text=_can(can, "text_document.folding_range.folding_range.collapsed_text"),
        refreshes_hints=_can(can, "workspace.inlay_hint.refresh_support"),
        refreshes_lenses=_can(can, "workspace.code_lens.refresh_support"),
        label_offsets=_can(can, f"{parameter}.label_offset_support"),
        action_literals=get_capability(can, "text_document.code_action.code_action_literal_support")
        is not None,
        link_tooltips=_can(can, "text_document.document_link.tooltip_support"),
        progress=_can(can, "window.work_done_progress"),
        shows_documents=_can(can, "window.show_document.support"),
        pulls_settings=_can(can, "workspace.configuration"),
        watches_files=_can(can, "workspace.did_change_watched_files.dynamic_registration"),
        commands=_announced_commands(can.experimental),
        fold_limit=_limit(get_capability(can, "text_document.folding_range.range_limit")),
    )


def _can(capabilities: types.ClientCapabilities, path: str) -> bool:
    return bool(get_capability(capabilities, path))


def _formats(capabilities: types.ClientCapabilities, path: str) -> tuple[types.MarkupKind, ...]:
    formats: Any = get_capability(capabilities, path)
    return tuple(formats or ())


def _limit(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _announced_commands(experimental: Any) -> frozenset[str]:
    """The commands that the client runs itself: `experimental.commands.commands`."""
    names = _member(_member(experimental, "commands"), "commands")
    if not isinstance(names, list | tuple):
        return frozenset()
    return frozenset(str(name) for name in names)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


@fenced()
async def initialized(ls: ReqonServer, _: types.InitializedParams) -> None:
    """The client is ready for requests of ours."""
    if ls.abilities.watches_files:
        await _register_watchers(ls)
    if ls.abilities.pulls_settings:
        await _pull_settings(ls)
    await _check_workspace(ls)


async def _check_workspace(ls: ReqonServer) -> None:
    """Where the client wants it: the mistakes of files that are not open, too."""
    if ls.session.settings.whole_workspace:
        await ls.read_workspace()


async def _register_watchers(ls: ReqonServer) -> None:
    watchers = [types.FileSystemWatcher(glob) for glob in (_SOURCE_GLOB, _RECORD_GLOB)]
    options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
    registration = types.Registration(
        "reqon-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options
    )
    params = types.RegistrationParams([registration])
    with contextlib.suppress(JsonRpcException):  # the poll does without
        await asyncio.shield(ls.client_register_capability_async(params))


async def _pull_settings(ls: ReqonServer) -> None:
    params = types.ConfigurationParams([types.ConfigurationItem(section="reqon")])
    answer: Any = None
    with contextlib.suppress(JsonRpcException):  # then what was sent before counts
        answer = await asyncio.shield(ls.workspace_configuration_async(params))
    if answer:
        _set(ls, answer[0])
        _read_again(ls)


def _set(ls: ReqonServer, values: Any) -> None:
    ls.session.settings.update(values)
    ls.session.files.max_bytes = max(ls.session.settings.max_file_size, 0)


def _take_folders(ls: ReqonServer) -> None:
    uris = [folder.uri for folder in ls.workspace.folders.values()]
    if not uris and ls.workspace.root_uri:
        uris = [ls.workspace.root_uri]
    paths = [convert.path_of(uri) for uri in uris]
    ls.session.folders = [path for path in paths if path is not None]


async def _watch_parent(ls: ReqonServer, pid: int) -> None:
    """Leave when the editor is gone: some die without closing their end of the pipe."""
    while True:
        await asyncio.sleep(PARENT_SECONDS)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            logger.warning("the editor (process %d) is gone", pid)
            ls.leave_runs()
            os._exit(1)
        except OSError:
            continue


@fenced()
def shutdown(ls: ReqonServer, _: None) -> None:
    """The client is about to leave."""
    ls.leave_runs()


@fenced()
def did_change_folders(ls: ReqonServer, _: types.DidChangeWorkspaceFoldersParams) -> None:
    """Folders came or went: missions may belong together in another way."""
    _take_folders(ls)
    _read_again(ls)


@fenced()
async def did_change_configuration(
    ls: ReqonServer, params: types.DidChangeConfigurationParams
) -> None:
    """Settings changed; a client that lets us ask sends nothing of use."""
    _set(ls, params.settings)
    _read_again(ls)
    if ls.abilities.pulls_settings:
        await _pull_settings(ls)


@fenced()
async def did_change_files(ls: ReqonServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Files changed on the disk: sources are read again, records looked at now."""
    paths = [convert.path_of(change.uri) or "" for change in params.changes]
    if any(path.endswith((".vague", ".reqon")) for path in paths):
        _read_again(ls)
        await _check_workspace(ls)
    if any(path.endswith(".json") for path in paths) and ls.session.files.texts:
        await ls.watch.look()


def _read_again(ls: ReqonServer) -> None:
    for path in ls.session.files.texts:
        ls.publisher.poke(path)
    ls.refresh()


# ---------------------------------------------------------------- documents


def _take_text(ls: ReqonServer, uri: str) -> str | None:
    document = ls.workspace.text_documents.get(unquote(uri))  # the library's key
    if document is None:
        return None
    path = convert.path_of(uri) or uri
    ls.session.files.texts[path] = OpenText(uri, path, document.version, document.source)
    return path


@fenced()
def did_open(ls: ReqonServer, params: types.DidOpenTextDocumentParams) -> None:
    """A document is open: its text counts from now on."""
    path = _take_text(ls, params.text_document.uri)
    if path is not None:
        ls.publisher.poke(path)


@fenced()
def did_change(ls: ReqonServer, params: types.DidChangeTextDocumentParams) -> None:
    """A document was edited."""
    path = _take_text(ls, params.text_document.uri)
    if path is not None:
        ls.publisher.poke(path)


@fenced()
def did_close(ls: ReqonServer, params: types.DidCloseTextDocumentParams) -> None:
    """A document was closed: the disk counts again."""
    path = convert.path_of(params.text_document.uri) or params.text_document.uri
    if ls.session.files.texts.pop(path, None) is not None:
        ls.publisher.close(path)
        ls.forget(path)
    ls.pause_watch()
    ls.keep(_check_workspace(ls))


@fenced()
def did_save(ls: ReqonServer, params: types.DidSaveTextDocumentParams) -> None:
    """A document was saved; files beside it may have changed with it."""
    if (convert.path_of(params.text_document.uri) or "") in ls.session.files.texts:
        for path in ls.session.files.texts:
            ls.publisher.poke(path)


NOTIFICATIONS: dict[str, Any] = {
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.SHUTDOWN: shutdown,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_files,
    types.TEXT_DOCUMENT_DID_OPEN: did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.TEXT_DOCUMENT_DID_SAVE: did_save,
}
