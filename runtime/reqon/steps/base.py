"""What steps and the engine agree on: the place where a step is bound and where it runs.

A step is bound once (`registry.py`) and run often. It never imports the engine: blocks, units,
requests and actions are reached through `StepContext`, which the engine's branches fulfil.
Protocols and values only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from reqon.errors import Place
from reqon.events.model import Event
from reqon.http.messages import HttpFailure, HttpReply, HttpRequest
from reqon.http.paging.merge import ItemPath
from reqon.journal.unit import Barrier, Unit
from reqon.plan.model import ActionPlan, Anchor, BlockPlan, MissionPlan, Options, StagePlan
from reqon.plan.policies import IdempotencyPolicy, RetryPolicy, RetryScope
from reqon.steps.bound import BoundBlock, BoundStage, Outcome, Slot
from reqon.steps.options import BoundOptions
from reqon.steps.positions import BlockPosition, Fits, LoopPosition, Position
from reqon.values.compile import Compiled, CompiledFilter, CompiledPattern
from reqon.values.reply import ReplyMeta
from reqon.values.scope import Names, RunFacts, Scope, StoreView, Value
from vague.ast.expressions import Expression, ObjectLiteral, Pattern

if TYPE_CHECKING:
    from reqon.steps.for_each import ForEachRunner

Json: TypeAlias = Any

# ---------------------------------------------------------------- binding


class Environment(Protocol):
    """One place of an action while it is bound; immutable, inner places derive from outer ones."""

    @property
    def names(self) -> Names:
        """What names mean here."""
        ...

    @property
    def depth(self) -> int:
        """Number of regions around: 0 in an action, one more in each loop body."""
        ...

    @property
    def plan(self) -> MissionPlan:
        """The plan being bound."""
        ...

    @property
    def action(self) -> ActionPlan:
        """The action being bound."""
        ...

    @property
    def loop_slot(self) -> str | None:
        """Slot of the innermost loop's variable."""
        ...

    def bind(self, name: str, like: Expression | None = None) -> tuple[Environment, Slot]:
        """A new binding, visible behind this place; `like` is what it is bound to."""
        ...

    def slot_of(self, name: str) -> Slot | None:
        """The slot of a visible variable; None for anything else."""
        ...

    def in_loop(self, name: str) -> tuple[Environment, Slot]:
        """The body of a loop over a variable of that name."""
        ...

    def expression(self, expression: Expression) -> Compiled:
        """The expression as a function, with the names of this place."""
        ...

    def held(self, expression: Expression) -> Compiled:
        """The same; of a plain name that stands for a reply, what it holds."""
        ...

    def expression_of(self, expression: Expression) -> Compiled:
        """The same, where `.name` is a field of the second argument."""
        ...

    def condition(self, expression: Expression) -> Compiled:
        """A condition: its result is true or false."""
        ...

    def condition_of(self, expression: Expression) -> Compiled:
        """The same, where `.name` is a field of the second argument."""
        ...

    def filter(self, condition: Expression, variable: str) -> CompiledFilter:
        """A condition about elements, which `.name` and the variable mean."""
        ...

    def object_of(self, body: ObjectLiteral) -> Compiled:
        """The body of a `map`, of its second argument."""
        ...

    def options(self, options: Options) -> BoundOptions:
        """An option block, evaluated in one go."""
        ...

    def pattern(self, pattern: Pattern) -> tuple[CompiledPattern, Environment]:
        """A pattern and the place where its bindings are visible."""
        ...

    def block(self, block: BlockPlan) -> BoundBlock:
        """The steps of an inner block."""
        ...

    def stages(self, stages: tuple[StagePlan, ...]) -> tuple[BoundStage, ...]:
        """The stages of a `run` step."""
        ...

    def transform(self, name: str) -> Callable[[Scope, Value], Value]:
        """A transform as a function of its input."""
        ...

    def mismatches(self, schema: str) -> Callable[[Scope, Value], list[str]] | None:
        """What of a value does not fit a schema; None where it is not declared."""
        ...


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class SourceInUse:
    """A source with its options evaluated. `retry` is its own policy, for all requests."""

    name: str
    base: str | None
    headers: Mapping[str, Value]
    timeout_ms: float
    retry: RetryPolicy | None
    idempotency: IdempotencyPolicy


