"""Expressions, patterns and options as the parser reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vague.ast.base import Identifier, Key, Node

# ---------------------------------------------------------------- literals


@dataclass(frozen=True, slots=True)
class NullLiteral(Node):
    """`null`."""


@dataclass(frozen=True, slots=True)
class BooleanLiteral(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class NumberLiteral(Node):
    """`12`, `1.5`, `2e3`; never signed (a sign is `Unary`, but see `LiteralPattern`).

    An `int` of any size without fraction and exponent, else a `float`. `text` as written.
    """

    value: int | float
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class StringLiteral(Node):
    """A string: `value` after escapes, `text` as written with its quotes."""

    value: str
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class DurationLiteral(Node):
    """`3 days`: a number and a unit of `vague.vocabulary.units`."""

    number: NumberLiteral
    unit: str

    @property
    def milliseconds(self) -> int | float:
        """Length in milliseconds."""
        return self.number.value * UNIT_MILLISECONDS[self.unit]


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A signed number, or a number with a word that is no unit, in an option value.

    Parsed so that the checker can speak (RQ307, RQ308); never executed.
    """

    negative: bool
    number: NumberLiteral
    unit: Identifier | None


_SECOND = 1000
UNIT_MILLISECONDS: dict[str, int] = {
    "ms": 1,
    "millisecond": 1,
    "milliseconds": 1,
    "second": _SECOND,
    "seconds": _SECOND,
    "minute": 60 * _SECOND,
    "minutes": 60 * _SECOND,
    "hour": 3600 * _SECOND,
    "hours": 3600 * _SECOND,
    "day": 86400 * _SECOND,
    "days": 86400 * _SECOND,
    "week": 7 * 86400 * _SECOND,
    "weeks": 7 * 86400 * _SECOND,
}

# ---------------------------------------------------------------- operands


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A plain name used as a value."""

    text: str


@dataclass(frozen=True, slots=True)
class Wildcard(Node):
    """`_` used as a value, which RQ220 refuses."""


@dataclass(frozen=True, slots=True)
class ContextField(Node):
    """`.name`: a field of the current context."""

    name: Identifier


@dataclass(frozen=True, slots=True)
class FieldAccess(Node):
    """`target.name`."""

    target: Expression
    name: Identifier


@dataclass(frozen=True, slots=True)
class IndexAccess(Node):
    """`target[index]`."""

    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(arguments)`; the callee is any operand, and the checker insists on a `Name`."""

    callee: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MethodCall(Node):
    """`target.name(arguments)`: the same as `name(target, arguments)`, but for stores."""

    target: Expression
    name: Identifier
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Spread(Node):
    """`...value` inside an array or object literal."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """`key: value` of an object literal or an option block."""

    key: Key
    value: OptionValue


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Node):
    """`[a, ...b]`."""

    items: tuple[Expression | Spread, ...]


@dataclass(frozen=True, slots=True)
class ObjectLiteral(Node):
    """`{ key: value, ...other }`; also the block of options of a step or definition."""

    entries: tuple[Entry | Spread, ...]


@dataclass(frozen=True, slots=True)
class Group(Node):
    """`(inner)`: kept for the formatter; it means what is in it."""

    inner: Expression


# ---------------------------------------------------------------- operators

UnaryOperator: TypeAlias = Literal["-", "+", "not"]
BinaryOperator: TypeAlias = Literal[
    "or", "and", "==", "!=", "<", "<=", ">", ">=", "contains", "startsWith", "endsWith",
    "in", "not in", "??", "+", "-", "*", "/", "%",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x`, `+x`, `not x` (also written `!x`)."""

    operator: UnaryOperator
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class IsTest(Node):
    """`operand is T`, `operand is not [T]`; `many` for the bracketed form."""

    operand: Expression
    negated: bool
    type_name: Identifier
    many: bool


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """`value | function(arguments)`: the same as `function(value, arguments)`."""

    value: Expression
    function: Identifier
    arguments: tuple[Expression, ...]
    with_parentheses: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`collection where condition`."""

    collection: Expression
    condition: Expression


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class IfExpression(Node):
    """`if condition then value else value`; without `else` it is null."""

    condition: Expression
    then: Expression
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class ExpressionArm(Node):
    """`pattern where guard => result`; without a subject the head is an expression or `_`."""

    head: Pattern
    guard: Expression | None
    result: Expression


@dataclass(frozen=True, slots=True)
class MatchExpression(Node):
    """`match subject { … }`; without a subject each arm's head is a condition."""

    subject: Expression | None
    arms: tuple[ExpressionArm, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """`any of collection where condition`."""

    collection: Expression
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """`(a, b) => body`; `with_parentheses` tells how a single parameter was written."""

    parameters: tuple[Identifier, ...]
    body: Expression
    with_parentheses: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class ErrorExpression(Node):
    """What could not be read; a diagnostic says why. Never executed."""


# ---------------------------------------------------------------- patterns


@dataclass(frozen=True, slots=True)
class WildcardPattern(Node):
    """`_`."""


@dataclass(frozen=True, slots=True)
class LiteralPattern(Node):
    """A string, signed number, `true`, `false` or `null`; `text` as written."""

    value: str | int | float | bool | None
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class NamePattern(Node):
    """A name: a schema if one is declared or it starts with a capital, else a binding."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldPattern(Node):
    """`key: pattern` of an object pattern."""

    key: Key
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class ObjectPattern(Node):
    """`{ key: pattern, … }`."""

    fields: tuple[FieldPattern, ...]


@dataclass(frozen=True, slots=True)
class RestPattern(Node):
    """`...rest`; `name` is None for `..._`."""

    name: Identifier | None


@dataclass(frozen=True, slots=True)
class ArrayPattern(Node):
    """`[a, b, ...rest]`; `[Schema]` is one `NamePattern` and means every element."""

    items: tuple[Pattern | RestPattern, ...]


@dataclass(frozen=True, slots=True)
class ValuePattern(Node):
    """An expression: matches an equal value; without a subject it is a condition."""

    value: Expression


# ---------------------------------------------------------------- options


@dataclass(frozen=True, slots=True)
class LastSync(Node):
    """`lastSync("key") { options }` as the value of `since`."""

    key: StringLiteral | None
    options: ObjectLiteral | None


Expression: TypeAlias = (
    NullLiteral
    | BooleanLiteral
    | NumberLiteral
    | StringLiteral
    | DurationLiteral
    | Quantity
    | Name
    | Wildcard
    | ContextField
    | FieldAccess
    | IndexAccess
    | Call
    | MethodCall
    | ArrayLiteral
    | ObjectLiteral
    | Group
    | Unary
    | Binary
    | IsTest
    | Pipe
    | Where
    | Conditional
    | IfExpression
    | MatchExpression
    | AnyOf
    | Lambda
    | ErrorExpression
)
Pattern: TypeAlias = (
    WildcardPattern | LiteralPattern | NamePattern | ObjectPattern | ArrayPattern | ValuePattern
)
OptionValue: TypeAlias = Expression | LastSync
