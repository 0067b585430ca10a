"""Definitions: files, missions and what they declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, TypeAlias

from vague.ast.base import Identifier, Key, Node, Placed
from vague.ast.expressions import Expression, ObjectLiteral, OptionValue, Quantity, StringLiteral
from vague.ast.steps import Assume, Let, Run, Step

# ---------------------------------------------------------------- types of schemas


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """`string`, `Customer`, `warehouse.Bin`: the parts of a dotted name."""

    parts: tuple[Identifier, ...]

    @property
    def text(self) -> str:
        """The dotted name."""
        return ".".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class ArrayType(Node):
    """`array<T>` or `[T]`; `bracketed` tells which was written."""

    element: TypeExpression
    bracketed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectType(Node):
    """`{ field: type … }`."""

    items: tuple[SchemaItem, ...]


@dataclass(frozen=True, slots=True)
class LiteralType(Node):
    """`"text"`, `3`, `true`, `null`: exactly that value; `text` as written."""

    value: str | int | float | bool | None
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class OptionalType(Node):
    """`T?`."""

    inner: TypeExpression


@dataclass(frozen=True, slots=True)
class UnionType(Node):
    """`A | B`."""

    alternatives: tuple[TypeExpression, ...]


TypeExpression: TypeAlias = (
    NamedType | ArrayType | ObjectType | LiteralType | OptionalType | UnionType
)


@dataclass(frozen=True, slots=True)
class SchemaField(Node):
    """`name?: type`."""

    key: Key
    optional: bool
    type: TypeExpression


@dataclass(frozen=True, slots=True)
class SchemaSpread(Node):
    """`...Base`."""

    name: Identifier


SchemaItem: TypeAlias = SchemaField | SchemaSpread | Assume

# ---------------------------------------------------------------- definitions


@dataclass(frozen=True, slots=True)
class Source(Node):
    """`source Name from "spec" { options }`."""

    name: Identifier
    spec: StringLiteral | None
    options: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class Store(Node):
    """`store name: adapter("identifier")`."""

    name: Identifier
    adapter: Expression


@dataclass(frozen=True, slots=True)
class Schema(Node):
    """`schema Name from base.Component { items }`."""

    name: Identifier
    base: tuple[Identifier, ...] | None
    items: tuple[SchemaItem, ...]


@dataclass(frozen=True, slots=True)
class TransformVariant(Node):
    """`(Schema) where guard -> Target { body }`; `input` is None for `_` and for "any"."""

    input: Identifier | None
    guard: Expression | None
    target: Identifier
    body: ObjectLiteral


@dataclass(frozen=True, slots=True)
class Transform(Node):
    """`transform Name: Schema -> Target { … }`, or several variants (`overloaded`)."""

    name: Identifier
    variants: tuple[TransformVariant, ...]
    overloaded: bool


@dataclass(frozen=True, slots=True)
class Option(Node):
    """`key: value` of a mission or an action."""

    key: Key
    value: OptionValue


@dataclass(frozen=True, slots=True)
class Schedule(Node):
    """`schedule: every 5 minutes { options }`.

    `value` is a `Quantity` (with its unit) for `every`, a string for `cron` and `at`.
    """

    kind: Literal["every", "cron", "at"]
    value: Quantity | StringLiteral
    options: ObjectLiteral | None


_NODE: Callable[[Placed[Node]], Node] = attrgetter("node")


@dataclass(frozen=True, slots=True)
class Action(Node):
    """`action Name { … }`. `elements` are placed relative to the action, options among steps."""

    name: Identifier
    elements: tuple[Placed[Option | Step], ...]
    _has_options: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        has_options = Option in set(map(type, map(_NODE, self.elements)))
        object.__setattr__(self, "_has_options", has_options)

    @property
    def steps(self) -> tuple[Placed[Step], ...]:
        """The steps alone: a `StepPath` counts these."""
        if not self._has_options:
            return self.elements  # pyright: ignore[reportReturnType] - no option among them
        return tuple(
            placed  # pyright: ignore[reportReturnType]
            for placed in self.elements
            if not isinstance(placed.node, Option)
        )

    @property
    def options(self) -> tuple[Placed[Option], ...]:
        """The options alone."""
        if not self._has_options:
            return ()
        return tuple(
            placed  # pyright: ignore[reportReturnType]
            for placed in self.elements
            if isinstance(placed.node, Option)
        )


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import "file"` or `import namespace from "spec"`."""

    namespace: Identifier | None
    path: StringLiteral


@dataclass(frozen=True, slots=True)
class DatasetEntry(Node):
    """`field: count of Schema`."""

    key: Key
    count: Expression | Quantity
    schema: Identifier


@dataclass(frozen=True, slots=True)
class Dataset(Node):
    """`dataset Name { … }`: checked and otherwise ignored."""

    name: Identifier
    entries: tuple[DatasetEntry, ...]


@dataclass(frozen=True, slots=True)
class ErrorMember(Node):
    """What could not be read; a diagnostic says why.

    `kind` and `name` are what its head still told (such as `action`, `Fetch`), so that
    references to it are not called unknown.
    """

    kind: str | None = None
    name: Identifier | None = None


Definition: TypeAlias = Source | Store | Schema | Transform | Action
Member: TypeAlias = Definition | Schedule | Option | Import | Let | Run | ErrorMember | Step


@dataclass(frozen=True, slots=True)
class Mission(Node):
    """`mission Name { members }`; a step or dataset among them is RQ113."""

    name: Identifier
    members: tuple[Placed[Member | Dataset], ...]


Item: TypeAlias = (
    Mission | Import | Dataset | Definition | Let | Run | Option | Schedule | Step | ErrorMember
)


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole file; what stands there and may not (`Run`, options, `Schedule`, steps) is RQ113."""

    items: tuple[Placed[Item], ...]
