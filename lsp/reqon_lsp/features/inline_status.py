"""The last execution's status at the end of each mission's header.

In: a snapshot and the newest execution of each mission. Out: plain hints. A hint has at most 40
characters, the most important first; all the rest stands in its tooltip. Times are absolute, so
nothing needs a ticking refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reqon.state.model import ExecutionState
from reqon_lsp.analysis import Snapshot
from vague.locate import action_hash
from vague.program import MissionProgram

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LABEL = 40


@dataclass(frozen=True, slots=True)
class StatusHint:
    """One hint: after the line that holds `offset`; `tooltip` is Markdown.

    `resumable` is the id of an execution that can go on.
    """

    mission: str
    offset: int
    label: str
    tooltip: str
    resumable: str | None = None


Latest = Callable[[str], ExecutionState | None]
"""The newest execution of a mission, by name."""


def inline_status(
    snapshot: Snapshot, path: str, latest: Latest, now: datetime
) -> Iterator[StatusHint]:
    """The hints of the missions whose header stands in the file at `path`.

    They are steady while the text is broken, as the headers are. `now` is local time: it decides
    between `14:02`, `Mon 14:02` and a date.
    """
    for header in snapshot.headers.get(path, ()):
        state = latest(header.mission)
        if state is None:
            continue
        mission = snapshot.program.mission(header.mission)
        edited = mission is not None and is_edited(mission, state)
        yield StatusHint(
            header.mission,
            header.end,
            label(state, now, edited=edited),
            tooltip(state, now),
            state.execution_id if state.resumable else None,
        )


def is_edited(mission: MissionProgram, state: ExecutionState) -> bool:
    """Whether an action that the execution knew reads differently now."""
    known = state.action_hashes
    return any(
        name in known and known[name] != action_hash(mission, name) for name in mission.actions
    )


def label(state: ExecutionState, now: datetime, *, edited: bool) -> str:
    """The text of a hint, such as `✓ 14:02 · 1,523 rec · 3.2s`."""
    when = moment(state.completed_at or state.last_activity_at, now)
    if state.status == "running":
        return _fit(f"▶ {_position(state) or 'running'}", state)
    if state.status == "interrupted":
        return _fit(f"⚠ interrupted {_position(state)}".rstrip(), state)
    if state.status == "failed":
        return _fit(f"✗ {when} {_failure(state)}", state)
    if edited:
        return f"~ {when} ok · edited since"
    records = sum(counts.added + counts.updated for counts in state.stores.values())
    return f"✓ {when} · {records:,} rec · {seconds(state.duration_ms)}"


def moment(at: datetime | None, now: datetime) -> str:
    """A time as one reads it beside code: `14:02` today, `Mon 14:02` this week, else the date."""
    if at is None:
        return ""
    local = at.astimezone(now.tzinfo)
    days = (now.date() - local.date()).days
    if days == 0:
        return local.strftime("%H:%M")
    return local.strftime("%a %H:%M") if 0 < days < 7 else local.strftime("%Y-%m-%d")


def seconds(duration_ms: int | None) -> str:
    """`3.2s`, `2m 30s`, `1h 5m`."""
    if duration_ms is None:
        return "?"
    if duration_ms < 60_000:
        return f"{duration_ms / 1000:.1f}s"
    minutes, rest = divmod(round(duration_ms / 1000), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s"
    return f"{minutes // 60}h {minutes % 60}m"


def tooltip(state: ExecutionState, now: datetime) -> str:
    """Everything about the execution, as Markdown."""
    rows = [f"**{state.mission}** {state.status}", ""]
    rows.extend(_error(error) for error in state.errors[:1])
    if state.resumable:
        rows.append(f"- {resumes_at(state)}")
    rows.append(f"- execution `{state.execution_id}`")
    rows.append(f"- started {_exact(state.started_at, now)}")
    if state.completed_at is not None:
        rows.append(f"- ended {_exact(state.completed_at, now)} after {seconds(state.duration_ms)}")
    for number, stage in enumerate(state.pipeline, 1):
        rows.append(
            f"- {_STAGE_MARKS.get(str(stage.get('status')), '·')} stage {number}: {_stage(stage)}"
        )
    if state.actions_run and not state.pipeline:
        rows.append(f"- actions completed: {', '.join(state.actions_run)}")
    for action, checkpoint in state.checkpoints.items():
        items = checkpoint.get("itemsProcessed")
        page = checkpoint.get("page")
        parts = [f"page {page:,}" if isinstance(page, int) else ""]
        parts.append(f"{items:,} items" if isinstance(items, int) else "")
        rows.append(f"- {action}: {', '.join(part for part in parts if part)}")
    for name, counts in state.stores.items():
        rows.append(
            f"- store {name}: {counts.count:,} records, "
            f"{counts.added:,} added, {counts.updated:,} updated"
        )
    rows.append(f"- record `{state.path}`")
    return "\n".join(rows)


_STAGE_MARKS = {"completed": "✓", "failed": "✗", "running": "▶", "interrupted": "⚠"}


def _stage(stage: Mapping[str, Any]) -> str:
    branches: Any = stage.get("branches")
    names = ", ".join(map(str, branches)) if isinstance(branches, dict) else ""  # pyright: ignore[reportUnknownArgumentType] - JSON
    status = str(stage.get("status", ""))
    return f"{_STAGE_MARKS.get(status, '·')} {names} {status}".strip()


def _error(error: Mapping[str, Any]) -> str:
    place = ""
    if error.get("file"):
        place = f" ({error['file']}:{error.get('line', '?')})"
    return f"- error in {error.get('action')}{place}: {error.get('message')}"


def _exact(at: datetime | None, now: datetime) -> str:
    return at.astimezone(now.tzinfo).strftime("%Y-%m-%d %H:%M:%S %z") if at else "?"


def resumes_at(state: ExecutionState) -> str:
    """Where a resume goes on, such as `resumes at FetchOrders, item 400 of 1,000`."""
    return f"resumes at {_place(state)}"


def _place(state: ExecutionState) -> str:
    step = state.active_step
    if step is None:
        return "the beginning"
    progress = state.progress
    total = progress.total if progress and progress.of(step.action) else None
    if step.index is None:
        return step.action
    return f"{step.action}, item {step.index:,}" + (f" of {total:,}" if total else "")


def _position(state: ExecutionState) -> str:
    """Such as `3/7 FetchOrders 38%`: the stage of how many, the action, how much of it."""
    step, progress = state.active_step, state.progress
    parts: list[str] = []
    stages = state.pipeline
    if len(stages) > 1:
        done = sum(stage.get("status") in ("completed", "skipped") for stage in stages)
        parts.append(f"{min(done + 1, len(stages))}/{len(stages)}")
    if step is not None:
        parts.append(step.action)
        if progress is not None and not progress.of(step.action):
            progress = None
    if progress is not None and progress.total:
        parts.append(f"{progress.current * 100 // progress.total}%")
    elif progress is not None and progress.current:
        parts.append(f"{progress.current:,}")
    return " ".join(parts)


def _failure(state: ExecutionState) -> str:
    if not state.errors:
        return "failed"
    error = state.errors[-1]
    kind, code, action = error.get("kind", "failed"), error.get("code"), error.get("action")
    what = f"HTTP {code}" if kind == "http" and code else str(kind)
    return f"{action} · {what}" if action else what


def _fit(text: str, state: ExecutionState) -> str:
    """Cut to the limit, the action's name first."""
    if len(text) <= MAX_LABEL:
        return text
    action = state.active_step.action if state.active_step else None
    if state.errors and state.status == "failed":
        action = state.errors[-1].get("action")
    if action and action in text:
        room = len(action) - (len(text) - MAX_LABEL) - 1
        if room > 0:
            return text.replace(action, action[:room] + "…", 1)
    return text[: MAX_LABEL - 1] + "…"
