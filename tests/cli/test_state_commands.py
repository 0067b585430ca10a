"""`cleanup`, `checkpoints`, `store`, `state`, `init`: looking after what missions leave behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cli.conftest import Reqon
from cli.state_folder import write_record, write_store, write_sync_checkpoints
from reqon.cli.main import cli
from reqon.journal.disk import Disk
from reqon.journal.locks import FileLock, process_facts
from reqon.state.paths import StatePaths

# ---------------------------------------------------------------- cleanup

OLDER = "2024-01-19T09:00:00Z"


@pytest.fixture
def records(own_folder: Path) -> Path:
    for day in range(1, 6):
        write_record(
            own_folder,
            executionId=f"exec_{day}",
            startedAt=f"2024-01-{day:02}T09:00:00Z",
            completedAt=f"2024-01-{day:02}T09:01:00Z",
        )
    write_record(own_folder, mission="Orders", executionId="exec_o")
    return own_folder / ".vague-data" / "execution"


def left(folder: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["executionId"] for path in folder.glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "code", "stays"),
    [
        (["--older-than", "30d"], 0, ["exec_5", "exec_o"]),
        (["CustomerSync", "--keep-last", "2"], 0, ["exec_4", "exec_5", "exec_o"]),
        (["CustomerSync", "--all"], 0, ["exec_o"]),
        (["--all", "--yes"], 0, []),
        (["--older-than", "30d", "--dry-run"], 0, None),
        (["CustomerSync", "--all", "--dry-run"], 0, None),
        (["--all"], 2, None),
        ([], 2, None),
        (["CustomerSync"], 2, None),
        (["--older-than", "long"], 2, None),
        (["--all", "--older-than", "3d", "--yes"], 2, None),
        (["--stores", "--older-than", "3d"], 2, None),
        (["Unknown", "--all"], 3, None),
    ],
)
def test_cleanup_removes_what_is_asked_for(
    reqon: Reqon, records: Path, arguments: list[str], code: int, stays: list[str] | None
) -> None:
    everything = left(records)
    shown = reqon("cleanup", *arguments)
    assert shown.exit_code == code, shown.output
    assert left(records) == (everything if stays is None else stays)


def test_cleanup_says_what_it_removes_and_how_much_that_frees(reqon: Reqon, records: Path) -> None:
    size = sum(path.stat().st_size for path in records.glob("CustomerSync-*"))
    planned = reqon("cleanup", "CustomerSync", "--all", "--dry-run")
    assert planned.stdout.count("would remove CustomerSync exec_") == 5
    assert (
        planned.stdout.splitlines()[-1] == f"5 executions would go, freeing {size / 1024:.1f} KiB"
    )
    report = json.loads(reqon("cleanup", "CustomerSync", "--all", "--json").stdout)
    assert [removed["executionId"] for removed in report["removed"]] == [
        f"exec_{day}" for day in (5, 4, 3, 2, 1)
    ]
    assert report["freedBytes"] == size
    assert report["removed"][0]["startedAt"] == "2024-01-05T09:00:00Z"


def test_what_is_missing_on_the_command_line_names_the_help_of_the_command(
    reqon: Reqon, records: Path
) -> None:
    assert "'reqon cleanup --help' lists what is possible" in reqon("cleanup", "--all").stderr


def test_a_mission_with_a_very_long_name_is_cleaned_once(reqon: Reqon, own_folder: Path) -> None:
    name = "Long" * 40
    (own_folder / "long.vague").write_text(f"mission {name} {{ action A {{ let _x = 1 }} }}")
    assert reqon("long.vague").exit_code == 0
    shown = reqon("cleanup", "--all", "--dry-run").stdout
    assert "1 execution would go" in shown
    assert f"would remove {name} exec_" in shown


def test_a_dry_cleanup_leaves_no_trace(reqon: Reqon, records: Path, own_folder: Path) -> None:
    write_store(own_folder, "customers", {"a": {"id": "a"}})
    write_sync_checkpoints(own_folder, {"API-/a": {"lastSync": "2024-01-20T09:00:00Z"}})

    def everything() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in own_folder.rglob("*")}

    before = everything()
    shown = reqon("cleanup", "--all", "--stores", "--sync", "--dry-run")
    assert "6 executions would go" in shown.stdout
    assert "would remove store" in shown.stdout
    assert everything() == before


def test_cleanup_takes_stores_and_sync_checkpoints_only_when_asked(
    reqon: Reqon, records: Path, own_folder: Path
) -> None:
    write_store(own_folder, "customers", {"a": {"id": "a"}})
    write_store(own_folder, "shared", {"a": {"id": "a"}})
    stores = own_folder / ".vague-data/stores"
    (stores / ".customers.applied.json").write_text('{"exec_5": 7}')
    (stores / ".shared.applied.json").write_text('{"exec_5": 7, "exec_o": 3}')
    checkpoint = {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 3}
    write_sync_checkpoints(
        own_folder,
        {
            "API-/customers": {**checkpoint, "mission": "CustomerSync"},
            "API-/orders": {**checkpoint, "mission": "Orders"},
        },
    )
    shown = reqon("cleanup", "CustomerSync", "--all", "--stores", "--sync")
    assert shown.exit_code == 0
    assert [path.name for path in stores.iterdir() if not path.name.startswith(".")] == [
        "shared.json"
    ]
    assert "another mission writes this store too" in shown.stdout
    assert list(json.loads(reqon("checkpoints", "--json").stdout)) == ["API-/orders"]


SHARING = """
mission {name} {{
  store shared: file("both")
  store own: file("of_{name}")
  action Fill {{
    store {{ id: "{name}" }} -> shared {{ key: .id }}
    store {{ id: "{name}" }} -> own {{ key: .id }}
  }}
}}
"""


@pytest.mark.parametrize("one", ["First", "Last"])
def test_a_store_of_two_missions_outlives_either(reqon: Reqon, own_folder: Path, one: str) -> None:
    for name in ("First", "Last"):
        (own_folder / f"{name}.vague").write_text(SHARING.format(name=name))
        assert reqon(f"{name}.vague").exit_code == 0
    shown = reqon("cleanup", one, "--all", "--stores")
    assert f"kept {Path('.vague-data/stores/both.json')}: another mission writes" in shown.stdout
    stores = {path.name for path in (own_folder / ".vague-data/stores").glob("[!.]*")}
    assert stores == {"both.json", "of_First.json", "of_Last.json"} - {f"of_{one}.json"}
    dry = reqon("cleanup", "--all", "--stores", "--dry-run")
    assert "would remove store" in dry.stdout
    assert "another mission" not in dry.stdout
    assert reqon("cleanup", "--all", "--stores", "--yes").exit_code == 0
    assert list((own_folder / ".vague-data/stores").iterdir()) == []


def test_what_a_running_mission_keeps_is_named_and_holds_up_no_other(
    reqon: Reqon, own_folder: Path
) -> None:
    for name in ("First", "Last"):
        (own_folder / f"{name}.vague").write_text(SHARING.format(name=name))
        assert reqon(f"{name}.vague").exit_code == 0
    paths = StatePaths(own_folder / ".vague-data")
    execution = json.loads(reqon("status", "First", "--json").stdout)["executionId"]
    write_record(own_folder, mission="First", executionId=execution, status="running")
    lock = FileLock(paths.mission_lock("First"), Disk())
    assert lock.try_acquire()
    try:
        lock.write_owner({"mission": "First", "executionId": execution, **process_facts()})
        shown = reqon("cleanup", "--all", "--stores", "--sync", "--yes")
    finally:
        lock.release()
    assert shown.exit_code == 4
    assert "'First' is running: its stores and sync checkpoints stay" in shown.stderr
    stores = {path.name for path in (own_folder / ".vague-data/stores").glob("[!.]*")}
    assert stores == {"both.json", "of_First.json"}


@contextlib.contextmanager
def holding(folder: Path, mission: str, **says: str) -> Iterator[None]:
    """The mission's lock is held by this process, which says so much beside who it is."""
    paths = StatePaths(folder / ".vague-data")
    paths.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.mission_lock(mission), Disk())
    assert lock.try_acquire()
    try:
        lock.write_owner({"mission": mission, **process_facts(), **says})
        yield
    finally:
        lock.release()


