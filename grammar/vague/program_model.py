"""The parts of a program as values: files, what they declare, missions with all they can see.

Only data, and the way from a stretch of text to what it declares. `program` fills it, `merging`
says what hides what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Generic, Literal, TypeAlias, TypeVar

from vague.ast.base import N, Node, Placed
from vague.ast.definitions import (
    Action,
    Dataset,
    Import,
    Mission,
    Option,
    Schedule,
    Schema,
    Source,
    Store,
    Transform,
)
from vague.ast.steps import Let, Run
from vague.diagnostics import Diagnostic
from vague.openapi import ApiDocument
from vague.parser import Parsed
from vague.program_files import ProgramRoot, dirname, join
from vague.text import Span

DefinitionKind = Literal["source", "store", "schema", "transform", "action"]
Definition = TypeVar("Definition", Source, Store, Schema, Transform, Action)


@dataclass(frozen=True, slots=True)
class Declared(Generic[N]):
    """A definition at its place. `start` is the absolute offset of its first token in `path`."""

    node: N
    path: str
    start: int
    shared: bool

    def absolute(self, span: Span) -> Span:
        """A span of the node, counted from the start of the file."""
        return span.shifted(self.start)


AnyDefinition: TypeAlias = Declared[Source | Store | Schema | Transform | Action]


@dataclass(slots=True)
class Region:
    """What one stretch of text declares, by kind and in order. Filled once, then only read.

    `repeated` holds what has a kind and name that came before: (the second, the first).
    """

    sources: dict[str, Declared[Source]] = field(default_factory=dict[str, Declared[Source]])
    stores: dict[str, Declared[Store]] = field(default_factory=dict[str, Declared[Store]])
    schemas: dict[str, Declared[Schema]] = field(default_factory=dict[str, Declared[Schema]])
    transforms: dict[str, Declared[Transform]] = field(
        default_factory=dict[str, Declared[Transform]]
    )
    actions: dict[str, Declared[Action]] = field(default_factory=dict[str, Declared[Action]])
    lets: list[Declared[Let]] = field(default_factory=list[Declared[Let]])
    imports: list[Declared[Import]] = field(default_factory=list[Declared[Import]])
    datasets: list[Declared[Dataset]] = field(default_factory=list[Declared[Dataset]])
    options: list[Declared[Option]] = field(default_factory=list[Declared[Option]])
    schedules: list[Declared[Schedule]] = field(default_factory=list[Declared[Schedule]])
    runs: list[Declared[Run]] = field(default_factory=list[Declared[Run]])
    missions: list[MissionPart] = field(default_factory=list["MissionPart"])
    repeated: list[tuple[AnyDefinition, AnyDefinition]] = field(
        default_factory=list[tuple[AnyDefinition, AnyDefinition]]
    )

    @classmethod
    def of(cls, elements: Iterable[Placed[Node]], path: str, base: int, *, shared: bool) -> Region:
        """The declarations among `elements`, which are placed relative to `base`."""
        region = cls()
        for placed in elements:
            region._take(placed.node, path, base + placed.start, shared=shared)
        return region

    def absorb(self, other: Region) -> None:
        """Add the shared declarations of another text after these."""
        for mine, theirs in (
            (self.sources, other.sources),
            (self.stores, other.stores),
            (self.schemas, other.schemas),
            (self.transforms, other.transforms),
            (self.actions, other.actions),
        ):
            for declared in theirs.values():
                self._define(mine, declared)  # pyright: ignore[reportArgumentType] - same kind
        self.lets.extend(other.lets)
        self.imports.extend(other.imports)
        self.repeated.extend(other.repeated)

    @property
    def definitions(self) -> tuple[AnyDefinition, ...]:
        """The first definition of each kind and name."""
        return (
            *self.sources.values(),
            *self.stores.values(),
            *self.schemas.values(),
            *self.transforms.values(),
            *self.actions.values(),
        )

    @property
    def identity(self) -> tuple[tuple[int, ...], ...]:
        """Equal for two regions that hold the same nodes in the same order, wherever they stand."""
        tables = (self.sources, self.stores, self.schemas, self.transforms, self.actions)
        return (
            *(tuple(id(declared.node) for declared in table.values()) for table in tables),
            tuple(id(declared.node) for declared in self.lets),
            tuple(id(declared.node) for declared in self.imports),
        )

    def _take(self, node: Node, path: str, start: int, *, shared: bool) -> None:
        name = _TABLES.get(type(node))
        if name is not None:
            table: dict[str, Declared[Node]] = getattr(self, name)
            self._define(table, Declared(node, path, start, shared))  # pyright: ignore[reportArgumentType] - of the table's kind
            return
        name = _LISTS.get(type(node))
        if name is not None:
            getattr(self, name).append(Declared(node, path, start, shared))
        elif isinstance(node, Mission):
            self.missions.append(MissionPart(Declared(node, path, start, shared=False)))

    def _define(
        self, table: dict[str, Declared[Definition]], declared: Declared[Definition]
    ) -> None:
        first = table.setdefault(declared.node.name.text, declared)
        if first.node is not declared.node:
            self.repeated.append((declared, first))


@dataclass(frozen=True, eq=False)
class MissionPart:
    """A mission where it stands, with what it declares when that is first asked for."""

    declared: Declared[Mission]

    @cached_property
    def region(self) -> Region:
        """What the mission itself declares."""
        declared = self.declared
        return Region.of(declared.node.members, declared.path, declared.start, shared=False)

    @cached_property
    def reaches_out(self) -> bool:
        """Whether it imports something, or has a source with a document."""
        for placed in self.declared.node.members:
            node = placed.node
            if isinstance(node, Import) or (isinstance(node, Source) and node.spec is not None):
                return True
        return False


_TABLES: Mapping[type, str] = {
    Source: "sources",
    Store: "stores",
    Schema: "schemas",
    Transform: "transforms",
    Action: "actions",
}
_LISTS: Mapping[type, str] = {
    Let: "lets",
    Import: "imports",
    Dataset: "datasets",
    Option: "options",
    Schedule: "schedules",
    Run: "runs",
}


def kind_of(node: Node) -> DefinitionKind | None:
    """The word of a definition's class; None for all else."""
    return _KINDS.get(type(node))


