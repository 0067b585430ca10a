"""Executions kept in a state store of the program's own: resumed on an empty disk, leased, fenced.

The stores are tables of SQLite, as a user would write them, and the two that come with Reqon.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reqon import (
    ConfigError,
    FileStateStore,
    MemoryStateStore,
    RefusedError,
    StateStore,
    StorageError,
    execute,
    execute_async,
    get_execution_history,
    get_execution_state,
    set_state_store,
)
from reqon.engine.run import ResumeChoice
from reqon.events.model import Warned
from reqon.journal.carrying import SavePace
from reqon.journal.request import Timing
from support.fake_api import Gate, Reply
from support.missions import lab
from support.sqlite_store import TABLES, SavingTable, WholeTable

COUNTING = """
mission Counting {
  let LAST = env("LAST", "5")
  store numbers: file("numbers")
  store seen: memory("seen")
  store total: file("total")
  action Count {
    for n in range(1, toNumber(LAST)) checkpoint every 2 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) { store bad -> seen }
      store { id: toString(n), square: n * n } -> numbers { key: .id }
      store { id: toString(n % 3), n: n } -> seen { key: .id }
    }
  }
  action Sum {
    for one in seen { store { id: one.id, last: one.n } -> total { key: .id } }
  }
  run Count then Sum
}
"""
FOLDER = ".vague-data"

Factory = Callable[[], StateStore]


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture(params=["saving", "listing", "whole", "folder", "memory"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Factory:
    if request.param == "folder":
        return lambda: FileStateStore(tmp_path / "elsewhere")
    if request.param == "memory":
        kept = MemoryStateStore()
        return lambda: kept
    table = TABLES[request.param]
    return lambda: table(tmp_path / "states.db")


def contents(folder: Path) -> dict[str, Any]:
    stores = folder / FOLDER / "stores"
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(stores.glob("[!.]*.json"))}


def shown(state: Any) -> tuple[Any, ...]:
    return state.status, state.actions_run, state.stores, state.checkpoints


def test_an_execution_goes_on_from_the_store_alone(own_folder: Path, factory: Factory) -> None:
    undisturbed = execute(COUNTING, env={"LAST": "9"}, state_dir="elsewhere-data")
    wanted = {
        path.stem: json.loads(path.read_bytes())
        for path in sorted((own_folder / "elsewhere-data/stores").glob("[!.]*.json"))
    }
    set_state_store(factory())
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "8"})
    assert failed.status == "failed"
    shutil.rmtree(FOLDER)
    set_state_store(factory())
    state = get_execution_state("Counting", failed.execution_id)
    assert state is not None
    assert (state.status, state.resumable, state.stores["numbers"].added) == ("failed", True, 7)
    resumed = execute(COUNTING, env={"LAST": "9"}, execution_id=failed.execution_id)
    assert resumed.execution_id == failed.execution_id
    assert shown(resumed.state) == shown(undisturbed.state)
    assert contents(own_folder) == wanted
    assert list(contents(own_folder)["numbers"]) == list(wanted["numbers"])
    after = get_execution_state("Counting", failed.execution_id)
    assert after is not None
    assert (after.status, after.resumable) == ("completed", False)


def test_a_store_that_lists_finds_what_to_resume(own_folder: Path) -> None:
    set_state_store(TABLES["listing"](own_folder / "states.db"))
    execute(COUNTING, env={"LAST": "3"})
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "8"})
    shutil.rmtree(FOLDER)
    resumed = execute(COUNTING, env={"LAST": "9"}, resume=True)
    assert resumed.execution_id == failed.execution_id
    assert resumed.stores["numbers"].count == 9
    shutil.rmtree(FOLDER)
    anew = execute(COUNTING, env={"LAST": "2"}, resume=True)
    assert anew.execution_id != failed.execution_id
    history = get_execution_history("Counting")
    assert [s.execution_id for s in history][:2] == [anew.execution_id, failed.execution_id]


def test_small_stores_come_back_whole_and_large_ones_are_asked_for(own_folder: Path) -> None:
    set_state_store(TABLES["listing"](own_folder / "states.db"))
    program = COUNTING.replace("square: n * n", f'square: n * n, text: "{"x" * 1000}"')
    program = program.replace("every 2 ", "every 1000 ")
    assert execute(program, env={"LAST": "2000"}).ok
    failed = execute(program, env={"LAST": "2009", "BAD": "2008"})
    assert failed.status == "failed"
    shutil.move(FOLDER, "before")
    with pytest.raises(RefusedError, match="'numbers' held 2,000 records when execution"):
        execute(program, env={"LAST": "2009"}, resume=True)
    (own_folder / FOLDER / "stores").mkdir(exist_ok=True)
    shutil.copy("before/stores/numbers.json", f"{FOLDER}/stores")
    resumed = execute(program, env={"LAST": "2009"}, resume=True)
    assert (resumed.execution_id, resumed.stores["numbers"].count) == (failed.execution_id, 2009)
    assert resumed.stores["total"].count == 3


def test_what_the_store_does_not_know_is_looked_for_in_the_folder(own_folder: Path) -> None:
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "8"})
    set_state_store(TABLES["listing"](own_folder / "states.db"))
    resumed = execute(COUNTING, env={"LAST": "9"}, resume=True)
    assert (resumed.execution_id, resumed.status) == (failed.execution_id, "completed")
    with pytest.raises(ConfigError, match="no execution 'exec_none'"):
        execute(COUNTING, execution_id="exec_none")


def test_the_folder_wins_where_it_is_further(own_folder: Path) -> None:
    table = TABLES["saving"](own_folder / "states.db")
    set_state_store(table)
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "8"})
    early = table.load(failed.execution_id)
    set_state_store(None)
    again = execute(COUNTING, env={"LAST": "9", "BAD": "9"}, resume=True)
    assert again.status == "failed"
    set_state_store(save=table.save, load=lambda _: early)
    resumed = execute(COUNTING, env={"LAST": "9"}, execution_id=failed.execution_id)
    assert (resumed.status, resumed.stores["numbers"].added) == ("completed", 9)


def test_the_store_wins_where_another_machine_went_on(own_folder: Path) -> None:
    set_state_store(TABLES["listing"](own_folder / "states.db"))
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "5"})
    shutil.copytree(FOLDER, "first-machine")
    shutil.rmtree(FOLDER)
    again = execute(COUNTING, env={"LAST": "9", "BAD": "8"}, resume=True)
    assert again.execution_id == failed.execution_id
    shutil.rmtree(FOLDER)
    shutil.copytree("first-machine", FOLDER)
    resumed = execute(COUNTING, env={"LAST": "9"}, resume=True)
    assert resumed.execution_id == failed.execution_id
    assert len(resumed.state.record["attempts"]) == 3
    assert contents(own_folder)["numbers"]["9"] == {"id": "9", "square": 81}
    assert len(contents(own_folder)["numbers"]) == 9


def test_secrets_are_not_in_what_is_saved(own_folder: Path) -> None:
    program = COUNTING.replace("square: n * n", 'square: n * n, by: env("API_TOKEN")')
    saved: list[str] = []
    set_state_store(save=lambda s: saved.append(json.dumps(s)), load=lambda _: None)
    execute(program, env={"LAST": "9", "BAD": "8", "API_TOKEN": "hunter-2-hunter-2"})
    assert saved
    assert not [text for text in saved if "hunter-2" in text]


def test_a_damaged_state_is_refused(own_folder: Path) -> None:
    table = TABLES["saving"](own_folder / "states.db")
    set_state_store(table)
    failed = execute(COUNTING, env={"LAST": "9", "BAD": "8"})
    state = table.load(failed.execution_id)
    assert state is not None
    state["resume"]["frame"] = state["resume"]["frame"].replace('"square":49', '"square":48')
    set_state_store(save=table.save, load=lambda _: state)
    shutil.rmtree(FOLDER)
    with pytest.raises(RefusedError, match="damaged: a frame does not match its checksum"):
        execute(COUNTING, execution_id=failed.execution_id)


def test_a_store_that_answers_nonsense_says_so(own_folder: Path) -> None:
    set_state_store(save=lambda _: None, load=lambda _: {"executionId": "exec_1"})
    with pytest.raises(StorageError, match="what is no state: the field 'mission' is missing"):
        execute(COUNTING, execution_id="exec_1")


async def test_calls_for_one_execution_follow_each_other(own_folder: Path) -> None:
    running: list[str] = []

    async def save(state: dict[str, Any]) -> None:
        assert running == []
        running.append(state["executionId"])
        await asyncio.sleep(0.001)
        running.clear()

    async def load(execution_id: str) -> None:
        assert running == []

    set_state_store(save=save, load=load)
    program = COUNTING.replace("checkpoint every 2", "parallel 4 checkpoint every 2")
    result = await execute_async(program, env={"LAST": "30"})
    assert result.ok


def test_exactly_every_so_many_items_and_at_each_change_of_status(own_folder: Path) -> None:
    saved: list[tuple[str, int | None]] = []

    def save(state: dict[str, Any]) -> None:
        saved.append((state["status"], (state.get("progress") or {}).get("current")))

    set_state_store(save=save, load=lambda _: None)
    program = COUNTING.replace("run Count then Sum", "run Count").replace("every 2", "every 100")
    assert execute(program, env={"LAST": "1000"}).ok
    assert saved == [
        ("running", None),
        *(("running", n) for n in range(100, 1001, 100)),
        ("completed", 1000),
    ]


class Hands:
    """A clock that stands still but for what a test adds."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2031, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def test_saving_takes_a_tenth_of_the_time() -> None:
    clock = Hands()
    pace = SavePace(clock)

    def saved(n: int, size: int, save_seconds: float, item_seconds: float) -> int:
        n_saved = 0
        for _ in range(n):
            clock.seconds += item_seconds
            if pace.is_due():
                pace.begins()
                clock.seconds += save_seconds
                pace.ends(size)
                n_saved += 1
        return n_saved

    assert saved(1000, 64 * 1024, save_seconds=1, item_seconds=0.01) == 1000
    assert saved(1000, 64 * 1024 + 1, save_seconds=1, item_seconds=0.01) in (1, 2)
    assert saved(1000, 10**9, save_seconds=1, item_seconds=10) == 1000
    assert saved(1000, 10**9, save_seconds=1, item_seconds=0.1) in (11, 12)
    pace.begins()
    clock.seconds += 100
    assert not pace.is_due(), "one large state at a time"


