"""Names of a program: what each one at a place means, where it is declared and used.

Built on the results of the checker, element by element, so that an edit costs what it touches.
The editor's definition, references, rename, highlights and completion ask here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vague.ast.base import Identifier, Node
from vague.ast.steps import Apply, CallOperation, Let, Map, Request, Wait
from vague.checker import Checked, CheckFacts, ElementResult, check
from vague.program import Declared, MissionProgram, Program, kind_of
from vague.text import Span
from vague.traversal.definitions import walk_element
from vague.traversal.events import BlockEnd, Kind, Role
from vague.traversal.findings import Occurrence
from vague.traversal.scopes import Binding, Context, Layer
from vague.traversal.state import Rule, Walk
from vague.traversal.surroundings import Surroundings

__all__ = ["NameAt", "NamedElement", "Names", "ScopeAt", "Symbol", "resolve", "scope_at"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name names. `path` and `start` are the place of the name in its declaration.

    They are None for what is declared nowhere in the program: functions, built-in types, names
    such as `response`, operations of a spec, and names that mean nothing.
    """

    kind: Kind
    name: str
    path: str | None = None
    start: int | None = None


@dataclass(frozen=True, slots=True)
class NameAt:
    """A name at a place; `span` counts from the start of the file."""

    symbol: Symbol
    path: str
    span: Span
    role: Role


@dataclass(frozen=True, slots=True)
class NamedElement:
    """An element of a mission; its names are other ones only if `result` is another object."""

    mission: MissionProgram
    declared: Declared[Node]
    result: ElementResult

    @property
    def span(self) -> Span:
        """Its place in its file."""
        return self.declared.absolute(self.declared.node.span)

    def names(self) -> Iterator[NameAt]:
        """The name that it declares, and those in it."""
        declared = self.declared
        own = _own_name(declared)
        kind: Kind | None = "let" if isinstance(declared.node, Let) else kind_of(declared.node)
        if own is not None and kind is not None:
            span = declared.absolute(own.span)
            symbol = Symbol(kind, own.text, declared.path, span.start)
            yield NameAt(symbol, declared.path, span, "declare")
        for occurrence in self.result.occurrences:
            yield _absolute(occurrence, self)


@dataclass(frozen=True)
class Names:
    """All names of a program."""

    program: Program
    elements: tuple[NamedElement, ...]

    def at(self, path: str, offset: int) -> NameAt | None:
        """The name at an offset of a file; a place right behind a name counts as the name."""
        for candidate in (offset, offset - 1):
            for found in self._near(path, candidate):
                if found.span.start <= candidate < found.span.end:
                    return found
        return None

    def in_file(self, path: str, within: Span | None = None) -> tuple[NameAt, ...]:
        """All names of a file, in the order of the text; cost is their number.

        With `within`, only those of the elements that touch this part of the file.
        """
        found: dict[Span, NameAt] = {}
        for element in self.elements:
            if element.declared.path == path and _touches(element, within):
                for name in element.names():
                    found.setdefault(name.span, name)
        for name in self.headed(path):
            found.setdefault(name.span, name)
        return tuple(sorted(found.values(), key=lambda name: name.span))

    def elements_of(self, path: str) -> tuple[NamedElement, ...]:
        """The elements of a file, in the order of the text; each once, however many share it."""
        found: dict[Span, NamedElement] = {}
        for element in self.elements:
            if element.declared.path == path:
                found.setdefault(element.span, element)
        return tuple(found[span] for span in sorted(found))

    def headed(self, path: str) -> tuple[NameAt, ...]:
        """The names of the missions that have their header in a file."""
        missions = (one for one in self.program.missions if one.mission.path == path)
        return tuple(_mission_name(mission) for mission in missions)

    def definition(self, symbol: Symbol) -> NameAt | None:
        """Where something is declared."""
        if symbol.path is None or symbol.start is None:
            return None
        span = Span(symbol.start, symbol.start + len(symbol.name))
        return NameAt(symbol, symbol.path, span, "declare")

    def references(self, symbol: Symbol, *, declaration: bool = True) -> tuple[NameAt, ...]:
        """Every place that names it, by file and place; strings that spell it are among them."""
        found: dict[tuple[str, Span], NameAt] = {}
        for element in self.elements:
            if _may_mention(element, symbol):
                for name in element.names():
                    if name.symbol == symbol and (declaration or name.role != "declare"):
                        found.setdefault((name.path, name.span), name)
        for mission in self.program.missions:
            name = _mission_name(mission)
            if name.symbol == symbol and declaration:
                found.setdefault((name.path, name.span), name)
        return tuple(found[key] for key in sorted(found))

    def _near(self, path: str, offset: int) -> Iterator[NameAt]:
        for element in self.elements:
            start, end = element.span
            if element.declared.path == path and start <= offset < end:
                yield from element.names()
        yield from self.headed(path)


def names_of(checked: Checked) -> Names:
    """The names of a program that was checked; the elements are not walked again."""
    elements = tuple(
        NamedElement(found.surroundings.mission, declared, result)
        for found in checked.missions
        for declared, result in found.elements
    )
    return Names(checked.program, elements)


def resolve(program: Program, facts: CheckFacts) -> Names:
    """The names of a program."""
    return names_of(check(program, facts))


def _touches(element: NamedElement, within: Span | None) -> bool:
    if within is None:
        return True
    start, end = element.span
    return start <= within.end and within.start <= end


