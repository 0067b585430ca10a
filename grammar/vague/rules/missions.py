"""Rules about a mission as a whole: what it lacks, has twice, or never uses.

Unlike the rules of the other files these look at all elements together, with what each of them
uses; they run at every check, so they only compare names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple, Unpack

from vague.ast.base import Key, Node
from vague.ast.definitions import Schedule
from vague.ast.expressions import Call, Name, StringLiteral
from vague.codes import REFERENCE_CODES, SEVERITIES
from vague.diagnostics import Diagnostic, Fix, RelatedPlace, TextEdit
from vague.program import Declared, MissionProgram
from vague.rules.structure import first_word, misplaced_in_mission
from vague.rules.wording import separator_length
from vague.text import Span
from vague.traversal.options import entries_of
from vague.traversal.state import More
from vague.traversal.surroundings import Surroundings


class Spot(NamedTuple):
    """A span of an element, counted from the element's start."""

    declared: Declared[Node]
    span: Span

    def related(self, message: str) -> RelatedPlace:
        """The same as the other place of a problem."""
        return RelatedPlace(self.declared.path, self.declared.absolute(self.span), message)


@dataclass(slots=True)
class MissionView:
    """A mission with what its elements use.

    `used` holds (kind, name) of everything that an element other than itself refers to. `sole`:
    the program has no other mission, so that what it does not use is not used at all.
    """

    surroundings: Surroundings
    used: AbstractSet[tuple[str, str]]
    uses_default_source: bool
    sole: bool
    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def mission(self) -> MissionProgram:
        """The mission."""
        return self.surroundings.mission

    @property
    def name_spot(self) -> Spot:
        """The mission's name, where what it lacks is reported."""
        return Spot(self.mission.mission, self.mission.mission.node.name.span)

    def report(
        self,
        code: str,
        at: Spot,
        message: str,
        help_text: str | None = None,
        fixes: tuple[Fix, ...] = (),
        **more: Unpack[More],
    ) -> None:
        """Add a problem."""
        if self.mission.broken and (code in REFERENCE_CODES or code.startswith("RQ4")):
            return
        declared = at.declared
        severity = more.get("severity", SEVERITIES[code])
        related = more.get("related", ())
        span = declared.absolute(at.span)
        self.findings.append(
            Diagnostic(code, severity, declared.path, span, message, help_text, fixes, related)
        )


# ---------------------------------------------------------------- pipeline


def check_pipeline(view: MissionView) -> None:
    """RQ102 to RQ105."""
    mission = view.mission
    for extra in mission.own.runs[1:]:
        first = Spot(mission.own.runs[0], Span(0, len("run")))
        related = (first.related("first 'run' is here"),)
        message = "a mission has one 'run'"
        help_text = "join the two pipelines with 'then'"
        view.report("RQ105", Spot(extra, Span(0, len("run"))), message, help_text, related=related)
    if mission.run is not None or mission.broken:
        return
    names = list(mission.actions)
    if not names:
        message = f"mission '{mission.name}' has neither actions nor 'run': nothing to execute"
        view.report("RQ104", view.name_spot, message, "add an action and 'run' it")
    elif len(names) == 1:
        message = f"mission '{mission.name}' has no 'run': its only action '{names[0]}' is run"
        fixes = (_add_run(view, names[0], safe=True),)
        view.report("RQ103", view.name_spot, message, f"add 'run {names[0]}'", fixes)
    else:
        pipeline = " then ".join(names)
        message = f"mission '{mission.name}' has several actions but no 'run'"
        fixes = (_add_run(view, pipeline, safe=False),)
        view.report("RQ102", view.name_spot, message, f"add 'run {pipeline}'", fixes)


def _add_run(view: MissionView, pipeline: str, *, safe: bool) -> Fix:
    """`run …` as the last member, on a line of its own if the closing brace has one."""
    declared = view.mission.mission
    source = view.surroundings.program.files[declared.path].parsed.source.text
    end = declared.absolute(declared.node.span).end - 1
    before = source[declared.start : end]
    line = before.rpartition("\n")[2]
    if "\n" in before and not line.strip():
        at, text = end - len(line), f"{line}  run {pipeline}\n"
    else:
        at, text = end, f"{'' if before.endswith(' ') else ' '}run {pipeline} "
    return Fix(f"add 'run {pipeline}'", (TextEdit(Span(at, at), text),), safe)


