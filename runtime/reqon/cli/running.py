"""The event loop of the command line, and what signals do while a mission runs.

The first SIGINT or SIGTERM asks the run to stop in order; a second one leaves at once, which is
safe too: the journal is all that a resume needs. This is the only place of the command line that
starts an event loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from types import FrameType

from reqon.cli import console
from reqon.errors import ExitCode

_CODES = {"SIGINT": ExitCode.SIGINT, "SIGTERM": ExitCode.SIGTERM}


def finish(work: Awaitable[int | None]) -> int | None:
    """Run the asynchronous part of a command to its end."""
    return asyncio.run(_await(work))


async def _await(work: Awaitable[int | None]) -> int | None:
    return await work


class Stopping:
    """Turns signals into a request to stop; `signal_name` is the first that came."""

    def __init__(self, ask: Callable[[str], None]) -> None:
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self.signal_name: str | None = None

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """The first signal asks, in the event loop; the second ends the process where it is."""
        name = signal.Signals(number).name
        if self.signal_name is not None:
            console.show_cursor()
            os._exit(_CODES[name])
        self.signal_name = name
        self._loop.call_soon_threadsafe(self._stop, name)

    def _stop(self, name: str) -> None:
        console.say(f"{name}: stopping in order; send it again to leave at once")
        self._ask(name)


@contextmanager
def stopping_on_signals(ask: Callable[[str], None]) -> Generator[Stopping]:
    """While entered, SIGINT and SIGTERM call `ask` with the signal's name, in the event loop."""
    stopping = Stopping(ask)
    before = {
        number: signal.signal(number, stopping.handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
