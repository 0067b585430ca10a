"""`reqon state`: how large the state folder is and why, repairing it, copying it elsewhere.

Measuring reads only; repairing and copying are the write side's work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from reqon.cli import console, wording
from reqon.cli.groups import GroupWithDefault
from reqon.cli.invocation import (
    COPYING,
    Deferred,
    Invocation,
    complete_execution,
    complete_mission,
    pass_invocation,
)
from reqon.clock import SystemClock
from reqon.errors import ConfigError, ExitCode
from reqon.journal.disk import Disk
from reqon.journal.faults import check_listable, check_readable
from reqon.journal.repair import RepairReport, repair
from reqon.settings import load_settings
from reqon.state.paths import BLOBS_SUFFIX, JOURNAL_SUFFIX, StatePaths

EPILOG = """\b
Examples:
  reqon state            what takes how much space, and what frees it
  reqon state repair     rebuild what is damaged from journals and records
  reqon state push --state-store sqlite      keep the state where the next CI job finds it
  reqon state pull --state-store sqlite      and bring it back
"""
PULL_EPILOG = """\b
Examples:
  reqon state pull --state-store sqlite
  reqon state pull --state-store sqlite CustomerSync --execution exec_abc123
"""
PUSH_EPILOG = """\b
Examples:
  reqon state push --state-store sqlite
  reqon state push --state-store sqlite CustomerSync
"""


@click.group("state", cls=GroupWithDefault, default="show", epilog=EPILOG)
def command() -> None:
    """Measure, repair and copy the state folder."""


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print the sizes as JSON.")
@pass_invocation
def show(invocation: Invocation, *, as_json: bool) -> None:
    """Show what takes how much space, and what would free it (the default)."""
    paths = StatePaths(invocation.state_dir)
    if not paths.root.is_dir():
        if as_json:
            console.show_json([])
        console.say(f"there is no state folder '{paths.root}' yet")
        return
    check_listable(paths)
    parts = [(name, *_measure(files), frees) for name, files, frees in _parts(paths)]
    if as_json:
        console.show_json([{"part": name, "files": n, "bytes": size} for name, n, size, _ in parts])
        return
    rows = [
        (name, wording.count(n_files), wording.size(size), frees if n_files else "")
        for name, n_files, size, frees in parts
    ]
    total = sum(size for _, _, size, _ in parts)
    heads = ("part", "files", "size", "freed by")
    lines = wording.table(heads, rows, console.width(), right=frozenset({1, 2}))
    console.show(f"{paths.root}  {console.paint(wording.size(total), 'strong')}")
    console.show_lines([console.paint(lines[0], "faint"), *lines[1:]])


@command.command("repair")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@pass_invocation
def repair_state(invocation: Invocation, *, as_json: bool) -> int:
    """Rebuild damaged records, stores and sync checkpoints from journals and records.

    What is damaged is put aside, never thrown away. Exit code 4 when something had to be left as it
    is; run it again after what it says.
    """
    paths = StatePaths(invocation.state_dir)
    if not paths.root.is_dir():
        raise ConfigError(
            f"there is no state folder '{paths.root}'",
            hint="name the folder with --state-dir",
        )
    check_readable(paths)
    secrets = load_settings(os.environ, folder=Path()).secrets
    disk = Disk()
    disk.make_folder(paths.locks)
    report = repair(paths, disk, SystemClock(), secrets)
    if as_json:
        console.show_json({"repaired": report.repaired, "lost": report.lost, "left": report.left})
    else:
        _show_report(report)
    return ExitCode.STATE if report.left else ExitCode.SUCCESS


def _show_report(report: RepairReport) -> None:
    for line in report.repaired:
        console.show(f"{console.paint('repaired', 'good')} {line}")
    for line in report.lost:
        console.show(f"{console.paint('lost', 'bad')} {line}")
    for line in report.left:
        console.show(f"{console.paint('left', 'halt')} {line}")
    if not (report.repaired or report.lost or report.left):
        console.show("nothing is damaged")


def _copies(function: Callable[..., Deferred]) -> Callable[..., Deferred]:
    """What `push` and `pull` are told, beside the mission."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON."),
        click.option(
            "--execution",
            metavar="ID",
            shell_complete=complete_execution,
            help="Only this execution.",
        ),
        click.option(
            "--state-store",
            metavar="NAME",
            required=True,
            help="The state store, as a mission's 'stateStore' names it.",
        ),
    ):
        function = option(function)
    return pass_invocation(function)


@command.command("pull", epilog=PULL_EPILOG)
@click.argument("mission", required=False)
@_copies
def pull(invocation: Invocation, **given: Any) -> Deferred:
    """Copy executions of MISSION, or of all, from a state store into the folder.

    The history, all that a resume needs, and the sync checkpoints. Nothing is replaced by
    something older; the records of file stores come with what can be resumed only. Exit code 4
    when something runs or is damaged, and was left out.
    """
    return _copy("pull", invocation, **given)


@command.command("push", epilog=PUSH_EPILOG)
@click.argument("mission", required=False, shell_complete=complete_mission)
@_copies
def push(invocation: Invocation, **given: Any) -> Deferred:
    """Copy executions of MISSION, or of all, from the folder into a state store.

    The history, all that a resume needs, and the sync checkpoints. Nothing is replaced by
    something older; the records of file stores go with what can be resumed only. Exit code 4
    when something runs or is damaged, and was left out.
    """
    return _copy("push", invocation, **given)


def _copy(
    way: str,
    invocation: Invocation,
    *,
    state_store: str,
    mission: str | None,
    execution: str | None,
    as_json: bool,
) -> Deferred:
    wish = (invocation.state_dir, state_store, mission, execution)
    return Deferred(COPYING, way, wish, as_json=as_json)


def _parts(paths: StatePaths) -> Iterator[tuple[str, list[Path], str]]:
    """Name, files and remedy of each part of the folder."""
    execution = _files(paths.execution)
    blobs = [file for file in execution if file.parent.name.endswith(BLOBS_SUFFIX)]
    journals = [file for file in execution if file.name.endswith(JOURNAL_SUFFIX)]
    counted = {*blobs, *journals}
    yield "records", [f for f in execution if f not in counted], "reqon cleanup --older-than 30d"
    yield "journals", journals, "a resume, or reqon cleanup MISSION --all"
    yield "large values", blobs, "the same as the journals"
    yield "stores", _files(paths.stores), "nothing: these are the data"
    yield "put aside", _files(paths.quarantine), "deleting files of quarantine/ by hand"
    known = {*execution, *_files(paths.stores), *_files(paths.quarantine)}
    yield "others", [f for f in _files(paths.root) if f not in known], ""


def _measure(files: list[Path]) -> tuple[int, int]:
    sizes: list[int] = []
    for file in files:
        try:
            sizes.append(file.lstat().st_size)
        except OSError:
            continue
    return len(sizes), sum(sizes)


def _files(folder: Path) -> list[Path]:
    return [
        Path(parent) / name
        for parent, _, names in os.walk(folder, followlinks=False)
        for name in names
    ]
