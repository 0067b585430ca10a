"""Trees of definitions to nodes: missions, sources, stores, schemas, transforms, actions."""

from __future__ import annotations

from typing import cast

from vague.ast.base import Identifier
from vague.ast.definitions import (
    Action,
    ArrayType,
    Dataset,
    DatasetEntry,
    Import,
    LiteralType,
    Mission,
    NamedType,
    ObjectType,
    OptionalType,
    Schedule,
    Schema,
    SchemaField,
    SchemaSpread,
    Source,
    Store,
    Transform,
    TransformVariant,
    TypeExpression,
    UnionType,
)
from vague.ast.expressions import Quantity
from vague.build.options import optional_block, signed, signed_quantity
from vague.build.patterns import expect_arrow
from vague.build.reader import Builder, Reader, declared
from vague.build.strings import glued_parts, number_value, value_of
from vague.diagnostics import Fix, TextEdit
from vague.peg import Tree
from vague.text import Span

_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def _import(reader: Reader, tree: Tree) -> Import:
    _, namespace, path = tree.parts
    name = None if namespace is None else declared(reader, namespace.parts[0])
    return Import(reader.span(tree), name, reader.build(path))


def _dataset(reader: Reader, tree: Tree) -> Dataset:
    _, name, entries = tree.parts
    return Dataset(reader.span(tree), declared(reader, name), tuple(reader.elements(entries)))


def _dataset_entry(reader: Reader, tree: Tree) -> DatasetEntry:
    key, _, count, _, schema_name = tree.parts
    return DatasetEntry(
        reader.span(tree), reader.build(key), reader.build(count), declared(reader, schema_name)
    )


def _mission(reader: Reader, tree: Tree) -> Mission:
    _, name, members = tree.parts
    return Mission(reader.span(tree), declared(reader, name), reader.placed(members))


def _schedule(reader: Reader, tree: Tree) -> Schedule:
    _, _, time, options = tree.parts
    block = optional_block(reader, options)
    if time.rule == "every":
        return Schedule(reader.span(tree), "every", _amount(reader, time.parts[1]), block)
    kind = "cron" if time.rule == "cron" else "at"
    return Schedule(reader.span(tree), kind, reader.build(time.parts[1]), block)


def _schedule_typo(reader: Reader, tree: Tree) -> Schedule:
    """A schedule whose keyword is misspelt, as only a schedule has such a value."""
    written = reader.written(tree.parts[0])
    message = f"expected 'schedule', found '{written}'"
    reader.report_replacement("RQ001", tree.parts[0], "schedule", message)
    return _schedule(reader, tree)


def _amount(reader: Reader, tree: Tree) -> Quantity:
    if tree.rule == "amount":
        number, unit = tree.parts
        return cast("Quantity", signed_quantity(reader, number, unit, always=True))
    if tree.rule == "unitless":
        return _unitless(reader, tree)
    negative, literal, word = glued_parts(reader, tree)
    return Quantity(reader.span(tree), negative, literal, word)


def _unitless(reader: Reader, tree: Tree) -> Quantity:
    """`every 5` without a unit, read as minutes."""
    written = reader.written(tree)
    better = f"{written} minutes"
    fix = Fix(f"write '{better}'", (TextEdit(Span(tree.end, tree.end), " minutes"),), safe=False)
    message = f"expected a unit of time behind '{written}'"
    hint = f"write for example '{better}'"
    reader.report("RQ001", tree.start, tree.end, message, hint, (fix,))
    negative, number = signed(reader, tree)
    at = tree.end - reader.base
    return Quantity(reader.span(tree), negative, number, Identifier(Span(at, at), "minutes"))


def _source(reader: Reader, tree: Tree) -> Source:
    _, name, rest = tree.parts
    identifier = declared(reader, name)
    if rest.rule == "options":
        return Source(reader.span(tree), identifier, None, reader.build(rest))
    _, spec, options = rest.parts
    return Source(
        reader.span(tree), identifier, reader.build(spec), optional_block(reader, options)
    )


def _store(reader: Reader, tree: Tree) -> Store:
    _, name, _, adapter = tree.parts
    return Store(reader.span(tree), declared(reader, name), reader.build(adapter))


def _schema(reader: Reader, tree: Tree) -> Schema:
    _, name, base, items = tree.parts
    return Schema(
        reader.span(tree),
        declared(reader, name),
        None if base is None else _dotted_parts(reader, base.parts[1]),
        tuple(reader.elements(items)),
    )


