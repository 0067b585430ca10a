"""Leases on missions, each an object of its own that is replaced if it is still as it was read.

It begins when the server wrote it. Epochs are at least the server's time in milliseconds, so that
they go on growing where a rule of the bucket has removed the object.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from reqon.state_stores.s3_bucket import Bucket, Found
from reqon.state_stores.s3_names import Names

_ROUNDING = timedelta(seconds=1)
"""Times of the server are whole seconds, cut off."""


class Leases:
    """The leases in a bucket; blocks."""

    def __init__(self, bucket: Bucket, names: Names) -> None:
        self._bucket = bucket
        self._names = names
        self._keeps_conditions = False

    def epoch(self, mission: str) -> int:
        """The newest that was lent; 0 for none."""
        known = self._bucket.get(self._names.lease(mission))
        return 0 if known is None else _content(known)["epoch"]

    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out; the new epoch, or None."""
        while True:
            known = self._bucket.get(self._names.lease(mission))
            if known is not None and not _is_free(known, owner):
                return None
            last = 0 if known is None else _content(known)["epoch"]
            epoch = max(last + 1, round(self._bucket.now.timestamp() * 1000))
            if self._write(mission, epoch, owner, seconds, known):
                return epoch

    def prolong(self, mission: str, epoch: int, seconds: float) -> bool:
        """Let it last so long from now on; False where this epoch does not have it."""
        while True:
            known = self._bucket.get(self._names.lease(mission))
            if known is None or _content(known)["epoch"] != epoch:
                return False
            if self._write(mission, epoch, _content(known)["owner"], seconds, known):
                return True

    def lasts(self, mission: str, epoch: int) -> bool:
        """Whether this epoch has it still."""
        known = self._bucket.get(self._names.lease(mission))
        return known is not None and _content(known)["epoch"] == epoch and not _is_over(known)

    def _write(
        self, mission: str, epoch: int, owner: str, seconds: float, known: Found | None
    ) -> bool:
        key = self._names.lease(mission)
        body = json.dumps({"epoch": epoch, "owner": owner, "seconds": seconds}).encode()
        if not self._bucket.put(key, body, {}, over=known):
            return False
        if not self._keeps_conditions:
            self._bucket.check_conditions(key, body, {})
            self._keeps_conditions = True
        return True


def _content(lease: Found) -> dict[str, Any]:
    return json.loads(lease.body)


def _is_free(lease: Found, owner: str) -> bool:
    return _content(lease)["owner"] == owner or _is_over(lease)


def _is_over(lease: Found) -> bool:
    seconds = _content(lease)["seconds"]
    lasted = lease.now - lease.changed_at - _ROUNDING
    return seconds <= 0 or lasted >= timedelta(seconds=seconds)
