"""How the command line leaves: at once, with its exit code, and without a word.

While it starts: a KeyboardInterrupt in the middle of an import would show a traceback to a person
who only changed their mind. Nothing has begun by then, so nothing is lost. As soon as the command
is loaded, the usual handler of SIGINT is back and the command decides; a command that stops in
order takes SIGTERM over as well.

When it has ended: taking the interpreter down piece by piece takes as long as a whole `reqon
status`, and nothing is left to be done. Loads nothing that takes time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

_SIGNAL_CODES = 128
"""Exit code of a process that a signal ended, less the signal's number."""


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(_SIGNAL_CODES + number)


def leave_on_signals() -> None:
    """From now on SIGINT and SIGTERM end the process with exit code 130 or 143."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)


def start_has_ended() -> None:
    """Give SIGINT back to Python, if it was taken from it here."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave(code: int) -> None:
    """End the process; what was written to the standard streams arrives."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
