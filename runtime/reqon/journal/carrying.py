"""Keeping a session's state elsewhere: what is saved, when, and under whose lease.

    {…the record…, "epoch": 7, "syncCheckpoints": {…},
     "resume": {"frame": "<length> <crc32> {…}", "blobs": {hash: content}}}

`frame` is a `base` frame as a journal begins with after compaction, and more: the operations of
all stores, so that an empty disk gets its data back. Texts, so that a store gives back the very
bytes; the checksums are those of the journal. A completed execution is saved without `resume`.
Where the store takes frames, each goes there before it counts as durable (`journal.shipping`),
and the whole state is saved only when the journal is begun anew. `journal.fetching` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from reqon.clock import Clock
from reqon.journal.blobs import BlobFolder
from reqon.journal.elsewhere import Elsewhere
from reqon.journal.frames import Frame, line_of
from reqon.journal.lease import Lease
from reqon.journal.ledger import Ledger
from reqon.journal.materialise import living_blobs
from reqon.journal.net_changes import NetChanges
from reqon.journal.placeholders import SecretBook, encode_hidden
from reqon.journal.shipping import ShippedWriter
from reqon.journal.sync_checkpoints import Checkpoints, with_published

FRAME, BLOBS, EPOCH, SYNC, RESUME = "frame", "blobs", "epoch", "syncCheckpoints", "resume"
ADDED = (EPOCH, SYNC, RESUME)
"""The fields that a state has beside those of a record."""


LARGE_BYTES = 8 * 1024 * 1024
"""From this size on a person is told that a state has grown large."""

SMALL_BYTES = 64 * 1024
"""Up to this size a state is saved at every checkpoint."""

PAUSE = 9
"""So many times as long as the last save of a larger state took, none is saved at checkpoints."""


class SavePace:
    """When a checkpoint saves the whole state.

    What is saved grows with the run; saved at each checkpoint, a run would take time with the
    square of its length. So a tenth of the time goes into saving what is not small.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._size = 0
        self._began_at: float | None = None
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether a checkpoint of this moment is to save."""
        if self._size <= SMALL_BYTES:
            return True
        return self._began_at is None and self._clock.monotonic() >= self._due_at

    def begins(self) -> None:
        """A state is made and saved."""
        self._began_at = self._clock.monotonic()

    def ends(self, size: int) -> None:
        """A state of this size was saved."""
        now = self._clock.monotonic()
        took = now - (now if self._began_at is None else self._began_at)
        self._began_at = None
        self._size = size
        self._due_at = now + PAUSE * took


class Carrier:
    """The way from a session to a state store elsewhere.

    `sync` are all sync checkpoints as they were when the session began; `pace` says whether a
    checkpoint saves.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        lease: Lease | None,
        net: NetChanges,
        sync: Checkpoints,
        clock: Clock,
    ) -> None:
        self.elsewhere = elsewhere
        self.lease = lease
        self.net = net
        self.pace = SavePace(clock)
        self._size = 0
        self._sync = sync
        self._texts: dict[str, str] = {}
        self._notice: str | None = None
        self._is_told = False

    @property
    def saves_checkpoints(self) -> bool:
        """Whether a checkpoint is a saved state; else its frames were appended already."""
        return not self.elsewhere.can_append

    def state(
        self,
        record: dict[str, Any],
        ledger: Ledger,
        blobs: BlobFolder | None,
        secrets: SecretBook,
    ) -> dict[str, Any]:
        """The state as it is to be saved, from the record of this very moment."""
        self.pace.begins()
        state = ledger.state
        added: dict[str, Any] = {}
        if self.lease is not None:
            added[EPOCH] = self.lease.epoch
        sync = with_published(
            self._sync, state.synced, state.start.mission, state.start.execution_id
        )
        if sync:
            added[SYNC] = sync
        if blobs is not None and record["status"] != "completed":
            operations = self.net.encoded()
            frame = encode_hidden(self._frame(ledger, operations), secrets)
            contents = self._contents(ledger, blobs)
            added[RESUME] = {FRAME: line_of(frame).decode().rstrip("\n"), BLOBS: contents}
            n_stores = 0 if operations is msgspec.UNSET else len(memoryview(operations))
            self._measure(n_stores, len(frame) - n_stores, sum(map(len, contents.values())))
        return record | added

    def take_notice(self) -> str | None:
        """That the state has grown large, why, and what makes it small; once."""
        notice, self._notice = self._notice, None
        return notice

    def _measure(self, stores: int, positions: int, values: int) -> None:
        total = self._size = stores + positions + values
        if total <= LARGE_BYTES or self._is_told or not self.saves_checkpoints:
            return
        self._is_told = True
        self._notice = (
            f"the state has grown to {_mib(total)}, all of which is saved each time "
            f"(records of stores {_mib(stores)}, pages and lists {_mib(values)}, positions and "
            f"variables {_mib(positions)}), so that not every checkpoint saves it any more; a "
            "state store with 'append' and 'read' gets the changes alone"
        )

    def _frame(self, ledger: Ledger, operations: msgspec.Raw | msgspec.UnsetType) -> Frame:
        """The live fold as a frame with the number of the last one that was appended."""
        state = ledger.state
        frame = Frame(n=state.last_number, t=state.last_ms, k="base", s=state.last_number)
        frame.start = state.start
        frame.base = state.to_base({})
        frame.summary = ledger.summary()
        frame.ops = operations
        frame.published = state.synced
        frame.deferred = state.deferred
        return frame

    def _contents(self, ledger: Ledger, blobs: BlobFolder) -> dict[str, str]:
        """The blobs that are alive, each read once."""
        names = sorted(living_blobs(ledger.state, {}))
        self._texts = {name: self._texts.get(name) or blobs.text(name) for name in names}
        return dict(self._texts)

    async def save(self, state: Mapping[str, Any], writer: object) -> None:
        """Save a state; frames up to it need not be appended any more."""
        if isinstance(writer, ShippedWriter):
            writer.superseded(state["seq"])
        await self.elsewhere.save(state)
        self.pace.ends(self._size)

    async def close(self) -> None:
        """Give the lease back."""
        if self.lease is not None:
            await self.lease.release()


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
