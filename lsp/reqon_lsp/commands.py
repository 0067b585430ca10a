"""The server's own commands, for clients without an extension: run, resume, dry run, stop, history.

Each takes one object `{"uri", "mission", "executionId"?}` or nothing at all (then the user is
asked which mission). A run is a child process; its state shows through the state folder.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader
from reqon_lsp import convert
from reqon_lsp.analysis import Snapshot, local_now
from reqon_lsp.connection import ReqonServer
from reqon_lsp.features.history import history_markdown, history_rows
from reqon_lsp.guard import fenced
from reqon_lsp.mission_list import last_state, mission_row
from reqon_lsp.results import RefusedError
from reqon_lsp.runs import Mode, Order, ask_to_stop
from reqon_lsp.talk import Progress, one_line
from vague.program import MissionProgram, Program

_MAX_HISTORY = 50
_RUN_SAVED = "Run saved version"
_CANCEL = "Cancel"
_RESUME, _HISTORY, _DISMISS = "Resume", "Show history", "Dismiss"


@dataclass(frozen=True, slots=True)
class Target:
    """The mission that a command is about."""

    program: Program
    mission: MissionProgram
    state_folder: str
    execution_id: str | None

    @property
    def argument(self) -> dict[str, Any]:
        """The same as a command's argument."""
        return {"uri": convert.uri_of(self.mission.mission.path), "mission": self.mission.name}


async def _start(ls: ReqonServer, mode: Mode, arguments: tuple[Any, ...]) -> dict[str, Any] | None:
    """Start a run and answer with its execution id as soon as that is known."""
    if not ls.session.settings.trusted:
        raise RefusedError("missions are not run in a workspace that is not trusted")
    target = await _target(ls, arguments)
    if target is None or not await _saved_version_will_do(ls, target):
        return None
    order = Order(
        target.program.root.path,
        target.mission.name,
        target.state_folder,
        mode,
        target.execution_id if mode == "resume" else None,
    )
    observer = _Observer(ls, target, mode)
    observer.progress = await ls.talk.progress(f"Reqon: {target.mission.name}", observer.cancel)
    try:
        execution_id = await ls.runs.start(order, observer)
    except RefusedError as refusal:
        observer.progress.end(str(refusal))
        raise
    return {"executionId": execution_id, "mission": target.mission.name}


@dataclass(slots=True)
class _Observer:
    """Passes on to the client what a run tells."""

    ls: ReqonServer
    target: Target
    mode: Mode
    progress: Progress | None = None

    def cancel(self) -> None:
        run = self.ls.runs.live.get((self.target.state_folder, self.target.mission.name))
        if run is not None:
            run.stop()

    def progressed(self, text: str, percent: int | None) -> None:
        if self.progress is not None:
            self.progress.report(text, percent)

    def said(self, line: str) -> None:
        self.ls.talk.log(f"{self.target.mission.name}: {line}")

    def ended(self, result: Mapping[str, Any]) -> None:
        text = f"{self.target.mission.name}: {one_line(result)}"
        if self.progress is not None:
            self.progress.end(text)
        self.ls.talk.log(text)
        if result.get("exitCode") == 0:
            self.ls.talk.tell(text)
        else:
            asyncio.ensure_future(_offer_what_next(self.ls, self.target, text))  # noqa: RUF006 - the loop ends with the server


@fenced()
async def _offer_what_next(ls: ReqonServer, target: Target, text: str) -> None:
    """After a run that did not end well."""
    choice = await ls.talk.ask(text, [_RESUME, _HISTORY, _DISMISS], error=True)
    if choice == _RESUME:
        await _start(ls, "resume", (target.argument,))
    elif choice == _HISTORY:
        await _show_history(ls, target)


async def _saved_version_will_do(ls: ReqonServer, target: Target) -> bool:
    """Ask where an open text of the program differs from its file."""
    unsaved = [
        path
        for path in target.program.files
        if path in ls.session.files.texts and not _is_saved(ls, path)
    ]
    if not unsaved:
        return True
    names = ", ".join(Path(path).name for path in unsaved)
    answer = await ls.talk.ask(f"{names} has changes that are not saved.", [_RUN_SAVED, _CANCEL])
    return answer == _RUN_SAVED


def _is_saved(ls: ReqonServer, path: str) -> bool:
    try:
        return Path(path).read_bytes() == ls.session.files.read(path)
    except OSError:
        return False


# ---------------------------------------------------------------- which mission


async def _target(ls: ReqonServer, arguments: tuple[Any, ...]) -> Target | None:
    """The mission that the arguments name, else the only one there is, else the user's choice."""
    given = _mapping(arguments[0] if arguments else None)
    uri, mission = given.get("uri"), given.get("mission")
    execution_id = given.get("executionId")
    path = convert.path_of(uri) if isinstance(uri, str) else None
    if isinstance(uri, str) and path is None:
        raise RefusedError("only a mission in a file can be run")
    found = _candidates(ls, path, mission if isinstance(mission, str) else None)
    if not found:
        raise RefusedError(
            f"there is no mission '{mission}' here" if mission else "no mission is open"
        )
    name = next(iter(found))
    if len(found) > 1:
        chosen = await ls.talk.ask("Which mission?", list(found))
        if chosen not in found:
            return None
        name = chosen
    program, one = found[name]
    folder = ls.state_folder(one)
    return Target(program, one, folder, execution_id if isinstance(execution_id, str) else None)


