"""Time and ids: the only place that asks the system for them.

Everything else takes a `Clock`, so that tests can turn its hands.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """Where a run gets its time from."""

    def now(self) -> datetime:
        """The current instant: UTC, cut to milliseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant: UTC, cut to milliseconds."""
        instant = datetime.now(UTC)  # noqa: TID251 - this is the clock
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with `Z`; milliseconds only where there are any: `2031-05-06T07:08:09Z`."""
    spec = "milliseconds" if instant.microsecond else "seconds"
    return instant.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def new_execution_id() -> str:
    """`exec_` and twelve random characters: unique without asking anyone."""
    return "exec_" + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def new_seed() -> str:
    """32 hexadecimal digits from which an execution derives its random ids."""
    return secrets.token_hex(16)
