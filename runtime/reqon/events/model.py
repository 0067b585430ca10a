"""The events of a run: a closed union, each a fact that a commit has already made true.

Events go to observing sinks only (progress, log, callbacks, metrics). No state is built from
them and no engine code reads one. The stream stamps `Stamped` around each: number, time, run.
Values are plain JSON values, already redacted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The execution has its record and locks; `resumed_at` is the text of the resume point."""

    resumed: bool
    resumed_at: str | None
    record_path: str | None
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of the pipeline begins; `index` from 0."""

    index: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageSkipped:
    """The stage's condition was falsy."""

    index: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """An action begins, or goes on after a resume; `nested` when entered by `run` or `jump`."""

    action: str
    nested: bool = False
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class ActionCompleted:
    """An action ended well."""

    action: str
    duration_ms: int
    items: int
    nested: bool = False


@dataclass(frozen=True, slots=True)
class PageFetched:
    """One page of a paginated request is committed; `items` in all pages so far."""

    action: str
    page: int
    items: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """Items of an action processed so far; `total` is None while it is not known."""

    action: str
    current: int
    total: int | None


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A `checkpoint every N` is durable; `index` is the next item."""

    action: str
    index: int


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A request (or a `retry` directive) is tried again after a wait."""

    action: str
    step: str
    attempt: int
    wait_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something went on that a person should see: a failed assumption, a null collection.

    `kind` is `assume` or `other`; `place` such as `customer_sync.vague:12:5`.
    """

    kind: str
    message: str
    action: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a dry run would do here: `would send GET https://api.test/items`; `place` as above."""

    action: str
    message: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An error ended an action or the run; `error` has the fields of the record's `errors[]`."""

    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The final record is durable; `record` is it."""

    status: str
    duration_ms: int
    record: Mapping[str, Any]


Event: TypeAlias = (
    RunStarted
    | StageStarted
    | StageSkipped
    | ActionStarted
    | ActionCompleted
    | PageFetched
    | Progressed
    | CheckpointSaved
    | RetryScheduled
    | Warned
    | Foreseen
    | Failed
    | RunEnded
)


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its place in the run's history."""

    number: int
    at: datetime
    mission: str
    execution_id: str
    event: Event
