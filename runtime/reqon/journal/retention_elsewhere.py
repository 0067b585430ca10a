"""Retention in a state store elsewhere that can list and delete.

The same promises as in the folder: the newest execution of a mission stays, so does its newest
completed one, and so does what could still be resumed because nothing later has completed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reqon.clock import Clock
from reqon.journal.elsewhere import Elsewhere
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


def _started(state: dict[str, Any]) -> datetime:
    started = instant(state["startedAt"])
    assert started is not None, "a state has a start"
    return started


def _ended(state: dict[str, Any]) -> datetime:
    """When it ended, else its last sign of life."""
    times = (instant(state.get(name)) for name in ("completedAt", "heartbeatAt"))
    return next((at for at in times if at is not None), _started(state))
