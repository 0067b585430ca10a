"""Pieces of generated Python, and the emitter that puts them together.

An expression of the language becomes one Python expression where it can, and statements before
it where it must (loops, branches with loops in them). `Emitter` keeps the statements of the
current block, the values fetched once at the head of the function, and what names mean at the
place being emitted. It knows no construct of the language: `table` says who emits what.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from reqon.errors import RunError
from reqon.values.reply import ReplyScalar
from reqon.values.scope import RESPONSE_SLOT, ContextKind, Names
from vague.ast.base import Node
from vague.ast.expressions import Group, Name

T = TypeVar("T")

_DEEPEST: Final = 12
_MOST_LOOPS: Final = 8
"""Python refuses more than 20 loops in each other; deeper ones go into functions of their own."""


class Kind(Enum):
    """What is known of a value while compiling. TEXT, LIST and OBJECT: of exactly that class."""

    ANY = "any"
    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    LIST = "list"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression. An `atomic` one (a local name, a constant) may be used repeatedly."""

    node: ast.expr
    kind: Kind = Kind.ANY
    atomic: bool = False

    @property
    def literal(self) -> bool:
        """Whether it is a constant of Python."""
        return isinstance(self.node, ast.Constant)

    @property
    def value(self) -> Any:
        """The value of a literal."""
        assert isinstance(self.node, ast.Constant)
        return self.node.value


@dataclass(frozen=True, slots=True)
class View:
    """What names mean inside an expression, beside `Names`.

    `bound`: parameters of lambdas and pattern bindings, first of all. `implicit`: `it`, `item`
    and `index` of a callback, last of all. `context`: what `.name` refers to; None: as `Names`
    says.
    """

    bound: Mapping[str, Code] = field(default_factory=dict[str, Code])
    implicit: Mapping[str, Code] = field(default_factory=dict[str, Code])
    context: Code | None = None


Constant: TypeAlias = str | int | float | bool | None
Emit: TypeAlias = Callable[["Emitter", Any], Code]
Table: TypeAlias = Mapping[type[Node], Emit]


