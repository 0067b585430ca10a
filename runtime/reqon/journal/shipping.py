"""A journal whose frames also go to a state store elsewhere, before they count as durable.

Appending stays a write to the local file; whoever waits for the disk waits for the store as well,
and frames that were appended meanwhile go with them. Frames go in order, those that wait together
in one call where the store takes it. What a store refuses or cannot take is final, as an error of
the disk is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from reqon.journal.disk import Disk
from reqon.journal.elsewhere import Elsewhere
from reqon.journal.frames import line_of
from reqon.journal.writer import JournalWriter

_MOST_CHARS = 4 * 1024 * 1024
"""From this size on what waits goes in several calls."""


class ShippedWriter(JournalWriter):
    """The end of a journal that is kept in two places."""

    def __init__(
        self, disk: Disk, path: Path, executor: Executor, elsewhere: Elsewhere, epoch: int | None
    ) -> None:
        super().__init__(disk, path, executor)
        self.execution_id = ""
        self._elsewhere = elsewhere
        self._epoch = epoch
        self._waiting_frames: deque[tuple[int, dict[str, Any]]] = deque()
        self._blobs: dict[str, str] = {}
        self._task: asyncio.Future[None] | None = None

    def note_blobs(self, blobs: Mapping[str, bytes]) -> None:
        """Blobs that the next frame may name."""
        self._blobs.update((name, content.decode()) for name, content in blobs.items())

    def append(self, body: bytes, number: int) -> None:
        """Append a frame here, and put it down for the store."""
        super().append(body, number)
        frame: dict[str, Any] = {"frame": line_of(body).decode().rstrip("\n")}
        if self._blobs:
            frame["blobs"], self._blobs = self._blobs, {}
        if self._epoch is not None:
            frame["epoch"] = self._epoch
        self._waiting_frames.append((number, frame))

    def superseded(self, number: int) -> None:
        """The store has everything up to this frame."""
        while self._waiting_frames and self._waiting_frames[0][0] <= number:
            self._waiting_frames.popleft()

    def _begin_sync(self) -> asyncio.Future[None]:
        self._task = asyncio.ensure_future(self._both(super()._begin_sync(), self.number))
        return self._task

    async def _both(self, here: asyncio.Future[None], number: int) -> None:
        await here
        while frames := self._next_frames(number):
            await self._elsewhere.append_all(self.execution_id, frames)
            self.superseded(frames[-1][0])

    def _next_frames(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Those that wait, up to this number, as many as go together; they wait until they went."""
        frames: list[tuple[int, dict[str, Any]]] = []
        size = 0
        for at, frame in self._waiting_frames:
            if at > number or size >= _MOST_CHARS:
                break
            frames.append((at, frame))
            size += len(frame["frame"]) + sum(map(len, frame.get("blobs", {}).values()))
        return frames

    async def stop(self) -> None:
        """End what is under way; frames that did not go are in the local journal."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