# ---------------------------------------------------------------- given twice


def check_repeated_options(view: MissionView) -> None:
    """RQ302 for options and schedules of a mission, RQ316 for what a schedule repeats."""
    first: dict[str, Spot] = {}
    for declared in view.mission.own.options:
        _refuse_second(view, declared.node.key, Spot(declared, declared.node.key.span), first)
    for declared in view.mission.own.schedules:
        span = Span(0, len("schedule"))
        _refuse_second(view, Key(span, "schedule"), Spot(declared, span), first)
    if view.mission.schedule is not None:
        _check_schedule_block(view, view.mission.schedule, first)


def _refuse_second(view: MissionView, key: Key, spot: Spot, first: dict[str, Spot]) -> None:
    before = first.setdefault(key.text, spot)
    if before is not spot:
        related = (before.related("first given here"),)
        message = f"option '{key.text}' is given twice"
        view.report("RQ302", spot, message, "remove one of them", related=related)


_SAME_AS = {"retry": "retryOnFailure"}


def _check_schedule_block(
    view: MissionView, declared: Declared[Schedule], given: dict[str, Spot]
) -> None:
    for entry in entries_of(declared.node.options):
        name = _SAME_AS.get(entry.key.text, entry.key.text)
        other = given.get(name)
        if other is None:
            continue
        mine = Spot(declared, entry.key.span)
        first, second = sorted((mine, other), key=lambda s: s.declared.start + s.span.start)
        word = entry.key.text if second is mine else name
        message = f"'{word}' is set twice: in the schedule and in the mission"
        related = (first.related("the other one is here"),)
        whole = entry.span if second is mine else second.declared.node.span
        fixes = (_removal(view, Spot(second.declared, whole), f"remove this '{word}'"),)
        view.report("RQ316", second, message, "remove one of them", fixes, related=related)


def _removal(view: MissionView, at: Spot, title: str) -> Fix:
    start, end = at.declared.absolute(at.span)
    text = view.surroundings.program.files[at.declared.path].parsed.source.text
    edit = TextEdit(Span(start, end + separator_length(text[end:])), "")
    return Fix(title, (edit,), safe=False)


def check_names(view: MissionView) -> None:
    """RQ108 and RQ115 for what the mission declares by name."""
    mission = view.mission
    for name in mission.stores.keys() & mission.sources.keys():
        pair = [_name_spot(mission.stores[name]), _name_spot(mission.sources[name])]
        first, second = sorted(pair, key=lambda s: (s.declared.shared, s.declared.start))
        message = f"a store and a source are both called '{name}'"
        related = (first.related("the other one is here"),)
        view.report("RQ108", second, message, "rename one of them", related=related)
    for declared in (*mission.own.stores.values(), *mission.own.sources.values()):
        _refuse_response(view, _name_spot(declared), declared.node.name.text)
    _check_lets(view, mission.lets)


def _name_spot(declared: Declared[Node]) -> Spot:
    name = getattr(declared.node, "name", None)
    return Spot(declared, name.span if isinstance(name, Node) else Span(0, 0))


def _refuse_response(view: MissionView, spot: Spot, name: str) -> None:
    if name == "response":
        message = "'response' is the last reply: nothing else can be called so"
        view.report("RQ108", spot, message, "rename it")


def _check_lets(view: MissionView, lets: Iterable[Declared[Node]]) -> None:
    first: dict[str, Spot] = {}
    for declared in lets:
        spot = _name_spot(declared)
        name = getattr(getattr(declared.node, "name", None), "text", "")
        _refuse_response(view, spot, name)
        before = first.setdefault(name, spot)
        if before is not spot:
            message = f"'{name}' is already bound in this mission"
            related = (before.related("first bound here"),)
            view.report("RQ115", spot, message, "use another name", related=related)
        for kind, table in (("store", view.mission.stores), ("source", view.mission.sources)):
            if name in table:
                message = f"variable '{name}' hides the {kind} '{name}'"
                view.report("RQ504", spot, message, "rename it to read both")