async def test_a_checkpoint_at_every_item_sends_no_more_than_twice_what_there_is(
    own_folder: Path,
) -> None:
    """A store without `append` that takes a second for each save, and items that take no time."""
    clock, sent = Hands(), [0]

    class Slow(SavingTable):
        def save(self, state: dict[str, Any]) -> bool:
            clock.seconds += 1
            sent[0] += len(json.dumps(state))
            return super().save(state)

    program = COUNTING.replace("every 2", "every 1").replace("run Count then Sum", "run Count")
    program = program.replace("square: n * n", 'text: env("TEXT")').replace("n: n }", "id: n }")
    sums: list[int] = []
    async with lab(own_folder) as world:
        for number, last in enumerate((2000, 4000)):
            sent[0] = 0
            store = Slow(own_folder / f"{number}.db")
            world.environ |= {"TEXT": "x" * 1000, "LAST": str(last), "BAD": str(last)}
            failed = await world.run(program, state_store=store, clock=clock)
            assert failed.status == "failed"
            sums.append(sent[0])
            shutil.rmtree(world.state)
            world.environ["BAD"] = "0"
            resume = failed.execution_id
            resumed = await world.run(program, state_store=store, clock=clock, resume=resume)
            assert (resumed.status, len(world.store("numbers"))) == ("completed", last)
            shutil.rmtree(world.state)
    assert sums[1] < 2.2 * sums[0]
    assert sums[1] < 2 * 4000 * 1100


