"""Component schemas of imported OpenAPI documents as types of the language.

`import warehouse from "./warehouse.yaml"` makes `warehouse.Bin` a type; the plan carries all
components of the imported documents, and `values/schemas` tests with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vague.ast.base import Identifier, Key
from vague.ast.definitions import (
    ArrayType,
    LiteralType,
    NamedType,
    ObjectType,
    SchemaField,
    TypeExpression,
    UnionType,
)
from vague.openapi import ApiDocument, Shape
from vague.program import Document
from vague.text import Span

_NOWHERE = Span(0, 0)
_NAMES = {"integer": "int", "number": "number", "boolean": "boolean", "string": "string"}
_DATES = frozenset({"date", "date-time"})


def component_types(
    namespaces: Mapping[str, Document | None],
) -> dict[str, TypeExpression]:
    """The components of all documents by dotted name."""
    found: dict[str, TypeExpression] = {}
    for namespace, document in namespaces.items():
        if document is not None and document.api is not None:
            components = _Components(namespace, document.api)
            for name, shape in document.api.components.items():
                found[f"{namespace}.{name}"] = components.type_of(shape)
    return found


class _Components:
    """Shapes of one document as types; references stay names, so that types may recur."""

    def __init__(self, namespace: str, api: ApiDocument) -> None:
        self._namespace = namespace
        self._api = api

    def type_of(self, shape: Shape) -> TypeExpression:
        if shape.reference is not None:
            return self._referred(shape.reference)
        if shape.enum is not None:
            return _union(_literal(value) for value in shape.enum)
        if shape.alternatives and not shape.parts:
            return _union(self.type_of(one) for one in shape.alternatives)
        if shape.parts or (shape.fields and not shape.types):
            return self._object(shape)
        return _union(self._of_kind(kind, shape) for kind in sorted(shape.types))

    def _referred(self, name: str) -> TypeExpression:
        known = name in self._api.components
        return _named(self._namespace, *name.split(".")) if known else _named("any")

    def _of_kind(self, kind: str, shape: Shape) -> TypeExpression:
        match kind:
            case "null":
                return LiteralType(_NOWHERE, None, "null")
            case "array":
                element = _named("any") if shape.items is None else self.type_of(shape.items)
                return ArrayType(_NOWHERE, element)
            case "object":
                return self._object(shape)
            case "string" if shape.format in _DATES:
                return _named("date")
            case _:
                return _named(_NAMES.get(kind, "any"))

    def _object(self, shape: Shape) -> TypeExpression:
        fields, required = self._fields(shape, frozenset())
        return ObjectType(
            _NOWHERE,
            tuple(
                SchemaField(_NOWHERE, Key(_NOWHERE, name), name not in required, self.type_of(one))
                for name, one in fields.items()
            ),
        )

    def _fields(
        self, shape: Shape, within: frozenset[str]
    ) -> tuple[dict[str, Shape], frozenset[str]]:
        """The fields of a shape and of the parts that it is put together of."""
        fields: dict[str, Shape] = {}
        required = shape.required
        for part in shape.parts:
            name = part.reference
            if name is None or name in within or name not in self._api.components:
                continue
            inner, more = self._fields(self._api.components[name], within | {name})
            fields |= inner
            required |= more
        return {**fields, **shape.fields}, required


def _named(*parts: str) -> NamedType:
    return NamedType(_NOWHERE, tuple(Identifier(_NOWHERE, part) for part in parts))


def _literal(value: object) -> TypeExpression:
    if value is None or isinstance(value, str | int | float):
        return LiteralType(_NOWHERE, value, repr(value) if value is not None else "null")
    return _named("any")


def _union(types: Iterable[TypeExpression]) -> TypeExpression:
    alternatives = tuple(types)
    if not alternatives:
        return _named("any")
    return alternatives[0] if len(alternatives) == 1 else UnionType(_NOWHERE, alternatives)
