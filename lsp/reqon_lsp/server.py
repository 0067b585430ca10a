"""The server: which method leads to which feature, and the life of a connection.

It only wires. Texts go to the session, edits to the publisher, records to the status watch;
features are pure functions that read what those hold.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from reqon.state.model import ExecutionState
from reqon_lsp import convert
from reqon_lsp.analysis import Analysis
from reqon_lsp.features.inline_status import StatusHint, inline_status
from reqon_lsp.guard import fenced
from reqon_lsp.protocol import ReqonProtocol
from reqon_lsp.publish import Publisher
from reqon_lsp.session import OpenText, Session
from reqon_lsp.status_watch import Key, StatusWatch
from vague.program import MissionProgram

logger = logging.getLogger(__name__)


def server_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("reqon")
    except PackageNotFoundError:
        return "0"


class ReqonServer(LanguageServer):
    """One connection with its session, analysis, publisher and status watch."""

    protocol: ReqonProtocol  # pyright: ignore[reportIncompatibleVariableOverride] - narrower

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - partly typed upstream
            "reqon", server_version(), protocol_cls=ReqonProtocol, max_workers=4
        )
        self.session = Session()
        self.analysis = Analysis(self.session)
        self.publisher = Publisher(
            self.analysis, self.text_document_publish_diagnostics, self.after_check
        )
        self.watch = StatusWatch(self.wanted_states, self.refresh_hints)
        self.refreshes_hints = False
        self._watching: asyncio.Task[None] | None = None
        self._rendered: list[StatusHint] = []

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Internal errors go to the log, never into the user's face."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    # ------------------------------------------------------------ status

    def wanted_states(self) -> set[Key]:
        """The executions that the open documents' missions need."""
        return {
            (self.session.state_folder(mission.mission.path), mission.name)
            for snapshot in self.analysis.snapshots.values()
            for mission in snapshot.program.missions
        }

    def latest(self, mission: MissionProgram) -> ExecutionState | None:
        """The mission's newest execution, from memory."""
        return self.watch.latest(self.session.state_folder(mission.mission.path), mission.name)

    def status_hints(self, path: str) -> list[StatusHint]:
        """The status hints of one document."""
        snapshot = self.analysis.snapshot(path)
        if snapshot is None:
            return []
        now = datetime.now().astimezone()  # noqa: TID251 - local time, for people
        return list(inline_status(snapshot, path, self.latest, now))

    def after_check(self) -> None:
        """Missions may have come or gone: let the next look of the watch see to it."""
        if self._watching is None and self.session.files.texts:
            self._watching = asyncio.ensure_future(self.watch.run())

    def pause_watch(self) -> None:
        """Nothing is open: stop polling."""
        if self._watching is not None and not self.session.files.texts:
            self._watching.cancel()
            self._watching = None

    def refresh_hints(self) -> None:
        """Ask the client to fetch hints again, if what they say has changed."""
        rendered = [hint for path in self.session.files.texts for hint in self.status_hints(path)]
        if rendered == self._rendered:
            return
        self._rendered = rendered
        if self.refreshes_hints:
            future = self.protocol.send_request(types.WORKSPACE_INLAY_HINT_REFRESH, None)
            future.add_done_callback(_log_failure)


def _log_failure(future: Any) -> None:
    if not future.cancelled() and future.exception() is not None:
        logger.info("the client refused a refresh: %s", future.exception())


def create_server() -> ReqonServer:
    """A server with every feature registered."""
    server = ReqonServer()
    for method, handler in HANDLERS.items():
        server.feature(method)(handler)
    return server


# ---------------------------------------------------------------- life of a connection


def initialize(ls: ReqonServer, params: types.InitializeParams) -> None:
    """Learn what the client can and wants, before our capabilities are computed."""
    encoding = convert.negotiated(params.capabilities)
    ls.protocol.use_workspace(encoding)
    ls.publisher.encoding = encoding
    can = params.capabilities
    ls.publisher.related_information = bool(
        get_capability(can, "text_document.publish_diagnostics.related_information")
    )
    ls.refreshes_hints = bool(get_capability(can, "workspace.inlay_hint.refresh_support"))
    ls.session.settings.update(params.initialization_options)
    _take_folders(ls)


def _take_folders(ls: ReqonServer) -> None:
    uris = [folder.uri for folder in ls.workspace.folders.values()]
    if not uris and ls.workspace.root_uri:
        uris = [ls.workspace.root_uri]
    paths = [convert.path_of(uri) for uri in uris]
    ls.session.folders = [path for path in paths if path is not None]


@fenced()
def did_change_folders(ls: ReqonServer, _: types.DidChangeWorkspaceFoldersParams) -> None:
    """Folders came or went."""
    _take_folders(ls)


@fenced()
def did_change_configuration(ls: ReqonServer, params: types.DidChangeConfigurationParams) -> None:
    """Settings changed."""
    ls.session.settings.update(params.settings)
    ls.refresh_hints()


# ---------------------------------------------------------------- documents


def document_path(uri: str) -> str:
    """How the session names a document: its path, or its URI where it is on no disk."""
    return convert.path_of(uri) or uri


def _take_text(ls: ReqonServer, uri: str) -> str | None:
    document = ls.workspace.text_documents.get(uri)
    if document is None:
        return None
    path = document_path(uri)
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
    path = document_path(params.text_document.uri)
    if ls.session.files.texts.pop(path, None) is not None:
        ls.publisher.close(path)
    ls.pause_watch()


@fenced()
def did_save(ls: ReqonServer, params: types.DidSaveTextDocumentParams) -> None:
    """A document was saved; files beside it may have changed with it."""
    path = document_path(params.text_document.uri)
    if path in ls.session.files.texts:
        ls.publisher.poke(path)


# ---------------------------------------------------------------- features


@fenced(empty=[])
def inlay_hint(ls: ReqonServer, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The last execution's status at the end of each mission's header."""
    path = document_path(params.text_document.uri)
    opened = ls.session.files.texts.get(path)
    if opened is None:
        return []
    index = convert.LineIndex(opened.text, ls.publisher.encoding)
    hints = (
        types.InlayHint(
            position=index.position(index.line_end(hint.offset)),
            label=hint.label,
            tooltip=types.MarkupContent(types.MarkupKind.Markdown, hint.tooltip),
            padding_left=True,
        )
        for hint in ls.status_hints(path)
    )
    first, last = params.range.start.line, params.range.end.line
    return [hint for hint in hints if first <= hint.position.line <= last]


HANDLERS: dict[str, Any] = {
    types.INITIALIZE: initialize,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.TEXT_DOCUMENT_DID_OPEN: did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.TEXT_DOCUMENT_DID_SAVE: did_save,
    types.TEXT_DOCUMENT_INLAY_HINT: inlay_hint,
}
