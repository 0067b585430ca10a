"""Runs all rules over a program: sorted diagnostics, and what the next check can reuse.

A result belongs to one element (an action, a schema, …) and counts from its start. It is reused
as long as the element is the same object and nothing that it asked for has changed; only rules
about a mission as a whole run every time. Checking never raises, whatever the tree. The command
line prints the diagnostics, the editor publishes them, the runtime refuses a program with errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from vague.ast.base import Node
from vague.ast.definitions import Action, Mission, Schedule, Source, Store
from vague.ast.steps import Let
from vague.broken import outside_of_broken_statements
from vague.codes import SEVERITIES, UNSURE_CODES
from vague.diagnostics import (
    Diagnostic,
    Fix,
    RelatedPlace,
    Severity,
    TextEdit,
    sort_key,
)
from vague.peg import undisturbed
from vague.program import Declared, MissionProgram, Program, kind_of
from vague.rules import ELEMENT_RULES
from vague.rules.graphs import (
    ActionFacts,
    check_calls,
    check_group_writes,
    check_schema_circles,
)
from vague.rules.missions import RULES as MISSION_RULES
from vague.rules.missions import MissionView
from vague.rules.structure import first_word, misplaced_at_top
from vague.text import Span
from vague.traversal.definitions import walk_element
from vague.traversal.findings import (
    EditAtElement,
    Found,
    KnownStretches,
    Occurrence,
    Placement,
    Stretch,
)
from vague.traversal.surroundings import CheckFacts, EarlierLets, Question, Surroundings

__all__ = ["CheckFacts", "Checked", "ElementResult", "check"]


@dataclass(slots=True, eq=False)
class ElementResult:
    """What one element gave: problems and names, counted from its start or its stretches'.

    `used` are the (kind, name) it refers to, `facts` is there for actions. `published` keeps the
    problems as they were last shifted to a place of the file.
    """

    node: Node
    found: Found
    used: frozenset[tuple[str, str]]
    facts: ActionFacts | None = None
    published: tuple[Placement, tuple[Diagnostic, ...]] | None = None

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """The names in it, counted from its start; cost is their number."""
        return self.found.all_occurrences()

    @property
    def has_findings(self) -> bool:
        """Whether there may be problems in it."""
        return self.found.has_findings

    def may_have_changed(self, changes: frozenset[Question]) -> bool:
        """Whether one of these look-ups was asked for."""
        found = self.found
        if not changes.isdisjoint(found.asked):
            return True
        return any(not changes.isdisjoint(part.stretch.asked) for part in found.parts)

    def at(self, path: str, start: int, *, broken: bool) -> tuple[Diagnostic, ...]:
        """The problems with offsets of the file; `broken`: in a mission with syntax errors."""
        return _published(self, Placement(path, start, start, broken))


def _published(holder: ElementResult | Stretch, place: Placement) -> tuple[Diagnostic, ...]:
    """The problems of an element or a stretch at its place; they are kept for the next time."""
    if holder.published is None or holder.published[0] != place:
        moved = [
            _moved(found, place.path, place.start, place.element)
            for found in holder.found.findings
            if not (place.broken and found.code in UNSURE_CODES)
        ]
        for part in holder.found.parts:
            moved.extend(_published(part.stretch, place.moved(part.start)))
        holder.published = (place, tuple(moved))
    return holder.published[1]


_Elements = tuple[tuple[Declared[Node], ElementResult], ...]


@dataclass(frozen=True, eq=False)
class MissionFindings:
    """What the check of a mission found, with the places that things had in that text."""

    mission: Declared[Mission]
    elements: _Elements
    of_the_whole: tuple[Diagnostic, ...]

    @cached_property
    def is_clean(self) -> bool:
        """Whether there is no problem at all."""
        return not self.of_the_whole and not any(result.has_findings for _, result in self.elements)

    @cached_property
    def can_move(self) -> bool:
        """Whether all depends on the mission's own text alone, wherever that stands."""
        own = self.mission.absolute(self.mission.node.span)
        times = any(isinstance(d.node, Schedule) and d.node.kind == "at" for d, _ in self.elements)
        return not times and all(_lies_in(found, own) for found in self.of_the_whole)


