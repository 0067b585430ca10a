"""Heads of arms: patterns, and the expressions that stand where a pattern could."""

from __future__ import annotations

import re

from vague.ast.base import Identifier
from vague.ast.expressions import (
    ArrayLiteral,
    ArrayPattern,
    BooleanLiteral,
    Entry,
    Expression,
    FieldPattern,
    LiteralPattern,
    Name,
    NamePattern,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    ObjectPattern,
    Pattern,
    RestPattern,
    Spread,
    StringLiteral,
    Unary,
    ValuePattern,
    Wildcard,
    WildcardPattern,
)
from vague.build.reader import Builder, Reader, declared
from vague.build.strings import number_value, value_of
from vague.peg import Tree
from vague.slices import PIECES
from vague.text import Span

_DIGITS = re.compile(rf"{PIECES['number']}\Z")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def arm_head(reader: Reader, tree: Tree) -> tuple[Pattern, Expression | None]:
    """The head of an arm and its guard."""
    if tree.rule != "pattern_head":
        return ValuePattern(reader.span(tree), reader.build(tree)), None
    head, guard = tree.parts
    condition = None if guard is None else reader.build(guard.parts[1])
    return _head(reader, head), condition


def expect_arrow(reader: Reader, tree: Tree, arrow: str) -> None:
    """Report the other arrow than the one that belongs here."""
    written = reader.written(tree)
    if written != arrow:
        reader.report_replacement("RQ001", tree, arrow, f"expected '{arrow}', found '{written}'")


def _head(reader: Reader, tree: Tree) -> Pattern:
    """A pattern; where its brackets hold no pattern, the value that they hold."""
    literal = {"object_pattern": "object", "array_pattern": "array"}.get(tree.rule)
    if literal is None:
        return pattern(reader, tree)
    before = reader.problems
    reader.problems = []
    node = pattern(reader, tree)
    problems = reader.problems
    if problems:
        reader.problems = []
        value = reader.build(Tree(literal, tree.start, tree.end, []))
        if not reader.problems:
            problems = []
            node = ValuePattern(reader.span(tree), value)
    reader.problems = before + problems
    return node


def pattern(reader: Reader, tree: Tree) -> Pattern:
    """The pattern of a tree."""
    return _PATTERNS[tree.rule](reader, tree)


def _objects(reader: Reader, tree: Tree) -> ObjectPattern:
    return ObjectPattern(reader.span(tree), tuple(reader.elements(tree)))


def _array(reader: Reader, tree: Tree) -> ArrayPattern:
    return ArrayPattern(reader.span(tree), tuple(reader.elements(tree)))


def _number(reader: Reader, tree: Tree) -> LiteralPattern:
    text = reader.written(tree)
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("-")
    start = len(digits) - len(_DIGITS.findall(digits)[-1])
    at = tree.end - len(digits) + start
    value = number_value(reader, at, digits[start:])
    return LiteralPattern(reader.span(tree), sign * value, text)


def _string(reader: Reader, tree: Tree) -> LiteralPattern:
    return LiteralPattern(reader.span(tree), value_of(reader, tree), reader.written(tree))


def _constant(reader: Reader, tree: Tree) -> LiteralPattern:
    text = reader.written(tree)
    return LiteralPattern(reader.span(tree), _CONSTANTS[text], text)


def _wildcard(reader: Reader, tree: Tree) -> WildcardPattern:
    return WildcardPattern(reader.span(tree))


def _name(reader: Reader, tree: Tree) -> NamePattern:
    return NamePattern(reader.span(tree), reader.written(tree))


_PATTERNS = {
    "object_pattern": _objects,
    "array_pattern": _array,
    "number_pattern": _number,
    "string_pattern": _string,
    "constant_pattern": _constant,
    "wildcard": _wildcard,
    "name_pattern": _name,
}


def _field_pattern(reader: Reader, tree: Tree) -> FieldPattern:
    key, _, inner = tree.parts
    return FieldPattern(reader.span(tree), reader.build(key), reader.build(inner))


def _whole_pattern(reader: Reader, tree: Tree) -> Pattern:
    return pattern(reader, tree.parts[0])


def _value_pattern(reader: Reader, tree: Tree) -> Pattern:
    return ValuePattern(reader.span(tree), reader.build(tree.parts[0]))


def _rest_pattern(reader: Reader, tree: Tree) -> RestPattern:
    name = tree.parts[1]
    return RestPattern(
        reader.span(tree), None if name.rule == "wildcard" else declared(reader, name)
    )


def condition_head(head: Pattern) -> Pattern:
    """The head of an arm without a subject: a condition, or `_`."""
    if isinstance(head, ValuePattern | WildcardPattern):
        return head
    return ValuePattern(head.span, _as_value(head))


def _as_value(head: Pattern | RestPattern) -> Expression:
    if isinstance(head, ValuePattern):
        return head.value
    if isinstance(head, NamePattern):
        return Name(head.span, head.text)
    if isinstance(head, LiteralPattern):
        return _literal_value(head)
    if isinstance(head, ObjectPattern):
        entries = (Entry(f.span, f.key, _as_value(f.pattern)) for f in head.fields)
        return ObjectLiteral(head.span, tuple(entries))
    if isinstance(head, ArrayPattern):
        return ArrayLiteral(head.span, tuple(_as_item(item) for item in head.items))
    return Wildcard(head.span)


def _as_item(item: Pattern | RestPattern) -> Expression | Spread:
    if not isinstance(item, RestPattern):
        return _as_value(item)
    name = item.name or Identifier(item.span, "_")
    return Spread(item.span, Name(name.span, name.text))


def _literal_value(head: LiteralPattern) -> Expression:
    value = head.value
    if value is None:
        return NullLiteral(head.span)
    if isinstance(value, bool):
        return BooleanLiteral(head.span, value)
    if isinstance(value, str):
        return StringLiteral(head.span, value, head.text)
    if not head.text.startswith("-"):
        return NumberLiteral(head.span, value, head.text)
    digits = head.text.lstrip("- \t")
    span = Span(head.span.end - len(digits), head.span.end)
    return Unary(head.span, "-", NumberLiteral(span, -value, digits))


BUILDERS: dict[str, Builder] = {
    "field_pattern": _field_pattern,
    "whole_pattern": _whole_pattern,
    "value_pattern": _value_pattern,
    "rest_pattern": _rest_pattern,
}
