"""Walks steps: opens blocks, binds what they bind, and says what `.name` means inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from vague.ast.base import Placed
from vague.ast.expressions import Expression, LastSync, Name, StringLiteral
from vague.ast.steps import (
    Abort,
    Apply,
    Arm,
    Block,
    CallOperation,
    CheckpointClause,
    Clear,
    CustomStep,
    DeleteRecord,
    ErrorStep,
    ForEach,
    Jump,
    Let,
    Map,
    MatchStep,
    ParallelClause,
    Queue,
    Request,
    Retry,
    Run,
    Step,
    StoreRecord,
    Validate,
    Wait,
    WhereClause,
)
from vague.text import Span
from vague.traversal.events import Arms, BlockEnd, Bound, Reference
from vague.traversal.expressions import (
    bind,
    refer,
    visit,
    visit_condition,
    visit_head,
    visit_path,
)
from vague.traversal.findings import Occurrence
from vague.traversal.options import OptionPlace, option_of, visit_options
from vague.traversal.scopes import Binding, BindingKind, Context, ContextKind
from vague.traversal.state import ListFrame, Walk, implicit
from vague.traversal.stretches import visit_in_stretches


def visit_steps(steps: tuple[Placed[Step], ...], entered_by: str, walk: Walk) -> None:
    """Walk a list of steps in the current block. `entered_by`: see `ListFrame`."""
    walk.frames.append(ListFrame(steps, entered_by))
    if walk.known is None:
        _visit_some(0, len(steps), walk)
    else:
        visit = partial(_visit_some, walk=walk)
        visit_in_stretches(steps, walk, walk.known, visit)
    walk.frames.pop()


def _visit_some(start: int, end: int, walk: Walk) -> None:
    """Walk the steps of the current list from an index up to another."""
    frame = walk.frames[-1]
    steps = frame.steps
    for index in range(start, end):
        frame.index = index
        placed = steps[index]
        with walk.inside(placed):
            visit_step(placed.node, walk)
        if isinstance(placed.node, Request | CallOperation):
            frame.follows_request = True


def visit_block(block: Block, entered_by: str, walk: Walk) -> None:
    """Walk the steps between two braces, in the scope that was opened for them."""
    visit_steps(block.steps, entered_by, walk)
    walk.tell(BlockEnd(walk.span(block)))


def visit_step(step: Step, walk: Walk) -> None:
    """Walk one step."""
    walk.tell(step)
    handler = _HANDLERS.get(type(step))
    if handler is not None:
        handler(step, walk)


def keyword_span(step: Step, word: str, walk: Walk) -> Span:
    """The first word of a step."""
    start = walk.span(step).start
    return Span(start, start + len(word))


# ---------------------------------------------------------------- requests


def _request(step: Request, walk: Walk) -> None:
    for name in (step.source, step.from_source):
        if name is not None:
            refer("source", name, "call", walk)
    if step.source is None and step.from_source is None:
        walk.found.uses_default_source |= option_of(step.options, "source") is None
    visit_path(step.path, walk)
    if step.options is not None:
        span = keyword_span(step, step.method, walk)
        visit_options(step.options, "request", OptionPlace(step, span), walk)


def _call(step: CallOperation, walk: Walk) -> None:
    refer("source", step.source, "call", walk)
    operation = step.operation
    text = operation.value if isinstance(operation, StringLiteral) else operation.text
    walk.found.occurrences.append(Occurrence("operation", text, walk.span(operation), "call"))
    if step.options is not None:
        at = OptionPlace(step, keyword_span(step, "call", walk))
        visit_options(step.options, "call", at, walk)


# ---------------------------------------------------------------- loops


def _for_each(step: ForEach, walk: Walk) -> None:
    visit(step.collection, walk)
    variable = Binding(
        step.variable.text, BindingKind.LOOP, walk.span(step.variable), step.collection
    )
    with walk.block():
        walk.tell(Bound(variable, walk.bind(variable)))
        for clause in step.clauses:
            walk.tell(clause)
            _visit_clause(clause, step, variable, walk)
        walk.loops.append(step)
        context = Context(ContextKind.ITEM, step.collection, element_of=True, variable=variable)
        entered_by = "for" if step.parallel is None else "parallel"
        with walk.block(context):
            visit_block(step.body, entered_by, walk)
        walk.loops.pop()


def _visit_clause(clause: object, step: ForEach, variable: Binding, walk: Walk) -> None:
    if isinstance(clause, WhereClause):
        context = Context(ContextKind.ELEMENT, step.collection, element_of=True, variable=variable)
        with walk.meaning(context):
            visit_condition(clause.condition, walk)
    elif isinstance(clause, CheckpointClause):
        _visit_size(clause.every, walk)
    elif isinstance(clause, ParallelClause) and clause.width is not None:
        _visit_size(clause.width, walk)


def _visit_size(size: Expression, walk: Walk) -> None:
    """Only a literal is right here, so a name is not looked up: one message is enough."""
    if isinstance(size, Name):
        binding = walk.scope.find(size.text)
        if binding is not None:
            walk.found.used.add(binding)


# ---------------------------------------------------------------- data


def _map(step: Map, walk: Walk) -> None:
    visit(step.value, walk)
    if step.body is not None:
        with walk.meaning(Context(ContextKind.INPUT, step.value)):
            visit(step.body, walk)
    name = step.target
    if walk.has("schema", name.text):
        refer("schema", name, "target", walk)
    elif name.text[:1].islower():
        binding = Binding(name.text, BindingKind.TARGET, walk.span(name), step.body or step.value)
        walk.bind(binding)
        walk.tell(Bound(binding, None))


def _apply(step: Apply, walk: Walk) -> None:
    refer("transform", step.transform, "read", walk)
    visit(step.value, walk)
    if step.alias is not None:
        bind(step.alias, BindingKind.ALIAS, None, walk)


def _let(step: Let, walk: Walk) -> None:
    visit(step.value, walk)
    bind(step.name, BindingKind.LET, step.value, walk)


def _validate(step: Validate, walk: Walk) -> None:
    context = walk.context
    if step.subject is not None:
        visit(step.subject, walk)
        context = Context(ContextKind.TARGET, step.subject)
    with walk.meaning(context):
        for assume in step.assumptions:
            walk.tell(assume)
            visit_condition(assume.condition, walk)
    if step.otherwise is not None:
        with walk.block():
            walk.bind(implicit("failures", BindingKind.FAILURES))
            visit_block(step.otherwise, "or", walk)


def _store(step: StoreRecord, walk: Walk) -> None:
    visit(step.value, walk)
    refer("store", step.target, "write", walk)
    if step.options is not None:
        span = keyword_span(step, "store", walk)
        visit_options(step.options, "store", OptionPlace(step, span, step.value), walk)


def _delete(step: DeleteRecord, walk: Walk) -> None:
    refer("store", step.store, "write", walk)
    visit(step.key, walk)


def _clear(step: Clear, walk: Walk) -> None:
    refer("store", step.store, "write", walk)


def _queue(step: Queue, walk: Walk) -> None:
    span = keyword_span(step, "queue", walk)
    if step.store is not None:
        refer("store", step.store, "write", walk)
    else:
        known = walk.has("store", "dlq")
        walk.found.occurrences.append(Occurrence("store", "dlq", span, "write"))
        walk.tell(Reference("store", "dlq", span, "write", known, step, quoted=True))
    if step.options is not None:
        item = option_of(step.options, "item")
        origin = None if item is None or isinstance(item.value, LastSync) else item.value
        visit_options(step.options, "queue", OptionPlace(step, span, origin), walk)


# ---------------------------------------------------------------- match


def _match(step: MatchStep, walk: Walk) -> None:
    if step.subject is not None:
        visit(step.subject, walk)
    keyword = keyword_span(step, "match", walk)
    walk.tell(Arms(step.arms, step.subject is not None, "step", keyword, step))
    for arm in step.arms:
        _arm(arm, step.subject, "arm", ContextKind.MATCHED, walk)
    if step.catch is not None:
        walk.tell(Arms(step.catch, has_subject=True, form="catch", span=keyword, node=step))
        for arm in step.catch:
            _arm(arm, None, "catch", ContextKind.ERROR, walk)


def _arm(
    arm: Arm, subject: Expression | None, entered_by: str, kind: ContextKind, walk: Walk
) -> None:
    walk.tell(arm)
    with walk.block():
        visit_head(arm, subject, walk, kind)
        body = arm.body
        if isinstance(body, Block):
            with walk.block():
                visit_block(body, entered_by, walk)
        elif isinstance(body, Placed):
            visit_steps((body,), entered_by, walk)
        else:
            refer("action", body, "arm", walk)


# ---------------------------------------------------------------- flow


def _run(step: Run, walk: Walk) -> None:
    visit_stages(step, walk)


def visit_stages(step: Run, walk: Walk) -> None:
    """Walk the stages of a pipeline, be it a mission's or a step's."""
    for stage in step.stages:
        walk.tell(stage)
        for action in stage.actions:
            refer("action", action, "run", walk)
        if stage.condition is not None:
            with walk.in_pipeline():
                visit_condition(stage.condition, walk)


def _jump(step: Jump, walk: Walk) -> None:
    refer("action", step.action, "jump", walk)


def _abort(step: Abort, walk: Walk) -> None:
    if step.message is not None:
        visit(step.message, walk)


def _retry(step: Retry, walk: Walk) -> None:
    if step.options is not None:
        span = keyword_span(step, "retry", walk)
        visit_options(step.options, "retry", OptionPlace(step, span), walk)


def _wait(step: Wait, walk: Walk) -> None:
    at = OptionPlace(step, keyword_span(step, "wait", walk))
    visit_options(step.options, "wait", at, walk)


def _custom(step: CustomStep, walk: Walk) -> None:
    kind = walk.surroundings.facts.vocabulary.custom_steps.get(step.name.text)
    walk.found.occurrences.append(Occurrence("step", step.name.text, walk.span(step.name), "call"))
    if kind is not None and kind.options is not None:
        at = OptionPlace(step, walk.span(step.name))
        visit_options(step.options, kind.options, at, walk)
    elif kind is not None:
        visit(step.options, walk)


def _error(step: ErrorStep, walk: Walk) -> None:
    for block in step.children:
        with walk.block():
            visit_block(block, "arm", walk)


_HANDLERS: Mapping[type, Callable[[Any, Walk], None]] = {
    Request: _request,
    CallOperation: _call,
    ForEach: _for_each,
    Map: _map,
    Validate: _validate,
    StoreRecord: _store,
    DeleteRecord: _delete,
    Clear: _clear,
    MatchStep: _match,
    Let: _let,
    Wait: _wait,
    Apply: _apply,
    Run: _run,
    Abort: _abort,
    Retry: _retry,
    Queue: _queue,
    Jump: _jump,
    CustomStep: _custom,
    ErrorStep: _error,
}
