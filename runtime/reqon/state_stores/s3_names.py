"""The names of the objects of the state store `s3`, below the prefix of its URL.

    leases/<mission>                                    who has the mission
    states/<id>                                         the state of an execution
    frames/<id>/<number of the first one>               frames of its journal
    started/<mission>/<start>/<id>/<status>             empty: what a history is found by

Each part is percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """An execution as its object below `started` tells it; in a history by start and id."""

    started_at: str
    execution_id: str
    mission: str
    status: str

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Entry:
        """That of a state."""
        return cls(state["startedAt"], state["executionId"], state["mission"], state["status"])

    @classmethod
    def from_facts(cls, execution_id: str, facts: Mapping[str, str]) -> Entry:
        """That of the state with which these facts were noted."""
        parts = (unquote(facts[name]) for name in ("started", "mission", "status"))
        started_at, mission, status = parts
        return cls(started_at, execution_id, mission, status)

    @property
    def facts(self) -> dict[str, str]:
        """What is noted with a state."""
        facts = {"started": self.started_at, "mission": self.mission, "status": self.status}
        return {name: _quoted(value) for name, value in facts.items()}


class Names:
    """Keys below a prefix, which is empty or ends with a slash."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def lease(self, mission: str) -> str:
        """That of a mission's lease."""
        return self._key("leases", mission)

    def state(self, execution_id: str) -> str:
        """That of a state."""
        return self._key("states", execution_id)

    def frames(self, execution_id: str) -> str:
        """How all frames of an execution begin."""
        return self._key("frames", execution_id, "")

    def frame(self, execution_id: str, number: int) -> str:
        """That of the frames from this one on."""
        return f"{self.frames(execution_id)}{number:0{_DIGITS}}"

    def entry(self, entry: Entry) -> str:
        """That of an entry of the history."""
        return self.entries_of(entry) + _quoted(entry.status)

    def entries_of(self, entry: Entry) -> str:
        """How the entries of one execution begin, whatever the status."""
        return self._key("started", entry.mission, entry.started_at, entry.execution_id, "")

    def entries(self, mission: str | None) -> str:
        """How the entries of a mission begin, or all."""
        return self._key("started", "") if mission is None else self._key("started", mission, "")

    def _key(self, *parts: str) -> str:
        return self._prefix + "/".join(_quoted(part) for part in parts)


def number_of(key: str) -> int:
    """The number in the key of frames."""
    return int(key.rpartition("/")[2])


def entries_from(keys: Iterable[str]) -> list[Entry]:
    """The entries of a history, newest start first."""
    found: list[Entry] = []
    for key in keys:
        mission, started_at, execution_id, status = map(unquote, key.split("/")[-4:])
        found.append(Entry(started_at, execution_id, mission, status))
    return sorted(found, key=lambda e: (e.started_at, e.execution_id), reverse=True)


def _quoted(text: str) -> str:
    return quote(text, safe=":", errors="surrogatepass")