@pytest.mark.parametrize(
    ("says", "arguments", "code", "stays"),
    [
        ({}, ["--all"], 4, ["exec_3", "exec_9"]),  # a run that is being started, or a copy
        ({}, ["--all", "--dry-run"], 4, None),
        ({}, ["--older-than", "1d", "--include-resumable"], 0, ["exec_3", "exec_5", "exec_9"]),
        ({"executionId": "exec_3"}, ["--all"], 4, ["exec_3"]),  # its record does not say so yet
        ({"doing": "being cleaned up"}, ["--all"], 0, []),
    ],
)
def test_what_the_holder_of_a_mission_may_go_on_with_is_no_cleanups_to_remove(
    reqon: Reqon,
    records: Path,
    own_folder: Path,
    says: dict[str, str],
    arguments: list[str],
    code: int,
    stays: list[str] | None,
) -> None:
    write_record(
        own_folder, executionId="exec_3", startedAt="2024-01-03T09:00:00Z", status="interrupted"
    )
    write_record(
        own_folder, executionId="exec_9", startedAt="2024-01-09T09:00:00Z", status="interrupted"
    )
    everything = left(records)
    with holding(own_folder, "CustomerSync", **says):
        shown = reqon("cleanup", "CustomerSync", *arguments)
    assert shown.exit_code == code, shown.output
    assert left(records) == (everything if stays is None else sorted([*stays, "exec_o"]))
    if code == 4 and not says:
        assert "its mission is being started or copied" in shown.stdout


