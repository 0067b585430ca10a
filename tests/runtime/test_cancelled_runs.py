"""A run whose task is cancelled, at whatever moment and however often, harms nobody.

It ends in order, lets go of its locks and threads, and is resumed as if nothing had been.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from reqon import (
    MemoryStateStore,
    execute,
    execute_async,
    get_execution_state,
    get_execution_state_async,
    set_state_store,
)
from reqon.engine.run import ResumeChoice
from reqon.journal.disk import Disk
from reqon.journal.request import Timing
from support.missions import lab

COUNTING = """
mission Counting {
  let LAST = env("LAST", "5")
  store numbers: file("numbers")
  action Count {
    for n in range(1, toNumber(LAST)) checkpoint every 100 {
      store { id: toString(n), square: n * n } -> numbers { key: .id }
    }
  }
  run Count
}
"""
LONG = {"LAST": "20000"}


pytestmark = pytest.mark.usefixtures("own_folder")


class SlowStore:
    """A store whose calls take their time; `called` are their names."""

    def __init__(self, seconds: float) -> None:
        self.called: list[str] = []
        self.kept = MemoryStateStore()
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.kept, name)

        async def slow(*arguments: Any) -> Any:
            self.called.append(name)
            await asyncio.sleep(self._seconds)
            answer = method(*arguments)
            return await answer if inspect.isawaitable(answer) else answer

        return slow


async def running(**options: Any) -> asyncio.Future[Any]:
    """A run of many records that has got going."""
    began = asyncio.Event()
    callbacks = {"on_progress": lambda _: began.set()}
    task = asyncio.ensure_future(execute_async(COUNTING, progress_callbacks=callbacks, **options))
    await asyncio.wait({task, asyncio.ensure_future(began.wait())}, return_when="FIRST_COMPLETED")
    assert not task.done()
    return task


def record(folder: Path) -> dict[str, Any]:
    (path,) = (folder / ".vague-data/execution").glob("*.json")
    return dict(json.loads(path.read_text()))


def heartbeats() -> int:
    return sum(thread.name == "reqon-heartbeat" for thread in threading.enumerate())


async def test_a_cancelled_run_says_so_and_brings_its_stores_up_to_date(own_folder: Path) -> None:
    task = await running(env=LONG)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = record(own_folder)
    assert (told["status"], told["interruptedBy"]) == ("interrupted", "CancelledError")
    stored = json.loads((own_folder / ".vague-data/stores/numbers.json").read_text())
    assert len(stored) == told["stores"]["numbers"]["added"] > 0
    assert (await execute_async(COUNTING, env=LONG, resume=True)).stores["numbers"].added == 20000


@pytest.mark.parametrize("times", [2, 3, 4])
async def test_one_cancelled_again_and_again_lets_go_of_everything(
    own_folder: Path, times: int
) -> None:
    before = heartbeats()
    set_state_store(SlowStore(0.02))
    task = await running(env=LONG)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.005)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heartbeats() == before
    state = await get_execution_state_async("Counting", state_dir=".vague-data")
    assert state is not None
    assert state.status == "interrupted"
    resumed = await execute_async(COUNTING, env=LONG, resume=True)
    assert (resumed.execution_id, resumed.status) == (state.execution_id, "completed")


async def test_one_cancelled_while_it_begins_is_interrupted_in_its_store(own_folder: Path) -> None:
    store = SlowStore(0.05)
    set_state_store(store)
    task = asyncio.ensure_future(execute_async(COUNTING))
    while "save" not in store.called:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (state,) = store.kept.list("Counting", None, None)
    assert state["status"] == "interrupted"


@pytest.mark.parametrize("named", ["folder", "store"])
async def test_one_that_has_completed_stays_so(own_folder: Path, named: str) -> None:
    """Only callbacks are waited for when the task is cancelled."""
    if named == "store":
        set_state_store(MemoryStateStore())
    told = asyncio.Event()

    async def tell(*_: Any) -> None:
        told.set()
        await asyncio.sleep(60)

    callbacks = {"on_action_complete": tell}
    task = asyncio.ensure_future(execute_async(COUNTING, progress_callbacks=callbacks))
    await told.wait()
    while (state := await get_execution_state_async("Counting")) and state.status == "running":
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    state = await get_execution_state_async("Counting")
    assert state is not None
    assert state.status == record(own_folder)["status"] == "completed"


class CancellingDisk(Disk):
    """Cancels a task when a journal has been begun anew."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.task: asyncio.Future[Any] | None = None
        self.times = 0

    def replace_durably(self, path: Path, *arguments: Any) -> int:
        size = super().replace_durably(path, *arguments)
        if path.suffix == ".journal" and self.task is not None:
            self.times += 1
            self.loop.call_soon_threadsafe(self.task.cancel)
            time.sleep(0.05)
        return size


async def test_one_cancelled_while_its_journal_is_begun_anew_can_be_resumed(
    own_folder: Path,
) -> None:
    async with lab(own_folder) as world:
        world.environ["LAST"] = "2000"
        disk = CancellingDisk()
        options: dict[str, Any] = {"timing": Timing(grow_bytes=2000), "sinks": []}
        disk.task = asyncio.ensure_future(world.run(COUNTING, disk=disk, **options))
        with pytest.raises(asyncio.CancelledError):
            await disk.task
        assert disk.times > 0
        resumed = await world.run(COUNTING, resume=ResumeChoice.ONLY, **options)
        assert (resumed.status, resumed.error) == ("completed", None)
        assert len(world.store("numbers")) == 2000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_whose_loop_was_closed_under_it_lets_the_mission_go(own_folder: Path) -> None:
    async def leave_alone() -> None:
        await running(env=LONG)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave_alone())
    loop.set_exception_handler(lambda *_: None)
    loop.close()
    del loop
    time.sleep(0.1)  # its threads come to their end
    gc.collect()
    state = get_execution_state("Counting")
    assert state is not None
    assert state.status == "interrupted"
    resumed = execute(COUNTING, env=LONG, resume=True)
    assert (resumed.execution_id, resumed.status) == (state.execution_id, "completed")


# ---------------------------------------------------------------- cancelled in part

PARALLEL = """
mission Counting {
  store numbers: file("numbers")
  action Count {
    for n in range(1, 300) parallel 3 checkpoint every 5 {
      store { id: toString(n), square: n * n } -> numbers { key: .id }
    }
  }
  action Other { for n in range(1, 300) checkpoint every 5 { store { id: concat("o", n) } -> numbers { key: .id } } }
  run [Count, Other]
}
"""


class Unsteady:
    """A store that now and then has something of its own cancelled, or fails beyond words."""

    def __init__(self, failure: BaseException) -> None:
        self.kept = MemoryStateStore()
        self.calls = 0
        self._failure = failure

    async def save(self, state: dict[str, Any]) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.calls % 20 == 0:
            raise self._failure
        self.kept.save(state)

    async def load(self, execution_id: str) -> dict[str, Any] | None:
        return self.kept.load(execution_id)


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), SpeechlessError()])
def test_a_store_that_cancels_something_of_its_own_is_tried_again(
    own_folder: Path, failure: BaseException
) -> None:
    store = Unsteady(failure)
    set_state_store(store)
    result = execute(PARALLEL)
    assert (result.status, result.stores["numbers"].count) == ("completed", 600)
    assert store.calls > 20


async def test_one_whose_branches_alone_are_cancelled_has_not_completed(own_folder: Path) -> None:
    """As by a program that cancels all tasks it finds."""
    store = SlowStore(0.002)
    set_state_store(store)
    began = asyncio.Event()
    callbacks = {"on_progress": lambda _: began.set()}
    run = asyncio.ensure_future(execute_async(PARALLEL, progress_callbacks=callbacks))
    await began.wait()
    for task in asyncio.all_tasks() - {asyncio.current_task(), run}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    state = await get_execution_state_async("Counting")
    assert state is not None
    assert state.status == "interrupted"
    shutil.rmtree(".vague-data")
    resumed = await execute_async(PARALLEL, execution_id=state.execution_id)
    assert (resumed.status, resumed.stores["numbers"].added) == ("completed", 600)
