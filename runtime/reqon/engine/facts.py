"""What expressions may ask of the run, as one branch answers it.

Ids are derived from the execution's seed and from where they are asked for, so that a step that
runs again after a resume gives the same ones.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from reqon.values.scope import StoreView, Value

if TYPE_CHECKING:
    from reqon.engine.context import Branch

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS = 9
_RANDOM_DIGITS = 10


class BranchFacts:
    """The `RunFacts` of one branch."""

    __slots__ = ("_branch", "_count", "_place")

    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        self._place = ""
        self._count = 0

    @property
    def lets(self) -> Mapping[str, Value]:
        """Values of the mission's `let`s."""
        return self._branch.run.lets

    @property
    def sources(self) -> frozenset[str]:
        """Names of the sources."""
        return self._branch.run.source_names

    def now(self) -> datetime:
        """The clock's instant."""
        return self._branch.run.clock.now()

    def uuid(self) -> str:
        """A UUID of version 4 made of the seed and the place."""
        return uuid_of(self._digest("uuid", self._number()))

    def generate_id(self) -> str:
        """The execution's start and what the place gives, in base 32."""
        digest = self._digest("id", self._number())
        started_ms = int(self._branch.run.started_at.timestamp() * 1000)
        number = int.from_bytes(digest[:8], "big")
        return _base32(started_ms, _TIME_DIGITS) + _base32(number, _RANDOM_DIGITS)

    def record_key(self, number: int) -> str:
        """The key of a record that has none of its own."""
        return f"key_{_base32(int.from_bytes(self._digest('key', number)[:10], 'big'), 16)}"

    def env(self, name: str) -> str | None:
        """An environment variable; one that holds a secret is kept out of all texts."""
        return self._branch.run.env(name)

    def store(self, name: str) -> StoreView:
        """A store with the branch's own uncommitted writes."""
        return self._branch.unit.view(name)

    def warn(self, message: str) -> None:
        """Count a warning and tell it."""
        self._branch.warn(message)

    def webhook_url(self) -> str | None:
        """No webhooks yet."""
        return None

    def _number(self) -> int:
        """How many ids this place has given; a step that runs again counts from 0."""
        place = self._branch.id_place()
        if place != self._place:
            self._place, self._count = place, 0
        self._count += 1
        return self._count

    def _digest(self, purpose: str, number: int) -> bytes:
        return derived(self._branch.run.seed, f"{purpose} {self._branch.id_place()} {number}")


def derived(seed: str, text: str) -> bytes:
    """Bytes that look random, the same for the same seed and text."""
    return hmac.digest(seed.encode(), text.encode(), blake2b)


def uuid_of(digest: bytes) -> str:
    """A UUID of version 4 made of such bytes."""
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _base32(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 32)
        text = _ALPHABET[digit] + text
    return text
