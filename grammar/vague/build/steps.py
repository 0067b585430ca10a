"""Trees of steps to nodes, one function a step."""

from __future__ import annotations

from typing import Any, cast

from vague.ast.base import Identifier, Placed
from vague.ast.expressions import StringLiteral
from vague.ast.steps import (
    Abort,
    Apply,
    Arm,
    Assume,
    Block,
    CallOperation,
    Clear,
    Continue,
    CustomStep,
    DeleteRecord,
    ForEach,
    Jump,
    Let,
    Map,
    MatchStep,
    Method,
    Queue,
    Request,
    Retry,
    Run,
    Skip,
    Stage,
    StoreRecord,
    Validate,
    Wait,
)
from vague.build import loops
from vague.build.expressions import single
from vague.build.options import optional_block
from vague.build.patterns import arm_head, condition_head, expect_arrow
from vague.build.reader import Builder, Reader, declared
from vague.peg import Tree


def _block(reader: Reader, tree: Tree) -> Block:
    return Block(reader.span(tree), reader.placed(tree))


def _request(reader: Reader, tree: Tree) -> Request:
    method, source, path, origin, options = tree.parts
    written = reader.written(method)
    return Request(
        reader.span(tree),
        cast("Method", written.lower()),
        None if source is None else declared(reader, source),
        reader.build(path),
        None if origin is None else declared(reader, origin.parts[1]),
        optional_block(reader, options),
        shout=written.isupper(),
    )


def _call(reader: Reader, tree: Tree) -> CallOperation:
    _, source, _, operation, options = tree.parts
    name: Identifier | StringLiteral = reader.build(operation)
    return CallOperation(
        reader.span(tree), declared(reader, source), name, optional_block(reader, options)
    )


def _for_each(reader: Reader, tree: Tree) -> ForEach:
    _, each, variable, second, _, collection, clauses, body = tree.parts
    if each is not None:
        loops.report_each(reader, each)
    if second is not None:
        loops.report_second_variable(reader, second)
    built = (reader.build(clause) for clause in clauses)
    return ForEach(
        reader.span(tree),
        declared(reader, variable),
        reader.build(collection),
        tuple(clause for clause in built if clause is not None),
        _block(reader, body),
    )


def _map(reader: Reader, tree: Tree) -> Map:
    _, value, arrow, target, body = tree.parts
    expect_arrow(reader, arrow, "->")
    return Map(
        reader.span(tree),
        reader.build(value),
        declared(reader, target),
        optional_block(reader, body),
    )


def _apply(reader: Reader, tree: Tree) -> Apply:
    _, transform, _, value, alias = tree.parts
    return Apply(
        reader.span(tree),
        declared(reader, transform),
        reader.build(value),
        None if alias is None else declared(reader, alias.parts[1]),
    )


def _match_subject(reader: Reader, tree: Tree) -> MatchStep:
    _, subject, arms, catch = tree.parts
    node = reader.build(subject)
    return MatchStep(reader.span(tree), node, tuple(reader.elements(arms)), _catch(reader, catch))


def _match_conditions(reader: Reader, tree: Tree) -> MatchStep:
    _, arms, catch = tree.parts
    cases: list[Arm] = reader.elements(arms)
    heads = (Arm(arm.span, condition_head(arm.head), arm.guard, arm.body) for arm in cases)
    return MatchStep(reader.span(tree), None, tuple(heads), _catch(reader, catch))


def _catch(reader: Reader, tree: Tree | None) -> tuple[Arm, ...] | None:
    return None if tree is None else tuple(reader.elements(tree.parts[1]))


def _arm(reader: Reader, tree: Tree) -> Arm:
    head, arrow, body = tree.parts
    expect_arrow(reader, arrow, "->")
    pattern, guard = arm_head(reader, head)
    return Arm(reader.span(tree), pattern, guard, _arm_body(reader, body))


def _arm_body(reader: Reader, tree: Tree) -> Block | Placed[Any] | Identifier:
    if tree.rule == "block":
        return _block(reader, tree)
    if tree.rule == "declared":
        return declared(reader, tree)
    return reader.placed_one(tree)


def _validate_subject(reader: Reader, tree: Tree) -> Validate:
    _, subject, assumes, otherwise = tree.parts
    node = reader.build(subject)
    return Validate(
        reader.span(tree), node, tuple(reader.elements(assumes)), _or(reader, otherwise)
    )


