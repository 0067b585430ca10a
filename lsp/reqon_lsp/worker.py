"""One thread for what takes long, beside the event loop: the first reading of programs.

Work comes back to the loop; nothing here touches what the loop's side owns. There is never more
than one thread, however many folders wait.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_STACK_BYTES = 64 * 1024 * 1024
"""Deeply nested texts are read by functions that call themselves."""

_SWITCH_SECONDS = 0.001
"""How long the loop waits for its turn while the thread computes; five times less than usual."""


@dataclass(slots=True)
class Worker:
    """The thread, made when there is work for the first time."""

    _executor: ThreadPoolExecutor | None = None

    async def do(self, work: Callable[[], T]) -> T:
        """The result of `work`, done on the thread after what waits there already."""
        if self._executor is None:
            self._executor = _one_thread()
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _one_thread() -> ThreadPoolExecutor:
    sys.setswitchinterval(_SWITCH_SECONDS)
    before = threading.stack_size(_STACK_BYTES)
    try:
        executor = ThreadPoolExecutor(1, "reqon-reading")
        executor.submit(int)  # the thread is made here, with that stack
    finally:
        threading.stack_size(before)
    return executor
