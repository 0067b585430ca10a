"""How a run is told to stop: from outside, by its time limit, or by a sibling that failed.

A `Stop` is a switch that is set once and looked at between steps. Stops form a tree: setting one
sets all below it. Waits and requests pass through `limit`, which ends them when the switch is
set; an unsafe request gets time to come to its end. What was committed stays committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeAlias, TypeVar

from reqon.errors import Interrupted, RunError, StoppedError

T = TypeVar("T")

UNSAFE_GRACE_SECONDS = 10.0
"""How long a request that changes something may go on after the run was told to stop."""

Reason: TypeAlias = Interrupted | RunError


class Stop:
    """A switch with a reason; `reason` is None while nothing is to stop."""

    __slots__ = ("_children", "_limits", "_parent", "reason")

    def __init__(self, parent: Stop | None = None) -> None:
        self.reason: Reason | None = None if parent is None else parent.reason
        self._parent = parent
        self._children: set[Stop] = set()
        self._limits: dict[asyncio.Timeout, float] = {}
        if parent is not None:
            parent.adopt(self)

    def set(self, reason: Reason) -> None:
        """Tell everything below to stop; the first reason stays."""
        if self.reason is not None:
            return
        self.reason = reason
        now = asyncio.get_running_loop().time()
        for limit, grace in self._limits.items():
            limit.reschedule(now + grace)
        for child in tuple(self._children):
            child.set(reason)

    def adopt(self, child: Stop) -> None:
        """Tell `child` too."""
        self._children.add(child)

    def disown(self, child: Stop) -> None:
        """Tell `child` no more."""
        self._children.discard(child)

    def release(self) -> None:
        """Leave the tree; the branch that looked at this stop is done."""
        if self._parent is not None:
            self._parent.disown(self)

    def check(self) -> None:
        """Raise the reason if there is one."""
        if self.reason is not None:
            raise self.error()

    def error(self) -> Interrupted | RunError:
        """The reason as an exception of its own, so that each branch can attach its place."""
        reason = self.reason
        assert reason is not None, "asked only when there is one"
        if isinstance(reason, Interrupted):
            return reason
        return StoppedError(reason.kind, reason.message, hint=reason.hint)

    async def limit(self, work: Awaitable[T], grace_seconds: float = 0) -> T:
        """Await `work`, but not longer than `grace_seconds` after the stop is set.

        Raises the stop's reason where it ended the work.
        """
        try:
            async with asyncio.timeout(None) as limit:
                self._limits[limit] = grace_seconds
                try:
                    if self.reason is not None:
                        limit.reschedule(asyncio.get_running_loop().time() + grace_seconds)
                    return await work
                finally:
                    del self._limits[limit]
        except TimeoutError:
            self.check()
            raise

    async def sleep(self, seconds: float) -> None:
        """Wait; a stop ends the wait and raises its reason."""
        await self.limit(asyncio.sleep(seconds))


class RunControl:
    """What a caller may do to a run in progress; safe to call from a signal handler."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stops: list[Stop] = []
        self._reason: Interrupted | None = None

    def interrupt(self, signal_name: str) -> None:
        """Ask the run to stop in order: finish the unit, save, end as `interrupted`."""
        if self._reason is not None:
            return
        self._reason = Interrupted(signal_name)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell)

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked."""
        return self._reason is not None

    def attach(self, stop: Stop) -> None:
        """A run begins: its stop is told from now on."""
        self._loop = asyncio.get_running_loop()
        self._stops.append(stop)
        if self._reason is not None:
            stop.set(self._reason)

    def detach(self, stop: Stop) -> None:
        """The run is over."""
        self._stops.remove(stop)

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts; returns early where somebody asked to stop."""
        stop = Stop()
        self.attach(stop)
        try:
            await stop.sleep(seconds)
        except Interrupted:
            return
        finally:
            self.detach(stop)

    def _tell(self) -> None:
        assert self._reason is not None, "told only after being asked"
        for stop in self._stops:
            stop.set(self._reason)
