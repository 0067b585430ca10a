"""What is shown of executions in a state store: the status is what is true now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reqon import MemoryStateStore
from reqon.state_stores.protocol import State
from reqon.state_stores.reading import read_all, read_one
from reqon.testing import example_frame, example_state

ELSEWHERE = {"host": "another machine", "pid": 1, "pidStart": 1, "bootId": "another boot"}


class TellsNothing:
    """Lends missions, and has no `holds`."""

    def __init__(self, store: MemoryStateStore) -> None:
        for name in ("save", "load", "list", "append", "read", "acquire", "renew", "release"):
            setattr(self, name, getattr(store, name))


def running(epoch: int | None, **fields: Any) -> State:
    lease = {} if epoch is None else {"epoch": epoch}
    return example_state("exec_1", seq=0, owner=ELSEWHERE, **lease, **fields)


async def shown(store: Any) -> list[str]:
    """The status by each way to look."""
    (one,) = await read_all(store, None, None)
    named, newest = await read_one(store, "Sync", "exec_1"), await read_one(store, "Sync", None)
    assert named is not None
    assert newest is not None
    filtered = await read_all(store, "Sync", one.status)
    assert len(filtered) == 1
    return [state.status for state in (one, named, newest, *filtered)]


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        pytest.param(lambda store, epoch: None, "running", id="its lease lasts"),
        pytest.param(
            lambda store, epoch: store.release("Sync", epoch), "interrupted", id="given back"
        ),
        pytest.param(
            lambda store, epoch: store.renew("Sync", epoch, -1), "interrupted", id="it has run out"
        ),
        pytest.param(
            lambda store, epoch: store.acquire("Sync", "here", 30), "interrupted", id="taken over"
        ),
        pytest.param(
            lambda store, epoch: store.append(
                "exec_1", 1, example_frame(1, epoch=store.acquire("Sync", "here", 30))
            ),
            "running",
            id="gone on with, and not saved yet",
        ),
        pytest.param(
            lambda store, epoch: store.save(running(None, status="failed") | {"epoch": epoch}),
            "failed",
            id="what has ended is as it ended",
        ),
    ],
)
async def test_a_run_lives_as_long_as_its_lease(
    happens: Callable[[MemoryStateStore, int], object], status: str
) -> None:
    store = MemoryStateStore()
    epoch = store.acquire("Sync", "here", 30)
    assert epoch is not None
    store.save(running(epoch))
    happens(store, epoch)
    assert await shown(store) == [status] * 4


async def test_a_store_that_cannot_tell_shows_what_was_saved() -> None:
    store = MemoryStateStore()
    store.save(running(7))
    assert await shown(TellsNothing(store)) == ["running"] * 4


async def test_a_state_without_a_lease_shows_what_was_saved() -> None:
    store = MemoryStateStore()
    store.save(running(None))
    assert await shown(store) == ["running"] * 4


@pytest.mark.parametrize("ends_as", ["completed", "failed"])
async def test_a_run_that_ends_while_it_is_looked_at_is_not_dead(ends_as: str) -> None:
    class Ending(MemoryStateStore):
        def holds(self, mission: str, epoch: int) -> bool:
            self.save(running(epoch, status=ends_as))
            self.release(mission, epoch)
            return super().holds(mission, epoch)

    store = Ending()
    store.save(running(store.acquire("Sync", "here", 30)))
    state = await read_one(store, "Sync", None)
    assert state is not None
    assert state.status == ends_as


async def test_a_run_that_another_goes_on_with_while_it_is_looked_at_is_running() -> None:
    class TakenOver(MemoryStateStore):
        n_asked = 0

        def holds(self, mission: str, epoch: int) -> bool:
            self.n_asked += 1
            if self.n_asked == 1:
                self.save(running(self.acquire(mission, "here", 30)))
            return super().holds(mission, epoch)

    store = TakenOver()
    store.save(running(store.acquire("Sync", "here", 30)))
    state = await read_one(store, "Sync", None)
    assert state is not None
    assert (state.status, store.n_asked) == ("running", 2)


async def test_a_run_that_is_removed_while_it_is_looked_at_ends_the_look() -> None:
    class Removing(MemoryStateStore):
        def holds(self, mission: str, epoch: int) -> bool:
            self.delete("exec_1")
            return False

    store = Removing()
    store.save(running(store.acquire("Sync", "here", 30)))
    state = await read_one(store, "Sync", None)
    assert state is not None
    assert state.status == "interrupted"