def _validate_plain(reader: Reader, tree: Tree) -> Validate:
    _, assumes, otherwise = tree.parts
    return Validate(
        reader.span(tree), None, tuple(reader.elements(assumes)), _or(reader, otherwise)
    )


def _or(reader: Reader, tree: Tree | None) -> Block | None:
    if tree is None:
        return None
    word, block = tree.parts
    if word.rule == "else_slip":
        reader.report_replacement("RQ001", word, "or", "expected 'or', found 'else'")
    return _block(reader, block)


def _assume(reader: Reader, tree: Tree) -> Assume:
    return Assume(reader.span(tree), reader.build(tree.parts[1]))


def _store_step(reader: Reader, tree: Tree) -> StoreRecord:
    _, each, value, arrow, target, options = tree.parts
    expect_arrow(reader, arrow, "->")
    return StoreRecord(
        reader.span(tree),
        each is not None,
        reader.build(value),
        declared(reader, target),
        optional_block(reader, options),
    )


def _store_delete(reader: Reader, tree: Tree) -> DeleteRecord:
    _, store, index = tree.parts
    return DeleteRecord(reader.span(tree), declared(reader, store), single(reader, index))


def _clear(reader: Reader, tree: Tree) -> Clear:
    return Clear(reader.span(tree), declared(reader, tree.parts[1]))


def _let(reader: Reader, tree: Tree) -> Let:
    _, name, _, value = tree.parts
    return Let(reader.span(tree), declared(reader, name), reader.build(value))


def _wait(reader: Reader, tree: Tree) -> Wait:
    return Wait(reader.span(tree), reader.build(tree.parts[1]))


def _run(reader: Reader, tree: Tree) -> Run:
    _, first, rest = tree.parts
    stages = (first, *(part.parts[1] for part in rest))
    return Run(reader.span(tree), tuple(_stage(reader, part) for part in stages))


def _stage(reader: Reader, tree: Tree) -> Stage:
    actions, condition = tree.parts
    grouped = actions.rule == "stage_group"
    names = reader.elements(actions) if grouped else [declared(reader, actions)]
    guard = None if condition is None else reader.build(condition.parts[1])
    return Stage(reader.span(tree), tuple(names), grouped, guard)


def _continue(reader: Reader, tree: Tree) -> Continue:
    return Continue(reader.span(tree))


def _skip(reader: Reader, tree: Tree) -> Skip:
    return Skip(reader.span(tree))


def _abort(reader: Reader, tree: Tree) -> Abort:
    message = tree.parts[1]
    return Abort(reader.span(tree), None if message is None else reader.build(message))


def _retry(reader: Reader, tree: Tree) -> Retry:
    return Retry(reader.span(tree), optional_block(reader, tree.parts[1]))


def _queue(reader: Reader, tree: Tree) -> Queue:
    target = tree.parts[1]
    if target is None:
        return Queue(reader.span(tree), None, None)
    if target.rule == "queue_options":
        return Queue(reader.span(tree), None, optional_block(reader, target.parts[0]))
    store, options = target.parts
    return Queue(reader.span(tree), declared(reader, store), optional_block(reader, options))


def _jump(reader: Reader, tree: Tree) -> Jump:
    _, action, then = tree.parts
    if then is None:
        return Jump(reader.span(tree), declared(reader, action), None)
    word = reader.written(then.parts[1])
    return Jump(
        reader.span(tree), declared(reader, action), "retry" if word == "retry" else "continue"
    )


def _custom(reader: Reader, tree: Tree) -> CustomStep:
    name, options = tree.parts
    return CustomStep(reader.span(tree), declared(reader, name), reader.build(options))


BUILDERS: dict[str, Builder] = {
    **loops.BUILDERS,
    "request": _request,
    "call": _call,
    "for_each": _for_each,
    "map": _map,
    "apply": _apply,
    "match_subject": _match_subject,
    "match_conditions": _match_conditions,
    "arm": _arm,
    "validate_subject": _validate_subject,
    "validate_plain": _validate_plain,
    "assume": _assume,
    "store_step": _store_step,
    "store_delete": _store_delete,
    "clear": _clear,
    "let": _let,
    "wait": _wait,
    "run": _run,
    "continue": _continue,
    "skip": _skip,
    "abort": _abort,
    "retry": _retry,
    "queue": _queue,
    "jump": _jump,
    "custom": _custom,
}
