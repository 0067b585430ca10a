"""Calls: `f(a)`, `a.f()` and `a | f`, with callbacks walked in place; see `functions.model`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from reqon.errors import RunError
from reqon.values.access import elements, is_store, store_method, stored_value
from reqon.values.emit.code import (
    Code,
    Emitter,
    Kind,
    any_of,
    assignment,
    either,
    has_type,
    literal,
    load,
    local,
    method,
    not_null,
)
from reqon.values.emit.operands import collection_of, for_each
from reqon.values.emit.truth import test
from reqon.values.functions.model import Function, Style
from reqon.values.functions.registry import FUNCTIONS
from vague.ast.base import Node
from vague.ast.expressions import Call, Expression, Group, Lambda, MethodCall, Name, Pipe, Where

_STORE_METHODS = {"get": 1, "list": 0, "count": 0}
_COUNTING = frozenset({"length", "count", "isEmpty"})

Argument = Expression | Code


def emit_call(emitter: Emitter, node: Call) -> Code:
    """`name(arguments)`."""
    callee: Node = node.callee
    while isinstance(callee, Group):
        callee = callee.inner
    if not isinstance(callee, Name):
        raise RunError("function", "only a function can be called, by its name")
    return _emit(emitter, callee.text, node.arguments)


def emit_pipe(emitter: Emitter, node: Pipe) -> Code:
    """`value | function(arguments)`."""
    return _emit(emitter, node.function.text, (node.value, *node.arguments))


def emit_method(emitter: Emitter, node: MethodCall) -> Code:
    """`target.name(arguments)`; `get`, `list` and `count` of a store are its own."""
    name = node.name.text
    store = emitter.store_named(node.target)
    if name not in _STORE_METHODS or (store is None and name in FUNCTIONS):
        return _emit(emitter, name, (node.target, *node.arguments))
    if len(node.arguments) != _STORE_METHODS[name]:
        raise _wrong_count(name, f"{_STORE_METHODS[name]}", len(node.arguments))
    if store is None:
        target, *arguments = emitter.emit_all([node.target, *node.arguments])
        values = ast.Tuple([code.node for code in arguments], ast.Load())
        return Code(emitter.call(store_method, target.node, ast.Constant(name), values))
    if name == "get":
        key = emitter.emit(node.arguments[0])
        return Code(emitter.call(stored_value, emitter.store(store), key.node))
    kind = Kind.LIST if name == "list" else Kind.NUMBER
    return Code(method(emitter.store(store), name), kind)


def emit_lambda(emitter: Emitter, node: Lambda) -> Code:
    """A function value anywhere but where a function asks for one."""
    del emitter, node
    raise RunError(
        "function",
        "a function value such as 'x => x + 1' is only an argument of a function that takes one",
        hint="pass it to a function such as 'map' or 'filter'",
    )


def _emit(emitter: Emitter, name: str, arguments: Sequence[Expression]) -> Code:
    function = FUNCTIONS.get(name)
    if function is None:
        raise RunError("function", f"unknown function '{name}'")
    low, high = function.minimum, function.maximum
    if len(arguments) < low or (high is not None and len(arguments) > high):
        expected = f"{low}" if low == high else f"{low} to {high}" if high else f"at least {low}"
        raise _wrong_count(name, expected, len(arguments))
    if function.uses_run:
        emitter.constant = False
    return _STYLES[function.style](emitter, function, arguments)


def _wrong_count(name: str, expected: str, found: int) -> RunError:
    noun = "argument" if expected in {"1", "at least 1"} else "arguments"
    return RunError("function", f"'{name}' takes {expected} {noun}, got {found}")


# ---------------------------------------------------------------- without callback


def _emit_plain(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    values: list[Argument] = list(arguments)
    store = emitter.store_named(arguments[0]) if arguments else None
    if store is not None and function.name in _COUNTING:
        values[0] = Code(emitter.store(store), atomic=True)
    codes = emitter.emit_all(values)
    if function.null_safe or not codes or codes[0].kind in {Kind.LIST, Kind.OBJECT, Kind.TEXT}:
        return Code(_invoked(emitter, function, [code.node for code in codes]))
    first, again = emitter.twice(codes[0])
    invoked = _invoked(emitter, function, [again, *(code.node for code in codes[1:])])
    return Code(either(not_null(first), invoked, ast.Constant(None)))


def _invoked(emitter: Emitter, function: Function, arguments: Sequence[ast.expr]) -> ast.expr:
    run = [emitter.run()] if function.uses_run else []
    implementation = emitter.use(function.call, function.name)
    return ast.Call(implementation, [*run, *arguments], [])


# ---------------------------------------------------------------- callbacks


def _elements_of(emitter: Emitter, node: Expression, function: str) -> Code:
    """The elements of an argument as a list in a local variable."""
    code = emitter.emit(node)
    if code.kind is Kind.LIST:
        return emitter.spill(code)
    first, again = emitter.twice(code)
    general = emitter.call(elements, again, ast.Constant(function))
    return emitter.spill(Code(either(has_type(first, "list"), again, general), Kind.LIST))


def _walk(
    emitter: Emitter,
    found: Code,
    callback: Expression,
    build: Callable[[Code, Code, Expression], list[ast.stmt]],
    *,
    counted: bool = False,
) -> None:
    """A loop over `found` whose body `build` makes of element, position and the callback's body.

    The position is counted where `counted`, or where the callback asks for it.
    """
    element, position = local(emitter.fresh()), local(emitter.fresh(), Kind.NUMBER)
    body, bound, implicit = _callback_names(callback, element, position)
    context = None if isinstance(callback, Lambda) else element
    with emitter.within(context=context, bound=bound, implicit=implicit):
        statements, last = emitter.captured(lambda: build(element, position, body))
    wanted = counted or emitter.is_touched(position)
    for_each(emitter, element, found, [*statements, *last], position if wanted else None)


def _callback_names(
    callback: Expression, element: Code, position: Code
) -> tuple[Expression, dict[str, Code], dict[str, Code] | None]:
    """The body of a callback, the parameters of a lambda, and the implicit names otherwise."""
    if not isinstance(callback, Lambda):
        return callback, {}, {"it": element, "item": element, "index": position}
    values = [element, position]
    bound = {
        parameter.text: values[place] if place < len(values) else literal(None)
        for place, parameter in enumerate(callback.parameters)
    }
    return callback.body, bound, None


def _unwrapped(node: Expression) -> Expression:
    while isinstance(node, Group):
        node = node.inner
    return node


def _callback_values(emitter: Emitter, found: Code, callback: Expression) -> Code:
    """What the callback gives for each element, in a new list."""
    name = emitter.fresh()
    emitter.assign(name, ast.List([], ast.Load()))

    def build(element: Code, position: Code, body: Expression) -> list[ast.stmt]:
        del element, position
        return [ast.Expr(method(load(name), "append", emitter.emit(body).node))]

    _walk(emitter, found, _unwrapped(callback), build)
    return local(name, Kind.LIST)


def _where_values(emitter: Emitter, found: Code, where: Where, callback: Expression) -> Code:
    """What the callback gives for each element that fits `where`, without a list of these."""
    name, element = emitter.fresh(), local(emitter.fresh())
    place = emitter.fresh()
    emitter.assign(name, ast.List([], ast.Load()))
    with emitter.within(context=element):
        before, tested = emitter.captured(lambda: test(emitter, where.condition))
    position = local(place, Kind.NUMBER)
    body, bound, implicit = _callback_names(callback, element, position)
    context = None if isinstance(callback, Lambda) else element
    with emitter.within(context=context, bound=bound, implicit=implicit):
        statements, value = emitter.captured(lambda: emitter.emit(body))
    taken = [*statements, ast.Expr(method(load(name), "append", value.node))]
    if emitter.is_touched(position):
        emitter.assign(place, ast.Constant(-1))
        taken.insert(0, assignment(place, ast.BinOp(load(place), ast.Add(), ast.Constant(1))))
    for_each(emitter, element, found, [*before, ast.If(tested, taken, [])])
    return local(name, Kind.LIST)


def _emit_values(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    values = _values(emitter, function, arguments)
    if function.name == "map" and len(arguments) > 1:
        return values
    return Code(_invoked(emitter, function, [values.node]))


def _values(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    source = _unwrapped(arguments[0])
    if len(arguments) > 1 and isinstance(source, Where):
        found = collection_of(emitter, source.collection)
        callback = _unwrapped(arguments[1])
        return emitter.loop(lambda: _where_values(emitter, found, source, callback))
    found = _elements_of(emitter, source, function.name)
    if len(arguments) == 1:
        return found
    return emitter.loop(lambda: _callback_values(emitter, found, arguments[1]))


def _emit_pairs(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    found = _elements_of(emitter, arguments[0], function.name)
    if function.name == "filter" and not isinstance(_unwrapped(arguments[1]), Lambda):
        return emitter.loop(lambda: _filtered(emitter, found, arguments[1]))
    values = found
    if len(arguments) > 1:
        values = emitter.loop(lambda: _callback_values(emitter, found, arguments[1]))
    others = emitter.emit_all([emitter.spill(values), *arguments[2:]])
    return Code(_invoked(emitter, function, [found.node, *(code.node for code in others)]))


def _filtered(emitter: Emitter, found: Code, condition: Expression) -> Code:
    name = emitter.fresh()
    emitter.assign(name, ast.List([], ast.Load()))

    def build(element: Code, position: Code, body: Expression) -> list[ast.stmt]:
        del position
        tested = test(emitter, body)
        return [ast.If(tested, [ast.Expr(method(load(name), "append", element.node))], [])]

    _walk(emitter, found, condition, build)
    return local(name, Kind.LIST)


def _emit_first(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    found = _elements_of(emitter, arguments[0], function.name)
    place = emitter.loop(lambda: _first_place(emitter, function, found, arguments[1]))
    return Code(_invoked(emitter, function, [found.node, place.node]))


def _first_place(emitter: Emitter, function: Function, found: Code, callback: Expression) -> Code:
    name = emitter.fresh()
    emitter.assign(name, ast.Constant(-1))

    def build(element: Code, position: Code, body: Expression) -> list[ast.stmt]:
        del element
        tested = test(emitter, body)
        if function.style is Style.FIRST_FALSE:
            tested = ast.UnaryOp(ast.Not(), tested)
        return [ast.If(tested, [assignment(name, position.node), ast.Break()], [])]

    _walk(emitter, found, _unwrapped(callback), build, counted=True)
    return local(name, Kind.NUMBER)


def _emit_callback(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    found = _elements_of(emitter, arguments[0], function.name)
    callback = _emit_function(emitter, function, _unwrapped(arguments[1]))
    others = emitter.emit_all(list(arguments[2:]))
    nodes = [found.node, callback, *(code.node for code in others)]
    return Code(_invoked(emitter, function, nodes))


def _emit_function(emitter: Emitter, function: Function, callback: Expression) -> ast.expr:
    """A callback as a local function of two parameters."""
    first, second = emitter.fresh(), emitter.fresh()
    parameters = local(first), local(second)
    if function.style is Style.FOLD and not isinstance(callback, Lambda):
        parameters = local(second), local(first)
    body, bound, implicit = _callback_names(callback, *parameters)
    context = None if isinstance(callback, Lambda) else parameters[0]
    with emitter.within(context=context, bound=bound, implicit=implicit):
        return emitter.function([first, second], lambda: emitter.emit(body))


# ---------------------------------------------------------------- min and max


def _emit_extreme(emitter: Emitter, function: Function, arguments: Sequence[Expression]) -> Code:
    """Of an array (with a callback), or of the arguments: with two, the first one decides."""
    if len(arguments) > 2:
        codes = emitter.emit_all(list(arguments))
        values = ast.List([code.node for code in codes], ast.Load())
        return Code(_invoked(emitter, function, [values]))
    if len(arguments) == 1 or emitter.store_named(arguments[0]) is not None:
        return Code(_invoked(emitter, function, [_values(emitter, function, arguments).node]))
    first = emitter.spill(emitter.emit(arguments[0]))
    return Code(_invoked(emitter, function, [_two(emitter, function, first, arguments[1]).node]))


def _two(emitter: Emitter, function: Function, first: Code, second: Expression) -> Code:
    """The values of `min(first, second)`, where `second` is a callback if `first` is an array."""
    name = emitter.fresh()

    def values() -> None:
        code = emitter.emit(second)
        emitter.assign(name, ast.List([first.node, code.node], ast.Load()))

    def walked() -> None:
        general = emitter.call(elements, first.node, ast.Constant(function.name))
        found = emitter.spill(Code(general, Kind.LIST))
        code = emitter.loop(lambda: _callback_values(emitter, found, second))
        emitter.assign(name, code.node)

    if isinstance(_unwrapped(second), Lambda):
        walked()
        return local(name, Kind.LIST)
    many, _ = emitter.captured(walked)
    few = _attempt(emitter, values)
    array = any_of(
        ast.Call(load("isinstance"), [first.node, load("list")], []),
        emitter.call(is_store, first.node),
    )
    if few is None:
        emitter.block += many
    else:
        emitter.block.append(ast.If(array, many, few))
    return local(name, Kind.LIST)


def _attempt(emitter: Emitter, build: Callable[[], None]) -> list[ast.stmt] | None:
    """The statements of `build`; None where names in it mean something in a callback only."""
    try:
        return emitter.captured(build)[0]
    except RunError:
        return None


_STYLES: dict[Style, Callable[[Emitter, Function, Sequence[Expression]], Code]] = {
    Style.PLAIN: _emit_plain,
    Style.VALUES: _emit_values,
    Style.PAIRS: _emit_pairs,
    Style.FIRST_TRUE: _emit_first,
    Style.FIRST_FALSE: _emit_first,
    Style.EXTREME: _emit_extreme,
    Style.CALLBACK: _emit_callback,
    Style.FOLD: _emit_callback,
}
