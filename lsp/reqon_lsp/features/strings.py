"""Completion inside of a string: operations of a spec, paths of files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features import proposals
from reqon_lsp.features.fields import expression, samples_of, scope_of
from reqon_lsp.features.place import Place, Token
from reqon_lsp.last_run import Past
from reqon_lsp.results import Completion, Completions, ItemKind
from vague.program import Files, MissionProgram, dirname, join
from vague.shapes import fields_of
from vague.text import Span
from vague.vocabulary.keywords import METHODS

_MAX_NAMES = 100
_PLACEHOLDER = re.compile(r"(?<![{])\{(?P<value>(?:[^\W0-9]\w*\.)*)(?P<word>\w*)$")
_SOURCES = (".vague", ".reqon")
_DOCUMENTS = (".json", ".yaml", ".yml")


def string_completions(
    snapshot: Snapshot, path: str, place: Place, mission: MissionProgram | None, past: Past
) -> Completions:
    """The proposals for what is written in the string at the cursor."""
    inside = place.inside
    assert inside is not None, "asked for in a string only"
    before = [token for token in place.before if token.start < inside.start]
    head = before[0].text if before else ""
    written = snapshot.text(path)[inside.start + 1 : place.offset]
    if head == "call" and len(before) == 3 and before[2].text == ".":
        span = Span(inside.start + 1, place.offset)
        return Completions(span, tuple(_operations(snapshot, before[1].text, mission)))
    is_import = head == "import" and before[-1].text in ("import", "from")
    if is_import or (head == "source" and before[-1].text == "from"):
        folder, _, leaf = written.rpartition("/")
        where = join(dirname(path), folder or ".")
        endings = _endings(before)
        files = snapshot.checked.facts.files
        span = Span(place.offset - len(leaf), place.offset)
        return Completions(span, tuple(_names_in(files, where, endings)))
    if head in METHODS and _PLACEHOLDER.search(written) is not None:
        return _in_placeholder(snapshot, path, place, past, written)
    if head in METHODS:
        span = Span(inside.start + 1, place.offset)
        return Completions(span, tuple(_paths(snapshot, head, mission)))
    return Completions(Span(place.offset, place.offset), ())


def _in_placeholder(
    snapshot: Snapshot, path: str, place: Place, past: Past, written: str
) -> Completions:
    """Behind the `{` of a path: a name, or the fields of the value before the dot."""
    found = _PLACEHOLDER.search(written)
    scope = scope_of(snapshot, path, place.offset)
    assert found is not None, "asked for in a placeholder only"
    span = Span(place.offset - len(found["word"]), place.offset)
    if scope is None:
        return Completions(span, ())
    if not found["value"]:
        names = [item for item in proposals.names_in_scope(scope, None) if item.rank == 1]
        return Completions(span, tuple(names))
    value = expression(found["value"].rstrip("."))
    fields = fields_of(scope, value, samples_of(scope, past)) if value is not None else ()
    return Completions(span, tuple(proposals.known_field(field) for field in fields))


def _endings(before: list[Token]) -> tuple[str, ...]:
    plain_import = before[0].text == "import" and before[-1].text == "import"
    return _SOURCES if plain_import else _DOCUMENTS


def _names_in(files: Files, folder: str, endings: tuple[str, ...]) -> Iterator[Completion]:
    try:
        names = files.list(folder)[:_MAX_NAMES]
    except OSError:
        return
    for name in names:
        if name.startswith("."):
            continue
        if name.endswith(endings):
            yield Completion(name, ItemKind.FILE, folder, rank=1)
        elif files.kind(join(folder, name)) == "folder":
            yield Completion(name + "/", ItemKind.FILE, "folder", rank=2)


def _operations(
    snapshot: Snapshot, source: str, mission: MissionProgram | None
) -> Iterator[Completion]:
    declared = mission.sources.get(source) if mission is not None else None
    document = snapshot.program.document_of(declared) if declared is not None else None
    if document is not None and document.api is not None:
        for operation in document.api.operations:
            if operation.id is not None:
                detail = f"{operation.method.upper()} {operation.path}"
                yield Completion(operation.id, ItemKind.OPERATION, detail, operation.summary)


def _paths(snapshot: Snapshot, method: str, mission: MissionProgram | None) -> Iterator[Completion]:
    source = mission.default_source if mission is not None else None
    document = snapshot.program.document_of(source) if source is not None else None
    if document is not None and document.api is not None:
        for operation in document.api.operations:
            if operation.method == method:
                yield Completion(operation.path, ItemKind.OPERATION, operation.summary)
