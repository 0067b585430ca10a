"""Walks a long list of steps stretch by stretch, and takes over what is known of a stretch.

A stretch is known when its steps are the same objects at the same distances, and everything that
its walk looked at outside is as it was: the situation in which it began, what local names meant,
and what the mission offers under the names that it asked for. The result is always that of a walk
without stretches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import TypeAlias

from vague.ast.base import Node, Placed
from vague.ast.steps import CallOperation, Request, Step
from vague.traversal.findings import Found, KnownStretches, Part, Stretch
from vague.traversal.scopes import Binding, StretchScope, visible_names
from vague.traversal.state import Walk

Steps: TypeAlias = tuple[Placed[Step], ...]

_LENGTHS = ((12, 20), (144, 240))
"""The usual and the greatest number of steps; a stretch holds some of the level before."""
_NODE: Callable[[Placed[Node]], Node] = attrgetter("node")
_START: Callable[[Placed[Node]], int] = attrgetter("start")


def visit_in_stretches(
    steps: Steps, walk: Walk, known: KnownStretches, visit: Callable[[int, int], None]
) -> None:
    """Walk a list of steps; `visit` walks the steps from an index up to another."""
    level = sum(len(steps) > greatest for _, greatest in _LENGTHS)
    _Visit(steps, walk, known, visit, _situation(walk)).visit(0, len(steps), level)


def _situation(walk: Walk) -> tuple[object, ...]:
    """Where the walk is, as far as rules can ask for it."""
    context = walk.context
    variable = context.variable
    return (
        walk.element.path,
        walk.text_before(),
        tuple((frame.entered_by, frame.follows_request) for frame in walk.frames[:-1]),
        walk.frames[-1].entered_by,
        tuple((loop.variable.text, loop.parallel is None) for loop in walk.loops),
        (context.kind, context.element_of),
        None if variable is None else (variable.name, variable.kind),
    )


@dataclass(slots=True)
class _Visit:
    """The walk over one list of steps."""

    steps: Steps
    walk: Walk
    known: KnownStretches
    visit_steps: Callable[[int, int], None]
    situation: tuple[object, ...]

    def visit(self, index: int, end: int, level: int) -> None:
        """Walk the steps from `index` to `end` in stretches of a level; 0 has none."""
        if level == 0:
            self.visit_steps(index, end)
            return
        while index < end:
            situation = (*self.situation, self.walk.frames[-1].follows_request)
            part = self._known_part(index, end, situation, level)
            if part is None:
                stop = self._end_of_new(index, end, level)
                part = self._new_part(index, stop, situation, level)
            _add(part, self.walk)
            index += len(part.stretch.nodes)

    # ------------------------------------------------------------ known stretches

    def _known_part(
        self, index: int, end: int, situation: tuple[object, ...], level: int
    ) -> Part | None:
        """A stretch that is as it was, with what has taken the place of bindings around it."""
        stretch = self.known.find(self.steps[index].node, level)
        if stretch is None:
            return None
        is_as_before = self._is_as_before(stretch, index, end, situation)
        bound = _bound_anew(stretch, self.walk) if is_as_before else None
        if bound is None:
            self.known.open(stretch)
            return None
        return Part(self.walk.base + self.steps[index].start, stretch, bound)

    def _is_as_before(
        self, stretch: Stretch, index: int, end: int, situation: tuple[object, ...]
    ) -> bool:
        """Whether a stretch, and where it begins, are as they were."""
        if index + len(stretch.nodes) > end or situation != stretch.situation:
            return False
        here = self.steps[index : index + len(stretch.nodes)]
        if not all(map(is_, map(_NODE, here), stretch.nodes)):
            return False
        return tuple(map(here[0].start.__rsub__, map(_START, here))) == stretch.starts

    def _end_of_new(self, start: int, end: int, level: int) -> int:
        """Where a new stretch ends: where a known one begins, so that reuse can go on there."""
        usual, greatest = _LENGTHS[level - 1]
        for stop in range(min(start + greatest, end), start, -1):
            if stop == end or self.known.begins(self.steps[stop].node, level):
                return stop
        return start + usual

    # ------------------------------------------------------------ new stretches

    def _new_part(self, index: int, stop: int, situation: tuple[object, ...], level: int) -> Part:
        """Walk the steps from `index` to `stop`, and keep what is found as a stretch."""
        walk, steps = self.walk, self.steps[index:stop]
        outer, scope, base, origin = walk.found, walk.scope, walk.base, walk.origin
        start = base + steps[0].start
        follows_request = walk.frames[-1].follows_request
        walk.found = found = Found(n_frames=len(walk.frames))
        walk.scope = inner = StretchScope(scope)
        walk.base, walk.origin = -steps[0].start, origin + start
        self.visit(index, stop, level - 1)
        walk.found, walk.scope, walk.base, walk.origin = outer, scope, base, origin
        walk.frames[-1].follows_request = follows_request
        outer.used |= found.used
        return Part(start, _stretch(steps, level, situation, inner, found, walk), {})


def _bound_anew(stretch: Stretch, walk: Walk) -> dict[Binding, Binding] | None:
    """Let be read what a stretch reads from outside; None where a name no longer means the same."""
    scope = walk.scope
    if scope.binds_any(stretch.binds):
        return None
    values = stretch.found.values_asked
    bound: dict[Binding, Binding] = {}
    for name, before in stretch.names.items():
        now = scope.find(name)
        if now is before:
            continue
        if before is None or now is None or before.kind is not now.kind:
            return None
        if name in values and before.value is not now.value:
            return None
        bound[before] = now
    if stretch.visible is not None and stretch.visible != visible_names(scope):
        return None
    walk.found.used.update(bound.get(binding, binding) for binding in stretch.uses)
    if stretch.uses_item and walk.context.variable is not None:
        walk.found.used.add(walk.context.variable)
    return bound


def _add(part: Part, walk: Walk) -> None:
    """Let everything be as behind the steps of a part."""
    stretch, found = part.stretch, walk.found
    found.parts.append(part)
    found.uses_default_source |= stretch.found.uses_default_source
    found.values_asked |= stretch.found.values_asked
    found.tied |= stretch.found.tied and stretch.found.n_frames == found.n_frames
    walk.frames[-1].follows_request |= stretch.holds_request
    if stretch.binds:
        walk.scope.bindings.update(stretch.binds)
        walk.origins.update(dict.fromkeys(stretch.binds.values(), walk.origin + part.start))


def _stretch(
    steps: Steps,
    level: int,
    situation: tuple[object, ...],
    scope: StretchScope,
    found: Found,
    walk: Walk,
) -> Stretch:
    first = steps[0].start
    variable = walk.context.variable
    return Stretch(
        level=level,
        nodes=tuple(map(_NODE, steps)),
        starts=tuple(map(first.__rsub__, map(_START, steps))),
        situation=situation,
        found=found,
        names=scope.asked,
        visible=scope.asked_visible,
        binds=scope.bindings,
        uses=tuple(one for one in scope.asked.values() if one is not None and one in found.used),
        uses_item=variable is not None and variable in found.used,
        holds_request=any(isinstance(one.node, Request | CallOperation) for one in steps),
        mentions=found.mentions(),
        asked=found.questions(),
        unused=tuple(found.unused()),
        has_findings=found.has_findings,
    )
