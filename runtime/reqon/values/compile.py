"""Expressions and patterns as Python functions, compiled once for each plan.

The functions are built as Python trees (`emit`), so that names are resolved once and the usual
case of an operator (a field of a plain object, two numbers) needs no call. They are pure but for
warnings and what they ask of the run, raise `RunError` only, and never change a value in place.
The engine binds them at start and calls them with the `Scope` of a branch.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from reqon.errors import RunError
from reqon.values.emit.code import (
    Code,
    Emitter,
    assignment,
    attribute,
    both,
    either,
    function_definition,
    has_type,
    load,
    local,
    method,
)
from reqon.values.emit.operands import for_each
from reqon.values.emit.patterns import Bindings, pattern_test
from reqon.values.emit.table import TABLE
from reqon.values.emit.truth import test
from reqon.values.json_form import too_deep
from reqon.values.numbers import too_large
from reqon.values.reply import ReplyScalar
from reqon.values.scope import Names, Value
from vague.ast.expressions import Expression, Name, ObjectLiteral, ObjectPattern, Pattern

_DEEP_RECURSION: Final = 20_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression as a function of the scope and, with context PARAMETER, the value of `.name`.

    The second argument may be left out where the context is something else. `constant`: the
    result is the same in every run. `reads_stores`: the stores that it names.
    """

    call: Callable[..., Value]
    reads_stores: frozenset[str]
    constant: bool


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """A pattern as a test. `match(scope, value)` writes the bindings' slots only if it is true."""

    match: Callable[..., bool]
    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A condition about each element. `select(scope, elements)` gives the positions that pass."""

    select: Callable[..., list[int]]
    reads_stores: frozenset[str]


def compile_expression(expression: Expression, names: Names) -> Compiled:
    """Compile `expression` at a place where `names` are visible.

    Raises `RunError` (type, function) for what the checker reports too: unknown names and
    functions, `.name` without context. Stores that stand for a value give their list of records.
    """
    emitter = Emitter(names, TABLE)
    with _deep_recursion():
        result = emitter.emit(expression)
        call = _finished(emitter, ["scope", "it"], [ast.Return(result.node)])
    return Compiled(call, frozenset(emitter.stores), emitter.constant)


def compile_object(body: ObjectLiteral, names: Names) -> Compiled:
    """Compile the body of a `map` or a transform: its result is a new plain object."""
    return compile_expression(body, names)


def compile_held(name: Name, names: Names) -> Compiled | None:
    """What a name that may stand for a reply holds, a `ReplyScalar` as it is; None for others."""
    emitter = Emitter(names, TABLE)
    held = emitter.held_by(name)
    if held is None:
        return None
    call = _finished(emitter, ["scope", "it"], [ast.Return(held.node)])
    return Compiled(call, frozenset(), emitter.constant)


def compile_condition(expression: Expression, names: Names) -> Compiled:
    """Like `compile_expression`, for a condition: its result is true or false."""
    emitter = Emitter(names, TABLE)
    with _deep_recursion():
        tested = test(emitter, expression)
        truth = ast.IfExp(tested, ast.Constant(value=True), ast.Constant(value=False))
        call = _finished(emitter, ["scope", "it"], [ast.Return(truth)])
    return Compiled(call, frozenset(emitter.stores), emitter.constant)


def compile_filter(condition: Expression, names: Names, variable: str | None) -> CompiledFilter:
    """Compile a condition about the elements of a list, such as `where` of a loop.

    `.name` and `variable` mean the element; no slot is written.
    """
    emitter = Emitter(names, TABLE)
    element, position = local(emitter.fresh()), local(emitter.fresh())
    passed = emitter.fresh()
    bound = {} if variable is None else {variable: element}
    with _deep_recursion():
        with emitter.within(context=element, bound=bound):
            statements, tested = emitter.captured(lambda: test(emitter, condition))
        emitter.assign(passed, ast.List([], ast.Load()))
        keep = ast.Expr(method(load(passed), "append", position.node))
        body = [*statements, ast.If(tested, [keep], [])]
        for_each(emitter, element, local("elements"), body, position)
        select = _finished(emitter, ["scope", "elements"], [ast.Return(load(passed))])
    return CompiledFilter(select, frozenset(emitter.stores))


def compile_pattern(pattern: Pattern, names: Names) -> tuple[CompiledPattern, Names]:
    """Compile `pattern`; the second result are the names with its bindings, for guard and arm.

    `match` takes a third argument for the value of `.name`, with context PARAMETER.
    """
    emitter = Emitter(names, TABLE)
    bindings: Bindings = {}
    with _deep_recursion():
        subject = local("value")
        if not isinstance(pattern, ObjectPattern):
            subject = local(emitter.fresh())
            emitter.block.append(_plain_value(emitter, subject))
        tests = pattern_test(emitter, pattern, subject, bindings)
        inner, slots, writes = _written(names, bindings)
        end: list[ast.stmt] = [*writes, ast.Return(ast.Constant(value=True))]
        if tests:
            end = [ast.If(both(*tests), end, []), ast.Return(ast.Constant(value=False))]
        match = _finished(emitter, ["scope", "value", "it"], end)
    return CompiledPattern(match, slots), inner


def _plain_value(emitter: Emitter, target: Code) -> ast.stmt:
    """The statement that takes what expressions see of `value`; object patterns see the reply."""
    value = load("value")
    is_scalar = has_type(value, emitter.use(ReplyScalar).id)
    assert isinstance(target.node, ast.Name)
    return assignment(target.node.id, either(is_scalar, attribute(value, "body"), value))


def _written(names: Names, bindings: Bindings) -> tuple[Names, tuple[str, ...], list[ast.stmt]]:
    """The names with `bindings`, their slots, and the statements that write these."""
    slots: list[str] = []
    writes: list[ast.stmt] = []
    for name, code in bindings.items():
        names, slot = names.bind(name)
        slots.append(slot)
        place = ast.Attribute(load("scope"), "slots", ast.Load())
        target = ast.Subscript(place, ast.Constant(slot), ast.Store())
        writes.append(ast.Assign([target], code.node))
    return names, tuple(slots), writes


# ---------------------------------------------------------------- from the tree to the function


def _finished(emitter: Emitter, parameters: list[str], end: list[ast.stmt]) -> Callable[..., Any]:
    """The Python function of all that was emitted, `end` last."""
    body = [*emitter.head(), *emitter.block, *end]
    handler = ast.ExceptHandler(
        ast.Tuple([load("RecursionError"), load("OverflowError")], ast.Load()),
        "error",
        [ast.Raise(ast.Call(load("explained"), [load("error")], []), load("error"))],
    )
    guarded = ast.Try([*body], [handler], [], [])
    n_optional = 1 if parameters[-1] == "it" else 0
    definition = function_definition("expression", parameters, [guarded], n_optional)
    module = ast.fix_missing_locations(ast.Module([definition], []))
    namespace: dict[str, Any] = {"explained": explained, **emitter.namespace}
    with warnings.catch_warnings():
        # Such as `"a" is None`: Python finds odd what the program asks for.
        warnings.simplefilter("ignore", SyntaxWarning)
        exec(compile(module, "<expression>", "exec"), namespace)  # noqa: S102 - our own tree
    return namespace["expression"]


def explained(error: RecursionError | OverflowError) -> RunError:
    """What Python's own limits mean to the author of an expression."""
    return too_deep() if isinstance(error, RecursionError) else too_large()


@contextmanager
def _deep_recursion() -> Generator[None]:
    """Allow for trees as deep as the language allows; Python's default is too small for them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP_RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