@dataclass(frozen=True, eq=False)
class MissionResult:
    """A checked mission: its elements with their results, and the problems of the whole.

    `found` may be that of an earlier text in which the mission stood elsewhere.
    """

    surroundings: Surroundings
    found: MissionFindings

    @cached_property
    def elements(self) -> _Elements:
        """The elements where they stand now, with their results."""
        by = self._distance
        shared = self.surroundings.program.shared_by_node
        return tuple(
            (
                shared.get(id(declared.node), declared)
                if declared.shared
                else replace(declared, start=declared.start + by),
                result,
            )
            for declared, result in self.found.elements
        )

    @cached_property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The problems of the whole, with offsets of the file."""
        by, path = self._distance, self.found.mission.path
        if by == 0:
            return self.found.of_the_whole
        return tuple(_moved(found, path, by, by) for found in self.found.of_the_whole)

    @property
    def _distance(self) -> int:
        return self.surroundings.mission.mission.start - self.found.mission.start


@dataclass(frozen=True, eq=False)
class Checked:
    """The outcome of a check. `diagnostics` are sorted and include those of the program."""

    program: Program
    facts: CheckFacts
    missions: tuple[MissionResult, ...]
    loose: tuple[Diagnostic, ...] = field(default=())

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All problems, with offsets of their files; computed when first asked for."""
        found = list(self.loose)
        for mission in self.missions:
            if mission.found.is_clean:
                continue
            found.extend(mission.findings)
            broken = mission.surroundings.mission.broken
            for declared, result in mission.elements:
                if result.has_findings:
                    found.extend(result.at(declared.path, declared.start, broken=broken))
        if len(self.missions) > 1:
            found = _without_repetitions(found)
        found = _without_guesses(found, self.program)
        return tuple(sorted([*self.program.diagnostics, *found], key=sort_key))

    @property
    def has_errors(self) -> bool:
        """Whether the program must not be executed."""
        return any(found.severity is Severity.ERROR for found in self.diagnostics)


def check(program: Program, facts: CheckFacts, previous: Checked | None = None) -> Checked:
    """Check a program. `previous`, the result of an earlier text, only saves time."""
    if previous is not None and previous.facts.vocabulary is not facts.vocabulary:
        previous = None
    with undisturbed():
        missions = tuple(_mission_results(program, facts, previous))
        loose = tuple(_loose_findings(program, facts))
    return Checked(program, facts, missions, loose)


def _mission_results(
    program: Program, facts: CheckFacts, previous: Checked | None
) -> Iterator[MissionResult]:
    before = () if previous is None else previous.missions
    by_name = {found.surroundings.mission.name: found for found in before}
    unchanged = _unchanged(program, facts, previous)
    for mission in program.missions:
        same = unchanged.get(id(mission.mission.node))
        if same is not None and same.surroundings.mission.broken == mission.broken:
            surroundings = same.surroundings.moved(program, mission)
            yield MissionResult(surroundings, same.found)
        else:
            yield _check_mission(program, mission, facts, by_name.get(mission.name))


def _unchanged(
    program: Program, facts: CheckFacts, previous: Checked | None
) -> Mapping[int, MissionResult]:
    """Results of missions that an edit can only have moved, by the identity of the missions."""
    if previous is None or previous.facts.time_zones != facts.time_zones:
        return {}
    before = previous.program
    if (len(before.missions) == 1) != (
        len(program.missions) == 1
    ) or before.shared_identity != program.shared_identity:
        return {}
    return {
        id(result.found.mission.node): result
        for result in previous.missions
        if result.found.can_move and not result.surroundings.mission.part.reaches_out
    }


