"""Which execution a start goes on with, and whether the program still allows it.

Reads through `state.reader`, decides, and changes nothing. The caller holds the mission's lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reqon.errors import ConfigError, RefusedError
from reqon.journal.request import ProgramFacts, ResumeChoice, SessionRequest
from reqon.journal.run_state import RunState
from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader
from reqon.state.record import as_object

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """The execution to resume, None for a new one, and what to tell about it."""

    execution: ExecutionState | None
    notices: tuple[str, ...] = ()


def choose(reader: StateReader, request: SessionRequest) -> Choice:
    """Find what the request asks for.

    ConfigError for an execution that is unknown or has nothing to resume, and for ONLY where
    there is nothing; RefusedError for one that a newer Reqon wrote.
    """
    if request.resume is ResumeChoice.NEVER:
        return Choice(None)
    if isinstance(request.resume, str):
        return Choice(_by_id(reader, request.mission, request.resume))
    found = _newest(reader, request)
    if found.execution is None and request.resume is ResumeChoice.ONLY:
        raise ConfigError(
            f"there is nothing to resume for '{request.mission}'",
            hint="; ".join(found.notices) or f"`reqon history {request.mission}` shows what ran",
        )
    return found


def _by_id(reader: StateReader, mission: str, execution_id: str) -> ExecutionState:
    found = reader.record(execution_id, mission)
    if found is None:
        known = ", ".join(s.execution_id for s in reader.history(mission, limit=_SHOWN))
        raise ConfigError(
            f"'{mission}' has no execution '{execution_id}'",
            hint=f"known: {known}" if known else "it has no executions at all",
        )
    _check_version(found)
    if found.status == "completed":
        raise ConfigError(
            f"the execution '{execution_id}' has completed: there is nothing to resume",
            hint="run the mission without --execution",
        )
    if not found.has_journal:
        raise ConfigError(
            f"the execution '{execution_id}' cannot be resumed: it has no journal",
            hint="it ran with enableState false, or its journal was removed; run the mission anew",
        )
    return found


def _newest(reader: StateReader, request: SessionRequest) -> Choice:
    path = None if request.program is None else request.program.path
    newest = reader.latest(request.mission)
    if newest is not None and newest.status != "completed":
        _check_version(newest)
    candidates = reader.candidates(request.mission)
    fitting = [c for c in candidates if path is None or c.program_path in (None, path)]
    if fitting:
        others = [c.execution_id for c in fitting[1:]]
        also = (f"older ones could be resumed too: {', '.join(others)}",) if others else ()
        return Choice(fitting[0], also)
    return Choice(None, tuple(_why_not(newest, candidates)))


def _why_not(newest: ExecutionState | None, elsewhere: list[ExecutionState]) -> list[str]:
    """What to say where nothing fits."""
    if elsewhere:
        return [
            f"the execution {c.execution_id} was run from '{c.program_path}'; "
            f"--execution {c.execution_id} resumes it all the same"
            for c in elsewhere[:_SHOWN]
        ]
    if newest is not None and newest.status in ("failed", "interrupted") and not newest.has_journal:
        return [f"the execution {newest.execution_id} has no journal and cannot be resumed"]
    return []


def _check_version(state: ExecutionState) -> None:
    if state.is_newer_version:
        raise RefusedError(
            f"the execution '{state.execution_id}' was written by a newer Reqon "
            f"(state version {state.schema_version})",
            hint="resume it with that version, or start the mission anew without --resume",
        )


# ---------------------------------------------------------------- has the program changed?


def check_program(state: RunState, program: ProgramFacts | None, *, force: bool) -> list[str]:
    """Compare the program with the one that the execution began with; returns notices.

    Changes in actions that have not begun are fine. RefusedError names everything else that
    changed, unless `force`.
    """
    before = state.start.program
    if before is None or program is None or before.get("planHash") == program.plan_hash:
        return []
    begun = {*state.summary.actions, *state.summary.entered, *state.summary.checkpoints}
    actions = _differences(before.get("actionHashes"), program.action_hashes)
    parts = _differences(before.get("partHashes"), program.part_hashes)
    blocking = [f"action '{name}'" for name in actions if name in begun] + parts
    if not actions and not parts:
        blocking = ["the mission"]
    if not blocking:
        names = "', '".join(actions)
        return [f"the source changed since, in '{names}', which had not begun: going on"]
    if force:
        return [f"the source changed since ({', '.join(blocking)}): going on all the same"]
    raise RefusedError(
        f"the source changed since execution '{state.start.execution_id}' stopped: "
        + ", ".join(blocking),
        hint="undo the change, start anew without --resume, or go on all the same with --force",
    )


def lets_that_count(
    lets: Mapping[str, Any], before: Mapping[str, Any] | None, program: ProgramFacts | None
) -> dict[str, Any]:
    """What an execution saved of its mission's `let`s, up to the first that is another one now.

    The one that changed is evaluated anew, and so are those behind it, which may use it. Names
    beginning with `$` are none of the mission's.
    """
    parts = None if before is None else as_object(before.get("partHashes"))
    if parts is None or program is None:
        return dict(lets)
    changed = set(_differences(parts, program.part_hashes))
    same = itertools.takewhile(lambda name: f"let '{name}'" not in changed, lets)
    counting = {*same, *(name for name in lets if name.startswith("$"))}
    return {name: value for name, value in lets.items() if name in counting}


def _differences(before: Any, after: Mapping[str, str]) -> list[str]:
    """Names whose hashes differ, or that only one side has."""
    known = as_object(before) or {}
    names = [*known, *(name for name in after if name not in known)]
    return [name for name in names if known.get(name) != after.get(name)]
