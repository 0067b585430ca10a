"""What a reader of state gets: frozen values with Python names.

`ExecutionState` is a record brought up to date; `to_dict` gives it back as the JSON that the file
holds (with the same updates). Plain data: nothing here reads a file.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from reqon.state.record import SCHEMA_VERSION, as_object, count, instant

Status: TypeAlias = Literal["running", "completed", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class ActiveStep:
    """Where an execution is: `index` counts from 0 and is that of the next item."""

    action: str
    index: int | None
    item: Mapping[str, Any]
    path: Any = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What an execution did to a store; `count` is how many records it held then."""

    count: int
    added: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an execution is, in which action; `total` is None while it is not known."""

    current: int
    total: int | None
    action: str | None = None

    def of(self, action: str | None) -> bool:
        """Whether it may be told beside that action: another one's total means nothing there."""
        return self.action is None or self.action == action


@dataclass(frozen=True, slots=True)
class SyncCheckpoint:
    """The time of the last sync under a key."""

    key: str
    last_sync: datetime
    items_synced: int
    total_items_synced: int
    execution_id: str | None
    mission: str | None

    def to_dict(self) -> dict[str, Any]:
        """The entry's fields as in `sync-checkpoints.json`."""
        text = self.last_sync.isoformat().replace("+00:00", "Z")
        return {"lastSync": text, "itemsSynced": self.items_synced}


@dataclass(frozen=True, slots=True)
class CorruptFile:
    """A file of the state folder that cannot be read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """One execution of a mission, as last known.

    Times are UTC. `status` is `interrupted` also where the process died without saying so.
    `has_journal` tells whether there is something to resume from; `record` is the JSON behind
    all this and not to be changed.
    """

    execution_id: str
    mission: str
    status: Status
    started_at: datetime
    completed_at: datetime | None
    actions_run: tuple[str, ...]
    active_step: ActiveStep | None
    errors: tuple[Mapping[str, Any], ...]
    stores: Mapping[str, StoreCounts]
    checkpoints: Mapping[str, Mapping[str, Any]]
    progress: Progress | None
    duration_ms: int | None
    schema_version: int
    path: Path = field(compare=False)
    has_journal: bool = False
    record: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    @property
    def is_newer_version(self) -> bool:
        """Whether a newer Reqon wrote this: it is listed, and cannot be resumed."""
        return self.schema_version > SCHEMA_VERSION

    @property
    def resumable(self) -> bool:
        """Whether this execution by itself could go on."""
        stopped = self.status in ("interrupted", "failed")
        return stopped and self.has_journal and not self.is_newer_version

    @property
    def program_path(self) -> str | None:
        """Path of the program as recorded; None for program text or an older record."""
        path = self._object("program").get("path")
        return path if isinstance(path, str) else None

    @property
    def items_processed(self) -> int:
        """Items of all actions together."""
        counts: list[Any] = [c.get("itemsProcessed") for c in self.checkpoints.values()]
        return sum(n for n in counts if count(n))

    @property
    def last_activity_at(self) -> datetime:
        """When it ended, else its last sign of life, else its start."""
        heartbeat = instant(self.record.get("heartbeatAt"))
        return self.completed_at or heartbeat or self.started_at

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None while it runs."""
        return None if self.duration_ms is None else timedelta(milliseconds=self.duration_ms)

    @property
    def pipeline(self) -> tuple[Mapping[str, Any], ...]:
        """Stages: `{"stage", "status", "branches": {action: {"status"}}}`."""
        stages = self.record.get("pipeline", [])
        return tuple(cast("list[Mapping[str, Any]]", stages))

    @property
    def action_hashes(self) -> Mapping[str, str]:
        """Hash of each action's text when it ran, to tell whether it was edited since."""
        return as_object(self._object("program").get("actionHashes")) or {}

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON: the fields of the seed format and all others, a deep copy."""
        return copy.deepcopy(dict(self.record))

    def _object(self, name: str) -> Mapping[str, Any]:
        return as_object(self.record.get(name)) or {}


def to_state(record: Mapping[str, Any], path: Path, *, has_journal: bool) -> ExecutionState:
    """The state for a cleaned record (see `state.record.read_record`)."""
    started = instant(record["startedAt"])
    assert started is not None, "a cleaned record has a start"
    duration = record.get("durationMs")
    return ExecutionState(
        execution_id=record["executionId"],
        mission=record["mission"],
        status=record["status"],
        started_at=started,
        completed_at=instant(record.get("completedAt")),
        actions_run=tuple(record["actionsRun"]),
        active_step=_active_step(record.get("activeStep")),
        errors=tuple(record["errors"]),
        stores={name: _counts(counts) for name, counts in record["stores"].items()},
        checkpoints=record.get("checkpoints", {}),
        progress=_progress(record.get("progress")),
        duration_ms=None if duration is None else round(duration),
        schema_version=record.get("schemaVersion", SCHEMA_VERSION),
        path=path,
        has_journal=has_journal,
        record=record,
    )


def _active_step(value: Mapping[str, Any] | None) -> ActiveStep | None:
    if value is None:
        return None
    branch = value.get("branch")
    return ActiveStep(
        value["action"],
        value.get("index"),
        value.get("item", {}),
        value.get("path"),
        branch if isinstance(branch, str) else None,
    )


def _counts(value: Mapping[str, int]) -> StoreCounts:
    return StoreCounts(*(value.get(n, 0) for n in ("count", "added", "updated", "unchanged")))


def _progress(value: Mapping[str, Any] | None) -> Progress | None:
    if value is None:
        return None
    return Progress(value["current"], value.get("total"), value.get("action"))
