"""What a run asks of the Python interpreter while it lasts; afterwards it is as it was before.

A run holds its records until it ends, and they are no garbage: by default Python would look
through them again after every 700 new ones. Nothing is kept alive by this, only found later.

The thread that writes to the disk has little to do and much to wait for. By default it would get
its turn 5 ms after it asks: longer than the writing takes, and a loop would wait for it.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager

_OBJECTS = 20_000
"""So many new objects between two looks at the youngest ones: a few MiB."""
_TURN_SECONDS = 0.0002
"""So soon a thread that asks has its turn."""


@contextmanager
def unhurried_collector() -> Generator[None]:
    """Look for garbage less often; what the process had set is there again at the end.

    What it has set meanwhile stays.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS:
        yield
        return
    gc.set_threshold(_OBJECTS, *before[1:])
    ours = gc.get_threshold()
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*before)


@contextmanager
def prompt_threads() -> Generator[None]:
    """Let a thread that asks have its turn soon."""
    before = sys.getswitchinterval()
    if before <= _TURN_SECONDS:
        yield
        return
    sys.setswitchinterval(_TURN_SECONDS)
    ours = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == ours:
            sys.setswitchinterval(before)
