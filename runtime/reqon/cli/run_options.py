"""The options of `reqon run`: their words, their types, and what goes with what.

Options that the engine does not know yet are listed too, and refused when used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from reqon.cli import console
from reqon.cli.invocation import complete_execution, complete_mission
from reqon.cli.types import ASSIGNMENT, DURATION, INSTANT
from reqon.cli.unsupported import refuse_option
from reqon.errors import ConfigError

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the command line asks for."""

    paths: tuple[str, ...]
    missions: tuple[str, ...]
    resume: bool
    resume_only: bool
    execution: str | None
    force: bool
    dry_run: bool
    auth: Path | None
    env_file: Path | None
    output: Path | None
    report: Path | None
    verbose: bool
    quiet: bool
    form: str
    debug: bool
    progress: bool | None
    wait_ms: int | None
    since: datetime | None
    until: datetime | None
    full: bool
    unknown: str | None
    variables: Mapping[str, str]
    limit: int | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> RunRequest:
        """Check what goes with what; raises click.UsageError and ConfigError."""
        values = {name: given[name] for name in given if name in cls.__dataclass_fields__}
        values["variables"] = dict(given["variables"])
        if given["full"] and given["since"] is not None:
            raise click.UsageError("--full and --since cannot be combined")
        if given["verbose"] and given["quiet"]:
            raise click.UsageError("--verbose and --quiet cannot be combined")
        if given["debug"]:
            _require_terminal(given["form"])
        for name in ("auth", "env_file"):
            _require_file(name, given[name])
        return cls(**values)


def _require_terminal(form: str) -> None:
    if form == "json":
        raise click.UsageError("--debug and --format json cannot be combined")
    if not console.is_interactive():
        raise click.UsageError(
            "--debug asks what to do before each step: run it in a terminal, "
            "with nothing piped into it and standard error not sent elsewhere"
        )


def _require_file(name: str, path: Path | None) -> None:
    if path is not None and not path.is_file():
        flag = {"auth": "--auth", "env_file": "--env"}[name]
        raise ConfigError(f"no such file: '{path}'", hint=f"{flag} names a file that exists")


_RESUME = [
    click.option("--resume", is_flag=True, help="Go on with what was interrupted or failed."),
    click.option("--resume-only", is_flag=True, help="Like --resume, but never start anew."),
    click.option("--execution", metavar="ID", help="Go on with this execution.",
                 shell_complete=complete_execution),
    click.option("--force", is_flag=True, help="Go on although the source changed since."),
    click.option("--unknown", type=click.Choice(["resend", "skip"]),
                 help="What to do with requests whose outcome is not known."),
    click.option("--wait", "wait_ms", type=DURATION, metavar="DURATION",
                 help="Wait for a running execution instead of refusing."),
]  # fmt: skip
_SCOPE = [
    click.option("--mission", "missions", multiple=True, metavar="NAME",
                 shell_complete=complete_mission,
                 help="Run this mission only; may be repeated."),
    click.option("--dry-run", is_flag=True, envvar="REQON_DRY_RUN",
                 help="Send nothing and write nothing; say what would happen."),
    click.option("--limit", type=click.IntRange(1), metavar="N",
                 help="A trial: at most N items a loop."),
    click.option("--since", type=INSTANT, metavar="T", help="Sync what changed from then on."),
    click.option("--until", type=INSTANT, metavar="T", help="Sync what changed up to then."),
    click.option("--full", is_flag=True, help="Sync everything, once."),
    click.option("--var", "variables", type=ASSIGNMENT, multiple=True, metavar="NAME=VALUE",
                 help="Set a mission's 'let'; may be repeated."),
]  # fmt: skip
_FILES = [
    click.option("--auth", type=click.Path(path_type=Path), metavar="FILE",
                 help="Credentials for the sources (JSON)."),
    click.option("--env", "env_file", type=click.Path(path_type=Path), metavar="FILE",
                 help="Environment variables (default: .env)."),
    click.option("--output", type=click.Path(path_type=Path), metavar="PATH",
                 help="Write the stores to a folder, or into one .json file."),
    click.option("--report", type=click.Path(path_type=Path), metavar="FILE",
                 help="Write a JUnit report, a test case for each mission."),
]  # fmt: skip
_REPORTING = [
    click.option("-v", "--verbose", is_flag=True, help="Say more while running."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
    click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
                 help="json: one event a line."),
    click.option("--debug", is_flag=True, help="Step through the mission in the terminal."),
    click.option("--progress/--no-progress", default=None,
                 help="Draw progress (default: on a terminal)."),
]  # fmt: skip
_UNBUILT: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("--store-config", {"metavar": "FILE"}),
    ("--daemon", {"is_flag": True}),
    ("--once", {"is_flag": True}),
    ("--no-resume", {"is_flag": True}),
    ("--check-interval", {"metavar": "MS"}),
    ("--metrics-port", {"metavar": "N"}),
    ("--metrics-file", {"metavar": "FILE"}),
    ("--health-port", {"metavar": "N"}),
    ("--alert-on-failure", {"is_flag": True}),
    ("--alert-webhook", {"metavar": "URL"}),
    ("--alert-command", {"metavar": "CMD"}),
    ("--webhook", {"is_flag": True}),
    ("--webhook-port", {"metavar": "N"}),
    ("--webhook-url", {"metavar": "URL"}),
)


def run_options(function: F) -> F:
    """Put all options of `run` on the command."""
    unbuilt = [
        click.option(flag, callback=refuse_option, expose_value=False, hidden=True, **settings)
        for flag, settings in _UNBUILT
    ]
    for option in reversed([*_RESUME, *_SCOPE, *_FILES, *_REPORTING, *unbuilt]):
        function = option(function)
    return function
