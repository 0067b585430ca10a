"""Operators: the usual case in place, tested by type, and the general one as a call.

The usual case of arithmetic and order is two numbers. A large result (beyond `_LIMIT`) is
calculated again by the general operator, which refuses what is not finite.
"""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

from reqon.errors import RunError
from reqon.values import arithmetic, operators
from reqon.values.dates import parse_iso
from reqon.values.emit.code import (
    Code,
    Constant,
    Emitter,
    Kind,
    any_of,
    both,
    either,
    has_type,
    literal,
    load,
    same,
)
from reqon.values.emit.truth import emit_coalesce, emit_junction, emit_not
from reqon.values.schema_types import IS_TYPES, TypeTest, is_null
from reqon.values.scope import Matcher, Scope
from vague.ast.expressions import ArrayLiteral, Binary, IsTest, NumberLiteral, StringLiteral, Unary

_LIMIT: Final = 2**47
"""Python compares whole numbers of few bits fastest, with each other and with floats."""

_ARITHMETIC: Final[dict[str, tuple[ast.operator, Callable[..., Any]]]] = {
    "+": (ast.Add(), arithmetic.add),
    "-": (ast.Sub(), arithmetic.subtract),
    "*": (ast.Mult(), arithmetic.multiply),
}
_RUN_ARITHMETIC: Final[dict[str, Callable[..., Any]]] = {
    "/": arithmetic.divide,
    "%": arithmetic.modulo,
}
_ORDER: Final[dict[str, tuple[ast.cmpop, Callable[..., bool]]]] = {
    "<": (ast.Lt(), operators.less),
    "<=": (ast.LtE(), operators.less_or_equal),
    ">": (ast.Gt(), operators.greater),
    ">=": (ast.GtE(), operators.greater_or_equal),
}
_MEMBERSHIP: Final[dict[str, Callable[..., bool]]] = {
    "contains": operators.contains,
    "startsWith": operators.starts_with,
    "endsWith": operators.ends_with,
    "in": operators.contained_in,
    "not in": operators.contained_in,
}


def emit_binary(emitter: Emitter, node: Binary) -> Code:
    """`left operator right`."""
    match node.operator:
        case "and" | "or":
            return emit_junction(emitter, node)
        case "??":
            return emit_coalesce(emitter, node)
        case "in" | "not in" if _are_texts(node.right):
            return _emit_in_texts(emitter, node)
        case _:
            left, right = emitter.emit_all([node.left, node.right])
            return _emit_operation(emitter, node.operator, left, right)


def _emit_operation(emitter: Emitter, operator: str, left: Code, right: Code) -> Code:
    """An operator that evaluates both of its sides in any case."""
    if operator in _ARITHMETIC:
        return _emit_arithmetic(emitter, operator, left, right)
    if operator in _ORDER:
        return _emit_order(emitter, operator, left, right)
    if operator in {"==", "!="}:
        return _emit_equality(emitter, left, right, negated=operator == "!=")
    if operator in _RUN_ARITHMETIC:
        function = _RUN_ARITHMETIC[operator]
        return Code(emitter.call(function, emitter.run(), left.node, right.node))
    found = emitter.call(_MEMBERSHIP[operator], left.node, right.node)
    return Code(_negated(found) if operator == "not in" else found, Kind.BOOLEAN)


def emit_unary(emitter: Emitter, node: Unary) -> Code:
    """`-operand`, `+operand`, `not operand`."""
    if node.operator == "not":
        return emit_not(emitter, node.operand)
    if node.operator == "-":
        if isinstance(node.operand, NumberLiteral):
            return literal(0 if node.operand.value == 0 else -node.operand.value)
        return Code(emitter.call(arithmetic.negate, emitter.emit(node.operand).node))
    return Code(emitter.call(arithmetic.keep_sign, emitter.emit(node.operand).node))


# ---------------------------------------------------------------- numbers and texts


