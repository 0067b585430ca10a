"""A client of a server that is bound to an event loop, for stores that outlive their loops.

A store object serves several loops one after another, and nobody tells it that one ends. A loop
that ends closes the async generators that were begun in it: each client is held by one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """What `make` gives, once for each running loop; `close` is awaited before that loop ends.

    Neither may lead back to the store: one that is dropped earlier closes what it has at once.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> None:
        self._make = make
        self._close = close
        self._held: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None]]] = {}

    async def get(self) -> T:
        """That of the running loop. Raises what `make` raises."""
        loop = asyncio.get_running_loop()
        if loop not in self._held:
            made = self._make()
            keeper = _kept(made, self._close)
            self._held = {known: held for known, held in self._held.items() if known.is_running()}
            self._held[loop] = made, keeper
            await anext(keeper)
        return self._held[loop][0]


async def _kept(made: T, close: Callable[[T], Awaitable[object]]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            await close(made)
