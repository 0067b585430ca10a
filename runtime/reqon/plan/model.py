"""The plan of a mission: what is going to run, as frozen values.

A plan is made from a checked program by `plan/build.py` and read by the engine, which binds its
expressions to functions when a run starts. It holds no secret, no handle and no function: it
prints, compares and is the same for the same program. Texts and places are for people and do not
take part in comparisons, so that layout and comments do not change a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reqon.errors import Place
from vague.ast.definitions import Schema, TypeExpression
from vague.ast.expressions import Expression, ObjectLiteral, Pattern
from vague.step_path import StepPath

Options: TypeAlias = Mapping[str, Expression]
"""An option block by canonical names; words are already string literals."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a step stands. `text` is how people recognise it, such as `get "/customers"`."""

    path: StepPath
    text: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """Steps in order. `path` is the address that the steps' indexes are appended to."""

    path: StepPath
    steps: tuple[StepPlan, ...]


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class PaginatePlan:
    """`paginate`: `kind` and options as written; `items` a path found in `until`, if any.

    `parameter` is the bare word or the literal; an expression for a computed one.
    """

    kind: str
    options: Options
    items: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SincePlan:
    """`since`: the time of the last sync (`value` is None), or any other value.

    `options` hold `sinceParam`, `sinceFormat`, `syncKey`, `updateFrom`, `sinceOverlap`.
    """

    value: Expression | None
    options: Options


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """`get "/path" { … }`. `source` is a name, an expression, or None for the default source.

    `guarded`: the next step is a `match` on `response`, so that a failure becomes a value.
    `counts_pages`: `until` names the page number, so that it may cut the fetch short.
    """

    site: Site
    method: str
    source: str | Expression | None
    path: Expression
    options: Options
    retry: Options | None
    paginate: PaginatePlan | None
    until: Expression | None
    since: SincePlan | None
    guarded: bool
    counts_pages: bool = False


# ---------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True)
class ForEachPlan:
    """`for`. `every` is N of `checkpoint every N`; `width` None means the action's concurrency.

    `identity`: fields of the element that tell it apart for people, most telling first.
    """

    site: Site
    variable: str
    collection: Expression
    where: Expression | None
    every: int | None
    parallel: bool
    width: Expression | None
    body: BlockPlan
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MapPlan:
    """`map`. `target_binds`: the target is a plain variable, not a schema."""

    site: Site
    value: Expression
    target: str
    target_binds: bool
    body: ObjectLiteral | None


@dataclass(frozen=True, slots=True)
class AssumePlan:
    """One `assume`, with its text and line for warnings and `failures`."""

    condition: Expression
    text: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ValidatePlan:
    """`validate`, with the block of its `or`."""

    site: Site
    subject: Expression | None
    assumptions: tuple[AssumePlan, ...]
    otherwise: BlockPlan | None


@dataclass(frozen=True, slots=True)
class StoreRecordPlan:
    """`store value -> target`; `options`: `key`, `upsert`, `partial`."""

    site: Site
    each: bool
    value: Expression
    target: str
    options: Options


@dataclass(frozen=True, slots=True)
class DeleteRecordPlan:
    """`delete store[key]`."""

    site: Site
    store: str
    key: Expression


@dataclass(frozen=True, slots=True)
class ClearPlan:
    """`clear store`."""

    site: Site
    store: str


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """An arm: without a subject, a `ValuePattern` head is a condition."""

    head: Pattern
    guard: Expression | None
    body: BlockPlan


@dataclass(frozen=True, slots=True)
class MatchPlan:
    """`match`, with the arms of its `catch` (None where it is not written)."""

    site: Site
    subject: Expression | None
    arms: tuple[ArmPlan, ...]
    catch: tuple[ArmPlan, ...] | None