_KINDS: Mapping[type, DefinitionKind] = MappingProxyType(
    {Source: "source", Store: "store", Schema: "schema", Transform: "transform", Action: "action"}
)


@dataclass(frozen=True)
class SourceFile:
    """A file of the program. `imported`: an `import` brought it, so its missions are ignored."""

    path: str
    parsed: Parsed
    data: bytes = field(repr=False, compare=False)
    imported: bool = False

    @cached_property
    def region(self) -> Region:
        """What the file declares at its top level."""
        return Region.of(self.parsed.tree.items, self.path, 0, shared=True)

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The syntax errors, with the path."""
        return tuple(
            Diagnostic(
                found.code,
                found.severity,
                self.path,
                found.span,
                found.message,
                found.help,
                found.fixes,
                tuple(replace(place, path=self.path) for place in found.related),
            )
            for found in self.parsed.diagnostics
        )

    @cached_property
    def broken_missions(self) -> frozenset[int]:
        """Where the missions start that hold syntax errors."""
        return self._broken[0]

    @cached_property
    def shared_is_broken(self) -> bool:
        """Whether there are syntax errors outside all missions."""
        return self._broken[1]

    @cached_property
    def _broken(self) -> tuple[frozenset[int], bool]:
        items = self.parsed.tree.items
        missions: set[int] = set()
        shared = False
        position = 0
        for found in self.parsed.diagnostics:
            at = found.span.start
            while position < len(items) and items[position].start + _length(items[position]) < at:
                position += 1
            item = items[position] if position < len(items) else None
            if item is not None and item.start <= at and isinstance(item.node, Mission):
                missions.add(item.start)
            else:
                shared = True
        return frozenset(missions), shared


def _length(placed: Placed[Node]) -> int:
    return placed.node.span.end


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document that the program names; `error` says why there is no `api`."""

    path: str
    data: bytes = field(repr=False, compare=False)
    api: ApiDocument | None
    error: str | None


