"""Steps: what an action does, one class a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vague.ast.base import Identifier, Node, Placed
from vague.ast.expressions import (
    Expression,
    ObjectLiteral,
    Pattern,
    Quantity,
    StringLiteral,
)


@dataclass(frozen=True, slots=True)
class Block(Node):
    """`{ … }` around steps. `steps` are placed relative to the element that holds the block."""

    steps: tuple[Placed[Step], ...]

    @property
    def nodes(self) -> tuple[Step, ...]:
        """The steps without their places."""
        return tuple(placed.node for placed in self.steps)


Method: TypeAlias = Literal["get", "post", "put", "patch", "delete"]


@dataclass(frozen=True, slots=True)
class Request(Node):
    """`get Source "/path" from Source { options }`. `shout`: the method was in capitals."""

    method: Method
    source: Identifier | None
    path: Expression
    from_source: Identifier | None
    options: ObjectLiteral | None
    shout: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class CallOperation(Node):
    """`call Source.operation { options }`."""

    source: Identifier
    operation: Identifier | StringLiteral
    options: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class CheckpointClause(Node):
    """`checkpoint every N`; only a whole number from 1 is valid, RQ315 refuses the rest."""

    every: Expression | Quantity


@dataclass(frozen=True, slots=True)
class ParallelClause(Node):
    """`parallel N`; without a number the action's `concurrency` counts."""

    width: Expression | Quantity | None


@dataclass(frozen=True, slots=True)
class WhereClause(Node):
    """`where condition` of a loop."""

    condition: Expression


ForClause: TypeAlias = WhereClause | CheckpointClause | ParallelClause


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """`for variable in collection clauses { body }`; clauses as written, RQ302 if one twice."""

    variable: Identifier
    collection: Expression
    clauses: tuple[ForClause, ...]
    body: Block

    @property
    def where(self) -> Expression | None:
        """The condition, if there is one."""
        return next((c.condition for c in self.clauses if isinstance(c, WhereClause)), None)

    @property
    def checkpoint(self) -> CheckpointClause | None:
        """The `checkpoint every N` clause, if there is one."""
        return next((c for c in self.clauses if isinstance(c, CheckpointClause)), None)

    @property
    def parallel(self) -> ParallelClause | None:
        """The `parallel` clause, if there is one."""
        return next((c for c in self.clauses if isinstance(c, ParallelClause)), None)


@dataclass(frozen=True, slots=True)
class Map(Node):
    """`map value -> Target { body }`; without a body the result is the value."""

    value: Expression
    target: Identifier
    body: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class Assume(Node):
    """`assume condition`, in `validate` and in schemas."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Validate(Node):
    """`validate subject { assume … } or { … }`."""

    subject: Expression | None
    assumptions: tuple[Assume, ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class StoreRecord(Node):
    """`store each value -> target { key, upsert, partial }`."""

    each: bool
    value: Expression
    target: Identifier
    options: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class DeleteRecord(Node):
    """`delete store[key]`."""

    store: Identifier
    key: Expression


@dataclass(frozen=True, slots=True)
class Clear(Node):
    """`clear store`."""

    store: Identifier


@dataclass(frozen=True, slots=True)
class Arm(Node):
    """`pattern where guard -> body`; the body is a block, one step, or an action's name."""

    head: Pattern
    guard: Expression | None
    body: Block | Placed[Step] | Identifier


@dataclass(frozen=True, slots=True)
class MatchStep(Node):
    """`match subject { arms } catch { arms }`; `catch` is None where it is not written."""

    subject: Expression | None
    arms: tuple[Arm, ...]
    catch: tuple[Arm, ...] | None


@dataclass(frozen=True, slots=True)
class Let(Node):
    """`let name = value`, as a step, in a mission and at top level."""

    name: Identifier
    value: Expression


@dataclass(frozen=True, slots=True)
class Wait(Node):
    """`wait { options }`."""

    options: ObjectLiteral


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """`apply transform to value as alias`."""

    transform: Identifier
    value: Expression
    alias: Identifier | None


@dataclass(frozen=True, slots=True)
class Stage(Node):
    """`Action`, or `[A, B]` (`grouped`), with an optional condition."""

    actions: tuple[Identifier, ...]
    grouped: bool
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Run(Node):
    """`run stage then stage`: a mission's pipeline, and the step of the same form."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """`continue`."""


@dataclass(frozen=True, slots=True)
class Skip(Node):
    """`skip`."""


@dataclass(frozen=True, slots=True)
class Abort(Node):
    """`abort message`."""

    message: Expression | None


@dataclass(frozen=True, slots=True)
class Retry(Node):
    """`retry { options }`."""

    options: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class Queue(Node):
    """`queue store { item, key }`."""

    store: Identifier | None
    options: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class Jump(Node):
    """`jump action then retry`; `then` is None where nothing is written."""

    action: Identifier
    then: Literal["retry", "continue"] | None


@dataclass(frozen=True, slots=True)
class CustomStep(Node):
    """`name { options }`: a step that a plug-in registered."""

    name: Identifier
    options: ObjectLiteral


@dataclass(frozen=True, slots=True)
class MisplacedMember(Node):
    """A mission member found in an action (RQ113)."""

    member: Node


@dataclass(frozen=True, slots=True)
class ErrorStep(Node):
    """What could not be read; a diagnostic says why. `children`: blocks in it that could be."""

    children: tuple[Block, ...] = field(default=())


Directive: TypeAlias = Continue | Skip | Abort | Retry | Queue | Jump
Step: TypeAlias = (
    Request
    | CallOperation
    | ForEach
    | Map
    | Validate
    | StoreRecord
    | DeleteRecord
    | Clear
    | MatchStep
    | Let
    | Wait
    | Apply
    | Run
    | Directive
    | CustomStep
    | MisplacedMember
    | ErrorStep
)
