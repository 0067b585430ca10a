"""Option blocks of the tree as plan values: canonical names, words as strings, nested blocks.

The checker has judged the blocks already. Here `backoff: linear` becomes a string, a synonym its
option, and a pagination in any of its three forms one `PaginatePlan`. Values stay expressions;
the engine evaluates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from reqon.plan.model import Options, PaginatePlan, SincePlan
from vague.ast.base import Identifier, Key
from vague.ast.expressions import (
    Binary,
    Call,
    ContextField,
    Entry,
    Expression,
    FieldAccess,
    Group,
    LastSync,
    MethodCall,
    Name,
    NumberLiteral,
    ObjectLiteral,
    OptionValue,
    Quantity,
    Spread,
    StringLiteral,
    Unary,
)
from vague.ast.walk import walk
from vague.vocabulary import Vocabulary
from vague.vocabulary.options import OptionBlock, OptionSpec, OptionType

_WORD_TYPES = frozenset(
    {
        OptionType.WORD,
        OptionType.AUTH,
        OptionType.STATE_STORE,
        OptionType.STORE,
        OptionType.PAGINATOR,
        OptionType.PARAMETER,
        OptionType.SYNC_FORMAT,
    }
)

EMPTY: Options = MappingProxyType({})
"""No options."""


def bare(expression: Expression) -> Expression:
    """The expression without the parentheses around it."""
    while isinstance(expression, Group):
        expression = expression.inner
    return expression


def word_of(expression: Expression) -> str | None:
    """The word that an expression spells: a name, a string, or `unix-ms` written bare."""
    match bare(expression):
        case StringLiteral(value=value):
            return value
        case Name(text=text):
            return text
        case Binary(operator="-", left=left, right=right):
            first, second = word_of(left), word_of(right)
            return None if first is None or second is None else f"{first}-{second}"
        case _:
            return None


def calls_env(expression: OptionValue) -> bool:
    """Whether the expression reads the environment, whose settings count at each start."""
    return any(
        isinstance(node, Call) and isinstance(node.callee, Name) and node.callee.text == "env"
        for node in walk(expression)
    )


class OptionReader:
    """Reads option blocks as the vocabulary describes them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._blocks = vocabulary.option_blocks

    def read(self, literal: ObjectLiteral | None, block_name: str) -> Options:
        """The options of `literal` by canonical name; `since: lastSync` is left to `since`."""
        if literal is None:
            return EMPTY
        block = self._blocks[block_name]
        found: dict[str, Expression] = {}
        for entry in literal.entries:
            if isinstance(entry, Spread) or isinstance(entry.value, LastSync):
                continue
            found[block.canonical(entry.key.text)] = self.value(
                entry.value, block.find(entry.key.text)
            )
        return MappingProxyType(found)

    def value(self, expression: Expression, spec: OptionSpec | None) -> Expression:
        """The value of one option: words become strings, a nested block is read in its turn."""
        if spec is None:
            return expression
        plain = bare(expression)
        if spec.nested is not None and isinstance(plain, ObjectLiteral):
            return self._nested(plain, self._blocks[spec.nested])
        if spec.type in _WORD_TYPES and isinstance(plain, Name | Binary):
            word = word_of(plain)
            return expression if word is None else _string(word, plain)
        return _signed(plain) if isinstance(plain, Quantity) else expression

    def _nested(self, literal: ObjectLiteral, block: OptionBlock) -> ObjectLiteral:
        entries: list[Entry | Spread] = []
        for entry in literal.entries:
            if isinstance(entry, Entry) and not isinstance(entry.value, LastSync):
                value = self.value(entry.value, block.find(entry.key.text))
                key = Key(entry.key.span, block.canonical(entry.key.text))
                entries.append(replace(entry, key=key, value=value))
            else:
                entries.append(entry)
        return replace(literal, entries=tuple(entries))

    def paginate(self, options: Options, until: Expression | None) -> PaginatePlan | None:
        """The pagination of a request in one form, whichever was written."""
        value = options.get("paginate")
        if value is None:
            return None
        items = None if until is None else _items_in_until(until)
        match bare(value):
            case Name(text=kind):
                return PaginatePlan(kind, EMPTY, items)
            case Call(callee=Name(text=kind), arguments=arguments):
                return PaginatePlan(kind, self._positional(kind, arguments), items)
            case ObjectLiteral() as literal:
                read = dict(self.read(literal, "paginate"))
                kind = word_of(read.pop("type")) if "type" in read else None
                return PaginatePlan(kind or "", MappingProxyType(read), items)
            case _:
                return PaginatePlan("", MappingProxyType({"paginate": value}), items)

    def _positional(self, kind: str, arguments: tuple[Expression, ...]) -> Options:
        """`cursor(.next)` is short for `cursor(cursor, 100, "next")`."""
        if kind == "cursor" and len(arguments) == 1 and _is_path(arguments[0]):
            return MappingProxyType({"cursorPath": arguments[0]})
        block = self._blocks["paginate"]
        names = ("param", "pageSize", "cursorPath")
        found = {
            name: self.value(argument, block.find(name))
            for name, argument in zip(names, arguments, strict=False)
        }
        for position, argument in enumerate(arguments[len(names) :], start=len(names)):
            found[str(position)] = argument
        return MappingProxyType(found)

    def since(self, literal: ObjectLiteral | None) -> SincePlan | None:
        """The `since` of a request, with what stands in the block of `lastSync` and beside it."""
        if literal is None:
            return None
        value = _entry_value(literal, "since")
        if value is None:
            return None
        beside = {
            name: option
            for name, option in self.read(literal, "request").items()
            if name in _SINCE_OPTIONS
        }
        if not isinstance(value, LastSync):
            if word_of(value) == "lastSync" and isinstance(bare(value), Name):
                return SincePlan(None, MappingProxyType(beside))
            return SincePlan(value, MappingProxyType(beside))
        inner = {
            _INNER_NAMES.get(name, name): option
            for name, option in self.read(value.options, "lastSync").items()
        }
        if value.key is not None:
            inner["syncKey"] = value.key
        return SincePlan(None, MappingProxyType({**beside, **inner}))