@dataclass(frozen=True, slots=True)
class LetPlan:
    """`let`."""

    site: Site
    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """`apply transform to value as alias`."""

    site: Site
    transform: str
    value: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage of a pipeline: actions that run at the same time, perhaps under a condition."""

    actions: tuple[str, ...]
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """`run` as a step."""

    site: Site
    stages: tuple[StagePlan, ...]


# ---------------------------------------------------------------- directives


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a `retry` goes back to: step `index` of the block at `block`.

    `request`: that step is a request (else it is the start of a body).
    """

    block: StepPath
    index: int
    request: bool


@dataclass(frozen=True, slots=True)
class ContinuePlan:
    """`continue`; outside of an arm it does nothing."""

    site: Site
    in_arm: bool


@dataclass(frozen=True, slots=True)
class SkipPlan:
    """`skip`."""

    site: Site


@dataclass(frozen=True, slots=True)
class AbortPlan:
    """`abort message`."""

    site: Site
    message: Expression | None


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """`retry { options }`."""

    site: Site
    options: Options
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """`queue store { item, key }`; `parks`: as the direct body of an arm it acts like `skip`."""

    site: Site
    store: str
    options: Options
    parks: bool


@dataclass(frozen=True, slots=True)
class JumpPlan:
    """`jump action then …`; `anchor` where it retries afterwards."""

    site: Site
    action: str
    then: Literal["retry", "continue"]
    anchor: Anchor | None


@dataclass(frozen=True, slots=True)
class CustomStepPlan:
    """`name { options }`: a registered step."""

    site: Site
    name: str
    options: Options


StepPlan: TypeAlias = (
    RequestPlan
    | ForEachPlan
    | MapPlan
    | ValidatePlan
    | StoreRecordPlan
    | DeleteRecordPlan
    | ClearPlan
    | MatchPlan
    | LetPlan
    | ApplyPlan
    | RunPlan
    | ContinuePlan
    | SkipPlan
    | AbortPlan
    | RetryPlan
    | QueuePlan
    | JumpPlan
    | CustomStepPlan
)

# ---------------------------------------------------------------- definitions


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """An action. `loops`: it has a loop at its top, whose iterations are its items.

    `names`: the plain names its expressions use, which tell what has to be kept for a resume.
    """

    name: str
    site: Site
    concurrency: Expression | None
    body: BlockPlan
    loops: bool
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """A source; `options` as written, evaluated at load time."""

    name: str
    options: Options
    retry: Options | None
    spec: str | None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StorePlan:
    """A store; `adapter` is an expression over adapter calls, evaluated at load time."""

    name: str
    adapter: Expression
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """A variant of a transform; `input` is a schema's name, None takes anything."""

    input: str | None
    guard: Expression | None
    target: str
    body: ObjectLiteral


@dataclass(frozen=True, slots=True)
class TransformPlan:
    """A transform and its variants in order."""

    name: str
    variants: tuple[VariantPlan, ...]


@dataclass(frozen=True, slots=True)
class MissionLetPlan:
    """A mission's `let`; `uses_env`: it is evaluated again by a resume."""

    name: str
    value: Expression
    uses_env: bool
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """What a program is known by. Paths as given; hashes in hexadecimal.

    `plan_hash` covers everything, `action_hashes` each action by itself, and `part_hashes` what
    else a started execution depends on, by names for people: `pipeline`, `store 'customers'`.
    """

    path: str | None
    sha256: str
    plan_hash: str
    action_hashes: Mapping[str, str]
    part_hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MissionPlan:
    """Everything that a run of one mission needs to know of its program."""

    name: str
    facts: ProgramFacts
    options: Options
    schedule_retry: Options | None
    sources: Mapping[str, SourcePlan]
    stores: Mapping[str, StorePlan]
    schemas: Mapping[str, Schema]
    transforms: Mapping[str, TransformPlan]
    lets: tuple[MissionLetPlan, ...]
    actions: Mapping[str, ActionPlan]
    pipeline: tuple[StagePlan, ...]
    components: Mapping[str, TypeExpression] = field(default_factory=dict[str, TypeExpression])
    """Types of imported documents by dotted name."""

    @property
    def default_source(self) -> str | None:
        """The source of requests that name none."""
        return next(iter(self.sources), None)
