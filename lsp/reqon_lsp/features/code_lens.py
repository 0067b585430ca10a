"""What can be done with a mission, above its header: `Run | Resume | Dry run | History`.

Titles are static and the set is steady through broken text, so that nothing jumps. `Resume`
stands only where the newest execution can go on, `Cancel` in place of the first while one runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reqon.state.model import ExecutionState
from reqon_lsp.features.inline_status import resumes_at
from reqon_lsp.headers import Header
from reqon_lsp.results import MissionCommand, Verb
from vague.text import Span

TITLES: dict[Verb, str] = {
    "run": "Run",
    "resume": "Resume",
    "dryRun": "Dry run",
    "history": "History",
    "cancel": "Cancel",
}

State = Callable[[str], ExecutionState | None]
"""The newest execution of a mission, by name."""


def code_lenses(found: tuple[Header, ...], state_of: State) -> Iterator[MissionCommand]:
    """The lenses of the missions headed in a file."""
    for header in found:
        state = state_of(header.mission)
        for verb in verbs(state):
            yield mission_command(verb, header.mission, header.name, state)


def mission_command(
    verb: Verb, mission: str, span: Span, state: ExecutionState | None
) -> MissionCommand:
    """A verb for a mission; `resume` says which execution goes on, and from where."""
    if verb != "resume" or state is None:
        return MissionCommand(verb, TITLES[verb], mission, span)
    return MissionCommand(verb, TITLES[verb], mission, span, state.execution_id, resumes_at(state))


def verbs(state: ExecutionState | None) -> tuple[Verb, ...]:
    """What can be done with a mission whose newest execution is this."""
    if state is not None and state.status == "running":
        return ("cancel", "dryRun", "history")
    if state is not None and state.resumable:
        return ("run", "resume", "dryRun", "history")
    return ("run", "dryRun", "history")
