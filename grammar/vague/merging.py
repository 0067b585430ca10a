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
    Definition,
    Document,
    MissionProgram,
    Region,
    SourceFile,
    kind_of,
)
from vague.text import Span


def merge_missions(
    sources: Mapping[str, SourceFile],
    documents: Mapping[str, Document],
    root_file: str,
    *,
    incomplete: bool = False,
) -> tuple[Region, tuple[MissionProgram, ...], list[Diagnostic]]:
    """The shared definitions, the missions in the order in which they run, and the problems.

    `sources` come in merge order: the root file, its parts, then what is imported. `incomplete`:
    there are parts that could not be read, so an unknown name proves nothing.
    """
    merging = _Merging(sources, documents, root_file)
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
        found: list[MissionProgram] = []
        for source in self.sources.values():
            if source.imported:
                continue
            for declared, own in source.region.missions:
                self._refuse_misplaced(declared, found)
                broken = declared.start in source.broken_missions
                found.append(self._mission(declared, own, shared, broken=broken))
        return tuple(found)

    def _refuse_misplaced(
        self, declared: Declared[Mission], before: Iterable[MissionProgram]
    ) -> None:
        name = declared.node.name
        if declared.path != self.root_file:
            message = f"mission '{name.text}' stands in a part of a mission folder"
            help_text = f"only '{self.root_file}' may hold missions"
            self._report("RQ111", declared, name.span, message, help_text=help_text)
        first = next((mission for mission in before if mission.name == name.text), None)
        if first is not None:
            message = f"duplicate mission '{name.text}'"
            self._report("RQ109", declared, name.span, message, _first_place(first.mission))

    def _mission(
        self, declared: Declared[Mission], own: Region, shared: _Shared, *, broken: bool
    ) -> MissionProgram:
        for second, first in own.repeated:
            self._refuse_repeated(second, first)
        brought = self._joined(self._reached(own.imports))
        missing = any(self._is_missing(found) for found in own.imports)
        layers = (own, brought.region, shared.region)
        return MissionProgram(
            name=declared.node.name.text,
            mission=declared,
            schedule=own.schedules[0] if own.schedules else None,
            options={option.node.key.text: option for option in reversed(own.options)},
            sources=self._visible([layer.sources for layer in layers]),
            stores=self._visible([layer.stores for layer in layers]),
            schemas=self._visible([layer.schemas for layer in layers]),
            transforms=self._visible([layer.transforms for layer in layers]),
            actions=self._visible([layer.actions for layer in layers]),
            shared_lets=(*shared.region.lets, *brought.region.lets),
            lets=tuple(own.lets),
            run=own.runs[0] if own.runs else None,
            namespaces=shared.namespaces | brought.namespaces | self._namespaces(own.imports),
            own=own,
            broken=broken or missing or brought.broken or shared.broken,
        )

    def _visible(
        self, layers: list[dict[str, Declared[Definition]]]
    ) -> dict[str, Declared[Definition]]:
        """The inner layers over the outer ones; RQ107 where that hides something else."""
        visible = dict(layers[0])
        for layer in layers[1:]:
            for name, declared in layer.items():
                first = visible.setdefault(name, declared)
                if not _same(first.node, declared.node):
                    self._warn_hidden(first, declared)
        return visible

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
        for _, region in source.region.missions:
            yield from region.imports


def _first_place(first: AnyDefinition | Declared[Mission]) -> RelatedPlace:
    name = first.node.name
    return RelatedPlace(first.path, first.absolute(name.span), f"first '{name.text}' is here")