def _schema_spread(reader: Reader, tree: Tree) -> SchemaSpread:
    return SchemaSpread(reader.span(tree), declared(reader, tree.parts[1]))


def _schema_field(reader: Reader, tree: Tree) -> SchemaField:
    key, optional, _, type_tree = tree.parts
    return SchemaField(
        reader.span(tree), reader.build(key), optional is not None, reader.build(type_tree)
    )


def _dotted_parts(reader: Reader, tree: Tree) -> tuple[Identifier, ...]:
    first, rest = tree.parts
    return (declared(reader, first), *(declared(reader, part.parts[1]) for part in rest))


# ---------------------------------------------------------------- types


def _type(reader: Reader, tree: Tree) -> UnionType:
    first, rest = tree.parts
    alternatives = (first, *(part.parts[1] for part in rest))
    return UnionType(reader.span(tree), tuple(reader.build(part) for part in alternatives))


def _type_alternative(reader: Reader, tree: Tree) -> TypeExpression:
    core, optional = tree.parts
    node = reader.build(core)
    return node if optional is None else OptionalType(reader.span(tree), node)


def _array_type(reader: Reader, tree: Tree) -> ArrayType:
    if not reader.deeper(tree):
        return ArrayType(reader.span(tree), NamedType(reader.span(tree), ()))
    node = ArrayType(reader.span(tree), reader.build(tree.parts[2]))
    reader.depth -= 1
    return node


def _list_type(reader: Reader, tree: Tree) -> ArrayType:
    nodes = reader.elements(tree)
    element = nodes[0] if nodes else NamedType(reader.span(tree), ())
    return ArrayType(reader.span(tree), element, bracketed=True)


def _object_type(reader: Reader, tree: Tree) -> ObjectType:
    return ObjectType(reader.span(tree), tuple(reader.elements(tree)))


def _named_type(reader: Reader, tree: Tree) -> NamedType:
    return NamedType(reader.span(tree), _dotted_parts(reader, tree))


def _string_type(reader: Reader, tree: Tree) -> LiteralType:
    return LiteralType(reader.span(tree), value_of(reader, tree), reader.written(tree))


def _number_type(reader: Reader, tree: Tree) -> LiteralType:
    text = reader.written(tree)
    return LiteralType(reader.span(tree), number_value(reader, tree.start, text), text)


def _constant_type(reader: Reader, tree: Tree) -> LiteralType:
    text = reader.written(tree)
    return LiteralType(reader.span(tree), _CONSTANTS[text], text)


# ---------------------------------------------------------------- transforms, actions


def _transform(reader: Reader, tree: Tree) -> Transform:
    _, name, rest = tree.parts
    identifier = declared(reader, name)
    if rest.rule == "variants":
        return Transform(
            reader.span(tree), identifier, tuple(reader.elements(rest)), overloaded=True
        )
    input_part, arrow, target, body = rest.parts
    expect_arrow(reader, arrow, "->")
    variant_node = TransformVariant(
        reader.span(rest),
        None if input_part is None else declared(reader, input_part.parts[1]),
        None,
        declared(reader, target),
        reader.build(body),
    )
    return Transform(reader.span(tree), identifier, (variant_node,), overloaded=False)


def _variant(reader: Reader, tree: Tree) -> TransformVariant:
    _, input_part, _, guard, arrow, target, body = tree.parts
    expect_arrow(reader, arrow, "->")
    return TransformVariant(
        reader.span(tree),
        None if input_part.rule == "wildcard" else declared(reader, input_part),
        None if guard is None else reader.build(guard.parts[1]),
        declared(reader, target),
        reader.build(body),
    )


def _action(reader: Reader, tree: Tree) -> Action:
    _, name, body = tree.parts
    return Action(reader.span(tree), declared(reader, name), reader.placed(body))


BUILDERS: dict[str, Builder] = {
    "import": _import,
    "dataset": _dataset,
    "dataset_entry": _dataset_entry,
    "mission": _mission,
    "schedule": _schedule,
    "schedule_typo": _schedule_typo,
    "source": _source,
    "store": _store,
    "schema": _schema,
    "schema_spread": _schema_spread,
    "schema_field": _schema_field,
    "type": _type,
    "type_alternative": _type_alternative,
    "array_type": _array_type,
    "list_type": _list_type,
    "object_type": _object_type,
    "dotted": _named_type,
    "string_type": _string_type,
    "number_type": _number_type,
    "constant_type": _constant_type,
    "transform": _transform,
    "variant": _variant,
    "action": _action,
}
