"""For the authors of state stores: does a store do what Reqon expects of it?

    from reqon.testing import check_state_store

    def test_my_store() -> None:
        check_state_store(MyStore)

Optional methods are checked where they are there. Nothing here is used by a run.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import Any

from reqon.state_stores import State, StateStore


def check_state_store(factory: Callable[[], StateStore]) -> None:
    """Check stores that `factory` makes, an empty one each time; AssertionError says what fails.

    Raises RuntimeError in a running event loop: await `check_state_store_async` there.
    """
    with asyncio.Runner() as runner:
        runner.run(check_state_store_async(factory))


async def check_state_store_async(factory: Callable[[], StateStore]) -> None:
    """The same for tests with an event loop."""
    for check in (_keeps_values, _replaces, _keeps_apart, _is_not_shared, _takes_many):
        await check(factory())
    if hasattr(factory(), "list"):
        await _lists(factory())


def example_state(execution_id: str, mission: str = "Sync", **fields: Any) -> State:
    """A state such as `save` gets; `fields` are put over it."""
    state: State = {
        "executionId": execution_id,
        "mission": mission,
        "startedAt": "2031-05-06T07:08:09.123Z",
        "status": "running",
        "actionsRun": ["Fetch"],
        "activeStep": {"action": "Store", "index": 523, "item": {"id": "cust_524", "name": "Zoë"}},
        "errors": [],
        "stores": {"customers": {"count": 1523, "added": 42, "updated": 18, "unchanged": 0}},
        "progress": {"current": 523, "total": None},
    }
    return {**state, **fields}


async def _keeps_values(store: StateStore) -> None:
    state = example_state("exec_1", text="ß ☃ \U0001f600 \\ \" '", big=2**60, none=None, f=0.5)
    await _call(store.save(state))
    found = await _call(store.load("exec_1"))
    assert found == state, "load gives back exactly what was saved"
    assert json.dumps(found), "load gives back plain JSON values"
    assert await _call(store.load("exec_2")) is None, "load of an unknown id gives None"


async def _replaces(store: StateStore) -> None:
    await _call(store.save(example_state("exec_1")))
    await _call(store.save(example_state("exec_1", status="completed")))
    found = await _call(store.load("exec_1"))
    assert found["status"] == "completed", "a later state replaces an earlier one of the same id"


async def _keeps_apart(store: StateStore) -> None:
    await _call(store.save(example_state("exec_1", "Alpha")))
    await _call(store.save(example_state("exec_2", "Beta")))
    found = await _call(store.load("exec_1"))
    assert found["mission"] == "Alpha", "executions are kept apart by their id"


async def _is_not_shared(store: StateStore) -> None:
    state = example_state("exec_1")
    await _call(store.save(state))
    state["status"] = "failed"
    state["errors"].append({"message": "later"})
    found = await _call(store.load("exec_1"))
    assert found["status"] == "running", "what is saved stays as it was when it was saved"
    assert found["errors"] == [], "what is saved stays as it was when it was saved, deeply"


async def _takes_many(store: StateStore) -> None:
    for index in range(50):
        await _call(store.save(example_state("exec_1", seq=index)))
    found = await _call(store.load("exec_1"))
    assert found["seq"] == 49, "of many states the last one is kept"


async def _lists(store: Any) -> None:
    for number in range(1, 4):
        started = f"2031-05-0{number}T00:00:00Z"
        status = "failed" if number == 2 else "completed"
        await _call(store.save(example_state(f"exec_{number}", startedAt=started, status=status)))
    await _call(store.save(example_state("exec_other", "Other")))
    for arguments, wanted in (
        (("Sync", None, None), ["exec_3", "exec_2", "exec_1"]),
        (("Sync", 2, None), ["exec_3", "exec_2"]),
        (("Sync", None, "failed"), ["exec_2"]),
        (("Nothing", None, None), []),
    ):
        found = [state["executionId"] for state in await _call(store.list(*arguments))]
        assert found == wanted, f"list{arguments} gives {wanted}, newest first; found {found}"


async def _call(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome
