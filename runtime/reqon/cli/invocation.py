"""What every command is told: the state folder and how much to log.

These options may stand before or after the command; the later one wins over the earlier one, both
over the environment. Nothing is read or written here; commands hand the values on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state_folder import default_state_dir

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
_COMPLETED = 50


@dataclass(slots=True)
class Invocation:
    """The shared options as given; ask the properties, which know the environment and defaults."""

    given: dict[str, str]

    def __init__(self) -> None:
        self.given = {}

    @property
    def state_dir(self) -> Path:
        """`--state-dir`, else `REQON_STATE_DIR`, else `.vague-data` in the current folder."""
        given = self.given.get("state_dir")
        return Path(given) if given else default_state_dir(os.environ)

    @property
    def log_level(self) -> str | None:
        """One of `LOG_LEVELS`; None where nobody asked for one."""
        level = self._value("log_level", "REQON_LOG_LEVEL").lower()
        return level if level in LOG_LEVELS else None

    @property
    def log_format(self) -> str:
        """One of `LOG_FORMATS`."""
        form = self._value("log_format", "REQON_LOG_FORMAT").lower()
        return form if form in LOG_FORMATS else "text"

    @property
    def state_dir_arguments(self) -> list[str]:
        """What a command typed later needs to find the same state folder."""
        given = self.given.get("state_dir")
        return ["--state-dir", given] if given else []

    def _value(self, name: str, variable: str) -> str:
        return self.given.get(name) or os.environ.get(variable, "")


@dataclass(frozen=True)
class Deferred:
    """What a command goes on with, in a module that it does not load for everybody."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    as_json: bool


KEPT = "reqon.cli.kept"
"""The module that looks into state stores elsewhere."""

COPYING = "reqon.cli.copying"
"""The module that copies between a state store and the state folder."""

state_store_option = click.option(
    "--state-store",
    metavar="NAME",
    help="Look into this state store (a mission's 'stateStore') instead of the state folder.",
)


def shared_options() -> list[click.Parameter]:
    """Fresh copies of the shared options, for one command."""
    return [
        _option(
            "--state-dir",
            "DIR",
            None,
            "Where state is kept (default: REQON_STATE_DIR, .vague-data).",
        ),
        _option("--log-level", None, LOG_LEVELS, "How much to log (REQON_LOG_LEVEL)."),
        _option("--log-format", None, LOG_FORMATS, "Form of the log (REQON_LOG_FORMAT)."),
    ]


def _option(
    flag: str, metavar: str | None, choices: tuple[str, ...] | None, help_text: str
) -> click.Option:
    return click.Option(
        [flag],
        metavar=metavar,
        type=click.Choice(choices) if choices else str,
        expose_value=False,
        callback=_keep,
        help=help_text,
    )


def _keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.ensure_object(Invocation).given[str(parameter.name)] = str(value)


class ReqonCommand(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.extend(shared_options())


def complete_mission(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of missions that begin with what is typed, for the shell."""
    reader = StateReader(ctx.ensure_object(Invocation).state_dir)
    return [name for name in reader.missions() if name.startswith(incomplete)]


def complete_execution(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Ids of executions that begin with what is typed, newest first, for the shell."""
    reader = StateReader(ctx.ensure_object(Invocation).state_dir)
    missions = ctx.params.get("missions") or ()  # of `run`; else the argument, still unread
    named = ctx.params.get("mission") or next(iter(missions), None)
    if "mission" in ctx.params and named is None and ctx.args:
        named = ctx.args[0]
    states = reader.history(named, limit=_COMPLETED)
    return [s.execution_id for s in states if s.execution_id.startswith(incomplete)]


def complete_sync_key(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Keys of sync checkpoints that begin with what is typed, for the shell."""
    known = StateReader(ctx.ensure_object(Invocation).state_dir).sync_checkpoints()
    keys = known if isinstance(known, dict) else ()
    return [key for key in keys if key.startswith(incomplete)]


def complete_store(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of stores that begin with what is typed, for the shell."""
    folder = StatePaths(ctx.ensure_object(Invocation).state_dir).stores
    files = sorted(path for path in folder.rglob("*.json") if not path.name.startswith("."))
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in files]
    return [name for name in names if name.startswith(incomplete)]


R = TypeVar("R")


def pass_invocation(function: Callable[..., R]) -> Callable[..., R]:
    """Hand the `Invocation` to a command as its first argument."""
    return click.make_pass_decorator(Invocation, ensure=True)(function)
