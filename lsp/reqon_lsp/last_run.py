"""What the state folder tells of a mission's past, held in memory for the features.

Filled by `status_watch`; a feature gets a `Past` and never touches the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.state.model import ExecutionState, SyncCheckpoint
from reqon.state.paths import StatePaths
from vague.ast.definitions import Store
from vague.ast.expressions import Call, Entry, Name, ObjectLiteral, StringLiteral
from vague.program import MissionProgram

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest execution of a mission, the sync times, and sample records by store name."""

    state: ExecutionState | None = None
    syncs: Mapping[str, SyncCheckpoint] = field(default_factory=dict[str, SyncCheckpoint])
    samples: Mapping[str, Sequence[Record]] = field(default_factory=dict[str, Sequence[Record]])


NOTHING = LastRun()
"""The past of a mission that never ran."""

Past = Callable[[MissionProgram], LastRun]


def store_files(mission: MissionProgram, state_folder: str) -> dict[str, str]:
    """The files of a mission's file stores, by the store's name."""
    found: dict[str, str] = {}
    for name, declared in mission.stores.items():
        path = store_file(declared.node, state_folder)
        if path is not None:
            found[name] = path
    return found


def store_file(store: Store, state_folder: str) -> str | None:
    """Where the records of `store x: file("id", { dir })` lie; None for other adapters."""
    adapter = store.adapter
    if not (isinstance(adapter, Call) and isinstance(adapter.callee, Name)):
        return None
    identifier = adapter.arguments[0] if adapter.arguments else None
    if adapter.callee.text not in ("file", "sql", "nosql"):
        return None
    if not isinstance(identifier, StringLiteral) or not _is_plain(identifier.value):
        return None
    root = StatePaths(Path(state_folder))
    folder = root.stores
    for option in adapter.arguments[1:]:
        chosen = _dir_option(option)
        if chosen is not None:
            folder = root.root.parent / chosen
    return str(folder / f"{identifier.value}.json")


def _dir_option(value: object) -> str | None:
    if isinstance(value, ObjectLiteral):
        for entry in value.entries:
            if isinstance(entry, Entry) and entry.key.text == "dir":
                literal = entry.value
                return literal.value if isinstance(literal, StringLiteral) else None
    return None


def _is_plain(identifier: str) -> bool:
    """Whether the identifier stays below its folder."""
    parts = identifier.split("/")
    usable = identifier.isprintable() and "\\" not in identifier and ":" not in parts[0]
    return usable and all(part and not part.startswith(".") for part in parts)
