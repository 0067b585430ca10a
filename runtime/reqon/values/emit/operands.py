"""Operands: literals, names, fields, elements, array and object literals, `if`, `where`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reqon.errors import RunError
from reqon.values.access import (
    collection,
    field,
    index,
    spread_array,
    spread_object,
    stored,
)
from reqon.values.duration import Duration
from reqon.values.emit.code import (
    Code,
    Emitter,
    Kind,
    assignment,
    either,
    has_type,
    literal,
    load,
    local,
    method,
    not_null,
)
from reqon.values.emit.truth import test
from reqon.values.reply import VIRTUAL_FIELDS
from reqon.values.scope import RESPONSE_SLOT
from vague.ast.base import Node
from vague.ast.expressions import (
    AnyOf,
    ArrayLiteral,
    BooleanLiteral,
    Conditional,
    ContextField,
    DurationLiteral,
    Entry,
    Expression,
    FieldAccess,
    Group,
    IfExpression,
    IndexAccess,
    LastSync,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    Quantity,
    Spread,
    StringLiteral,
    Where,
)

_LONGEST_INLINE_CHAIN = 4

_SCOPE_NAMES = {
    "webhook": "webhook",
    "request": "request",
    "currentRequest": "request",
    "currentOperation": "current_operation",
    "lastSync": "last_sync",
}


# ---------------------------------------------------------------- literals and names


def emit_literal(
    emitter: Emitter, node: NullLiteral | BooleanLiteral | NumberLiteral | StringLiteral
) -> Code:
    """A constant of Python."""
    del emitter
    return literal(None if isinstance(node, NullLiteral) else node.value)


def emit_duration(emitter: Emitter, node: DurationLiteral) -> Code:
    """`3 days`: one value for all evaluations."""
    milliseconds = node.milliseconds
    whole = int(milliseconds) if milliseconds == int(milliseconds) else milliseconds
    return Code(emitter.use(Duration(whole), emitter.fresh()), atomic=True)


def emit_quantity(emitter: Emitter, node: Quantity) -> Code:
    """A signed number of an option; a word behind it is no unit."""
    del emitter
    if node.unit is not None:
        raise RunError("type", f"'{node.unit.text}' is no unit of time")
    return literal(-node.number.value if node.negative else node.number.value)


def emit_group(emitter: Emitter, node: Group) -> Code:
    """What is in the parentheses."""
    return emitter.emit(node.inner)


def emit_name(emitter: Emitter, node: Name) -> Code:
    """A plain name; the first place that knows it counts."""
    name, names = node.text, emitter.names
    if name in emitter.view.bound:
        return emitter.touch(emitter.view.bound[name])
    if name in names.bindings:
        return emitter.slot(names.bindings[name])
    if name == RESPONSE_SLOT and names.has_response:
        return emitter.slot(RESPONSE_SLOT)
    if name in names.lets:
        return emitter.let(name)
    if name in names.stores:
        return Code(method(emitter.store(name), "list"), Kind.LIST)
    return _emit_outer_name(emitter, name)


def _emit_outer_name(emitter: Emitter, name: str) -> Code:
    if name in emitter.names.sources:
        return literal(name)
    if name in _SCOPE_NAMES:
        return emitter.scope_value(_SCOPE_NAMES[name])
    if name in emitter.view.implicit:
        return emitter.touch(emitter.view.implicit[name])
    raise RunError("type", f"unknown name '{name}'")


def emit_last_sync(emitter: Emitter, node: LastSync) -> Code:
    """`lastSync` written as the value of an option."""
    del node
    return emitter.scope_value("last_sync")


# ---------------------------------------------------------------- fields and elements


def emit_context_field(emitter: Emitter, node: ContextField) -> Code:
    """`.name`."""
    name, slot = node.name.text, emitter.names.context
    if name in VIRTUAL_FIELDS and emitter.view.context is None and slot == RESPONSE_SLOT:
        return field_of(emitter, emitter.held(RESPONSE_SLOT), name)
    return field_of(emitter, emitter.context(), name)


def emit_field(emitter: Emitter, node: FieldAccess) -> Code:
    """`target.name`."""
    name = node.name.text
    store = emitter.store_named(node.target)
    if store is not None and name == "length":
        return Code(method(emitter.store(store), "count"), Kind.NUMBER)
    held = emitter.held_by(node.target) if name in VIRTUAL_FIELDS else None
    code = field_of(emitter, held or emitter.emit(node.target), name)
    if name == "webhookUrl" and _is_response(emitter, node.target):
        first, again = emitter.twice(code)
        return Code(either(not_null(first), again, method(emitter.run(), "webhook_url")))
    return code


def _is_response(emitter: Emitter, node: Node) -> bool:
    return (
        isinstance(node, Name)
        and node.text == RESPONSE_SLOT
        and node.text not in emitter.view.bound
        and emitter.names.has_response
    )


def field_of(emitter: Emitter, target: Code, name: str) -> Code:
    """`target.name`: a lookup in place for a plain object, else the general way."""
    if target.kind is Kind.OBJECT:
        return Code(method(target.node, "get", ast.Constant(name)))
    first, again = emitter.twice(target)
    return Code(
        either(
            has_type(first, "dict"),
            method(again, "get", ast.Constant(name)),
            emitter.call(field, again, ast.Constant(name)),
        )
    )


def emit_index(emitter: Emitter, node: IndexAccess) -> Code:
    """`target[index]`; with a store the record of that key."""
    store = emitter.store_named(node.target)
    if store is not None:
        key = emitter.emit(node.index)
        return Code(emitter.call(stored, emitter.store(store), key.node))
    target, position = emitter.emit_all([node.target, node.index])
    if position.literal and position.kind is Kind.TEXT:
        first, again = emitter.twice(target)
        inline = method(again, "get", position.node)
        general = emitter.call(index, again, position.node)
        return Code(either(has_type(first, "dict"), inline, general))
    return Code(emitter.call(index, target.node, position.node))


# ---------------------------------------------------------------- array and object literals


def emit_array(emitter: Emitter, node: ArrayLiteral) -> Code:
    """`[a, ...b]`."""
    parts = [_array_part(emitter, item) for item in node.items]
    elements = [
        ast.Starred(code.node, ast.Load()) if isinstance(item, Spread) else code.node
        for item, code in zip(node.items, emitter.emit_all(parts), strict=True)
    ]
    return Code(ast.List(elements, ast.Load()), Kind.LIST)


def _array_part(emitter: Emitter, item: Expression | Spread) -> Expression | Callable[[], Code]:
    if isinstance(item, Spread):
        return lambda: _spread(emitter, item.value, "list", spread_array)
    return item


def emit_object(emitter: Emitter, node: ObjectLiteral) -> Code:
    """`{ key: value, ...other }`; later keys win."""
    parts = [_object_part(emitter, entry) for entry in node.entries]
    keys = [
        ast.Constant(entry.key.text) if isinstance(entry, Entry) else None for entry in node.entries
    ]
    values = [code.node for code in emitter.emit_all(parts)]
    return Code(ast.Dict(list(keys), values), Kind.OBJECT)


def _object_part(emitter: Emitter, entry: Entry | Spread) -> Node | Callable[[], Code]:
    if isinstance(entry, Spread):
        return lambda: _spread(emitter, entry.value, "dict", spread_object)
    return entry.value


def _spread(
    emitter: Emitter, node: Expression, kind: str, general: Callable[[object], object]
) -> Code:
    """What `...node` adds: the value itself if it is of `kind`, else what `general` makes of it."""
    first, again = emitter.twice(emitter.emit(node))
    return Code(either(has_type(first, kind), again, emitter.call(general, again)))


# ---------------------------------------------------------------- branches


class _Link(NamedTuple):
    """A condition and its value, each with the statements before it."""

    before: list[ast.stmt]
    tested: ast.expr
    statements: list[ast.stmt]
    code: Code


def emit_conditional(emitter: Emitter, node: Conditional | IfExpression) -> Code:
    """`c ? a : b` and `if c then a else b`; a chain of them becomes one chain of branches."""
    conditions, last = _chain(node)
    links = [_link(emitter, condition, then) for condition, then in conditions]
    end: Expression = last or NullLiteral(node.span)
    statements, code = emitter.captured(lambda: emitter.emit(end))
    kinds = {code.kind, *(link.code.kind for link in links)}
    kind = kinds.pop() if len(kinds) == 1 else Kind.ANY
    simple = not statements and len(links) <= _LONGEST_INLINE_CHAIN
    if (
        simple
        and not any(link.statements for link in links)
        and not any(link.before for link in links[1:])
    ):
        emitter.block += links[0].before
        value = code.node
        for link in reversed(links):
            value = either(link.tested, link.code.node, value)
        return Code(value, kind)
    name = emitter.fresh()
    branches = [*statements, assignment(name, code.node)]
    for link in reversed(links):
        taken = [*link.statements, assignment(name, link.code.node)]
        branches = [*link.before, ast.If(link.tested, taken, branches)]
    emitter.block += branches
    return local(name, kind)


def _link(emitter: Emitter, condition: Expression, then: Expression) -> _Link:
    before, tested = emitter.captured(lambda: test(emitter, condition))
    statements, code = emitter.captured(lambda: emitter.emit(then))
    return _Link(before, tested, statements, code)


def _chain(
    node: Conditional | IfExpression,
) -> tuple[list[tuple[Expression, Expression]], Expression | None]:
    links: list[tuple[Expression, Expression]] = []
    current: Expression | None = node
    while isinstance(current, Conditional | IfExpression):
        links.append((current.condition, current.then))
        current = current.otherwise
    return links, current


# ---------------------------------------------------------------- collections


def collection_of(emitter: Emitter, node: Expression) -> Code:
    """The elements of `node` as a list in a local variable."""
    code = emitter.emit(node)
    if code.kind is Kind.LIST:
        return emitter.spill(code)
    first, again = emitter.twice(code)
    elements = either(has_type(first, "list"), again, emitter.call(collection, again))
    return emitter.spill(Code(elements, Kind.LIST))


def emit_where(emitter: Emitter, node: Where) -> Code:
    """`collection where condition`."""
    found = collection_of(emitter, node.collection)
    return emitter.loop(lambda: filtered(emitter, found, node.condition))


def filtered(emitter: Emitter, found: Code, condition: Expression) -> Code:
    """The elements of `found` for which `condition` holds, in a new list."""
    name, element = emitter.fresh(), local(emitter.fresh())
    emitter.assign(name, ast.List([], ast.Load()))
    with emitter.within(context=element):
        statements, tested = emitter.captured(lambda: test(emitter, condition))
    keep = ast.Expr(method(load(name), "append", element.node))
    for_each(emitter, element, found, [*statements, ast.If(tested, [keep], [])])
    return local(name, Kind.LIST)


def emit_any_of(emitter: Emitter, node: AnyOf) -> Code:
    """`any of collection where condition`."""
    found = collection_of(emitter, node.collection)
    condition = node.condition
    if condition is None:
        empty = ast.UnaryOp(ast.Not(), found.node)
        return Code(ast.UnaryOp(ast.Not(), empty), Kind.BOOLEAN)

    def build() -> Code:
        name, element = emitter.fresh(), local(emitter.fresh())
        emitter.assign(name, ast.Constant(value=False))
        with emitter.within(context=element):
            statements, tested = emitter.captured(lambda: test(emitter, condition))
        found_one: list[ast.stmt] = [assignment(name, ast.Constant(value=True)), ast.Break()]
        for_each(emitter, element, found, [*statements, ast.If(tested, found_one, [])])
        return local(name, Kind.BOOLEAN)

    return emitter.loop(build)


def for_each(
    emitter: Emitter,
    element: Code,
    found: Code,
    body: Sequence[ast.stmt],
    position: Code | None = None,
) -> None:
    """The statement `for element in found`, with `position` counted where it is wanted."""
    target: ast.expr = stored_name(element)
    iterable = found.node
    if position is not None:
        target = ast.Tuple([stored_name(position), target], ast.Store())
        iterable = ast.Call(load("enumerate"), [iterable], [])
    emitter.block.append(ast.For(target, iterable, list(body), []))


def stored_name(code: Code) -> ast.Name:
    """The local variable of `code` as the target of an assignment."""
    assert isinstance(code.node, ast.Name)
    return ast.Name(code.node.id, ast.Store())
