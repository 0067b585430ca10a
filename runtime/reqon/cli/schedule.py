"""`reqon schedule` and `reqon --validate-cron`: when missions are due.

Reads expressions only; running by schedule is the daemon's work.
"""

from __future__ import annotations

import click

from reqon.cli import console
from reqon.cli.invocation import ReqonCommand
from reqon.cli.unsupported import not_supported
from reqon.errors import ExitCode
from vague.schedules import Cron, parse_cron


@click.command("schedule", cls=ReqonCommand)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--count", type=click.IntRange(1), default=5, help="How many runs to show.")
def command(paths: tuple[str, ...], *, count: int) -> int:  # noqa: ARG001 - not built yet
    """Show when missions run next."""
    raise not_supported("'reqon schedule'")


def validate_cron(expression: str) -> int:
    """Say whether `expression` is right, and with what is wrong underlined if not."""
    found = parse_cron(expression)
    if isinstance(found, Cron):
        if not found.can_match:
            console.say_warning("this cron expression matches no date")
        console.show(f"'{expression}' is a valid cron expression")
        return ExitCode.SUCCESS
    for problem in found:
        start, end = problem.span
        console.say_problem("error", problem.message)
        console.say(f"  | {expression}")
        console.say(f"  | {' ' * start}{console.paint('^' * max(1, end - start), 'error')}")
        if problem.replacement is not None:
            console.say(f"  {console.paint('help:', 'help')} write '{problem.replacement}'")
    return ExitCode.SOURCE
