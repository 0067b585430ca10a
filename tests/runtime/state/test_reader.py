"""What readers see of a state folder: now, as it is, whatever bytes lie there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.state.journal_tail import read_tail
from reqon.state.liveness import holder
from reqon.state.model import ActiveStep, ExecutionState, Progress, StoreCounts
from reqon.state.paths import StatePaths, Stem, stem_of
from reqon.state.reader import StateReader
from reqon.state.record import READ_CAP_BYTES, Unreadable, parse_object, read_record
from reqon.state.sample import sample_records
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import (
    World,
    customers,
    orders,
    outcome,
    request_for,
    until_complete,
)

FIXTURE = Path(__file__).parents[2] / "fixtures/state/v1"
SEED = """{
  "executionId": "exec_abc123",
  "mission": "CustomerSync",
  "startedAt": "2024-01-20T09:00:00Z",
  "completedAt": "2024-01-20T09:02:30Z",
  "status": "completed",
  "actionsRun": ["FetchCustomers", "TransformCustomers"],
  "errors": [],
  "stores": {"customers": {"count": 1523, "added": 42, "updated": 18}}
}"""


def folder_with(root: Path, *records: str | dict[str, Any]) -> StateReader:
    """A state folder with these records, a second apart."""
    for number, record in enumerate(records):
        content = json.loads(record) if isinstance(record, str) else record
        name = stem_of(content["mission"], datetime(2024, 1, 20, 9, 0, number, tzinfo=UTC))
        path = StatePaths(root).record(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return StateReader(root)


async def begin(root: Path, mission: str = "M", **options: Any) -> Session:
    given = {"stores": {"a": StoreSpec("file", "a")}, "program": None, **options}
    return await open_session(request_for(root, mission, **given), CountingDisk())


# ---------------------------------------------------------------- the format of the seed


def test_the_record_of_the_seed_is_read_and_given_back_as_it_is(tmp_path: Path) -> None:
    state = folder_with(tmp_path, SEED).latest("CustomerSync")
    assert isinstance(state, ExecutionState)
    assert state.execution_id == "exec_abc123"
    assert state.status == "completed"
    assert state.started_at == datetime(2024, 1, 20, 9, tzinfo=UTC)
    assert state.completed_at == datetime(2024, 1, 20, 9, 2, 30, tzinfo=UTC)
    assert state.actions_run == ("FetchCustomers", "TransformCustomers")
    assert state.stores == {"customers": StoreCounts(1523, 42, 18, 0)}
    assert state.to_dict() == json.loads(SEED)
    assert not state.resumable


def test_an_interrupted_record_says_where(tmp_path: Path) -> None:
    record = json.loads(SEED) | {
        "status": "interrupted",
        "activeStep": {"action": "TransformCustomers", "index": 523, "item": {"id": "cust_524"}},
        "checkpoints": {"FetchCustomers": {"page": 15, "itemsProcessed": 1500}},
        "progress": {"current": 523, "total": 1523},
    }
    state = folder_with(tmp_path, record).latest("CustomerSync")
    assert state is not None
    assert state.active_step == ActiveStep("TransformCustomers", 523, {"id": "cust_524"})
    assert state.checkpoints["FetchCustomers"]["page"] == 15
    assert state.items_processed == 1500
    assert state.progress == Progress(523, 1523)
    assert state.progress.of("TransformCustomers")


def test_the_sync_checkpoints_of_the_seed(tmp_path: Path) -> None:
    (tmp_path / "sync-checkpoints.json").write_text(
        """{"API-/customers": {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 1523},
            "bad": {"lastSync": "yesterday"}, "worse": 1}"""
    )
    found = StateReader(tmp_path).sync_checkpoints()
    assert isinstance(found, dict)
    assert list(found) == ["API-/customers"]
    assert found["API-/customers"].to_dict() == {
        "lastSync": "2024-01-20T09:00:00Z",
        "itemsSynced": 1523,
    }


# ---------------------------------------------------------------- asking


def some(mission: str, number: int, status: str = "completed") -> dict[str, Any]:
    return json.loads(SEED) | {
        "mission": mission,
        "executionId": f"exec_{mission}{number}",
        "startedAt": f"2024-01-20T09:00:{number:02}Z",
        "status": status,
    }


def ids(states: list[ExecutionState]) -> list[str]:
    return [state.execution_id.removeprefix("exec_") for state in states]


def test_history_and_its_filters(tmp_path: Path) -> None:
    reader = folder_with(
        tmp_path, some("A", 0), some("AB", 1), some("A", 2, "failed"), some("A", 3)
    )
    assert reader.missions() == ["A", "AB"]
    assert ids(reader.history("A")) == ["A3", "A2", "A0"]
    assert ids(reader.history()) == ["A3", "A2", "AB1", "A0"]
    assert ids(reader.history("A", limit=1)) == ["A3"]
    assert ids(reader.history("A", limit=0)) == []
    assert ids(reader.history("A", status="failed")) == ["A2"]
    assert ids(reader.history(since=datetime(2024, 1, 20, 9, 0, 2, tzinfo=UTC))) == ["A3", "A2"]
    found = reader.record("exec_AB1")
    assert found is not None
    assert found.mission == "AB"
    assert reader.record("exec_AB1", "A") is None
    assert reader.latest("None") is None


@pytest.mark.parametrize(
    ("name", "mission", "belongs"),
    [
        ("A-2024-01-20T09-00-00", "A", True),
        ("A-2024-01-20T09-00-00-2", "A", True),
        ("AB-2024-01-20T09-00-00", "A", False),
        ("Größe-2024-01-20T09-00-00", "Größe", True),
    ],
)
def test_file_names(name: str, mission: str, belongs: bool) -> None:
    stem = Stem.parse(name)
    assert stem is not None
    assert stem.belongs_to(mission) is belongs


def test_file_names_sort_by_start_then_number() -> None:
    start = datetime(2024, 1, 20, 9, tzinfo=UTC)
    names = [stem_of("M", start, number) for number in (1, 2, 10, 11)]
    stems = [stem for name in names if (stem := Stem.parse(name)) is not None]
    assert [stem.name for stem in sorted(stems)] == names
    assert Stem.parse("M-2024-01-20") is None
    long = "x" * 500
    stem = Stem.parse(stem_of(long, start))
    assert stem is not None
    assert len(stem.name) < 200
    assert stem.belongs_to(long)
    assert not stem.belongs_to("x" * 501)


# ---------------------------------------------------------------- alive or dead


async def test_a_running_one_is_seen_with_its_newest_frame(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.active("Fetch", 3, {"id": "c3"})
    unit.put("a", "k", {})
    unit.error({"message": "one"})
    unit.progress("Fetch", 3, 9)
    await unit.commit("c", Barrier.FRAME)
    reader = StateReader(tmp_path)
    state = reader.latest("M")
    assert state is not None
    assert (state.status, state.active_step) == ("running", ActiveStep("Fetch", 3, {"id": "c3"}))
    assert state.stores["a"] == StoreCounts(1, 1, 0, 0)
    assert [e["message"] for e in state.errors] == ["one"]
    assert state.progress == Progress(3, 9, "Fetch")
    await session.close()
    state = reader.latest("M")
    assert state is not None
    assert (state.status, state.resumable) == ("interrupted", True)
    assert state.active_step == ActiveStep("Fetch", 3, {"id": "c3"})


async def test_the_lock_of_another_execution_makes_none_alive(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    (path,) = (tmp_path / "execution").glob("*.json")
    dead = json.loads(path.read_text()) | {"executionId": "exec_dead"}
    name = stem_of("M", datetime(2024, 1, 1, tzinfo=UTC))
    (tmp_path / f"execution/{name}.json").write_text(json.dumps(dead))
    states = StateReader(tmp_path).history("M")
    assert [s.status for s in states] == ["running", "interrupted"]
    await session.close()


async def test_a_run_that_ends_while_it_is_looked_at_is_never_called_interrupted(
    tmp_path: Path,
) -> None:
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        reader = StateReader(tmp_path)
        while not stop.is_set():
            state = reader.latest("M")
            seen.add("none" if state is None else state.status)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(15):
            session = await begin(tmp_path)
            await session.finish("completed")
            await session.close()
    finally:
        stop.set()
        watcher.join()
    assert seen <= {"none", "running", "completed"}


async def test_a_probe_does_not_disturb(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    lock = StatePaths(tmp_path).mission_lock("M")
    found = holder(lock)
    assert found is not None
    assert found.execution_id == session.execution_id
    assert found.facts["pid"] == os.getpid()
    await session.close()
    assert holder(lock) is None
    assert holder(tmp_path / "no such file") is None
    assert holder(tmp_path) is None


# ---------------------------------------------------------------- old formats


def test_the_first_version_is_read(tmp_path: Path) -> None:
    states = StateReader(FIXTURE).history()
    assert [(s.mission, s.status, s.has_journal) for s in states] == [
        ("Customers", "interrupted", True),
        ("Orders", "interrupted", True),
        ("Customers", "completed", False),
    ]
    assert states[0].active_step == ActiveStep("Transform", 10, {"id": "c10"})
    assert states[0].checkpoints["Fetch"] == {"page": 4, "itemsProcessed": 20}
    assert states[2].stores["scored"] == StoreCounts(12, 27, 20, 0)
    sync = StateReader(FIXTURE).sync_checkpoints()
    assert isinstance(sync, dict)
    assert sorted(sync) == ["API-/customers", "API-/scores"]
    assert len(sample_records(FIXTURE / "stores/customers.json", 5)) == 5


def test_the_first_version_is_resumed(tmp_path: Path) -> None:
    root = tmp_path / "state"
    shutil.copytree(FIXTURE, root)
    record = until_complete(root, "Customers", customers, World(), CountingDisk)
    assert record["executionId"] == StateReader(FIXTURE).history()[0].execution_id
    assert record["stores"]["scored"]["count"] == 12
    until_complete(root, "Orders", orders, World(), CountingDisk)
    found = outcome(root, "Customers")
    assert b'"order-5": {"n":5}' in found["files"]["customers.json"]


@pytest.mark.parametrize("content", ["", "412 0f", '412 0f0f0f0f {"n":1,"k":"start"}\n'])
def test_a_run_that_is_about_to_begin_or_died_before_is_no_damage(
    tmp_path: Path, content: str
) -> None:
    reader = folder_with(tmp_path, SEED)
    journal = reader.paths.journal("CustomerSync-2024-01-20T10-00-00")
    journal.write_text(content)
    assert reader.corrupt() == []
    assert [state.execution_id for state in reader.history()] == ["exec_abc123"]
    journal.write_text("1 0 {\n1 0 {\n")
    assert [corrupt.reason for corrupt in reader.corrupt()] == ["it is missing"]


# ---------------------------------------------------------------- any bytes


def ask_everything(root: Path) -> None:
    """Every question there is; none may raise, and what is said must be JSON."""
    reader = StateReader(root)
    for mission in (None, "Customers", "Orders"):
        for state in reader.history(mission):
            json.dumps(state.to_dict()).encode()
            assert state.status in ("running", "completed", "failed", "interrupted")
            assert state.items_processed >= 0
            repr((state.last_activity_at, state.duration, state.pipeline, state.action_hashes))
        reader.corrupt(mission)
    for mission in ("Customers", "Orders"):
        reader.latest(mission)
        reader.candidates(mission)
    reader.missions()
    reader.record("exec_x")
    reader.sync_checkpoints()
    reader.quarantine()
    for path in root.rglob("*"):
        sample_records(path)


def the_files() -> list[str]:
    return sorted(str(path.relative_to(FIXTURE)) for path in FIXTURE.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", the_files())
def test_a_file_cut_or_flipped_anywhere_raises_nothing(tmp_path: Path, name: str) -> None:
    root = tmp_path / "state"
    shutil.copytree(FIXTURE, root)
    path = root / name
    content = path.read_bytes()
    length = len(content)
    step = max(1, length // 80)
    for at in range(0, length, step):
        path.write_bytes(content[:at])
        ask_everything(root)
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
        ask_everything(root)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_giant(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def unreadable(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def with_text(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


ODDITIES: dict[str, Callable[[Path], None]] = {
    "a folder": a_folder,
    "a loop": a_loop,
    "a pipe": a_pipe,
    "a gigabyte of zeros": a_giant,
    "memory": unreadable,
    "nothing": with_text(b""),
    "deep": with_text(b'{"a":' * 100_000),
    "deep lists": with_text(b"[" * 100_000 + b"]" * 100_000),
    "a huge number": with_text(b'{"executionId": ' + b"9" * 10_000 + b"}"),
    "not a number": with_text(b'{"executionId": NaN}'),
    "half a character": with_text(SEED.replace("abc", "\\ud800").encode()),
    "utf-16": with_text(SEED.encode("utf-16")),
    "wrong types": with_text(
        json.dumps({k: [[1]] for k in json.loads(SEED)} | {"status": {}}).encode()
    ),
}


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("name", ["*.json", "*.journal", "locks", "stores", "sync", "execution"])
def test_odd_things_in_a_files_place_raise_nothing(tmp_path: Path, name: str, oddity: str) -> None:
    root = tmp_path / "state"
    shutil.copytree(FIXTURE, root)
    paths = StatePaths(root)
    (root / "locks").mkdir()
    places: dict[str, Path] = {
        "*.json": max(paths.execution.glob("*.json")),
        "*.journal": max(paths.execution.glob("*.journal")),
        "locks": paths.mission_lock("Customers"),
        "stores": paths.stores / "customers.json",
        "sync": paths.sync_checkpoints,
        "execution": paths.execution,
    }
    path = places[name]
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    ODDITIES[oddity](path)
    ask_everything(root)


SHAPES: list[Any] = [None, True, -1, 1.5, 2**70, "", "x", [], [1], {}, {"a": 1}, {"a": {"b": 1}}]
FIELDS = [
    "completedAt", "actionsRun", "activeStep", "errors", "stores", "schemaVersion", "seq",
    "checkpoints", "pipeline", "program", "retryOf", "frozen", "pendingSync", "synced",
    "unknownEffects", "attempts", "owner", "heartbeatAt", "interruptedBy", "durationMs",
    "progress", "trigger", "durability", "alertedAt", "warnings", "storeFiles",
]  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_field_of_another_type_is_left_out(tmp_path: Path, field: str, shape: Any) -> None:
    reader = folder_with(tmp_path, json.loads(SEED) | {field: shape, "unknown": shape})
    state = reader.latest("CustomerSync")
    assert state is not None
    assert state.to_dict()["unknown"] == shape
    ask_everything(tmp_path)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_an_error_that_is_expected(content: bytes) -> None:
    try:
        assert isinstance(parse_object(content), dict)
    except (ValueError, RecursionError):
        return


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(READ_CAP_BYTES + 1)
    found = read_record(path)
    assert isinstance(found, Unreadable)
    assert found.reason == "it is larger than 64 MiB"


def test_a_read_only_folder_is_read(tmp_path: Path) -> None:
    root = tmp_path / "state"
    shutil.copytree(FIXTURE, root)
    before = sorted(path for path in root.rglob("*"))
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    ask_everything(root)
    assert sorted(path for path in root.rglob("*")) == before
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


# ---------------------------------------------------------------- tails


async def test_a_tail_behind_a_long_frame_is_found(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.active("Fetch", 1)
    unit.put("a", "k", {"text": "x" * 300_000})
    await unit.commit("c", Barrier.FRAME)
    await session.close()
    (journal,) = (tmp_path / "execution").glob("*.journal")
    with journal.open("ab") as file:
        file.write(b"12 torn")
    tail = read_tail(journal)
    assert tail is not None
    assert (tail.number, tail.summary["active"]["action"]) == (2, "Fetch")


async def test_an_intent_hides_no_position(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.active("Fetch", 7)
    await unit.commit("c", Barrier.FRAME)
    await unit.intent("0", "key", {}, {})
    await session.close()
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert state.active_step == ActiveStep("Fetch", 7, {})


async def test_a_failed_end_that_no_record_tells_is_failed(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    (record,) = (tmp_path / "execution").glob("*.json")
    before = record.read_bytes()
    await session.finish("failed", error={"message": "no"})
    await session.close()
    record.write_bytes(before)
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert (state.status, [e["message"] for e in state.errors]) == ("failed", ["no"])
    assert state.completed_at is not None
    session = await begin(tmp_path, resume=ResumeChoice.ONLY)
    await session.close()


# ---------------------------------------------------------------- samples


def test_samples_of_a_store(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{\n"a": {"id":1},\n"b": {"id":2},\n"c": {"id":3}\n}\n')
    assert sample_records(path) == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert sample_records(path, 1) == [{"id": 1}]
    path.write_text('{"a": {"id": 1}, "b": {"id": 2}}')
    assert sample_records(path) == [{"id": 1}, {"id": 2}]
    path.write_text('{\n"a": {"id":1},\n"b": {"id":')
    assert sample_records(path) == [{"id": 1}]
    assert sample_records(tmp_path / "missing") == []


def test_asking_from_an_event_loop_needs_no_engine() -> None:
    async def ask() -> list[ExecutionState]:
        return StateReader(FIXTURE).history("Customers", limit=1)

    assert asyncio.run(ask())[0].mission == "Customers"
