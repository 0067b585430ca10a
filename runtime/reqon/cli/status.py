"""`reqon status`: the last execution of one mission in full, or a line for each mission.

Reads only, whatever the state folder holds; the reader brings records up to date from their
journals. Loads nothing that a run needs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import click

from reqon.cli import console, records, wording
from reqon.cli.finding import (
    find_execution,
    find_mission,
    reader_of,
    say_nothing_here,
    say_unreadable,
)
from reqon.cli.invocation import (
    KEPT,
    Deferred,
    Invocation,
    ReqonCommand,
    complete_execution,
    complete_mission,
    pass_invocation,
    state_store_option,
)
from reqon.clock import SystemClock
from reqon.errors import ExitCode
from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader

_POLL_SECONDS = 0.5

EPILOG = """\b
Examples:
  reqon status                      a line for each mission
  reqon status CustomerSync         its last execution
  reqon status CustomerSync --execution exec_abc123
  reqon status CustomerSync --json | jq .stores
"""


@click.command("status", cls=ReqonCommand, epilog=EPILOG)
@click.argument("mission", required=False, shell_complete=complete_mission)
@click.option("--execution", metavar="ID", shell_complete=complete_execution,
              help="This execution instead of the last one.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@state_store_option
@click.option("--watch", is_flag=True, help="Show it again whenever it changes, until Ctrl-C.")
@pass_invocation
def command(
    invocation: Invocation,
    mission: str | None,
    execution: str | None,
    state_store: str | None,
    *,
    as_json: bool,
    watch: bool,
) -> int | Deferred:
    """Show the last execution of MISSION, or a line for each mission."""
    if state_store is not None:
        if watch:
            raise click.UsageError("--watch looks at the state folder, not at a state store")
        return Deferred(KEPT, "show_status", (state_store, mission, execution), as_json=as_json)
    reader = reader_of(invocation.state_dir)
    if watch:
        return _watch(reader, mission, execution, as_json=as_json)
    _show(reader, mission, execution, as_json=as_json)
    return ExitCode.SUCCESS


def _show(
    reader: StateReader, mission: str | None, execution: str | None, *, as_json: bool
) -> None:
    if mission is not None or execution is not None:
        state = _find(reader, mission, execution)
        if as_json:
            console.show_json(state.to_dict())
        else:
            console.show_lines(detail_lines(reader, state))
            if execution is None:
                say_unreadable(reader, mission)
    else:
        _show_all(reader, as_json=as_json)


def _find(reader: StateReader, mission: str | None, execution: str | None) -> ExecutionState:
    if execution is not None:
        return find_execution(reader, execution, mission)
    assert mission is not None, "one of them is given"
    return find_mission(reader, mission)


def _show_all(reader: StateReader, *, as_json: bool) -> None:
    states = [state for name in reader.missions() if (state := reader.latest(name))]
    if as_json:
        console.show_json([state.to_dict() for state in states])
        return
    if states:
        console.show_lines(overview(states))
    else:
        say_nothing_here(reader)
    _say_damage(reader)


def overview(states: Sequence[ExecutionState]) -> list[str]:
    """A line for each execution."""
    now = SystemClock().now()
    started, times = wording.started_column([state.started_at for state in states])
    rows = [
        (state.mission, state.status, time, records.elapsed(state.record, now))
        for state, time in zip(states, times, strict=True)
    ]
    notes = [records.headline(state.record) for state in states]
    heads = ("mission", "status", started, "duration")
    groups = wording.noted_table(heads, rows, notes, console.width(), right=frozenset({3}))
    return console.paint_table(groups, [state.status for state in states])


def detail_lines(reader: StateReader | None, state: ExecutionState) -> list[str]:
    """Everything that is known of one execution; `reader` tells the mission's sync times."""
    head = f"{console.paint(state.mission, 'strong')}  {console.paint_status(state.status)}"
    lines = [head, *wording.fields(_facts(reader, state), console.width())]
    for error in records.last_errors(state.record):
        lines += _error_lines(error)
    if state.resumable:
        command_line = records.resume_command(state.record, None)
        lines += ["", f"resume with: {console.paint(command_line, 'strong')}"]
    return lines


