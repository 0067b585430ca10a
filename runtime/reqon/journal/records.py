"""The record of an execution: built from its state, replaced whole, for people and tools.

Field names and order are those of the seed format, further fields follow; unknown fields of a
record that is resumed are kept. The record is a view: what it says, the journal said before.
Secrets become stars and redacted paths are left out before it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from reqon.journal.disk import Disk
from reqon.journal.frames import SCHEMA_VERSION
from reqon.journal.placeholders import SecretBook
from reqon.journal.run_state import RunState
from reqon.state.record import instant

_COUNT_NAMES = ("count", "added", "updated", "unchanged")


@dataclass(slots=True)
class RecordFacts:
    """What the record says beside the state: how the execution stands and who runs it.

    `unknown_fields` are those that another version wrote.
    """

    status: str
    owner: Mapping[str, Any]
    heartbeat_at: str
    completed_at: str | None = None
    interrupted_by: str | None = None
    duration_ms: int | None = None
    journaled: bool = True
    unknown_effects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unknown_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


def build_record(state: RunState, facts: RecordFacts) -> dict[str, Any]:
    """The record as JSON, all that is not known left out."""
    start, summary = state.start, state.summary
    record: dict[str, Any] = {
        "executionId": start.execution_id,
        "mission": start.mission,
        "startedAt": start.started_at,
        "completedAt": facts.completed_at,
        "status": facts.status,
        "actionsRun": list(summary.actions),
        "activeStep": None if facts.status == "completed" else summary.active,
        "errors": state.errors,
        "stores": {name: _counts(numbers) for name, numbers in summary.counts.items()},
        "storeFiles": store_files(start.stores) or None,
        "schemaVersion": SCHEMA_VERSION,
        "seq": state.last_number if facts.journaled else None,
        "checkpoints": summary.checkpoints,
        "pipeline": summary.pipeline or None,
        "progress": summary.progress,
        "warnings": summary.warnings or None,
        "program": start.program,
        "retryOf": start.retry_of,
        "frozen": {"startedAt": start.started_at, "seed": start.seed, "since": state.since},
        "pendingSync": _pending(state) or None,
        "synced": state.synced or None,
        "unknownEffects": [*state.unknown, *facts.unknown_effects] or None,
        "attempts": state.attempts,
        "owner": dict(facts.owner),
        "heartbeatAt": None if facts.completed_at else facts.heartbeat_at,
        "interruptedBy": facts.interrupted_by,
        "durationMs": facts.duration_ms,
        "trigger": start.trigger,
        "durability": start.durability if facts.journaled else None,
    }
    known = {name: value for name, value in record.items() if value is not None}
    return known | {k: v for k, v in facts.unknown_fields.items() if k not in record}


def store_files(stores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The identifiers of the files below `stores/` that a mission with these stores writes."""
    return sorted(
        {
            facts["identifier"]
            for facts in stores.values()
            if facts["adapter"] == "file" and facts.get("writes", True)
            if "dir" not in facts.get("options", {})
        }
    )


def _pending(state: RunState) -> dict[str, Any]:
    """Sync times that are not published: of running actions, and those that wait for the end."""
    pending: dict[str, Any] = {key: dict(by) for key, by in state.summary.pending_sync.items()}
    for key, value in state.deferred.items():
        pending.setdefault(key, {})["*"] = value
    return pending


def _counts(numbers: list[int]) -> dict[str, int]:
    added, updated, unchanged, count = numbers
    return dict(zip(_COUNT_NAMES, (count, added, updated, unchanged), strict=True))


def copied(record: Mapping[str, Any], secrets: SecretBook) -> dict[str, Any]:
    """A record that shares nothing with the live state, its secrets as stars."""
    return secrets.redact_value(msgspec.json.decode(msgspec.json.encode(record)))


def write_record(disk: Disk, path: Path, record: Mapping[str, Any]) -> None:
    """Replace the record, durable. Blocks; OSError as the disk says."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    disk.replace_durably(path, [text.encode("utf-8", "replace"), b"\n"])


def duration_of(attempts: list[dict[str, Any]], now_text: str) -> int:
    """Milliseconds of all attempts together; one without an end lasts until now."""
    total = 0.0
    for attempt in attempts:
        start = instant(attempt.get("startedAt"))
        end = instant(attempt.get("endedAt")) or instant(now_text)
        if start is not None and end is not None:
            total += max(0.0, (end - start).total_seconds())
    return round(total * 1000)
