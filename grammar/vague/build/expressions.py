"""Trees of expressions to nodes."""

from __future__ import annotations

import re
from collections.abc import Callable

from vague.ast.base import Identifier, Key
from vague.ast.expressions import (
    AnyOf,
    ArrayLiteral,
    BooleanLiteral,
    Call,
    Conditional,
    ContextField,
    DurationLiteral,
    Entry,
    ErrorExpression,
    Expression,
    ExpressionArm,
    FieldAccess,
    Group,
    IfExpression,
    IndexAccess,
    Lambda,
    MatchExpression,
    MethodCall,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    Pipe,
    Spread,
    Where,
    Wildcard,
)
from vague.build.operators import operand, operation
from vague.build.patterns import arm_head, condition_head, expect_arrow
from vague.build.reader import Builder, PostfixBuilder, Reader, declared
from vague.build.strings import number, number_value, string, value_of
from vague.peg import Tree
from vague.slices import PIECES
from vague.text import Span

_DIGITS = re.compile(PIECES["number"])
_UNIT = re.compile(r"\w+\Z")


def _nested(build: Callable[[Reader, Tree], Expression]) -> Builder:
    """A builder of what can contain itself without brackets, so that its depth is counted too."""

    def counted(reader: Reader, tree: Tree) -> Expression:
        if not reader.deeper(tree):
            return ErrorExpression(reader.span(tree))
        node = build(reader, tree)
        reader.depth -= 1
        return node

    return counted


def _name(reader: Reader, tree: Tree) -> Name:
    return Name(reader.span(tree), reader.written(tree))


def _constant(reader: Reader, tree: Tree) -> NullLiteral | BooleanLiteral:
    text = reader.written(tree)
    if text == "null":
        return NullLiteral(reader.span(tree))
    return BooleanLiteral(reader.span(tree), text == "true")


def _duration(reader: Reader, tree: Tree) -> DurationLiteral:
    text = reader.written(tree)
    unit = _UNIT.search(text)
    begin = len(text) if unit is None else unit.start()
    length = _number_length(text)
    start = tree.start - reader.base
    value = number_value(reader, tree.start, text[:length])
    literal = NumberLiteral(Span(start, start + length), value, text[:length])
    return DurationLiteral(reader.span(tree), literal, text[begin:])


def _number_length(text: str) -> int:
    match = _DIGITS.match(text)
    return 0 if match is None else match.end()


def _context(reader: Reader, tree: Tree) -> ContextField:
    text = reader.written(tree)
    word = re.search(r"\w+\Z", text)
    begin = word.start() if word else 0
    start, end = reader.span(tree)
    return ContextField(Span(start, end), Identifier(Span(start + begin, end), text[begin:]))


def _wildcard(reader: Reader, tree: Tree) -> Wildcard:
    return Wildcard(reader.span(tree))


def _placeholder(reader: Reader, tree: Tree) -> ErrorExpression:
    reader.report(
        "RQ008", tree.start, tree.end,
        f"placeholder '{reader.written(tree)}' must be replaced by real code",
        "write what belongs here",
    )  # fmt: skip
    return ErrorExpression(reader.span(tree))


def _bare_url(reader: Reader, tree: Tree) -> Name:
    """An address without quotes: a name that can have no value, for the checker to speak of."""
    return Name(reader.span(tree), reader.written(tree))


def _field(reader: Reader, target: Expression, tree: Tree) -> FieldAccess | MethodCall:
    _, word, arguments = tree.parts
    span = Span(target.span.start, tree.end - reader.base)
    identifier = declared(reader, word)
    if arguments is None:
        return FieldAccess(span, target, identifier)
    return MethodCall(span, target, identifier, tuple(reader.elements(arguments)))


def _optional_field(reader: Reader, target: Expression, tree: Tree) -> FieldAccess | MethodCall:
    mark, word, arguments = tree.parts
    reader.report_replacement("RQ012", mark, ".", "operator of another language '?.'")
    return _field(reader, target, Tree("field", tree.start, tree.end, [mark, word, arguments]))


def _call(reader: Reader, target: Expression, tree: Tree) -> Call:
    span = Span(target.span.start, tree.end - reader.base)
    return Call(span, target, tuple(reader.elements(tree)))


def _index(reader: Reader, target: Expression, tree: Tree) -> IndexAccess:
    span = Span(target.span.start, tree.end - reader.base)
    return IndexAccess(span, target, single(reader, tree))


def single(reader: Reader, tree: Tree) -> Expression:
    """The one expression between brackets."""
    nodes = reader.elements(tree)
    return nodes[0] if nodes else ErrorExpression(reader.span(tree))


def _group(reader: Reader, tree: Tree) -> Group:
    return Group(reader.span(tree), single(reader, tree))


def _array(reader: Reader, tree: Tree) -> ArrayLiteral:
    return ArrayLiteral(reader.span(tree), tuple(reader.elements(tree)))


