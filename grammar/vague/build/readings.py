"""What a reading of a text leaves: lists of placed elements, free of where they stand.

Beside the tree these values keep what is needed to read a changed text again: how far each element
has looked, and what is wrong in it. They are never changed; `reread` makes new ones out of old
ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Final

from vague.ast.base import Node, Placed
from vague.diagnostics import Diagnostic, Fix, RelatedPlace, TextEdit
from vague.peg import ListForm

ONE: Final = ListForm("one", "", "step", "single")
"""The form of a list that is a single step, such as the body of an arm."""


@dataclass(slots=True)
class Element:
    """A placed element, free of where it stands: offsets count from its own start.

    `reach` is how far reading it has looked, so that an edit behind that leaves it as it is.
    """

    node: Node
    length: int
    reach: int
    problems: tuple[Diagnostic, ...]
    readings: tuple[Reading, ...]
    troubled: bool


@dataclass(slots=True)
class Reading:
    """A list of placed elements as it was read; offsets count from the holder of the list.

    `depth` is the nesting around it; `tail` are the problems behind the last element, counted from
    the end of the list; `n_troubled` is the number of elements with problems.
    """

    form: ListForm
    depth: int
    start: int
    end: int
    starts: list[int]
    elements: list[Element]
    placed: tuple[Placed[Any], ...]
    tail: tuple[Diagnostic, ...]
    n_troubled: int

    @property
    def troubled(self) -> bool:
        """Whether anything is wrong in it."""
        return self.n_troubled > 0 or bool(self.tail)

    def moved(self, by: int) -> Reading:
        """The same list, `by` characters further from the start of its holder."""
        if by == 0:
            return self
        starts = list(map(by.__add__, self.starts))
        placed = place(starts, [element.node for element in self.elements])
        return replace(self, start=self.start + by, end=self.end + by, starts=starts, placed=placed)


def place(starts: list[int], nodes: list[Node]) -> tuple[Placed[Any], ...]:
    """The nodes at their places; long lists are placed anew with each edit, so without `__init__`.

    The same as `tuple(map(Placed, starts, nodes))` at half the cost.
    """
    placed = list(map(_NEW, repeat(Placed, len(nodes))))
    deque(map(_SET_START, placed, starts), maxlen=0)
    deque(map(_SET_NODE, placed, nodes), maxlen=0)
    return tuple(placed)


_NEW: Callable[[type[Placed[Any]]], Placed[Any]] = Placed.__new__
_SET_START: Callable[[Placed[Any], int], None] = vars(Placed)["start"].__set__
_SET_NODE: Callable[[Placed[Any], Node], None] = vars(Placed)["node"].__set__


def shifted(problem: Diagnostic, by: int) -> Diagnostic:
    """The same problem with `by` added to its offsets."""
    if by == 0:
        return problem
    return Diagnostic(
        problem.code,
        problem.severity,
        problem.path,
        problem.span.shifted(by),
        problem.message,
        problem.help,
        tuple([_shifted_fix(fix, by) for fix in problem.fixes]) if problem.fixes else (),
        tuple([_shifted_place(one, by) for one in problem.related]) if problem.related else (),
    )


def _shifted_fix(fix: Fix, by: int) -> Fix:
    edits = [TextEdit(edit.span.shifted(by), edit.text) for edit in fix.edits]
    return Fix(fix.title, tuple(edits), fix.safe)


def _shifted_place(place: RelatedPlace, by: int) -> RelatedPlace:
    return RelatedPlace(place.path, place.span.shifted(by), place.message)
