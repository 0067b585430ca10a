"""`reqon stop`: asks a running execution to stop in order, so that it can be resumed.

The kernel's lock says whether a mission runs; the process is told only after its identity has been
compared, since process numbers are used again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reqon.cli import console
from reqon.cli.finding import find_mission, reader_of
from reqon.cli.invocation import Invocation, ReqonCommand, complete_mission, pass_invocation
from reqon.errors import ExitCode, RefusedError
from reqon.journal.locks import process_facts
from reqon.state.liveness import DOING, Holder, holder
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader

_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.1


EPILOG = """\b
Example:
  reqon stop CustomerSync && reqon ./missions/ --mission CustomerSync --resume
"""


@click.command("stop", cls=ReqonCommand, epilog=EPILOG)
@click.argument("mission", shell_complete=complete_mission)
@pass_invocation
def command(invocation: Invocation, mission: str) -> int:
    """Ask the running execution of MISSION to stop in order; it can be resumed then."""
    reader = reader_of(invocation.state_dir)
    running = holder(StatePaths(invocation.state_dir).mission_lock(mission))
    if running is None:
        state = find_mission(reader, mission)
        console.show(f"{mission} is not running; its last execution is {state.status}")
        return ExitCode.SUCCESS
    if DOING in running.facts:
        console.show(f"{mission} is not running; it is {running.facts[DOING]}")
        return ExitCode.SUCCESS
    pid = _verified_pid(mission, running)
    os.kill(pid, signal.SIGTERM)
    console.say(f"asked process {pid} to stop; waiting for it to save its state")
    return _wait(reader, mission, running, pid)


def _verified_pid(mission: str, running: Holder) -> int:
    """The process that holds the lock, if it is surely that one and on this machine."""
    facts: Mapping[str, Any] = running.facts
    pid, here = facts.get("pid"), process_facts()
    if not isinstance(pid, int) or pid <= 0:
        raise RefusedError(f"it is not known which process runs '{mission}'", hint="try again")
    if facts.get("host") != here["host"] or facts.get("bootId") != here["bootId"]:
        raise RefusedError(
            f"'{mission}' runs on another machine, {facts.get('host')}",
            hint=f"stop process {pid} there",
        )
    if facts.get("pidStart") != _start_of(pid):
        raise RefusedError(
            f"process {pid} is not the one that runs '{mission}'", hint="try again in a moment"
        )
    return pid


def _start_of(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None where the system does not say."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None  # field 22 of proc(5)


def _wait(reader: StateReader, mission: str, running: Holder, pid: int) -> int:
    lock = reader.paths.mission_lock(mission)
    end = time.monotonic() + _PATIENCE_SECONDS
    stopped = running.execution_id
    while time.monotonic() < end:
        now = holder(lock)
        if now is None or now.facts.get("pid") != pid:
            status = _status_of(reader, mission, stopped)
            console.show(f"{mission} is {console.paint_status(status)}")
            return ExitCode.SUCCESS
        stopped = now.execution_id or stopped
        time.sleep(_POLL_SECONDS)
    raise RefusedError(
        f"'{mission}' has not stopped after {_PATIENCE_SECONDS:.0f} seconds",
        hint=f"it may wait for a request to end; `kill -9 {pid}` loses nothing either",
    )


def _status_of(reader: StateReader, mission: str, execution_id: str | None) -> str:
    """What became of the execution that was stopped, though another may have begun since."""
    found = reader.latest(mission)
    if execution_id is not None:
        found = reader.record(execution_id, mission)
    return "gone" if found is None else found.status