def _candidates(
    ls: ReqonServer, path: str | None, mission: str | None
) -> dict[str, tuple[Program, MissionProgram]]:
    snapshots = ls.analysis.snapshots.values() if path is None else _snapshots(ls, path)
    return {
        one.name: (snapshot.program, one)
        for snapshot in snapshots
        for one in snapshot.program.missions
        if mission in (None, one.name) and Path(one.mission.path).is_absolute()
    }


def _snapshots(ls: ReqonServer, path: str | None) -> list[Snapshot]:
    """The program of a file, as it reads now; without a path all that are known."""
    if path is None:
        return ls.analysis.all_snapshots()
    if path in ls.session.files.texts:
        ls.publisher.flush(path)
    known = ls.analysis.snapshot(path)
    return [known if known is not None else _read(ls, path)]


def _read(ls: ReqonServer, path: str) -> Snapshot:
    try:
        return ls.analysis.read_closed(path)
    except OSError as error:
        raise RefusedError(f"'{path}' cannot be read: {error.strerror or error}") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    """The fields of a command's argument, whatever form the protocol gave it."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    if hasattr(value, "_asdict"):
        return cast("Mapping[str, Any]", value._asdict())
    return cast("Mapping[str, Any]", getattr(value, "__dict__", {}))


# ---------------------------------------------------------------- the commands


@fenced()
async def run(ls: ReqonServer, *arguments: Any) -> dict[str, Any] | None:
    """`reqon.server.run`: run a mission from the start."""
    return await _start(ls, "run", arguments)


@fenced()
async def resume(ls: ReqonServer, *arguments: Any) -> dict[str, Any] | None:
    """`reqon.server.resume`: go on where the newest execution, or the one named, stopped."""
    return await _start(ls, "resume", arguments)


@fenced()
async def dry_run(ls: ReqonServer, *arguments: Any) -> dict[str, Any] | None:
    """`reqon.server.dryRun`: say what a run would do."""
    return await _start(ls, "dryRun", arguments)


@fenced()
async def cancel(ls: ReqonServer, *arguments: Any) -> dict[str, Any] | None:
    """`reqon.server.cancel`: ask a running mission to stop in order, whoever started it."""
    target = await _target(ls, arguments)
    if target is None:
        return None
    live = ls.runs.live.get((target.state_folder, target.mission.name))
    if live is not None:
        live.stop()
        return {"stopped": True}
    ls.talk.log(await ask_to_stop(target.state_folder, target.mission.name))
    return {"stopped": True}


@fenced(empty=[])
async def history(ls: ReqonServer, *arguments: Any) -> list[dict[str, Any]]:
    """`reqon.server.history`: past executions, newest first, shown and as the result."""
    target = await _target(ls, arguments)
    return [] if target is None else await _show_history(ls, target)


async def _show_history(ls: ReqonServer, target: Target) -> list[dict[str, Any]]:
    states = await asyncio.to_thread(_read_history, target)
    now = local_now()
    page = history_markdown(target.mission.name, states, now)
    if ls.abilities.shows_documents:
        path = await asyncio.to_thread(_write_page, target.mission.name, page)
        if await ls.talk.show(path):
            return history_rows(states)
    ls.talk.tell("\n".join(page.splitlines()[:12]))
    return history_rows(states)


def _read_history(target: Target) -> list[ExecutionState]:
    reader = StateReader(Path(target.state_folder))
    return reader.history(target.mission.name, limit=_MAX_HISTORY)


def _write_page(mission: str, page: str) -> str:
    folder = Path(tempfile.mkdtemp(prefix="reqon-history-"))
    path = folder / f"{''.join(c if c.isalnum() else '_' for c in mission)[:60]}.md"
    path.write_text(page, encoding="utf-8")
    return str(path)


@fenced()
async def restart(ls: ReqonServer, *arguments: Any) -> dict[str, Any]:
    """`reqon.server.restart`: forget everything that was read, and read it anew."""
    del arguments
    ls.analysis.snapshots.clear()
    ls.session.files.forget_reads()
    for path in ls.session.files.texts:
        ls.publisher.poke(path)
    return {"documents": len(ls.session.files.texts)}


@fenced(empty=[])
async def missions(ls: ReqonServer, *arguments: Any) -> list[dict[str, Any]]:
    """`reqon.server.missions`: the missions of the file `uri`, or of the workspace without one.

    With `line` the mission around it alone, if there is one. The client writes the rest: see
    `mission_list`.
    """
    given = _mapping(arguments[0] if arguments else None)
    uri, line = given.get("uri"), given.get("line")
    path = convert.path_of(uri) if isinstance(uri, str) else None
    if isinstance(uri, str) and path is None:
        return []
    if path is None:
        await ls.read_workspace()
    rows: list[dict[str, Any]] = []
    for snapshot in _snapshots(ls, path):
        for one in snapshot.program.missions:
            if Path(one.mission.path).is_absolute():
                folder = ls.state_folder(one)
                state = await asyncio.to_thread(last_state, folder, one.name)
                rows.append(mission_row(snapshot.program, one, folder, state, local_now()))
    around = [row for row in rows if row["path"] == path and _is_within(line, row["lines"])]
    return around or rows


def _is_within(line: Any, lines: list[int]) -> bool:
    return isinstance(line, int) and lines[0] <= line <= lines[1]


COMMANDS: dict[str, Callable[..., Awaitable[Any]]] = {
    "reqon.server.run": run,
    "reqon.server.resume": resume,
    "reqon.server.dryRun": dry_run,
    "reqon.server.cancel": cancel,
    "reqon.server.history": history,
    "reqon.server.restart": restart,
    "reqon.server.missions": missions,
}
