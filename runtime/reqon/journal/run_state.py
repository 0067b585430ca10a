"""The state of an execution: the fold of its frames, and the same thing while it runs.

`RunState.fold` takes one frame in; the ledger makes the same changes through the same methods
when a unit commits, so that what a resume finds is what the run had. Store operations are no part
of it: stores fold those themselves. Nothing here touches the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from reqon.clock import format_instant
from reqon.journal.frames import Base, Frame, StartFacts, Summary

_TRUST_A_KEY_MS = 23 * 3600 * 1000
"""Servers forget idempotency keys after 24 hours or more."""

_LAST_SUCCESS = 399


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """An unsafe request that an earlier pass over this position intended to send.

    `number` is that of its frame. `body` is what it sent (None: no body), `at_ms` when, in ms
    since 1970; `facts` name it for people. `status` and `reply` are None until a result was
    recorded. A `usable` reply is to be taken and nothing sent; else the same body is sent again
    with the same key, unless it has `expired`. `scope` is an address: a call that failed goes with
    the cells there.
    """

    number: int
    position: str
    key: str
    body: Any
    at_ms: int
    facts: Mapping[str, Any]
    status: int | None = None
    reply: Any = None
    scope: str = ""

    @property
    def usable(self) -> bool:
        """Whether a reply was recorded that was a success and could be read."""
        return self.reply is not None and not self.failed

    @property
    def failed(self) -> bool:
        """Whether the service answered with a status of 400 or above."""
        return self.status is not None and self.status > _LAST_SUCCESS

    def expired(self, now_ms: int) -> bool:
        """Whether the server may have forgotten the key, so that a resend could act twice."""
        return now_ms - self.at_ms > _TRUST_A_KEY_MS

    def to_json(self) -> dict[str, Any]:
        """The form that it has in `fx` and `base` frames."""
        return {
            "n": self.number,
            "position": self.position,
            "key": self.key,
            "body": self.body,
            "at": self.at_ms,
            "facts": dict(self.facts),
            "status": self.status,
            "reply": self.reply,
            "scope": self.scope,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any], number: int) -> RecordedCall:
        """Read `to_json`; an `fx` frame has no `n`, its own number is it."""
        return cls(
            form.get("n", number),
            form["position"],
            form["key"],
            form.get("body"),
            form["at"],
            form.get("facts", {}),
            form.get("status"),
            form.get("reply"),
            form.get("scope") or form["position"],
        )


@dataclass(slots=True)
class RunState:
    """Everything that is known of an execution; read it freely, change it through units only.

    `cells` holds positions and variables by address; `since` the sync times that this execution
    uses (frozen when first asked for, None: never synced); `synced` what it has published by
    key, `deferred` what it publishes when it completes; `wrote` the stores that each action has
    written; `calls` unsafe requests that no commit has settled, by position and key; `events`
    what arrived from outside and is not used up, by number. `ended` is how it ended, if its last
    frame says so: after `completed` there is nothing left to run. `page_bytes` is how much of the
    journal is pages that this process has written and that are still in use.
    """

    start: StartFacts
    summary: Summary = field(default_factory=Summary)
    cells: dict[str, Any] = field(default_factory=dict[str, Any])
    below_counts: dict[str, int] = field(default_factory=dict[str, int])
    since: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    synced: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    deferred: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    wrote: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unknown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: dict[tuple[str, str], RecordedCall] = field(
        default_factory=dict[tuple[str, str], RecordedCall]
    )
    events: dict[int, Any] = field(default_factory=dict[int, Any])
    ended: str | None = None
    end: dict[str, Any] | None = None
    last_number: int = 0
    last_ms: int = 0
    page_sizes: dict[str, int] = field(default_factory=dict[str, int], compare=False)
    page_bytes: int = field(default=0, compare=False)

    # ---- what the engine reads

    @property
    def lets(self) -> Mapping[str, Any]:
        """The mission's values as saved at the first start."""
        return self.start.lets

    @property
    def actions_run(self) -> list[str]:
        """Actions of the pipeline that completed."""
        return self.summary.actions

    @property
    def counts(self) -> Mapping[str, list[int]]:
        """Added, updated and unchanged records by store."""
        return self.summary.counts

    @property
    def checkpoints(self) -> Mapping[str, Mapping[str, Any]]:
        """The action checkpoints."""
        return self.summary.checkpoints

    @property
    def pipeline(self) -> list[dict[str, Any]]:
        """The stages: `{"stage", "status", "branches": {action: status}}`, by index."""
        return self.summary.pipeline

    def below(self, address: str) -> dict[str, Any]:
        """The cells below an address, by the rest of their addresses."""
        start = address + "/"
        return {a[len(start) :]: v for a, v in self.cells.items() if a.startswith(start)}

    # ---- changes, shared by fold and ledger

    def set_cell(self, address: str, value: Any) -> None:
        """Set a cell; with None delete it and everything below it, calls of that scope too."""
        if value is None:
            self._delete_cells(address)
        elif address in self.cells:
            self.cells[address] = value
        else:
            self.cells[address] = value
            self._count_above(address, 1)

    def set_page(self, address: str, value: Any, size: int) -> None:
        """Set a cell to a page that takes so many bytes of the journal, as long as it is there."""
        self.set_cell(address, value)
        self.page_bytes += size - self.page_sizes.get(address, 0)
        self.page_sizes[address] = size

    def has_cells_at(self, address: str) -> bool:
        """Whether there is a cell of this address or below it, or a call that goes with it."""
        if address in self.cells or address in self.below_counts:
            return True
        return bool(self.calls) and any(True for _ in self._calls_below(address))

    def _calls_below(self, address: str) -> Iterator[tuple[str, str]]:
        """Calls that go with the cells: those that failed, and nothing else will send again.

        One that was answered or never heard of stays, so that the end tells of it.
        """
        start = f"{address}/"
        return (
            where
            for where, call in self.calls.items()
            if call.failed and (call.scope == address or call.scope.startswith(start))
        )

    def _delete_cells(self, address: str) -> None:
        gone = [address] if address in self.cells else []
        if address in self.below_counts:
            start = address + "/"
            gone += [a for a in self.cells if a.startswith(start)]
        for found in gone:
            del self.cells[found]
            self.page_bytes -= self.page_sizes.pop(found, 0)
            self._count_above(found, -1)
        if self.calls:
            for where in list(self._calls_below(address)):
                del self.calls[where]

    def _count_above(self, address: str, step: int) -> None:
        """Keep count of the cells below each address: most deletions find none, and are many."""
        counts = self.below_counts
        end = address.rfind("/")
        while end > 0:
            above = address[:end]
            counts[above] = counts.get(above, 0) + step
            if not counts[above]:
                del counts[above]
            end = address.rfind("/", 0, end)

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget calls and events that a commit has used up."""
        done = set(numbers)
        for where in [w for w, call in self.calls.items() if call.number in done]:
            del self.calls[where]
        for number in done:
            self.events.pop(number, None)

    def record_intent(self, call: RecordedCall) -> None:
        """Keep an intent; an older one of the same place and key gives way."""
        self.calls[call.position, call.key] = call

    def record_result(self, position: str, key: str, status: int, reply: Any) -> None:
        """Keep what was answered."""
        call = self.calls.get((position, key))
        if call is not None:
            self.calls[position, key] = replace(call, status=status, reply=reply)

    def begin_attempt(self, start: StartFacts) -> None:
        """A new attempt: its facts hold from now on; an earlier one ended with its last frame.

        What has completed stays completed: such an attempt only brings the views up to it.
        """
        if self.attempts and "endedAt" not in self.attempts[-1]:
            died_at = datetime.fromtimestamp(self.last_ms / 1000, UTC)
            self.attempts[-1].update(endedAt=format_instant(died_at), reason="interrupted")
        self.attempts.append({"startedAt": start.attempt_at})
        self.start = start
        if self.ended != "completed":
            self.ended = None
            self.end = None

    def end_attempt(self, end: dict[str, Any]) -> None:
        """How this attempt ended: `{"status", "at", …}`."""
        self.ended = end["status"]
        self.end = end
        if self.attempts:
            self.attempts[-1].update(endedAt=end["at"], reason=end["status"])

    # ---- the fold

    def fold(self, frame: Frame) -> None:
        """Take a frame in; frames come in the order of their numbers."""
        self.last_number = frame.n
        self.last_ms = frame.t
        if frame.base is not None:
            self._fold_base(frame.base)
        if frame.start is not None:
            self._fold_start(frame.start, begins=frame.base is None)
        if frame.summary is not None:
            self.summary = frame.summary
        for address, value in frame.cells:
            self.set_cell(address, value)
        self._fold_deltas(frame)
        self._fold_inputs(frame)
        if frame.end is not None:
            self.end_attempt(frame.end)

    def _fold_start(self, start: StartFacts, *, begins: bool) -> None:
        if begins:
            self.begin_attempt(start)
        else:
            self.start = start

    def _fold_deltas(self, frame: Frame) -> None:
        self.since.update(frame.since)
        self.synced.update(frame.published)
        for key in frame.published:
            self.deferred.pop(key, None)
        self.deferred.update(frame.deferred)
        for action, stores in frame.wrote.items():
            self.note_written(action, stores)
        self.errors += frame.errors
        self.unknown += frame.unknown

    def note_written(self, action: str, stores: Iterable[str]) -> None:
        """Note that the action has written these stores."""
        known = self.wrote.setdefault(action, [])
        known += [store for store in stores if store not in known]

    def _fold_inputs(self, frame: Frame) -> None:
        if frame.fx is not None:
            self.record_intent(RecordedCall.from_json(frame.fx, frame.n))
        if frame.fxr is not None:
            result = frame.fxr
            self.record_result(
                result["position"], result["key"], result["status"], result.get("reply")
            )
        if frame.event is not None:
            self.events[frame.n] = frame.event
        self.settle(frame.settled)

    def _fold_base(self, base: Base) -> None:
        self.cells.clear()
        self.below_counts.clear()
        for address, value in base.cells:
            self.set_cell(address, value)
        self.since = dict(base.since)
        self.wrote = {action: list(stores) for action, stores in base.wrote.items()}
        self.synced = dict(base.synced)
        self.deferred = dict(base.deferred)
        self.errors = list(base.errors)
        self.unknown = list(base.unknown)
        self.attempts = list(base.attempts)
        calls = [RecordedCall.from_json(form, 0) for form in base.calls]
        self.calls = {(call.position, call.key): call for call in calls}
        self.events = dict(base.events)

    def to_base(self, memory: dict[str, Any]) -> Base:
        """The fold as a compacted journal begins with it; `memory` as in `Base`."""
        return Base(
            cells=list(self.cells.items()),
            memory=memory,
            since=self.since,
            wrote=self.wrote,
            synced=self.synced,
            deferred=self.deferred,
            errors=self.errors,
            unknown=self.unknown,
            attempts=self.attempts,
            calls=[call.to_json() for call in self.calls.values()],
            events=list(self.events.items()),
        )
