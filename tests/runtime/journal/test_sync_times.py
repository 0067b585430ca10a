"""When a sync time is published, with which value, and that it never goes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import RefusedError
from reqon.journal.publishing import combine, is_later, published_value
from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.journal.sync_checkpoints import read_sync_checkpoints, reset_checkpoints, set_checkpoint
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import TestClock, request_for

STORES = {"kept": StoreSpec("file", "kept"), "gone": StoreSpec("memory", "gone")}
KEY = "API-/customers"


async def begin(root: Path, **options: Any) -> Session:
    request = request_for(root, "M", **{"stores": STORES, "program": None, **options})
    return await open_session(request, CountingDisk())


async def synced(
    root: Path, at: str, items: int, *, store: str = "kept", end: Any = "completed", **how: Any
) -> Session:
    """A run that fetches under the key, stores, and ends its action, perhaps itself."""
    session = await begin(root)
    unit = session.unit()
    unit.active("Fetch")
    session.sync_checkpoint(KEY)
    unit.put(store, "k", {"at": at})
    unit.sync(KEY, "Fetch", at, items, **how)
    unit.action_done("Fetch")
    unit.publish_sync("Fetch")
    await unit.commit("stage", Barrier.SYNC)
    if end is not None:
        await session.finish(end)
    await session.close()
    return session


def entry(root: Path) -> Any:
    """The key's entry in the file, without ids."""
    path = root / "sync-checkpoints.json"
    found = json.loads(path.read_text()).get(KEY) if path.exists() else None
    return found and {k: v for k, v in found.items() if k not in ("executionId", "mission")}


async def test_the_entry_has_the_fields_of_the_seed_and_who_wrote_it(tmp_path: Path) -> None:
    session = await synced(tmp_path, "2024-01-20T09:00:00Z", 1523)
    assert json.loads((tmp_path / "sync-checkpoints.json").read_text()) == {
        KEY: {
            "lastSync": "2024-01-20T09:00:00Z",
            "itemsSynced": 1523,
            "totalItemsSynced": 1523,
            "executionId": session.execution_id,
            "mission": "M",
        }
    }


async def test_items_are_those_of_the_last_sync_and_a_total(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 1523)
    await synced(tmp_path, "2024-01-21T09:00:00Z", 60)
    assert entry(tmp_path) == {
        "lastSync": "2024-01-21T09:00:00Z",
        "itemsSynced": 60,
        "totalItemsSynced": 1583,
    }


async def test_nothing_found_moves_the_time_and_erases_nothing(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 5)
    await synced(tmp_path, "2024-01-21T09:00:00Z", 0)
    assert entry(tmp_path)["lastSync"] == "2024-01-21T09:00:00Z"
    assert entry(tmp_path)["totalItemsSynced"] == 5


@pytest.mark.parametrize(
    "earlier", ["2024-01-19T09:00:00Z", "2024-01-20T09:59:59+01:00", "2024-01-20T08:00:00"]
)
async def test_a_time_never_goes_back(tmp_path: Path, earlier: str) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 5)
    await synced(tmp_path, earlier, 7)
    assert entry(tmp_path)["lastSync"] == "2024-01-20T09:00:00Z"
    assert entry(tmp_path)["itemsSynced"] == 5


async def test_a_time_is_published_with_its_action_although_the_run_fails_later(
    tmp_path: Path,
) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 5, end="failed")
    assert entry(tmp_path)["lastSync"] == "2024-01-20T09:00:00Z"


async def test_data_that_is_gone_with_the_run_holds_the_time_back(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 5, store="gone", end="failed")
    assert entry(tmp_path) is None
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert KEY in state.to_dict()["pendingSync"]
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.stores["gone"].list() == [{"at": "2024-01-20T09:00:00Z"}]
    await session.finish("completed")
    await session.close()
    assert entry(tmp_path)["lastSync"] == "2024-01-20T09:00:00Z"


async def test_an_action_that_never_ends_publishes_nothing(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    unit.sync(KEY, "Fetch", "2024-01-20T09:00:00Z", 5)
    await unit.commit("page", Barrier.SYNC)
    await session.finish("failed")
    await session.close()
    assert entry(tmp_path) is None


async def test_the_value_is_frozen_for_the_whole_execution(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 5)
    session = await begin(tmp_path)
    found = session.sync_checkpoint(KEY)
    assert found is not None
    assert found.last_sync == "2024-01-20T09:00:00Z"
    assert session.sync_checkpoint("new") is None
    unit = session.unit()
    unit.put("kept", "k", {})
    await unit.commit("c", Barrier.SYNC)
    await session.close()
    set_checkpoint(StatePaths(tmp_path), CountingDisk(), TestClock(), KEY, "2030-01-01T00:00:00Z")
    set_checkpoint(StatePaths(tmp_path), CountingDisk(), TestClock(), "new", "2030-01-01T00:00:00Z")
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    found = session.sync_checkpoint(KEY)
    assert found is not None
    assert found.last_sync == "2024-01-20T09:00:00Z"
    assert session.sync_checkpoint("new") is None
    assert session.record()["frozen"]["since"] == {KEY: "2024-01-20T09:00:00Z", "new": None}
    await session.close()


@pytest.mark.parametrize("where", ["before", "between", "after"])
async def test_publishing_again_after_a_death_counts_nothing_twice(
    tmp_path: Path, where: str
) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 100)
    paths = StatePaths(tmp_path)
    await synced(tmp_path, "2024-01-21T09:00:00Z", 7, end=None)
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    if where != "before":
        await session.materialise()
    if where == "between":
        paths.sync_applied.unlink()
    await session.close()
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    await session.finish("completed")
    await session.close()
    assert entry(tmp_path)["totalItemsSynced"] == 107
    assert entry(tmp_path)["itemsSynced"] == 7


