"""What is known of the fields of a value at a place, before anything runs.

From schemas, from what a `map` or a literal writes out, from the responses of an OpenAPI document,
and from sample records that the caller has. Modest on purpose: what is not plainly known is not
guessed. Completion and hover ask here; no rule depends on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from vague.ast.base import Node
from vague.ast.definitions import (
    ArrayType,
    LiteralType,
    NamedType,
    ObjectType,
    OptionalType,
    SchemaField,
    SchemaItem,
    SchemaSpread,
    TypeExpression,
    UnionType,
)
from vague.ast.expressions import (
    ArrayLiteral,
    BooleanLiteral,
    Call,
    ContextField,
    DurationLiteral,
    Entry,
    Expression,
    FieldAccess,
    Group,
    IndexAccess,
    MethodCall,
    Name,
    NumberLiteral,
    ObjectLiteral,
    OptionValue,
    Pipe,
    Spread,
    StringLiteral,
    Where,
)
from vague.ast.steps import CallOperation, Map, Request
from vague.names import ScopeAt
from vague.openapi import ANY, ApiDocument, Shape
from vague.program import MissionProgram
from vague.traversal.scopes import BindingKind, Context, ContextKind
from vague.vocabulary.kinds import VIRTUAL_FIELDS, Kind

Record = Mapping[str, object]
"""A sample record of a store."""

_MAXIMUM_DEPTH = 40
_MANY = 4
_KEEPS_ELEMENTS = frozenset(
    {"filter", "sort", "sortBy", "reverse", "slice", "unique", "toArray", "list"}
)
_GIVES_ELEMENT = frozenset({"first", "last", "find", "get"})
_TYPE_NAMES = {
    "string": "string",
    "number": "number",
    "decimal": "number",
    "float": "number",
    "double": "number",
    "int": "integer",
    "integer": "integer",
    "boolean": "boolean",
    "bool": "boolean",
    "object": "object",
    "array": "array",
    "null": "null",
    "date": "string",
    "datetime": "string",
}


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field: its name, its type in words, and where that is known from."""

    name: str
    type: str
    optional: bool
    origin: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A shape with the document that its references are looked up in, and where it is from."""

    shape: Shape
    origin: str
    document: ApiDocument | None = None
    required: frozenset[str] = field(default_factory=frozenset[str])

    def resolved(self) -> Shape:
        """The shape itself."""
        return self.shape if self.document is None else self.document.resolve(self.shape)

    def child(self, shape: Shape | None) -> Knowledge | None:
        """A piece of it."""
        return None if shape is None else replace(self, shape=shape)


def fields_of(
    place: ScopeAt,
    target: Expression | None,
    samples: Mapping[str, Sequence[Record]] | None = None,
) -> tuple[KnownField, ...]:
    """The fields that `target.` can be followed by at a place; with None those of the context.

    `samples` are some records of a store, by the store's name.
    """
    looking = _Looking(place, samples or {})
    known = looking.of_context(place.context, 0) if target is None else looking.of(target, 0)
    fields = {} if known is None else {one.name: one for one in fields_within(known)}
    if isinstance(target, Name) and target.text == "response":
        for kind in VIRTUAL_FIELDS.values():
            fields.setdefault(kind.name, _virtual(kind))
    return tuple(fields.values())


def _virtual(kind: Kind) -> KnownField:
    return KnownField(kind.name, "any", optional=True, origin="reply", description=kind.help)


def shape_of(
    place: ScopeAt, value: Expression, samples: Mapping[str, Sequence[Record]] | None = None
) -> Shape | None:
    """The shape of a value at a place, None where nothing is known."""
    known = _Looking(place, samples or {}).of(value, 0)
    return None if known is None else known.resolved()


def fields_within(known: Knowledge) -> Iterator[KnownField]:
    """Fields of an object; of an array those of its elements, since `.name` projects."""
    shape = known.resolved()
    if shape.items is not None:
        yield from fields_within(replace(known, shape=shape.items))
        return
    for part in (*shape.parts, *shape.alternatives):
        yield from fields_within(replace(known, shape=part))
    for name, inner in shape.fields.items():
        resolved = inner if known.document is None else known.document.resolve(inner)
        optional = name not in shape.required
        description = inner.description or resolved.description
        words = type_words(resolved, known.document)
        yield KnownField(name, words, optional, known.origin, description)


def member_of(known: Knowledge | None, name: str) -> Knowledge | None:
    """One field of an object, or of the elements of an array; None where it is not known."""
    if known is None:
        return None
    shape = known.resolved()
    if shape.items is not None:
        return member_of(known.child(shape.items), name)
    found = shape.fields.get(name)
    if found is not None:
        return known.child(found)
    inner = (member_of(known.child(one), name) for one in (*shape.parts, *shape.alternatives))
    return next((one for one in inner if one is not None), None)


def type_words(shape: Shape, document: ApiDocument | None = None) -> str:
    """The type of a shape as people write it in a schema."""
    shape = shape if document is None else document.resolve(shape)
    if shape.enum is not None:
        return " | ".join(json.dumps(value, default=str) for value in shape.enum[:_MANY])
    if shape.items is not None:
        inner = shape.items if document is None else document.resolve(shape.items)
        return f"[{'array' if inner.items is not None else type_words(inner, document)}]"
    if shape.alternatives and not shape.fields:
        inner = (type_words(one) for one in shape.alternatives[:_MANY])
        return " | ".join(dict.fromkeys(inner))
    if not shape.types:
        return "object" if shape.fields else "any"
    return " | ".join(sorted(shape.types - {"null"} or shape.types))


# ---------------------------------------------------------------- schemas


def schema_shape(mission: MissionProgram, name: str, depth: int = 0) -> Shape | None:
    """The shape that a schema describes."""
    declared = mission.schemas.get(name)
    if declared is None or depth > _MAXIMUM_DEPTH:
        return None
    shape = _object_shape(declared.node.items, mission, depth)
    base = _component(mission, [part.text for part in declared.node.base or ()])
    if base is None:
        return shape
    return replace(
        shape, fields={**base.fields, **shape.fields}, required=base.required | shape.required
    )


def _component(mission: MissionProgram, parts: list[str]) -> Shape | None:
    document = mission.namespaces.get(parts[0]) if parts else None
    if document is None or document.api is None:
        return None
    found = document.api.components.get(".".join(parts[1:]))
    return None if found is None else document.api.resolve(found)


def _object_shape(items: tuple[SchemaItem, ...], mission: MissionProgram, depth: int) -> Shape:
    fields: dict[str, Shape] = {}
    required: set[str] = set()
    for item in items:
        if isinstance(item, SchemaSpread):
            base = schema_shape(mission, item.name.text, depth + 1)
            if base is not None:
                fields = {**base.fields, **fields}
                required |= base.required
        elif isinstance(item, SchemaField):
            fields[item.key.text] = _type_shape(item.type, mission, depth + 1)
            if not item.optional and not isinstance(item.type, OptionalType):
                required.add(item.key.text)
    return Shape(frozenset({"object"}), fields, frozenset(required))


def _type_shape(node: TypeExpression, mission: MissionProgram, depth: int) -> Shape:
    if depth > _MAXIMUM_DEPTH:
        return ANY
    if isinstance(node, OptionalType):
        return _type_shape(node.inner, mission, depth + 1)
    if isinstance(node, ArrayType):
        return Shape(frozenset({"array"}), items=_type_shape(node.element, mission, depth + 1))
    if isinstance(node, ObjectType):
        return _object_shape(node.items, mission, depth + 1)
    if isinstance(node, UnionType):
        inner = tuple(_type_shape(one, mission, depth + 1) for one in node.alternatives)
        return Shape(frozenset[str]().union(*(one.types for one in inner)), alternatives=inner)
    return _simple_shape(node, mission, depth)


def _simple_shape(node: NamedType | LiteralType, mission: MissionProgram, depth: int) -> Shape:
    if isinstance(node, LiteralType):
        return Shape(enum=(node.value,))
    if len(node.parts) > 1:
        return _component(mission, [part.text for part in node.parts]) or ANY
    declared = schema_shape(mission, node.text, depth + 1)
    if declared is not None:
        return declared
    name = _TYPE_NAMES.get(node.text)
    return ANY if name is None else Shape(frozenset({name}))


# ---------------------------------------------------------------- values


class _Looking:
    """Looks up the shapes of expressions at one place."""

    def __init__(self, place: ScopeAt, samples: Mapping[str, Sequence[Record]]) -> None:
        self.place = place
        self.samples = samples
        self.mission = place.surroundings.mission

    def of_context(self, context: Context, depth: int) -> Knowledge | None:
        """The shape of what `.name` reads from."""
        if context.kind is ContextKind.RESPONSE:
            return self._response(depth)
        if context.origin is None:
            return None
        known = self.of(context.origin, depth + 1)
        if known is None or not (context.element_of or context.kind is ContextKind.RECORD):
            return known
        items = known.resolved().items
        return known if items is None else known.child(items)

    def of(self, value: OptionValue, depth: int) -> Knowledge | None:
        """The shape of an expression."""
        handler = _HANDLERS.get(type(value))
        if handler is None or depth > _MAXIMUM_DEPTH:
            return None
        return handler(self, value, depth + 1)

    def named(self, value: Name, depth: int) -> Knowledge | None:
        """A variable, store or `response`."""
        return self._name(value.text, depth)

    def context_field(self, value: ContextField, depth: int) -> Knowledge | None:
        """`.name`."""
        return member_of(self.of_context(self.place.context, depth), value.name.text)

    def member(self, value: FieldAccess, depth: int) -> Knowledge | None:
        """`x.name`."""
        return member_of(self.of(value.target, depth), value.name.text)

    def element(self, value: IndexAccess, depth: int) -> Knowledge | None:
        """`x[i]`."""
        return self._element(self.of(value.target, depth))

    def grouped(self, value: Group, depth: int) -> Knowledge | None:
        """`(x)`."""
        return self.of(value.inner, depth)

    def filtered(self, value: Where, depth: int) -> Knowledge | None:
        """`x where …`."""
        return self.of(value.collection, depth)

    def array(self, value: ArrayLiteral, depth: int) -> Knowledge | None:
        """`[x, …]`: the first element speaks for all."""
        first = next((one for one in value.items if not isinstance(one, Spread)), None)
        inner = None if first is None else self.of(first, depth)
        shape = Shape(frozenset({"array"}), items=ANY if inner is None else inner.resolved())
        return Knowledge(shape, "program")

    def record(self, value: ObjectLiteral, depth: int) -> Knowledge | None:
        """`{ k: v, ...x }`."""
        fields: dict[str, Shape] = {}
        for entry in value.entries:
            inner = self.of(entry.value, depth)
            if isinstance(entry, Entry):
                fields[entry.key.text] = ANY if inner is None else inner.resolved()
            elif inner is not None:
                fields.update(inner.resolved().fields)
        return Knowledge(Shape(frozenset({"object"}), fields, frozenset(fields)), "program")

    def called(self, value: Call | MethodCall | Pipe, depth: int) -> Knowledge | None:
        """A function that gives elements of its first argument, or one of them."""
        name, first = _function_of(value)
        known = None if first is None else self.of(first, depth)
        if name in _KEEPS_ELEMENTS:
            return known
        return self._element(known) if name in _GIVES_ELEMENT else None

    def _element(self, known: Knowledge | None) -> Knowledge | None:
        if known is None:
            return None
        items = known.resolved().items
        return known if items is None else known.child(items)

    # -------------------------------------------------------------- names

    def _name(self, name: str, depth: int) -> Knowledge | None:
        binding = self.place.binding(name)
        if binding is not None:
            known = None if binding.value is None else self.of(binding.value, depth + 1)
            return self._element(known) if binding.kind is BindingKind.LOOP else known
        if name == "response":
            return self._response(depth)
        for declared in (*self.mission.lets, *self.mission.shared_lets):
            if declared.node.name.text == name:
                return self.of(declared.node.value, depth + 1)
        return self._store(name) if name in self.mission.stores else None

    def _store(self, name: str) -> Knowledge | None:
        records = self.samples.get(name, ())
        if not records:
            return None
        shape = Shape(frozenset({"array"}), items=_sample_shape(list(records)))
        return Knowledge(shape, f"records of '{name}'")

    def _response(self, depth: int) -> Knowledge | None:
        step = self.place.response_from
        if isinstance(step, CallOperation):
            return self._operation(step)
        if isinstance(step, Map):
            return self._mapped(step, depth)
        return self._request(step) if isinstance(step, Request) else None

    def _operation(self, step: CallOperation) -> Knowledge | None:
        document = self.place.surroundings.document(step.source.text)
        api = None if document is None else document.api
        name = (
            step.operation.value
            if isinstance(step.operation, StringLiteral)
            else step.operation.text
        )
        operation = None if api is None else api.operation(name)
        return _reply(operation.response if operation else None, step.source.text, api)

    def _request(self, step: Request) -> Knowledge | None:
        """A plain request to a source with a document: the operation of its method and path."""
        if not isinstance(step.path, StringLiteral):
            return None
        name = step.source or step.from_source
        default = self.mission.default_source
        source = name.text if name is not None else default.node.name.text if default else ""
        document = self.place.surroundings.document(source)
        api = None if document is None else document.api
        path = step.path.value.partition("?")[0]
        for operation in api.operations if api is not None else ():
            if operation.method == step.method and operation.path == path:
                return _reply(operation.response, source, api)
        return None

    def _mapped(self, step: Map, depth: int) -> Knowledge | None:
        shape = schema_shape(self.mission, step.target.text)
        if shape is not None:
            return Knowledge(shape, f"schema {step.target.text}")
        return None if step.body is None else self.of(step.body, depth + 1)


def _reply(shape: Shape | None, source: str, api: ApiDocument | None) -> Knowledge | None:
    return None if shape is None else Knowledge(shape, f"spec of '{source}'", api)


def _function_of(value: Call | MethodCall | Pipe) -> tuple[str, Expression | None]:
    """The function that a call of any form names, with its first argument."""
    if isinstance(value, Pipe):
        return value.function.text, value.value
    if isinstance(value, MethodCall):
        return value.name.text, value.target
    name = value.callee.text if isinstance(value.callee, Name) else ""
    return name, value.arguments[0] if value.arguments else None


def _of_type(name: str) -> Callable[[_Looking, Node, int], Knowledge]:
    known = Knowledge(Shape(frozenset({name})), "program")
    return lambda _looking, _value, _depth: known


_HANDLERS: Mapping[type, Callable[[_Looking, Any, int], Knowledge | None]] = {
    Name: _Looking.named,
    ContextField: _Looking.context_field,
    FieldAccess: _Looking.member,
    IndexAccess: _Looking.element,
    Group: _Looking.grouped,
    Where: _Looking.filtered,
    ArrayLiteral: _Looking.array,
    ObjectLiteral: _Looking.record,
    Call: _Looking.called,
    MethodCall: _Looking.called,
    Pipe: _Looking.called,
    StringLiteral: _of_type("string"),
    NumberLiteral: _of_type("number"),
    BooleanLiteral: _of_type("boolean"),
    DurationLiteral: _of_type("number"),
}

# ---------------------------------------------------------------- sample records


def _sample_shape(values: list[object]) -> Shape:
    """The shape that fits all samples; a field that some lack is optional."""
    if values and all(isinstance(value, Mapping) for value in values):
        return _record_shape([dict(record) for record in cast("list[Record]", values)])
    if values and all(isinstance(value, list) for value in values):
        items = [item for one in cast("list[list[object]]", values) for item in one]
        return Shape(frozenset({"array"}), items=_sample_shape(items) if items else ANY)
    return Shape(frozenset(map(_json_type, values)))


def _record_shape(records: list[dict[str, object]]) -> Shape:
    names = dict.fromkeys(name for record in records for name in record)
    return Shape(
        frozenset({"object"}),
        {name: _sample_shape([one[name] for one in records if name in one]) for name in names},
        frozenset(name for name in names if all(name in record for record in records)),
    )


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
