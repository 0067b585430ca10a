"""When a sync time counts: from candidates of complete fetches to what is published.

A fetch that was complete leaves a candidate; the frame that ends its action publishes it, so
that no time is ever ahead of the data. Candidates of an action that wrote a store which is gone
after the execution wait for its end. All values are instants in ISO form. Pure functions over
plain data; writing the file is `journal.sync_checkpoints`' work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Pending = dict[str, dict[str, dict[str, Any]]]
"""Sync key to action to candidate: `{"lastSync", "items", "cursor"?}`."""


def instant(text: Any) -> datetime | None:
    """The instant of an ISO text; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def add_candidate(
    pending: Pending, key: str, action: str, last_sync: str, items: int, *, cursor: bool
) -> None:
    """Note a complete fetch. Several under one key and action are one candidate."""
    candidate: dict[str, Any] = {"lastSync": last_sync, "items": items}
    if cursor:
        candidate["cursor"] = True
    by_action = pending.setdefault(key, {})
    known = by_action.get(action)
    by_action[action] = candidate if known is None else combine(known, candidate)


def combine(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two candidates of one key: of start times the earlier, of cursors the later; items add up."""
    times = [first["lastSync"], second["lastSync"]]
    both_cursors = bool(first.get("cursor")) and bool(second.get("cursor"))
    chosen = (max if both_cursors else min)(times, key=_order)
    result: dict[str, Any] = {"lastSync": chosen, "items": first["items"] + second["items"]}
    if both_cursors:
        result["cursor"] = True
    return result


def take_candidates(pending: Pending, action: str) -> dict[str, dict[str, Any]]:
    """Take the candidates of an action out of `pending`, by key."""
    taken: dict[str, dict[str, Any]] = {}
    for key in [key for key, by_action in pending.items() if action in by_action]:
        taken[key] = pending[key].pop(action)
        if not pending[key]:
            del pending[key]
    return taken


def published_value(
    candidate: Mapping[str, Any], before: Mapping[str, Any] | None, base_total: int
) -> dict[str, Any]:
    """What is published under a key: `before` is what this execution published already.

    `base_total` counts the items of all earlier executions, so that publishing the same frame
    again after a crash changes nothing.
    """
    merged = dict(candidate)
    if before is not None:
        earlier = {**before, "items": before["itemsSynced"]}
        merged = combine(earlier, candidate)
    value: dict[str, Any] = {
        "lastSync": merged["lastSync"],
        "itemsSynced": merged["items"],
        "totalItemsSynced": base_total + merged["items"],
    }
    if merged.get("cursor"):
        value["cursor"] = True
    return value


def is_later(candidate: Any, known: Any) -> bool:
    """Whether a published time may replace a known one: never an earlier one."""
    new, old = instant(candidate), instant(known)
    if new is None or old is None:
        return old is None
    return new >= old


def _order(text: str) -> tuple[bool, datetime, str]:
    moment = instant(text)
    return moment is not None, moment or datetime.min.replace(tzinfo=UTC), text
