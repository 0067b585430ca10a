"""`reqon checkpoints`: shows, sets and resets the times of the last syncs.

Changes keep a copy of the old file in quarantine and leave a line in its `audit.log`.
"""

from __future__ import annotations

import difflib
from datetime import datetime

import click

from reqon.cli import console, wording
from reqon.cli.finding import reader_of
from reqon.cli.groups import GroupWithDefault
from reqon.cli.invocation import Invocation, complete_sync_key, pass_invocation
from reqon.cli.types import INSTANT
from reqon.clock import SystemClock, format_instant
from reqon.errors import ConfigError, RefusedError
from reqon.journal.disk import Disk
from reqon.journal.faults import unreadable
from reqon.journal.sync_checkpoints import reset_checkpoints, set_checkpoint
from reqon.state.closed import is_closed
from reqon.state.model import SyncCheckpoint
from reqon.state.paths import StatePaths

EPILOG = """\b
Examples:
  reqon checkpoints
  reqon checkpoints set API-/customers 2031-05-06T00:00:00Z
  reqon checkpoints reset API-/customers
"""


@click.group("checkpoints", cls=GroupWithDefault, default="list", epilog=EPILOG)
def command() -> None:
    """Show, set and reset sync checkpoints: where `since: lastSync` goes on."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@pass_invocation
def list_checkpoints(invocation: Invocation, *, as_json: bool) -> None:
    """List all sync checkpoints (the default)."""
    known = _read(invocation)
    if as_json:
        console.show_json({key: _as_json(entry) for key, entry in known.items()})
        return
    if not known:
        console.say(f"no sync checkpoints in '{invocation.state_dir}' yet")
        return
    rows = [
        (
            key,
            wording.local_time(entry.last_sync),
            wording.count(entry.items_synced),
            wording.count(entry.total_items_synced),
            entry.mission or "-",
        )
        for key, entry in sorted(known.items())
    ]
    heads = ("key", "last sync", "items", "in all", "mission")
    lines = wording.table(heads, rows, console.width(), right=frozenset({2, 3}))
    console.show_lines([console.paint(lines[0], "faint"), *lines[1:]])


@command.command("set")
@click.argument("key", shell_complete=complete_sync_key)
@click.argument("time", type=INSTANT)
@pass_invocation
def set_time(invocation: Invocation, key: str, time: datetime) -> None:
    """Set the checkpoint KEY to TIME; the next sync asks for what changed since then."""
    paths = _writable(invocation)
    known = _read(invocation)
    if known and key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        meant = f"; did you mean '{near[0]}'?" if near else f": {', '.join(sorted(known))}"
        console.say_warning(f"'{key}' is none of the keys that there were{meant}")
    clock = SystemClock()
    if time > clock.now():
        console.say_warning("that is in the future: until then a service has nothing newer to give")
    set_checkpoint(paths, Disk(), clock, key, format_instant(time))
    console.show(f"{key}: last sync is now {wording.local_time(time)}")


@command.command("reset")
@click.argument("keys", nargs=-1, shell_complete=complete_sync_key)
@click.option("--all", "everything", is_flag=True, help="Reset all of them.")
@pass_invocation
def reset(invocation: Invocation, keys: tuple[str, ...], *, everything: bool) -> None:
    """Remove checkpoints; the next sync of each fetches everything."""
    if everything == bool(keys):
        raise click.UsageError("name the keys to reset, or --all")
    known = _read(invocation)
    unknown = [key for key in keys if key not in known]
    if unknown:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigError(
            f"there is no sync checkpoint '{unknown[0]}'", hint=f"the keys are: {listed}"
        )
    if not known:
        console.show("there is nothing to reset")
        return
    removed = reset_checkpoints(
        _writable(invocation), Disk(), SystemClock(), None if everything else keys
    )
    console.show_lines(f"{key}: reset, the next sync fetches everything" for key in removed)


def _read(invocation: Invocation) -> dict[str, SyncCheckpoint]:
    known = reader_of(invocation.state_dir).sync_checkpoints()
    if not isinstance(known, dict):
        if is_closed(known.path):
            raise unreadable(known.path, known.reason)
        raise RefusedError(
            f"the sync checkpoints in '{known.path}' cannot be read: {known.reason}",
            hint="`reqon state repair` rebuilds them from the records, or restore a backup",
        )
    return known


def _as_json(entry: SyncCheckpoint) -> dict[str, object]:
    return {
        **entry.to_dict(),
        "totalItemsSynced": entry.total_items_synced,
        "executionId": entry.execution_id,
        "mission": entry.mission,
    }


def _writable(invocation: Invocation) -> StatePaths:
    """The paths of a state folder that exists, with its folder of locks."""
    paths = StatePaths(invocation.state_dir)
    if not paths.root.is_dir():
        raise ConfigError(
            f"there is no state folder '{invocation.state_dir}'",
            hint="run a mission first, or name the folder with --state-dir",
        )
    Disk().make_folder(paths.locks)
    return paths