def _spread(reader: Reader, tree: Tree) -> Spread:
    return Spread(reader.span(tree), reader.build(tree.parts[1]))


def object_literal(reader: Reader, tree: Tree) -> ObjectLiteral:
    """Entries between braces: a value, or a block of options."""
    return ObjectLiteral(reader.span(tree), tuple(reader.elements(tree)))


def _entry(reader: Reader, tree: Tree) -> Entry:
    key_tree, _, value = tree.parts
    return Entry(reader.span(tree), key(reader, key_tree), reader.build(value))


def key(reader: Reader, tree: Tree) -> Key:
    """A word or a string before a colon."""
    if tree.rule == "word_key":
        return Key(reader.span(tree), reader.written(tree))
    return Key(reader.span(tree), value_of(reader, tree), quoted=True)


def _filtered(reader: Reader, tree: Tree) -> Expression:
    collection, wheres = tree.parts
    node = reader.build(collection)
    for where in reader.chain(wheres):
        condition = reader.build(where.parts[1])
        node = Where(Span(node.span.start, where.end - reader.base), node, condition)
    return node


def _conditional(reader: Reader, tree: Tree) -> Conditional:
    condition, ternary = tree.parts
    _, then, _, otherwise = ternary.parts
    return Conditional(
        reader.span(tree), reader.build(condition), reader.build(then), reader.build(otherwise)
    )


def _pipe(reader: Reader, tree: Tree) -> Expression:
    value, calls = tree.parts
    node = reader.build(value)
    for one in reader.chain(calls):
        _, function, arguments = one.parts
        node = Pipe(
            Span(node.span.start, one.end - reader.base),
            node,
            declared(reader, function),
            () if arguments is None else tuple(reader.elements(arguments)),
            with_parentheses=arguments is not None,
        )
    return node


def _lambda(reader: Reader, tree: Tree) -> Lambda:
    head, body = tree.parts
    parameters, arrow = head.parts
    expect_arrow(reader, arrow, "=>")
    bare = parameters.rule == "name"
    names = [declared(reader, parameters)] if bare else reader.elements(parameters)
    return Lambda(reader.span(tree), tuple(names), reader.build(body), with_parentheses=not bare)


def _if_expression(reader: Reader, tree: Tree) -> IfExpression:
    _, condition, _, then, otherwise = tree.parts
    return IfExpression(
        reader.span(tree),
        reader.build(condition),
        reader.build(then),
        None if otherwise is None else reader.build(otherwise.parts[1]),
    )


def _any_of(reader: Reader, tree: Tree) -> AnyOf:
    _, _, collection, guard = tree.parts
    condition = None if guard is None else reader.build(guard.parts[1])
    return AnyOf(reader.span(tree), reader.build(collection), condition)


def _match_value(reader: Reader, tree: Tree) -> MatchExpression:
    _, subject, arms = tree.parts
    node = reader.build(subject)
    return MatchExpression(reader.span(tree), node, tuple(reader.elements(arms)))


def _match_cases(reader: Reader, tree: Tree) -> MatchExpression:
    arms = (_as_case(arm) for arm in reader.elements(tree.parts[1]))
    return MatchExpression(reader.span(tree), None, tuple(arms))


def _as_case(arm: ExpressionArm) -> ExpressionArm:
    return ExpressionArm(arm.span, condition_head(arm.head), arm.guard, arm.result)


def _expression_arm(reader: Reader, tree: Tree) -> ExpressionArm:
    head, arrow, result = tree.parts
    expect_arrow(reader, arrow, "=>")
    pattern, guard = arm_head(reader, head)
    return ExpressionArm(reader.span(tree), pattern, guard, reader.build(result))


POSTFIXES: dict[str, PostfixBuilder] = {
    "field": _field,
    "optional_field": _optional_field,
    "arguments": _call,
    "index": _index,
}
BUILDERS: dict[str, Builder] = {
    "word_key": key,
    "string_key": key,
    "name": _name,
    "declared": declared,
    "word": declared,
    "string": string,
    "number": number,
    "constant": _constant,
    "duration": _duration,
    "context": _context,
    "wildcard": _wildcard,
    "placeholder": _placeholder,
    "bare_url": _bare_url,
    "group": _group,
    "array": _array,
    "array_spread": _spread,
    "object": object_literal,
    "option_object": object_literal,
    "object_spread": _spread,
    "plain_entry": _entry,
    "filter": _filtered,
    "expr1": _nested(_conditional),
    "pipe": _pipe,
    "operation": operation,
    "operand": operand,
    "lambda": _nested(_lambda),
    "if_expression": _nested(_if_expression),
    "any_of": _nested(_any_of),
    "match_value": _nested(_match_value),
    "match_cases": _match_cases,
    "expression_arm": _expression_arm,
}
