"""The parameters of an operation, as keys of `params`, `headers` and `body` of its request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.place import Place, Token
from reqon_lsp.results import Completion, ItemKind
from vague.ast.definitions import Source
from vague.openapi import Operation, Shape
from vague.program import MissionProgram
from vague.program_model import Declared
from vague.vocabulary.keywords import METHODS

_PLACES = {"params": ("path", "query"), "headers": ("header",)}


def parameters(
    snapshot: Snapshot, mission: MissionProgram | None, place: Place, written: Collection[str]
) -> Iterator[Completion]:
    """What may be a key at the cursor, in the object that is an option of a request."""
    if len(place.frames) < 2 or mission is None:
        return
    outer, tokens = place.frames[-2], place.frames[-2].statement
    if outer.kind != "options" or len(tokens) < 2 or tokens[-1].text != ":":
        return
    operation = operation_of(snapshot, mission, outer.head)
    if operation is None:
        return
    key = tokens[-2].text
    for name, shape, text, required in _keys(operation, key):
        if name not in written:
            yield _key(name, shape, text, required=required)


def operation_of(
    snapshot: Snapshot, mission: MissionProgram, head: Sequence[Token]
) -> Operation | None:
    """The operation that the first words of a request name: `call Shop.list`, `get "/list"`."""
    words = [token.text for token in head]
    if len(words) >= 4 and words[0] == "call" and words[2] == ".":
        wanted = words[3].strip("\"'`")
        known = _operations(snapshot, mission.sources.get(words[1]))
        return next((one for one in known if one.id == wanted), None)
    if len(words) < 2 or words[0].lower() not in METHODS or head[1].kind != "string":
        return None
    named = words.index("from") + 1 if "from" in words[:-1] else None
    source = mission.default_source if named is None else mission.sources.get(words[named])
    route = words[0].lower(), words[1][1:-1]
    known = _operations(snapshot, source)
    return next((one for one in known if (one.method, one.path) == route), None)


def _operations(snapshot: Snapshot, source: Declared[Source] | None) -> Sequence[Operation]:
    document = snapshot.program.document_of(source) if source is not None else None
    return document.api.operations if document is not None and document.api is not None else ()


def _keys(operation: Operation, key: str) -> Iterator[tuple[str, Shape, str, bool]]:
    """Name, shape, description and whether it is required."""
    if key == "body" and operation.body is not None:
        for name, shape in operation.body.fields.items():
            yield name, shape, shape.description, name in operation.body.required
    for one in operation.parameters:
        if one.place in _PLACES.get(key, ()):
            yield one.name, one.shape, one.description, one.required


def _key(name: str, shape: Shape, text: str, *, required: bool) -> Completion:
    written = name if name.isidentifier() else f'"{name}"'
    kinds = " or ".join(sorted(shape.types)) or "any"
    return Completion(
        name,
        ItemKind.FIELD,
        f"{kinds}{', required' if required else ''}",
        text,
        text=f"{written}: ",
        snippet=f"{written}: $0",
        rank=1 if required else 2,
    )
