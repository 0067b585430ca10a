"""The lock of a store, the same for all state folders that write it.

A store whose folder is the `stores` of a state folder has its lock there; beside a store elsewhere
lies one of its own. A state folder may come into being while a run of another one already holds
the lock beside the file. So whoever holds the lock in a state folder takes the one beside the
file too where there is one, and whoever took that one looks again whether it is still the right
one: of two runs, one always sees the other.
"""

from __future__ import annotations

from pathlib import Path

from reqon.journal.disk import Disk
from reqon.journal.locks import FileLock, wait_for
from reqon.journal.writers import lock_beside, lock_path
from reqon.state.paths import StatePaths
from reqon.stores.base import StoreSpec


class StoreLock:
    """Held or not. `path` is the lock file that tells people who has the store."""

    def __init__(
        self, spec: StoreSpec, location: Path | None, paths: StatePaths, disk: Disk
    ) -> None:
        self.path = lock_path(spec, location, paths)
        self._now = lambda: lock_path(spec, location, paths)
        self._beside = None if location is None else lock_beside(location)
        self._disk = disk
        self._held: list[FileLock] = []

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting."""
        path = self._now()
        if not self._take(path):
            return False
        if path == self._beside:
            right = self._now() == path
        else:
            right = self._beside is None or not self._beside.exists() or self._take(self._beside)
        if not right:
            self.release()
        return right

    def _take(self, path: Path) -> bool:
        self.path = path
        lock = FileLock(path, self._disk)
        taken = lock.try_acquire()
        if taken:
            self._held.append(lock)
        return taken

    async def acquire(self, seconds: float, poll: float) -> bool:
        """Take the lock, trying again for so many seconds; False when it stayed taken."""
        return await wait_for(self.try_acquire, seconds, poll)

    def release(self) -> None:
        """Let the lock go; does nothing where it is not held."""
        held, self._held = self._held, []
        for lock in reversed(held):
            lock.release()
