"""The program: its files found, read, parsed and merged into missions with all they can see.

Everything comes through the `Files` protocol, so that the command line reads disks and the editor
its open texts. What names refer to and whether values are right is the checker's business. The
runtime plans from a `Program`, the checker walks it.
"""

from __future__ import annotations

from types import MappingProxyType

from vague.ast.definitions import Import
from vague.diagnostics import Diagnostic, Severity, sort_key
from vague.merging import import_path, merge_missions
from vague.openapi import read_document
from vague.parser import parse
from vague.program_files import (
    FileProblem,
    Files,
    FoundPrograms,
    ProgramRoot,
    decode,
    dirname,
    find_programs,
    is_url,
    join,
    mission_folder,
    part_files,
    why_unreadable,
)
from vague.program_model import (
    AnyDefinition,
    Declared,
    DefinitionKind,
    Document,
    MissionPart,
    MissionProgram,
    Program,
    Region,
    SourceFile,
    kind_of,
)
from vague.text import Span

__all__ = [
    "AnyDefinition",
    "Declared",
    "DefinitionKind",
    "Document",
    "Files",
    "FoundPrograms",
    "MissionPart",
    "MissionProgram",
    "Program",
    "ProgramRoot",
    "Region",
    "SourceFile",
    "dirname",
    "find_programs",
    "join",
    "kind_of",
    "mission_folder",
    "read_program",
]


def read_program(root: ProgramRoot, files: Files, previous: Program | None = None) -> Program:
    """Read, parse and merge the files of `root`, reusing what `previous` already parsed.

    Raises:
        OSError: when the root file or the folder cannot be read. Everything else that cannot be
            read becomes a diagnostic.
    """
    reading = _Reading(files, previous)
    reading.add(root.root_file, files.read(root.root_file), imported=False)
    if root.kind == "folder":
        for path in part_files(root, files):
            reading.add_part(path)
    reading.follow_imports()
    shared, missions, problems = merge_missions(
        reading.sources,
        reading.documents,
        root.root_file,
        incomplete=reading.is_incomplete,
        previous=previous,
    )
    found = [*reading.diagnostics, *problems]
    for source in reading.sources.values():
        found.extend(source.diagnostics)
    return Program(
        root=root,
        files=MappingProxyType(reading.sources),
        missions=missions,
        diagnostics=tuple(sorted(found, key=sort_key)),
        shared=shared,
        documents=MappingProxyType(reading.documents),
    )


class _Reading:
    """The files and documents of one program; a path is read once."""

    def __init__(self, files: Files, previous: Program | None) -> None:
        self.files = files
        self.previous = previous
        self.sources: dict[str, SourceFile] = {}
        self.documents: dict[str, Document] = {}
        self.diagnostics: list[Diagnostic] = []
        self.is_incomplete = False

    def add(self, path: str, data: bytes, *, imported: bool) -> SourceFile:
        """Parse a file, or take it over from the program before."""
        before = self.previous.files.get(path) if self.previous else None
        text, problem = decode(data)
        if problem is not None:
            self.diagnostics.append(_not_utf8(path, problem))
        if before is not None and before.data == data and before.imported == imported:
            source = before
        else:
            parsed = parse(text, before.parsed if before else None)
            source = SourceFile(path, parsed, data, imported)
        self.sources[path] = source
        return source

    def add_part(self, path: str) -> None:
        """Add a file of a mission folder, or say why it cannot be read."""
        try:
            data = self.files.read(path)
        except OSError as error:
            self.is_incomplete = True
            message = f"cannot read '{path}': {why_unreadable(error)}"
            found = Diagnostic("RQ112", Severity.ERROR, path, Span(0, 0), message)
            self.diagnostics.append(found)
        else:
            self.add(path, data, imported=False)

    def follow_imports(self) -> None:
        """Read what is imported, by imported files too; a cycle ends where it meets itself."""
        waiting = list(self.sources.values())
        while waiting:
            source = waiting.pop(0)
            regions = [source.region]
            if not source.imported:
                parts = source.region.missions
                regions.extend(part.region for part in parts if part.reaches_out)
            for region in regions:
                waiting.extend(self._follow(region))

    def _follow(self, region: Region) -> list[SourceFile]:
        for source in region.sources.values():
            spec = source.node.spec
            if spec is not None and not is_url(spec.value):
                self._add_document(join(dirname(source.path), spec.value))
        added = [self._follow_import(declared) for declared in region.imports]
        return [source for source in added if source is not None]

    def _follow_import(self, declared: Declared[Import]) -> SourceFile | None:
        path = import_path(declared)
        if is_url(declared.node.path.value) or path in self.sources:
            return None
        if declared.node.namespace is not None:
            self._add_document(path)
            return None
        try:
            return self.add(path, self.files.read(path), imported=True)
        except OSError:
            return None

    def _add_document(self, path: str) -> None:
        if path not in self.documents:
            self.documents[path] = self._read_document(path)

    def _read_document(self, path: str) -> Document:
        try:
            data = self.files.read(path)
        except OSError as error:
            return Document(path, b"", None, why_unreadable(error))
        before = self.previous.documents.get(path) if self.previous else None
        if before is not None and before.data == data and before.api is not None:
            return before
        api = read_document(data)
        if api.fatal:
            return Document(path, data, None, next(iter(api.problems), "cannot be understood"))
        return Document(path, data, api, None)


def _not_utf8(path: str, problem: FileProblem) -> Diagnostic:
    help_text = "save the file as UTF-8"
    return Diagnostic("RQ015", Severity.ERROR, path, problem.span, problem.message, help_text)