def _emit_arithmetic(emitter: Emitter, operator: str, left: Code, right: Code) -> Code:
    symbol, function = _ARITHMETIC[operator]
    if operator == "+" and (_plain_text(left) or _plain_text(right)):
        return _emit_concatenation(emitter, left, right)
    if _is_no_number(left) or _is_no_number(right):
        return Code(emitter.call(function, left.node, right.node))
    tests, a, b = _tested_numbers(emitter, left, right)
    name = emitter.fresh()
    result = ast.NamedExpr(ast.Name(name, ast.Store()), ast.BinOp(a, symbol, b))
    operands: list[ast.expr] = [result, ast.Constant(_LIMIT)]
    bounded = ast.Compare(ast.Constant(-_LIMIT), [ast.Lt(), ast.Lt()], operands)
    slow = emitter.call(function, a, b)
    kind = Kind.ANY if tests else Kind.NUMBER
    return Code(either(both(*tests, bounded), load(name), slow), kind)


def _emit_order(emitter: Emitter, operator: str, left: Code, right: Code) -> Code:
    symbol, function = _ORDER[operator]
    if _is_no_number(left) or _is_no_number(right):
        slow = emitter.call(function, emitter.run(), left.node, right.node)
        return Code(slow, Kind.BOOLEAN)
    tests, a, b = _tested_numbers(emitter, left, right)
    fast = ast.Compare(a, [symbol], [b])
    if not tests:
        return Code(fast, Kind.BOOLEAN)
    slow = emitter.call(function, emitter.run(), a, b)
    return Code(either(both(*tests), fast, slow), Kind.BOOLEAN)


def _tested_numbers(
    emitter: Emitter, left: Code, right: Code
) -> tuple[list[ast.expr], ast.expr, ast.expr]:
    """Tests that both sides are numbers, and the sides as they may be used behind the tests.

    At most one side is evaluated inside the tests, and then by the first of them; so both have
    their values whichever test fails.
    """
    left, right = _settled(emitter, left, right)
    tests: list[ast.expr] = []
    nodes: dict[int, ast.expr] = {}
    for side in sorted((left, right), key=lambda code: code.atomic):
        first, again = emitter.twice(side)
        nodes[id(side)] = again
        if side.kind is not Kind.NUMBER:
            tests.append(any_of(has_type(first, "int"), has_type(again, "float")))
    return tests, nodes[id(left)], nodes[id(right)]


def _settled(emitter: Emitter, left: Code, right: Code) -> tuple[Code, Code]:
    """The sides, with all in local variables but at most one of unknown kind."""
    if not left.atomic and not right.atomic:
        left, right = emitter.spill(left), emitter.spill(right)
    left = left if left.kind is Kind.ANY else emitter.spill(left)
    return left, right if right.kind is Kind.ANY else emitter.spill(right)


def _is_no_number(code: Code) -> bool:
    return code.kind not in {Kind.ANY, Kind.NUMBER}


def _plain_text(code: Code) -> bool:
    """Whether it is a text that no addition takes for a date."""
    return code.kind is Kind.TEXT and not (code.literal and parse_iso(code.value) is not None)


def _emit_concatenation(emitter: Emitter, left: Code, right: Code) -> Code:
    if left.kind is right.kind is Kind.TEXT:
        return Code(ast.BinOp(left.node, ast.Add(), right.node), Kind.TEXT)
    left, right = _settled(emitter, left, right)
    if Kind.ANY not in {left.kind, right.kind}:
        return Code(emitter.call(arithmetic.add, left.node, right.node), Kind.TEXT)
    first_left, left_again = emitter.twice(left)
    first_right, right_again = emitter.twice(right)
    unknown = first_left if left.kind is Kind.ANY else first_right
    fast = ast.BinOp(left_again, ast.Add(), right_again)
    slow = emitter.call(arithmetic.add, left_again, right_again)
    return Code(either(has_type(unknown, "str"), fast, slow), Kind.TEXT)


# ---------------------------------------------------------------- equality and membership


