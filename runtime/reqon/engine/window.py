"""The window of a run that its caller sets: other sync times, fewer items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reqon.errors import RunError


@dataclass(frozen=True, slots=True)
class Window:
    """What the caller of a run wants of its sync times and amounts.

    With any of these set, no sync time is published.
    """

    full: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    @property
    def publishes(self) -> bool:
        """Whether this run may move sync times."""
        return not self.full and self.since is None and self.until is None and self.limit is None


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
