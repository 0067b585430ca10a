"""The window of a run that its caller sets: other sync times, fewer items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reqon.clock import format_instant
from reqon.errors import ConfigError, RunError
from reqon.state.record import as_object, count, instant

WINDOW = "window"
"""The note of an execution that holds the window it began with."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the caller of a run wants of its sync times and amounts.

    With any of these set, no sync time is published. An execution keeps the window that it began
    with: pages of one window and pages of another make no whole.
    """

    full: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    @property
    def publishes(self) -> bool:
        """Whether this run may move sync times."""
        return self == Window()

    def check(self) -> None:
        """Refuse a window that ends before it begins, and one without items."""
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"the limit is {self.limit}", hint="it must be 1 at least")
        if self.since is None or self.until is None:
            return
        if self.since.astimezone() >= self.until.astimezone():
            raise ConfigError(
                f"the window ends at {format_instant(self.until)}, "
                f"which is not after its beginning {format_instant(self.since)}",
                hint="'until' must be later than 'since'",
            )

    def to_json(self) -> dict[str, Any]:
        """What of it is set, for the journal."""
        found: dict[str, Any] = {"full": True} if self.full else {}
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None:
                found[name] = format_instant(moment)
        return found if self.limit is None else {**found, "limit": self.limit}

    @classmethod
    def from_json(cls, value: object) -> Window:
        """The window that `to_json` has told of; the usual one for anything else."""
        told: Mapping[str, Any] = as_object(value) or {}
        limit: Any = told.get("limit")
        return cls(
            told.get("full") is True,
            instant(told.get("since")),
            instant(told.get("until")),
            limit if count(limit) else None,
        )

    def __str__(self) -> str:
        """As on the command line."""
        words = [
            f"--{name}" if value is True else f"--{name} {value}"
            for name, value in self.to_json().items()
        ]
        return " ".join(words) or "the usual one"


_ENDS = {
    "since": "until",
    "after": "before",
    "from": "to",
    "start": "end",
    "gte": "lte",
    "gt": "lt",
}


def until_parameter(since_parameter: str) -> str:
    """The parameter that ends a window, named like the one that begins it.

    `modified_since` becomes `modified_until`, `updatedAfter` becomes `updatedBefore`. Raises
    RunError where no such word is in the name.
    """
    lower = since_parameter.lower()
    for word, end in _ENDS.items():
        at = lower.rfind(word)
        if at >= 0:
            written = end.capitalize() if since_parameter[at].isupper() else end
            return since_parameter[:at] + written + since_parameter[at + len(word) :]
    raise RunError(
        "config",
        f"no parameter for the end of the window can be made of '{since_parameter}'",
        hint="run without '--until', or filter in the program",
    )
