"""Bringing a record up to date from its journal, and making one of a journal alone.

Pure functions over JSON objects but for reading the tail. The status that comes out is what is
true now: `running` only while the mission's lock is held by that very execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from reqon.state.journal_tail import Tail, read_tail, tail_of_lines
from reqon.state.record import cleaned, count, problem_of

_COUNT_NAMES = ("added", "updated", "unchanged", "count")


def up_to_date(record: Mapping[str, Any], journal: Path | None, *, alive: bool) -> dict[str, Any]:
    """A `running` record with what its journal adds; dead ones become `interrupted`.

    An execution that ended well in its journal, but died before its record said so, has still
    to be brought to an end by a resume: it is `interrupted` too.
    """
    result = dict(record)
    tail = None if journal is None else read_tail(journal)
    if tail is not None:
        _apply(result, tail)
    if not alive:
        result["status"] = "interrupted"
        if tail is not None and tail.end is not None and tail.end.get("status") == "failed":
            result["status"] = "failed"
            result["completedAt"] = tail.end.get("at")
    return cleaned(result)


def with_frames(record: Mapping[str, Any], lines: Iterable[bytes]) -> dict[str, Any]:
    """A record with what frames say that came later; its status stays."""
    result = dict(record)
    tail = tail_of_lines(lines)
    if tail is not None:
        _apply(result, tail)
    return cleaned(result)


def from_journal(start: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record that a journal's first frame stands for, running; None for other content."""
    record: dict[str, Any] = {
        "executionId": start.get("executionId"),
        "mission": start.get("mission"),
        "startedAt": start.get("startedAt"),
        "status": "running",
        "actionsRun": [],
        "errors": [],
        "stores": {},
        "schemaVersion": start.get("schemaVersion", 1),
    }
    for name in ("program", "trigger", "durability", "owner"):
        if start.get(name) is not None:
            record[name] = start[name]
    return cleaned(record) if problem_of(record) is None else None


def _apply(record: dict[str, Any], tail: Tail) -> None:
    seq = record.get("seq", 0)
    if tail.number <= seq:
        return
    summary = tail.summary
    record["seq"] = tail.number
    record["actionsRun"] = summary.get("actions", [])
    record["checkpoints"] = summary.get("checkpoints", {})
    record["stores"] = _stores(summary.get("counts"))
    for name in ("pipeline", "progress", "warnings", "pendingSync"):
        if name in summary:
            record[name] = summary[name]
        else:
            record.pop(name, None)
    record.pop("activeStep", None)
    if summary.get("active") is not None:
        record["activeStep"] = summary["active"]
    record["errors"] = [
        *record.get("errors", []),
        *(error for number, error in tail.errors if number > seq),
    ]
    record["heartbeatAt"] = _time_text(tail.at_ms) or record.get("heartbeatAt")


def _stores(counts: Any) -> dict[str, dict[str, int]]:
    """`{store: [added, updated, unchanged, count]}` as the record's `stores`."""
    if not isinstance(counts, dict):
        return {}
    result: dict[str, dict[str, int]] = {}
    for name, numbers in cast("dict[str, Any]", counts).items():
        if isinstance(numbers, list) and all(map(count, cast("list[Any]", numbers))):
            result[name] = dict(zip(_COUNT_NAMES, cast("list[int]", numbers), strict=False))
    return result


def _time_text(at_ms: int) -> str | None:
    try:
        moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
