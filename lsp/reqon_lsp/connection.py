"""One connection: the server object with its session, analysis, publisher, watch and runs.

It holds what the handlers in `requests` and `commands` share, and turns changes of the state
folder into refreshes of the client. `server` makes one and registers the handlers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from reqon.state.model import ExecutionState
from reqon_lsp import convert, extensions
from reqon_lsp.analysis import Analysis, Snapshot, local_now
from reqon_lsp.convert import LineIndex, line_index
from reqon_lsp.features.code_lens import code_lenses
from reqon_lsp.features.inlay_hints import store_hints, sync_hints
from reqon_lsp.features.inline_status import StatusHint, inline_status
from reqon_lsp.features.last_error import CODE, Anchor, anchor_of, last_error
from reqon_lsp.last_run import NOTHING, LastRun, store_files
from reqon_lsp.protocol import Prepared, ReqonProtocol
from reqon_lsp.publish import Publisher
from reqon_lsp.replies import Abilities, Files
from reqon_lsp.results import Hint, MissionCommand
from reqon_lsp.runs import Runs
from reqon_lsp.session import Session
from reqon_lsp.status_watch import Key, StatusWatch
from reqon_lsp.talk import Talk
from reqon_lsp.token_data import KnownTokens
from reqon_lsp.workspace import source_files
from vague.diagnostics import Diagnostic, Severity
from vague.formatter import Earlier
from vague.program import MissionProgram

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 0.5
"""Least time between two refreshes while a mission runs."""


def server_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("reqon")
    except PackageNotFoundError:
        return "0"


@dataclass(slots=True)
class Memory:
    """What answers about a document have cost once already."""

    layout: Earlier = field(default_factory=Earlier)
    tokens: KnownTokens = field(default_factory=KnownTokens)


class ReqonServer(LanguageServer):
    """One connection with its session, analysis, publisher and status watch."""

    protocol: ReqonProtocol  # pyright: ignore[reportIncompatibleVariableOverride] - narrower

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - partly typed upstream
            "reqon", server_version(), protocol_cls=ReqonProtocol, max_workers=4
        )
        self.session = Session()
        self.analysis = Analysis(self.session)
        self.publisher = Publisher(self.analysis, self._publish, self.after_check)
        self.publisher.beside = self.beside_checks
        self.publisher.words_known = self.know_extensions
        self.protocol.waits_for = self.first_reading
        self.watch = StatusWatch(self.wanted_states, self.wanted_files, self.refresh)
        self.abilities = Abilities()
        self.files = Files(self.index_of, self.uri_of, self.version_of)
        self.talk = Talk(self, self.abilities)
        self.runs = Runs()
        self._memories: dict[str, Memory] = {}
        self._extensions: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Future[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._rendered: dict[str, tuple[object, object]] = {}
        self._anchors: dict[tuple[str, str], Anchor | None] = {}
        self._state_folders: dict[str, str] = {}
        self._refreshed_at = 0.0
        self._refresh_waits = False

    def _publish(self, params: Prepared) -> None:
        self.protocol.tell(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Internal errors go to the log, never into the user's face."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something run for as long as the connection does."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def leave_runs(self) -> None:
        """The editor goes: runs go on, unless the client wants them stopped."""
        if not self.session.settings.detach_runs:
            self.runs.stop_all()

    async def know_extensions(self) -> None:
        """Wait until it is known what installed packages add to the language."""
        if self._extensions is None:
            self._extensions = asyncio.ensure_future(self._ask_extensions())
        await asyncio.shield(self._extensions)

    async def _ask_extensions(self) -> None:
        if self.session.settings.trusted and extensions.are_installed():
            try:
                self.analysis.vocabulary = await extensions.extended_vocabulary()
            except OSError as error:
                logger.warning("installed extensions are not known: %s", error)

    # ------------------------------------------------------------ documents

    def current(self, uri: str) -> tuple[Snapshot, str, LineIndex] | None:
        """The newest snapshot of an open document, its path and its lines; checked if need be."""
        path = convert.path_of(uri) or uri
        if path not in self.session.files.texts:
            return None
        self.publisher.flush(path)
        snapshot = self.analysis.snapshot(path)
        if snapshot is None or path not in snapshot.program.files:
            return None
        return snapshot, path, self.index_of(path)

    def unchecked(self, uri: str) -> tuple[str, LineIndex] | None:
        """The text and the lines of an open document that is too long to be checked."""
        path = convert.path_of(uri) or uri
        opened = self.session.files.texts.get(path)
        if opened is None or not self.analysis.is_too_large(path):
            return None
        return opened.text, self.index_of(path)

    def memory(self, path: str) -> Memory:
        """What earlier requests about an open document have found out."""
        return self._memories.setdefault(path, Memory())

    def forget(self, path: str) -> None:
        """The document was closed."""
        self._memories.pop(path, None)
        self._rendered.pop(path, None)

    def first_reading(self, uri: str) -> asyncio.Future[None] | None:
        """What a request about a document has to wait for: the first reading of its program."""
        return self.publisher.first_reading(convert.path_of(uri) or uri)

    def index_of(self, path: str) -> LineIndex:
        """The lines of a file as it was last read."""
        opened = self.session.files.texts.get(path)
        text = opened.text if opened is not None else self._read_text(path)
        return line_index(text, self.publisher.encoding)

    async def read_workspace(self) -> None:
        """Read the programs of the workspace that no open document belongs to, one at a time."""
        await self.know_extensions()
        there: set[str] = set()
        for path in await asyncio.to_thread(source_files, tuple(self.session.folders)):
            root = self.analysis.root_of(path).path
            there.add(root)
            if root in self.analysis.snapshots:
                continue
            reading = self.analysis.reading_closed(path, self.session.files.as_of_now())
            try:
                snapshot = await self.publisher.worker.do(reading.read_if_changed)
            except OSError as error:
                logger.info("cannot read %s: %s", path, error)
                continue
            self.analysis.keep_closed(snapshot)
            if self.session.settings.whole_workspace:
                self.publisher.publish_closed(snapshot)
        for gone in self.analysis.forget_closed(there):
            self.publisher.clear_closed(gone)

    def _read_text(self, path: str) -> str:
        snapshot = self.analysis.snapshot(path)
        if snapshot is not None and path in snapshot.program.files:
            return snapshot.text(path)
        found = (s.text(path) for s in self.analysis.all_snapshots() if path in s.program.files)
        return next(found, "")

    def uri_of(self, path: str) -> str:
        """The URI of a file, in the client's own spelling where it has the file open."""
        opened = self.session.files.texts.get(path)
        return opened.uri if opened is not None else convert.uri_of(path)

    def version_of(self, path: str) -> int | None:
        """The version of an open document."""
        opened = self.session.files.texts.get(path)
        return opened.version if opened is not None else None

    # ------------------------------------------------------------ the last run

    def state_folder(self, mission: MissionProgram) -> str:
        """Where the state of a mission lies, as of the watch's last look."""
        path = mission.mission.path
        folder = self._state_folders.get(path)
        if folder is None:
            folder = self._state_folders[path] = self.session.state_folder(path)
        return folder

    def wanted_states(self) -> set[Key]:
        """The executions that the open documents' missions need; looks for state folders anew."""
        self._state_folders.clear()
        return {
            (self.state_folder(mission), mission.name)
            for snapshot in self.analysis.snapshots.values()
            for mission in snapshot.program.missions
        }

    def wanted_files(self) -> set[str]:
        """The store files whose records tell fields."""
        return {
            file
            for snapshot in self.analysis.snapshots.values()
            for mission in snapshot.program.missions
            for file in store_files(mission, self.state_folder(mission)).values()
        }

    def past(self, mission: MissionProgram) -> LastRun:
        """All that is known of a mission's last run, from memory."""
        folder = self.state_folder(mission)
        state = self.watch.latest(folder, mission.name)
        samples = {
            name: self.watch.samples[file]
            for name, file in store_files(mission, folder).items()
            if file in self.watch.samples
        }
        syncs = self.watch.syncs.get(folder, {})
        if state is None and not samples and not syncs:
            return NOTHING
        return LastRun(state, syncs, samples)

    def latest(self, mission: MissionProgram) -> ExecutionState | None:
        """The mission's newest execution, from memory."""
        return self.watch.latest(self.state_folder(mission), mission.name)

    def latest_in(self, path: str, mission: str) -> ExecutionState | None:
        """The newest execution of the mission of this name in the program of a file."""
        snapshot = self.analysis.snapshot(path)
        found = snapshot.program.mission(mission) if snapshot is not None else None
        if found is not None:
            return self.latest(found)
        return self.watch.latest(self.session.state_folder(path), mission)

    # ------------------------------------------------------------ what is shown

    @property
    def status_render(self) -> str:
        """How the status is shown: `inlayHint`, `codeLens`, `diagnostic` or `off`."""
        chosen = self.session.settings.status_render
        if chosen == "auto":
            return "inlayHint" if self.abilities.inlay_hints else "codeLens"
        return chosen

    def status_hints(self, path: str) -> list[StatusHint]:
        """The status of each mission headed in one document."""
        snapshot = self.analysis.snapshot(path)
        if snapshot is None:
            return []
        return list(self._status(snapshot, path))

    def _status(self, snapshot: Snapshot, path: str) -> Iterator[StatusHint]:
        return inline_status(snapshot, path, lambda name: self.latest_in(path, name), local_now())

    def data_hints(self, path: str) -> list[Hint]:
        """Counts and sync times beside the lines of one document."""
        snapshot, settings = self.analysis.snapshot(path), self.session.settings
        found: list[Hint] = []
        if snapshot is not None and settings.hints_stores:
            found.extend(store_hints(snapshot, path, self.past))
        if snapshot is not None and settings.hints_last_sync:
            found.extend(sync_hints(snapshot, path, self.past, local_now()))
        return found

    def lenses(self, path: str) -> list[MissionCommand]:
        """The lenses of one document that the settings leave on."""
        snapshot = self.analysis.snapshot(path)
        if snapshot is None:
            return []
        found = code_lenses(snapshot.headers.get(path, ()), lambda name: self.latest_in(path, name))
        shown = self.session.settings.lenses
        return [lens for lens in found if shown.get(lens.verb, True)]

    def beside_checks(self, snapshot: Snapshot) -> list[Diagnostic]:
        """The last run's errors at their steps, and the status where it is shown so."""
        found: list[Diagnostic] = []
        now = local_now()
        for mission in snapshot.program.missions:
            state = self.latest(mission)
            key = (snapshot.program.root.path, mission.name)
            self._anchors[key] = anchor = anchor_of(mission, state, self._anchors.get(key))
            error = last_error(snapshot.program, mission, state, anchor, now)
            if error is not None:
                place = error.place
                found.append(Diagnostic(CODE, Severity.INFO, place.path, place.span, error.message))
        if self.status_render == "diagnostic":
            found.extend(self._status_diagnostics(snapshot))
        return found

    def _status_diagnostics(self, snapshot: Snapshot) -> list[Diagnostic]:
        return [
            Diagnostic("status", Severity.HINT, path, header.name, hint.label)
            for path, headers in snapshot.headers.items()
            for hint in self._status(snapshot, path)
            for header in headers
            if header.mission == hint.mission
        ]

    # ------------------------------------------------------------ following the state folder

    def after_check(self) -> None:
        """Missions may have come or gone: let the next look of the watch see to it."""
        if self._watching is None and self.session.files.texts:
            self._watching = asyncio.ensure_future(self.watch.run())

    def pause_watch(self) -> None:
        """Nothing is open: stop polling."""
        if self._watching is not None and not self.session.files.texts:
            self._watching.cancel()
            self._watching = None

    def refresh(self) -> None:
        """Ask the client to fetch hints and lenses again, if what they say has changed."""
        self.publisher.publish_again()
        wait = self._refreshed_at + REFRESH_SECONDS - time.monotonic()
        if wait > 0 and self._is_running():
            if not self._refresh_waits:
                self._refresh_waits = True
                asyncio.get_running_loop().call_later(wait, self._refresh_now)
            return
        self._refresh_now()

    def _is_running(self) -> bool:
        return any(s is not None and s.status == "running" for s in self.watch.states.values())

    def _refresh_now(self) -> None:
        self._refresh_waits = False
        self._refreshed_at = time.monotonic()
        before, shown = self._rendered, dict[str, tuple[object, object]]()
        for path in self.session.files.texts:
            hints = [*self.status_hints(path), *self.data_hints(path)]
            lenses = [(lens.mission, lens.verb) for lens in self.lenses(path)]
            shown[path] = (hints, lenses)
        self._rendered = shown
        nothing: tuple[object, object] = ([], [])
        moved = [(before.get(path, nothing), now) for path, now in shown.items()]
        new_hints = any(old[0] != new[0] for old, new in moved)
        new_lenses = any(old[1] != new[1] for old, new in moved)
        if new_hints and self.abilities.refreshes_hints:
            self._request_refresh(types.WORKSPACE_INLAY_HINT_REFRESH)
        status_in_lens = self.status_render == "codeLens" and new_hints
        if (new_lenses or status_in_lens) and self.abilities.refreshes_lenses:
            self._request_refresh(types.WORKSPACE_CODE_LENS_REFRESH)

    def _request_refresh(self, method: str) -> None:
        future = self.protocol.send_request(method, None)
        future.add_done_callback(_log_failure)


def _log_failure(future: Any) -> None:
    if not future.cancelled() and future.exception() is not None:
        logger.info("the client refused a refresh: %s", future.exception())
