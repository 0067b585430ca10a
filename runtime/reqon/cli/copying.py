"""`reqon state push` and `pull`: executions copied between the state folder and a state store.

What is copied, and what stays, is decided by `reqon.journal.copying`; here are the missions, one
after another, and the report. Loaded when one of the two is called only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reqon.cli import console, wording
from reqon.cli.cleaning import missions_with_files
from reqon.cli.finding import find_execution, unknown_mission
from reqon.cli.kept import opened, told, unknown_execution
from reqon.clock import SystemClock
from reqon.engine.shown import folder_around
from reqon.errors import ConfigError, ExitCode
from reqon.journal.copying import Copied, CopyReport, Places, Pull, Push, taken
from reqon.journal.disk import Disk
from reqon.journal.faults import check_readable
from reqon.journal.folders import prepare_folders
from reqon.secrets import names_secret
from reqon.settings import Settings, load_settings
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state_stores.careful import CarefulStore
from reqon.state_stores.protocol import StateStore

_SOURCES = (".vague", ".reqon")


async def push(
    folder: Path, name: str, mission: str | None, execution: str | None, *, as_json: bool
) -> int:
    """From the folder into the store."""
    settings = load_settings(os.environ, folder=Path())
    store, reader = opened(name, settings), StateReader(folder)
    check_readable(reader.paths)
    missions = _missions_in(reader, mission, execution)
    _learn_secrets(settings, reader)
    report = CopyReport()
    async with told(name):
        for one in missions:
            places = _places(folder, settings, store, one)
            async with taken(places, one, report) as grip:
                if grip is not None:
                    await Push(places, grip, report).mission(execution)
    return _show(report, name, f"the state store '{name}'", as_json=as_json)


async def pull(
    folder: Path, name: str, mission: str | None, execution: str | None, *, as_json: bool
) -> int:
    """From the store into the folder."""
    settings = load_settings(os.environ, folder=Path())
    store = opened(name, settings)
    async with told(name):
        missions = await _missions_of(name, store, mission, execution)
        if missions:
            prepare_folders(StatePaths(folder), Disk())
        report = CopyReport()
        for one in missions:
            places = _places(folder, settings, store, one)
            async with taken(places, one, report) as grip:
                if grip is not None:
                    await Pull(places, grip, report).mission(execution)
    if not missions and not as_json:
        console.show(f"nothing to copy: the state store '{name}' has no executions")
        return ExitCode.SUCCESS
    return _show(report, name, f"'{folder}'", as_json=as_json)


def _missions_in(reader: StateReader, mission: str | None, execution: str | None) -> list[str]:
    """The missions of the folder that are to be copied; ConfigError where there is none."""
    if not reader.paths.root.is_dir():
        raise ConfigError(
            f"there is no state folder '{reader.paths.root}'",
            hint="name the folder with --state-dir",
        )
    if execution is not None:
        return [find_execution(reader, execution, mission).mission]
    missions = missions_with_files(reader)
    if mission is None:
        return missions
    if mission not in missions:
        raise unknown_mission(reader, mission)
    return [mission]


def _places(folder: Path, settings: Settings, store: StateStore, mission: str) -> Places:
    careful = CarefulStore(store, mission)
    return Places(StatePaths(folder), Disk(), SystemClock(), settings.secrets, careful)


async def _missions_of(
    name: str, store: StateStore, mission: str | None, execution: str | None
) -> list[str]:
    """The missions of which something is to be copied; ConfigError where there is nothing."""
    careful = CarefulStore(store, mission or "")
    if execution is not None:
        found = await careful.load(execution)
        if found is None or mission not in (None, found["mission"]):
            raise unknown_execution(name, mission, execution)
        return [found["mission"]]
    if not careful.can_list:
        raise ConfigError(
            f"the state store '{name}' cannot list what it keeps",
            hint="name an execution with --execution ID, or give the store a 'list'",
        )
    known = sorted({state["mission"] for state in await careful.list(mission, None, None)})
    if mission is not None and not known:
        raise ConfigError(
            f"there is no execution of a mission '{mission}' in the state store '{name}'",
            hint=f"`reqon history --state-store {name}` lists what there is",
        )
    return known


def _learn_secrets(settings: Settings, reader: StateReader) -> None:
    """Keep the credentials of the programs that ran out of all that is copied, as a run does.

    Those are the variables that a program names, and Reqon's own. What of a credentials file is
    in a state stands in it by its name already.
    """
    base = folder_around(reader.paths.root)
    paths = {state.program_path for state in reader.history()}
    text = "".join(_source(base / path) for path in paths if path is not None)
    for name in settings.environ:
        if names_secret(name) and (name.startswith("REQON_") or name in text):
            settings.env(name)


def _source(path: Path) -> str:
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.suffix in _SOURCES]
    try:
        return "".join(file.read_text(encoding="utf-8", errors="replace") for file in sorted(files))
    except OSError:
        return ""


# ---------------------------------------------------------------- the report


def _show(report: CopyReport, name: str, target: str, *, as_json: bool) -> int:
    if as_json:
        console.show_json(_to_json(report, name))
    else:
        _show_lines(report, target)
    return ExitCode.SUCCESS if report.complete else ExitCode.STATE


def _show_lines(report: CopyReport, target: str) -> None:
    for one in report.copied:
        _show_line("copied", "good", _described(one))
    if report.sync:
        _show_line("copied", "good", f"sync checkpoints: {', '.join(sorted(report.sync))}")
    for what, reason in report.kept.items():
        _show_line("kept", "strong", f"{what}: {reason}")
    for mission, execution in report.running:
        which = f" ({execution})" if execution else ""
        _show_line("skipped", "halt", f"{mission}{which}: it is running")
    for what, reason in report.damaged.items():
        _show_line("left", "halt", f"{what}: {reason}")
    if report.stores_stayed:
        console.say_warning(
            "the records of file stores do not come with completed executions: the next run "
            "stores only what is new since the sync checkpoints",
            "`reqon run --full` fetches everything once more",
        )
    console.show(_total(report, target))


def _show_line(verb: str, style: str, text: str) -> None:
    """What was done with something, wrapped to the terminal."""
    first, *more = wording.wrap(text, console.width() - len(verb) - 1)
    console.show(f"{console.paint(verb, style)} {first}")
    console.show_lines(" " * len(f"{verb} ") + line for line in more)


def _total(report: CopyReport, target: str) -> str:
    n, n_keys = len(report.copied), len(report.sync)
    if not n and not n_keys:
        if report.complete and not report.kept:
            return f"nothing to copy: {target} has all of it"
        return f"nothing was copied to {target}"
    parts = [wording.counted(n, "execution")] if n else []
    parts += [wording.counted(n_keys, "sync checkpoint")] if n_keys else []
    return f"{' and '.join(parts)} copied to {target}"


def _described(one: Copied) -> str:
    started = wording.local_time(one.started_at)
    shown = f"{one.mission} {one.execution_id} ({one.status}, {started})"
    if one.problem is not None:
        return f"{shown}, the record alone: {one.problem}"
    if one.resumable:
        return f"{shown}, to be resumed there"
    return shown if one.status == "completed" else f"{shown}, the record alone: it has no journal"


def _to_json(report: CopyReport, name: str) -> Mapping[str, Any]:
    return {
        "stateStore": name,
        "copied": [
            {
                "mission": one.mission,
                "executionId": one.execution_id,
                "status": one.status,
                "startedAt": one.started_at,
                "resumable": one.resumable,
                **({} if one.problem is None else {"problem": one.problem}),
            }
            for one in report.copied
        ],
        "syncCheckpoints": sorted(report.sync),
        "kept": [{"name": what, "reason": reason} for what, reason in report.kept.items()],
        "running": [
            {"mission": mission, "executionId": execution} for mission, execution in report.running
        ],
        "damaged": [{"name": what, "reason": reason} for what, reason in report.damaged.items()],
    }
