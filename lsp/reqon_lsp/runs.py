"""Runs that the server was asked to start: the command line as a child process, watched.

One live run for each state folder and mission. The server holds no run itself: what happened is
read from the state folder like any other run; here is only what the client waits for, progress
and the end. A child is its own session, so that it survives the editor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from reqon_lsp.results import RefusedError

logger = logging.getLogger(__name__)

_LINE_BYTES = 16 * 1024 * 1024
_START_SECONDS = 30.0

Key = tuple[str, str]
"""State folder and mission."""
Mode = Literal["run", "resume", "dryRun"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: `program` is an absolute path, `state_folder` the state folder to use."""

    program: str
    mission: str
    state_folder: str
    mode: Mode
    execution_id: str | None = None

    @property
    def key(self) -> Key:
        """What only one live run can have."""
        return self.state_folder, self.mission

    @property
    def folder(self) -> str | None:
        """Where it runs: beside the state folder, as far as there is such a place."""
        folder = Path(self.state_folder).parent
        return str(folder) if folder.is_dir() else None

    @property
    def command(self) -> list[str]:
        """The command line for a terminal, without a shell."""
        command = [sys.executable, "-P", "-m", "reqon", "run", self.program]
        command += ["--mission", self.mission, "--state-dir", self.state_folder]
        if self.mode == "dryRun":
            command.append("--dry-run")
        elif self.mode == "resume":
            command.append("--resume-only")
            if self.execution_id is not None:
                command += ["--execution", self.execution_id]
        return command


class Observer(Protocol):
    """Who is told how a run goes. Calls come on the event loop."""

    def progressed(self, text: str, percent: int | None) -> None:
        """The run is here now."""
        ...

    def said(self, line: str) -> None:
        """The process wrote a line for people."""
        ...

    def ended(self, result: Mapping[str, Any]) -> None:
        """The run is over; `result` is the last line of its output."""
        ...


@dataclass(slots=True, eq=False)
class LiveRun:
    """A child process; `execution_id` is set once the run has told it, or has ended."""

    order: Order
    process: asyncio.subprocess.Process
    observer: Observer
    execution_id: asyncio.Future[str | None]
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def stop(self) -> None:
        """Ask it to stop in order; it can be resumed then."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGINT)


@dataclass(slots=True)
class Runs:
    """The live runs of one connection."""

    live: dict[Key, LiveRun] = field(default_factory=dict[Key, LiveRun])
    _tasks: set[asyncio.Future[None]] = field(default_factory=set[asyncio.Future[None]])
    _starting: set[Key] = field(default_factory=set[Key])

    async def start(self, order: Order, observer: Observer) -> str | None:
        """Start a run and give its execution id, None for one that has none (a dry run may).

        Raises:
            RefusedError: when one of this mission is running already, or none can be started.
        """
        if order.key in self.live or order.key in self._starting:
            raise RefusedError(f"mission '{order.mission}' is running already")
        self._starting.add(order.key)
        try:
            process = await _spawn(order)
        except OSError as error:
            raise RefusedError(f"mission '{order.mission}' cannot be started: {error}") from error
        finally:
            self._starting.discard(order.key)
        execution_id: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        run = LiveRun(order, process, observer, execution_id)
        self.live[order.key] = run
        task = asyncio.ensure_future(self._watch(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait([execution_id], timeout=_START_SECONDS)
        return execution_id.result() if done else None

    def stop_all(self) -> None:
        """Ask every run to stop: for clients that do not want runs to survive them."""
        for run in self.live.values():
            run.stop()

    async def _watch(self, run: LiveRun) -> None:
        """Read what the process says until it ends."""
        try:
            await asyncio.gather(_read_events(run), _read_lines(run))
            await run.process.wait()
        except Exception:  # a run that cannot be read is still waited for
            logger.exception("cannot follow a run of '%s'", run.order.mission)
            await run.process.wait()
        finally:
            self.live.pop(run.order.key, None)
            if not run.execution_id.done():
                run.execution_id.set_result(None)
            exit_code = run.process.returncode
            run.observer.ended({"exitCode": exit_code, **run.result})


async def _spawn(order: Order) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(*order.command, "--format", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=order.folder,
        start_new_session=os.name != "nt",
        limit=_LINE_BYTES,
    )


async def _read_events(run: LiveRun) -> None:
    """The event lines on standard output."""
    stream = run.process.stdout
    assert stream is not None, "standard output is a pipe"
    while line := await stream.readline():
        event = _object(line)
        if event is not None:
            _take(event, run)


def _take(event: Mapping[str, Any], run: LiveRun) -> None:
    execution_id = event.get("executionId")
    if isinstance(execution_id, str) and not run.execution_id.done():
        run.execution_id.set_result(execution_id)
    if event.get("event") == "result":
        run.result = event
        return
    text = progress_text(event)
    if text is not None:
        run.observer.progressed(text, percentage(event))


def _object(line: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


async def _read_lines(run: LiveRun) -> None:
    """The lines for people on standard error."""
    stream = run.process.stderr
    assert stream is not None, "standard error is a pipe"
    while line := await stream.readline():
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            run.observer.said(text)


def progress_text(event: Mapping[str, Any]) -> str | None:
    """An event in a few words; None for one that moves nothing."""
    action = event.get("action")
    match event.get("event"):
        case "action_started":
            return f"{action}"
        case "page_fetched":
            return f"{action}: page {event.get('page')}, {event.get('items'):,} items"
        case "progressed":
            total = event.get("total")
            of = f" of {total:,}" if isinstance(total, int) else ""
            return f"{action}: {event.get('current', 0):,}{of}"
        case "action_completed":
            return f"{action}: done"
        case "retry_scheduled":
            return f"{action}: trying again ({event.get('reason')})"
        case _:
            return None


def percentage(event: Mapping[str, Any]) -> int | None:
    """How much of the current action is done, where that is known."""
    current, total = event.get("current"), event.get("total")
    if isinstance(current, int) and isinstance(total, int) and total > 0:
        return max(0, min(100, current * 100 // total))
    return None


async def ask_to_stop(state_folder: str, mission: str) -> str:
    """Ask a run that somebody else started to stop; gives what the command said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "reqon", "stop", mission, "--state-dir", state_folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode("utf-8", "replace").strip()
