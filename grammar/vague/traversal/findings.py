"""What a walk leaves: problems and names, those of long lists of steps by stretches.

A stretch is a run of steps of a long list. Its findings count from its own start, so that after an
edit they are taken over wherever the stretch has moved to, in one piece. Here is what is kept of
it, and the way back to findings that count from the start of the element.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from vague.ast.base import Node
from vague.diagnostics import Diagnostic, TextEdit
from vague.text import Span
from vague.traversal.events import Kind, Role
from vague.traversal.scopes import Binding
from vague.traversal.surroundings import Question


@dataclass(frozen=True, slots=True)
class EditAtElement(TextEdit):
    """An edit whose span counts from the start of the element, wherever the problem stands."""


class Occurrence(NamedTuple):
    """A name at a place of an element. `binding` is set for local names."""

    kind: Kind
    name: str
    span: Span
    role: Role
    binding: Binding | None = None


@dataclass(slots=True, eq=False)
class Found:
    """What the walk over an element, or over a stretch of its steps, has found.

    Spans count from where the element or the stretch begins. `used` are the bindings that are
    read, also those from outside; `asked` are the look-ups that the result depends on, `meant` is
    what was probably to be written. `parts` are the stretches inside.

    Of a stretch: `n_frames` is the depth of its list; `tied`: it depends on its neighbors, so that
    it cannot be reused; `values_asked` are the local names of which it matters what they were
    given.
    """

    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    occurrences: list[Occurrence] = field(default_factory=list[Occurrence])
    bindings: list[Binding] = field(default_factory=list[Binding])
    used: set[Binding] = field(default_factory=set[Binding])
    asked: set[Question] = field(default_factory=set[Question])
    meant: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    uses_default_source: bool = False
    parts: list[Part] = field(default_factory=list["Part"])
    n_frames: int = -1
    tied: bool = False
    values_asked: set[str] = field(default_factory=set[str])

    @property
    def has_findings(self) -> bool:
        """Whether there are problems, in all parts."""
        return bool(self.findings) or any(part.stretch.has_findings for part in self.parts)

    def mentions(self) -> frozenset[tuple[str, str]]:
        """The (kind, name) that are referred to, in all parts."""
        own = {(one.kind, one.name) for one in self.occurrences if one.role != "declare"}
        own |= self.meant
        return frozenset(own.union(*(part.stretch.mentions for part in self.parts)))

    def questions(self) -> frozenset[Question]:
        """The look-ups that the result depends on, in all parts."""
        return frozenset(self.asked.union(*(part.stretch.asked for part in self.parts)))

    def unused(self) -> Iterator[tuple[Binding, Span]]:
        """The bindings that nothing has read so far, with their spans, in all parts."""
        for binding in self.bindings:
            if binding not in self.used:
                yield binding, binding.span
        for part in self.parts:
            for binding, span in part.stretch.unused:
                if binding not in self.used:
                    yield binding, span.shifted(part.start)

    def stretches(self) -> Iterator[Stretch]:
        """All stretches at every depth."""
        for part in self.parts:
            yield part.stretch
            yield from part.stretch.found.stretches()

    def all_occurrences(self) -> tuple[Occurrence, ...]:
        """The names, counted from the start of the element; cost is their number."""
        if not self.parts:
            return tuple(self.occurrences)
        found: list[tuple[Occurrence, int, Binding | None]] = []
        placed: dict[Binding, Binding] = {}
        _flatten(self, 0, {}, found, placed)
        return tuple(
            Occurrence(
                one.kind,
                one.name,
                one.span.shifted(by),
                one.role,
                None if binding is None else placed.get(binding, binding),
            )
            for one, by, binding in found
        )


class Placement(NamedTuple):
    """Where the problems of what begins at `start` are said, in the element at `element`.

    `broken`: the mission has syntax errors, so that what these make doubtful is left out.
    """

    path: str
    start: int
    element: int
    broken: bool

    def moved(self, by: int) -> Placement:
        """The same for what begins `by` characters further on."""
        return self._replace(start=self.start + by)


class Part(NamedTuple):
    """A stretch at its place. `bound`: what has taken the place of bindings around it."""

    start: int
    stretch: Stretch
    bound: Mapping[Binding, Binding]


@dataclass(slots=True, eq=False)
class Stretch:
    """A run of steps with what was found in it, and all that this depends on.

    One of level 1 holds steps, each other one the stretches of the level before. `starts` count
    from the first step. `situation` is where the walk was. `names` are the local names from
    outside that it asked for, with what they meant; `visible` all that was in sight, if a
    suggestion was chosen from these. `binds` is what its block has from it, `uses` are the
    bindings from outside that it reads, and `uses_item` tells whether it reads the loop's item by
    `.name`. `published` are its problems as they were last placed in a file.
    """

    level: int
    nodes: tuple[Node, ...]
    starts: tuple[int, ...]
    situation: tuple[object, ...]
    found: Found
    names: Mapping[str, Binding | None]
    visible: tuple[str, ...] | None
    binds: Mapping[str, Binding]
    uses: tuple[Binding, ...]
    uses_item: bool
    holds_request: bool
    mentions: frozenset[tuple[str, str]]
    asked: frozenset[Question]
    unused: tuple[tuple[Binding, Span], ...]
    has_findings: bool
    published: tuple[Placement, tuple[Diagnostic, ...]] | None = None


class KnownStretches:
    """Stretches of an earlier walk that may still hold; those inside one only once it is opened.

    `changes` are the look-ups that now give another answer than before.
    """

    def __init__(self, changes: frozenset[Question] = frozenset()) -> None:
        self._changes = changes
        self._known: dict[tuple[int, int], Stretch] = {}

    def add(self, found: Found) -> None:
        """Take over what a walk has found in an element or a stretch."""
        for part in found.parts:
            stretch = part.stretch
            if stretch.found.tied or not self._changes.isdisjoint(stretch.asked):
                self.add(stretch.found)
            else:
                self._known[id(stretch.nodes[0]), stretch.level] = stretch

    def find(self, first: Node, level: int) -> Stretch | None:
        """The stretch of a level that begins with a step; where there is none, all are opened."""
        found = self._known.get((id(first), level))
        if found is None and level > 1:
            for stretch in list(self._known.values()):
                self.open(stretch)
        return found

    def begins(self, first: Node, level: int) -> bool:
        """Whether a stretch of a level begins with a step."""
        return (id(first), level) in self._known

    def open(self, stretch: Stretch) -> None:
        """Take over what is inside a stretch that does not hold."""
        self.add(stretch.found)


def _flatten(
    found: Found,
    origin: int,
    bound: Mapping[Binding, Binding],
    occurrences: list[tuple[Occurrence, int, Binding | None]],
    placed: dict[Binding, Binding],
) -> None:
    """Gather the names of `found`, which begins at `origin`, each with its binding as it is now."""
    for binding in found.bindings:
        placed[binding] = replace(binding, span=binding.span.shifted(origin))
    for one in found.occurrences:
        binding = one.binding
        now = None if binding is None else bound.get(binding, binding)
        occurrences.append((one, origin, now))
    for part in found.parts:
        inner = dict(bound)
        inner.update((old, bound.get(now, now)) for old, now in part.bound.items())
        _flatten(part.stretch.found, origin + part.start, inner, occurrences, placed)
