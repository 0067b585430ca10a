"""`reqon demo`: the guided tour, and the sample service to play with."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import click

from reqon.cli import console, wording
from reqon.cli.invocation import ReqonCommand
from reqon.demo.customers import ADDED_OVERNIGHT, CHANGED_OVERNIGHT
from reqon.demo.sample_api import DEFAULT_PORT, SampleApi
from reqon.demo.tour import Tour
from reqon.errors import ConfigError, ExitCode

EPILOG = """\b
Examples:
  reqon demo                       the tour
  reqon demo --serve               the sample service alone, until Ctrl-C
  reqon examples/quickstart        run the mission of the tour against it
"""


@click.command("demo", cls=ReqonCommand, epilog=EPILOG)
@click.option("--serve", is_flag=True, help="Only serve the sample API, until Ctrl-C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N",
    help=f"Port of --serve (default: {DEFAULT_PORT}; 0: any free one).",
)  # fmt: skip
@click.option(
    "--keep", metavar="DIR", help="Do the tour's work in this new folder and leave it there."
)
def command(*, serve: bool, port: int | None, keep: str | None) -> Awaitable[int]:
    """See a mission killed, resumed and proved right, in under a minute.

    Starts a sample web service on this machine and real `reqon` processes, and kills some of them.
    Exit code 1 if anything is not as the tour says.
    """
    if not serve and port is not None:
        raise click.UsageError("--port goes with --serve")
    if serve:
        return _serve(DEFAULT_PORT if port is None else port)
    if keep is not None and Path(keep).exists():
        raise ConfigError(f"'{keep}' exists already", hint="name a folder that is new")
    return _take_tour(Path(keep) if keep is not None else None)


async def _take_tour(folder: Path | None) -> int:
    if folder is not None:
        await Tour(ConsoleTeller(), folder).run()
        console.show()
        console.show(f"  Everything that the tour wrote is in {folder}.")
        return ExitCode.SUCCESS
    with tempfile.TemporaryDirectory(prefix="reqon-demo-") as name:
        await Tour(ConsoleTeller(), Path(name)).run()
    return ExitCode.SUCCESS


async def _serve(port: int) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C ends the process by itself
            break
    async with SampleApi(port) as api:
        _announce(api)
        await stopped.wait()
    return ExitCode.SUCCESS


def _announce(api: SampleApi) -> None:
    console.show(f"sample API with {api.customer_count:,} customers at {api.address}")
    console.show()
    prefix = "" if api.address.endswith(f":{DEFAULT_PORT}") else f"REQON_DEMO_URL={api.address} "
    console.show(f"  {prefix}reqon examples/quickstart")
    console.show("      copies the customers")
    console.show(f"  curl -X POST {api.address}/next-day")
    console.show(
        f"      {ADDED_OVERNIGHT} customers sign up, {CHANGED_OVERNIGHT} change; run it again"
    )
    console.show()
    console.show("Ctrl-C ends it")
    sys.stdout.flush()


class ConsoleTeller:
    """Puts the tour on the terminal."""

    def __init__(self) -> None:
        self.width = min(80, console.width(sys.stdout))
        self.colored = console.has_colors(sys.stdout)
        self.live = console.is_watched()

    def title(self, text: str) -> None:
        """The heading of the whole."""
        console.show()
        console.show(console.paint(text, "title"))
        console.show(console.paint("=" * len(text), "title"))

    def step(self, number: int, text: str) -> None:
        """The heading of a step."""
        console.show()
        console.show(console.paint(f"{number}  {text}", "title"))

    def say(self, text: str) -> None:
        """A paragraph."""
        console.show()
        console.show_lines(f"  {line}" for line in wording.wrap(text, self.width - 2))

    def command(self, line: str) -> None:
        """A command line that is run now."""
        console.show()
        console.show(f"  {console.paint('$ ' + line, 'strong')}")
        sys.stdout.flush()

    def output(self, text: str) -> None:
        """What a command printed, or an excerpt of a file."""
        if text.strip():
            console.show_lines(f"    {line}".rstrip() for line in text.rstrip().splitlines())

    def killed(self, text: str) -> None:
        """A process has just been killed; it may have left a bar and no cursor behind."""
        if self.live:
            console.show_cursor()
            console.say()
        self.event(text)

    def event(self, text: str) -> None:
        """Something else done from outside."""
        console.show(f"  {console.paint('! ' + text, 'halt')}")

    def proof(self, text: str) -> None:
        """A claim that has just been checked."""
        console.show(f"  {console.paint('ok', 'good')} {text}")