def _without_repetitions(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Shared definitions are checked for each mission that reaches them; say things once."""
    return list({(one.code, one.path, one.span, one.message): one for one in found}.values())


def _without_guesses(found: list[Diagnostic], program: Program) -> list[Diagnostic]:
    """Without what is said about statements that could not be read."""
    for source in program.files.values():
        if source.diagnostics:
            here = [one for one in found if one.path == source.path]
            elsewhere = [one for one in found if one.path != source.path]
            found = [*elsewhere, *outside_of_broken_statements(here, source)]
    return found


# ---------------------------------------------------------------- outside of missions


def _loose_findings(program: Program, facts: CheckFacts) -> Iterator[Diagnostic]:
    """RQ101 and RQ113: what concerns no mission."""
    if not program.missions:
        severity = Severity.ERROR if facts.execute else SEVERITIES["RQ101"]
        message = "program has no mission"
        help_text = "add 'mission Name { … }' to run something"
        yield Diagnostic("RQ101", severity, program.root.root_file, Span(0, 0), message, help_text)
    yield from _shared_name_findings(program)
    for source in program.files.values():
        for placed in source.parsed.tree.items:
            reason = misplaced_at_top(placed.node)
            if reason is not None:
                word, span = first_word(placed.node)
                yield Diagnostic(
                    "RQ113",
                    SEVERITIES["RQ113"],
                    source.path,
                    span.shifted(placed.start),
                    f"'{word}' is not allowed at top level",
                    reason,
                )


def _shared_name_findings(program: Program) -> Iterator[Diagnostic]:
    """RQ108 and RQ115 for what is declared at top level."""
    shared = program.shared
    for declared in (*shared.stores.values(), *shared.sources.values(), *shared.lets):
        if declared.node.name.text == "response":
            message = "'response' is the last reply: nothing else can be called so"
            yield _at_name("RQ108", declared, message, "rename it")
    first: dict[str, Declared[Let]] = {}
    for declared in shared.lets:
        name = declared.node.name
        before = first.setdefault(name.text, declared)
        if before is not declared:
            message = f"'{name.text}' is already bound at top level"
            place = RelatedPlace(
                before.path, before.absolute(before.node.name.span), "first bound here"
            )
            found = _at_name("RQ115", declared, message, "use another name")
            yield replace(found, related=(place,))


def _at_name(
    code: str,
    declared: Declared[Store] | Declared[Source] | Declared[Let],
    message: str,
    help_text: str,
) -> Diagnostic:
    span = declared.absolute(declared.node.name.span)
    return Diagnostic(code, SEVERITIES[code], declared.path, span, message, help_text)


# ---------------------------------------------------------------- one mission


def _check_mission(
    program: Program, mission: MissionProgram, facts: CheckFacts, before: MissionResult | None
) -> MissionResult:
    checking = _MissionChecking(program, mission, facts, before)
    elements = checking.elements()
    view = MissionView(
        checking.surroundings,
        checking.used,
        checking.uses_default_source,
        sole=len(program.missions) == 1,
    )
    for rule in MISSION_RULES:
        rule(view)
    check_schema_circles(view)
    actions = [result.facts for _, result in elements if result.facts is not None]
    check_calls(view, [facts for facts in actions if facts.calls])
    check_group_writes(view, actions)
    found = MissionFindings(mission.mission, elements, tuple(view.findings))
    return MissionResult(checking.surroundings, found)


class _MissionChecking:
    """Goes through the elements of one mission, and through the shared ones that they reach."""

    def __init__(
        self,
        program: Program,
        mission: MissionProgram,
        facts: CheckFacts,
        before: MissionResult | None,
    ) -> None:
        self.program = program
        self.mission = mission
        self.sole = len(program.missions) == 1
        self.surroundings = Surroundings.of(program, mission, facts)
        self.reusable = _reusable(self.surroundings, before)
        self.known = _known_stretches(self.surroundings, before)
        self.used: set[tuple[str, str]] = set()
        self.uses_default_source = False

    def elements(self) -> _Elements:
        """Every element with its result."""
        found = [(declared, self._result(declared)) for declared in self._own()]
        seen = {id(declared.node) for declared, _ in found}
        waiting = list(self._shared_roots())
        while waiting:
            declared = waiting.pop()
            if id(declared.node) not in seen:
                seen.add(id(declared.node))
                result = self._result(declared)
                found.append((declared, result))
                waiting.extend(self._reached(result.used))
        found.extend(self._lets())
        return tuple(found)

    def _own(self) -> Iterator[Declared[Node]]:
        own = self.mission.own
        yield from own.definitions
        yield from (second for second, _ in own.repeated)
        yield from own.options
        yield from own.schedules
        yield from own.runs

    def _shared_roots(self) -> Iterator[Declared[Node]]:
        """What the mission reaches; all there is, if there is no other mission."""
        if not self.sole:
            yield from self._reached(tuple(self.used))
            default = self.mission.default_source
            if self.uses_default_source and default is not None and default.shared:
                yield default
            return
        for table in self._tables().values():
            yield from (declared for declared in table.values() if declared.shared)
        yield from self.program.datasets

    def _reached(self, used: Iterable[tuple[str, str]]) -> Iterator[Declared[Node]]:
        tables = self._tables()
        for kind, name in used:
            declared = tables.get(kind, {}).get(name)
            if declared is not None and declared.shared:
                yield declared

    def _tables(self) -> Mapping[str, Mapping[str, Declared[Node]]]:
        mission = self.mission
        return {
            "source": mission.sources,
            "store": mission.stores,
            "schema": mission.schemas,
            "transform": mission.transforms,
            "action": mission.actions,
        }

    def _lets(self) -> list[tuple[Declared[Node], ElementResult]]:
        """The values of `let`s, each seeing those before it; the last first, as it may use them."""
        lets = (*self.mission.shared_lets, *self.mission.lets)
        order: dict[str, int] = {}
        for position, declared in enumerate(lets):
            order.setdefault(declared.node.name.text, position)
        found: list[tuple[Declared[Node], ElementResult]] = []
        for position in range(len(lets) - 1, -1, -1):
            declared = lets[position]
            reached = ("let", declared.node.name.text) in self.used
            if not declared.shared or self.sole or reached:
                found.append((declared, self._result(declared, EarlierLets(order, position))))
        return found

    def _result(
        self, declared: Declared[Node], visible: EarlierLets | None = None
    ) -> ElementResult:
        result = self.reusable.get(id(declared.node))
        if result is None:
            result = check_element(declared, self.surroundings, visible, self.known)
        self.used |= result.used
        self.uses_default_source |= result.found.uses_default_source
        return result


def _reusable(surroundings: Surroundings, before: MissionResult | None) -> dict[int, ElementResult]:
    """Results by the identity of their elements, those that may have changed left out."""
    if before is None or before.surroundings.conditions != surroundings.conditions:
        return {}
    changes = surroundings.changes_since(before.surroundings)
    same_lets = before.surroundings.let_order == surroundings.let_order
    return {
        id(result.node): result
        for _, result in before.found.elements
        if not (changes and result.may_have_changed(changes))
        and not isinstance(result.node, Schedule)
        and (same_lets or not isinstance(result.node, Let))
    }


def _known_stretches(surroundings: Surroundings, before: MissionResult | None) -> KnownStretches:
    """The stretches of long lists that may still hold."""
    if before is None or before.surroundings.conditions != surroundings.conditions:
        return KnownStretches()
    known = KnownStretches(surroundings.changes_since(before.surroundings))
    for _, result in before.found.elements:
        known.add(result.found)
    return known


def check_element(
    declared: Declared[Node],
    surroundings: Surroundings,
    visible_lets: EarlierLets | None = None,
    known: KnownStretches | None = None,
) -> ElementResult:
    """Check one element; a tree too deep for the walk gives no problems rather than an error."""
    try:
        walk = walk_element(
            declared, surroundings, ELEMENT_RULES, visible_lets, known or KnownStretches()
        )
    except RecursionError:
        return ElementResult(declared.node, Found(), frozenset())
    own = (kind_of(declared.node), getattr(getattr(declared.node, "name", None), "text", None))
    return ElementResult(
        declared.node,
        walk.found,
        walk.found.mentions() - {own},
        ActionFacts(declared.node) if isinstance(declared.node, Action) else None,
    )


# ---------------------------------------------------------------- places


def _lies_in(found: Diagnostic, own: Span) -> bool:
    """Whether a problem, its fixes and its other places are all within a span."""
    spans = [found.span, *(place.span for place in found.related)]
    spans += [edit.span for fix in found.fixes for edit in fix.edits]
    return all(own.start <= span.start and span.end <= own.end for span in spans)


def _moved(found: Diagnostic, path: str, by: int, element: int) -> Diagnostic:
    """The same problem `by` characters further on; this runs for all behind an edit."""
    start, end = found.span
    return Diagnostic(
        found.code,
        found.severity,
        path,
        Span(start + by, end + by),
        found.message,
        found.help,
        tuple([_moved_fix(fix, by, element) for fix in found.fixes]) if found.fixes else (),
        tuple([_moved_place(place, path, by) for place in found.related]) if found.related else (),
    )


def _moved_fix(fix: Fix, by: int, element: int) -> Fix:
    edits = [
        TextEdit(edit.span.shifted(element if isinstance(edit, EditAtElement) else by), edit.text)
        for edit in fix.edits
    ]
    return Fix(fix.title, tuple(edits), fix.safe)


def _moved_place(place: RelatedPlace, path: str, by: int) -> RelatedPlace:
    return RelatedPlace(path, place.span.shifted(by), place.message)
