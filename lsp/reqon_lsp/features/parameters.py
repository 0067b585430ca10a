"""The parameters of an operation, as keys of `params`, `headers` and `body` of its request.

A body goes as deep as its document says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.place import Place, Token
from reqon_lsp.results import Completion, ItemKind
from vague.ast.definitions import Source
from vague.openapi import ApiDocument, Operation
from vague.program import MissionProgram
from vague.program_model import Declared
from vague.shapes import Knowledge, fields_within, member_of, type_words
from vague.vocabulary.keywords import METHODS

_PLACES = {"params": ("path", "query"), "headers": ("header",)}


def parameters(
    snapshot: Snapshot, mission: MissionProgram | None, place: Place, written: Collection[str]
) -> Iterator[Completion]:
    """What may be a key at the cursor, in the object that is an option of a request."""
    for field in _fields_at(snapshot, mission, place):
        if field.name not in written:
            yield _key(field)


def choices(
    snapshot: Snapshot, mission: MissionProgram | None, place: Place, key: str
) -> Iterator[Completion]:
    """The values that the document names for a key of such an object."""
    for field in _fields_at(snapshot, mission, place):
        if field.name == key:
            for value in field.known.resolved().enum or ():
                text = json.dumps(value, ensure_ascii=False)
                yield Completion(text, ItemKind.WORD, "", field.description, rank=0)


def key_help(
    snapshot: Snapshot, mission: MissionProgram | None, place: Place, key: str
) -> str | None:
    """What the document says of a key of such an object; None of one that it does not know."""
    for field in _fields_at(snapshot, mission, place):
        if field.name == key:
            required = ", required" if field.required else ""
            row = f"`{key}`: {field.type}{required} — {field.known.origin}"
            return f"{row}\n\n{field.description}" if field.description else row
    return None


@dataclass(frozen=True, slots=True)
class _Field:
    """A parameter, or a field of a body."""

    name: str
    known: Knowledge
    type: str
    required: bool
    description: str


def _fields_at(
    snapshot: Snapshot, mission: MissionProgram | None, place: Place
) -> Iterator[_Field]:
    written = _way_in(place)
    if written is None or mission is None:
        return
    head, (option, *inner) = written
    found = operation_of(snapshot, mission, head)
    if found is None:
        return
    document, operation = found
    if option == "body" and operation.body is not None:
        body: Knowledge | None = Knowledge(operation.body, "body", document)
        for key in inner:
            body = member_of(body, key)
        yield from _fields_of_body(body)
    for one in operation.parameters if not inner else ():
        if one.place in _PLACES.get(option, ()):
            known = Knowledge(one.shape, "parameter", document)
            words = type_words(one.shape, document)
            yield _Field(one.name, known, words, one.required, one.description)


def _fields_of_body(body: Knowledge | None) -> Iterator[_Field]:
    for one in fields_within(body) if body is not None else ():
        known = member_of(body, one.name)
        if known is not None:
            yield _Field(one.name, known, one.type, not one.optional, one.description)


def _way_in(place: Place) -> tuple[Sequence[Token], list[str]] | None:
    """The first words of the request around an object, and the keys from there to the cursor."""
    keys: list[str] = []
    for depth in range(len(place.frames) - 1, 0, -1):
        frame, outer = place.frames[depth], place.frames[depth - 1]
        if frame.kind not in ("object", "array"):
            return None
        if outer.kind != "array":
            tokens = outer.statement
            if len(tokens) < 2 or tokens[-1].text != ":":
                return None
            keys.insert(0, tokens[-2].text.strip("\"'`"))
        if outer.kind == "options":
            return outer.head, keys
    return None


def operation_of(
    snapshot: Snapshot, mission: MissionProgram, head: Sequence[Token]
) -> tuple[ApiDocument, Operation] | None:
    """The operation that the first words of a request name: `call Shop.list`, `get "/list"`."""
    words = [token.text for token in head]
    if len(words) >= 4 and words[0] == "call" and words[2] == ".":
        wanted = words[3].strip("\"'`")
        document = _document(snapshot, mission.sources.get(words[1]))
        return _first(document, lambda one: one.id == wanted)
    if len(words) < 2 or words[0].lower() not in METHODS or head[1].kind != "string":
        return None
    named = words.index("from") + 1 if "from" in words[:-1] else None
    source = mission.default_source if named is None else mission.sources.get(words[named])
    route = words[0].lower(), words[1][1:-1]
    return _first(_document(snapshot, source), lambda one: (one.method, one.path) == route)


def _document(snapshot: Snapshot, source: Declared[Source] | None) -> ApiDocument | None:
    document = snapshot.program.document_of(source) if source is not None else None
    return document.api if document is not None else None


def _first(
    document: ApiDocument | None, fits: Callable[[Operation], bool]
) -> tuple[ApiDocument, Operation] | None:
    if document is None:
        return None
    return next(((document, one) for one in document.operations if fits(one)), None)


def _key(field: _Field) -> Completion:
    written = field.name if field.name.isidentifier() else f'"{field.name}"'
    return Completion(
        field.name,
        ItemKind.FIELD,
        f"{field.type}{', required' if field.required else ''}",
        field.description,
        text=f"{written}: ",
        snippet=f"{written}: $0",
        rank=1 if field.required else 2,
    )