@dataclass(frozen=True, eq=False)
class MissionProgram:
    """A mission with everything visible in it; own definitions hide shared ones.

    `brought` is what its own imports bring along. `namespaces` are the imported OpenAPI documents,
    None for one that is not known. `broken`: syntax errors may have swallowed definitions, so an
    unknown name proves nothing. `problems` are those of merging. The maps are made when they are
    first asked for and keep the order of declaration, own before shared: the default source is
    the first of `sources`.
    """

    part: MissionPart
    brought: Region
    shared: Region
    namespaces: Mapping[str, Document | None]
    broken: bool
    problems: tuple[Diagnostic, ...]

    @property
    def mission(self) -> Declared[Mission]:
        """The mission where it stands."""
        return self.part.declared

    @property
    def name(self) -> str:
        """The mission's name."""
        return self.part.declared.node.name.text

    @property
    def own(self) -> Region:
        """All that the mission itself declares."""
        return self.part.region

    @property
    def schedule(self) -> Declared[Schedule] | None:
        """The first schedule."""
        return self.own.schedules[0] if self.own.schedules else None

    @property
    def run(self) -> Declared[Run] | None:
        """The first pipeline."""
        return self.own.runs[0] if self.own.runs else None

    @property
    def shared_lets(self) -> tuple[Declared[Let], ...]:
        """The `let`s of the top level."""
        return (*self.shared.lets, *self.brought.lets)

    @property
    def lets(self) -> tuple[Declared[Let], ...]:
        """The mission's own `let`s."""
        return tuple(self.own.lets)

    @cached_property
    def options(self) -> Mapping[str, Declared[Option]]:
        """The first option of each name."""
        return {option.node.key.text: option for option in reversed(self.own.options)}

    @cached_property
    def sources(self) -> Mapping[str, Declared[Source]]:
        """Visible sources."""
        return _visible(self.own.sources, self.brought.sources, self.shared.sources)

    @cached_property
    def stores(self) -> Mapping[str, Declared[Store]]:
        """Visible stores."""
        return _visible(self.own.stores, self.brought.stores, self.shared.stores)

    @cached_property
    def schemas(self) -> Mapping[str, Declared[Schema]]:
        """Visible schemas."""
        return _visible(self.own.schemas, self.brought.schemas, self.shared.schemas)

    @cached_property
    def transforms(self) -> Mapping[str, Declared[Transform]]:
        """Visible transforms."""
        return _visible(self.own.transforms, self.brought.transforms, self.shared.transforms)

    @cached_property
    def actions(self) -> Mapping[str, Declared[Action]]:
        """Visible actions."""
        return _visible(self.own.actions, self.brought.actions, self.shared.actions)

    @property
    def implied_action(self) -> Declared[Action] | None:
        """The pipeline of a mission without `run`: its only action, None with several or none."""
        actions = tuple(self.actions.values())
        return actions[0] if self.run is None and len(actions) == 1 else None

    @property
    def default_source(self) -> Declared[Source] | None:
        """The source of requests that name none."""
        return next(iter(self.sources.values()), None)


def _visible(
    inner: Mapping[str, Declared[Definition]],
    middle: Mapping[str, Declared[Definition]],
    outer: Mapping[str, Declared[Definition]],
) -> Mapping[str, Declared[Definition]]:
    """The inner layers over the outer ones, in the order from the inside out."""
    if not middle and not outer:
        return inner
    visible = dict(inner)
    for layer in (middle, outer):
        for name, declared in layer.items():
            visible.setdefault(name, declared)
    return visible


@dataclass(frozen=True)
class Program:
    """All files of one program and its missions, in the order in which they run.

    `diagnostics`: problems of syntax, of reading and of merging, sorted. `shared`: what stands at
    top level, imports followed. `documents` is keyed by path.
    """

    root: ProgramRoot
    files: Mapping[str, SourceFile]
    missions: tuple[MissionProgram, ...]
    diagnostics: tuple[Diagnostic, ...]
    shared: Region
    documents: Mapping[str, Document]

    @property
    def datasets(self) -> tuple[Declared[Dataset], ...]:
        """The data sets of all files."""
        return tuple(one for source in self.files.values() for one in source.region.datasets)

    @cached_property
    def shared_by_node(self) -> Mapping[int, Declared[Node]]:
        """What stands at top level by the identity of its nodes."""
        shared = (*self.shared.definitions, *self.shared.lets, *self.datasets)
        return {id(declared.node): declared for declared in shared}

    @cached_property
    def shared_identity(self) -> tuple[object, ...]:
        """Equal for two programs with the same things at top level, wherever they stand."""
        datasets = tuple(id(declared.node) for declared in self.datasets)
        documents = tuple((path, id(found.api)) for path, found in self.documents.items())
        return (self.shared.identity, datasets, documents)

    def mission(self, name: str) -> MissionProgram | None:
        """The first mission of this name."""
        return next((found for found in self.missions if found.name == name), None)

    def document_of(self, source: Declared[Source]) -> Document | None:
        """The document of `source … from "spec"`; None without one, and for a URL."""
        spec = source.node.spec
        return None if spec is None else self.documents.get(join(dirname(source.path), spec.value))
