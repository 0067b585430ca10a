"""Templates of files, missions and definitions.

What a template is, `vague.formatter.weave` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vague.ast.base import Identifier, Node
from vague.ast.definitions import (
    Action,
    ArrayType,
    Dataset,
    DatasetEntry,
    File,
    Import,
    LiteralType,
    Mission,
    NamedType,
    ObjectType,
    Option,
    OptionalType,
    Schedule,
    Schema,
    SchemaField,
    SchemaSpread,
    Source,
    Store,
    Transform,
    TransformVariant,
    UnionType,
)
from vague.formatter.expressions import (
    ANY,
    DEDENT,
    END,
    GROUP,
    INDENT,
    LINE,
    SPACE,
    options,
)
from vague.formatter.steps import lines
from vague.formatter.weave import Block, Item, Separator, Template, bracketed


def file_items(node: File) -> Sequence[Item]:
    """All items of a file with separators between."""
    items: list[Item] = []
    for position, placed in enumerate(node.items):
        if position:
            items.append(Separator(""))
        items.append(Block(placed))
    return items


def _mission(node: Mission) -> Sequence[Item]:
    return ("mission", SPACE, node.name, SPACE, *bracketed(node.members, always=True))


def _action(node: Action) -> Sequence[Item]:
    return ("action", SPACE, node.name, SPACE, *lines(node.elements))


def _option(node: Option) -> Sequence[Item]:
    return (node.key, ":", SPACE, node.value)


def _schedule(node: Schedule) -> Sequence[Item]:
    kind: Sequence[Item] = ("schedule", ":", SPACE, node.kind, SPACE)
    return (*kind, node.value, *options(node.options))


def _source(node: Source) -> Sequence[Item]:
    spec: Sequence[Item] = () if node.spec is None else (SPACE, "from", SPACE, node.spec)
    return ("source", SPACE, node.name, *spec, *options(node.options))


def _store(node: Store) -> Sequence[Item]:
    return ("store", SPACE, node.name, ":", SPACE, node.adapter)


def _import(node: Import) -> Sequence[Item]:
    namespace: Sequence[Item] = (
        () if node.namespace is None else (node.namespace, SPACE, "from", SPACE)
    )
    return ("import", SPACE, *namespace, node.path)


def _dataset(node: Dataset) -> Sequence[Item]:
    return ("dataset", SPACE, node.name, SPACE, *bracketed(node.entries))


def _dataset_entry(node: DatasetEntry) -> Sequence[Item]:
    return (node.key, ":", SPACE, node.count, SPACE, "of", SPACE, node.schema)


# ---------------------------------------------------------------- schemas


def _schema(node: Schema) -> Sequence[Item]:
    base = () if node.base is None else (SPACE, "from", SPACE, *_dotted(node.base))
    return ("schema", SPACE, node.name, *base, SPACE, *bracketed(node.items))


def _dotted(parts: Sequence[Identifier]) -> Sequence[Item]:
    items: list[Item] = [parts[0]]
    for part in parts[1:]:
        items.extend((".", part))
    return items


def _schema_field(node: SchemaField) -> Sequence[Item]:
    mark = ("?",) if node.optional else ()
    return (node.key, *mark, ":", SPACE, node.type)


def _schema_spread(node: SchemaSpread) -> Sequence[Item]:
    return ("...", node.name)


def _named_type(node: NamedType) -> Sequence[Item]:
    return _dotted(node.parts)


def _array_type(node: ArrayType) -> Sequence[Item]:
    if node.bracketed:
        return ("[", node.element, "]")
    return ("array", "<", node.element, ">")


def _object_type(node: ObjectType) -> Sequence[Item]:
    return bracketed(node.items)


def _literal_type(_: LiteralType) -> Sequence[Item]:
    return (ANY,)


def _optional_type(node: OptionalType) -> Sequence[Item]:
    return (node.inner, "?")


def _union_type(node: UnionType) -> Sequence[Item]:
    first, *others = node.alternatives
    items: list[Item] = [GROUP, first, INDENT]
    for alternative in others:
        items.extend((LINE, "|", SPACE, alternative))
    return (*items, DEDENT, END)


# ---------------------------------------------------------------- transforms


def _transform(node: Transform) -> Sequence[Item]:
    head: Sequence[Item] = ("transform", SPACE, node.name)
    if node.overloaded:
        return (*head, SPACE, *bracketed(node.variants, always=True))
    variant = node.variants[0]
    schema: Sequence[Item] = () if variant.input is None else (":", SPACE, variant.input)
    return (*head, *schema, *_result(variant))


def _variant(node: TransformVariant) -> Sequence[Item]:
    guard: Sequence[Item] = () if node.guard is None else (SPACE, "where", SPACE, node.guard)
    return ("(", ANY, ")", *guard, *_result(node))


def _result(node: TransformVariant) -> Sequence[Item]:
    return (SPACE, "->", SPACE, node.target, SPACE, node.body)


DEFINITION_TEMPLATES: Mapping[type[Node], Template] = {
    Mission: _mission,
    Action: _action,
    Option: _option,
    Schedule: _schedule,
    Source: _source,
    Store: _store,
    Import: _import,
    Dataset: _dataset,
    DatasetEntry: _dataset_entry,
    Schema: _schema,
    SchemaField: _schema_field,
    SchemaSpread: _schema_spread,
    NamedType: _named_type,
    ArrayType: _array_type,
    ObjectType: _object_type,
    LiteralType: _literal_type,
    OptionalType: _optional_type,
    UnionType: _union_type,
    Transform: _transform,
    TransformVariant: _variant,
}