def check_same_data(view: MissionView) -> None:
    """RQ507: two stores of one adapter and identifier share their records."""
    first: dict[tuple[str, str], Spot] = {}
    for declared in view.mission.stores.values():
        adapter = declared.node.adapter
        spot = Spot(declared, adapter.span)
        place = _data_of(adapter, declared.node.name.text)
        before = spot if place is None else first.setdefault(place, spot)
        if place is not None and before is not spot:
            message = f"store '{declared.node.name.text}' shares its data with another store"
            related = (before.related("the same adapter and name"),)
            help_text = "give it a name of its own, unless they shall share"
            view.report("RQ507", spot, message, help_text, related=related)


def _data_of(adapter: Node, store: str) -> tuple[str, str] | None:
    if isinstance(adapter, Name):
        return adapter.text, store
    if not isinstance(adapter, Call) or not isinstance(adapter.callee, Name):
        return None
    identifier = adapter.arguments[0] if adapter.arguments else None
    if isinstance(identifier, StringLiteral):
        return adapter.callee.text, identifier.value
    return None


# ---------------------------------------------------------------- never used


def check_unused(view: MissionView) -> None:
    """RQ401 to RQ406."""
    mission = view.mission
    if mission.broken:
        return
    if mission.run is not None:
        message = "action '{}' is never run"
        _report_unused(view, "RQ401", "action", mission.actions, message)
    _report_unused(view, "RQ402", "store", mission.stores, "store '{}' is never used")
    _report_unused_sources(view)
    _report_unused(view, "RQ404", "schema", mission.schemas, "schema '{}' is never used")
    message = "transform '{}' is never applied"
    _report_unused(view, "RQ405", "transform", mission.transforms, message)
    _report_unused_lets(view)


def _report_unused(
    view: MissionView, code: str, kind: str, table: Mapping[str, Declared[Node]], message: str
) -> None:
    used = view.used
    for name, found in table.items():
        if (kind, name) not in used and _is_ours(view, found):
            help_text = "use it in 'run', or remove it" if kind == "action" else "remove it"
            view.report(code, _name_spot(found), message.format(name), help_text)


def _is_ours(view: MissionView, declared: Declared[Node]) -> bool:
    """Whether this mission alone decides if the definition is used."""
    if not declared.shared:
        return True
    file = view.surroundings.program.files.get(declared.path)
    return view.sole and file is not None and not file.imported


def _report_unused_sources(view: MissionView) -> None:
    sources = dict(view.mission.sources)
    default = next(iter(sources), None)
    if view.uses_default_source and default is not None:
        del sources[default]
    _report_unused(view, "RQ403", "source", sources, "source '{}' is never used")


def _report_unused_lets(view: MissionView) -> None:
    for declared in (*view.mission.lets, *view.mission.shared_lets):
        name = declared.node.name
        if name.text.startswith("_") or ("let", name.text) in view.used:
            continue
        if _is_ours(view, declared):
            edit = TextEdit(declared.absolute(name.span), f"_{name.text}")
            fixes = (Fix(f"change to '_{name.text}'", (edit,)),)
            message = f"variable '{name.text}' is never used"
            help_text = f"remove it, or call it '_{name.text}'"
            view.report("RQ406", Spot(declared, name.span), message, help_text, fixes)


# ---------------------------------------------------------------- misplaced members


def check_misplaced(view: MissionView) -> None:
    """RQ113 for what stands in a mission and belongs elsewhere."""
    mission = view.mission.mission
    for placed in mission.node.members:
        reason = misplaced_in_mission(placed.node)
        if reason is not None:
            word, span = first_word(placed.node)
            spot = Spot(mission, span.shifted(placed.start))
            view.report("RQ113", spot, f"'{word}' is not allowed in a mission", reason)


RULES: tuple[Callable[[MissionView], None], ...] = (
    check_pipeline,
    check_repeated_options,
    check_names,
    check_same_data,
    check_unused,
    check_misplaced,
)
