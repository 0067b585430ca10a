"""How often Python looks for garbage while a mission runs.

A run holds its records until it ends, and they are no garbage: by default Python would look
through them again after every 700 new ones. Nothing is kept alive by this, only found later.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

_OBJECTS = 20_000
"""So many new objects between two looks at the youngest ones: a few MiB."""


@contextmanager
def unhurried_collector() -> Generator[None]:
    """Look for garbage less often; what the process had set is there again at the end."""
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS:
        yield
        return
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
