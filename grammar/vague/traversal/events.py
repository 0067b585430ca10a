"""What the walk tells beside the nodes themselves: names resolved, options read, conditions met.

A rule registers for an event as it does for a node. Spans count from the start of the element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vague.ast.base import Node
from vague.ast.expressions import (
    Entry,
    Expression,
    ExpressionArm,
    ObjectLiteral,
    StringLiteral,
)
from vague.ast.steps import Arm
from vague.text import Span
from vague.traversal.scopes import Binding
from vague.vocabulary.options import OptionBlock, OptionSpec

Kind: TypeAlias = Literal[
    "mission", "action", "source", "store", "schema", "transform", "let", "function", "operation",
    "type", "step", "local", "ambient",
]  # fmt: skip
"""What a name names. `type` are built-in type names, `ambient` names such as `response`."""

Role: TypeAlias = Literal[
    "declare", "read", "write", "run", "jump", "arm", "call", "pattern", "type", "spread", "target"
]
"""What is done with the thing named."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that must be a definition of a kind, with what is there under that name."""

    kind: Kind
    name: str
    span: Span
    role: Role
    known: bool
    node: Node
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class NameUse:
    """A plain name in an expression; `kind` is None when it means nothing."""

    name: str
    span: Span
    kind: Kind | None
    binding: Binding | None
    node: Node


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A function called with `count` arguments, whatever the form; `arguments` as given."""

    name: str
    span: Span
    arguments: tuple[Expression, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class Bound:
    """A local name was bound; `clash` is the one bound in the same block or pattern before."""

    binding: Binding
    clash: Binding | None


@dataclass(frozen=True, slots=True)
class OptionUse:
    """An option in its block; `spec` is None for one that the block does not have."""

    entry: Entry
    span: Span
    spec: OptionSpec | None
    block: OptionBlock
    holder: Node


@dataclass(frozen=True, slots=True)
class OptionBlockUse:
    """A block of options as a whole; `span` is where what is missing is reported."""

    options: ObjectLiteral
    block: OptionBlock
    span: Span
    holder: Node


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression whose truth decides something."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{name}` in a path string. `text` is what stands between the braces, at `span`."""

    text: str
    span: Span
    known: bool
    literal: StringLiteral


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of a `match` with the span of its keyword; `form` tells where they stand."""

    arms: tuple[Arm, ...] | tuple[ExpressionArm, ...]
    has_subject: bool
    form: Literal["step", "catch", "expression"]
    span: Span
    node: Node


@dataclass(frozen=True, slots=True)
class ElementEnd:
    """The walk over an element is complete; `node` is the element."""

    node: Node


@dataclass(frozen=True, slots=True)
class Callee:
    """What is called without being a named function."""

    node: Node
    span: Span


@dataclass(frozen=True, slots=True)
class MisplacedLambda:
    """A function value that is not an argument."""

    node: Node


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """The last step of a block was walked; what the block binds is still in sight.

    `span` is that of the block with its braces, or of the whole action.
    """

    span: Span
