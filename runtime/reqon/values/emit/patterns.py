"""Patterns: a test of a value that names parts of it, and `match` as an expression."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from reqon.errors import RunError
from reqon.values.access import pattern_field
from reqon.values.dates import parse_iso
from reqon.values.emit.code import (
    Code,
    Emitter,
    any_of,
    assignment,
    both,
    either,
    has_type,
    load,
    local,
    method,
    not_null,
    same,
)
from reqon.values.emit.operators import value_test
from reqon.values.emit.truth import test
from reqon.values.operators import equal, matches_literal
from vague.ast.expressions import (
    ArrayPattern,
    Expression,
    ExpressionArm,
    FieldPattern,
    LiteralPattern,
    MatchExpression,
    NamePattern,
    ObjectPattern,
    Pattern,
    RestPattern,
    ValuePattern,
    WildcardPattern,
)

Bindings = dict[str, Code]


def is_binding(emitter: Emitter, pattern: Pattern | RestPattern) -> bool:
    """Whether `pattern` is a name that takes any value."""
    if not isinstance(pattern, NamePattern):
        return False
    return pattern.text not in emitter.names.schemas and not pattern.text[0].isupper()


def pattern_test(
    emitter: Emitter, pattern: Pattern, subject: Code, bindings: Bindings
) -> list[ast.expr]:
    """Tests, to be made in order, that `subject` (atomic) fits; adds what `pattern` binds."""
    match pattern:
        case WildcardPattern():
            return []
        case LiteralPattern():
            return [_literal_test(emitter, pattern, subject)]
        case NamePattern():
            return _name_test(emitter, pattern, subject, bindings)
        case ObjectPattern():
            return _object_test(emitter, pattern, subject, bindings)
        case ArrayPattern():
            return _array_test(emitter, pattern, subject, bindings)
        case ValuePattern():
            return [emitter.call(equal, subject.node, _value(emitter, pattern.value))]


def _value(emitter: Emitter, expression: Expression) -> ast.expr:
    """A value to compare with, evaluated only when the tests before it have passed."""
    statements, code = emitter.captured(lambda: emitter.emit(expression))
    if not statements:
        return code.node
    return ast.Call(emitter.function([], lambda: emitter.emit(expression)), [], [])


def _literal_test(emitter: Emitter, pattern: LiteralPattern, subject: Code) -> ast.expr:
    value = pattern.value
    if value is None or isinstance(value, bool):
        return same(subject.node, ast.Constant(value))
    if isinstance(value, str) and parse_iso(value) is None:
        return ast.Compare(subject.node, [ast.Eq()], [ast.Constant(value)])
    return emitter.call(matches_literal, subject.node, ast.Constant(value))


def _name_test(
    emitter: Emitter, pattern: NamePattern, subject: Code, bindings: Bindings
) -> list[ast.expr]:
    if is_binding(emitter, pattern):
        bindings[pattern.text] = subject
        return []
    if pattern.text not in emitter.names.schemas:
        raise RunError("type", f"unknown schema '{pattern.text}' in a pattern")
    return [value_test(emitter, pattern.text, subject, many=False)]


# ---------------------------------------------------------------- objects


def _object_test(
    emitter: Emitter, pattern: ObjectPattern, subject: Code, bindings: Bindings
) -> list[ast.expr]:
    tests: list[ast.expr] = []
    if not pattern.fields:
        return [_is_instance(subject, "dict")]
    if all(_may_be_null(entry.pattern) for entry in pattern.fields):
        tests.append(emitter.call(has_fields, subject.node))
    for entry in pattern.fields:
        tests += _field_test(emitter, entry, subject, bindings)
    return tests


def _is_instance(subject: Code, name: str) -> ast.expr:
    return ast.Call(load("isinstance"), [subject.node, load(name)], [])


def has_fields(value: object) -> bool:
    """Whether an object pattern may match at all: an object, or a reply of another kind."""
    return isinstance(value, dict) or hasattr(value, "meta")


def _may_be_null(pattern: Pattern) -> bool:
    """Whether null fits, so that the field alone does not prove an object."""
    if isinstance(pattern, LiteralPattern):
        return pattern.value is None
    return isinstance(pattern, ValuePattern)


def _field_test(
    emitter: Emitter, entry: FieldPattern, subject: Code, bindings: Bindings
) -> list[ast.expr]:
    key = ast.Constant(entry.key.text)
    name = emitter.fresh()
    value = either(
        has_type(subject.node, "dict"),
        method(subject.node, "get", key),
        emitter.call(pattern_field, subject.node, key),
    )
    taken = ast.NamedExpr(ast.Name(name, ast.Store()), value)
    if isinstance(entry.pattern, WildcardPattern) or is_binding(emitter, entry.pattern):
        first = not_null(taken)
    else:
        first = any_of(taken, ast.Constant(value=True))
    return [first, *pattern_test(emitter, entry.pattern, local(name), bindings)]


# ---------------------------------------------------------------- arrays


def _array_test(
    emitter: Emitter, pattern: ArrayPattern, subject: Code, bindings: Bindings
) -> list[ast.expr]:
    items = pattern.items
    if len(items) == 1 and isinstance(items[0], NamePattern) and not is_binding(emitter, items[0]):
        _name_test(emitter, items[0], subject, bindings)
        return [value_test(emitter, items[0].text, subject, many=True)]
    rests = [place for place, item in enumerate(items) if isinstance(item, RestPattern)]
    if len(rests) > 1:
        raise RunError("type", "an array pattern has at most one '...'")
    n_before = rests[0] if rests else len(items)
    n_behind = len(items) - n_before - len(rests)
    size = ast.Call(load("len"), [subject.node], [])
    compare = ast.GtE() if rests else ast.Eq()
    tests: list[ast.expr] = [
        _is_instance(subject, "list"),
        ast.Compare(size, [compare], [ast.Constant(n_before + n_behind)]),
    ]
    for place, item in enumerate(items):
        if isinstance(item, RestPattern):
            end = ast.Constant(-n_behind) if n_behind else None
            position: ast.expr = ast.Slice(ast.Constant(n_before), end)
            named = None if item.name is None else NamePattern(item.span, item.name.text)
            inner: Pattern = named or WildcardPattern(item.span)
        else:
            position = ast.Constant(place if place < n_before else place - len(items))
            inner = item
        tests += _element_test(emitter, inner, subject, position, bindings)
    return tests


def _element_test(
    emitter: Emitter, item: Pattern, subject: Code, position: ast.expr, bindings: Bindings
) -> list[ast.expr]:
    if isinstance(item, WildcardPattern):
        return []
    name = emitter.fresh()
    element = ast.Subscript(subject.node, position, ast.Load())
    taken = ast.NamedExpr(ast.Name(name, ast.Store()), element)
    first = any_of(taken, ast.Constant(value=True))
    return [first, *pattern_test(emitter, item, local(name), bindings)]


# ---------------------------------------------------------------- match as an expression


def emit_match(emitter: Emitter, node: MatchExpression) -> Code:
    """`match subject { pattern => result }`; null where no arm fits."""
    subject = None if node.subject is None else emitter.spill(emitter.emit(node.subject))
    held = None if node.subject is None else emitter.held_by(node.subject)
    outer, name = emitter.block, emitter.fresh()
    emitter.assign(name, ast.Constant(None))
    try:
        for arm in node.arms:
            bindings: Bindings = {}
            of_reply = held is not None and isinstance(arm.head, ObjectPattern)
            tested = _arm_test(emitter, arm, held if of_reply else subject, bindings)
            with emitter.within(bound=bindings):
                statements, result = emitter.captured(lambda arm=arm: emitter.emit(arm.result))
            link = ast.If(tested, [*statements, assignment(name, result.node)], [])
            emitter.block.append(link)
            emitter.block = link.orelse
    finally:
        emitter.block = outer
    return local(name)


def _arm_test(
    emitter: Emitter, arm: ExpressionArm, subject: Code | None, bindings: Bindings
) -> ast.expr:
    if subject is None:
        tests = _condition_test(emitter, arm.head)
    else:
        tests = pattern_test(emitter, arm.head, subject, bindings)
    if arm.guard is None:
        return both(*(tests or [ast.Constant(value=True)]))
    guard = arm.guard
    with emitter.within(context=subject, bound=bindings):
        return guarded(emitter, tests, guard)


def guarded(emitter: Emitter, tests: Sequence[ast.expr], guard: Expression) -> ast.expr:
    """`tests`, and then the guard, which sees what they have bound."""
    statements, tested = emitter.captured(lambda: test(emitter, guard))
    if not statements:
        return both(*tests, tested)
    name = emitter.fresh()
    emitter.assign(name, ast.Constant(value=False))
    emitter.block.append(
        ast.If(
            both(*(tests or [ast.Constant(value=True)])),
            [*statements, assignment(name, tested)],
            [],
        )
    )
    return local(name).node


def _condition_test(emitter: Emitter, head: Pattern) -> list[ast.expr]:
    """The head of an arm without a subject: a condition, or `_`."""
    match head:
        case WildcardPattern():
            return []
        case ValuePattern():
            return [test(emitter, head.value)]
        case _:
            raise RunError("type", "an arm of a 'match' without a subject is a condition")
