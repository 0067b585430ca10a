"""The stores of a session: opened, locked, and brought up to date before anything is written.

Whoever writes a store holds its lock for the whole run; so every other journal that touches the
store is dead, and what it holds beyond the store's mark is redone here, once and durable, before
the first own frame. At any time at most one journal has operations that a store lacks. A store
that is only read is locked for the moment of opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

from reqon.errors import ConfigError, RefusedError
from reqon.journal.applied import moved_on, read_marks, write_marks
from reqon.journal.disk import Disk
from reqon.journal.frames import Frame
from reqon.journal.listing import journals, living_executions
from reqon.journal.locks import refuse
from reqon.journal.placeholders import SecretBook, refusing
from reqon.journal.recovery import Extent, read_frames, read_operations
from reqon.journal.store_lock import StoreLock
from reqon.journal.sync_checkpoints import publish, read_sync_marks
from reqon.journal.writers import (
    foreign_journals,
    note_writer,
    real_path,
    writer_path,
)
from reqon.state.journal_tail import read_start, read_tail
from reqon.state.paths import StatePaths
from reqon.stores.base import Operation, Store, StoreSpec
from reqon.stores.registry import make_store


@dataclass(eq=False, slots=True)
class HeldStore:
    """One store of a session. `identity` tells stores apart, `names` are the mission's.

    `marks` are the applied marks, `saved_marks` those on the disk; `lock` is None for memory
    stores. A `shared` one may be written from other state folders: all marks stay, and each writer
    leaves its name.
    """

    identity: str
    store: Store
    writes: bool
    lock: StoreLock | None
    names: list[str] = field(default_factory=list[str])
    marks: dict[str, int] = field(default_factory=dict[str, int])
    saved_marks: dict[str, int] = field(default_factory=dict[str, int])
    shared: bool = False


def identity_of(spec: StoreSpec, location: Path | None) -> str:
    """What two declarations have in common exactly when they mean the same data."""
    return f"{spec.adapter} {spec.identifier if location is None else real_path(location)}"


def durable_identity(spec: StoreSpec, paths: StatePaths) -> str | None:
    """The identity of a store that is written and kept; None for others and unknown adapters."""
    try:
        store = make_store(spec, paths)
    except ConfigError:
        return None
    return identity_of(spec, store.location) if store.durable and spec.writes else None


def describe(specs: Mapping[str, StoreSpec]) -> dict[str, dict[str, Any]]:
    """The stores as a start frame names them."""
    return {
        name: {
            "adapter": spec.adapter,
            "identifier": spec.identifier,
            "options": dict(spec.options),
            "writes": spec.writes,
        }
        for name, spec in specs.items()
    }


def described(stores: Mapping[str, Mapping[str, Any]]) -> dict[str, StoreSpec]:
    """The specs that a start frame names."""
    return {
        name: StoreSpec(
            facts["adapter"],
            facts["identifier"],
            facts.get("options", {}),
            facts.get("writes", True),
        )
        for name, facts in stores.items()
    }


class StoreShelf:
    """All stores of a session, by name and once each."""

    def __init__(self, specs: Mapping[str, StoreSpec], paths: StatePaths, disk: Disk) -> None:
        """Make the stores; ConfigError for adapters and options that cannot be."""
        self.by_name: dict[str, Store] = {}
        self.held: list[HeldStore] = []
        self._paths = paths
        self._disk = disk
        by_identity: dict[str, HeldStore] = {}
        for name, spec in specs.items():
            store = make_store(spec, paths)
            identity = identity_of(spec, store.location)
            held = by_identity.get(identity)
            if held is None:
                lock = StoreLock(spec, store.location, paths, disk) if store.durable else None
                held = HeldStore(identity, store, spec.writes, lock)
                held.shared = store.location is not None and "dir" in spec.options
                by_identity[identity] = held
            held.writes = held.writes or spec.writes
            held.names.append(name)
            self.by_name[name] = held.store
        self.held = sorted(by_identity.values(), key=attrgetter("identity"))

    @property
    def durable(self) -> list[HeldStore]:
        """The stores that keep their data, in the order of their locks."""
        return [held for held in self.held if held.store.durable]

    def identities(self) -> dict[str, HeldStore]:
        """The durable stores by identity."""
        return {held.identity: held for held in self.durable}

    def sign(self, journal: Path) -> None:
        """Say beside shared stores that this journal writes them now; before its first frame."""
        for held in self.durable:
            if held.writes and held.shared and held.store.location is not None:
                note_writer(self._disk, held.store.location, journal)

    # ---- locks

    async def lock(self, seconds: float, poll: float) -> None:
        """Take the lock of each store that is written, in order; RefusedError after waiting."""
        for held in self.durable:
            if held.lock is None or not held.writes:
                continue
            if held.store.location is not None:
                self._disk.make_folder(held.lock.path.parent)
            if not await held.lock.acquire(seconds, poll):
                names = "', '".join(held.names)
                raise refuse(f"the store '{names}' is being written", held.lock.path)

    def release(self) -> None:
        """Let all locks go."""
        for held in reversed(self.held):
            if held.lock is not None:
                held.lock.release()

    # ---- opening

    def open(self, own: str | None, secrets: SecretBook, *, force: bool) -> None:
        """Read the stores and redo what dead journals hold beyond them. Blocks.

        `own` is the execution whose journal the caller folds itself. RefusedError for damaged
        files and journals (`force` goes on with the good part of a journal).
        """
        writing = [held for held in self.durable if held.writes]
        self._open(writing, own, secrets, force=force)
        for held in self.durable:
            if not held.writes:
                self._open_to_read(held, own, secrets, force=force)

    def _open(
        self, stores: list[HeldStore], own: str | None, secrets: SecretBook, *, force: bool
    ) -> None:
        for held in stores:
            location = held.store.location
            if location is not None:
                self._disk.make_folder(location.parent)
                held.shared = held.shared or writer_path(location).exists()
            held.store.load()
            held.saved_marks = {} if location is None else read_marks(location)
            held.marks = dict(held.saved_marks)
        redo = Redo(self._paths, self._disk, secrets, force=force)
        redo.run({held.identity: held for held in stores}, own)

    def _open_to_read(
        self, held: HeldStore, own: str | None, secrets: SecretBook, *, force: bool
    ) -> None:
        if held.lock is None or not held.lock.path.parent.is_dir() or not held.lock.try_acquire():
            held.store.load()
            return
        try:
            self._open([held], own, secrets, force=force)
        finally:
            held.lock.release()


@dataclass(slots=True)
class _Dead:
    """What the redo of one journal found."""

    execution_id: str
    mission: str
    touched: set[str]
    identities: set[str]
    published: dict[str, dict[str, Any]]
    published_at: int = 0


class Redo:
    """Redoing dead journals into stores whose locks are held. All methods block."""

    def __init__(self, paths: StatePaths, disk: Disk, secrets: SecretBook, *, force: bool) -> None:
        self._paths = paths
        self._disk = disk
        self._secrets = secrets
        self._force = force

    def run(self, stores: Mapping[str, HeldStore], own: str | None) -> None:
        """Apply what the stores lack, make it durable, publish the sync times that go with it."""
        if not stores:
            return
        for path in journals(self._paths):
            start = read_start(path)
            if start is None or start.get("executionId") == own:
                continue
            if self._lacks(path, start, stores):
                self._redo(path, stores)
        for path in sorted(self._foreign(stores)):
            other = Redo(
                StatePaths(path.parent.parent), self._disk, self._secrets, force=self._force
            )
            other.redo_foreign(path, stores)

    def redo_foreign(self, path: Path, stores: Mapping[str, HeldStore]) -> None:
        """The same for one journal of these paths, for a run of another state folder.

        Its sync times stay its own run's to publish.
        """
        start = read_start(path)
        if start is not None and self._lacks(path, start, stores):
            self._redo(path, stores, publishes=False)

    def _foreign(self, stores: Mapping[str, HeldStore]) -> set[Path]:
        locations = [held.store.location for held in stores.values() if held.shared]
        return {
            path
            for location in locations
            if location is not None
            for path in foreign_journals(location, self._paths)
        }

    def _lacks(self, path: Path, start: Mapping[str, Any], stores: Mapping[str, HeldStore]) -> bool:
        """Whether one of the stores has not seen the journal's last frame."""
        touched = [stores[i] for i in self._identities(start.get("stores")) if i in stores]
        if not touched:
            return False
        tail = read_tail(path)
        number = 0 if tail is None else tail.number
        return any(held.marks.get(start["executionId"], 0) < number for held in touched)

    def _identities(self, stores: Any) -> dict[str, str]:
        """Durable store identities in a start frame's `stores`, to the name that they have."""
        if not isinstance(stores, dict):
            return {}
        found: dict[str, str] = {}
        for name, spec in described(stores).items():  # pyright: ignore[reportUnknownArgumentType]
            identity = durable_identity(spec, self._paths)
            if identity is not None:
                found[identity] = name
        return found

    def _redo(self, path: Path, stores: Mapping[str, HeldStore], *, publishes: bool = True) -> None:
        extent = Extent()
        dead = _Dead("", "", set(), set(), {})
        targets: dict[str, HeldStore] = {}
        with refusing(f"the execution behind '{path.name}'"):
            for frame in read_frames(path, extent, self._secrets):
                if frame.start is not None:
                    targets = self._begin(frame, dead, stores)
                self._apply(frame, path, dead, targets)
                if frame.published:
                    dead.published.update(frame.published)
                    dead.published_at = frame.n
        if extent.damage is not None and not self._force:
            raise damaged(path, extent.damage)
        touched = [stores[identity] for identity in sorted(dead.touched)]
        self._persist(dead, touched, extent.number)
        if publishes and self._may_publish(dead, touched):
            publish(
                self._paths,
                self._disk,
                dead.published,
                mission=dead.mission,
                execution_id=dead.execution_id,
                number=extent.number,
            )

    def _begin(
        self, frame: Frame, dead: _Dead, stores: Mapping[str, HeldStore]
    ) -> dict[str, HeldStore]:
        assert frame.start is not None
        dead.execution_id = frame.start.execution_id
        dead.mission = frame.start.mission
        targets: dict[str, HeldStore] = {}
        for name, spec in described(frame.start.stores).items():
            identity = durable_identity(spec, self._paths)
            if identity is None:
                continue
            dead.identities.add(identity)
            if identity in stores:
                targets[name] = stores[identity]
                dead.touched.add(identity)
        return targets

    def _apply(
        self, frame: Frame, path: Path, dead: _Dead, targets: Mapping[str, HeldStore]
    ) -> None:
        lacking = {
            name: held
            for name, held in targets.items()
            if held.marks.get(dead.execution_id, 0) < frame.n
        }
        if lacking:
            apply_frame(read_operations(frame, path), lacking)

    def _persist(self, dead: _Dead, touched: list[HeldStore], number: int) -> None:
        living = living_executions(self._paths)
        for held in touched:
            held.marks = moved_on(
                held.marks, dead.execution_id, number, None if held.shared else living
            )
        write_stores(self._disk, touched)

    def _may_publish(self, dead: _Dead, touched: list[HeldStore]) -> bool:
        """Whether there are new sync times, and every store of theirs has the data now."""
        if not dead.published or not dead.identities <= {held.identity for held in touched}:
            return False
        return read_sync_marks(self._paths).get(dead.execution_id, 0) < dead.published_at


