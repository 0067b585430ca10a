"""Options: of missions, actions, sources, steps. Read generously, so that the checker can speak."""

from __future__ import annotations

import re

from vague.ast.base import Identifier, Key
from vague.ast.definitions import Option
from vague.ast.expressions import (
    UNIT_MILLISECONDS,
    DurationLiteral,
    Entry,
    LastSync,
    NumberLiteral,
    ObjectLiteral,
    Quantity,
)
from vague.build.expressions import key, object_literal
from vague.build.reader import Builder, Reader
from vague.build.strings import number_value
from vague.peg import Tree
from vague.slices import PIECES
from vague.text import Span

_DIGITS = re.compile(rf"{PIECES['number']}\Z")


def option(reader: Reader, tree: Tree) -> Option:
    """`key: value` of a mission or an action."""
    name, _, value = tree.parts
    return Option(reader.span(tree), key(reader, name), reader.build(value))


def plain_option(reader: Reader, tree: Tree) -> Entry:
    """`key: value` in a block of options."""
    name, _, value = tree.parts
    return Entry(reader.span(tree), key(reader, name), reader.build(value))


def _since_option(reader: Reader, tree: Tree) -> Entry:
    name, _, value = tree.parts
    return Entry(reader.span(tree), Key(reader.span(name), "since"), _last_sync(reader, value))


def _last_sync(reader: Reader, tree: Tree) -> LastSync:
    _, name, options = tree.parts
    return LastSync(
        reader.span(tree),
        None if name is None else reader.build(name.parts[1]),
        optional_block(reader, options),
    )


def optional_block(reader: Reader, tree: Tree | None) -> ObjectLiteral | None:
    """The options of an optional block."""
    return None if tree is None else object_literal(reader, tree)


def quantity(reader: Reader, tree: Tree) -> Quantity | DurationLiteral:
    """A number with a word: a duration where it can be one."""
    inner = tree.parts[0] if tree.parts[0].rule == "quantity" else tree
    number, unit = inner.parts[0], inner.parts[-1]
    return signed_quantity(reader, number, unit, always=False)


def signed_quantity(
    reader: Reader, number: Tree, unit: Tree, *, always: bool
) -> Quantity | DurationLiteral:
    """A signed number and its unit; a `Quantity` in any case with `always`."""
    negative, literal = signed(reader, number)
    word = reader.written(unit)
    span = Span(number.start - reader.base, unit.end - reader.base)
    if not negative and not always and word in UNIT_MILLISECONDS:
        return DurationLiteral(span, literal, word)
    return Quantity(span, negative, literal, Identifier(reader.span(unit), word))


def signed(reader: Reader, tree: Tree) -> tuple[bool, NumberLiteral]:
    """Whether a number has a minus, and the number."""
    text = reader.written(tree)
    match = _DIGITS.search(text)
    digits = match.group() if match else text
    end = tree.end - reader.base
    return text.startswith("-"), NumberLiteral(
        Span(end - len(digits), end),
        number_value(reader, tree.end - len(digits), digits),
        digits,
    )


BUILDERS: dict[str, Builder] = {
    "options": object_literal,
    "plain_option": plain_option,
    "data_option": plain_option,
    "since_option": _since_option,
    "mission_option": option,
    "action_option": option,
    "option_quantity": quantity,
    "mission_quantity": quantity,
    "action_quantity": quantity,
}