_SINCE_OPTIONS = frozenset({"sinceParam", "sinceFormat", "syncKey", "updateFrom", "sinceOverlap"})
_INNER_NAMES: Mapping[str, str] = {"param": "sinceParam", "format": "sinceFormat"}


def _entry_value(literal: ObjectLiteral, name: str) -> Expression | LastSync | None:
    for entry in literal.entries:
        if isinstance(entry, Entry) and entry.key.text == name:
            return entry.value
    return None


def _string(text: str, at: Expression) -> StringLiteral:
    return StringLiteral(at.span, text, f'"{text}"')


def _signed(quantity: Quantity) -> Expression:
    if quantity.unit is not None or not quantity.negative:
        return quantity.number
    return Unary(quantity.span, "-", quantity.number)


def _is_path(expression: Expression) -> bool:
    plain = bare(expression)
    if isinstance(plain, ContextField | StringLiteral):
        return True
    return isinstance(plain, FieldAccess) and _is_path(plain.target)


# ---------------------------------------------------------------- paths


def field_path(expression: Expression, root: str | None = None) -> tuple[str | int, ...] | None:
    """The path that `.a.b[0]` (or `root.a.b[0]`) goes; None for any other expression."""
    match bare(expression):
        case ContextField(name=name):
            return (name.text,) if root is None else None
        case Name(text=text):
            return () if text == root else None
        case FieldAccess(target=target, name=Identifier(text=text)):
            before = field_path(target, root)
            return None if before is None else (*before, text)
        case _:
            return None


def _items_in_until(until: Expression) -> tuple[str | int, ...] | None:
    """P of the first `length(response.P)` or `response.P.length` in `until`."""
    for node in walk(until):
        match node:
            case Call(callee=Name(text="length" | "count"), arguments=(argument,)):
                path = _page_path(argument)
            case MethodCall(name=Identifier(text="length" | "count"), target=target, arguments=()):
                path = _page_path(target)
            case FieldAccess(name=Identifier(text="length"), target=target):
                path = _page_path(target)
            case _:
                path = None
        if path:
            return path
    return None


def _page_path(expression: Expression) -> tuple[str | int, ...] | None:
    return field_path(expression, "response") or field_path(expression)


def whole_number(expression: Expression | Quantity | None) -> int | None:
    """The integer that a literal spells, if it is one."""
    if isinstance(expression, Quantity):
        return None if expression.negative or expression.unit else _as_int(expression.number)
    plain = None if expression is None else bare(expression)
    return _as_int(plain) if isinstance(plain, NumberLiteral) else None


def _as_int(literal: NumberLiteral) -> int | None:
    value = literal.value
    return int(value) if isinstance(value, int) or value.is_integer() else None