def test_what_cleans_up_or_copies_a_mission_is_not_stopped_for_a_run(
    reqon: Reqon, records: Path, own_folder: Path
) -> None:
    (own_folder / "sync.vague").write_text("mission CustomerSync { action A { let _x = 1 } }")
    with holding(own_folder, "CustomerSync", doing="being copied"):
        stopped = reqon("stop", "CustomerSync")  # a signal would end this test
        refused = reqon("sync.vague")
    assert stopped.stdout == "CustomerSync is not running; it is being copied\n"
    assert stopped.exit_code == 0
    assert refused.exit_code == 4
    assert "error: 'CustomerSync' is being copied (process " in refused.stderr
    assert "reqon stop" not in refused.stderr


def test_what_is_noticed_at_the_end_of_a_run_is_said(reqon: Reqon, own_folder: Path) -> None:
    for number in range(999):
        started = f"2024-01-20T09:{number // 60:02}:{number % 60:02}Z"
        write_record(own_folder, mission="Sync", executionId=f"exec_{number}", startedAt=started)
    (own_folder / "sync.vague").write_text("mission Sync { action A { let _x = 1 } }")
    ended = reqon("sync.vague")
    assert ended.exit_code == 0
    assert "warning: 'Sync' has left 1,000 execution records; `stateRetention" in ended.stderr


def test_cleanup_of_all_takes_stores_whose_writers_have_no_record_any_more(
    reqon: Reqon, records: Path, own_folder: Path
) -> None:
    write_store(own_folder, "orphan", {"a": {"id": "a"}})
    stores = own_folder / ".vague-data/stores"
    (stores / ".orphan.applied.json").write_text('{"exec_gone": 7}')
    shown = reqon("cleanup", "CustomerSync", "--all", "--stores")
    assert "no record tells any more which mission wrote it" in shown.stdout
    assert (stores / "orphan.json").exists()
    shown = reqon("cleanup", "--all", "--stores", "--sync", "--yes")
    assert f"removed store {Path('.vague-data/stores/orphan.json')}" in shown.stdout
    assert not list(stores.iterdir())


def test_history_counts_the_items_of_all_actions(reqon: Reqon, own_folder: Path) -> None:
    checkpoints = {"Fetch": {"page": 7, "itemsProcessed": 600}, "Store": {"itemsProcessed": 523}}
    write_record(own_folder, checkpoints=checkpoints, progress={"current": 500, "total": 600})
    assert reqon("history", "CustomerSync").stdout.splitlines()[1].split()[-1] == "1,123"


