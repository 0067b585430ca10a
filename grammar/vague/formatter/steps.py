"""Templates of steps. What a template is, `vague.formatter.weave` says.

A block of several steps always has a line for each; a single step stays in the line of its braces
where its author wrote it so, it fits, and it has no block of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vague.ast.base import Node, Placed
from vague.ast.expressions import Expression, ObjectLiteral
from vague.ast.steps import (
    Abort,
    Apply,
    Arm,
    Assume,
    Block,
    CallOperation,
    CheckpointClause,
    Clear,
    Continue,
    CustomStep,
    DeleteRecord,
    ForEach,
    Jump,
    Let,
    Map,
    MatchStep,
    MisplacedMember,
    ParallelClause,
    Queue,
    Request,
    Retry,
    Run,
    Skip,
    Stage,
    StoreRecord,
    Validate,
    Wait,
    WhereClause,
)
from vague.formatter.expressions import (
    ANY,
    DEDENT,
    END,
    GROUP,
    INDENT,
    LINE,
    SPACE,
    head_and_guard,
    options,
)
from vague.formatter.weave import Item, Template, bracketed

_NESTING = (ForEach, MatchStep, Validate)


def lines(elements: Sequence[Placed[Node]]) -> Sequence[Item]:
    """Braces around steps; several never share a line, nor does one that has a block of its own."""
    nests = any(isinstance(element.node, _NESTING) for element in elements)
    return bracketed(elements, always=nests or len(elements) > 1)


def _block(node: Block) -> Sequence[Item]:
    return lines(node.steps)


def _request(node: Request) -> Sequence[Item]:
    source: Sequence[Item] = () if node.source is None else (node.source, SPACE)
    origin: Sequence[Item] = (
        () if node.from_source is None else (SPACE, "from", SPACE, node.from_source)
    )
    return (ANY, SPACE, *source, node.path, *origin, *options(node.options))


def _call(node: CallOperation) -> Sequence[Item]:
    return ("call", SPACE, node.source, ".", node.operation, *options(node.options))


def _for_each(node: ForEach) -> Sequence[Item]:
    head: list[Item] = ["for", SPACE, node.variable, SPACE, "in", SPACE, node.collection]
    # Two steps of indentation, so that clauses on lines of their own stand apart from the body.
    head.extend((INDENT, INDENT))
    for clause in node.clauses:
        head.extend((LINE, clause))
    return (GROUP, *head, DEDENT, DEDENT, END, SPACE, node.body)


def _where_clause(node: WhereClause) -> Sequence[Item]:
    return ("where", SPACE, node.condition)


def _checkpoint(node: CheckpointClause) -> Sequence[Item]:
    return ("checkpoint", SPACE, "every", SPACE, node.every)


def _parallel(node: ParallelClause) -> Sequence[Item]:
    return ("parallel",) if node.width is None else ("parallel", SPACE, node.width)


def _map(node: Map) -> Sequence[Item]:
    return ("map", SPACE, node.value, SPACE, "->", SPACE, node.target, *options(node.body))


def _assume(node: Assume) -> Sequence[Item]:
    return ("assume", SPACE, node.condition)


def _validate(node: Validate) -> Sequence[Item]:
    otherwise: Sequence[Item] = (
        () if node.otherwise is None else (SPACE, "or", SPACE, node.otherwise)
    )
    assumes = bracketed(node.assumptions, always=len(node.assumptions) > 1)
    return ("validate", *_subject(node.subject), SPACE, *assumes, *otherwise)


def _subject(node: Expression | None) -> Sequence[Item]:
    return () if node is None else (SPACE, node)


def _store(node: StoreRecord) -> Sequence[Item]:
    each = (SPACE, "each") if node.each else ()
    head: Sequence[Item] = ("store", *each, SPACE, node.value, SPACE, "->", SPACE, node.target)
    if node.options is not None and isinstance(node.value, ObjectLiteral):
        # A long record is opened before its options are.
        return (*head, SPACE, *bracketed(node.options.entries, tight=True))
    return (*head, *options(node.options))


def _delete(node: DeleteRecord) -> Sequence[Item]:
    return ("delete", SPACE, node.store, "[", node.key, "]")


def _clear(node: Clear) -> Sequence[Item]:
    return ("clear", SPACE, node.store)


def _match(node: MatchStep) -> Sequence[Item]:
    catch = () if node.catch is None else (SPACE, "catch", SPACE, *bracketed(node.catch))
    return ("match", *_subject(node.subject), SPACE, *bracketed(node.arms), *catch)


def _arm(node: Arm) -> Sequence[Item]:
    return (*head_and_guard(node.head, node.guard), SPACE, "->", SPACE, node.body)


def _let(node: Let) -> Sequence[Item]:
    return ("let", SPACE, node.name, SPACE, "=", SPACE, node.value)


def _wait(node: Wait) -> Sequence[Item]:
    return ("wait", SPACE, node.options)


def _apply(node: Apply) -> Sequence[Item]:
    alias: Sequence[Item] = () if node.alias is None else (SPACE, "as", SPACE, node.alias)
    return ("apply", SPACE, node.transform, SPACE, "to", SPACE, node.value, *alias)


def _run(node: Run) -> Sequence[Item]:
    first, *others = node.stages
    items: list[Item] = [GROUP, "run", SPACE, first, INDENT]
    for stage in others:
        items.extend((LINE, "then", SPACE, stage))
    return (*items, DEDENT, END)


def _stage(node: Stage) -> Sequence[Item]:
    condition: Sequence[Item] = (
        () if node.condition is None else (SPACE, "if", SPACE, node.condition)
    )
    if node.grouped:
        return (*bracketed(node.actions, "[]", comma=","), *condition)
    return (*node.actions, *condition)


def _word(_: Node) -> Sequence[Item]:
    return (ANY,)


def _abort(node: Abort) -> Sequence[Item]:
    return ("abort",) if node.message is None else ("abort", SPACE, node.message)


def _retry(node: Retry) -> Sequence[Item]:
    return ("retry", *options(node.options))


def _queue(node: Queue) -> Sequence[Item]:
    store: Sequence[Item] = () if node.store is None else (SPACE, node.store)
    return ("queue", *store, *options(node.options))


def _jump(node: Jump) -> Sequence[Item]:
    then = () if node.then is None else (SPACE, "then", SPACE, node.then)
    return ("jump", SPACE, node.action, *then)


def _custom(node: CustomStep) -> Sequence[Item]:
    return (node.name, SPACE, node.options)


def _misplaced(node: MisplacedMember) -> Sequence[Item]:
    return (node.member,)


STEP_TEMPLATES: Mapping[type[Node], Template] = {
    Block: _block,
    Request: _request,
    CallOperation: _call,
    ForEach: _for_each,
    WhereClause: _where_clause,
    CheckpointClause: _checkpoint,
    ParallelClause: _parallel,
    Map: _map,
    Assume: _assume,
    Validate: _validate,
    StoreRecord: _store,
    DeleteRecord: _delete,
    Clear: _clear,
    MatchStep: _match,
    Arm: _arm,
    Let: _let,
    Wait: _wait,
    Apply: _apply,
    Run: _run,
    Stage: _stage,
    Continue: _word,
    Skip: _word,
    Abort: _abort,
    Retry: _retry,
    Queue: _queue,
    Jump: _jump,
    CustomStep: _custom,
    MisplacedMember: _misplaced,
}