@dataclass(frozen=True, slots=True)
class Sending:
    """A request to be sent. `page` (from 1) tells the pages of one step apart, 0 is no page.

    `params` and `body` are the program's values, for the name `request`. `delay` gives each wait
    before a retry in milliseconds where the program computes it; it may raise RunError.
    """

    request: HttpRequest
    source: SourceInUse
    timeout_ms: float
    retry: RetryPolicy | None
    scope: RetryScope
    page: int = 0
    params: Mapping[str, Value] | None = None
    body: Value = None
    delay: Callable[[], float | None] | None = None

    def of_page(self, request: HttpRequest, page: int) -> Sending:
        """The sending of one page."""
        return replace(self, request=request, page=page)


# ---------------------------------------------------------------- running


class IdFacts(RunFacts, Protocol):
    """What expressions may ask, and keys for records that have none."""

    def record_key(self, number: int, /) -> str:
        """The same key whenever this step runs at this place; `number` tells records apart."""
        ...


class StepContext(Protocol):
    """What a running step may do; one for each branch of execution."""

    slots: dict[str, Value]
    scope: Scope
    unit: Unit
    stack: list[Position]
    regions: list[BlockPosition]

    @property
    def facts(self) -> IdFacts:
        """Clock, ids, environment."""
        ...

    @property
    def action_name(self) -> str:
        """The action being run."""
        ...

    @property
    def last_source(self) -> str | None:
        """The source of the latest request of the action."""
        ...

    @property
    def item_limit(self) -> int | None:
        """How many items a loop may have in a trial."""
        ...

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be sent."""
        ...

    @property
    def unanswered(self) -> bool:
        """Whether data may be missing because a dry run did not fetch it."""
        ...

    def foresee(self, message: str) -> None:
        """A dry run tells what would be done here."""
        ...

    @property
    def resumes(self) -> bool:
        """Whether an earlier process left positions that are not taken up yet."""
        ...

    # variables

    def assign(self, slot: Slot, value: Value) -> None:
        """Put a value into a slot."""
        ...

    def set_response(self, value: Value) -> None:
        """Put a value into `response`."""
        ...

    def store(self, name: str) -> StoreView:
        """A store as this branch sees it."""
        ...

    # positions and blocks

    @property
    def top(self) -> Position:
        """The innermost construct."""
        ...

    def here(self) -> tuple[Position, str]:
        """Parent and suffix of a position at the present step."""
        ...

    def open(self, position: Position | None = None, fits: Fits | None = None) -> Position:
        """Enter a construct at the present step; `saved` is what an earlier process left.

        What it left is forgotten where it does not fit.
        """
        ...

    def close(self, position: Position) -> None:
        """Leave a construct that is done."""
        ...

    def linger(self, position: Position) -> None:
        """Leave a construct whose cells variables refer to; they go with the region."""
        ...

    def erase(self, position: Position) -> None:
        """Take away what the journal keeps of a position."""
        ...

    def unwind(self, position: Position) -> None:
        """Come back to a construct from wherever inside of it an error was raised."""
        ...

    def kept_value(self, position: Position, suffix: str) -> Value:
        """A value that an earlier process kept beside a cell."""
        ...

    async def run_block(self, block: BoundBlock, suffix: str = "b") -> Outcome:
        """Run an inner block in the present region."""
        ...

    async def run_steps(self, position: BlockPosition) -> Outcome:
        """Run the block on top of the stack from where it stands."""
        ...

    # loops

    async def loop_begins(self, position: LoopPosition) -> None:
        """A loop is entered, or taken up again."""
        ...

    def enter_body(self, body: BlockPosition) -> None:
        """Enter the body of a loop: a region of its own."""
        ...

    def resume_body(self, body: BlockPosition) -> None:
        """Take up the iteration that an earlier process was in, if there is one."""
        ...

    def holds_back(self, position: LoopPosition, every: int | None, body: BlockPosition) -> bool:
        """Whether the iteration that is complete is committed later, together with others."""
        ...

    async def end_iteration(self, position: LoopPosition, every: int | None) -> None:
        """An iteration is complete: the unit ends."""
        ...

    def loop_ends(self, position: LoopPosition) -> None:
        """All iterations are complete."""
        ...

    async def run_parallel(self, runner: ForEachRunner, position: LoopPosition) -> None:
        """Run the iterations in branches of their own, several at once."""
        ...

    async def breathe(self) -> None:
        """Let other tasks have their turn."""
        ...

    # actions

    async def run_action(self, name: str, jumped_from: str | None = None) -> None:
        """Run an action in a scope of its own.

        It may replace the credential of the source that it was jumped from for.
        """
        ...

    async def run_stages(self, stages: tuple[BoundStage, ...]) -> None:
        """Run a pipeline."""
        ...

    def count_try(self, anchor: Anchor, directive: str, most: int) -> int:
        """Count an arrival at a directive that goes back at most so often.

        Answers how many there were.
        """
        ...

    def wait_before(self, policy: RetryPolicy, attempt: int) -> float:
        """Milliseconds to wait before an attempt (from 2)."""
        ...

    async def wait(self, milliseconds: float, attempt: int, reason: str) -> None:
        """Wait before a further try; a long wait ends the unit of work first."""
        ...

    # requests

    def source(self, name: str) -> SourceInUse:
        """A source by its name."""
        ...

    def note_request(self, sending: Sending, path: str) -> None:
        """Make the request what `request` and `currentOperation` mean."""
        ...

    async def send(self, sending: Sending) -> HttpReply | HttpFailure:
        """Send; never raises for failures of the other side."""
        ...

    def calls_anew(self) -> None:
        """The next request of this place is another call, with a key of its own."""
        ...

    def took(self, reply: HttpReply) -> None:
        """A reply was accepted: credentials in it may be taken over."""
        ...

    def keep_reply(self, position: Position, value: Value, cell: Json) -> None:
        """Keep a large reply at its position, for variables to refer to."""
        ...

    def keep_page(
        self, position: Position, number: int, body: Json, json: bytes | None = None
    ) -> None:
        """Keep a page of a list; `json` is its JSON, where that is at hand."""
        ...

    def kept_page(self, position: Position, number: int) -> Json:
        """A page that an earlier process kept."""
        ...

    def keep_pages(
        self, position: Position, value: Value, pages: int, path: ItemPath | None, meta: ReplyMeta
    ) -> None:
        """The list is whole: variables refer to its pages."""
        ...

    def meta_to_keep(self, meta: ReplyMeta) -> Json:
        """The facts of a reply as JSON."""
        ...

    def kept_meta(self, kept: Json) -> ReplyMeta:
        """The inverse of `meta_to_keep`."""
        ...

    def show_pages(self, progress: Mapping[str, Any], items: int) -> None:
        """Pages and items so far, for the record."""
        ...

    def count_fetched(self, items: int) -> None:
        """So many items have arrived; they are the action's items if it has no loop."""
        ...

    def show_fetched(self, items: int) -> None:
        """The same for a reply that is no page, shown at once."""
        ...

    # incremental sync

    def last_sync(self, key: str) -> datetime | None:
        """The time of the last sync, as it was when the execution began."""
        ...

    def window_params(self, since_parameter: str) -> Mapping[str, Any]:
        """Further parameters of a window that the caller of the run set."""
        ...

    def kept_scope(self) -> None:
        """`lastSync` or `request` changed."""
        ...

    def propose_sync(self, key: str, last_sync: str, items: int, *, cursor: bool) -> None:
        """A complete fetch: a candidate for the next `lastSync`."""
        ...

    # telling

    def compare(self, schema: str, found: list[str]) -> None:
        """Warn where a `map` result does not fit its target schema."""
        ...

    def warn(self, message: str, kind: str = "other", place: Place | None = None) -> None:
        """Count a warning and tell it."""
        ...

    async def commit(self, kind: Any = "c", barrier: Barrier = Barrier.FRAME) -> None:
        """End the unit of work here."""
        ...

    def emit_later(self, event: Event) -> None:
        """Tell something when the next commit has made it true."""
        ...
