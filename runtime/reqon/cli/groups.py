"""Groups of commands in which one is meant when none is named.

`reqon PATH` is `reqon run PATH`, `reqon store` is `reqon store list`. The shared options may stand
before the word that decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import click

from reqon.cli.invocation import ReqonCommand, shared_options

_FLAGS = frozenset({"--version", "--help", "-h"})
_VALUED = frozenset({"--state-dir", "--log-level", "--log-format", "--validate-cron"})


def first_word(arguments: Sequence[str]) -> int | None:
    """Position of the first argument behind the shared options; None where nothing follows.

    An option that is no shared one counts as a first word, so that `reqon --resume PATH` works.
    """
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word in _VALUED:
            position += 2
        elif word in _FLAGS or word.partition("=")[0] in _VALUED:
            position += 1
        else:
            return position
    return None


def with_default(arguments: Sequence[str], commands: Collection[str], default: str) -> list[str]:
    """The arguments with `default` put before a first word that names none of the commands."""
    position = first_word(arguments)
    if position is None or arguments[position] in commands:
        return list(arguments)
    return [*arguments[:position], default, *arguments[position:]]


class GroupWithDefault(click.Group):
    """A command with subcommands, `default` being the one that runs when none is named."""

    command_class = ReqonCommand

    def __init__(self, *arguments: Any, default: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.default = default
        self.params.extend(shared_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the subcommand."""
        position = first_word(args)
        word = "" if position is None else args[position]
        if word and not word.startswith("-") and word not in self.commands:
            known = ", ".join(f"'{ctx.command_path} {name}'" for name in self.commands)
            raise click.UsageError(f"there is no '{ctx.command_path} {word}', only {known}", ctx)
        args = with_default(args, self.commands, self.default)
        if first_word(args) is None and not _FLAGS.intersection(args):
            args = [*args, self.default]
        return super().parse_args(ctx, args)
