"""`reqon cleanup`: removes execution records, by age, by number or all of a mission.

What must stay is decided by `reqon.journal.retention`; here are the words, the question whether it
is meant, and the report. Stores and sync checkpoints go only when asked for by name.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from reqon.cli import cleaning, console, kept, wording
from reqon.cli.finding import unknown_mission
from reqon.cli.invocation import (
    Invocation,
    ReqonCommand,
    complete_mission,
    pass_invocation,
    state_store_option,
)
from reqon.cli.types import DURATION
from reqon.errors import ExitCode
from reqon.journal.faults import check_readable
from reqon.journal.retention import Removal, Rules
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader

EPILOG = """\b
Examples:
  reqon cleanup --older-than 30d            of all missions
  reqon cleanup CustomerSync --keep-last 10
  reqon cleanup CustomerSync --all          also what could be resumed
  reqon cleanup --older-than 7d --dry-run   only say what would go
"""


@click.command("cleanup", cls=ReqonCommand, epilog=EPILOG)
@click.argument("mission", required=False, shell_complete=complete_mission)
@click.option(
    "--older-than",
    "older_than",
    type=DURATION,
    metavar="D",
    help="Executions that ended longer ago, such as 30d.",
)
@click.option(
    "--keep-last", type=click.IntRange(0), metavar="N", help="All but the newest N of each mission."
)
@click.option("--all", "everything", is_flag=True, help="All, but what runs.")
@click.option("--include-resumable", is_flag=True, help="Also what could still be resumed.")
@click.option("--stores", is_flag=True, help="With --all: the store files too.")
@click.option("--sync", is_flag=True, help="With --all: the sync checkpoints too.")
@state_store_option
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def command(  # noqa: PLR0913 - options
    invocation: Invocation,
    mission: str | None,
    older_than: int | None,
    keep_last: int | None,
    state_store: str | None,
    *,
    everything: bool,
    include_resumable: bool,
    stores: bool,
    sync: bool,
    dry_run: bool,
    as_json: bool,
    yes: bool,
) -> Awaitable[int]:  # fmt: skip
    """Remove old executions of MISSION, or of all missions.

    Never removed: what runs, the newest execution of a mission and its newest completed one, the
    newest one that can be resumed, data that a store still lacks. `--all` removes all of these but
    what runs. Exit code 4 when a running one was skipped by it.
    """
    if older_than is None and keep_last is None and not everything:
        raise click.UsageError("say what to remove: --older-than D, --keep-last N or --all")
    if everything and (older_than is not None or keep_last is not None):
        raise click.UsageError("--all cannot be combined with --older-than or --keep-last")
    if (stores or sync) and not everything:
        raise click.UsageError("--stores and --sync go with --all")
    if (stores or sync) and state_store is not None:
        raise click.UsageError("--stores and --sync are about the state folder")
    rules = Rules(
        older_than=None if older_than is None else timedelta(milliseconds=older_than),
        keep_last=keep_last,
        everything=everything,
        include_resumable=include_resumable,
        dry_run=dry_run,
    )
    wish = _Wish(mission, rules, state_store, stores=stores, sync=sync)
    return _Cleanup(invocation.state_dir, wish, as_json=as_json, yes=yes).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flags:
    stores: bool
    sync: bool


@dataclass(frozen=True, slots=True)
class _Wish(_Flags):
    """What is to go; `mission` None: of all missions."""

    mission: str | None
    rules: Rules
    state_store: str | None = None


class _Cleanup:
    def __init__(self, folder: Path, wish: _Wish, *, as_json: bool, yes: bool) -> None:
        self._paths = StatePaths(folder)
        self._wish = wish
        self._as_json = as_json
        self._yes = yes

    async def run(self) -> int:
        wish = self._wish
        if wish.state_store is None:
            outcome = await self._clean_folder()
        elif not self._is_meant("all missions"):
            return ExitCode.FAILED
        else:
            outcome = await kept.remove(wish.state_store, wish.mission, wish.rules)
        if outcome is None:
            return ExitCode.FAILED
        if self._as_json:
            console.show_json(outcome.to_json())
        else:
            self._show(outcome)
        return ExitCode.STATE if wish.rules.everything and outcome.running else ExitCode.SUCCESS

    async def _clean_folder(self) -> cleaning.Outcome | None:
        """Clean the state folder; None where it was not meant."""
        check_readable(self._paths)
        wish, reader = self._wish, StateReader(self._paths.root)
        known = cleaning.missions_with_files(reader)
        if wish.mission is not None and wish.mission not in known:
            raise unknown_mission(reader, wish.mission)
        missions = [wish.mission] if wish.mission is not None else known
        if not self._is_meant(wording.counted(len(missions), "mission")):
            return None
        outcome = await cleaning.clean(
            self._paths, missions, wish.rules, stores=wish.stores, sync=wish.sync
        )
        if wish.mission is None and wish.rules.everything and not outcome.running:
            cleaning.clean_the_rest(self._paths, outcome, stores=wish.stores, sync=wish.sync)
        return outcome

    def _is_meant(self, missions: str) -> bool:
        """`--all` without a mission is asked for once more, or needs `--yes`."""
        wish = self._wish
        if wish.mission is not None or not wish.rules.everything or wish.rules.dry_run or self._yes:
            return True
        if not console.is_interactive():
            raise click.UsageError("--all without a mission needs --yes where nobody can be asked")
        question = f"Remove all executions of {missions}?"
        return console.confirm(question)

    def _show(self, outcome: cleaning.Outcome) -> None:
        is_dry = self._wish.rules.dry_run
        verb = "would remove" if is_dry else "removed"
        for removal in outcome.removed:
            console.show(f"{verb} {_described(removal)}")
        for name in outcome.others:
            console.show(f"{verb} {name}")
        for stem, reason in outcome.kept.items():
            console.show(f"kept {stem}: {reason}")
        for warning in outcome.warnings:
            console.say_warning(warning)
        n = len(outcome.removed)
        executions = wording.counted(n, "execution") if n else "no execution"
        size = wording.size(outcome.freed_bytes)
        ending = f"would go, freeing {size}" if is_dry else f"removed, {size} freed"
        console.show(f"{executions} {ending}")


def _described(removal: Removal) -> str:
    started = wording.local_time(removal.started_at)
    identity = removal.execution_id or removal.stem
    size = f", {wording.size(removal.size_bytes)}" if removal.size_bytes else ""
    return f"{removal.mission} {identity} ({removal.status}, {started}{size})"
