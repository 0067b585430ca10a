"""From a name to its declaration, to all its uses, and to another name.

Rename changes every file of the program, strings that spell the name included; it refuses what
would not be the same program afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.fields import scope_of
from reqon_lsp.results import Highlight, Location, RefusedError
from vague.diagnostics import TextEdit
from vague.names import NameAt, Symbol
from vague.program import MissionProgram, dirname, join
from vague.text import Span
from vague.traversal.events import Kind
from vague.vocabulary.keywords import RESERVED
from vague.vocabulary.kinds import AMBIENT_NAMES, PREDEFINED_SCHEMAS, TYPE_NAMES

_WRITES = frozenset({"declare", "write"})
_RENAMED: frozenset[Kind] = frozenset(
    {"mission", "action", "source", "store", "schema", "transform", "let", "local"}
)
_READABLE: frozenset[Kind] = frozenset({"let", "local", "store", "source"})
"""What an expression reads by its name alone."""
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def definition(snapshot: Snapshot, path: str, offset: int) -> tuple[Span, Location] | None:
    """The name at an offset and the place of its declaration; an import leads to its file."""
    found = snapshot.names.at(path, offset)
    target = snapshot.names.definition(found.symbol) if found is not None else None
    if found is None or target is None:
        return _imported(snapshot, path, offset)
    return found.span, Location(target.path, _bare(snapshot, target))


def _imported(snapshot: Snapshot, path: str, offset: int) -> tuple[Span, Location] | None:
    source = snapshot.program.files.get(path)
    if source is None:
        return None
    regions = [source.region, *(part.region for part in source.region.missions)]
    for region in regions:
        for declared in region.imports:
            span = declared.absolute(declared.node.path.span)
            target = join(dirname(path), declared.node.path.value)
            if span.start <= offset <= span.end and target in snapshot.program.files:
                return span, Location(target, Span(0, 0))
    return None


def references(
    snapshot: Snapshot, path: str, offset: int, *, declaration: bool
) -> tuple[Location, ...]:
    """Every place of the program that names the same thing."""
    found = snapshot.names.at(path, offset)
    if found is None:
        return ()
    named = snapshot.names.references(found.symbol, declaration=declaration)
    return tuple(Location(one.path, _bare(snapshot, one)) for one in named)


def highlights(snapshot: Snapshot, path: str, offset: int) -> tuple[Highlight, ...]:
    """The places of one file that name the same thing."""
    found = snapshot.names.at(path, offset)
    if found is None:
        return ()
    return tuple(
        Highlight(_bare(snapshot, one), one.role in _WRITES)
        for one in snapshot.names.references(found.symbol)
        if one.path == path
    )


def prepare_rename(snapshot: Snapshot, path: str, offset: int) -> tuple[Span, str] | None:
    """The name that can be renamed at an offset, and how it reads; None where there is none."""
    found = snapshot.names.at(path, offset)
    if found is None or not _can_be_renamed(found):
        return None
    return _bare(snapshot, found), found.symbol.name


def rename(
    snapshot: Snapshot, path: str, offset: int, new_name: str
) -> Mapping[str, tuple[TextEdit, ...]]:
    """The edits by file that give a thing another name.

    Raises:
        RefusedError: when nothing can be renamed here, or not to this name.
    """
    found = snapshot.names.at(path, offset)
    if found is None or not _can_be_renamed(found):
        raise RefusedError("there is no name here that can be renamed")
    if not _is_name(new_name):
        raise RefusedError(f"'{new_name}' is not a name")
    if new_name == found.symbol.name:
        return {}
    _refuse_clash(snapshot, found, new_name)
    edits: dict[str, list[TextEdit]] = {}
    for one in snapshot.names.references(found.symbol):
        edits.setdefault(one.path, []).append(TextEdit(_bare(snapshot, one), new_name))
    return {file: tuple(changes) for file, changes in edits.items()}


def _can_be_renamed(found: NameAt) -> bool:
    return found.symbol.kind in _RENAMED and found.symbol.path is not None


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text not in RESERVED and text != "_"


def _refuse_clash(snapshot: Snapshot, found: NameAt, new_name: str) -> None:
    """A name that something in sight has already would change what the program means."""
    symbol = found.symbol
    if symbol.kind == "mission":
        if snapshot.program.mission(new_name) is not None:
            raise RefusedError(f"there is a mission '{new_name}' already")
        return
    if _is_taken(symbol.kind, new_name):
        raise RefusedError(f"'{new_name}' has a meaning of its own")
    if symbol.kind in _READABLE:
        for one in snapshot.names.references(symbol):
            _refuse_hidden(snapshot, one, new_name)
    for mission in snapshot.program.missions:
        if _declares(mission, symbol, new_name):
            raise RefusedError(f"'{new_name}' is the name of {_word(symbol)} already")


def _is_taken(kind: Kind, name: str) -> bool:
    if kind == "schema":
        return name in TYPE_NAMES or name in PREDEFINED_SCHEMAS
    return kind in _READABLE and name in AMBIENT_NAMES


def _refuse_hidden(snapshot: Snapshot, place: NameAt, new_name: str) -> None:
    scope = scope_of(snapshot, place.path, place.span.end)
    if scope is not None and scope.binding(new_name) is not None:
        raise RefusedError(f"'{new_name}' is another name in sight at one of the places")


def _declares(mission: MissionProgram, symbol: Symbol, name: str) -> bool:
    if symbol.kind in _READABLE:
        variable = symbol.kind in ("let", "local")
        lets = {one.node.name.text for one in (*mission.shared_lets, *mission.lets)}
        return name in mission.stores or name in mission.sources or (variable and name in lets)
    tables: Mapping[str, Mapping[str, object]] = {
        "action": mission.actions,
        "schema": mission.schemas,
        "transform": mission.transforms,
    }
    return name in tables[symbol.kind]


def _word(symbol: Symbol) -> str:
    if symbol.kind in _READABLE:
        return "something"
    return f"an {symbol.kind}" if symbol.kind == "action" else f"a {symbol.kind}"


def _bare(snapshot: Snapshot, found: NameAt) -> Span:
    """The place of the name itself, the quotes of a string that spells it left out."""
    text = snapshot.text(found.path)
    start, end = found.span
    if text[start : start + 1] in ('"', "'", "`") and end - start >= 2:
        return Span(start + 1, end - 1)
    return found.span
