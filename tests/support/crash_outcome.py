"""What an execution left behind, in the form in which two executions are compared.

Equal must be: the bytes of every store, the keys and counts of the sync checkpoints, the record's
status, actions, counts, checkpoints and pipeline, the files of the state folder, and what the
service was made to do. Times, ids, attempts and the words of errors may differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reqon.state.reader import StateReader

RECORD_FIELDS = (
    "mission",
    "status",
    "actionsRun",
    "activeStep",
    "stores",
    "checkpoints",
    "pipeline",
    "progress",
    "warnings",
    "pendingSync",
    "unknownEffects",
    "interruptedBy",
    "durability",
    "schemaVersion",
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-\d+)?")


@dataclass(frozen=True)
class Outcome:
    """Everything that must be equal. `leftovers` are files of an execution that has completed."""

    stores: dict[str, bytes]
    sync: dict[str, Any]
    records: list[dict[str, Any]]
    files: list[str]
    effects: dict[str, Any]
    leftovers: list[str] = field(default_factory=list, compare=False)


def outcome_of(state_dir: Path, effects: dict[str, Any], *, ordered: bool = True) -> Outcome:
    """Read a state folder to the end.

    Parts that ran at the same time may have written in any order: without `ordered` the records
    of a store and the completed actions count, and not their order, and the last progress is that
    of any of them.
    """
    files = sorted(_files(state_dir))
    leftovers = [name for name in files if ".journal" in name or ".blobs" in name]
    return Outcome(
        stores={
            name: _store((state_dir / name).read_bytes(), ordered=ordered)
            for name in files
            if name.startswith("stores/") and not _base(name).startswith(".")
        },
        sync=_sync(state_dir),
        records=[_record(record, ordered=ordered) for record in _records(state_dir, files)],
        files=[_STAMP.sub("<time>", name) for name in files if name not in leftovers],
        effects=effects,
        leftovers=leftovers,
    )


def _store(content: bytes, *, ordered: bool) -> bytes:
    if ordered:
        return content
    return b"\n".join(sorted(line.rstrip(b",") for line in content.splitlines()))


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _sync(state_dir: Path) -> dict[str, Any]:
    path = state_dir / "sync-checkpoints.json"
    if not path.exists():
        return {}
    found = _json(path)
    if found is None:
        return {"unreadable": True}
    return {
        key: {name: entry.get(name) for name in ("itemsSynced", "totalItemsSynced", "mission")}
        for key, entry in found.items()
    }


def _records(state_dir: Path, files: list[str]) -> list[dict[str, Any]]:
    """The records that can be read, in the order in which the executions began."""
    found = [
        _json(state_dir / name)
        for name in files
        if name.startswith("execution/") and name.endswith(".json") and "blobs/" not in name
    ]
    read = [record for record in found if record is not None]
    return sorted(read, key=lambda record: datetime.fromisoformat(record["startedAt"]))


def _json(path: Path) -> dict[str, Any] | None:
    """The object in a file, if it can be read."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def _record(record: dict[str, Any], *, ordered: bool) -> dict[str, Any]:
    shown = {name: record[name] for name in RECORD_FIELDS if name in record}
    if not ordered:
        shown["actionsRun"] = sorted(record["actionsRun"])
        shown.pop("progress", None)
    shown["errors"] = len(record["errors"])
    return shown


def differences(found: Outcome, wanted: Outcome) -> list[str]:
    """What is not equal, in words; empty when all is."""
    lines: list[str] = []
    for name in ("stores", "sync", "records", "files", "effects"):
        left, right = getattr(found, name), getattr(wanted, name)
        if left != right:
            lines += _unequal(name, left, right)
    return lines


def _unequal(name: str, found: Any, wanted: Any) -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [
            line
            for key in keys
            if found.get(key) != wanted.get(key)
            for line in _unequal(f"{name}.{key}", found.get(key), wanted.get(key))
        ]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [
            line
            for number, (left, right) in enumerate(zip(found, wanted, strict=True))
            if left != right
            for line in _unequal(f"{name}[{number}]", left, right)
        ]
    return [f"{name}: found {_short(found)}, wanted {_short(wanted)}"]


def _short(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
    return text if len(text) < 600 else f"{text[:400]} … {text[-180:]}"


def n_completed(state_dir: Path, mission: str) -> int:
    """How many executions a person is told have completed; reading must work whatever was left."""
    reader = StateReader(state_dir)
    reader.missions()
    reader.quarantine()
    reader.sync_checkpoints()
    return sum(state.status == "completed" for state in reader.history(mission))