# ---------------------------------------------------------------- shell completion


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("status Cus", ["CustomerSync"]),
        ("run x.vague --mission ", ["CustomerSync", "Orders"]),
        ("run x.vague --execution ", ["exec_abc123", "exec_o"]),
        ("run x.vague --mission Orders --execution ", ["exec_o"]),
        ("status CustomerSync --execution ", ["exec_abc123"]),
        ("store show cu", ["customers"]),
        ("checkpoints reset API-/", ["API-/customers"]),
        ("stop O", ["Orders"]),
    ],
)
def test_the_shell_completes_names_ids_stores_and_keys(
    own_folder: Path, words: str, wanted: list[str]
) -> None:
    write_record(own_folder)
    write_record(own_folder, mission="Orders", executionId="exec_o", startedAt=OLDER)
    write_store(own_folder, "customers", {"a": {"id": "a"}})
    write_sync_checkpoints(
        own_folder, {"API-/customers": {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 3}}
    )
    before, _, last = words.rpartition(" ")
    completing = ShellComplete(cli, {}, "reqon", "_REQON_COMPLETE")
    found = completing.get_completions(before.split(), last)
    assert [item.value for item in found] == wanted


# ---------------------------------------------------------------- checkpoints


def test_checkpoints_are_listed_set_and_reset(reqon: Reqon, own_folder: Path) -> None:
    assert reqon("checkpoints").stderr == "no sync checkpoints in '.vague-data' yet\n"
    write_sync_checkpoints(
        own_folder,
        {
            "API-/customers": {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 1523},
            "API-/orders": {"lastSync": "2024-01-20T08:45:00Z", "itemsSynced": 8721},
        },
    )
    listed = reqon("checkpoints").stdout.splitlines()
    assert listed[1].split() == ["API-/customers", "2024-01-20", "09:00:00", "+00:00", "1,523",
                                 "1,523", "-"]  # fmt: skip
    changed = reqon("checkpoints", "set", "API-/orders", "2024-01-01T00:00:00Z")
    assert changed.stdout == "API-/orders: last sync is now 2024-01-01 00:00:00 +00:00\n"
    known = json.loads(reqon("checkpoints", "list", "--json").stdout)
    assert known["API-/orders"]["lastSync"] == "2024-01-01T00:00:00Z"
    assert known["API-/orders"]["itemsSynced"] == 8721
    assert reqon("checkpoints", "reset", "API-/orders").exit_code == 0
    assert list(json.loads(reqon("checkpoints", "--json").stdout)) == ["API-/customers"]
    backups = (own_folder / ".vague-data/quarantine").glob("*-sync-checkpoints.json")
    assert all("API-/orders" in backup.read_text() for backup in backups)
    assert reqon("checkpoints", "reset", "--all").exit_code == 0
    assert json.loads(reqon("checkpoints", "--json").stdout) == {}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["set", "API-/x", "someday"], 2),
        (["set", "API-/x"], 2),
        (["reset"], 2),
        (["reset", "API-/customers", "--all"], 2),
        (["reset", "API-/x"], 3),
    ],
)
def test_wrong_uses_of_checkpoints(
    reqon: Reqon, own_folder: Path, arguments: list[str], code: int
) -> None:
    write_sync_checkpoints(
        own_folder, {"API-/customers": {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 1}}
    )
    before = (own_folder / ".vague-data/sync-checkpoints.json").read_bytes()
    assert reqon("checkpoints", *arguments).exit_code == code
    assert (own_folder / ".vague-data/sync-checkpoints.json").read_bytes() == before


def test_damaged_checkpoints_are_never_taken_for_none(reqon: Reqon, own_folder: Path) -> None:
    write_sync_checkpoints(own_folder, {})
    (own_folder / ".vague-data/sync-checkpoints.json").write_bytes(b"{")
    for arguments in (["checkpoints"], ["checkpoints", "set", "A-/x", "2024-01-01"]):
        shown = reqon(*arguments)
        assert shown.exit_code == 4
        assert "cannot be read" in shown.stderr


# ---------------------------------------------------------------- stores and sizes


