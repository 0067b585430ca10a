"""Whether two readings are of the same program: the check that guards every formatted text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import cast

from vague.ast.base import Node
from vague.parser import Comment


def same_tree(first: Node, second: Node) -> bool:
    """Whether two trees are equal but for spans and raw text, however deep they are."""
    try:
        return first == second
    except RecursionError:
        return _same_deep_tree(first, second)


def same_comments(first: Sequence[Comment], second: Sequence[Comment]) -> bool:
    """Whether the same comments come in the same order, white space at line ends aside."""
    return [_solid(comment) for comment in first] == [_solid(comment) for comment in second]


def _solid(comment: Comment) -> str:
    return comment.text.replace("\r\n", "\n").rstrip()


def _same_deep_tree(first: object, second: object) -> bool:
    """The comparison of dataclasses and tuples, with a list of what is left instead of calls."""
    pairs: list[tuple[object, object]] = [(first, second)]
    while pairs:
        left, right = pairs.pop()
        if left is right:
            continue
        if type(left) is not type(right):
            return False
        if isinstance(left, tuple):
            items, others = cast("tuple[object, ...]", left), cast("tuple[object, ...]", right)
            if len(items) != len(others):
                return False
            pairs.extend(zip(items, others, strict=True))
        elif is_dataclass(left):
            names = (field.name for field in fields(left) if field.compare)
            pairs.extend((getattr(left, name), getattr(right, name)) for name in names)
        elif left != right:
            return False
    return True
