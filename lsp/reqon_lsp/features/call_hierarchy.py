"""Which action runs which: by `run` and `jump`."""

from __future__ import annotations

from collections.abc import Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.results import CallEdge, CallItem
from vague.ast.definitions import Action
from vague.names import NameAt
from vague.program import Declared, MissionProgram
from vague.text import Span

_CALLS = frozenset({"run", "jump", "arm"})


def prepare_calls(snapshot: Snapshot, path: str, offset: int) -> CallItem | None:
    """The action that is named at an offset."""
    found = snapshot.names.at(path, offset)
    if found is None or found.symbol.kind != "action":
        return None
    return action_item(snapshot, found.symbol.name, found.symbol.path)


def action_item(snapshot: Snapshot, name: str, path: str | None) -> CallItem | None:
    """An action by its name and file."""
    for mission in snapshot.program.missions:
        declared = mission.actions.get(name)
        if declared is not None and declared.path == (path or declared.path):
            return _item(declared, mission)
    return None


def incoming_calls(snapshot: Snapshot, item: CallItem) -> Iterator[CallEdge]:
    """The actions that run this one."""
    calls: dict[tuple[str, int], list[NameAt]] = {}
    owners: dict[tuple[str, int], CallItem] = {}
    for name in _calls(snapshot):
        if name.symbol.name == item.name and name.symbol.path == item.path:
            owner = _owner(snapshot, name)
            if owner is not None:
                key = (owner.path, owner.span.start)
                owners[key] = owner
                calls.setdefault(key, []).append(name)
    for key, owner in owners.items():
        yield CallEdge(owner, tuple(name.span for name in calls[key]))


def outgoing_calls(snapshot: Snapshot, item: CallItem) -> Iterator[CallEdge]:
    """The actions that this one runs."""
    places: dict[str, list[Span]] = {}
    files: dict[str, str | None] = {}
    for name in _calls(snapshot):
        inside = item.span.start <= name.span.start < item.span.end
        if name.path == item.path and inside:
            places.setdefault(name.symbol.name, []).append(name.span)
            files[name.symbol.name] = name.symbol.path
    for callee, spans in places.items():
        found = action_item(snapshot, callee, files[callee])
        if found is not None:
            yield CallEdge(found, tuple(spans))


def _calls(snapshot: Snapshot) -> Iterator[NameAt]:
    for path in snapshot.program.files:
        for name in snapshot.names.in_file(path):
            if name.symbol.kind == "action" and name.role in _CALLS:
                yield name


def _owner(snapshot: Snapshot, name: NameAt) -> CallItem | None:
    """The action that a name stands in."""
    for mission in snapshot.program.missions:
        for declared in mission.actions.values():
            span = declared.absolute(declared.node.span)
            if declared.path == name.path and span.start <= name.span.start < span.end:
                return _item(declared, mission)
    return None


def _item(declared: Declared[Action], mission: MissionProgram) -> CallItem:
    node = declared.node
    return CallItem(
        node.name.text,
        mission.name,
        declared.path,
        declared.absolute(node.span),
        declared.absolute(node.name.span),
    )