async def test_a_state_that_has_grown_large_says_why_and_what_helps(own_folder: Path) -> None:
    program = """mission Large {
      store rows: file("rows")
      action Fill {
        for n in range(1, 3000) checkpoint every 2000 {
          store { id: toString(n), text: env("TEXT") } -> rows { key: .id }
        }
      }
      run Fill
    }"""
    async with lab(own_folder) as world:
        world.environ["TEXT"] = "x" * 5000
        store = TABLES["saving"](own_folder / "states.db")
        assert (await world.run(program, state_store=store)).status == "completed"
    (told,) = [e.message for e in world.watcher.of(Warned)]
    assert "all of which is saved each time (records of stores 9." in told
    assert "'append' and 'read' gets the changes alone" in told


async def test_a_cancelled_run_is_interrupted_in_the_store(own_folder: Path) -> None:
    store = WholeTable(own_folder / "states.db")
    set_state_store(store)
    began = asyncio.Event()
    task = asyncio.ensure_future(
        execute_async(
            COUNTING,
            env={"LAST": "90000"},
            progress_callbacks={"on_progress": lambda _: began.set()},
        )
    )
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (text,) = store.db.execute("select state from states").fetchone()
    assert json.loads(text)["status"] == "interrupted"
    assert store.acquire("Counting", "another machine", 30) == 2, "the lease was given back"


# ---------------------------------------------------------------- leases


async def test_a_second_run_is_refused_while_the_first_has_the_lease(own_folder: Path) -> None:
    store = WholeTable(own_folder / "states.db")
    set_state_store(store)
    assert store.acquire("Counting", "another machine", 30) == 1
    with pytest.raises(RefusedError, match="already running: the state store has lent it"):
        await execute_async(COUNTING)
    store.release("Counting", 1)
    assert (await execute_async(COUNTING)).ok
    assert store.acquire("Counting", "another machine", 30) == 3, "the run gave it back"


