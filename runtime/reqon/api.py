"""Reqon for Python programs: run missions and read what executions left behind.

    from pathlib import Path
    from reqon import execute, get_execution_state

    result = execute(Path("missions/customer_sync.vague"))
    state = get_execution_state("CustomerSync")

A mission that fails is a result, not an exception; exceptions (`reqon.errors`) say that nothing
was run. Each function has an `_async` form for programs with an event loop of their own. Nothing
here prints.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from reqon.arguments import (
    check_choice,
    check_mapping,
    check_path,
    check_source,
    check_texts,
    check_types,
    moment,
)
from reqon.engine.run import ResumeChoice, RunControl, RunOptions, RunResult, run_mission
from reqon.errors import CheckError, ConfigError, ReqonError
from reqon.events.stream import Sink
from reqon.journal.faults import check_listable
from reqon.loader import DiskFiles, TextOverDisk
from reqon.settings import load_settings
from reqon.sinks.callbacks import CallbackSink
from reqon.state.model import ExecutionState, StoreCounts, to_state
from reqon.state.reader import StateReader
from reqon.state.record import STATUSES, cleaned
from reqon.state_folder import default_state_dir
from reqon.state_stores.chosen import current_state_store
from reqon.state_stores.reading import can_list, read_all, read_one
from reqon.surroundings import check_facts
from vague.checker import check
from vague.diagnostics import Diagnostic, Severity
from vague.program import Files, Program, ProgramRoot, find_programs, read_program

T = TypeVar("T")
Status = Literal["completed", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What `execute` gives back: one execution for each mission that was run, in order.

    `error` is the first that ended one of them; None when all completed.
    """

    executions: tuple[ExecutionState, ...]
    error: ReqonError | None

    @property
    def status(self) -> Status:
        """`completed` if all are, else `failed`, or `interrupted` where none failed."""
        found = {execution.status for execution in self.executions}
        if "failed" in found:
            return "failed"
        return "completed" if found <= {"completed"} else "interrupted"

    @property
    def ok(self) -> bool:
        """Whether all missions completed."""
        return self.status == "completed"

    @property
    def state(self) -> ExecutionState:
        """The last execution; the only one unless several missions were run."""
        return self.executions[-1]

    @property
    def execution_id(self) -> str:
        """Its id."""
        return self.state.execution_id

    @property
    def mission(self) -> str:
        """Its mission."""
        return self.state.mission

    @property
    def stores(self) -> Mapping[str, StoreCounts]:
        """What it did to its stores: count, added, updated, unchanged."""
        return self.state.stores


class ExecuteOptions(TypedDict, total=False):
    """The options of `execute`; `execute_async` tells what each means."""

    mission: str | None
    state_dir: str | Path | None
    progress_callbacks: object | None
    resume: bool
    execution_id: str | None
    force: bool
    dry_run: bool
    full: bool
    since: datetime | None
    until: datetime | None
    limit: int | None
    variables: Mapping[str, str] | None
    wait: timedelta | None
    unknown: Literal["resend", "skip"] | None
    env: Mapping[str, str] | None
    auth: str | Path | None


class _HistoryOptions(TypedDict):
    limit: int | None
    status: str | None
    since: datetime | None


def execute(source: str | Path, **options: Unpack[ExecuteOptions]) -> ExecutionResult:
    """Run the missions of `source` to their end; takes the options of `execute_async`.

    Raises RuntimeError in a running event loop: await `execute_async` there.
    """
    return _wait_for("execute", lambda: execute_async(source, **options))


