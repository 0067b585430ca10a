"""What a session is asked for: plain values, filled in by the engine.

SessionRequest(paths=StatePaths(Path(".vague-data")), mission="CustomerSync",
stores={"customers": StoreSpec("file", "customers")}, …)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, TypeAlias

from reqon.clock import Clock, SystemClock
from reqon.journal.elsewhere import Elsewhere
from reqon.journal.placeholders import NoSecrets, SecretBook
from reqon.state.paths import StatePaths
from reqon.stores.base import StoreSpec

Durability: TypeAlias = Literal["strict", "balanced", "relaxed"]
FinalStatus: TypeAlias = Literal["completed", "failed", "interrupted"]


class ResumeChoice(Enum):
    """What to do with an interrupted or failed execution of the mission."""

    NEVER = "never"
    IF_ANY = "if any"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """What of the program matters to a resume.

    `plan_hash` of everything; `action_hashes` by action; `part_hashes` of whatever else a started
    execution depends on, by a name that a person understands: `pipeline`, `store 'customers'`,
    `source 'API'`, `schema 'Customer'`. `path` is None for program text.
    """

    path: str | None
    sha256: str
    plan_hash: str
    action_hashes: Mapping[str, str]
    part_hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    version: str = ""

    def to_json(self) -> dict[str, Any]:
        """The record's `program`."""
        path = self.path
        return {
            "path": None if path is None else path.encode("utf-8", "replace").decode(),
            "sha256": self.sha256,
            "planHash": self.plan_hash,
            "actionHashes": dict(self.action_hashes),
            "partHashes": dict(self.part_hashes),
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Timing:
    """The paces of a session, in seconds, and when its journal is compacted, in bytes.

    Tests turn them; nobody else needs to.
    """

    batch: float = 0.05
    tick: float = 1.0
    heartbeat: float = 5.0
    lock_retry: float = 0.5
    lock_poll: float = 0.02
    lease: float = 15.0
    renew: float = 5.0
    lease_poll: float = 0.5
    grow_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """Everything that `open_session` needs to know.

    `stores` by their names in the mission; `resume` a choice or an execution id; `force` goes on
    although the source changed or the journal is damaged; `wait_seconds` waits for a running
    execution of the mission instead of refusing (None: refuse), `store_wait_seconds` for stores
    that another mission writes. `lets` and `notes` (base URLs) are saved with a new execution,
    and `lets` come back with a resumed one; `stores_of` makes of them the stores of that one, whose
    names may tell when it began. `retention` (None: keep all) is how long records
    stay. `state_store` is `file`, `memory` or a name; with `memory`, and with `enable_state` off,
    there is no journal, and stores are written at the end. `elsewhere` is the state store in
    which the execution is kept beside the folder.
    """

    paths: StatePaths
    mission: str
    stores: Mapping[str, StoreSpec]
    program: ProgramFacts | None = None
    clock: Clock = field(default_factory=SystemClock)
    durability: Durability = "balanced"
    enable_state: bool = True
    state_store: str = "file"
    resume: ResumeChoice | str = ResumeChoice.NEVER
    force: bool = False
    wait_seconds: float | None = None
    store_wait_seconds: float = 30.0
    trigger: str = "manual"
    redact: tuple[str, ...] = ()
    secrets: SecretBook = field(default_factory=NoSecrets)
    lets: Mapping[str, Any] = field(default_factory=dict[str, Any])
    stores_of: Callable[[Mapping[str, Any]], Mapping[str, StoreSpec]] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retention: timedelta | None = None
    retry_of: str | None = None
    elsewhere: Elsewhere | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def journaled(self) -> bool:
        """Whether this execution has a journal, and can be resumed."""
        return self.enable_state and self.state_store != "memory"


@dataclass(frozen=True, slots=True)
class SyncCheckpoint:
    """What was saved under a sync key; `last_sync` in ISO form."""

    key: str
    last_sync: str
    items_synced: int
    total_items_synced: int
