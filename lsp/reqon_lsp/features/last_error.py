"""The last run's error at the step that failed, until the step is edited or the mission runs again.

The record tells the step's address and a hash of its action. While the action still has that
hash, the address is right; from then on the step is known by its own hash, and is followed
wherever edits around it move it. An `Anchor` is that memory; the caller keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reqon.state.model import ExecutionState
from reqon_lsp.features.inline_status import moment
from reqon_lsp.results import Location
from vague.ast.definitions import Action, Mission
from vague.ast.steps import Step
from vague.locate import action_hash, node_hash, span_of, step_node
from vague.program import MissionProgram, Program
from vague.step_path import StepPath
from vague.text import Span

CODE = "last-run"
_HEAD = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|[^{\n"'])+""")
"""What is underlined: the step's first line without its options or its block."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The failed step of an execution as it was: its address and its hash."""

    execution_id: str
    path: StepPath
    hash: str


@dataclass(frozen=True, slots=True)
class LastError:
    """An error of the last run at its place."""

    place: Location
    message: str


def anchor_of(
    mission: MissionProgram, state: ExecutionState | None, before: Anchor | None
) -> Anchor | None:
    """The anchor of the newest execution's error; None where there is none to show."""
    if state is None or not state.errors or state.status not in ("failed", "interrupted"):
        return None
    if before is not None and before.execution_id == state.execution_id:
        return before
    path = _address(mission, state.errors[-1])
    node = step_node(mission, path) if path is not None else None
    if path is None or node is None or path.action is None:
        return None
    if not _unedited(mission, state, path.action):
        return None
    return Anchor(state.execution_id, path, node_hash(node))


def last_error(
    program: Program,
    mission: MissionProgram,
    state: ExecutionState | None,
    anchor: Anchor | None,
    now: datetime,
) -> LastError | None:
    """The error at its step, if the step still reads as it did."""
    if anchor is None or state is None:
        return None
    path = _find(mission, anchor)
    found = span_of(program, path) if path is not None else None
    if found is None:
        return None
    file, span = found
    head = _HEAD.match(program.files[file].parsed.source.text, span.start, span.end)
    end = span.start + len(head[0].rstrip()) if head is not None else span.start
    when = moment(state.completed_at or state.last_activity_at, now)
    error = state.errors[-1]
    text = f"the last run ({when}) failed here: {_what(error)}"
    return LastError(Location(file, Span(span.start, end)), text)


def _what(error: Mapping[str, Any]) -> str:
    message = str(error.get("message") or error.get("kind") or "unknown error")
    index = error.get("index")
    return f"{message} (item {index:,})" if isinstance(index, int) else message


def _address(mission: MissionProgram, error: Mapping[str, Any]) -> StepPath | None:
    written = error.get("stepPath")
    if isinstance(written, str):
        path = StepPath.parse(written)
        return path if path.mission == mission.name else None
    action = error.get("action")
    return StepPath(mission.name, action) if isinstance(action, str) else None


def _unedited(mission: MissionProgram, state: ExecutionState, action: str) -> bool:
    known = state.action_hashes.get(action)
    return action in mission.actions and known in (None, action_hash(mission, action))


def _find(mission: MissionProgram, anchor: Anchor) -> StepPath | None:
    """Where the step is now: at its old address, else the only one beside it that reads so."""
    node = step_node(mission, anchor.path)
    if node is not None and node_hash(node) == anchor.hash:
        return anchor.path
    *outer, last = anchor.path.segments or ("",)
    if not isinstance(last, int):
        return None
    parent = StepPath(anchor.path.mission, anchor.path.action, tuple(outer))
    found = [
        parent.child(index)
        for index, sibling in enumerate(_siblings(mission, parent))
        if node_hash(sibling) == anchor.hash
    ]
    return found[0] if len(found) == 1 else None


def _siblings(mission: MissionProgram, parent: StepPath) -> list[Mission | Action | Step]:
    found: list[Mission | Action | Step] = []
    while (node := step_node(mission, parent.child(len(found)))) is not None:
        found.append(node)
    return found
