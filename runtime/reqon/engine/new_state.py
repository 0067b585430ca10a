"""The warning of a CI job whose state would go with its machine.

Each night on an empty disk: everything is fetched again, and nothing is ever resumed, without a
word. So a run says it where it has something that should outlive it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reqon.journal.session import ResumeChoice, SessionRequest
from reqon.plan.model import MissionPlan, RequestPlan
from reqon.plan.traverse import all_steps
from reqon.state_stores.chosen import FILE


def warning_of_new_state(
    plan: MissionPlan, request: SessionRequest, environ: Mapping[str, str]
) -> str | None:
    """That the state folder is new on a CI machine, and what to do; None where all is well.

    Asked before the session makes the folder. Only of missions that keep their state in the
    folder, and that have a `since: lastSync` or were to be resumed.
    """
    folder = request.paths.root
    if environ.get("CI") != "true" or folder.exists() or not _is_kept_there(request):
        return None
    needs = [*(["the sync times"] if _syncs(plan) else [])]
    if request.resume is not ResumeChoice.NEVER:
        needs.append("what a resume goes on with")
    if not needs:
        return None
    return _text(" and ".join(needs), folder)


def _text(needs: str, folder: Path) -> str:
    return (
        f"the state folder '{folder}' is new, and goes with this CI machine: {needs} would be "
        "lost; keep the folder in the CI's cache, or name a 'stateStore', or copy it with "
        "`reqon state pull` and `reqon state push`"
    )


def _is_kept_there(request: SessionRequest) -> bool:
    return request.enable_state and request.state_store == FILE and request.elsewhere is None


def _syncs(plan: MissionPlan) -> bool:
    """Whether a request asks for what is new since the last sync."""
    return any(
        isinstance(step, RequestPlan) and step.since is not None and step.since.value is None
        for action in plan.actions.values()
        for step in all_steps(action.body)
    )
