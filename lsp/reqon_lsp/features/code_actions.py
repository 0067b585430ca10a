"""Changes and commands at a place: fixes of diagnostics, fix-all, and what lenses offer.

Clients without lenses run missions from here. Only fixes that cannot change what a run does take
part in fix-all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.code_lens import State, mission_command, verbs
from reqon_lsp.results import CodeAction, MissionCommand, Verb
from vague.diagnostics import Diagnostic, Fix, TextEdit
from vague.text import Span

QUICK_FIX = "quickfix"
FIX_ALL = "source.fixAll.reqon"
RUN_KINDS: dict[Verb, str] = {
    "run": "source.reqon.run",
    "resume": "source.reqon.resume",
    "dryRun": "source.reqon.dryRun",
    "history": "source.reqon.history",
    "cancel": "source.reqon.cancel",
}
KINDS = (QUICK_FIX, FIX_ALL, *RUN_KINDS.values())


def code_actions(
    snapshot: Snapshot, path: str, span: Span, state_of: State, only: tuple[str, ...] | None
) -> Iterator[CodeAction]:
    """The actions for a selection; `only` are the kinds that the client wants (with sub-kinds)."""
    found = snapshot.diagnostics(path)
    if wanted(QUICK_FIX, only):
        yield from quick_fixes(found, path, span)
    if wanted(FIX_ALL, only):
        yield from fix_all(found, path)
    for command in mission_commands(snapshot, path, span, state_of):
        kind = RUN_KINDS[command.verb]
        if wanted(kind, only):
            title = f"{command.title} mission '{command.mission}'"
            yield CodeAction(title, kind, command=command)


def wanted(kind: str, only: tuple[str, ...] | None) -> bool:
    """Whether a client that asks for `only` wants this kind; an empty kind means all."""
    if only is None:
        return True
    return any(not k or kind == k or kind.startswith(k + ".") for k in only)


def quick_fixes(found: Iterable[Diagnostic], path: str, span: Span) -> Iterator[CodeAction]:
    """The fixes of the diagnostics that touch a selection."""
    for each in found:
        if each.span.start > span.end or each.span.end < span.start:
            continue
        for number, fix in enumerate(each.fixes):
            yield CodeAction(
                fix.title,
                QUICK_FIX,
                {path: fix.edits},
                fixes=(each.code, each.span),
                preferred=number == 0 and len(each.fixes) == 1,
            )


def fix_all(found: Iterable[Diagnostic], path: str) -> Iterator[CodeAction]:
    """One action with every safe fix of the file that does not get in another one's way."""
    chosen: list[TextEdit] = []
    for each in found:
        fix = next((fix for fix in each.fixes if fix.safe), None)
        if fix is not None and not _in_the_way(fix, chosen):
            chosen.extend(fix.edits)
    if chosen:
        edits = tuple(sorted(chosen, key=lambda edit: edit.span))
        yield CodeAction("Fix all that can be fixed safely", FIX_ALL, {path: edits})


def _in_the_way(fix: Fix, chosen: list[TextEdit]) -> bool:
    return any(
        edit.span.start <= other.span.end and other.span.start <= edit.span.end
        for edit in fix.edits
        for other in chosen
    )


def mission_commands(
    snapshot: Snapshot, path: str, span: Span, state_of: State
) -> Iterator[MissionCommand]:
    """What can be done with the mission at a place: the one around it, else the file's only one."""
    names = [
        mission.name
        for mission in snapshot.program.missions
        if mission.mission.path == path
        and mission.mission.start
        <= span.start
        <= mission.mission.absolute(mission.mission.node.span).end
    ]
    if not names:
        headed = snapshot.headers.get(path, ())
        every = [h.mission for h in headed] or [m.name for m in snapshot.program.missions]
        names = every if len(every) == 1 else []
    for name in names[:1]:
        state = state_of(name)
        for verb in verbs(state):
            yield mission_command(verb, name, span, state)
