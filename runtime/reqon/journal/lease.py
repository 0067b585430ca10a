"""A lease on a mission in a state store elsewhere: one run at a time, wherever it runs.

Taken after the local lock, renewed while the session is open, given back at its end. A process
that dies gives nothing back: its lease runs out, or is taken by the next run of the same state
folder, which holds the folder's lock and so knows that the other is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reqon.errors import ConfigError, RefusedError, StateStoreError
from reqon.journal.elsewhere import Elsewhere
from reqon.journal.request import Timing


class Lease:
    """A lease that is held; made by `take_lease`. `epoch` goes into all that is saved."""

    def __init__(self, elsewhere: Elsewhere, mission: str, epoch: int, timing: Timing) -> None:
        self.epoch = epoch
        self._elsewhere = elsewhere
        self._mission = mission
        self._timing = timing
        self._renewal: asyncio.Future[None] | None = None

    def keep(self, on_lost: Callable[[StateStoreError], None]) -> None:
        """Renew it until `release`; `on_lost` is called once when it is lost."""
        self._renewal = asyncio.ensure_future(self._renew(on_lost))

    async def _renew(self, on_lost: Callable[[StateStoreError], None]) -> None:
        renewed_at = time.monotonic()
        while True:
            await asyncio.sleep(self._timing.renew)
            try:
                held = await self._elsewhere.renew(self._mission, self.epoch, self._timing.lease)
            except (StateStoreError, ConfigError) as error:
                if time.monotonic() - renewed_at > self._timing.lease:
                    on_lost(_not_renewed(error))
                    return
                continue
            if not held:
                on_lost(_lost(self._mission))
                return
            renewed_at = time.monotonic()

    async def release(self) -> None:
        """Give it back; a store that fails now lets it run out."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})
        with contextlib.suppress(StateStoreError, ConfigError):
            await self._elsewhere.release(self._mission, self.epoch)


async def take_lease(
    elsewhere: Elsewhere, mission: str, owner: str, wait_seconds: float | None, timing: Timing
) -> Lease:
    """Take the lease, waiting for it as for a lock; RefusedError where it stays with another."""
    end = time.monotonic() + (timing.lock_retry if wait_seconds is None else wait_seconds)
    while True:
        epoch = await elsewhere.acquire(mission, owner, timing.lease)
        if epoch is not None:
            return Lease(elsewhere, mission, epoch, timing)
        if time.monotonic() >= end:
            raise RefusedError(
                f"'{mission}' is already running: the state store has lent it to another run",
                hint="wait for that one with --wait 10m; one that died lets go after "
                f"{timing.lease:g} s",
            )
        await asyncio.sleep(min(timing.lease_poll, max(0.0, end - time.monotonic())))


def owner_of(process: dict[str, Any], state_folder: Path) -> str:
    """Who a run is: the state folder of this machine, whose lock it holds."""
    parts = (process.get("host"), process.get("bootId"), state_folder.absolute())
    return " ".join(str(part) for part in parts)


def _not_renewed(error: StateStoreError | ConfigError) -> StateStoreError:
    if isinstance(error, StateStoreError):
        return error
    return StateStoreError(error.message, hint=error.hint)


def _lost(mission: str) -> StateStoreError:
    return StateStoreError(
        f"the lease on '{mission}' was lost: another run may have taken it over",
        hint="look at `reqon status`; what was saved up to then is kept, and can be resumed",
    )
