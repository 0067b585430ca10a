"""The flat row of operands and operators, bound by precedence."""

from __future__ import annotations

from typing import NamedTuple, cast

from vague.ast.base import Identifier
from vague.ast.expressions import Binary, BinaryOperator, Expression, IsTest, Unary, UnaryOperator
from vague.build.reader import Reader, declared
from vague.diagnostics import Fix, TextEdit
from vague.peg import Tree
from vague.text import Span

_NOT, _COMPARISON = 3, 4
# How tightly an operator binds; equal ones bind from the left, comparisons not at all.
PRECEDENCE: dict[str, int] = {
    "or": 1,
    "and": 2,
    "not": _NOT,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARISON),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "in", "not in"), _COMPARISON),
    "??": 5,
    "+": 6,
    "-": 6,
    **dict.fromkeys(("*", "/", "%"), 7),
}
# Operators of other languages and what they are called here.
FOREIGN: dict[str, str] = {
    "&&": "and",
    "&": "and",
    "||": "or",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=": "==",
}


class _Pending(NamedTuple):
    """An operator that waits for its right side; `start` counts in the text."""

    operator: str
    precedence: int
    prefix: bool
    start: int


def operand(reader: Reader, tree: Tree) -> Expression:
    """An operand with its prefixes, alone in its row."""
    return _Row(reader).read(tree, [])


def operation(reader: Reader, tree: Tree) -> Expression:
    """A row of operands."""
    first, rest = tree.parts
    return _Row(reader).read(first, rest)


class _Row:
    """Two stacks, values and pending operators, as the row is read from the left."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._values: list[Expression] = []
        self._pending: list[_Pending] = []
        self._tested = False

    def read(self, first: Tree, rest: list[Tree]) -> Expression:
        self._operand(first)
        for part in self._reader.chain(rest):
            if part.rule == "is_test":
                self._test(part)
            else:
                operator, right = part.parts
                self._operator(operator)
                self._operand(right)
        while self._pending:
            self._reduce()
        return self._values[0]

    def _operand(self, tree: Tree) -> None:
        if tree.rule != "operand":
            self._values.append(self._reader.build(tree))
            return
        prefixes, primary, postfixes = tree.parts
        signs: list[Tree] = []
        for prefix in self._reader.chain(prefixes):
            operator = self._reader.written(prefix)
            if operator in ("-", "+"):
                signs.append(prefix)
            else:
                self._negation(prefix, signs)
        node = self._postfixed(primary, postfixes)
        for sign in reversed(signs):
            operator = cast("UnaryOperator", self._reader.written(sign))
            node = Unary(Span(sign.start - self._reader.base, node.span.end), operator, node)
        self._values.append(node)

    def _postfixed(self, primary: Tree, postfixes: list[Tree]) -> Expression:
        node = self._reader.build(primary)
        for postfix in self._reader.chain(postfixes):
            node = self._reader.postfixes[postfix.rule](self._reader, node, postfix)
        return node

    def _negation(self, prefix: Tree, signs: list[Tree]) -> None:
        tight = self._pending and self._pending[-1].precedence >= _COMPARISON
        if tight or signs:
            self._reader.report(
                "RQ001", prefix.start, prefix.end,
                f"expected a value, found '{self._reader.written(prefix)}'",
                "put parentheses around the negation",
            )  # fmt: skip
        self._pending.append(_Pending("not", _NOT, prefix=True, start=prefix.start))

    def _operator(self, tree: Tree) -> None:
        written = " ".join(self._reader.written(tree).split())
        operator = self._native(tree, written)
        precedence = PRECEDENCE[operator]
        if self._tested and precedence > _COMPARISON:
            self._reader.report(
                "RQ001", tree.start, tree.end,
                f"expected 'and' or 'or', found '{written}'",
                "put parentheses around the test",
            )  # fmt: skip
        self._bind(precedence, tree)
        self._tested = False
        self._pending.append(_Pending(operator, precedence, prefix=False, start=tree.start))

    def _native(self, tree: Tree, written: str) -> str:
        if written in PRECEDENCE:
            return written
        if written not in FOREIGN:
            return "not in"
        native = FOREIGN[written]
        edit = TextEdit(Span(tree.start, tree.end), native)
        self._reader.report(
            "RQ012", tree.start, tree.end,
            f"operator of another language '{written}'", f"write '{native}'",
            (Fix(f"replace '{written}' by '{native}'", (edit,)),),
        )  # fmt: skip
        return native

    def _test(self, tree: Tree) -> None:
        keyword, negated, of = tree.parts
        self._bind(_COMPARISON, keyword)
        many = of.rule == "is_many"
        names = self._reader.elements(of) if many else [declared(self._reader, of)]
        value = self._values.pop()
        span = Span(value.span.start, tree.end - self._reader.base)
        name = names[0] if names else Identifier(self._reader.span(of), "")
        self._values.append(IsTest(span, value, negated is not None, name, many))
        self._tested = True

    def _bind(self, precedence: int, tree: Tree) -> None:
        """Apply the pending operators that bind at least as tightly."""
        chained = precedence == _COMPARISON and self._tested
        while self._pending and self._pending[-1].precedence >= precedence:
            chained = chained or (precedence == _COMPARISON == self._pending[-1].precedence)
            self._reduce()
        if chained:
            self._chained(tree)

    def _chained(self, tree: Tree) -> None:
        left = self._values[-1]
        fixes: tuple[Fix, ...] = ()
        if isinstance(left, Binary):
            base = self._reader.base
            middle = self._reader.text[left.right.span.start + base : left.right.span.end + base]
            at = left.right.span.end + base
            edit = TextEdit(Span(at, at), f" and {middle}")
            fixes = (Fix("compare one by one", (edit,)),)
        self._reader.report(
            "RQ011", tree.start, tree.end, "comparisons cannot be chained",
            "join two comparisons with 'and'", fixes,
        )  # fmt: skip

    def _reduce(self) -> None:
        pending = self._pending.pop()
        right = self._values.pop()
        if pending.prefix:
            span = Span(pending.start - self._reader.base, right.span.end)
            self._values.append(Unary(span, "not", right))
            return
        left = self._values.pop()
        span = Span(left.span.start, right.span.end)
        operator = cast("BinaryOperator", pending.operator)
        self._values.append(Binary(span, operator, left, right))
