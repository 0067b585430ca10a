"""Tests: the truth of an expression as Python tests it, with short circuits.

`test` gives an expression for a test position (`if`, `and`, `not`); its Python truth is the truth
of the language, its value need not be a boolean.
"""

from __future__ import annotations

import ast

from reqon.values.emit.code import (
    Code,
    Emitter,
    Kind,
    any_of,
    assignment,
    both,
    either,
    load,
    local,
    not_null,
)
from vague.ast.base import Node
from vague.ast.expressions import Binary, Group, Unary

_PYTHONIC = frozenset({Kind.NULL, Kind.BOOLEAN, Kind.NUMBER, Kind.TEXT})


def test(emitter: Emitter, node: Node) -> ast.expr:
    """The test of `node`; `and`, `or` and `not` are tested without making their values."""
    match node:
        case Group():
            return test(emitter, node.inner)
        case Unary(operator="not"):
            return ast.UnaryOp(ast.Not(), test(emitter, node.operand))
        case Binary(operator="and" | "or"):
            return _junction(emitter, node)
        case _:
            return test_of(emitter, emitter.emit(node))


def test_of(emitter: Emitter, code: Code) -> ast.expr:
    """The test of a value. Only empty arrays and objects differ from Python's own truth."""
    if code.kind in _PYTHONIC:
        return code.node
    first, again = emitter.twice(code)
    return any_of(first, _something_empty(again))


def _something_empty(value: ast.expr) -> ast.expr:
    """Whether a value that is false to Python is none of null, false, zero and the empty text."""
    not_false = ast.Compare(value, [ast.IsNot()], [ast.Constant(value=False)])
    others = [ast.Compare(value, [ast.NotEq()], [ast.Constant(other)]) for other in (0, "")]
    return both(not_false, not_null(value), *others)


def _junction(emitter: Emitter, node: Binary) -> ast.expr:
    left = test(emitter, node.left)
    statements, right = emitter.captured(lambda: test(emitter, node.right))
    conjunction = node.operator == "and"
    if not statements:
        return both(left, right) if conjunction else any_of(left, right)
    name = emitter.fresh()
    emitter.assign(name, left)
    entered = load(name) if conjunction else ast.UnaryOp(ast.Not(), load(name))
    emitter.block.append(ast.If(entered, [*statements, assignment(name, right)], []))
    return load(name)


def emit_not(emitter: Emitter, operand: Node) -> Code:
    """`not operand`."""
    return Code(ast.UnaryOp(ast.Not(), test(emitter, operand)), Kind.BOOLEAN)


def emit_junction(emitter: Emitter, node: Binary) -> Code:
    """`left and right`, `left or right` as a value: one of the two operands."""
    left = emitter.emit(node.left)
    statements, right = emitter.captured(lambda: emitter.emit(node.right))
    first, again = emitter.twice(left)
    tested = first if left.kind in _PYTHONIC else any_of(first, _something_empty(again))
    return branch(
        emitter,
        tested,
        again,
        right,
        statements,
        keeps_left=node.operator == "or",
        kind=left.kind if left.kind is right.kind else Kind.ANY,
    )


def branch(
    emitter: Emitter,
    tested: ast.expr,
    left: ast.expr,
    right: Code,
    statements: list[ast.stmt],
    *,
    keeps_left: bool,
    kind: Kind = Kind.ANY,
) -> Code:
    """`left` if `tested` is `keeps_left`, else `right`, whose statements run only then."""
    if not statements:
        node = either(tested, left, right.node) if keeps_left else either(tested, right.node, left)
        return Code(node, kind)
    name = emitter.fresh()
    taken: list[ast.stmt] = [assignment(name, left)]
    others = [*statements, assignment(name, right.node)]
    bodies = (taken, others) if keeps_left else (others, taken)
    emitter.block.append(ast.If(tested, *bodies))
    return local(name, kind)


def emit_coalesce(emitter: Emitter, node: Binary) -> Code:
    """`left ?? right`."""
    left = emitter.emit(node.left)
    statements, right = emitter.captured(lambda: emitter.emit(node.right))
    first, again = emitter.twice(left)
    kind = left.kind if left.kind is right.kind else Kind.ANY
    return branch(emitter, not_null(first), again, right, statements, keeps_left=True, kind=kind)
