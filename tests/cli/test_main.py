"""Which word is which command, and how a wrong command line is answered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reqon.cli.groups import with_default
from reqon.cli.main import COMMANDS, ReqonGroup, cli
from reqon.errors import ConfigError, ExitCode, RefusedError, RunError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sync.vague", "run sync.vague"),
        ("./missions/ --resume", "run ./missions/ --resume"),
        ("--resume ./missions/", "run --resume ./missions/"),
        ("--state-dir s sync.vague", "--state-dir s run sync.vague"),
        ("--state-dir=s --log-level debug a b", "--state-dir=s --log-level debug run a b"),
        ("status CustomerSync", "status CustomerSync"),
        ("--state-dir s status", "--state-dir s status"),
        ("./status", "run ./status"),
        ("run sync.vague", "run sync.vague"),
        ("-- status", "run -- status"),
        ("--help", "--help"),
        ("--version", "--version"),
        ("", ""),
    ],
)
def test_a_first_word_that_is_no_command_is_a_path(typed: str, meant: str) -> None:
    assert with_default(typed.split(), COMMANDS, "run") == meant.split()


def test_help_lists_every_command_with_one_line() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown.output
        assert entry.help in " ".join(shown.output.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_the_state_folder_after_it(name: str) -> None:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    if name == "lsp":  # hands all its arguments to the server
        return
    shown = CliRunner().invoke(cli, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert found.help
    inner = list(found.commands.values()) if isinstance(found, click.Group) else [found]
    for command in inner:
        assert any("--state-dir" in p.opts for p in command.params), command.name


def test_without_arguments_the_help_is_shown() -> None:
    shown = CliRunner().invoke(cli, [])
    assert shown.exit_code == ExitCode.SOURCE
    assert "Usage: reqon" in shown.stderr


def test_the_version() -> None:
    shown = CliRunner().invoke(cli, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("reqon ")


@pytest.mark.parametrize(
    ("expression", "code", "said"),
    [
        ("0 9 * * *", 0, "'0 9 * * *' is a valid cron expression"),
        ("0 25 * * *", 2, "error: hour field '25' is outside 0-23\n  | 0 25 * * *\n  |   ^^\n"),
        ("0 0 31 2 *", 0, "matches no date"),
        ("0 9 * *", 2, "has 4 fields, not 5"),
    ],
)
def test_a_cron_expression_is_validated(expression: str, code: int, said: str) -> None:
    shown = CliRunner().invoke(cli, ["--validate-cron", expression])
    assert shown.exit_code == code
    assert said in shown.output


def failing(error: BaseException) -> click.Group:
    """A group like ours whose only command fails with `error`."""

    class Failing(ReqonGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            @click.command()
            def run() -> None:
                raise error

            return run

    return Failing("reqon", params=cli.params)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            ConfigError("no token", hint="set API_TOKEN"),
            3,
            "error: no token\n  help: set API_TOKEN\n",
        ),
        (RefusedError("running already"), 4, "error: running already\n"),
        (RunError("http", "404 not found"), 1, "error: 404 not found\n"),
        (PermissionError(13, "Permission denied", "x.json"), 3, "permission denied: 'x.json'"),
        (ZeroDivisionError("division by zero"), 1, "inside Reqon: ZeroDivisionError"),
        (KeyboardInterrupt(), 130, ""),
        (click.UsageError("--a and --b cannot be combined"), 2, "error: --a and --b cannot"),
    ],
)
def test_every_error_becomes_a_message_and_an_exit_code(
    error: BaseException, code: int, said: str
) -> None:
    shown = CliRunner().invoke(failing(error), ["run"])
    assert shown.exit_code == code
    assert said in shown.stderr
    assert "Traceback" not in shown.output
    assert shown.stdout == ""


@pytest.mark.parametrize("option", ["--daemon", "--metrics-port=9090", "--alert-on-failure"])
def test_what_is_not_built_yet_is_said_clearly(tmp_path: Path, option: str) -> None:
    shown = CliRunner().invoke(cli, [str(tmp_path), option])
    assert shown.exit_code == 2
    assert f"{option.partition('=')[0]} is not supported yet" in shown.stderr


@pytest.mark.slow
def test_starting_loads_only_what_is_used() -> None:
    script = (
        "import sys\nfrom reqon.cli.main import cli\n"
        "cli.main(sys.argv[1:], standalone_mode=False)\n"
        "heavy = 'aiohttp asyncio msgspec rich parsimonious pygls vague.parser'.split()\n"
        "print('loaded', [m for m in heavy if m in sys.modules])\n"
    )
    for arguments in (["--help"], ["status"], ["history"], ["--version"]):
        shown = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        assert shown.stdout.splitlines()[-1] == "loaded []", arguments


def test_the_page_on_the_command_line_names_every_command_and_option() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert f"`reqon {name}" in page or f"reqon [{name}]" in page, name
        commands = found.commands.values() if isinstance(found, click.Group) else [found]
        for command in commands:
            assert command is not None
            for parameter in command.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert any(option in page for option in parameter.opts), parameter.opts


INTERRUPTED = """\
import os, signal, sys

module = sys.argv[1]

def interrupt(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
from reqon.__main__ import main
sys.argv[1:] = ["run", "none.vague"]
main()
"""


@pytest.mark.parametrize(
    "module", ["click", "reqon.cli.main", "reqon.cli.run_options", "aiohttp", "vague.parser"]
)
def test_ctrl_c_while_modules_load_ends_without_a_word(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_after_the_start_is_the_commands_own_again() -> None:
    script = (
        "import signal, sys, reqon.__main__\nfrom reqon.cli.main import main\n"
        "sys.argv[1:] = ['status']\n"
        "try:\n    main()\n"
        "except SystemExit:\n"
        "    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "True\n"


def test_sigterm_while_the_command_line_starts_is_exit_code_143() -> None:
    script = (
        "import os, signal, reqon.__main__\nos.kill(os.getpid(), signal.SIGTERM)\n"
        "print('still here')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "")


def test_everything_written_arrives_before_the_process_leaves_at_once() -> None:
    script = (
        "import atexit, sys, reqon.__main__\nsys.argv[1:] = ['--version']\n"
        "atexit.register(print, 'taken down')\nreqon.__main__.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith("reqon ")
    assert ended.stdout.count("\n") == 1
