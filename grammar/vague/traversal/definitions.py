"""Walks whole elements: actions, transforms, schemas, sources, stores, settings, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vague.ast.base import Node
from vague.ast.definitions import (
    Action,
    ArrayType,
    Dataset,
    NamedType,
    ObjectType,
    Option,
    OptionalType,
    Schedule,
    Schema,
    SchemaField,
    SchemaItem,
    SchemaSpread,
    Source,
    Store,
    Transform,
    TransformVariant,
    TypeExpression,
    UnionType,
)
from vague.ast.expressions import (
    Call,
    Conditional,
    Entry,
    Expression,
    Group,
    IfExpression,
    MatchExpression,
    Name,
    ObjectLiteral,
)
from vague.ast.steps import Let, Run
from vague.program import Declared
from vague.text import Span
from vague.traversal.events import BlockEnd, ElementEnd, Reference
from vague.traversal.expressions import refer_to_schema, visit, visit_condition, visit_match
from vague.traversal.findings import KnownStretches, Occurrence
from vague.traversal.options import OptionPlace, visit_option, visit_options
from vague.traversal.scopes import (
    NO_CONTEXT,
    RESPONSE_CONTEXT,
    Context,
    ContextKind,
    Layer,
)
from vague.traversal.state import Rules, Walk
from vague.traversal.steps import (
    visit_stages,
    visit_steps,
)
from vague.traversal.surroundings import EarlierLets, Surroundings
from vague.vocabulary.kinds import TYPE_NAMES


def walk_element(
    element: Declared[Node],
    surroundings: Surroundings,
    rules: Rules,
    visible_lets: EarlierLets | None = None,
    known: KnownStretches | None = None,
) -> Walk:
    """Walk a definition, option, `let` or pipeline; the walk holds what was found.

    `visible_lets`: the mission-level `let`s that it may use, where that is not all of them.
    `known`: stretches of an earlier walk that may still hold; without it the element is not cut
    into stretches, and all spans count from its start.
    """
    layer, context = _LAYERS.get(type(element.node), (Layer.SETTINGS, NO_CONTEXT))
    walk = Walk(surroundings, rules, element, layer, context)
    walk.lets = visible_lets
    walk.known = known
    _visit_element(element.node, walk)
    return walk


def _visit_element(node: Node, walk: Walk) -> None:
    walk.tell(node)
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(node, walk)
    walk.tell(ElementEnd(node))


# ---------------------------------------------------------------- actions


def _action(node: Action, walk: Walk) -> None:
    block = walk.surroundings.facts.vocabulary.option_blocks["action"]
    for placed in node.options:
        with walk.inside(placed):
            walk.tell(placed.node)
            entry = Entry(placed.node.span, placed.node.key, placed.node.value)
            visit_option(entry, block, OptionPlace(node, walk.span(placed.node.key)), walk)
    visit_steps(node.steps, "action", walk)
    walk.tell(BlockEnd(walk.span(node)))


# ---------------------------------------------------------------- transforms and schemas


def _transform(node: Transform, walk: Walk) -> None:
    for variant in node.variants:
        _variant(variant, walk)


def _variant(variant: TransformVariant, walk: Walk) -> None:
    walk.tell(variant)
    if variant.input is not None:
        refer_to_schema(variant.input, "pattern", walk)
    if variant.guard is not None:
        visit_condition(variant.guard, walk)
    if walk.has("schema", variant.target.text):
        refer_to_schema(variant.target, "target", walk)
    visit(variant.body, walk)


def _schema(node: Schema, walk: Walk) -> None:
    _items(node.items, walk)


def _items(items: tuple[SchemaItem, ...], walk: Walk) -> None:
    for item in items:
        walk.tell(item)
        if isinstance(item, SchemaField):
            _type(item.type, walk)
        elif isinstance(item, SchemaSpread):
            refer_to_schema(item.name, "spread", walk)
        else:
            visit_condition(item.condition, walk)


def _type(node: TypeExpression, walk: Walk) -> None:
    walk.tell(node)
    if isinstance(node, NamedType):
        _named_type(node, walk)
    elif isinstance(node, ArrayType):
        _type(node.element, walk)
    elif isinstance(node, OptionalType):
        _type(node.inner, walk)
    elif isinstance(node, UnionType):
        for alternative in node.alternatives:
            _type(alternative, walk)
    elif isinstance(node, ObjectType):
        _items(node.items, walk)


def _named_type(node: NamedType, walk: Walk) -> None:
    """A dotted name is a component of an imported document, which a rule looks up."""
    if len(node.parts) > 1:
        return
    name, span = node.text, walk.span(node)
    if walk.has("schema", name):
        walk.found.occurrences.append(Occurrence("schema", name, span, "type"))
        walk.tell(Reference("schema", name, span, "type", known=True, node=node))
    elif name in TYPE_NAMES:
        walk.found.occurrences.append(Occurrence("type", name, span, "type"))
    else:
        walk.found.occurrences.append(Occurrence("schema", name, span, "type"))
        walk.tell(Reference("type", name, span, "type", known=False, node=node))


def _dataset(node: Dataset, walk: Walk) -> None:
    for entry in node.entries:
        walk.tell(entry)
        refer_to_schema(entry.schema, "type", walk)


# ---------------------------------------------------------------- sources and stores


def _source(node: Source, walk: Walk) -> None:
    if node.options is not None:
        visit_options(node.options, "source", OptionPlace(node, walk.span(node.name)), walk)


def _store(node: Store, walk: Walk) -> None:
    _adapter(node.adapter, node, walk)


def _adapter(value: Expression, holder: Store, walk: Walk) -> None:
    """An adapter's name or call, or an expression whose results are those."""
    walk.tell(value)
    if isinstance(value, Group):
        _adapter(value.inner, holder, walk)
    elif isinstance(value, Conditional | IfExpression):
        visit_condition(value.condition, walk)
        _adapter(value.then, holder, walk)
        if value.otherwise is not None:
            _adapter(value.otherwise, holder, walk)
    elif isinstance(value, MatchExpression):
        visit_match(value, walk, lambda result, at: _adapter(result, holder, at))
    elif isinstance(value, Call) and isinstance(value.callee, Name):
        _adapter_arguments(value, holder, walk)


