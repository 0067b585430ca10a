"""The stream of a run's events: numbered, stamped and handed to those who watch.

Each watcher has its own queue and task, so that a slow one delays nobody and a failing one is
dropped. Ticks of progress are merged where a queue is full; everything else is delivered. At the
end the stream waits for the watchers, but not for ever.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Protocol, Self

from reqon.clock import Clock
from reqon.events.model import Event, PageFetched, Progressed, Stamped

FULL = 1000
"""A queue of this length takes no further ticks of progress."""
_MOST_TURNS = 100
DRAIN_SECONDS = 5.0
"""How long the end of a run waits for its watchers."""
CANCELLED_SECONDS = 0.5
"""How long one waits whose task was cancelled."""

_log = logging.getLogger("reqon.events")


class Sink(Protocol):
    """Somebody who watches a run."""

    def receive(self, stamped: Stamped, /) -> Awaitable[None] | None:
        """Take an event; may be a coroutine. An exception ends the watching, not the run."""
        ...


class EventStream:
    """Hands events to sinks; an async context manager that owns their tasks."""

    def __init__(
        self, mission: str, execution_id: str, clock: Clock, sinks: Sequence[Sink]
    ) -> None:
        self._mission = mission
        self._execution_id = execution_id
        self._clock = clock
        self._watchers = [_Watcher(sink) for sink in sinks]
        self._group = asyncio.TaskGroup()
        self._number = 0

    def emit(self, event: Event) -> None:
        """Stamp the event and put it into every queue; never waits."""
        self._number += 1
        stamped = Stamped(self._number, self._clock.now(), self._mission, self._execution_id, event)
        for watcher in self._watchers:
            watcher.put(stamped)

    async def give_turns(self) -> None:
        """Let the watchers take what has been told, for who is about to hold up the run."""
        for _ in range(_MOST_TURNS):
            if not any(watcher.waits for watcher in self._watchers):
                return
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for watcher in self._watchers:
            watcher.task = self._group.create_task(watcher.deliver())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is GeneratorExit:  # the event loop is gone, nobody can wait
            return
        for watcher in self._watchers:
            watcher.end()
        tasks = [watcher.task for watcher in self._watchers if watcher.task is not None]
        seconds = CANCELLED_SECONDS if kind is asyncio.CancelledError else DRAIN_SECONDS
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
            await self._group.__aexit__(None, None, None)


class _Watcher:
    """One sink, its queue and its task."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.task: asyncio.Task[None] | None = None
        self._queue: deque[Stamped] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._dropped = False

    @property
    def waits(self) -> bool:
        """Whether there is something that the sink has not taken yet."""
        return bool(self._queue)

    def put(self, stamped: Stamped) -> None:
        if self._dropped:
            return
        queue = self._queue
        if len(queue) >= FULL and isinstance(stamped.event, Progressed | PageFetched):
            if isinstance(queue[-1].event, type(stamped.event)):
                queue[-1] = stamped
            return
        queue.append(stamped)
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def deliver(self) -> None:
        try:
            await self._deliver()
        finally:
            self._dropped = True
            self._queue.clear()

    async def _deliver(self) -> None:
        while True:
            while self._queue:
                if not await self._give(self._queue.popleft()):
                    return
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()

    async def _give(self, stamped: Stamped) -> bool:
        """Hand over one event; False where the sink failed and is left out from now on."""
        try:
            waiting = self.sink.receive(stamped)
            if inspect.isawaitable(waiting):
                await waiting
        except Exception:  # noqa: BLE001 - the fence of a watcher
            _log.exception("a watcher of the run failed and gets no further events")
            return False
        return True