def _may_mention(element: NamedElement, symbol: Symbol) -> bool:
    if symbol.kind == "local":
        start, end = element.span
        return symbol.path == element.declared.path and start <= (symbol.start or 0) < end
    own = _own_name(element.declared)
    mentioned = (symbol.kind, symbol.name) in element.result.used
    return mentioned or (own is not None and own.text == symbol.name)


def _own_name(declared: Declared[Node]) -> Identifier | None:
    name = getattr(declared.node, "name", None)
    return name if isinstance(name, Identifier) else None


def _absolute(occurrence: Occurrence, element: NamedElement) -> NameAt:
    declared = element.declared
    span = declared.absolute(occurrence.span)
    binding = occurrence.binding
    if binding is not None:
        place = None if binding.implicit else (declared.path, declared.start + binding.span.start)
    else:
        place = _declaration(occurrence.kind, occurrence.name, element.mission)
    path, start = place or (None, None)
    symbol = Symbol(occurrence.kind, occurrence.name, path, start)
    return NameAt(symbol, declared.path, span, occurrence.role)


def _declaration(kind: Kind, name: str, mission: MissionProgram) -> tuple[str, int] | None:
    """The place of the name in the declaration that a mission sees."""
    declared: Declared[Node] | None
    if kind == "let":
        lets = (*mission.shared_lets, *mission.lets)
        declared = next((one for one in reversed(lets) if one.node.name.text == name), None)
    else:
        tables: Mapping[str, Mapping[str, Declared[Node]]] = {
            "action": mission.actions,
            "source": mission.sources,
            "store": mission.stores,
            "schema": mission.schemas,
            "transform": mission.transforms,
        }
        declared = tables.get(kind, {}).get(name)
    own = None if declared is None else _own_name(declared)
    if declared is None or own is None:
        return None
    return declared.path, declared.start + own.span.start


def _mission_name(mission: MissionProgram) -> NameAt:
    declared = mission.mission
    span = declared.absolute(declared.node.name.span)
    symbol = Symbol("mission", mission.name, declared.path, span.start)
    return NameAt(symbol, declared.path, span, "declare")


# ---------------------------------------------------------------- scopes


@dataclass(frozen=True, slots=True)
class ScopeAt:
    """What is in sight at a place of an element.

    `bindings` are local names, the innermost of each first; `response_from` is the step whose
    result `response` is there, as far as the text tells.
    """

    surroundings: Surroundings
    bindings: tuple[Binding, ...]
    context: Context
    layer: Layer
    in_callback: bool
    response_from: Node | None

    def binding(self, name: str) -> Binding | None:
        """The local name."""
        return next((found for found in self.bindings if found.name == name), None)


def scope_at(program: Program, facts: CheckFacts, path: str, offset: int) -> ScopeAt | None:
    """What is in sight at an offset of a file; None outside of all missions' elements.

    An element of several missions is seen through the first one. Cost is one walk over it.
    """
    for mission in program.missions:
        declared = _element_at(mission, path, offset)
        if declared is not None:
            surroundings = Surroundings.of(program, mission, facts)
            return _ScopeFinder(declared, surroundings, offset - declared.start).find()
    return None


def _element_at(mission: MissionProgram, path: str, offset: int) -> Declared[Node] | None:
    own = mission.own
    candidates: tuple[Declared[Node], ...] = (
        *mission.actions.values(),
        *mission.transforms.values(),
        *mission.schemas.values(),
        *mission.sources.values(),
        *mission.stores.values(),
        *own.options,
        *own.schedules,
        *own.runs,
        *mission.lets,
        *mission.shared_lets,
    )
    for declared in candidates:
        start, end = declared.absolute(declared.node.span)
        if declared.path == path and start <= offset <= end:
            return declared
    return None


_RESPONSE_STEPS = (Request, CallOperation, Map, Apply, Wait)


class _ScopeFinder:
    """Walks an element and keeps the scope of the innermost node around a place."""

    def __init__(self, declared: Declared[Node], surroundings: Surroundings, offset: int) -> None:
        self.declared = declared
        self.surroundings = surroundings
        self.offset = offset
        self.found: ScopeAt | None = None
        self.length: int | None = None
        self.response_from: Node | None = None

    def find(self) -> ScopeAt | None:
        rules = _EveryType(self._look)
        walk_element(self.declared, self.surroundings, rules)
        return self.found

    def _look(self, event: object, walk: Walk) -> None:
        if isinstance(event, BlockEnd):
            self._keep(event.span, walk)
        elif isinstance(event, Node):
            span = walk.span(event)
            self._keep(span, walk)
            if isinstance(event, _RESPONSE_STEPS) and span.end <= self.offset:
                keeps = isinstance(event, Apply) and event.alias is not None
                self.response_from = self.response_from if keeps else event

    def _keep(self, span: Span, walk: Walk) -> None:
        """Take the scope of a smaller piece, or of an equal one that is met later."""
        if not span.start <= self.offset <= span.end:
            return
        length = span.end - span.start
        if self.length is not None and length > self.length:
            return
        self.length = length
        self.found = ScopeAt(
            self.surroundings,
            tuple(walk.scope.visible(before=self.offset)),
            walk.context,
            walk.layer,
            walk.scope.in_callback,
            self.response_from,
        )


class _EveryType(dict[type, tuple[Rule, ...]]):
    """A table of rules that has the same one for every node and event."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule

    def get(self, key: type, default: object = None, /) -> tuple[Rule, ...]:
        """The rule, whatever the type."""
        del key, default
        return (self.rule,)
