"""Retention in a state store elsewhere that can list and delete.

The same promises as in the folder: the newest execution of a mission stays, so does its newest
completed one, and so does what could still be resumed because nothing later has completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from reqon.clock import Clock
from reqon.journal.elsewhere import Elsewhere
from reqon.journal.retention import Rules
from reqon.state.model import ExecutionState
from reqon.state.record import instant


async def forget_old(
    elsewhere: Elsewhere, clock: Clock, mission: str, retention: timedelta
) -> list[str]:
    """Delete what is older; answers the ids. Nothing where the clock has gone back."""
    states = list(await elsewhere.list(mission, None, None))
    now = clock.now()
    if states and _started(states[0]) > now:
        return []
    completed = next((n for n, s in enumerate(states) if s["status"] == "completed"), len(states))
    old = [s for s in states[completed + 1 :] if now - _ended(s) > retention]
    for state in old:
        await elsewhere.delete(state["executionId"])
    return [state["executionId"] for state in old]


def removable(
    states: Sequence[ExecutionState], rules: Rules, now: datetime
) -> list[ExecutionState]:
    """What the rules of a cleanup take of a mission's executions, which come newest first."""
    done = [state for state in states if state.status != "running"]
    if rules.everything:
        return done
    if states and states[0].started_at > now:
        return []
    kept = {state.execution_id for state in (*states[:1], *_protected(states, rules))}
    return [
        state
        for number, state in enumerate(states)
        if state in done
        and state.execution_id not in kept
        and (rules.keep_last is None or number >= rules.keep_last)
        and (rules.older_than is None or now - _last_seen(state) > rules.older_than)
    ]


def _protected(states: Sequence[ExecutionState], rules: Rules) -> list[ExecutionState]:
    """The newest completed one, and the newest that can be resumed if none has completed since."""
    found: list[ExecutionState] = []
    for state in states:
        if state.status == "completed":
            return [*found, state]
        if state.resumable and not found and not rules.include_resumable:
            found.append(state)
    return found


def _last_seen(state: ExecutionState) -> datetime:
    return state.completed_at or instant(state.record.get("heartbeatAt")) or state.started_at


def _started(state: dict[str, Any]) -> datetime:
    started = instant(state["startedAt"])
    assert started is not None, "a state has a start"
    return started


def _ended(state: dict[str, Any]) -> datetime:
    """When it ended, else its last sign of life."""
    times = (instant(state.get(name)) for name in ("completedAt", "heartbeatAt"))
    return next((at for at in times if at is not None), _started(state))
