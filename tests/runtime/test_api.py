"""The Python interface: running missions, callbacks, reading what executions left behind."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

import reqon
from reqon import (
    CheckError,
    ConfigError,
    ErrorReport,
    ExecutionState,
    Progress,
    RefusedError,
    StorageError,
    execute,
    execute_async,
    get_execution_history,
    get_execution_history_async,
    get_execution_state,
    get_execution_state_async,
    set_state_store,
)
from reqon.clock import SystemClock
from reqon.testing import check_state_store

ROOT = Path(__file__).resolve().parents[2]
COUNTING = """
mission Counting {
  let LAST = env("LAST", "5")
  store numbers: file("numbers")
  action Count {
    for n in range(1, toNumber(LAST)) checkpoint every 2 {
      store { id: toString(n), square: n * n } -> numbers { key: .id }
    }
  }
  run Count
}
"""
FAILING = """
mission Failing {
  action Give { abort "out of milk" }
  run Give
}
"""


pytestmark = pytest.mark.usefixtures("own_folder")


# ---------------------------------------------------------------- running


def test_a_text_is_a_program_and_a_path_a_file_or_folder(own_folder: Path) -> None:
    text = execute(COUNTING)
    (own_folder / "counting.vague").write_text(COUNTING)
    file = execute(Path("counting.vague"))
    folder = execute(Path())
    for result in (text, file, folder):
        assert result.status == "completed"
        assert result.ok
        assert result.error is None
        assert result.mission == "Counting"
        assert result.execution_id.startswith("exec_")
    assert text.stores["numbers"].added == 5
    assert (folder.stores["numbers"].added, folder.stores["numbers"].unchanged) == (0, 5)


def test_the_result_holds_the_state_with_python_names(own_folder: Path) -> None:
    before = SystemClock().now() - timedelta(seconds=1)
    state = execute(COUNTING).state
    assert isinstance(state, ExecutionState)
    assert state.status == "completed"
    assert state.actions_run == ("Count",)
    assert state.errors == ()
    assert state.started_at.tzinfo is UTC
    assert before < state.started_at <= state.completed_at
    assert (state.stores["numbers"].count, state.stores["numbers"].added) == (5, 5)
    assert state.checkpoints["Count"]["itemsProcessed"] == 5
    with pytest.raises(AttributeError):
        state.status = "failed"


def test_to_dict_is_the_json_of_the_record(own_folder: Path) -> None:
    record = execute(COUNTING).state.to_dict()
    assert record["stores"]["numbers"] == {"count": 5, "added": 5, "updated": 0, "unchanged": 0}
    assert {"executionId", "mission", "startedAt", "completedAt", "status", "actionsRun"} <= set(
        record
    )
    (path,) = (own_folder / ".vague-data/execution").glob("Counting-*.json")
    assert path.name.count("T") == 1


def test_options(own_folder: Path) -> None:
    assert execute(COUNTING, env={"LAST": "3"}).stores["numbers"].added == 3
    assert execute(COUNTING, variables={"LAST": "4"}).stores["numbers"].added == 1
    elsewhere = execute(COUNTING, state_dir=own_folder / "elsewhere")
    assert elsewhere.stores["numbers"].added == 5
    assert (own_folder / "elsewhere/stores/numbers.json").exists()
    limited = execute(COUNTING, state_dir="limited", limit=2)
    assert limited.stores["numbers"].added == 2


def test_several_missions_run_one_after_another(own_folder: Path) -> None:
    result = execute(FAILING + COUNTING)
    assert [(e.mission, e.status) for e in result.executions] == [
        ("Failing", "failed"),
        ("Counting", "completed"),
    ]
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.message == "out of milk"
    assert execute(FAILING + COUNTING, mission="Counting").ok


def test_a_failure_is_a_result(own_folder: Path) -> None:
    result = execute(FAILING)
    assert (result.status, result.ok) == ("failed", False)
    assert result.state.errors[0]["kind"] == "abort"
    assert result.state.errors[0]["message"] == "out of milk"


@pytest.mark.parametrize(
    ("source", "options", "error", "said"),
    [
        ("mission A { run B }", {}, CheckError, "RQ202"),
        ("mission A {", {}, CheckError, "RQ007"),
        (COUNTING, {"mission": "Other"}, ConfigError, "no mission 'Other'"),
        (Path("nowhere"), {}, ConfigError, "no such path: 'nowhere'"),
        (COUNTING, {"execution_id": "exec_none"}, ConfigError, "exec_none"),
        (COUNTING, {"state_dir": "/proc/reqon"}, ConfigError, "/proc/reqon"),
        (COUNTING, {"progress_callbacks": {"on_finish": print}}, ConfigError, "on_finish"),
        (COUNTING, {"auth": "none.json"}, ConfigError, "none.json"),
    ],
)
def test_what_keeps_a_mission_from_being_run_is_raised(
    source: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said)):
        execute(source, **options)


def test_an_execution_is_found_among_the_missions_of_a_folder(own_folder: Path) -> None:
    folder = own_folder / "missions"
    folder.mkdir()
    (folder / "a.vague").write_text(COUNTING)
    (folder / "b.vague").write_text(FAILING)
    failed = execute(folder, mission="Failing").execution_id
    resumed = execute(folder, execution_id=failed)
    assert [state.execution_id for state in resumed.executions] == [failed]
    with pytest.raises(ConfigError, match="has no execution 'exec_none'"):
        execute(folder, execution_id="exec_none")


@pytest.mark.parametrize("option", [{"since": "2031-01-01"}, {"until": 5}, {"wait": 5}])
def test_a_value_of_another_type_is_a_type_error(option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(option))} must be a (datetime|timedelta)"):
        execute(COUNTING, **option)


@pytest.mark.parametrize("option", [{"limit": 0}, {"status": "done"}])
def test_a_history_that_cannot_be_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        get_execution_history("Counting", **option)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="resumee"):
        execute(COUNTING, resumee=True)


async def test_a_second_run_of_a_mission_is_refused(own_folder: Path) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    class Server:
        async def handle(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            started.set()
            await go_on.wait()
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

    async with await asyncio.start_server(Server().handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        program = f"""
            mission Slow {{
              source S {{ auth: none, base: "http://127.0.0.1:{port}" }}
              action Ask {{ get "/" }}
            }}"""
        first = asyncio.ensure_future(execute_async(program))
        await started.wait()
        with pytest.raises(RefusedError):
            await execute_async(program)
        assert (await get_execution_state_async("Slow")).status == "running"
        go_on.set()
        assert (await first).ok
    assert (await get_execution_state_async("Slow")).status == "completed"


async def test_cancelling_the_task_leaves_something_to_resume(own_folder: Path) -> None:
    seen, cancelled = asyncio.Event(), asyncio.Event()
    served = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        if served == 3:
            seen.set()
            await cancelled.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n"
                     b"Content-Type: application/json\r\n\r\n{}")  # fmt: skip
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        program = f"""
            mission Asking {{
              source S {{ auth: none, base: "http://127.0.0.1:{port}" }}
              store done: file("done")
              action Ask {{
                for n in range(1, 5) checkpoint every 1 {{
                  get "/"
                  store {{ id: toString(n) }} -> done {{ key: .id }}
                }}
              }}
            }}"""
        running = asyncio.ensure_future(execute_async(program))
        await seen.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        cancelled.set()
        state = await get_execution_state_async("Asking")
        assert state is not None
        assert (state.status, state.resumable) == ("interrupted", True)
        assert state.active_step is not None
        assert state.active_step.index == 2
        resumed = await execute_async(program, resume=True)
        assert resumed.execution_id == state.execution_id
        assert (resumed.status, resumed.stores["done"].added) == ("completed", 5)


# ---------------------------------------------------------------- callbacks


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_action_start(self, action: str) -> None:
        self.told.append(("start", action))

    def on_action_complete(self, action: str, duration_ms: int) -> None:
        assert isinstance(duration_ms, int)
        self.told.append(("complete", action))

    async def on_error(self, error: ErrorReport) -> None:
        self.told.append(("error", error.message, error.kind, error.action, error.line))

    def on_progress(self, progress: Progress) -> None:
        self.told.append(("progress", progress.current, progress.total))


def test_an_object_is_told_what_happens(own_folder: Path) -> None:
    watcher = Watcher()
    execute(COUNTING, progress_callbacks=watcher)
    assert watcher.told[0] == ("start", "Count")
    assert watcher.told[-2:] == [("progress", 5, 5), ("complete", "Count")]


def test_a_mapping_of_functions_in_either_spelling(own_folder: Path) -> None:
    told: list[Any] = []
    execute(
        FAILING,
        progress_callbacks={
            "on_action_start": told.append,
            "onError": lambda error: told.append((error.message, error.kind, error.line)),
        },
    )
    assert told == ["Give", ("out of milk", "abort", 3)]


def test_progress_comes_ten_times_a_second_at_most_and_ends_with_the_last(
    own_folder: Path,
) -> None:
    told: list[Progress] = []
    execute(COUNTING, env={"LAST": "2000"}, progress_callbacks={"on_progress": told.append})
    assert told[-1] == Progress("Count", 2000, 2000)
    assert len(told) < 100


@pytest.mark.parametrize(
    "failure", [ValueError("no patience"), asyncio.CancelledError("no patience")]
)
def test_a_callback_that_fails_is_logged_and_harms_nothing(
    own_folder: Path, caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    watcher = {"on_action_start": fail, "on_progress": fail, "on_action_complete": fail}
    assert execute(COUNTING, progress_callbacks=watcher).ok
    assert "the callback on_action_start failed" in caplog.text
    assert "the callback on_action_complete failed" in caplog.text
    assert "no patience" in caplog.text


@pytest.mark.parametrize(
    "leaving", [SystemExit(5), KeyboardInterrupt(), pytest.fail.Exception("no patience")]
)
def test_a_callback_that_leaves_interrupts_the_run_in_order(
    own_folder: Path, caplog: pytest.LogCaptureFixture, leaving: BaseException
) -> None:
    def leave(_: Any) -> None:
        raise leaving

    with pytest.raises(type(leaving)) as caught:
        execute(COUNTING, env={"LAST": "2000"}, progress_callbacks={"on_action_start": leave})
    assert caught.value is leaving
    assert caplog.text == ""
    state = get_execution_state("Counting")
    assert state is not None
    assert state.status == "interrupted"
    assert state.to_dict()["interruptedBy"] == type(leaving).__name__
    resumed = execute(COUNTING, env={"LAST": "2000"}, resume=True)
    assert resumed.execution_id == state.execution_id
    assert resumed.stores["numbers"].count == 2000


# ---------------------------------------------------------------- reading


def test_the_last_execution_one_by_id_and_the_history(own_folder: Path) -> None:
    ids = [execute(COUNTING).execution_id for _ in range(3)]
    execute(FAILING)
    last = get_execution_state("Counting")
    assert last is not None
    assert last.execution_id == ids[2]
    first = get_execution_state("Counting", ids[0])
    assert first is not None
    assert first.execution_id == ids[0]
    assert get_execution_state("Counting", "exec_none") is None
    assert get_execution_state("Other") is None
    assert [s.execution_id for s in get_execution_history("Counting", limit=2)] == ids[:0:-1]
    assert len(get_execution_history("Counting")) == 3
    assert [s.mission for s in get_execution_history(status="failed")] == ["Failing"]
    assert get_execution_history(since=SystemClock().now() + timedelta(days=1)) == []
    assert get_execution_history("Counting", state_dir="elsewhere") == []


async def test_in_a_running_loop_the_sync_forms_name_the_others() -> None:
    for call, name in (
        (lambda: execute(COUNTING), "execute_async"),
        (lambda: get_execution_state("A"), "get_execution_state_async"),
        (lambda: get_execution_history("A"), "get_execution_history_async"),
    ):
        with pytest.raises(RuntimeError, match=f"await {name}"):
            call()
    assert (await execute_async(COUNTING)).ok
    assert len(await get_execution_history_async("Counting")) == 1


# ---------------------------------------------------------------- the package


def test_the_public_names_are_there_and_sorted() -> None:
    assert sorted(reqon.__all__) == dir(reqon)
    for name in reqon.__all__:
        assert getattr(reqon, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = reqon.nothing


@pytest.mark.slow
def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, reqon\n"
        "heavy = ('aiohttp', 'click', 'msgspec', 'vague', 'asyncio')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


FENCES = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/python-api.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.mark.docs
@pytest.mark.parametrize("code", FENCES, ids=[str(n) for n in range(len(FENCES))])
def test_the_examples_of_the_page_run(code: str, own_folder: Path) -> None:
    (own_folder / "missions").mkdir()
    (own_folder / "missions/counting.vague").write_text(COUNTING)
    exec(compile(code, "docs/python-api.md", "exec"), {"__name__": "__main__"})


# ---------------------------------------------------------------- state kept elsewhere


class Kept:
    """A store in memory, with a history."""

    def __init__(self) -> None:
        self.saved: list[dict[str, Any]] = []

    def save(self, state: dict[str, Any]) -> None:
        self.saved.append(json.loads(json.dumps(state)))

    async def load(self, execution_id: str) -> dict[str, Any] | None:
        found = [s for s in self.saved if s["executionId"] == execution_id]
        return found[-1] if found else None

    def list(self, mission: str, limit: int | None, status: str | None) -> list[dict[str, Any]]:
        newest = {s["executionId"]: s for s in self.saved if s["mission"] == mission}
        found = [s for s in newest.values() if status in (None, s["status"])]
        return found[::-1][:limit]


def test_a_state_store_is_given_every_state(own_folder: Path) -> None:
    kept = Kept()
    set_state_store(kept)
    result = execute(COUNTING, env={"LAST": "5"})
    assert [(s["status"], s.get("activeStep", {}).get("index")) for s in kept.saved] == [
        ("running", None),
        ("running", 2),
        ("running", 4),
        ("completed", None),
    ]
    assert kept.saved[-1]["stores"]["numbers"]["added"] == 5
    state = get_execution_state("Counting", result.execution_id)
    assert state is not None
    assert (state.status, state.stores["numbers"].added) == ("completed", 5)
    execute(FAILING)
    assert [s.status for s in get_execution_history("Failing")] == ["failed"]
    assert [s.status for s in get_execution_history("Counting", limit=1)] == ["completed"]
    assert get_execution_state("Counting", "exec_none") is None


def test_a_state_store_of_functions_or_coroutines(own_folder: Path) -> None:
    rows: dict[str, dict[str, Any]] = {}

    async def save(state: dict[str, Any]) -> None:
        rows[state["executionId"]] = state

    set_state_store(save=save, load=rows.get)
    result = execute(COUNTING)
    assert rows[result.execution_id]["status"] == "completed"
    state = get_execution_state("Counting", result.execution_id)
    assert state is not None
    assert state.to_dict() == rows[result.execution_id]
    set_state_store(None)
    execute(COUNTING)
    assert len(rows) == 1


def test_a_mission_that_keeps_no_file_state_keeps_its_own(own_folder: Path) -> None:
    kept = Kept()
    set_state_store(kept)
    assert execute(COUNTING.replace("mission Counting {", "mission A { stateStore: memory")).ok
    assert kept.saved == []


def test_a_store_that_fails_once_is_tried_again(own_folder: Path) -> None:
    kept, calls = Kept(), 0

    def save(state: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls in (2, 3):
            raise OSError("database is busy")
        kept.save(state)

    set_state_store(save=save, load=kept.load)
    assert execute(COUNTING).ok
    assert [s["status"] for s in kept.saved] == ["running", "running", "running", "completed"]


def test_a_store_that_keeps_failing_stops_the_run_which_resumes_later(own_folder: Path) -> None:
    kept = Kept()

    def save(state: dict[str, Any]) -> None:
        if state.get("activeStep", {}).get("index") == 4:
            raise OSError("database is gone")
        kept.save(state)

    set_state_store(save=save, load=kept.load)
    result = execute(COUNTING, env={"LAST": "9"})
    assert isinstance(result.error, StorageError)
    assert "database is gone" in result.error.message
    assert result.status == "interrupted"
    set_state_store(None)
    resumed = execute(COUNTING, env={"LAST": "9"}, resume=True)
    assert resumed.execution_id == result.execution_id
    assert (resumed.status, resumed.stores["numbers"].count) == ("completed", 9)


@pytest.mark.parametrize(
    "arguments",
    [{"store": object()}, {"save": print}, {"load": print}, {"store": Kept(), "save": print,
                                                            "load": print}],
)  # fmt: skip
def test_what_is_no_state_store_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        set_state_store(**arguments)


def test_the_kit_passes_a_store_that_is_right() -> None:
    check_state_store(Kept)


class Forgetful(Kept):
    def save(self, state: dict[str, Any]) -> None:
        if not any(s["executionId"] == state["executionId"] for s in self.saved):
            super().save(state)


class Shared(Kept):
    def save(self, state: dict[str, Any]) -> None:
        self.saved.append(state)


class Oldest(Kept):
    def list(self, mission: str, limit: int | None, status: str | None) -> list[dict[str, Any]]:
        return super().list(mission, None, status)[::-1][:limit]


class Strict(Kept):
    async def load(self, execution_id: str) -> dict[str, Any] | None:
        found = await super().load(execution_id)
        if found is None:
            raise KeyError(execution_id)
        return found


@pytest.mark.parametrize("store", [Forgetful, Shared, Oldest, Strict])
def test_the_kit_finds_what_is_wrong(store: type[Kept]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check_state_store(store)