async def execute_async(  # noqa: PLR0913 - options, all by name
    source: str | Path,
    *,
    mission: str | None = None,
    state_dir: str | Path | None = None,
    progress_callbacks: object | None = None,
    resume: bool = False,
    execution_id: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    full: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    variables: Mapping[str, str] | None = None,
    wait: timedelta | None = None,
    unknown: Literal["resend", "skip"] | None = None,
    env: Mapping[str, str] | None = None,
    auth: str | Path | None = None,
) -> ExecutionResult:
    """Run missions one after another.

    Args:
        source: A text is a program, a `Path` is a file, a mission folder or a folder of missions.
        mission: Run this mission only; else all of the program, one after another.
        state_dir: Where state is kept; else `REQON_STATE_DIR`, else `.vague-data`.
        progress_callbacks: A mapping or object with any of `on_action_start(action)`,
            `on_action_complete(action, duration_ms)`, `on_error(error)` (`error.message`) and
            `on_progress(progress)` (`progress.current`, `progress.total`); functions or
            coroutines. What they raise is logged, and SystemExit interrupts the run in order.
        resume: Go on with an interrupted or failed execution where there is one.
        execution_id: Go on with this execution.
        force: Go on although the program changed since the interruption.
        dry_run: Send nothing and write nothing.
        full: Sync everything, whatever was synced before.
        since: Sync what changed from then on; moves no sync checkpoint.
        until: Sync what changed up to then; moves no sync checkpoint.
        limit: At most so many items a loop; moves no sync checkpoint.
        variables: Values for the mission's `let`s of these names.
        wait: How long to wait for a running execution of the same mission.
        unknown: What to do with requests whose outcome is not known after an interruption or a
            failure.
        env: The environment that the mission sees, instead of that of this process.
        auth: A file with credentials for the sources.

    Raises:
        CheckError: The program has errors; `diagnostics` says which. Nothing was run.
        ConfigError: A path, mission, option or credential is missing or wrong.
        RefusedError: State forbids it: running already, source changed, state damaged.
    """
    check_source(source)
    check_mapping("env", env, str)
    check_mapping("variables", variables, str, int, float)
    check_texts(mission=mission, execution_id=execution_id)
    check_types(bool, resume=resume, force=force, dry_run=dry_run, full=full)
    check_types(timedelta, wait=wait)
    check_types(int, limit=limit)
    check_path("auth", auth)
    check_choice("unknown", unknown, "resend", "skip")
    environ = os.environ if env is None else env
    settings = load_settings(environ, folder=Path(), auth_file=None if auth is None else Path(auth))
    options = RunOptions(
        state_dir=_state_dir(state_dir, environ),
        resume=execution_id or (ResumeChoice.IF_ANY if resume else ResumeChoice.NEVER),
        force=force,
        wait_seconds=None if wait is None else wait.total_seconds(),
        full=full,
        since=moment("since", since),
        until=moment("until", until),
        limit=limit,
        variables=dict(variables or {}),
        dry_run=dry_run,
        settings=settings,
        unknown=unknown,
        state_store=current_state_store(),
    )
    selected = _having(_select(source, mission), execution_id, options)
    return await _run_all(selected, options, progress_callbacks)


async def _run_all(
    selected: Iterable[tuple[Program, str]], options: RunOptions, callbacks: object | None
) -> ExecutionResult:
    results = [await _run_one(program, name, options, callbacks) for program, name in selected]
    return ExecutionResult(
        executions=tuple(_state_of(result, options) for result in results),
        error=next((result.error for result in results if result.error is not None), None),
    )


async def _run_one(
    program: Program, mission: str, options: RunOptions, callbacks: object | None
) -> RunResult:
    control = RunControl()

    def leave(error: BaseException) -> None:
        control.interrupt(type(error).__name__)

    sink = None if callbacks is None else CallbackSink(callbacks, on_leaving=leave)
    sinks: list[Sink] = [] if sink is None else [sink]
    result = await run_mission(program, mission, options, sinks, control)
    if sink is not None and sink.leaving is not None:
        raise sink.leaving
    if result.status is None and result.error is not None:
        raise result.error
    return result


def get_execution_state(
    mission: str, execution_id: str | None = None, *, state_dir: str | Path | None = None
) -> ExecutionState | None:
    """The last execution of a mission, or the one with this id; None where there is none.

    Brought up to date: a run whose process died is `interrupted` at once. A store set by
    `set_state_store` is asked first, unless `state_dir` names a folder. Raises RuntimeError in a
    running event loop: await `get_execution_state_async` there.
    """
    return _wait_for(
        "get_execution_state",
        lambda: get_execution_state_async(mission, execution_id, state_dir=state_dir),
    )


async def get_execution_state_async(
    mission: str, execution_id: str | None = None, *, state_dir: str | Path | None = None
) -> ExecutionState | None:
    """The same for programs with an event loop."""
    check_types(str, mission=mission, execution_id=execution_id)
    store = current_state_store() if state_dir is None else None
    if store is not None and (execution_id is not None or can_list(store)):
        return await read_one(store, mission, execution_id)
    reader = _reader(state_dir)
    return await asyncio.to_thread(_read_state, reader, mission, execution_id)


def get_execution_history(
    mission: str | None = None,
    *,
    limit: int | None = None,
    status: str | None = None,
    since: datetime | None = None,
    state_dir: str | Path | None = None,
) -> list[ExecutionState]:
    """Executions of a mission (or of all), newest first.

    Raises RuntimeError in a running event loop: await `get_execution_history_async` there.
    """
    return _wait_for(
        "get_execution_history",
        lambda: get_execution_history_async(
            mission, limit=limit, status=status, since=since, state_dir=state_dir
        ),
    )


