"""Walks expressions and patterns: resolves names, opens the scopes of callbacks and arms.

Chains that grow to the left (`a + b + …`, `a.b.c`, pipes) are walked in a loop, so that their
length costs no stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vague.ast.base import Identifier, Node
from vague.ast.expressions import (
    AnyOf,
    ArrayLiteral,
    ArrayPattern,
    Binary,
    Call,
    Conditional,
    ContextField,
    Entry,
    Expression,
    FieldAccess,
    Group,
    IfExpression,
    IndexAccess,
    IsTest,
    Lambda,
    LastSync,
    MatchExpression,
    MethodCall,
    Name,
    NamePattern,
    ObjectLiteral,
    ObjectPattern,
    Pattern,
    Pipe,
    RestPattern,
    Spread,
    StringLiteral,
    Unary,
    ValuePattern,
    Where,
    WildcardPattern,
)
from vague.text import Span
from vague.traversal.events import (
    Arms,
    Bound,
    Callee,
    Condition,
    FunctionUse,
    MisplacedLambda,
    Placeholder,
    Reference,
)
from vague.traversal.findings import Occurrence
from vague.traversal.scopes import Binding, BindingKind, Context, ContextKind
from vague.traversal.state import Walk
from vague.vocabulary.kinds import IS_TYPE_NAMES

MATCH_WORD = len("match")
STORE_METHODS: Mapping[str, int] = {"get": 1, "list": 0, "count": 0}
"""What only a store understands, with the number of arguments."""


def visit(node: Node, walk: Walk) -> None:
    """Walk an expression."""
    walk.tell(node)
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(node, walk)


def visit_condition(expression: Expression, walk: Walk) -> None:
    """Walk an expression whose truth decides something."""
    walk.tell(Condition(expression))
    visit(expression, walk)


# ---------------------------------------------------------------- names and chains


def _name(node: Name, walk: Walk) -> None:
    walk.use(node.text, walk.span(node), node)


def _context_field(_: ContextField, walk: Walk) -> None:
    walk.use_context()


def _chain(
    node: Binary | FieldAccess | IndexAccess | MethodCall | Pipe | Where, walk: Walk
) -> None:
    """Go down the left side, then handle each link on the way back."""
    links: list[Node] = [node]
    inner: Node = _LEFT[type(node)](node)
    while type(inner) in _LEFT:
        links.append(inner)
        inner = _LEFT[type(inner)](inner)
    visit(inner, walk)
    for link in reversed(links):
        if link is not node:
            walk.tell(link)
        _LINKS[type(link)](link, walk)


def _binary(node: Binary, walk: Walk) -> None:
    visit(node.right, walk)


def _field(_: FieldAccess, __: Walk) -> None:
    """The name after the dot names a field, which is not declared anywhere."""


def _index(node: IndexAccess, walk: Walk) -> None:
    visit(node.index, walk)


def _where(node: Where, walk: Walk) -> None:
    with walk.block(Context(ContextKind.ELEMENT, node.collection, element_of=True)):
        visit_condition(node.condition, walk)


# ---------------------------------------------------------------- calls


def _call(node: Call, walk: Walk) -> None:
    if isinstance(node.callee, Name):
        span = walk.span(node.callee)
        _use_function(node.callee.text, span, node.arguments, node, walk)
        _arguments(node.callee.text, node.arguments, 0, None, walk)
    else:
        walk.tell(Callee(node.callee, walk.span(node.callee)))
        visit(node.callee, walk)
        _arguments("", node.arguments, 0, None, walk)


def _method(node: MethodCall, walk: Walk) -> None:
    name = node.name.text
    if not (name in STORE_METHODS and is_store(node.target, walk)):
        given = (node.target, *node.arguments)
        _use_function(name, walk.span(node.name), given, node, walk)
    _arguments(name, node.arguments, 1, node.target, walk)


def is_store(expression: Expression, walk: Walk) -> bool:
    """Whether an expression is certainly a store, or a `let` that holds one."""
    if not isinstance(expression, Name):
        return False
    kind, binding = walk.resolve(expression.text)
    if binding is not None:
        value = walk.value_of(binding) if binding.kind is BindingKind.LET else None
        return isinstance(value, Name) and walk.has("store", value.text)
    return kind == "store"


def _pipe(node: Pipe, walk: Walk) -> None:
    given = (node.value, *node.arguments)
    _use_function(node.function.text, walk.span(node.function), given, node, walk)
    _arguments(node.function.text, node.arguments, 1, node.value, walk)


def _use_function(
    name: str, span: Span, given: tuple[Expression, ...], node: Node, walk: Walk
) -> None:
    walk.found.occurrences.append(Occurrence("function", name, span, "call"))
    walk.tell(FunctionUse(name, span, given, node))


def _arguments(
    name: str,
    arguments: tuple[Expression, ...],
    first: int,
    receiver: Expression | None,
    walk: Walk,
) -> None:
    """Walk the arguments, the first of which has position `first`; callbacks get an element."""
    spec = walk.surroundings.facts.vocabulary.functions.get(name)
    collection = receiver if receiver is not None else arguments[0] if arguments else None
    context = Context(ContextKind.ELEMENT, collection, element_of=True)
    for position, argument in enumerate(arguments, first):
        if isinstance(argument, Lambda):
            walk.tell(argument)
            _lambda(argument, context, walk)
        elif spec is not None and spec.takes_callback(position):
            with walk.block(context, callback=True):
                visit(argument, walk)
        else:
            visit(argument, walk)


def _lambda(node: Lambda, context: Context, walk: Walk) -> None:
    with walk.block(context):
        for parameter in node.parameters:
            bind(parameter, BindingKind.PARAMETER, None, walk)
        visit(node.body, walk)


def _misplaced_lambda(node: Lambda, walk: Walk) -> None:
    walk.tell(MisplacedLambda(node))
    _lambda(node, walk.context, walk)


def bind(name: Identifier, kind: BindingKind, value: Expression | None, walk: Walk) -> None:
    """Bind a name that is written in the program, and tell the rules."""
    binding = Binding(name.text, kind, walk.span(name), value)
    walk.tell(Bound(binding, walk.bind(binding)))


# ---------------------------------------------------------------- composed values


def _array(node: ArrayLiteral, walk: Walk) -> None:
    for item in node.items:
        visit(item.value if isinstance(item, Spread) else item, walk)


def _object(node: ObjectLiteral, walk: Walk) -> None:
    for entry in node.entries:
        _entry(entry, walk)


def _entry(entry: Entry | Spread, walk: Walk) -> None:
    value = entry.value
    if isinstance(value, LastSync):
        walk.tell(value)
        if value.options is not None:
            visit(value.options, walk)
    else:
        visit(value, walk)


def _group(node: Group, walk: Walk) -> None:
    visit(node.inner, walk)


def _unary(node: Unary, walk: Walk) -> None:
    visit(node.operand, walk)


def _conditional(node: Conditional, walk: Walk) -> None:
    visit_condition(node.condition, walk)
    visit(node.then, walk)
    visit(node.otherwise, walk)


def _if(node: IfExpression, walk: Walk) -> None:
    visit_condition(node.condition, walk)
    visit(node.then, walk)
    if node.otherwise is not None:
        visit(node.otherwise, walk)


def _any_of(node: AnyOf, walk: Walk) -> None:
    visit(node.collection, walk)
    if node.condition is not None:
        with walk.block(Context(ContextKind.ELEMENT, node.collection, element_of=True)):
            visit_condition(node.condition, walk)


def _is_test(node: IsTest, walk: Walk) -> None:
    visit(node.operand, walk)
    refer_to_schema(node.type_name, "type", walk, built_in=node.type_name.text in IS_TYPE_NAMES)


def refer_to_schema(name: Identifier, role: Any, walk: Walk, *, built_in: bool = False) -> None:
    """A name that must be a schema, or a built-in type where those are allowed."""
    span = walk.span(name)
    known = walk.has("schema", name.text)
    if built_in and not known:
        walk.found.occurrences.append(Occurrence("type", name.text, span, role))
        return
    refer("schema", name, role, walk)


def refer(kind: Any, name: Identifier | StringLiteral, role: Any, walk: Walk) -> None:
    """A name that must be a definition of this kind."""
    text = name.text if isinstance(name, Identifier) else name.value
    span = walk.span(name)
    walk.found.occurrences.append(Occurrence(kind, text, span, role))
    quoted = isinstance(name, StringLiteral)
    walk.tell(Reference(kind, text, span, role, walk.has(kind, text), name, quoted))


# ---------------------------------------------------------------- match


def _match(node: MatchExpression, walk: Walk) -> None:
    visit_match(node, walk, visit)


def visit_match(
    node: MatchExpression, walk: Walk, visit_result: Callable[[Expression, Walk], None]
) -> None:
    """Walk a `match`; its results may be read in a way of their own, such as words."""
    if node.subject is not None:
        visit(node.subject, walk)
    start = walk.span(node).start
    keyword = Span(start, start + MATCH_WORD)
    walk.tell(Arms(node.arms, node.subject is not None, "expression", keyword, node))
    for arm in node.arms:
        walk.tell(arm)
        with walk.block():
            visit_head(arm, node.subject, walk)
            visit_result(arm.result, walk)


def visit_head(
    arm: Any, subject: Expression | None, walk: Walk, kind: ContextKind = ContextKind.MATCHED
) -> None:
    """Walk the pattern and guard of an arm (of a step or an expression) in the arm's block."""
    if subject is None and kind is ContextKind.MATCHED:
        _visit_condition_head(arm.head, walk)
    else:
        visit_pattern(arm.head, walk)
    if arm.guard is not None:
        with walk.meaning(Context(kind, subject)):
            visit_condition(arm.guard, walk)


