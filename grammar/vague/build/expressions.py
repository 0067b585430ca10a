"""Trees of expressions to nodes."""

from __future__ import annotations

import re
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


def name(reader: Reader, tree: Tree) -> Name:
    return Name(reader.span(tree), reader.written(tree))


def constant(reader: Reader, tree: Tree) -> NullLiteral | BooleanLiteral:
    text = reader.written(tree)
    if text == "null":
        return NullLiteral(reader.span(tree))
    return BooleanLiteral(reader.span(tree), text == "true")


def duration(reader: Reader, tree: Tree) -> DurationLiteral:
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


def context(reader: Reader, tree: Tree) -> ContextField:
    text = reader.written(tree)
    word = re.search(r"\w+\Z", text)
    begin = word.start() if word else 0
    start, end = reader.span(tree)
    return ContextField(Span(start, end), Identifier(Span(start + begin, end), text[begin:]))


def wildcard(reader: Reader, tree: Tree) -> Wildcard:
    return Wildcard(reader.span(tree))


def placeholder(reader: Reader, tree: Tree) -> ErrorExpression:
    reader.report(
        "RQ008", tree.start, tree.end,
        f"placeholder '{reader.written(tree)}' must be replaced by real code",
    )  # fmt: skip
    return ErrorExpression(reader.span(tree))


def field(reader: Reader, target: Expression, tree: Tree) -> FieldAccess | MethodCall:
    _, word, arguments = tree.parts
    span = Span(target.span.start, tree.end - reader.base)
    identifier = declared(reader, word)
    if arguments is None:
        return FieldAccess(span, target, identifier)
    return MethodCall(span, target, identifier, tuple(reader.elements(arguments)))


def optional_field(reader: Reader, target: Expression, tree: Tree) -> FieldAccess | MethodCall:
    mark, word, arguments = tree.parts
    reader.report_replacement("RQ012", mark, ".", "operator of another language '?.'")
    return field(reader, target, Tree("field", tree.start, tree.end, [mark, word, arguments]))


def call(reader: Reader, target: Expression, tree: Tree) -> Call:
    span = Span(target.span.start, tree.end - reader.base)
    return Call(span, target, tuple(reader.elements(tree)))


def index(reader: Reader, target: Expression, tree: Tree) -> IndexAccess:
    span = Span(target.span.start, tree.end - reader.base)
    return IndexAccess(span, target, single(reader, tree))


def single(reader: Reader, tree: Tree) -> Expression:
    """The one expression between brackets."""
    nodes = reader.elements(tree)
    return nodes[0] if nodes else ErrorExpression(reader.span(tree))


def group(reader: Reader, tree: Tree) -> Group:
    return Group(reader.span(tree), single(reader, tree))


def array(reader: Reader, tree: Tree) -> ArrayLiteral:
    return ArrayLiteral(reader.span(tree), tuple(reader.elements(tree)))


def spread(reader: Reader, tree: Tree) -> Spread:
    return Spread(reader.span(tree), reader.build(tree.parts[1]))


def object_literal(reader: Reader, tree: Tree) -> ObjectLiteral:
    return ObjectLiteral(reader.span(tree), tuple(reader.elements(tree)))


def entry(reader: Reader, tree: Tree) -> Entry:
    key_tree, _, value = tree.parts
    return Entry(reader.span(tree), key(reader, key_tree), reader.build(value))


def key(reader: Reader, tree: Tree) -> Key:
    if tree.rule == "word_key":
        return Key(reader.span(tree), reader.written(tree))
    return Key(reader.span(tree), value_of(reader, tree), quoted=True)


def filtered(reader: Reader, tree: Tree) -> Expression:
    collection, wheres = tree.parts
    node = reader.build(collection)
    for where in wheres:
        condition = reader.build(where.parts[1])
        node = Where(Span(node.span.start, where.end - reader.base), node, condition)
    return node


def conditional(reader: Reader, tree: Tree) -> Conditional:
    condition, ternary = tree.parts
    _, then, _, otherwise = ternary.parts
    return Conditional(
        reader.span(tree), reader.build(condition), reader.build(then), reader.build(otherwise)
    )


def pipe(reader: Reader, tree: Tree) -> Expression:
    value, calls = tree.parts
    node = reader.build(value)
    for one in calls:
        _, function, arguments = one.parts
        node = Pipe(
            Span(node.span.start, one.end - reader.base),
            node,
            declared(reader, function),
            () if arguments is None else tuple(reader.elements(arguments)),
            with_parentheses=arguments is not None,
        )
    return node


def lambda_(reader: Reader, tree: Tree) -> Lambda:
    head, body = tree.parts
    parameters = head.parts[0]
    bare = parameters.rule == "name"
    names = [declared(reader, parameters)] if bare else reader.elements(parameters)
    return Lambda(reader.span(tree), tuple(names), reader.build(body), with_parentheses=not bare)


def if_expression(reader: Reader, tree: Tree) -> IfExpression:
    _, condition, _, then, otherwise = tree.parts
    return IfExpression(
        reader.span(tree),
        reader.build(condition),
        reader.build(then),
        None if otherwise is None else reader.build(otherwise.parts[1]),
    )


def any_of(reader: Reader, tree: Tree) -> AnyOf:
    _, _, collection, guard = tree.parts
    condition = None if guard is None else reader.build(guard.parts[1])
    return AnyOf(reader.span(tree), reader.build(collection), condition)


def match_value(reader: Reader, tree: Tree) -> MatchExpression:
    _, subject, arms = tree.parts
    node = reader.build(subject)
    return MatchExpression(reader.span(tree), node, tuple(reader.elements(arms)))


def match_cases(reader: Reader, tree: Tree) -> MatchExpression:
    arms = (_as_case(arm) for arm in reader.elements(tree.parts[1]))
    return MatchExpression(reader.span(tree), None, tuple(arms))


def _as_case(arm: ExpressionArm) -> ExpressionArm:
    return ExpressionArm(arm.span, condition_head(arm.head), arm.guard, arm.result)


def expression_arm(reader: Reader, tree: Tree) -> ExpressionArm:
    head, arrow, result = tree.parts
    expect_arrow(reader, arrow, "=>")
    pattern, guard = arm_head(reader, head)
    return ExpressionArm(reader.span(tree), pattern, guard, reader.build(result))


POSTFIXES: dict[str, PostfixBuilder] = {
    "field": field,
    "optional_field": optional_field,
    "arguments": call,
    "index": index,
}
BUILDERS: dict[str, Builder] = {
    "word_key": key,
    "string_key": key,
    "name": name,
    "declared": declared,
    "word": declared,
    "string": string,
    "number": number,
    "constant": constant,
    "duration": duration,
    "context": context,
    "wildcard": wildcard,
    "placeholder": placeholder,
    "group": group,
    "array": array,
    "array_spread": spread,
    "object": object_literal,
    "option_object": object_literal,
    "object_spread": spread,
    "plain_entry": entry,
    "filter": filtered,
    "expr1": conditional,
    "pipe": pipe,
    "operation": operation,
    "operand": operand,
    "lambda": lambda_,
    "if_expression": if_expression,
    "any_of": any_of,
    "match_value": match_value,
    "match_cases": match_cases,
    "expression_arm": expression_arm,
}
