"""Rules about conditions and compared values that are decided before anything is read: RQ419."""

from __future__ import annotations

from vague.ast.expressions import (
    Binary,
    BooleanLiteral,
    ContextField,
    Expression,
    FieldAccess,
    Group,
    Name,
    NullLiteral,
    NumberLiteral,
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


def _constant(expression: Expression) -> bool | None:
    """The truth of an expression that reads nothing, None where it reads something."""
    value = _value(expression)
    return None if value is _UNKNOWN else bool(value)


def _value(expression: Expression) -> object:
    if isinstance(expression, Group):
        return _value(expression.inner)
    if isinstance(expression, NullLiteral):
        return None
    if isinstance(expression, BooleanLiteral | NumberLiteral | StringLiteral):
        return expression.value
    if isinstance(expression, Unary) and expression.operator == "not":
        inner = _value(expression.operand)
        return _UNKNOWN if inner is _UNKNOWN else not inner
    if isinstance(expression, Binary):
        return _combined(expression)
    return _UNKNOWN


def _combined(expression: Binary) -> object:
    """`and` and `or` may be decided by one side alone, comparisons need both."""
    operator = expression.operator
    if operator not in ("and", "or", "==", "!="):
        return _UNKNOWN
    left, right = _value(expression.left), _value(expression.right)
    if operator in ("and", "or"):
        deciding = operator == "or"
        for side in (left, right):
            if side is not _UNKNOWN and bool(side) is deciding:
                return deciding
    if left is _UNKNOWN or right is _UNKNOWN:
        return _UNKNOWN
    if operator in ("and", "or"):
        return operator == "and"
    same = type(left) is type(right) and left == right
    if isinstance(left, int | float) and isinstance(right, int | float):
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
    return same if operator == "==" else not same
