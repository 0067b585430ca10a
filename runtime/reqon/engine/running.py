"""Everything that the branches of one attempt share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reqon.clock import Clock, format_instant
from reqon.engine.bind import BoundMission
from reqon.engine.going_back import WaysBack
from reqon.engine.keeper import Keeper
from reqon.engine.resume import ResumeCells
from reqon.engine.shown import shown_path
from reqon.engine.sources import Sources
from reqon.engine.stops import Stop
from reqon.engine.telling import Teller
from reqon.engine.window import Window
from reqon.errors import RunError
from reqon.events.stream import EventStream
from reqon.http.client import HttpClient
from reqon.journal.session import Session
from reqon.secrets import SecretRegistry
from reqon.values.scope import Value
from vague.ast.expressions import Expression


@dataclass(slots=True)
class Running:
    """One attempt of an execution; made by `run.py`, used by all its branches."""

    mission: BoundMission
    session: Session
    client: HttpClient
    sources: Sources
    events: EventStream
    clock: Clock
    secrets: SecretRegistry
    lets: Mapping[str, Value]
    read_env: Callable[[str], str | None]
    stop: Stop
    window: Window
    keeper: Keeper
    resume: ResumeCells
    seed: str
    started_at: datetime
    base_folder: Path
    evaluate: Callable[[Expression], Value]
    keeps_state: bool = True
    batches: bool = True
    dry_run: bool = False
    unanswered: bool = False
    """A dry run has left a request unsent: data may be missing from now on."""
    unknown: str | None = None
    attempt: int = 1
    has_failed_before: bool = False
    """An earlier attempt of the execution ended as failed."""
    forced: bool = False
    """The execution was resumed all the same, perhaps by a program that was changed."""
    ways_back: WaysBack = field(default_factory=WaysBack)
    """Where to go back, because the same would fail again."""
    parallel_mode: str = "continue"
    max_concurrency: int | None = None
    run_pass: int = 0
    told_at: float = 0.0
    sent: set[str] = field(default_factory=set[str])
    """Keys of the requests that change something and were sent in this attempt."""
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.teller = Teller(self.events)

    @property
    def source_names(self) -> frozenset[str]:
        """Names of the sources."""
        return self.sources.names

    def env(self, name: str) -> str | None:
        """An environment variable; one that holds a secret is kept out of all texts."""
        value = self.read_env(name)
        self.secrets.add_environment(name, value)
        return value

    def shown_items(self, action: str) -> int:
        """Items that the record shows of an action."""
        return self.session.state.summary.checkpoints.get(action, {}).get("itemsProcessed", 0)

    def error_record(self, error: RunError, action: str | None) -> dict[str, Any]:
        """An error as the execution record shows it."""
        place = error.place
        facts: dict[str, Any] = {
            "action": action,
            "step": error.step,
            "stepPath": None if error.step_path is None else str(error.step_path),
            "file": None if place is None else shown_path(place.file, self.base_folder),
            "line": None if place is None else place.line,
            "column": None if place is None else place.column,
            "index": error.index,
            "kind": error.kind,
            "message": self.secrets.redact(error.message),
            "at": format_instant(self.clock.now()),
            "attempt": self.attempt,
            "retryable": error.retryable,
        }
        if error.code is not None:
            facts["code"] = error.code
        if error.hint is not None:
            facts["hint"] = self.secrets.redact(error.hint)
        return facts
