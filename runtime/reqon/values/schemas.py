"""Schemas: whether a value fits one, and what is wrong where it does not.

A `SchemaSet` holds the schemas of a plan. Patterns, `is` and transform variants ask `matcher`,
which is fast; a `map` whose target is a schema asks `mismatches` for texts. Both look at a
record's own fields and the virtual fields of a reply, never at what `map` falls back to.
Deviation from a plain `matches(name, value)`: both take the scope too, because `assume` lines are
expressions that may ask the run.
"""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from reqon.errors import RunError
from reqon.values.access import pattern_field
from reqon.values.compile import compile_condition
from reqon.values.operators import equal
from reqon.values.schema_types import NULLABLE_TYPES, TYPES, TypeTest
from reqon.values.scope import ContextKind, Matcher, Names, Scope
from reqon.values.show import described, show
from vague.ast.base import Identifier
from vague.ast.definitions import (
    ArrayType,
    LiteralType,
    NamedType,
    ObjectType,
    OptionalType,
    Schema,
    SchemaField,
    SchemaItem,
    SchemaSpread,
    TypeExpression,
    UnionType,
)
from vague.ast.steps import Assume
from vague.parser import parse

_MOST_MISMATCHES: Final = 20

CIRCUIT_OPEN: Final = "CircuitOpen"
_PREDEFINED = "schema CircuitOpen { circuitOpen: boolean, service: string, openedAt: date }"


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a schema as it is tested."""

    name: str
    nullable: bool
    matches: Matcher
    type: TypeExpression


class SchemaSet:
    """The schemas that one mission sees. Tests are made when they are first asked for."""

    def __init__(
        self,
        schemas: Mapping[str, Schema],
        names: Names,
        components: Mapping[str, TypeExpression] | None = None,
    ) -> None:
        """Take the declared schemas; `names` are what `assume` lines may refer to.

        `components` are the types of imported documents by dotted name (`warehouse.Bin`).
        """
        self._schemas = {CIRCUIT_OPEN: _circuit_open(), **schemas}
        self._components = dict(components or {})
        inner = names.without_bindings().with_context(ContextKind.PARAMETER)
        self._names = replace(inner, schemas=self)
        self._matchers: dict[str, Matcher] = {}
        self._component_matchers: dict[str, Matcher] = {}
        self._parts: dict[str, tuple[tuple[_Field, ...], tuple[Matcher, ...]]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether a schema of that name is declared (`CircuitOpen` always is)."""
        return name in self._schemas

    def matches(self, scope: Scope, name: str, value: Any) -> bool:
        """Whether `value` fits the schema `name`."""
        return self.matcher(name)(scope, value)

    def matcher(self, name: str) -> Matcher:
        """The test of the schema `name`. Raises `RunError` (type) where it is not declared."""
        if name not in self._schemas:
            raise RunError("type", f"unknown schema '{name}'")
        if name not in self._matchers:
            self._matchers[name] = self._schema_matcher(name)
        return self._matchers[name]

    def mismatches(self, scope: Scope, name: str, value: Any) -> list[str]:
        """What keeps `value` from fitting, a text each, such as `'.id' is missing`; [] if it fits.

        At most twenty.
        """
        found: list[str] = []
        for problem in self._schema_problems(scope, name, value, ""):
            found.append(problem)
            if len(found) == _MOST_MISMATCHES:
                break
        return found

    # ------------------------------------------------------------ what a schema consists of

    def fields(self, name: str) -> dict[str, SchemaField]:
        """The fields of a schema, those of its base and spreads included; own ones win."""
        schema = self._schemas[name]
        base: dict[str, SchemaField] = {}
        if schema.base is not None:
            base = self._component_fields(schema.base)
        return self._item_fields(base, schema.items, (name,))

    def _item_fields(
        self, base: dict[str, SchemaField], items: tuple[SchemaItem, ...], within: tuple[str, ...]
    ) -> dict[str, SchemaField]:
        found = dict(base)
        own: dict[str, SchemaField] = {}
        for item in items:
            if isinstance(item, SchemaSpread):
                found.update(self._spread_fields(item.name.text, within))
            elif isinstance(item, SchemaField):
                own[item.key.text] = item
        return {**found, **own}

    def _spread_fields(self, name: str, within: tuple[str, ...]) -> dict[str, SchemaField]:
        if name not in self._schemas:
            raise RunError("type", f"unknown schema '{name}' in '...{name}'")
        if name in within:
            raise RunError("type", f"schema '{name}' includes itself by '...'")
        schema = self._schemas[name]
        base = {} if schema.base is None else self._component_fields(schema.base)
        return self._item_fields(base, schema.items, (*within, name))

    def _component_fields(self, parts: tuple[Identifier, ...]) -> dict[str, SchemaField]:
        name = ".".join(part.text for part in parts)
        component, seen = self._components.get(name), {name}
        while isinstance(component, NamedType) and component.text not in seen:
            seen.add(component.text)
            component = self._components.get(component.text)
        if not isinstance(component, ObjectType):
            raise RunError("type", f"'{name}' is no imported schema with fields")
        return self._item_fields({}, component.items, ())

    def _schema_parts(self, name: str) -> tuple[tuple[_Field, ...], tuple[Matcher, ...]]:
        if name not in self._parts:
            fields = tuple(map(self._field, self.fields(name).values()))
            self._parts[name] = fields, self._conditions(self._schemas[name].items)
        return self._parts[name]

    def _field(self, item: SchemaField) -> _Field:
        nullable = item.optional or self._nullable(item.type)
        return _Field(item.key.text, nullable, self._type_matcher(item.type), item.type)

    def _conditions(self, items: tuple[SchemaItem, ...]) -> tuple[Matcher, ...]:
        conditions = [item.condition for item in items if isinstance(item, Assume)]
        return tuple(compile_condition(condition, self._names).call for condition in conditions)

    def _nullable(self, type_: TypeExpression, within: frozenset[str] = frozenset()) -> bool:
        match type_:
            case OptionalType():
                return True
            case LiteralType():
                return type_.value is None
            case UnionType():
                return any(self._nullable(one, within) for one in type_.alternatives)
            case NamedType(text=name):
                if name in self._components and name not in within:
                    return self._nullable(self._components[name], within | {name})
                return name in NULLABLE_TYPES and name not in self._schemas
            case _:
                return False

    # ------------------------------------------------------------ tests

    def _schema_matcher(self, name: str) -> Matcher:
        """A test that looks for the schema's parts when it is first used: schemas may recur."""

        def matches(scope: Scope, value: Any) -> bool:
            if not isinstance(value, dict):
                return False
            fields, conditions = self._schema_parts(name)
            return _fields_match(scope, value, fields) and all(
                condition(scope, value) for condition in conditions
            )

        return matches

    def _type_matcher(self, type_: TypeExpression) -> Matcher:
        match type_:
            case NamedType():
                return self._named_matcher(type_.text)
            case LiteralType():
                return lambda _, value: equal(value, type_.value)
            case OptionalType():
                inner = self._type_matcher(type_.inner)
                return lambda scope, value: value is None or inner(scope, value)
            case UnionType():
                tests = [self._type_matcher(alternative) for alternative in type_.alternatives]
                return lambda scope, value: any(test(scope, value) for test in tests)
            case ArrayType():
                each = self._type_matcher(type_.element)
                return lambda scope, value: (
                    isinstance(value, list) and all(each(scope, element) for element in value)
                )
            case ObjectType():
                return self._object_matcher(type_)

    def _object_matcher(self, type_: ObjectType) -> Matcher:
        fields = tuple(map(self._field, self._item_fields({}, type_.items, ()).values()))
        conditions = self._conditions(type_.items)
        return lambda scope, value: (
            isinstance(value, dict)
            and _fields_match(scope, value, fields)
            and all(condition(scope, value) for condition in conditions)
        )

    def _named_matcher(self, name: str) -> Matcher:
        if name in self._schemas:
            return self.matcher(name)
        if name in self._components:
            return self._component_matcher(name)
        test = _type_test(name)
        return lambda _, value: test(value)

    def _component_matcher(self, name: str) -> Matcher:
        """A test that is made when it is first used: components may recur."""

        def matches(scope: Scope, value: Any) -> bool:
            if name not in self._component_matchers:
                self._component_matchers[name] = self._type_matcher(self._components[name])
            return self._component_matchers[name](scope, value)

        return matches

    # ------------------------------------------------------------ explanations

    def _schema_problems(self, scope: Scope, name: str, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{_at(path)} must be an object ({name}), found {described(value)}"
            return
        fields, conditions = self._schema_parts(name)
        yield from self._field_problems(scope, fields, value, path)
        if not all(condition(scope, value) for condition in conditions):
            yield f"{_at(path)} does not fulfil what '{name}' assumes: {show(value)}"

    def _field_problems(
        self, scope: Scope, fields: tuple[_Field, ...], value: Any, path: str
    ) -> Iterator[str]:
        for field in fields:
            inner = f"{path}.{field.name}"
            item = pattern_field(value, field.name)
            if item is None:
                if not field.nullable:
                    missing = field.name not in value
                    yield f"{_at(inner)} is missing" if missing else f"{_at(inner)} is null"
            elif not field.matches(scope, item):
                yield from self._type_problems(scope, field.type, item, inner)

    def _type_problems(
        self, scope: Scope, type_: TypeExpression, value: Any, path: str
    ) -> Iterator[str]:
        """The problems of a value that does not match `type_`."""
        match type_:
            case NamedType() if type_.text in self._schemas:
                yield from self._schema_problems(scope, type_.text, value, path)
            case NamedType() if type_.text in self._components:
                yield from self._type_problems(scope, self._components[type_.text], value, path)
            case OptionalType():
                yield from self._type_problems(scope, type_.inner, value, path)
            case ArrayType() if isinstance(value, list):
                yield from self._element_problems(scope, type_.element, value, path)
            case ObjectType() if isinstance(value, dict):
                fields = tuple(map(self._field, self._item_fields({}, type_.items, ()).values()))
                found = list(self._field_problems(scope, fields, value, path))
                yield from found or [f"{_at(path)} does not fulfil what is assumed of it"]
            case _:
                yield f"{_at(path)} must be {type_text(type_)}, found {described(value)}"

    def _element_problems(
        self, scope: Scope, type_: TypeExpression, values: list[Any], path: str
    ) -> Iterator[str]:
        matches = self._type_matcher(type_)
        for position, element in enumerate(values):
            if not matches(scope, element):
                yield from self._type_problems(scope, type_, element, f"{path}[{position}]")


def _fields_match(scope: Scope, value: dict[str, Any], fields: tuple[_Field, ...]) -> bool:
    plain = type(value) is dict
    for field in fields:
        item = value.get(field.name) if plain else pattern_field(value, field.name)
        if item is None:
            if not field.nullable:
                return False
        elif not field.matches(scope, item):
            return False
    return True


def _type_test(name: str) -> TypeTest:
    if name not in TYPES:
        raise RunError("type", f"unknown type '{name}'")
    return TYPES[name]


def _at(path: str) -> str:
    return f"'{path}'" if path else "the value"


def type_text(type_: TypeExpression) -> str:
    """A type as it is written: `array<string>`, `"a" | "b"`, `{ … }`."""
    match type_:
        case NamedType():
            return type_.text
        case LiteralType():
            return type_.text
        case OptionalType():
            return f"{type_text(type_.inner)}?"
        case UnionType():
            return " | ".join(map(type_text, type_.alternatives))
        case ArrayType():
            return f"array<{type_text(type_.element)}>"
        case ObjectType():
            return "an object"


@cache
def _circuit_open() -> Schema:
    """The schema that is declared in every mission: the error value of an open breaker."""
    schema = parse(_PREDEFINED).tree.items[0].node
    assert isinstance(schema, Schema)
    return schema
