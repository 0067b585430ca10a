"""Finding executions by what a person typed; an unknown name is answered with the known ones."""

from __future__ import annotations

import difflib
from pathlib import Path

from reqon.cli import console
from reqon.errors import ConfigError
from reqon.journal.faults import check_listable
from reqon.state.closed import is_closed
from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader

_LISTED = 10
CLOSED_HINT = "`ls -la` shows its rights; run Reqon as its owner, or give it to this user"
REPAIR_HINT = "`reqon state repair` rebuilds what can be rebuilt"


def reader_of(folder: Path) -> StateReader:
    """A reader of the state folder; ConfigError where it is there and cannot be looked into."""
    reader = StateReader(folder)
    check_listable(reader.paths)
    return reader


def find_mission(reader: StateReader, mission: str) -> ExecutionState:
    """The newest execution of a mission; ConfigError where there is none."""
    state = reader.latest(mission)
    if state is None:
        raise unknown_mission(reader, mission)
    return state


def unknown_mission(reader: StateReader, mission: str) -> ConfigError:
    """The error for a mission without executions."""
    damaged = reader.corrupt(mission)
    if damaged:
        return ConfigError(
            f"the record of '{mission}' cannot be read: {damaged[0].path}: {damaged[0].reason}",
            hint=CLOSED_HINT if is_closed(damaged[0].path) else REPAIR_HINT,
        )
    known = reader.missions()
    near = difflib.get_close_matches(mission, known, n=1)
    return ConfigError(
        f"there is no execution of a mission '{mission}' in '{reader.paths.root}'",
        hint=f"did you mean '{near[0]}'?" if near else _what_there_is(reader, known),
    )


def _what_there_is(reader: StateReader, known: list[str]) -> str:
    if known:
        return f"there are executions of: {', '.join(known)}"
    if not reader.paths.root.exists():
        return "the folder does not exist; run a mission first, or name the folder with --state-dir"
    return "no mission has been run with this state folder yet"


def find_execution(reader: StateReader, execution: str, mission: str | None) -> ExecutionState:
    """The execution with this id; ConfigError where there is none."""
    state = reader.record(execution, mission)
    if state is None:
        known = [state.execution_id for state in reader.history(mission, limit=_LISTED)]
        whose = f" of mission '{mission}'" if mission else ""
        raise ConfigError(
            f"there is no execution '{execution}'{whose}",
            hint=f"the newest are: {', '.join(known)}" if known else "there is none at all yet",
        )
    return state


def say_unreadable(reader: StateReader, mission: str | None) -> None:
    """Say which records of a mission, or of all, cannot be read, and what to do."""
    for file in reader.corrupt(mission):
        closed = is_closed(file.path)
        word = "unreadable" if closed else "corrupt"
        console.say(f"{console.paint(word, 'bad')}  {file.path}: {file.reason}")
        console.say(f"  help: {CLOSED_HINT if closed else REPAIR_HINT}")


def say_nothing_here(reader: StateReader) -> None:
    """Say that there are no executions."""
    root = reader.paths.root
    if root.exists():
        console.say(f"no executions in '{root}' yet")
    else:
        console.say(f"no executions yet: there is no folder '{root}'")
    console.say("  help: run a mission with `reqon PATH`, or name its folder with --state-dir")