class Emitter:
    """Collects one Python function. Its result is read by `reqon.values.compile`."""

    def __init__(self, names: Names, table: Table) -> None:
        self.names = names
        self.table = table
        self.view = View()
        self.block: list[ast.stmt] = []
        self.namespace: dict[str, Any] = {}
        self.stores: set[str] = set()
        self.constant = True
        self.touched: set[str] = set()
        self._head: dict[str, tuple[str, ast.expr]] = {}
        self._count = 0
        self._depth = 0
        self._loops = 0

    # ------------------------------------------------------------ emitting

    def emit(self, node: Node) -> Code:
        """The code of `node`; deep nesting is cut by a local variable now and then."""
        outer, self._depth = self._depth, 0
        code = self.table[type(node)](self, node)
        depth = 0 if code.atomic else self._depth + 1
        if depth > _DEEPEST:
            code, depth = self.spill(code), 0
        self._depth = max(outer, depth)
        return code

    def emit_all(self, nodes: Sequence[Node | Code | Callable[[], Code]]) -> list[Code]:
        """The codes of `nodes`, to be evaluated in this order; a function emits its own."""
        codes: list[Code] = []
        for node in nodes:
            before = len(self.block)
            if isinstance(node, Node):
                code = self.emit(node)
            else:
                code = node if isinstance(node, Code) else node()
            if len(self.block) > before:
                statements = self.block[before:]
                del self.block[before:]
                codes = [self.spill(earlier) for earlier in codes]
                self.block += statements
            codes.append(code)
        return codes

    def captured(self, build: Callable[[], T]) -> tuple[list[ast.stmt], T]:
        """What `build` emits, with its statements in a block of their own."""
        outer, self.block = self.block, []
        try:
            result = build()
            return self.block, result
        finally:
            self.block = outer

    @contextmanager
    def within(
        self,
        *,
        context: Code | None = None,
        bound: Mapping[str, Code] | None = None,
        implicit: Mapping[str, Code] | None = None,
    ) -> Generator[None]:
        """Emit inner parts with another context, or with more names."""
        outer = self.view
        self.view = replace(
            outer,
            context=context or outer.context,
            bound={**outer.bound, **(bound or {})},
            implicit=implicit or outer.implicit,
        )
        try:
            yield
        finally:
            self.view = outer

    # ------------------------------------------------------------ locals and statements

    def fresh(self) -> str:
        """A new local name."""
        self._count += 1
        return f"t{self._count}"

    def assign(self, name: str, value: ast.expr) -> None:
        """The statement `name = value`."""
        self.block.append(assignment(name, value))

    def spill(self, code: Code) -> Code:
        """`code` in a local variable, evaluated here."""
        if code.atomic:
            return code
        name = self.fresh()
        self.assign(name, code.node)
        return local(name, code.kind)

    def twice(self, code: Code) -> tuple[ast.expr, ast.expr]:
        """Two expressions of the same value: the first to be evaluated, and any later one."""
        if code.atomic:
            return code.node, code.node
        name = self.fresh()
        return ast.NamedExpr(ast.Name(name, ast.Store()), code.node), load(name)

    def loop(self, build: Callable[[], Code]) -> Code:
        """`build` emits a loop; one too deep in others gets a function of its own."""
        self._loops += 1
        try:
            if self._loops % _MOST_LOOPS:
                return build()
            return Code(ast.Call(self.function([], build), [], []))
        finally:
            self._loops -= 1

    def function(self, parameters: Sequence[str], build: Callable[[], Code]) -> ast.expr:
        """A local function that returns what `build` emits; the expression is its name."""
        name = self.fresh()
        body, result = self.captured(build)
        body.append(ast.Return(result.node))
        self.block.append(function_definition(name, parameters, body))
        return load(name)

    def touch(self, code: Code) -> Code:
        """`code`, remembered as used if it is a local variable."""
        if isinstance(code.node, ast.Name):
            self.touched.add(code.node.id)
        return code

    def is_touched(self, code: Code) -> bool:
        """Whether a local variable was used."""
        return isinstance(code.node, ast.Name) and code.node.id in self.touched

    # ------------------------------------------------------------ what the function uses

    def use(self, value: Any, name: str | None = None) -> ast.Name:
        """A global of the generated function that holds `value`.

        Its prefix keeps it apart from parameters and local names.
        """
        name = f"g_{getattr(value, '__name__', 'k') if name is None else name}"
        while self.namespace.setdefault(name, value) is not value:
            name += "_"
        return load(name)

    def call(self, function: Callable[..., Any], *arguments: ast.expr) -> ast.expr:
        """A call of one of our own functions."""
        return ast.Call(self.use(function), list(arguments), [])

    def run(self) -> ast.expr:
        """The facts of the run."""
        return self._at_head("run", "run", attribute(load("scope"), "run"))

    def slot(self, slot: str) -> Code:
        """The variable in `slot`, fetched once."""
        self.constant = False
        self._at_head("slots", "slots", attribute(load("scope"), "slots"))
        if slot in self.names.carriers:
            held = self.held(slot).node
            body = either(has_type(held, self.use(ReplyScalar).id), attribute(held, "body"), held)
            return Code(self._at_head(f"slot {slot}", None, body), atomic=True)
        return Code(self._at_head(f"slot {slot}", None, _subscript(slot)), atomic=True)

    def held(self, slot: str) -> Code:
        """What the variable in `slot` holds: a `ReplyScalar` as it is."""
        self.constant = False
        self._at_head("slots", "slots", attribute(load("scope"), "slots"))
        return Code(self._at_head(f"held {slot}", None, _subscript(slot)), atomic=True)

    def held_by(self, node: Node) -> Code | None:
        """What a plain name that may stand for a reply holds; None for anything else."""
        while isinstance(node, Group):
            node = node.inner
        if not isinstance(node, Name) or node.text in self.view.bound:
            return None
        slot = self.names.bindings.get(node.text)
        if slot is None and node.text == RESPONSE_SLOT and self.names.has_response:
            slot = RESPONSE_SLOT
        return None if slot is None or slot not in self.names.carriers else self.held(slot)

    def let(self, name: str) -> Code:
        """A `let` of the mission, fetched once."""
        self.constant = False
        value = ast.Subscript(attribute(self.run(), "lets"), ast.Constant(name), ast.Load())
        return Code(self._at_head(f"let {name}", None, value), atomic=True)

    def store(self, name: str) -> ast.expr:
        """The view of a store, fetched once."""
        self.constant = False
        self.stores.add(name)
        value = ast.Call(attribute(self.run(), "store"), [ast.Constant(name)], [])
        return self._at_head(f"store {name}", None, value)

    def scope_value(self, name: str) -> Code:
        """An attribute of the scope, such as `webhook`."""
        self.constant = False
        return Code(
            self._at_head(f"scope {name}", None, attribute(load("scope"), name)), atomic=True
        )

    def _at_head(self, key: str, name: str | None, value: ast.expr) -> ast.expr:
        if key not in self._head:
            self._head[key] = (name or self.fresh(), value)
        return load(self._head[key][0])

    def head(self) -> list[ast.stmt]:
        """The statements with which the function begins."""
        return [assignment(name, value) for name, value in self._head.values()]

    # ------------------------------------------------------------ names

    def context(self) -> Code:
        """What `.name` refers to. Raises `RunError` where there is nothing."""
        if self.view.context is not None:
            return self.view.context
        match self.names.context:
            case ContextKind.NONE:
                raise RunError("type", "'.name' is used where there is no current item")
            case ContextKind.PARAMETER:
                self.constant = False
                return Code(load("it"), atomic=True)
            case str() as slot:
                return self.slot(slot)

    def store_named(self, node: Node) -> str | None:
        """The store that `node` is the plain name of."""
        while isinstance(node, Group):
            node = node.inner
        if not isinstance(node, Name) or node.text not in self.names.stores:
            return None
        name = node.text
        hidden = name in self.view.bound or name in self.names.bindings or name in self.names.lets
        return None if hidden or name == RESPONSE_SLOT else name


