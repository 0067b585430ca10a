"""What a unit holds back until its commit: plain containers that the ledger merges.

Filled by `journal.unit`, emptied by `journal.ledger`; knows neither disk nor frames. What most
units have stands in `Changes`; everything else in `Rare`, made when it is needed first, because
a unit may be as small as one record.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from reqon.journal.batch import CellKey
from reqon.journal.staging import StagedStore
from reqon.stores.base import Store

ActiveStep: TypeAlias = tuple[str, int | None, "dict[str, Any] | None", Any]
"""Action, index of the next item, the item's identifying fields, path for the record."""


class Rare:
    """The changes that few units have.

    `pipeline` holds (stage, status or None, {action: status}), `syncs` (key, action, candidate),
    `blobs` encoded values by hash, `settled` the numbers of recorded calls that are done with.
    """

    __slots__ = (
        "blobs",
        "checkpoints",
        "done",
        "errors",
        "pipeline",
        "progress",
        "publish",
        "settled",
        "syncs",
        "unknown",
        "warnings",
    )

    def __init__(self) -> None:
        self.checkpoints: dict[str, dict[str, Any]] = {}
        self.progress: dict[str, int | str | None] | None = None
        self.done: list[str] = []
        self.pipeline: list[tuple[int, str | None, dict[str, str]]] = []
        self.syncs: list[tuple[str, str, dict[str, Any]]] = []
        self.publish: list[str] = []
        self.warnings: dict[str, int] = {}
        self.errors: list[dict[str, Any]] = []
        self.unknown: list[dict[str, Any]] = []
        self.settled: list[int] = []
        self.blobs: dict[str, bytes] = {}


class Changes:
    """Everything that one unit changed since its last commit.

    `cells` is kept by `journal.batch.note_cell`. `active` is None where the place did not
    change, `left` says that the branch is in no action any more; `action` is the one that it is
    in, and stays from unit to unit.
    """

    __slots__ = ("action", "active", "branch", "cells", "items", "left", "rare", "staged")

    def __init__(self, branch: str) -> None:
        self.branch = branch
        self.action: str | None = None
        self.cells: dict[CellKey, Any] = {}
        self.staged: dict[Store, StagedStore] = {}
        self.items: dict[str, int] = {}
        self.active: ActiveStep | None = None
        self.left = False
        self.rare: Rare | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to commit."""
        return bool(
            self.cells
            or self.staged
            or self.items
            or self.active
            or self.left
            or self.rare is not None
        )

    def reset(self) -> None:
        """Forget everything, for the next unit of the branch."""
        self.cells.clear()
        self.staged.clear()
        self.items.clear()
        self.active = None
        self.left = False
        self.rare = None

    def more(self) -> Rare:
        """The container of rare changes, made when it is needed first."""
        rare = self.rare
        if rare is None:
            rare = self.rare = Rare()
        return rare
