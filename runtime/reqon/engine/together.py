"""Branches that run at the same time, until the last of them has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def all_of(branches: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them all. One that was cancelled alone is not done: then all of it counts as cancelled.

    A task group passes over such a one, and what follows would go on without its records.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(branch) for branch in branches]
    if any(task.cancelled() for task in tasks):
        raise asyncio.CancelledError("a branch of the run was cancelled")
