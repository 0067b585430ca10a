"""Rules about conditions and compared values that are decided before anything is read: RQ419."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeGuard

from vague.ast.expressions import (
    ArrayLiteral,
    Binary,
    BooleanLiteral,
    ContextField,
    Expression,
    FieldAccess,
    Group,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    StringLiteral,
    Unary,
    ValuePattern,
)
from vague.rules.registry import RuleTable
from vague.rules.wording import replacement
from vague.traversal.events import Condition
from vague.traversal.state import Walk

CONDITIONS = RuleTable()
_VARY = "compare with something that varies"
_Literal = BooleanLiteral | NumberLiteral | StringLiteral


@CONDITIONS.on(Condition)
def check_condition(condition: Condition, walk: Walk) -> None:
    """RQ419: a condition made of literals decides nothing."""
    expression = condition.expression
    value = _constant(expression)
    if value is None:
        return
    message = f"condition is always {'true' if value else 'false'}"
    better = _one_of(expression, walk)
    if better is None:
        walk.report("RQ419", expression, message, _VARY)
        return
    fix = replacement(walk, expression, better, safe=False)
    walk.report("RQ419", expression, message, f"write '{better}'", (fix,))


@CONDITIONS.on(ValuePattern)
def check_alternatives(pattern: ValuePattern, walk: Walk) -> None:
    """RQ419: `"a" or "b"` is `"a"`, so an arm with it never compares with the other one."""
    values = _alternatives(pattern.value)
    if len(values) < 2 or not isinstance(values[0], _Literal):
        return
    first = walk.text(walk.span(values[0]))
    listed = ", ".join(walk.text(walk.span(value)) for value in values)
    message = f"only {first} is compared: 'or' gives the first value that is not empty"
    hint = f"bind the value and ask: 'value where value in [{listed}]'"
    walk.report("RQ419", pattern, message, hint)


def _one_of(expression: Expression, walk: Walk) -> str | None:
    """What was meant by `x == "a" or "b"`, nothing for anything else."""
    first, *others = _alternatives(expression)
    if not others or not isinstance(first, Binary) or first.operator != "==":
        return None
    if not isinstance(first.left, Name | FieldAccess | ContextField):
        return None
    values = (first.right, *others)
    if not all(isinstance(value, _Literal) for value in values):
        return None
    listed = ", ".join(walk.text(walk.span(value)) for value in values)
    return f"{walk.text(walk.span(first.left))} in [{listed}]"


def _alternatives(expression: Expression) -> list[Expression]:
    """What stands between the `or`s of an expression, in order."""
    found: list[Expression] = []
    while isinstance(expression, Binary) and expression.operator == "or":
        found.append(expression.right)
        expression = expression.left
    return [expression, *reversed(found)]


_UNKNOWN = object()
_COLLECTION = object()
"""The value of an array or object as far as its truth goes, which does not depend on its parts."""
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _constant(expression: Expression) -> bool | None:
    """The truth of an expression that reads nothing, None where it reads something."""
    value = _value(expression)
    return None if value is _UNKNOWN else bool(value)


def _value(expression: Expression) -> object:
    while isinstance(expression, Group):
        expression = expression.inner
    if isinstance(expression, NullLiteral):
        return None
    if isinstance(expression, BooleanLiteral | NumberLiteral | StringLiteral):
        return expression.value
    if isinstance(expression, ArrayLiteral | ObjectLiteral):
        return _COLLECTION
    if isinstance(expression, Unary):
        return _changed(expression)
    if isinstance(expression, Binary):
        return _combined(expression)
    return _UNKNOWN


def _changed(expression: Unary) -> object:
    inner = _value(expression.operand)
    if expression.operator == "not":
        return _UNKNOWN if inner is _UNKNOWN else not inner
    return -inner if _is_number(inner) and expression.operator == "-" else _UNKNOWN


def _combined(expression: Binary) -> object:
    """`and` and `or` may be decided by one side alone, comparisons need both."""
    left, right = _value(expression.left), _value(expression.right)
    if expression.operator in ("and", "or"):
        return _joined(left, right, deciding=expression.operator == "or")
    if _UNKNOWN in (left, right) or _COLLECTION in (left, right):
        return _UNKNOWN
    return _compared(expression.operator, left, right)


def _joined(left: object, right: object, *, deciding: bool) -> object:
    sides = [side if side is _UNKNOWN else bool(side) for side in (left, right)]
    if deciding in sides:
        return deciding
    return _UNKNOWN if _UNKNOWN in sides else not deciding


def _compared(sign: str, left: object, right: object) -> object:
    numbers = _is_number(left) and _is_number(right)
    if sign in _ORDERS:
        return _ORDERS[sign](left, right) if numbers else _UNKNOWN
    if sign not in ("==", "!="):
        return _UNKNOWN
    same = left == right and (numbers or type(left) is type(right))
    return same if sign == "==" else not same


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
