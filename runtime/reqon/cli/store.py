"""`reqon store`: looks into the file stores as last written.

Reads only. While a mission runs or waits to be resumed, its journal may know more than the files.
"""

from __future__ import annotations

from pathlib import Path

import click

from reqon.cli import console, wording
from reqon.cli.groups import GroupWithDefault
from reqon.cli.invocation import Invocation, complete_store, pass_invocation
from reqon.errors import ConfigError, RefusedError
from reqon.journal.faults import unreadable
from reqon.state.closed import is_closed
from reqon.state.paths import StatePaths
from reqon.stores.file import read_records, store_file

EPILOG = """\b
Examples:
  reqon store
  reqon store show customers --limit 3
  reqon store show customers cust_524
"""


@click.group("store", cls=GroupWithDefault, default="list", epilog=EPILOG)
def command() -> None:
    """Look into the stores."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@pass_invocation
def list_stores(invocation: Invocation, *, as_json: bool) -> None:
    """List the stores with their sizes (the default)."""
    folder = StatePaths(invocation.state_dir).stores
    found = [(name, path, _count(path)) for name, path in sorted(_stores(folder).items())]
    if as_json:
        console.show_json(
            [
                {"name": name, "records": records, "bytes": path.lstat().st_size, "path": str(path)}
                for name, path, records in found
            ]
        )
        return
    if not found:
        console.say(f"no stores in '{folder}' yet")
        return
    rows = [
        (
            name,
            wording.count(records) if records is not None else _why_not(path),
            wording.size(path.lstat().st_size),
        )
        for name, path, records in found
    ]
    lines = wording.table(
        ("store", "records", "size"), rows, console.width(), right=frozenset({1, 2})
    )
    console.show_lines([console.paint(lines[0], "faint"), *lines[1:]])


@command.command("show")
@click.argument("name", shell_complete=complete_store)
@click.argument("key", required=False)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many records.")
@pass_invocation
def show(invocation: Invocation, name: str, key: str | None, limit: int | None) -> None:
    """Print the store NAME as JSON: all records by key, or the one with KEY."""
    if key is not None and limit is not None:
        raise click.UsageError("--limit goes with all records, not with one KEY")
    folder = StatePaths(invocation.state_dir).stores
    known = _stores(folder)
    path = store_file(folder, name)
    if name not in known:
        listed = ", ".join(sorted(known)) or "none yet"
        raise ConfigError(
            f"there is no store '{name}' in '{folder}'", hint=f"the stores are: {listed}"
        )
    if is_closed(path):
        raise unreadable(path, "permission denied")
    records = read_records(path)
    if key is None:
        console.show_json(dict(list(records.items())[:limit]))
    elif key in records:
        console.show_json(records[key])
    else:
        raise ConfigError(
            f"the store '{name}' has no record '{key}'",
            hint=f"it has {wording.counted(len(records), 'record')}; keys are texts",
        )


def _stores(folder: Path) -> dict[str, Path]:
    """Identifier to file of all stores."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in folder.rglob("*.json")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _why_not(path: Path) -> str:
    return "unreadable" if is_closed(path) else "damaged"


def _count(path: Path) -> int | None:
    try:
        return len(read_records(path))
    except RefusedError:
        return None
