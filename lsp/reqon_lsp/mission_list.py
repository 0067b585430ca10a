"""The missions of a file or of the workspace, for clients that start and list them themselves.

A row says where a mission stands, how its last execution went, and the command line of each way
to start it, so that a client needs to know nothing of programs and state folders.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader
from reqon_lsp.features.code_lens import verbs
from reqon_lsp.features.inline_status import is_edited, label
from reqon_lsp.runs import Mode, Order
from vague.program import MissionProgram, Program

_WAYS: tuple[Mode, ...] = ("run", "resume", "dryRun")


def mission_row(
    program: Program,
    mission: MissionProgram,
    state_folder: str,
    state: ExecutionState | None,
    now: datetime,
) -> dict[str, Any]:
    """One mission; `lines` are its first and last one, from 0; `now` is local time."""
    element = mission.mission
    span = element.absolute(element.node.span)
    text = program.files[element.path].parsed.source.text
    can = verbs(state)
    orders = {
        way: Order(
            program.root.path,
            mission.name,
            state_folder,
            way,
            state.execution_id if way == "resume" and state is not None else None,
        )
        for way in _WAYS
        if way in can
    }
    edited = state is not None and is_edited(mission, state)
    return {
        "mission": mission.name,
        "path": element.path,
        "lines": [text.count("\n", 0, span.start), text.count("\n", 0, span.end)],
        "state": state.status if state is not None else None,
        "status": label(state, now, edited=edited) if state is not None else "never run",
        "running": "cancel" in can,
        "commands": {way: order.command for way, order in orders.items()},
        "folder": orders["dryRun"].folder,
    }


def last_state(state_folder: str, mission: str) -> ExecutionState | None:
    """The newest execution, read from the disk."""
    return StateReader(Path(state_folder)).latest(mission)
