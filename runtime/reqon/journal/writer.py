"""Appending frames to a journal, and waiting until they are on the disk.

One writer per journal, used from the event loop: `append` is a single write of a whole line;
`synced` waits for an fdatasync in a worker thread. One sync covers everything appended before it
began, so that many branches share it. A write that fails is cut back to the last whole frame; any
error is final: the writer accepts nothing more. Knows nothing of what frames mean.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from reqon.errors import StorageError
from reqon.journal.disk import Disk
from reqon.journal.faults import storage_error
from reqon.journal.frames import line_of

P = ParamSpec("P")
T = TypeVar("T")

SHARED_SECONDS = 0.02
"""Those who do not wait for the disk share its syncs: none of these begins sooner after another."""


async def in_thread(executor: Executor, work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """Run blocking work in the executor; a cancellation waits until the work is done.

    Work on files is never left running behind the back of the one who is to clean up after it.
    """
    loop = asyncio.get_running_loop()
    return await to_its_end(loop.run_in_executor(executor, partial(work, *args, **kw)))


async def to_its_end(future: asyncio.Future[T]) -> T:
    """Wait for what is under way; a cancellation, even a second one, comes when it has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:  # noqa: BLE001 - raised again by `result`
            break
    if cancelled is None:
        return future.result()
    if not future.cancelled():
        future.exception()  # so that nobody misses it
    raise cancelled


class JournalWriter:
    """The end of a journal. `number` is the last frame appended, `durable` the last one synced."""

    def __init__(self, disk: Disk, path: Path, executor: Executor) -> None:
        self.path = path
        self.size = 0
        self.number = 0
        self.durable = 0
        self.failure: StorageError | None = None
        self._disk = disk
        self._fd = -1
        self._executor = executor
        self._sync: asyncio.Future[None] | None = None
        self._covered = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self._turn = asyncio.Lock()
        self._begun_at = -SHARED_SECONDS
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, fd: int, size: int, number: int, *, durable: int) -> None:
        """Go on at the end of an open journal of `size` bytes whose last frame is `number`."""
        if self._fd >= 0:
            self._disk.close(self._fd)
        self._fd, self.size, self.number, self.durable = fd, size, number, durable

    @property
    def pending(self) -> bool:
        """Whether something was appended that is not surely on the disk."""
        return self.durable < self.number

    def append(self, body: bytes, number: int) -> None:
        """Append the frame `number` with this JSON. StorageError leaves the file as it was."""
        self.check()
        line = line_of(body)
        try:
            self._disk.write_all(self._fd, line)
        except OSError as error:
            self._cut_back()
            raise self.fail(error) from error
        self.size += len(line)
        self.number = number

    async def synced(self) -> None:
        """Return when everything appended up to now is on the disk."""
        await self.durable_at(self.number)

    def when_durable(self, number: int, then: Callable[[], None]) -> None:
        """Call `then` once the frame of this number is on the disk; not after a failure."""
        if self.durable >= number:
            then()
            return
        self._waiting.append((number, then))
        self._sync_soon()

    async def durable_at(self, wanted: int) -> None:
        """Return when the frame of this number is on the disk.

        Who asks first is answered first: what branches tell of their commits stays in order.
        """
        if self.durable < wanted:
            async with self._turn:
                await self._sync_up_to(wanted)
        self.check()

    async def _sync_up_to(self, wanted: int) -> None:
        while self.durable < wanted:
            self.check()
            sync = self.start_sync()
            with contextlib.suppress(OSError, StorageError):
                await asyncio.shield(sync)
            self._reap()

    def start_sync(self) -> asyncio.Future[None]:
        """Begin an fdatasync in the worker thread, unless one is under way; do not wait."""
        self._reap()
        if self._sync is None:
            self._stop_timer()
            self._begun_at = asyncio.get_running_loop().time()
            self._covered = self.number
            self._sync = self._begin_sync()
            self._sync.add_done_callback(self._reap)
        return self._sync

    def _sync_soon(self) -> None:
        """Begin a sync when the one before began long enough ago; one under way looks again."""
        if self._sync is not None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        early = self._begun_at + SHARED_SECONDS - loop.time()
        if early <= 0:
            self.start_sync()
        else:
            self._timer = loop.call_later(early, self._sync_now)

    def _sync_now(self) -> None:
        self._timer = None
        if self._waiting:
            self.start_sync()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_sync(self) -> asyncio.Future[None]:
        """Begin to make everything appended up to now durable."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, self._disk.fdatasync, self._fd)

    def _reap(self, _: object = None) -> None:
        """Take note of a sync that has ended.

        As a callback it may come late: a task that looks before finds the future done already,
        and would wait for it again and again without giving way.
        """
        future = self._sync
        if future is None or not future.done():
            return
        self._sync = None
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self.fail(error)
            self._waiting.clear()
            return
        self.durable = max(self.durable, self._covered)
        reached = [then for number, then in self._waiting if number <= self.durable]
        self._waiting = [item for item in self._waiting if item[0] > self.durable]
        if self._waiting:
            self._sync_soon()
        for then in reached:
            then()

    def fail(self, error: BaseException) -> StorageError:
        """Note that the journal cannot be trusted to take more; the first failure stands."""
        if self.failure is None:
            known = isinstance(error, StorageError)
            self.failure = error if known else storage_error(self.path, error)
        return self.failure

    def check(self) -> None:
        """Raise the failure, if there was one."""
        if self.failure is not None:
            raise self.failure

    def _cut_back(self) -> None:
        with contextlib.suppress(OSError):
            self._disk.truncate(self._fd, self.size)

    def close(self) -> None:
        """Close the descriptor; nothing is written, nobody is called any more."""
        self._waiting.clear()
        self._stop_timer()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with contextlib.suppress(OSError):
                self._disk.close(fd)