def _adapter_arguments(value: Call, holder: Store, walk: Walk) -> None:
    name = value.callee.text if isinstance(value.callee, Name) else ""
    vocabulary = walk.surroundings.facts.vocabulary
    adapter = vocabulary.store_adapters.get(name)
    for position, argument in enumerate(value.arguments):
        block = adapter.options if adapter is not None and position == 1 else None
        if block is not None and isinstance(argument, ObjectLiteral):
            at = OptionPlace(holder, walk.span(value.callee))
            visit_options(argument, block, at, walk)
        else:
            visit(argument, walk)


# ---------------------------------------------------------------- settings and pipelines


def _option(node: Option, walk: Walk) -> None:
    block = walk.surroundings.facts.vocabulary.option_blocks["mission"]
    entry = Entry(node.span, node.key, node.value)
    visit_option(entry, block, OptionPlace(node, walk.span(node.key)), walk)


def _schedule(node: Schedule, walk: Walk) -> None:
    if node.options is not None:
        at = OptionPlace(node, _keyword(node, "schedule", walk))
        visit_options(node.options, "schedule", at, walk)


def _keyword(node: Node, word: str, walk: Walk) -> Span:
    start = walk.span(node).start
    return Span(start, start + len(word))


def _let(node: Let, walk: Walk) -> None:
    visit(node.value, walk)


def _run(node: Run, walk: Walk) -> None:
    visit_stages(node, walk)


_LAYERS: Mapping[type, tuple[Layer, Context]] = {
    Action: (Layer.ACTION, RESPONSE_CONTEXT),
    Transform: (Layer.RECORDS, Context(ContextKind.INPUT)),
    Schema: (Layer.RECORDS, Context(ContextKind.CANDIDATE)),
    Run: (Layer.PIPELINE, NO_CONTEXT),
}
_HANDLERS: Mapping[type, Callable[[Any, Walk], None]] = {
    Action: _action,
    Transform: _transform,
    Schema: _schema,
    Dataset: _dataset,
    Source: _source,
    Store: _store,
    Option: _option,
    Schedule: _schedule,
    Let: _let,
    Run: _run,
}
