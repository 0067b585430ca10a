"""`reqon history`: executions, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from reqon.cli import console, records, wording
from reqon.cli.finding import reader_of, say_nothing_here, say_unreadable, unknown_mission
from reqon.cli.invocation import (
    KEPT,
    Deferred,
    Invocation,
    ReqonCommand,
    complete_mission,
    pass_invocation,
    state_store_option,
)
from reqon.cli.types import MOMENT
from reqon.clock import SystemClock
from reqon.state.model import ExecutionState
from reqon.state.record import STATUSES

EPILOG = """\b
Examples:
  reqon history CustomerSync --limit 10
  reqon history --status failed --since 7d
  reqon history --json | jq '.[].status'
"""


@click.command("history", cls=ReqonCommand, epilog=EPILOG)
@click.argument("mission", required=False, shell_complete=complete_mission)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those with this status.")
@click.option("--since", type=MOMENT, metavar="D",
              help="Only those started since then: a time, or a duration such as 7d.")  # fmt: skip
@state_store_option
@click.option("--json", "as_json", is_flag=True, help="Print a list of records as JSON.")
@pass_invocation
def command(
    invocation: Invocation,
    mission: str | None,
    limit: int | None,
    status: str | None,
    since: datetime | None,
    state_store: str | None,
    *,
    as_json: bool,
) -> Deferred | None:
    """List executions of MISSION, or of all missions, newest first."""
    if state_store is not None:
        wish = (state_store, mission, status, since, limit)
        return Deferred(KEPT, "show_history", wish, as_json=as_json)
    reader = reader_of(invocation.state_dir)
    states = reader.history(mission, limit=limit, status=status, since=since)
    if mission is not None and not states and reader.latest(mission) is None:
        raise unknown_mission(reader, mission)
    if states or as_json or not (status is None and since is None):
        show_executions(states, with_mission=mission is None, as_json=as_json)
    else:
        say_nothing_here(reader)
    if not as_json:
        say_unreadable(reader, mission)
    return None


def show_executions(states: Sequence[ExecutionState], *, with_mission: bool, as_json: bool) -> None:
    """A table of executions, or their records."""
    if as_json:
        console.show_json([state.to_dict() for state in states])
    elif states:
        _show_table(states, with_mission=with_mission)
    else:
        console.say("no such executions")


def _show_table(states: Sequence[ExecutionState], *, with_mission: bool) -> None:
    now = SystemClock().now()
    started, times = wording.started_column([state.started_at for state in states])
    heads = ["execution", "status", started, "duration", "items"]
    rows = [
        [
            state.execution_id,
            state.status,
            time,
            records.elapsed(state.record, now),
            wording.count(records.items(state.record) or 0),
        ]
        for state, time in zip(states, times, strict=True)
    ]
    right = {3, 4}
    if with_mission:
        heads.insert(0, "mission")
        rows = [[state.mission, *row] for state, row in zip(states, rows, strict=True)]
        right = {4, 5}
    notes = ["" if s.status == "completed" else records.headline(s.record) for s in states]
    groups = wording.noted_table(heads, rows, notes, console.width(), right=frozenset(right))
    console.show_lines(console.paint_table(groups, [state.status for state in states]))
