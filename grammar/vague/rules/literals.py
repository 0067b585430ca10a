"""What is known of a value before anything runs: literals, and how people call them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from vague.ast.base import Node
from vague.ast.expressions import (
    ArrayLiteral,
    BooleanLiteral,
    Conditional,
    DurationLiteral,
    Group,
    IfExpression,
    MatchExpression,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    OptionValue,
    Quantity,
    StringLiteral,
    Unary,
)


class LiteralKind(Enum):
    """The type of a literal; the text names it to people."""

    NULL = "null"
    BOOLEAN = "true or false"
    NUMBER = "a number"
    STRING = "a string"
    DURATION = "a duration"
    ARRAY = "an array"
    OBJECT = "an object"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the program. A duration's `value` is its number, with the sign.

    `unit` is the word behind the number, which need not be a unit of time.
    """

    kind: LiteralKind
    node: Node
    value: str | int | float | bool | None = None
    unit: str | None = None

    @property
    def number(self) -> int | float:
        """The value of a number or duration."""
        return self.value if isinstance(self.value, int | float) else 0

    @property
    def words(self) -> str:
        """How people call it, after "found"."""
        if self.kind is LiteralKind.BOOLEAN:
            return f"'{str(self.value).lower()}'"
        return self.kind.value


def literal(value: OptionValue) -> Literal | None:
    """The literal that a value is, signs and parentheses included; None if it is computed."""
    if isinstance(value, Group):
        return literal(value.inner)
    if isinstance(value, Unary):
        return _signed(value)
    if isinstance(value, Quantity | DurationLiteral):
        return _measured(value)
    kind = _KINDS.get(type(value))
    simple = isinstance(value, NumberLiteral | StringLiteral | BooleanLiteral)
    return None if kind is None else Literal(kind, value, value.value if simple else None)


def _measured(value: Quantity | DurationLiteral) -> Literal:
    if isinstance(value, DurationLiteral):
        return Literal(LiteralKind.DURATION, value, value.number.value, value.unit)
    number = -value.number.value if value.negative else value.number.value
    if value.unit is None:
        return Literal(LiteralKind.NUMBER, value, number)
    return Literal(LiteralKind.DURATION, value, number, value.unit.text)


_KINDS: dict[type, LiteralKind] = {
    NullLiteral: LiteralKind.NULL,
    BooleanLiteral: LiteralKind.BOOLEAN,
    NumberLiteral: LiteralKind.NUMBER,
    StringLiteral: LiteralKind.STRING,
    ArrayLiteral: LiteralKind.ARRAY,
    ObjectLiteral: LiteralKind.OBJECT,
}


def _signed(value: Unary) -> Literal | None:
    if value.operator == "not":
        return None
    inner = literal(value.operand)
    if inner is None or inner.kind not in (LiteralKind.NUMBER, LiteralKind.DURATION):
        return None
    number = -inner.number if value.operator == "-" else inner.number
    return Literal(inner.kind, value, number, inner.unit)


def results(value: OptionValue) -> Iterator[OptionValue]:
    """The expressions that a value can turn out to be: the branches of a choice, else itself."""
    if isinstance(value, Group):
        yield from results(value.inner)
    elif isinstance(value, Conditional):
        yield from results(value.then)
        yield from results(value.otherwise)
    elif isinstance(value, IfExpression):
        yield from results(value.then)
        if value.otherwise is not None:
            yield from results(value.otherwise)
    elif isinstance(value, MatchExpression):
        for arm in value.arms:
            yield from results(arm.result)
    else:
        yield value


def is_choice(value: OptionValue) -> bool:
    """Whether what a value turns out to be is decided later."""
    return isinstance(value, Conditional | IfExpression | MatchExpression)


def word(value: OptionValue) -> str | None:
    """The word that a bare name or a string spells."""
    if isinstance(value, Name):
        return value.text
    return value.value if isinstance(value, StringLiteral) else None


def is_whole(number: float) -> bool:
    """Whether a number has no fraction."""
    return isinstance(number, int) or number.is_integer()


def plain(number: float) -> str:
    """A number as people write it."""
    return str(int(number)) if is_whole(number) and abs(number) < 1e15 else str(number)
