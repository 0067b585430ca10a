"""Templates of expressions, patterns and option blocks.

A chain of operators of one level is one group, broken before each operator or not at all. What a
template is, `vague.formatter.weave` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vague.ast.base import Identifier, Key, Node
from vague.ast.expressions import (
    AnyOf,
    ArrayLiteral,
    ArrayPattern,
    Binary,
    BooleanLiteral,
    Call,
    Conditional,
    ContextField,
    DurationLiteral,
    Entry,
    Expression,
    ExpressionArm,
    FieldAccess,
    FieldPattern,
    Group,
    IfExpression,
    IndexAccess,
    IsTest,
    Lambda,
    LastSync,
    LiteralPattern,
    MatchExpression,
    MethodCall,
    Name,
    NamePattern,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    ObjectPattern,
    Pipe,
    Quantity,
    RestPattern,
    Spread,
    StringLiteral,
    Unary,
    ValuePattern,
    Where,
    Wildcard,
    WildcardPattern,
)
from vague.formatter.weave import Item, Mark, Template, bracketed

ANY, SPACE, LINE, SOFT_LINE = Mark.ANY, Mark.SPACE, Mark.LINE, Mark.SOFT_LINE
GROUP, END, INDENT, DEDENT = Mark.GROUP, Mark.END, Mark.INDENT, Mark.DEDENT


def _token(_: Node) -> Sequence[Item]:
    return (ANY,)


def _context_field(node: ContextField) -> Sequence[Item]:
    return (".", node.name)


def _duration(node: DurationLiteral) -> Sequence[Item]:
    return (node.number, SPACE, ANY)


def _quantity(node: Quantity) -> Sequence[Item]:
    sign = ("-",) if node.negative else ()
    unit = () if node.unit is None else (SPACE, node.unit)
    return (*sign, node.number, *unit)


# ---------------------------------------------------------------- lists


def options(node: ObjectLiteral | None) -> Sequence[Item]:
    """A block of options behind a space, or nothing."""
    return () if node is None else (SPACE, node)


def _object(node: ObjectLiteral) -> Sequence[Item]:
    return bracketed(node.entries)


def _entry(node: Entry) -> Sequence[Item]:
    return (node.key, ":", SPACE, node.value)


def _spread(node: Spread) -> Sequence[Item]:
    return ("...", node.value)


def _array(node: ArrayLiteral) -> Sequence[Item]:
    return bracketed(node.items, "[]", comma=",")


def _last_sync(node: LastSync) -> Sequence[Item]:
    key: Sequence[Item] = () if node.key is None else ("(", node.key, ")")
    return ("lastSync", *key, *options(node.options))


def _group(node: Group) -> Sequence[Item]:
    return (GROUP, "(", INDENT, SOFT_LINE, node.inner, DEDENT, SOFT_LINE, ")", END)


# ---------------------------------------------------------------- access and calls


def _postfix(node: FieldAccess | IndexAccess | Call | MethodCall) -> Sequence[Item]:
    """A chain of accesses: broken before each method when it has several and does not fit."""
    links: list[FieldAccess | IndexAccess | Call | MethodCall] = []
    base: Expression = node
    while isinstance(base, FieldAccess | IndexAccess | Call | MethodCall):
        links.append(base)
        base = base.callee if isinstance(base, Call) else base.target
    links.reverse()
    breakable = sum(isinstance(link, MethodCall) for link in links) > 1
    items: list[Item] = [base]
    for link in links:
        if breakable and isinstance(link, MethodCall):
            items.append(SOFT_LINE)
        items.extend(_link(link))
    return (GROUP, items[0], INDENT, *items[1:], DEDENT, END) if breakable else items


def _link(node: FieldAccess | IndexAccess | Call | MethodCall) -> Sequence[Item]:
    match node:
        case FieldAccess():
            return (".", node.name)
        case IndexAccess():
            return ("[", node.index, "]")
        case MethodCall():
            return (".", node.name, *_arguments(node.arguments))
        case Call():
            return _arguments(node.arguments)


def _arguments(arguments: Sequence[Expression]) -> Sequence[Item]:
    """The arguments of a call; an object at their end may open behind the parenthesis."""
    return bracketed(arguments, "()", comma=",", hug=_hugs(arguments))


def _hugs(arguments: Sequence[Expression]) -> bool:
    if not arguments:
        return False
    last = arguments[-1]
    if isinstance(last, Lambda):
        last = last.body
    return isinstance(last, ObjectLiteral | ArrayLiteral | MatchExpression) and all(
        _is_short(argument) for argument in arguments[:-1]
    )


def _is_short(node: Expression) -> bool:
    while isinstance(node, FieldAccess):
        node = node.target
    return isinstance(
        node, Name | ContextField | StringLiteral | NumberLiteral | BooleanLiteral | NullLiteral
    )


def _lambda(node: Lambda) -> Sequence[Item]:
    if not node.with_parentheses:
        return (node.parameters[0], SPACE, "=>", SPACE, node.body)
    return (*bracketed(node.parameters, "()", comma=","), SPACE, "=>", SPACE, node.body)


# ---------------------------------------------------------------- operators

_LEVELS = {
    **dict.fromkeys(("or",), 1),
    **dict.fromkeys(("and",), 2),
    **dict.fromkeys(("??",), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
_COMPARISON = 3


def _chain(first: Item, links: Sequence[Sequence[Item]]) -> Sequence[Item]:
    """An operand and what follows it, a line before each link."""
    items: list[Item] = [GROUP, first, INDENT]
    for link in links:
        items.append(LINE)
        items.extend(link)
    return (*items, DEDENT, END)


def _binary(node: Binary) -> Sequence[Item]:
    level = _LEVELS.get(node.operator, _COMPARISON)
    links: list[Sequence[Item]] = []
    left: Expression = node
    while isinstance(left, Binary) and _LEVELS.get(left.operator, _COMPARISON) == level:
        links.append((*_operator(left), SPACE, left.right))
        left = left.left
    links.reverse()
    return _chain(left, links)


def _operator(node: Binary) -> Sequence[Item]:
    return ("not", SPACE, "in") if node.operator == "not in" else (node.operator,)


def _unary(node: Unary) -> Sequence[Item]:
    if node.operator == "not":
        return (Mark.NOT, node.operand)
    return (node.operator, node.operand)


def _is_test(node: IsTest) -> Sequence[Item]:
    negation = (SPACE, "not") if node.negated else ()
    named: Sequence[Item] = ("[", node.type_name, "]") if node.many else (node.type_name,)
    return (node.operand, SPACE, "is", *negation, SPACE, *named)


def _pipe(node: Pipe) -> Sequence[Item]:
    links: list[Sequence[Item]] = []
    value: Expression = node
    while isinstance(value, Pipe):
        arguments = _arguments(value.arguments) if value.with_parentheses else ()
        links.append(("|", SPACE, value.function, *arguments))
        value = value.value
    links.reverse()
    return _chain(value, links)


def _where(node: Where) -> Sequence[Item]:
    links: list[Sequence[Item]] = []
    collection: Expression = node
    while isinstance(collection, Where):
        links.append(("where", SPACE, collection.condition))
        collection = collection.collection
    links.reverse()
    return _chain(collection, links)


def _conditional(node: Conditional) -> Sequence[Item]:
    links: list[Sequence[Item]] = [("?", SPACE, node.then)]
    otherwise = node.otherwise
    while isinstance(otherwise, Conditional):
        links.append((":", SPACE, otherwise.condition, SPACE, "?", SPACE, otherwise.then))
        otherwise = otherwise.otherwise
    links.append((":", SPACE, otherwise))
    return _chain(node.condition, links)


def _if(node: IfExpression) -> Sequence[Item]:
    links: list[Sequence[Item]] = [("then", SPACE, node.then)]
    otherwise = node.otherwise
    while isinstance(otherwise, IfExpression):
        condition: Sequence[Item] = ("else", SPACE, "if", SPACE, otherwise.condition)
        links.append((*condition, SPACE, "then", SPACE, otherwise.then))
        otherwise = otherwise.otherwise
    if otherwise is not None:
        links.append(("else", SPACE, otherwise))
    group, *rest = _chain(node.condition, links)
    return (group, "if", SPACE, *rest)


def _any_of(node: AnyOf) -> Sequence[Item]:
    head: Sequence[Item] = ("any", SPACE, "of", SPACE)
    if node.condition is None:
        return (*head, node.collection)
    return (*head, *_chain(node.collection, (("where", SPACE, node.condition),)))


# ---------------------------------------------------------------- match and patterns


def _match(node: MatchExpression) -> Sequence[Item]:
    subject: Sequence[Item] = () if node.subject is None else (node.subject, SPACE)
    return ("match", SPACE, *subject, *bracketed(node.arms, comma=","))


def _arm(node: ExpressionArm) -> Sequence[Item]:
    return (*head_and_guard(node.head, node.guard), SPACE, "=>", SPACE, node.result)


def head_and_guard(head: Node, guard: Expression | None) -> Sequence[Item]:
    """What stands before the arrow of an arm."""
    return (head,) if guard is None else (head, SPACE, "where", SPACE, guard)


def _literal_pattern(node: LiteralPattern) -> Sequence[Item]:
    return (ANY, ANY) if node.text.startswith("-") else (ANY,)


def _value_pattern(node: ValuePattern) -> Sequence[Item]:
    return (node.value,)


def _field_pattern(node: FieldPattern) -> Sequence[Item]:
    return (node.key, ":", SPACE, node.pattern)


def _object_pattern(node: ObjectPattern) -> Sequence[Item]:
    return bracketed(node.fields)


def _rest_pattern(_: RestPattern) -> Sequence[Item]:
    return ("...", ANY)


def _array_pattern(node: ArrayPattern) -> Sequence[Item]:
    return bracketed(node.items, "[]", comma=",")


EXPRESSION_TEMPLATES: Mapping[type[Node], Template] = {
    Identifier: _token,
    Key: _token,
    NullLiteral: _token,
    BooleanLiteral: _token,
    NumberLiteral: _token,
    StringLiteral: _token,
    Name: _token,
    Wildcard: _token,
    ContextField: _context_field,
    DurationLiteral: _duration,
    Quantity: _quantity,
    ObjectLiteral: _object,
    Entry: _entry,
    Spread: _spread,
    ArrayLiteral: _array,
    LastSync: _last_sync,
    Group: _group,
    FieldAccess: _postfix,
    IndexAccess: _postfix,
    Call: _postfix,
    MethodCall: _postfix,
    Lambda: _lambda,
    Binary: _binary,
    Unary: _unary,
    IsTest: _is_test,
    Pipe: _pipe,
    Where: _where,
    Conditional: _conditional,
    IfExpression: _if,
    AnyOf: _any_of,
    MatchExpression: _match,
    ExpressionArm: _arm,
    WildcardPattern: _token,
    LiteralPattern: _literal_pattern,
    NamePattern: _token,
    ValuePattern: _value_pattern,
    FieldPattern: _field_pattern,
    ObjectPattern: _object_pattern,
    RestPattern: _rest_pattern,
    ArrayPattern: _array_pattern,
}
