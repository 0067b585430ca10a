"""The outline of a document, and the names of the whole workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.results import FoundSymbol, ItemKind, Location, Symbol
from vague.ast.base import Identifier, Node, Placed
from vague.ast.definitions import (
    Action,
    Dataset,
    ErrorMember,
    Mission,
    Option,
    Schedule,
    Schema,
    SchemaField,
    Source,
    Store,
    Transform,
)
from vague.ast.steps import Let, Run
from vague.text import Span

MAX_SYMBOLS = 2000
_KINDS: dict[type[Node], ItemKind] = {
    Mission: ItemKind.MISSION,
    Action: ItemKind.ACTION,
    Source: ItemKind.SOURCE,
    Store: ItemKind.STORE,
    Schema: ItemKind.SCHEMA,
    Transform: ItemKind.TRANSFORM,
    Dataset: ItemKind.SCHEMA,
    Let: ItemKind.VARIABLE,
}


def document_symbols(snapshot: Snapshot, path: str) -> tuple[Symbol, ...]:
    """The outline of a file: missions with their members, actions, schemas with their fields."""
    parsed = snapshot.parsed(path)
    return () if parsed is None else tuple(_symbols(parsed.tree.items, 0))


def _symbols(elements: Iterable[Placed[Node]], base: int) -> Iterator[Symbol]:
    for placed in elements:
        found = _symbol(placed.node, base + placed.start)
        if found is not None:
            yield found


def _symbol(node: Node, start: int) -> Symbol | None:
    span = node.span.shifted(start)
    if isinstance(node, Run):
        return Symbol("run", ItemKind.EVENT, span, Span(start, start + 3), _pipeline(node))
    if isinstance(node, Schedule):
        name = Span(start, start + len("schedule"))
        return Symbol("schedule", ItemKind.EVENT, span, name, node.kind)
    if isinstance(node, Option):
        return Symbol(node.key.text, ItemKind.OPTION, span, node.key.span.shifted(start))
    name = getattr(node, "name", None)
    if not isinstance(name, Identifier) or not name.text:
        return None
    kind = _KINDS.get(type(node))
    if isinstance(node, ErrorMember):
        kind = ItemKind.ACTION if node.kind == "action" else ItemKind.VARIABLE
    if kind is None:
        return None
    children = tuple(_children(node, start))
    return Symbol(name.text, kind, span, name.span.shifted(start), _detail(node), children)


def _children(node: Node, start: int) -> Iterator[Symbol]:
    if isinstance(node, Mission):
        yield from _symbols(node.members, start)
    elif isinstance(node, Action):
        lets = [placed for placed in node.elements if isinstance(placed.node, Let)]
        yield from _symbols(lets, start)
    elif isinstance(node, Schema):
        for item in node.items:
            if isinstance(item, SchemaField):
                key = item.key.span.shifted(start)
                yield Symbol(item.key.text, ItemKind.FIELD, item.span.shifted(start), key)


def _detail(node: Node) -> str:
    return node.spec.value if isinstance(node, Source) and node.spec is not None else ""


def _pipeline(node: Run) -> str:
    stages = (", ".join(name.text for name in stage.actions) for stage in node.stages)
    return " → ".join(stages)


def workspace_symbols(snapshots: Iterable[Snapshot], query: str) -> list[FoundSymbol]:
    """Missions and definitions of all programs that are read; every letter of `query` in order."""
    found: dict[tuple[str, int], FoundSymbol] = {}
    wanted = query.lower()
    for snapshot in snapshots:
        for path in snapshot.program.files:
            for symbol, container in _flat(document_symbols(snapshot, path), ""):
                if _matches(symbol.name.lower(), wanted):
                    place = Location(path, symbol.name_span)
                    key = (path, symbol.name_span.start)
                    found[key] = FoundSymbol(symbol.name, symbol.kind, place, container)
                    if len(found) >= MAX_SYMBOLS:
                        return list(found.values())
    return list(found.values())


def _flat(symbols: Iterable[Symbol], container: str) -> Iterator[tuple[Symbol, str]]:
    for symbol in symbols:
        if symbol.kind not in (ItemKind.OPTION, ItemKind.EVENT, ItemKind.FIELD):
            yield symbol, container
        if symbol.kind is ItemKind.MISSION:
            yield from _flat(symbol.children, symbol.name)


def _matches(name: str, query: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in query)
