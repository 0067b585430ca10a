"""A state store in a bucket of S3: `REQON_STATE_URL=s3://bucket/prefix?region=eu-central-1`.

For Amazon S3, and with `endpoint` for services that speak its protocol and keep the conditions of
writes (If-None-Match, If-Match). Credentials are found as all tools of AWS find them, never in the
URL. `s3_objects` says what is kept, and why two runs do not harm each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from reqon.journal.writer import in_thread
from reqon.state_stores.protocol import JournalFrame, State
from reqon.state_stores.s3_bucket import THREADS, Bucket, Place
from reqon.state_stores.s3_leases import Leases
from reqon.state_stores.s3_names import Names
from reqon.state_stores.s3_objects import Objects

P = ParamSpec("P")
T = TypeVar("T")

_OPTIONS = ("region", "endpoint", "path_style")
_BOOLEANS = {"true": True, "false": False}


def open_store(url: str) -> S3StateStore:
    """The store of a URL `s3://bucket/prefix?options`; ValueError for what is none."""
    try:
        parts = urlsplit(url)
        options = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
    except ValueError:
        raise ValueError("it cannot be read") from None
    if "@" in parts.netloc:
        raise ValueError("credentials do not belong into it, but where the tools of AWS find them")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", parts.netloc):
        raise ValueError("it names no bucket")
    if parts.fragment or not set(options) <= set(_OPTIONS):
        raise ValueError(f"behind '?' it may have {', '.join(_OPTIONS)}")
    path_style = options.get("path_style")
    if path_style not in (None, *_BOOLEANS):
        raise ValueError("'path_style' is true or false")
    endpoint = options.get("endpoint")
    if endpoint is not None and not re.fullmatch(r"https?://[^/?#@\s]+/?", endpoint):
        raise ValueError("'endpoint' is a URL such as http://localhost:9000, without credentials")
    prefix = unquote(parts.path).strip("/")
    place = Place(
        parts.netloc,
        None if endpoint is None else endpoint.rstrip("/"),
        options.get("region") or None,
        None if path_style is None else _BOOLEANS[path_style],
    )
    return S3StateStore(place, f"{prefix}/" if prefix else "")


class S3StateStore:
    """States, frames and leases in one bucket, below a prefix; connects when it is first used."""

    def __init__(self, place: Place, prefix: str = "") -> None:
        bucket, names = Bucket(place), Names(prefix)
        self._leases = Leases(bucket, names)
        self._objects = Objects(bucket, names, self._leases)
        self._threads = ThreadPoolExecutor(THREADS, "reqon-s3")

    async def save(self, state: State) -> bool:
        """Keep it, unless a later lease has the mission or has written the execution."""
        return await self._work(self._objects.save, state)

    async def load(self, execution_id: str) -> State | None:
        """The state."""
        return await self._work(self._objects.load, execution_id)

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """Newest first."""
        return await self._work(self._objects.history, mission, limit, status)

    async def delete(self, execution_id: str) -> None:
        """Forget it."""
        await self._work(self._objects.delete, execution_id)

    async def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Keep a frame."""
        return await self.append_all(execution_id, [(seq, frame)])

    async def append_all(
        self, execution_id: str, frames: Sequence[tuple[int, JournalFrame]]
    ) -> bool:
        """Keep frames; refuse a number that other ones have, and an earlier lease."""
        return await self._work(self._objects.append_all, execution_id, frames)

    async def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        return await self._work(self._objects.read, execution_id, from_seq)

    async def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        return await self._work(self._leases.acquire, mission, owner, seconds)

    async def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        return await self._work(self._leases.prolong, mission, epoch, seconds)

    async def release(self, mission: str, epoch: int) -> None:
        """Take it back; the epoch stays known."""
        await self._work(self._leases.prolong, mission, epoch, 0)

    async def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts."""
        return await self._work(self._leases.lasts, mission, epoch)

    async def _work(self, do: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
        """What blocks, in a thread; it is ended before a cancellation goes on."""
        return await in_thread(self._threads, do, *args, **kw)
