"""Ctrl-C while the command line starts: the process ends at once, with its exit code.

A KeyboardInterrupt in the middle of an import would show a traceback to a person who only changed
their mind. Nothing has begun by then, so nothing is lost. As soon as the command is loaded, the
usual handler is back and the command decides. Loads nothing that takes time.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_CODE = 130


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(_CODE)


def leave_on_interrupt() -> None:
    """From now on SIGINT ends the process with exit code 130, without a word."""
    signal.signal(signal.SIGINT, _leave)


def start_has_ended() -> None:
    """Give SIGINT back to Python, if it was taken from it here."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