async def test_a_run_that_lost_its_lease_stops_and_saves_nothing_more(own_folder: Path) -> None:
    store = WholeTable(own_folder / "states.db")
    set_state_store(store)
    taken: list[int | None] = []

    def take_over(progress: Any) -> None:
        if not taken and progress.current > 10:
            store.db.execute("update leases set ends = 0")
            taken.append(store.acquire("Counting", "another machine", 30))
            row = store.db.execute("select id, state from states").fetchone()
            store.save({**json.loads(row[1]), "epoch": taken[0], "trigger": "taken over"})

    result = await execute_async(
        COUNTING, env={"LAST": "2000"}, progress_callbacks={"on_progress": take_over}
    )
    assert taken == [2]
    assert result.status == "interrupted"
    assert isinstance(result.error, StorageError)
    assert "another run has taken 'Counting' over" in result.error.message
    kept = store.load(result.execution_id)
    assert kept is not None
    assert (kept["epoch"], kept["trigger"]) == (2, "taken over")


async def test_a_lease_that_cannot_be_renewed_stops_the_run(own_folder: Path) -> None:
    class Losing(WholeTable):
        def renew(self, mission: str, epoch: int, seconds: float) -> bool:
            return False

    program = """mission Waits {
      source Api { base: env("API") }
      store out: file("out")
      action Wait { get "/items" store response -> out }
      run Wait
    }"""
    async with lab(own_folder) as world:
        gate = Gate()
        world.api.get("/items", Reply([], gate=gate))
        store = Losing(own_folder / "states.db")
        result = await world.run(program, state_store=store, timing=Timing(renew=0.05))
        gate.open()
    assert result.status == "interrupted"
    assert result.error is not None
    assert "the lease on 'Waits' was lost" in result.error.message


SYNC = """mission Sync {
  source Api { base: env("API") }
  store out: file("out")
  action Fetch { get "/items" { since: lastSync } store response -> out { key: .id } }
  run Fetch
}"""


@pytest.mark.parametrize("resume", [ResumeChoice.NEVER, ResumeChoice.IF_ANY])
@pytest.mark.parametrize("lost", [".vague-data", ".vague-data/sync-checkpoints.json"])
async def test_a_sync_that_goes_on_without_its_store_says_so(
    own_folder: Path, lost: str, resume: ResumeChoice
) -> None:
    store = MemoryStateStore()
    async with lab(own_folder) as world:
        world.api.get("/items", [{"id": "a"}, {"id": "b"}])
        await world.run(SYNC, state_store=store)
        gone = own_folder / lost
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        assert (await world.run(SYNC, state_store=store, resume=resume)).status == "completed"
        assert world.api.asked("/items")[-1].params.keys() == {"modified_since"}
        said = [warned.message for warned in world.watcher.of(Warned)]
    assert len(said) == (1 if lost == ".vague-data" else 0)
    for message in said:
        assert "the store 'out' begins empty" in message
        assert "held 2 records when 'Sync' was synced last" in message


@pytest.mark.parametrize("resume", [ResumeChoice.NEVER, ResumeChoice.IF_ANY])
async def test_each_mission_of_a_new_folder_goes_on_from_its_own_last_sync(
    own_folder: Path, resume: ResumeChoice
) -> None:
    second = (
        SYNC.replace("mission Sync", "mission Second")
        .replace("Api", "Other")
        .replace("/items", "/more")
    )
    store = MemoryStateStore()
    async with lab(own_folder) as world:
        world.api.get("/items", [{"id": "a"}])
        world.api.get("/more", [{"id": "b"}])
        for _ in range(3):
            for program in (SYNC, second):
                result = await world.run(program, state_store=store, resume=resume)
                assert result.status == "completed", result.error
            shutil.rmtree(own_folder / ".vague-data")
        for path in ("/items", "/more"):
            asked = [set(one.params) for one in world.api.asked(path)]
            assert asked == [set(), {"modified_since"}, {"modified_since"}]


async def test_a_sync_checkpoint_that_was_reset_here_does_not_come_back(own_folder: Path) -> None:
    store = MemoryStateStore()
    async with lab(own_folder) as world:
        world.api.get("/items", [{"id": "a"}])
        await world.run(SYNC, state_store=store)
        (world.state / "sync-checkpoints.json").write_text("{}")
        await world.run(SYNC, state_store=store)
        assert [set(one.params) for one in world.api.asked("/items")] == [set(), set()]