def _visit_condition_head(head: Pattern, walk: Walk) -> None:
    """Without a subject the head is a condition; `_` holds always."""
    if isinstance(head, ValuePattern):
        visit_condition(head.value, walk)
    elif isinstance(head, NamePattern):
        walk.use(head.text, walk.span(head), head)
    elif not isinstance(head, WildcardPattern):
        visit_pattern(head, walk)


def visit_pattern(pattern: Pattern | RestPattern, walk: Walk) -> None:
    """Walk a pattern: bind its names in the current block, resolve its schemas and values.

    The values come first, for they see none of its names.
    """
    _visit_values(pattern, walk)
    _visit_names(pattern, walk)


def _visit_values(pattern: Pattern | RestPattern, walk: Walk) -> None:
    if isinstance(pattern, ValuePattern):
        visit(pattern.value, walk)
    for inner in _patterns_in(pattern):
        _visit_values(inner, walk)


def _visit_names(pattern: Pattern | RestPattern, walk: Walk) -> None:
    walk.tell(pattern)
    if isinstance(pattern, NamePattern):
        _visit_name_pattern(pattern, walk)
    elif isinstance(pattern, RestPattern) and pattern.name is not None:
        bind(pattern.name, BindingKind.PATTERN, None, walk)
    for inner in _patterns_in(pattern):
        _visit_names(inner, walk)