def _facts(reader: StateReader | None, state: ExecutionState) -> Iterator[tuple[str, str]]:
    now = SystemClock().now()
    record = state.record
    yield "execution", state.execution_id
    started = wording.local_time(state.started_at)
    yield "started", f"{started} ({wording.ago(state.started_at, now)})"
    if state.completed_at is not None:
        yield "ended", wording.local_time(state.completed_at)
    yield "duration", records.elapsed(record, now)
    attempts = len(records.objects(record.get("attempts")))
    if attempts > 1:
        yield "attempts", str(attempts)
    place = records.place(record)
    if place:
        yield "now at" if state.status == "running" else "stopped at", place
    if state.status == "running":
        yield from _owner(record)
    if state.actions_run:
        yield "actions", ", ".join(state.actions_run) + " completed"
    for name, text in records.checkpoint_lines(record):
        yield "checkpoint", f"{name}: {text}"
    for name, text in records.store_lines(record):
        yield "store", f"{name}: {text}"
    for key, text in _sync_lines(reader, state.mission):
        yield "last sync", f"{key}: {text}"
    if records.warning_line(record):
        yield "warnings", records.warning_line(record)
    yield from _unknown_effects(record)


def _owner(record: records.Record) -> Iterator[tuple[str, str]]:
    owner = records.mapping(record.get("owner"))
    if owner.get("pid") is not None:
        yield "process", f"{owner['pid']} on {records.text(owner.get('host'))}"


def _sync_lines(reader: StateReader | None, mission: str) -> list[tuple[str, str]]:
    if reader is None:
        return []
    checkpoints = reader.sync_checkpoints()
    if not isinstance(checkpoints, dict):
        return [("sync-checkpoints.json", f"cannot be read: {checkpoints.reason}")]
    return [
        (
            key,
            f"{wording.local_time(entry.last_sync)}, {wording.counted(entry.items_synced, 'item')}",
        )
        for key, entry in checkpoints.items()
        if entry.mission == mission
    ]


def _unknown_effects(record: records.Record) -> Iterator[tuple[str, str]]:
    for effect in records.objects(record.get("unknownEffects")):
        what = " ".join(records.text(effect[name]) for name in ("method", "url") if name in effect)
        yield "unknown", f"{what or 'a request'}: its outcome is not known"


def _error_lines(error: records.Record) -> list[str]:
    place = ":".join(records.text(error[n]) for n in ("file", "line", "column") if error.get(n))
    steps = ", ".join(records.text(error[name]) for name in ("action", "step") if error.get(name))
    message = wording.one_line(records.text(error.get("message"), "failed"))
    kind = records.text(error.get("kind"), "error")
    where = f"at {place} in {steps}" if place else f"in {steps}" if steps else ""
    room = max(20, console.width() - 9)
    lines = [
        *wording.wrap(f"{kind}: {message}", room),
        *(wording.wrap(where, room) if where else []),
    ]
    head = f"  {console.paint('error', 'error')}  {lines[0]}"
    return [head, *(f"         {line}" for line in lines[1:])]


def _say_damage(reader: StateReader) -> None:
    """Say which files cannot be read, and how many were put aside."""
    say_unreadable(reader, None)
    aside = reader.quarantine()
    if aside:
        files = wording.counted(len(aside), "file")
        console.say(f"{files} put aside in {reader.paths.quarantine}")


def _watch(
    reader: StateReader, mission: str | None, execution: str | None, *, as_json: bool
) -> int:
    """Show the state again when it changes; Ctrl-C is the ordinary end."""
    shown: object = None
    try:
        while True:
            states = [state.record for state in reader.history(mission, limit=20)]
            if states != shown:
                shown = states
                console.clear_screen()
                _show(reader, mission, execution, as_json=as_json)
                sys.stdout.flush()
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return ExitCode.SUCCESS
