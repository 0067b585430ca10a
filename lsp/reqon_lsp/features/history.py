"""Past executions of a mission, for people as Markdown and for clients as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reqon.state.model import ExecutionState
from reqon_lsp.features.inline_status import seconds

_MARKS = {"completed": "✓", "failed": "✗", "running": "▶", "interrupted": "⚠"}


def history_rows(states: Sequence[ExecutionState]) -> list[dict[str, Any]]:
    """One object an execution, newest first."""
    return [
        {
            "executionId": state.execution_id,
            "mission": state.mission,
            "status": state.status,
            "startedAt": state.started_at.isoformat(),
            "durationMs": state.duration_ms,
            "items": state.items_processed,
            "resumable": state.resumable,
            "record": str(state.path),
            "error": _error(state),
        }
        for state in states
    ]


def history_markdown(mission: str, states: Sequence[ExecutionState], now: datetime) -> str:
    """A page with a line an execution."""
    rows = [f"# {mission}", ""]
    if not states:
        return "\n".join([*rows, "It never ran."]) + "\n"
    rows.append("| status | started | took | items | execution | last error |")
    rows.append("| --- | --- | --- | --- | --- | --- |")
    for state in states:
        started = state.started_at.astimezone(now.tzinfo).strftime("%Y-%m-%d %H:%M:%S")
        took = seconds(state.duration_ms) if state.duration_ms is not None else ""
        error = (_error(state) or "").replace("|", "\\|").replace("\n", " ")
        rows.append(
            f"| {_MARKS[state.status]} {state.status} | {started} | {took} "
            f"| {state.items_processed:,} | `{state.execution_id}` | {error} |"
        )
    return "\n".join(rows) + "\n"


def _error(state: ExecutionState) -> str | None:
    if not state.errors:
        return None
    error = state.errors[-1]
    return f"{error.get('action')}: {error.get('message')}"