def _patterns_in(pattern: Pattern | RestPattern) -> Sequence[Pattern | RestPattern]:
    if isinstance(pattern, ObjectPattern):
        return [field.pattern for field in pattern.fields]
    return pattern.items if isinstance(pattern, ArrayPattern) else ()


def _visit_name_pattern(pattern: NamePattern, walk: Walk) -> None:
    identifier = Identifier(pattern.span, pattern.text)
    if pattern.text[:1].isupper() or walk.has("schema", pattern.text):
        refer_to_schema(identifier, "pattern", walk)
    else:
        bind(identifier, BindingKind.PATTERN, None, walk)


# ---------------------------------------------------------------- path strings

_PLACEHOLDER_PARTS = re.compile(r"\\u\{[^}]*\}|\\.|\{\{|\}\}|\{(?P<text>[^{}]*)\}", re.DOTALL)
_DOTTED = re.compile(r"\s*([A-Za-z_]\w*)((?:\s*\.\s*[A-Za-z_]\w*)*)\s*")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*")


def visit_path(expression: Expression, walk: Walk) -> None:
    """Walk a path: `{name}` in it is filled in if the whole path is one string."""
    if not isinstance(expression, StringLiteral):
        visit(expression, walk)
        return
    walk.tell(expression)
    start = walk.span(expression).start
    for found in _PLACEHOLDER_PARTS.finditer(expression.text):
        if found["text"] is not None:
            at = Span(start + found.start("text"), start + found.end("text"))
            _visit_placeholder(found["text"], at, expression, walk)


def _visit_placeholder(text: str, span: Span, literal: StringLiteral, walk: Walk) -> None:
    dotted = _DOTTED.fullmatch(text)
    if dotted is None:
        walk.tell(Placeholder(text, span, known=False, literal=literal))
        return
    root = dotted[1]
    kind, binding = walk.resolve(root)
    from_environment = not dotted[2] and _CAPITALS.fullmatch(root) is not None
    if kind is not None:
        at = Span(span.start + dotted.start(1), span.start + dotted.end(1))
        walk.found.occurrences.append(Occurrence(kind, root, at, "read", binding))
        if binding is not None:
            walk.found.used.add(binding)
    known = kind is not None or from_environment
    walk.tell(Placeholder(text, span, known, literal))


# ---------------------------------------------------------------- tables

_LEFT: Mapping[type, Callable[[Any], Node]] = {
    Binary: lambda node: node.left,
    FieldAccess: lambda node: node.target,
    IndexAccess: lambda node: node.target,
    MethodCall: lambda node: node.target,
    Pipe: lambda node: node.value,
    Where: lambda node: node.collection,
}
_LINKS: Mapping[type, Callable[[Any, Walk], None]] = {
    Binary: _binary,
    FieldAccess: _field,
    IndexAccess: _index,
    MethodCall: _method,
    Pipe: _pipe,
    Where: _where,
}
_HANDLERS: Mapping[type, Callable[[Any, Walk], None]] = {
    Name: _name,
    ContextField: _context_field,
    **dict.fromkeys(_LEFT, _chain),
    Call: _call,
    ArrayLiteral: _array,
    ObjectLiteral: _object,
    Group: _group,
    Unary: _unary,
    IsTest: _is_test,
    Conditional: _conditional,
    IfExpression: _if,
    MatchExpression: _match,
    AnyOf: _any_of,
    Lambda: _misplaced_lambda,
}