# ---------------------------------------------------------------- small Python trees


def _subscript(slot: str) -> ast.Subscript:
    return ast.Subscript(load("slots"), ast.Constant(slot), ast.Load())


def load(name: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(name, ast.Load())


def local(name: str, kind: Kind = Kind.ANY) -> Code:
    """A local variable."""
    return Code(load(name), kind, atomic=True)


def literal(value: Constant) -> Code:
    """A constant."""
    match value:
        case None:
            kind = Kind.NULL
        case bool():
            kind = Kind.BOOLEAN
        case str():
            kind = Kind.TEXT
        case _:
            kind = Kind.NUMBER
    return Code(ast.Constant(value), kind, atomic=True)


def attribute(value: ast.expr, name: str) -> ast.Attribute:
    """`value.name`."""
    return ast.Attribute(value, name, ast.Load())


def method(value: ast.expr, name: str, *arguments: ast.expr) -> ast.Call:
    """`value.name(arguments)`."""
    return ast.Call(attribute(value, name), list(arguments), [])


def assignment(name: str, value: ast.expr) -> ast.stmt:
    """`name = value`."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def either(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """`then if test else otherwise`."""
    return ast.IfExp(test, then, otherwise)


def has_type(value: ast.expr, name: str) -> ast.expr:
    """`type(value) is name`: true for exactly that class."""
    return same(ast.Call(load("type"), [value], []), load(name))


def same(left: ast.expr, right: ast.expr) -> ast.expr:
    """`left is right`."""
    return ast.Compare(left, [ast.Is()], [right])


def not_null(value: ast.expr) -> ast.expr:
    """`value is not None`."""
    return ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])


def both(*tests: ast.expr) -> ast.expr:
    """All of `tests`, as a test."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), list(tests))


def any_of(*tests: ast.expr) -> ast.expr:
    """At least one of `tests`, as a test."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), list(tests))


def function_definition(
    name: str, parameters: Sequence[str], body: list[ast.stmt], n_optional: int = 0
) -> ast.FunctionDef:
    """`def name(parameters)`; the last `n_optional` parameters are None when left out."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[ast.Constant(None)] * n_optional,
    )
    return ast.FunctionDef(name, arguments, body, [])
