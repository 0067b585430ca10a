"""Counts beside `store` lines and the last sync beside `since: lastSync`, from the last run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reqon.state.model import StoreCounts, SyncCheckpoint
from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.inline_status import moment
from reqon_lsp.features.tree import children_with_base
from reqon_lsp.last_run import LastRun, Past
from reqon_lsp.results import Hint
from vague.ast.base import Node
from vague.ast.definitions import Action
from vague.ast.expressions import Entry, LastSync, ObjectLiteral, StringLiteral
from vague.ast.steps import CallOperation, Request
from vague.program import MissionProgram


def store_hints(snapshot: Snapshot, path: str, past: Past) -> Iterator[Hint]:
    """How many records each store of a file held at the end of the last run."""
    for mission in snapshot.missions_of(path):
        state = past(mission).state
        if state is None:
            continue
        for name, declared in mission.stores.items():
            counts = state.stores.get(name)
            if declared.path == path and counts is not None:
                yield Hint(
                    declared.absolute(declared.node.span).end, _counted(counts), _tip(counts)
                )


def _counted(counts: StoreCounts) -> str:
    changes = [f"+{counts.added:,}"] if counts.added else []
    changes += [f"~{counts.updated:,}"] if counts.updated else []
    return " ".join([f"{counts.count:,} rec", *changes])


def _tip(counts: StoreCounts) -> str:
    return (
        f"last run: {counts.count:,} records, {counts.added:,} added, "
        f"{counts.updated:,} updated, {counts.unchanged:,} unchanged"
    )


def sync_hints(snapshot: Snapshot, path: str, past: Past, now: datetime) -> Iterator[Hint]:
    """The time of the last sync beside each request with `since: lastSync`."""
    for mission in snapshot.missions_of(path):
        known = past(mission)
        if not known.syncs:
            continue
        for declared in mission.actions.values():
            if declared.path == path:
                yield from _in_action(declared.node, declared.start, mission, known, now)


def _in_action(
    action: Action, start: int, mission: MissionProgram, known: LastRun, now: datetime
) -> Iterator[Hint]:
    waiting: list[tuple[Node, int]] = [(action, start)]
    while waiting:
        node, base = waiting.pop()
        if isinstance(node, Request | CallOperation) and node.options is not None:
            yield from _of_request(node, node.options, base, mission, known, now)
        waiting.extend((inner, start) for start, inner in children_with_base(node, base))


def _of_request(
    node: Request | CallOperation,
    options: ObjectLiteral,
    base: int,
    mission: MissionProgram,
    known: LastRun,
    now: datetime,
) -> Iterator[Hint]:
    for entry in options.entries:
        if isinstance(entry, Entry) and isinstance(entry.value, LastSync):
            key = _sync_key(node, options, entry.value, mission)
            sync = known.syncs.get(key) if key is not None else None
            if key is not None and sync is not None:
                end = entry.value.span.shifted(base)
                offset = end.start if entry.value.options is not None else end.end
                yield Hint(
                    offset, f"since {moment(sync.last_sync, now)}", _sync_tip(key, sync, now)
                )


def _sync_tip(key: str, sync: SyncCheckpoint, now: datetime) -> str:
    at = sync.last_sync.astimezone(now.tzinfo).strftime("%Y-%m-%d %H:%M:%S %z")
    return f"last sync of `{key}`: {at}, {sync.items_synced:,} items"


def _sync_key(
    node: Request | CallOperation,
    options: ObjectLiteral,
    value: LastSync,
    mission: MissionProgram,
) -> str | None:
    """The key that the time is kept under: as written, else source and path."""
    if value.key is not None:
        return value.key.value
    for entries in (options.entries, value.options.entries if value.options else ()):
        for entry in entries:
            if isinstance(entry, Entry) and entry.key.text == "syncKey":
                literal = entry.value
                return literal.value if isinstance(literal, StringLiteral) else None
    if not isinstance(node, Request) or not isinstance(node.path, StringLiteral):
        return None
    named = node.source or node.from_source
    default = mission.default_source
    source = named.text if named is not None else default.node.name.text if default else None
    path = node.path.value.partition("?")[0]
    return f"{source}-{path}" if source is not None else None