def _emit_equality(emitter: Emitter, left: Code, right: Code, *, negated: bool) -> Code:
    if left.literal:
        left, right = right, left
    node = _equals_literal(emitter, left, right.value) if right.literal else None
    if node is None:
        node = _equals(emitter, left, right)
    return Code(_negated(node) if negated else node, Kind.BOOLEAN)


def _equals_literal(emitter: Emitter, code: Code, value: Constant) -> ast.expr | None:
    """Equality with a constant as Python has it, where that is the same; else None."""
    constant = ast.Constant(value)
    if value is None or isinstance(value, bool):
        return same(code.node, constant)
    if isinstance(value, str):
        dated = parse_iso(value) is not None
        return None if dated else ast.Compare(code.node, [ast.Eq()], [constant])
    if value not in {0, 1}:
        return ast.Compare(code.node, [ast.Eq()], [constant])
    first, again = emitter.twice(code)
    no_boolean = ast.UnaryOp(ast.Not(), has_type(again, "bool"))
    return both(ast.Compare(first, [ast.Eq()], [constant]), no_boolean)


def _equals(emitter: Emitter, left: Code, right: Code) -> ast.expr:
    left, right = emitter.spill(left), emitter.spill(right)
    kind = ast.Call(load("type"), [left.node], [])
    alike = same(kind, ast.Call(load("type"), [right.node], []))
    simple = any_of(has_type(left.node, "str"), has_type(left.node, "int"))
    fast = ast.Compare(left.node, [ast.Eq()], [right.node])
    slow = emitter.call(operators.equal, left.node, right.node)
    return either(both(alike, simple), fast, slow)


def _are_texts(node: object) -> bool:
    """Whether it is an array of texts written out, none of them a date."""
    return isinstance(node, ArrayLiteral) and all(
        isinstance(item, StringLiteral) and parse_iso(item.value) is None for item in node.items
    )


def _emit_in_texts(emitter: Emitter, node: Binary) -> Code:
    assert isinstance(node.right, ArrayLiteral)
    texts = [item.value for item in node.right.items if isinstance(item, StringLiteral)]
    code = emitter.emit(node.left)
    first, again = emitter.twice(code)
    quick = ast.Compare(again, [ast.In()], [emitter.use(frozenset(texts), emitter.fresh())])
    slow = emitter.call(operators.contained_in, again, emitter.use(texts, emitter.fresh()))
    found = either(has_type(first, "str"), quick, slow)
    return Code(_negated(found) if node.operator == "not in" else found, Kind.BOOLEAN)


def _negated(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


# ---------------------------------------------------------------- kinds


def emit_is(emitter: Emitter, node: IsTest) -> Code:
    """`operand is T`, `operand is not [T]`."""
    code = emitter.emit(node.operand)
    name = node.type_name.text
    tested = value_test(emitter, name, code, many=node.many)
    return Code(_negated(tested) if node.negated else tested, Kind.BOOLEAN)


def value_test(emitter: Emitter, name: str, code: Code, *, many: bool) -> ast.expr:
    """Whether a value is of the schema or type `name`; `many`: an array of such values."""
    if name in emitter.names.schemas:
        matcher = emitter.use(emitter.names.schemas.matcher(name), f"is_{name}")
        emitter.constant = False
        if many:
            return emitter.call(all_match, load("scope"), matcher, code.node)
        return ast.Call(matcher, [load("scope"), code.node], [])
    if name not in IS_TYPES:
        raise RunError("type", f"unknown type '{name}' after 'is'")
    if many:
        return emitter.call(all_are, emitter.use(IS_TYPES[name]), code.node)
    if IS_TYPES[name] is is_null:
        return same(code.node, ast.Constant(None))
    return emitter.call(IS_TYPES[name], code.node)


def all_match(scope: Scope, matcher: Matcher, value: Any) -> bool:
    """Whether `value` is an array whose elements all fit a schema."""
    return isinstance(value, list) and all(matcher(scope, element) for element in value)


def all_are(test: TypeTest, value: Any) -> bool:
    """Whether `value` is an array whose elements are all of a type."""
    return isinstance(value, list) and all(test(element) for element in value)
