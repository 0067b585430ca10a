"""The command group: which word is which command, and what an exit code says.

Commands are loaded when they are used: the table below holds module names and one line of help
each, so that `reqon --help` and `reqon status` load neither the HTTP client nor the language
server. A first word that is no command is a path, and means `reqon run`.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import logging
import platform
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import click

from reqon.cli import console
from reqon.cli.groups import with_default
from reqon.cli.invocation import Deferred, Invocation, shared_options
from reqon.errors import ExitCode, ReqonError
from reqon.leaving import start_has_ended

LOG = logging.getLogger("reqon")


class Entry(NamedTuple):
    """Where a command lives (`module`, whose `command` it is) and what it does in one line."""

    module: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "run": Entry("reqon.cli.run", "Run missions (the default: `reqon PATH`)."),
    "status": Entry("reqon.cli.status", "Show the last execution of each mission, or of one."),
    "history": Entry("reqon.cli.history", "List executions, newest first."),
    "stop": Entry("reqon.cli.stop", "Ask a running execution to stop in order."),
    "check": Entry("reqon.cli.check", "Find problems in programs without running them."),
    "fmt": Entry("reqon.cli.fmt", "Lay out programs in the canonical way."),
    "cleanup": Entry("reqon.cli.cleanup", "Remove old execution records."),
    "checkpoints": Entry("reqon.cli.checkpoints", "Show, set and reset sync checkpoints."),
    "store": Entry("reqon.cli.store", "Look into the stores."),
    "state": Entry("reqon.cli.state", "Measure and repair the state folder."),
    "schedule": Entry("reqon.cli.schedule", "Show when missions run next."),
    "init": Entry("reqon.cli.init", "Write an example mission to start from."),
    "lsp": Entry("reqon.cli.lsp", "Start the language server."),
    "demo": Entry("reqon.cli.demo", "See a mission killed, resumed and proved right."),
}
EXAMPLES = """\b
Examples:
  reqon ./missions/              run every mission found there
  reqon ./missions/ --resume     go on where it was interrupted
  reqon status CustomerSync      what the last execution did
  reqon check ./missions/        find mistakes before running
  reqon demo                     a guided tour in under a minute
"""


class ReqonGroup(click.Group):
    """A group that loads its commands lazily and turns errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load the command of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = cast(click.Command, importlib.import_module(entry.module).command)
        start_has_ended()
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands from the table, loading none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options; a first word that is no command means `run` and a path."""
        return super().parse_args(ctx, with_default(args, COMMANDS, "run"))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the fence at which every error becomes a message and an exit code."""
        try:
            code = super().invoke(ctx)
            if isinstance(code, Deferred):
                go_on = getattr(importlib.import_module(code.module), code.function)
                code = go_on(*code.arguments, as_json=code.as_json)
            if inspect.isawaitable(code):
                code = importlib.import_module("reqon.cli.running").finish(code)
        except ReqonError as error:
            console.say_error(error)
            LOG.debug("stopped by an error", exc_info=True)
            code = error.exit_code
        except KeyboardInterrupt:
            code = ExitCode.SIGINT
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            code = _say_usage_error(error, ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            code = _say_system_error(error)
            LOG.debug("stopped by a system error", exc_info=True)
        except Exception as error:
            code = _say_internal_error(error)
            LOG.debug("internal error", exc_info=True)
        ctx.exit(int(code or 0))


def _say_usage_error(error: click.UsageError, ctx: click.Context) -> int:
    path = " ".join(filter(None, (ctx.command_path, ctx.invoked_subcommand)))
    if error.ctx is not None:
        path = error.ctx.command_path
    message = error.format_message().rstrip(".")
    console.say_problem(
        "error", message[:1].lower() + message[1:], f"'{path} --help' lists what is possible"
    )
    return error.exit_code


def _say_system_error(error: OSError) -> ExitCode:
    path = f": '{error.filename}'" if error.filename else ""
    hint = "put it right and run the command again"
    if error.filename:
        hint = f"`ls -la {error.filename}` shows what is there; {hint}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space and run the command again; `reqon state` shows what takes how much"
    console.say_problem("error", f"{(error.strerror or str(error)).lower()}{path}", hint)
    return ExitCode.CONFIGURATION


def _say_internal_error(error: Exception) -> ExitCode:
    console.say_problem(
        "error",
        f"something went wrong inside Reqon: {type(error).__name__}: {error}",
        "this is a bug of Reqon, not of your program; --log-level debug shows where it happened",
    )
    return ExitCode.FAILED


class _Plain(logging.Formatter):
    """Log lines for people: without a traceback, but with what it would end in."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The error alone."""
        return f"  {ei[0].__name__}: {ei[1]}"


def _set_up_logging(invocation: Invocation) -> None:
    level = invocation.log_level or "warning"
    handler = logging.StreamHandler()
    form = logging.Formatter if level == "debug" else _Plain
    handler.setFormatter(form("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        version = importlib.import_module("reqon.version")
        console.show(f"reqon {version.VERSION} (Python {platform.python_version()})")
        ctx.exit()


def _validate_cron(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        module = importlib.import_module("reqon.cli.schedule")
        ctx.exit(int(module.validate_cron(value)))


@click.group(
    "reqon",
    cls=ReqonGroup,
    epilog=EXAMPLES,
    no_args_is_help=True,
    subcommand_metavar="[run] PATH... | COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
    help="Show the version.",
)  # fmt: skip
@click.option(
    "--validate-cron", metavar="EXPRESSION", expose_value=False, callback=_validate_cron,
    help='Check a cron expression such as "0 9 * * *".',
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Reqon runs missions: programs that fetch, map, validate and store records.

    A killed run resumes to exactly the result of an undisturbed one. PATH is a .vague or .reqon
    file, a mission folder or a folder of missions; `reqon PATH` runs it.
    """
    _set_up_logging(ctx.ensure_object(Invocation))


cli.params.extend(shared_options())


def main() -> None:
    """The entry point of the command."""
    console.prepare()
    cli.main(prog_name="reqon")
