"""What is visible where: shared definitions, those of a mission, and what its imports bring along.

Takes files that were read and parsed; gives missions with all that they can see, and the problems
of merging (RQ106, RQ107, RQ109, RQ111, RQ112). What names refer to is the checker's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vague.ast.base import Node
from vague.ast.definitions import Import, Mission
from vague.diagnostics import Diagnostic, RelatedPlace, Severity
from vague.hashes import node_hash
from vague.program_files import dirname, is_url, join
from vague.program_model import (
    AnyDefinition,
    Declared,
    Document,
    MissionPart,
    MissionProgram,
    Program,
    Region,
    SourceFile,
    kind_of,
)
from vague.text import Span

_NOTHING = Region()
"""What is brought along where nothing is imported."""


def merge_missions(
    sources: Mapping[str, SourceFile],
    documents: Mapping[str, Document],
    root_file: str,
    *,
    incomplete: bool = False,
    previous: Program | None = None,
) -> tuple[Region, tuple[MissionProgram, ...], list[Diagnostic]]:
    """The shared definitions, the missions in the order in which they run, and the problems.

    `sources` come in merge order: the root file, its parts, then what is imported. `incomplete`:
    there are parts that could not be read, so an unknown name proves nothing. `previous`, the
    program before an edit, only saves time.
    """
    merging = _Merging(sources, documents, root_file, previous)
    merging.refuse_bad_imports()
    shared = merging.shared_region()
    shared.broken |= incomplete
    missions = merging.missions(shared)
    return shared.region, missions, merging.diagnostics


def import_path(declared: Declared[Import]) -> str:
    """The path that an import means: relative to the file it stands in."""
    return join(dirname(declared.path), declared.node.path.value)


@dataclass(slots=True)
class _Shared:
    """What stands at top level, and whether syntax errors may have swallowed some of it."""

    region: Region
    namespaces: dict[str, Document | None]
    broken: bool


@dataclass(slots=True)
class _Merging:
    sources: Mapping[str, SourceFile]
    documents: Mapping[str, Document]
    root_file: str
    previous: Program | None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    # -------------------------------------------------------------- shared definitions

    def shared_region(self) -> _Shared:
        merged = [source for source in self.sources.values() if not source.imported]
        imports = [declared for source in merged for declared in source.region.imports]
        shared = self._joined([*merged, *self._reached(imports)])
        for second, first in shared.region.repeated:
            self._refuse_repeated(second, first)
        return shared

    def _joined(self, sources: Iterable[SourceFile]) -> _Shared:
        """The top level of several files as one."""
        region = Region()
        broken = False
        for source in sources:
            region.absorb(source.region)
            broken |= source.shared_is_broken
        broken |= any(self._is_missing(declared) for declared in region.imports)
        return _Shared(region, self._namespaces(region.imports), broken)

    def _reached(self, imports: Iterable[Declared[Import]]) -> list[SourceFile]:
        """The imported files that these bring along, through each other too, in order."""
        found: dict[str, SourceFile] = {}
        waiting = list(imports)
        while waiting:
            source = self._target(waiting.pop(0))
            if source is not None and source.imported and source.path not in found:
                found[source.path] = source
                waiting.extend(source.region.imports)
        return list(found.values())

    def _target(self, declared: Declared[Import]) -> SourceFile | None:
        if declared.node.namespace is not None:
            return None
        return self.sources.get(import_path(declared))

    def _is_missing(self, declared: Declared[Import]) -> bool:
        return declared.node.namespace is None and self._target(declared) is None

    def _namespaces(self, imports: Iterable[Declared[Import]]) -> dict[str, Document | None]:
        found: dict[str, Document | None] = {}
        for declared in imports:
            namespace = declared.node.namespace
            if namespace is not None:
                document = self.documents.get(import_path(declared))
                usable = document is not None and document.api is not None
                found.setdefault(namespace.text, document if usable else None)
        return found

    def _refuse_repeated(self, second: AnyDefinition, first: AnyDefinition) -> None:
        name = second.node.name
        message = f"duplicate {kind_of(second.node)} '{name.text}'"
        self._report("RQ106", second, name.span, message, _first_place(first))

    # -------------------------------------------------------------- imports that bring nothing

    def refuse_bad_imports(self) -> None:
        """RQ112 for each import that brings nothing."""
        for source in self.sources.values():
            for declared in _all_imports(source):
                if declared.node.namespace is None:
                    self._check_file(declared)
                else:
                    self._check_document(declared)

    def _check_file(self, declared: Declared[Import]) -> None:
        source = self._target(declared)
        if is_url(declared.node.path.value):
            self._refuse_import(declared, "only files can be imported")
        elif source is None:
            self._refuse_import(declared, "no such file")
        elif source.diagnostics:
            first = source.diagnostics[0]
            place = RelatedPlace(source.path, first.span, first.message)
            self._refuse_import(declared, "it has syntax errors", place)

    def _check_document(self, declared: Declared[Import]) -> None:
        document = self.documents.get(import_path(declared))
        if document is not None and document.error is not None:
            self._refuse_import(declared, document.error)

    def _refuse_import(
        self, declared: Declared[Import], reason: str, *related: RelatedPlace
    ) -> None:
        literal = declared.node.path
        message = f"cannot import '{literal.value}': {reason}"
        self._report("RQ112", declared, literal.span, message, *related)

    # -------------------------------------------------------------- missions

    def missions(self, shared: _Shared) -> tuple[MissionProgram, ...]:
        blameless = self._blameless(shared)
        found: list[MissionProgram] = []
        first: dict[str, Declared[Mission]] = {}
        for source in self.sources.values():
            if source.imported:
                continue
            for part in source.region.missions:
                self._refuse_misplaced(part.declared, first)
                broken = part.declared.start in source.broken_missions or shared.broken
                found.append(self._mission(part, shared, blameless, broken=broken))
        return tuple(found)

    def _blameless(self, shared: _Shared) -> frozenset[int]:
        """The missions of the previous program that merged without a problem, by identity."""
        before = self.previous
        if before is None or before.shared.identity != shared.region.identity:
            return frozenset()
        return frozenset(id(one.mission.node) for one in before.missions if not one.problems)

    def _refuse_misplaced(
        self, declared: Declared[Mission], first: dict[str, Declared[Mission]]
    ) -> None:
        name = declared.node.name
        if declared.path != self.root_file:
            message = f"mission '{name.text}' stands in a part of a mission folder"
            help_text = f"only '{self.root_file}' may hold missions"
            self._report("RQ111", declared, name.span, message, help_text=help_text)
        before = first.setdefault(name.text, declared)
        if before is not declared:
            message = f"duplicate mission '{name.text}'"
            self._report("RQ109", declared, name.span, message, _first_place(before))

    def _mission(
        self, part: MissionPart, shared: _Shared, blameless: frozenset[int], *, broken: bool
    ) -> MissionProgram:
        if part.reaches_out:
            brought = self._joined(self._reached(part.region.imports))
            missing = any(self._is_missing(found) for found in part.region.imports)
            own_namespaces = self._namespaces(part.region.imports)
            namespaces = shared.namespaces | brought.namespaces | own_namespaces
            broken |= missing or brought.broken
        elif id(part.declared.node) in blameless:
            return MissionProgram(part, _NOTHING, shared.region, shared.namespaces, broken, ())
        else:
            brought, namespaces = _Shared(_NOTHING, {}, broken=False), shared.namespaces
        n_before = len(self.diagnostics)
        for second, first in part.region.repeated:
            self._refuse_repeated(second, first)
        self._warn_of_hidden(part.region, (brought.region, shared.region))
        problems = tuple(self.diagnostics[n_before:])
        return MissionProgram(part, brought.region, shared.region, namespaces, broken, problems)

    def _warn_of_hidden(self, own: Region, outer: tuple[Region, Region]) -> None:
        """RQ107 for each definition that hides a different one of an outer layer."""
        for table in ("sources", "stores", "schemas", "transforms", "actions"):
            visible: dict[str, AnyDefinition] = dict(getattr(own, table))
            for layer in outer:
                found: Mapping[str, AnyDefinition] = getattr(layer, table)
                for name, declared in found.items():
                    first = visible.setdefault(name, declared)
                    if not _same(first.node, declared.node):
                        self._warn_hidden(first, declared)

    def _warn_hidden(self, inner: AnyDefinition, hidden: AnyDefinition) -> None:
        name = inner.node.name
        message = f"{kind_of(inner.node)} '{name.text}' hides a different shared one"
        place = RelatedPlace(hidden.path, hidden.absolute(hidden.node.name.span), "hidden here")
        help_text = "rename one of them, or make them equal"
        self._report("RQ107", inner, name.span, message, place, help_text=help_text)

    def _report(
        self,
        code: str,
        at: Declared[Import] | Declared[Mission] | AnyDefinition,
        span: Span,
        message: str,
        *related: RelatedPlace,
        help_text: str | None = None,
    ) -> None:
        severity = Severity.WARNING if code == "RQ107" else Severity.ERROR
        self.diagnostics.append(
            Diagnostic(
                code, severity, at.path, at.absolute(span), message, help_text, related=related
            )
        )


def _same(left: Node, right: Node) -> bool:
    """Whether two definitions mean the same; hashes bear chains that comparing would not."""
    return left is right or node_hash(left) == node_hash(right)


def _all_imports(source: SourceFile) -> Iterable[Declared[Import]]:
    yield from source.region.imports
    if not source.imported:
        for part in source.region.missions:
            if part.reaches_out:
                yield from part.region.imports


def _first_place(first: AnyDefinition | Declared[Mission]) -> RelatedPlace:
    name = first.node.name
    return RelatedPlace(first.path, first.absolute(name.span), f"first '{name.text}' is here")