def test_stores_can_be_looked_into(reqon: Reqon, own_folder: Path) -> None:
    assert "no stores" in reqon("store").stderr
    customers = {f"cust_{n}": {"id": f"cust_{n}", "name": "Zoë"} for n in range(3)}
    write_store(own_folder, "customers", customers)
    write_store(own_folder, "crm/contacts", {})
    listed = reqon("store", "list").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["crm/contacts", "0"], ["customers", "3"]]
    assert json.loads(reqon("store", "show", "customers").stdout) == customers
    assert len(json.loads(reqon("store", "show", "customers", "--limit", "2").stdout)) == 2
    shown = reqon("store", "show", "customers", "cust_1")
    assert json.loads(shown.stdout) == customers["cust_1"]
    assert "Zoë" in shown.stdout
    assert {row["name"] for row in json.loads(reqon("store", "--json").stdout)} == {
        "customers",
        "crm/contacts",
    }


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["unknown"], 3, "the stores are: customers"),
        (["customers", "nobody"], 3, "has no record 'nobody'"),
        (["../secrets"], 3, "cannot name a file store"),
        (["customers", "a", "--limit", "2"], 2, "--limit goes with all records"),
    ],
)
def test_what_is_not_in_a_store(
    reqon: Reqon, own_folder: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    write_store(own_folder, "customers", {"a": {"id": "a"}})
    shown = reqon("store", "show", *arguments)
    assert shown.exit_code == exit_code
    assert said in shown.stderr


def test_a_damaged_store_is_refused_not_shown_empty(reqon: Reqon, own_folder: Path) -> None:
    write_store(own_folder, "customers", {})
    (own_folder / ".vague-data/stores/customers.json").write_bytes(b'{"a": ')
    assert reqon("store", "show", "customers").exit_code == 4
    assert "damaged" in reqon("store").stdout


def test_state_shows_what_is_large_and_what_frees_it(reqon: Reqon, own_folder: Path) -> None:
    assert "there is no state folder" in reqon("state").stderr
    assert reqon("state", "--json").stdout == "[]\n"
    write_record(own_folder)
    write_store(own_folder, "customers", {"a": {"id": "a", "text": "x" * 5000}})
    lines = reqon("state").stdout.splitlines()
    assert lines[0].startswith(".vague-data  5.")
    rows = {line.split()[0]: line for line in lines[2:]}
    assert "reqon cleanup --older-than" in rows["records"]
    assert rows["stores"].split()[1:4] == ["1", "4.9", "KiB"]
    parts = json.loads(reqon("state", "--json").stdout)
    assert {part["part"]: part["files"] for part in parts}["records"] == 1


def test_state_repair_says_what_it_did(reqon: Reqon, own_folder: Path) -> None:
    assert reqon("state", "repair").exit_code == 3
    write_record(own_folder)
    write_store(own_folder, "customers", {"a": {"id": "a"}})
    assert reqon("state", "repair").stdout == "nothing is damaged\n"
    damaged = own_folder / ".vague-data/execution/Orders-2024-01-20T09-00-00.json"
    damaged.write_bytes(b"{")
    shown = reqon("state", "repair")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("lost the record '.vague-data/execution/Orders-2024-01-20T09")
    assert "corrupt" not in reqon("status").stderr
    assert len(list((own_folder / ".vague-data/quarantine").glob("*-Orders-*.json"))) == 1
    report = json.loads(reqon("state", "repair", "--json").stdout)
    assert report == {"repaired": [], "lost": [], "left": []}


# ---------------------------------------------------------------- init


def test_init_writes_something_to_start_from(reqon: Reqon, own_folder: Path) -> None:
    assert reqon("init", "project").exit_code == 0
    project = own_folder / "project"
    assert reqon("check", "project/missions").exit_code == 0
    assert reqon("fmt", "--check", "project/missions").exit_code == 0
    assert ".vague-data/" in (project / ".gitignore").read_text().splitlines()
    assert "reqon check" in (project / ".github/workflows/missions.yml").read_text()


def test_init_keeps_what_is_there(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / ".gitignore").write_text("dist/")
    (own_folder / "missions").mkdir()
    (own_folder / "missions/customer_sync.vague").write_text("mine")
    shown = reqon("init")
    assert (own_folder / "missions/customer_sync.vague").read_text() == "mine"
    assert (own_folder / ".gitignore").read_text() == "dist/\n.vague-data/\n.env\n"
    assert "kept    missions/customer_sync.vague" in shown.stdout
    again = reqon("init")
    assert again.stdout.count("kept") == 3
    (own_folder / "file").write_text("")
    assert reqon("init", "file").exit_code == 3