async def get_execution_history_async(
    mission: str | None = None,
    *,
    limit: int | None = None,
    status: str | None = None,
    since: datetime | None = None,
    state_dir: str | Path | None = None,
) -> list[ExecutionState]:
    """The same for programs with an event loop."""
    check_types(str, mission=mission)
    check_types(int, limit=limit)
    if limit is not None and limit < 1:
        raise ConfigError(f"limit={limit!r} is no number of executions", hint="say 1 or more")
    if status not in (None, *STATUSES):
        raise ConfigError(f"status={status!r} is none", hint=f"say one of {', '.join(STATUSES)}")
    since = moment("since", since)
    store = current_state_store() if state_dir is None else None
    if store is not None and can_list(store):
        states = await read_all(store, mission, status)
        return [s for s in states if since is None or s.started_at >= since][:limit]
    reader = _reader(state_dir)
    return await asyncio.to_thread(
        _read_history, reader, mission, limit=limit, status=status, since=since
    )


def _wait_for(name: str, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end; refuse where a loop runs already in this thread."""
    if _in_event_loop():
        raise RuntimeError(
            f"{name}() cannot wait in a running event loop: await {name}_async() there"
        )
    return asyncio.run(start())


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _state_dir(state_dir: str | Path | None, environ: Mapping[str, str]) -> Path:
    check_path("state_dir", state_dir)
    return _from_here(default_state_dir(environ) if state_dir is None else Path(state_dir))


def _from_here(path: Path) -> Path:
    """The path in full: the program may go to another folder meanwhile."""
    try:
        return path.absolute()
    except OSError as error:
        raise ConfigError(
            f"'{path}' leads nowhere: the current folder cannot be found ({error.strerror})",
            hint="go to a folder that is there, or say the path in full",
        ) from error


def _reader(state_dir: str | Path | None) -> StateReader:
    return StateReader(_state_dir(state_dir, os.environ))


def _read_history(
    reader: StateReader, mission: str | None, **options: Unpack[_HistoryOptions]
) -> list[ExecutionState]:
    check_listable(reader.paths)
    return reader.history(mission, **options)


def _read_state(
    reader: StateReader, mission: str, execution_id: str | None
) -> ExecutionState | None:
    check_listable(reader.paths)
    if execution_id is not None:
        return reader.record(execution_id, mission)
    return reader.latest(mission)


def _state_of(result: RunResult, options: RunOptions) -> ExecutionState:
    """The execution as its final record tells it."""
    execution_id = result.execution_id or ""
    kept = StateReader(options.state_dir).record(execution_id, result.mission)
    return kept or to_state(cleaned(result.record), options.state_dir, has_journal=False)


def _select(source: str | Path, mission: str | None) -> list[tuple[Program, str]]:
    """The programs and names of the missions to run, all of them checked."""
    files, roots = _roots(source)
    programs = [read_program(root, files) for root in roots]
    selected = [
        (program, found.name)
        for program in programs
        for found in program.missions
        if mission in (None, found.name)
    ]
    known = [found.name for program in programs for found in program.missions]
    if mission is not None and not selected:
        raise ConfigError(
            f"there is no mission '{mission}'",
            hint=f"the missions are: {', '.join(known) or 'none'}",
        )
    _refuse_errors(_problems(programs, files, mission))
    return selected


def _having(
    selected: list[tuple[Program, str]], execution_id: str | None, options: RunOptions
) -> list[tuple[Program, str]]:
    """Of several missions the one whose execution is to go on; all where that cannot be told."""
    if execution_id is None or len(selected) == 1 or options.state_store is not None:
        return selected
    reader = StateReader(options.state_dir)
    having = [one for one in selected if reader.record(execution_id, one[1]) is not None]
    return having or selected


def _roots(source: str | Path) -> tuple[Files, Sequence[ProgramRoot]]:
    if isinstance(source, str):
        files = TextOverDisk(source)
        return files, [ProgramRoot(TextOverDisk.NAME, "file", TextOverDisk.NAME)]
    disk = DiskFiles()
    path = str(_from_here(Path(source)))
    if disk.kind(path) is None:
        raise ConfigError(f"no such path: '{source}'", hint="a program text is given as a str")
    found = find_programs(path, disk)
    _refuse_errors(found.diagnostics)
    return disk, found.programs


def _problems(programs: Iterable[Program], files: Files, mission: str | None) -> list[Diagnostic]:
    facts = check_facts(files, execute=True)
    return [
        diagnostic
        for program in programs
        if mission is None or any(found.name == mission for found in program.missions)
        for diagnostic in check(program, facts).diagnostics
    ]


def _refuse_errors(diagnostics: Iterable[Diagnostic]) -> None:
    errors = tuple(found for found in diagnostics if found.severity is Severity.ERROR)
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise CheckError(f"{first.code}: {first.message}{more}", errors)
