"""Events in words and as JSON: how the log, the event lines and error messages tell them.

Pure. `sentence` is for people, `as_json` for programs: `{"event": "page_fetched", "at": …}` with
the event's fields in camel case, as in execution records.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, assert_never, cast

from reqon.clock import format_instant
from reqon.events.model import (
    ActionCompleted,
    ActionStarted,
    CheckpointSaved,
    Event,
    Failed,
    Foreseen,
    PageFetched,
    Progressed,
    RetryScheduled,
    RunEnded,
    RunStarted,
    StageSkipped,
    StageStarted,
    Stamped,
    Warned,
)

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def event_name(event: Event) -> str:
    """`page_fetched` for `PageFetched`."""
    return _WORD.sub("_", type(event).__name__).lower()


def as_json(stamped: Stamped) -> dict[str, Any]:
    """The event as one JSON object."""
    facts: dict[str, Any] = {
        "event": event_name(stamped.event),
        "at": format_instant(stamped.at),
        "mission": stamped.mission,
        "executionId": stamped.execution_id,
    }
    for field in dataclasses.fields(stamped.event):
        value = getattr(stamped.event, field.name)
        facts[_camel(field.name)] = _plain(value)
    return facts


def _plain(value: object) -> object:
    return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def level_of(event: Event) -> str:
    """`debug`, `info`, `warning` or `error`."""
    match event:
        case Failed():
            return "error"
        case Warned():
            return "warning"
        case PageFetched() | Progressed() | CheckpointSaved() | StageStarted():
            return "debug"
        case _:
            return "info"


def sentence(event: Event, mission: str) -> str:
    """The event as one line for people."""
    match event:
        case RunStarted() | RunEnded() | StageStarted() | StageSkipped():
            return _about_run(event, mission)
        case ActionStarted() | ActionCompleted() | PageFetched() | Progressed() | CheckpointSaved():
            return f"{event.action}: {_about_action(event)}"
        case RetryScheduled():
            wait = duration(event.wait_ms)
            return f"{event.action}: {event.reason}; try {event.attempt} in {wait}"
        case Warned():
            place = f" ({event.place})" if event.place else ""
            action = f"{event.action}: " if event.action else ""
            return f"{action}{event.message}{place}"
        case Foreseen():
            return f"{event.action}: {event.message}"
        case Failed():
            return error_sentence(event.error)
        case _:
            assert_never(event)


def _about_run(event: RunStarted | RunEnded | StageStarted | StageSkipped, mission: str) -> str:
    match event:
        case RunStarted(resumed=True):
            place = f" at {event.resumed_at}" if event.resumed_at else ""
            return f"{mission}: resumed{place}"
        case RunStarted():
            return f"{mission}: started"
        case RunEnded():
            return f"{mission}: {event.status} after {duration(event.duration_ms)}"
        case StageStarted():
            return f"{mission}: stage {event.index + 1}: {', '.join(event.actions)}"
        case StageSkipped():
            return f"{mission}: skipped {', '.join(event.actions)}: the condition is not met"
        case _:
            assert_never(event)


def _about_action(
    event: ActionStarted | ActionCompleted | PageFetched | Progressed | CheckpointSaved,
) -> str:
    match event:
        case ActionStarted():
            return "goes on" if event.resumed else "started"
        case ActionCompleted():
            items = f", {event.items:,} items" if event.items else ""
            return f"completed in {duration(event.duration_ms)}{items}"
        case PageFetched():
            return f"page {event.page:,}, {event.items:,} items so far"
        case Progressed():
            total = f" of {event.total:,}" if event.total is not None else ""
            return f"{event.current:,}{total} items"
        case CheckpointSaved():
            return f"checkpoint saved before item {event.index:,}"
        case _:
            assert_never(event)


def error_sentence(error: Mapping[str, Any]) -> str:
    """`FetchCustomers: get "/customers": the message`, of an error as records hold it."""
    parts = [str(error[name]) for name in ("action", "step") if error.get(name)]
    return ": ".join([*parts, str(error.get("message") or error.get("kind") or "failed")])


def duration(milliseconds: float) -> str:
    """`850ms`, `12.4s`, `2m 30s`, `3h 5m`, `2d 4h`: two parts at most."""
    if milliseconds < 1000:
        return f"{max(0, round(milliseconds))}ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f}s".replace(".0s", "s")
    seconds = round(milliseconds / 1000)
    sizes = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    index = next(i for i, (_, size) in enumerate(sizes) if seconds >= size)
    (unit, size), (lower, lower_size) = sizes[index], sizes[index + 1]
    rest = seconds % size // lower_size
    return f"{seconds // size}{unit}" + (f" {rest}{lower}" if rest else "")
