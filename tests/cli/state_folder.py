"""State folders for tests: records as files, written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SEED_RECORD: dict[str, Any] = {
    "executionId": "exec_abc123",
    "mission": "CustomerSync",
    "startedAt": "2024-01-20T09:00:00Z",
    "completedAt": "2024-01-20T09:02:30Z",
    "status": "completed",
    "actionsRun": ["FetchCustomers", "TransformCustomers"],
    "errors": [],
    "stores": {"customers": {"count": 1523, "added": 42, "updated": 18}},
}


def write_record(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write a record like that of the seed, with these changes; returns it."""
    record = {**SEED_RECORD, **changes}
    record = {name: value for name, value in record.items() if value is not None}
    start = record["startedAt"].removesuffix("Z").replace(":", "-")
    path = folder / ".vague-data" / "execution" / f"{record['mission']}-{start}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), "utf-8")
    return record


def write_sync_checkpoints(folder: Path, checkpoints: dict[str, Any]) -> None:
    """Write `sync-checkpoints.json`."""
    path = folder / ".vague-data" / "sync-checkpoints.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(checkpoints), "utf-8")


def write_store(folder: Path, name: str, records: dict[str, Any]) -> None:
    """Write a store file."""
    path = folder / ".vague-data" / "stores" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records), "utf-8")
