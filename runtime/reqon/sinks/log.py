"""The log of a run for people and for log collectors, and the event lines of `--format json`.

Takes events as they come and writes one line each. Where the lines go, the caller says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reqon.events.model import Event, RunEnded, Stamped
from reqon.sinks.sentences import as_json, level_of, sentence

_RANK = {"debug": 0, "info": 1, "warning": 2, "error": 3}


@dataclass(frozen=True, slots=True)
class LogSink:
    """A line of text for each event of `level` or above; `write` takes the level and the line.

    `untold` are kinds of events that the caller tells itself.
    """

    write: Callable[[str, str], None]
    level: str = "info"
    untold: tuple[type[Event], ...] = (RunEnded,)

    async def receive(self, stamped: Stamped) -> None:
        """Write the event."""
        level = level_of(stamped.event)
        if _RANK[level] >= _RANK[self.level] and not isinstance(stamped.event, self.untold):
            self.write(level, sentence(stamped.event, stamped.mission))


@dataclass(frozen=True, slots=True)
class JsonLogSink:
    """A JSON object on a line for each event of `level` or above: level, message and all facts."""

    write: Callable[[str], None]
    level: str = "info"

    async def receive(self, stamped: Stamped) -> None:
        """Write the event."""
        level = level_of(stamped.event)
        if _RANK[level] < _RANK[self.level]:
            return
        facts = as_json(stamped)
        facts.pop("record", None)
        line = {
            "time": facts.pop("at"),
            "level": level,
            **facts,
            "message": sentence(stamped.event, stamped.mission),
        }
        self.write(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str))


@dataclass(frozen=True, slots=True)
class EventLineSink:
    """Each event as JSON: the lines of `run --format json`."""

    write: Callable[[Mapping[str, Any]], None]

    async def receive(self, stamped: Stamped) -> None:
        """Write the event; the result line, which holds the record, follows from the command."""
        facts = as_json(stamped)
        facts.pop("record", None)
        self.write(facts)