async def test_a_reset_is_not_undone_by_an_old_journal(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-21T09:00:00Z", 7, end="failed")
    paths = StatePaths(tmp_path)
    assert reset_checkpoints(paths, CountingDisk(), TestClock(), [KEY, "other"]) == [KEY]
    session = await begin(tmp_path)
    await session.close()
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    await session.close()
    assert entry(tmp_path) is None


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("back_to", ["2020-01-01T00:00:00Z", None])
async def test_what_is_set_back_during_an_execution_stays(
    tmp_path: Path, back_to: str | None, dies: bool
) -> None:
    await synced(tmp_path, "2024-01-20T09:00:00Z", 100)
    session = await begin(tmp_path)
    session.sync_checkpoint(KEY)
    if dies:
        unit = session.unit()
        unit.put("kept", "k", {})
        await unit.commit("c", Barrier.SYNC)
        await session.close()
    paths, disk, clock = StatePaths(tmp_path), CountingDisk(), TestClock()
    if back_to is None:
        reset_checkpoints(paths, disk, clock, [KEY])
    else:
        set_checkpoint(paths, disk, clock, KEY, back_to)
    if dies:
        session = await begin(tmp_path, resume=ResumeChoice.ONLY)
    unit = session.unit()
    unit.sync(KEY, "Fetch", "2024-01-21T09:00:00Z", 7)
    unit.action_done("Fetch")
    unit.publish_sync("Fetch")
    await unit.commit("stage", Barrier.SYNC)
    await session.finish("completed")
    await session.close()
    found: dict[str, Any] = entry(tmp_path) or {}
    assert found.get("lastSync") == back_to
    assert f"the sync checkpoint '{KEY}' was set back" in session.notices[-1]
    await synced(tmp_path, "2024-01-22T09:00:00Z", 107)
    assert entry(tmp_path)["lastSync"] == "2024-01-22T09:00:00Z"


async def test_changes_by_hand_keep_a_copy_and_a_line(tmp_path: Path) -> None:
    await synced(tmp_path, "2024-01-21T09:00:00Z", 7)
    paths, disk, clock = StatePaths(tmp_path), CountingDisk(), TestClock()
    before = paths.sync_checkpoints.read_bytes()
    set_checkpoint(paths, disk, clock, KEY, "2023-01-01T00:00:00Z")
    assert entry(tmp_path)["lastSync"] == "2023-01-01T00:00:00Z"
    assert entry(tmp_path)["totalItemsSynced"] == 7
    assert reset_checkpoints(paths, disk, clock, None) == [KEY]
    assert read_sync_checkpoints(paths) == {}
    copies = StateReader(tmp_path).quarantine()
    assert copies[0].path.read_bytes() == before
    assert len(copies) == 2
    lines = (paths.quarantine / "audit.log").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["set", "reset"]


async def test_the_lock_is_held_only_for_the_change(tmp_path: Path) -> None:
    session = await synced(tmp_path, "2024-01-21T09:00:00Z", 7)
    assert session.execution_id
    paths = StatePaths(tmp_path)
    paths.sync_checkpoints.write_text("[]")
    with pytest.raises(RefusedError):
        reset_checkpoints(paths, CountingDisk(), TestClock(), None)
    paths.sync_checkpoints.write_text("{}")
    assert reset_checkpoints(paths, CountingDisk(), TestClock(), None) == []


# ---------------------------------------------------------------- the rules by themselves

T1, T2 = "2024-01-20T09:00:00Z", "2024-01-20T11:00:00Z"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((T1, 3, False), (T2, 4, False), (T1, 7, False)),
        ((T2, 3, False), (T1, 4, False), (T1, 7, False)),
        ((T1, 3, True), (T2, 4, True), (T2, 7, True)),
        ((T1, 3, True), (T2, 4, False), (T1, 7, False)),
    ],
)
def test_several_fetches_under_one_key(first: Any, second: Any, expected: Any) -> None:
    def candidate(values: Any) -> dict[str, Any]:
        return {"lastSync": values[0], "items": values[1]} | ({"cursor": True} if values[2] else {})

    assert combine(candidate(first), candidate(second)) == candidate(expected)


def test_a_second_publication_in_one_execution_adds_up() -> None:
    one = published_value({"lastSync": T1, "items": 5}, None, 100)
    assert one == {"lastSync": T1, "itemsSynced": 5, "totalItemsSynced": 105}
    two = published_value({"lastSync": T2, "items": 2}, one, 100)
    assert two == {"lastSync": T1, "itemsSynced": 7, "totalItemsSynced": 107}


@pytest.mark.parametrize(
    ("new", "old", "later"),
    [
        (T2, T1, True),
        (T1, T1, True),
        (T1, T2, False),
        (T1, None, True),
        (T1, "nonsense", True),
        ("nonsense", T1, False),
    ],
)
def test_which_time_may_replace_which(new: Any, old: Any, later: bool) -> None:
    assert is_later(new, old) is later