def apply_frame(operations: Iterable[Operation], targets: Mapping[str, HeldStore]) -> None:
    """Apply operations to the stores that they name; others are passed over."""
    by_store: dict[HeldStore, list[Operation]] = {}
    for operation in operations:
        held = targets.get(operation[0])
        if held is not None:
            by_store.setdefault(held, []).append(operation)
    for held, found in by_store.items():
        held.store.apply(found)


def write_stores(disk: Disk, stores: Iterable[HeldStore]) -> None:
    """Write stores, then their marks, each durable before the next begins. Blocks.

    A mark that reached the disk before its store would hide operations from the redo.
    """
    kept = [(held, held.store.location) for held in stores]
    files = [(held, location) for held, location in kept if location is not None]
    for held, _ in files:
        if held.store.touched:
            held.store.write(disk)
    for folder in sorted({location.parent for _, location in files}):
        disk.sync_folder(folder)
    for held, location in files:
        if held.marks != held.saved_marks or list(held.marks) != list(held.saved_marks):
            write_marks(disk, location, held.marks)
            held.saved_marks = dict(held.marks)
    for folder in sorted({location.parent for _, location in files}):
        disk.sync_folder(folder)


def beginning_damaged(path: Path) -> RefusedError:
    """The refusal for a journal whose first frame is bad: there is nothing to go on from."""
    return RefusedError(
        f"the journal '{path}' is damaged: its first frame is bad",
        hint="restore it from a backup, or start the mission anew without --resume",
    )


def damaged(path: Path, damage: str) -> RefusedError:
    """The refusal for a journal whose acknowledged frames are bad."""
    return RefusedError(
        f"the journal '{path}' is damaged: {damage}",
        hint="restore it from a backup, or go on from the last good frame with --force",
    )
