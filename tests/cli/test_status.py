"""What `status` and `history` tell of records, the seed's own among them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.state_folder import SEED_RECORD, write_record, write_sync_checkpoints

STEP = {"action": "TransformCustomers", "index": 523, "item": {"id": "cust_524"}}
ERROR = {
    "action": "FetchCustomers",
    "step": 'get "/customers"',
    "file": "sync.vague",
    "line": 12,
    "column": 5,
    "kind": "http",
    "message": "404 Not Found",
    "at": "2024-01-20T09:00:03Z",
}


def test_the_last_execution_of_a_mission(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder)
    write_sync_checkpoints(
        own_folder,
        {
            "API-/customers": {
                "lastSync": "2024-01-20T09:00:00Z",
                "itemsSynced": 1523,
                "mission": "CustomerSync",
            }
        },
    )
    shown = reqon("status", "CustomerSync")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "CustomerSync  completed"
    assert "  execution  exec_abc123" in lines
    assert "  duration   2m 30s" in lines
    assert "  actions    FetchCustomers, TransformCustomers completed" in lines
    assert "  store      customers: 1,523 records: 42 added, 18 updated" in lines
    assert "  last sync  API-/customers: 2024-01-20 09:00:00 +00:00, 1,523 items" in lines
    assert any(line.startswith("  started    2024-01-20 09:00:00 +00:00 (") for line in lines)
    assert not any("resume" in line for line in lines)


def test_an_interrupted_execution_says_where_it_stopped(reqon: Reqon, own_folder: Path) -> None:
    write_record(
        own_folder,
        status="interrupted",
        completedAt=None,
        activeStep=STEP,
        progress={"current": 523, "total": 1241},
        checkpoints={"FetchCustomers": {"page": 15, "itemsProcessed": 1500}},
        actionsRun=["FetchCustomers"],
        attempts=[{"startedAt": "2024-01-20T09:00:00Z"}, {"startedAt": "2024-01-20T09:10:00Z"}],
    )
    shown = reqon("status", "CustomerSync")
    assert "  stopped at  TransformCustomers, item 523 of 1,241 (cust_524)" in shown.stdout
    assert "  checkpoint  FetchCustomers: page 15, 1,500 items" in shown.stdout
    assert "  attempts    2" in shown.stdout


def test_the_total_of_another_action_is_not_told_beside_the_place(
    reqon: Reqon, own_folder: Path
) -> None:
    """Behind a group that failed in part the pipeline goes on: the last progress is not its own."""
    progress = {"current": 4, "total": 4}
    for action, place in (
        ("Report", "TransformCustomers, item 523 (cust_524)"),
        ("TransformCustomers", "TransformCustomers, item 523 of 4 (cust_524)"),
    ):
        write_record(
            own_folder, status="failed", activeStep=STEP, progress=progress | {"action": action}
        )
        assert f"  stopped at  {place}\n" in reqon("status", "CustomerSync").stdout


def test_a_failed_execution_shows_its_error_with_its_place(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder, status="failed", errors=[ERROR])
    shown = reqon("status", "CustomerSync")
    assert "  error  http: 404 Not Found\n" in shown.stdout
    assert '         at sync.vague:12:5 in FetchCustomers, get "/customers"\n' in shown.stdout


def test_a_record_that_says_running_without_a_process_is_interrupted(
    reqon: Reqon, own_folder: Path
) -> None:
    write_record(own_folder, status="running", completedAt=None)
    assert json.loads(reqon("status", "CustomerSync", "--json").stdout)["status"] == "interrupted"


def test_json_is_the_record_with_all_its_fields(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder, aFieldOfTomorrow=[1])
    found = json.loads(reqon("status", "CustomerSync", "--json").stdout)
    assert found == {**SEED_RECORD, "aFieldOfTomorrow": [1]}
    assert json.loads(reqon("status", "--json").stdout) == [found]


def test_a_line_for_each_mission(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder)
    write_record(own_folder, startedAt="2024-01-19T09:00:00Z", status="failed", errors=[ERROR])
    write_record(
        own_folder, mission="Orders", executionId="exec_o", status="failed", errors=[ERROR]
    )
    head, *lines = reqon("status").stdout.splitlines()
    assert head.split() == ["mission", "status", "started", "+00:00", "duration"]
    assert len(lines) == 2
    assert lines[0].startswith("CustomerSync  completed  2024-01-20 09:00 ")
    assert lines[0].endswith("2m 30s  customers +42 ~18")
    assert lines[1].endswith("404 Not Found")


def test_one_execution_by_its_id(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder)
    write_record(own_folder, startedAt="2024-01-21T09:00:00Z", executionId="exec_new")
    for arguments in (
        ("status", "CustomerSync", "--execution", "exec_abc123"),
        ("status", "--execution", "exec_abc123"),
    ):
        assert "exec_abc123" in reqon(*arguments).stdout
    missing = reqon("status", "CustomerSync", "--execution", "exec_nope")
    assert missing.exit_code == 3
    assert missing.stderr == (
        "error: there is no execution 'exec_nope' of mission 'CustomerSync'\n"
        "  help: the newest are: exec_new, exec_abc123\n"
    )


def test_an_unknown_mission_is_answered_with_the_known_ones(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder)
    for command in ("status", "history"):
        near = reqon(command, "CustomerSnyc")
        assert near.exit_code == 3
        assert "did you mean 'CustomerSync'?" in near.stderr
        far = reqon(command, "Zebra")
        assert far.exit_code == 3
        assert "there are executions of: CustomerSync" in far.stderr


def test_without_any_state_it_says_what_to_do(reqon: Reqon) -> None:
    for command in ("status", "history"):
        shown = reqon(command)
        assert (shown.exit_code, shown.stdout) == (0, "")
        assert "there is no folder '.vague-data'" in shown.stderr
        assert "reqon PATH" in shown.stderr
        assert json.loads(reqon(command, "--json").stdout) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b'{"status": 7}'])
def test_a_damaged_record_is_reported_and_hides_no_other(
    reqon: Reqon, own_folder: Path, content: bytes
) -> None:
    write_record(own_folder)
    damaged = own_folder / ".vague-data/execution/Orders-2024-01-20T09-00-00.json"
    damaged.write_bytes(content)
    shown = reqon("status")
    assert shown.exit_code == 0
    assert "CustomerSync  completed" in shown.stdout
    assert f"corrupt  {damaged.relative_to(own_folder)}" in shown.stderr
    assert "reqon state repair" in shown.stderr
    alone = reqon("status", "Orders")
    assert alone.exit_code == 3
    assert "cannot be read" in alone.stderr


def test_history_is_newest_first_and_can_be_narrowed(reqon: Reqon, own_folder: Path) -> None:
    for day in range(1, 6):
        status = "failed" if day == 2 else "completed"
        write_record(
            own_folder,
            executionId=f"exec_{day}",
            startedAt=f"2024-01-{day:02}T09:00:00Z",
            status=status,
            activeStep=STEP if status == "failed" else None,
        )

    def ids(*arguments: str) -> list[str]:
        shown = reqon("history", *arguments, "--json")
        return [record["executionId"] for record in json.loads(shown.stdout)]

    assert ids("CustomerSync", "--limit", "2") == ["exec_5", "exec_4"]
    assert ids("--status", "failed") == ["exec_2"]
    assert ids("--since", "2024-01-03T12:00:00Z") == ["exec_5", "exec_4"]
    assert ids("--since", "1d") == []
    assert len(ids()) == 5

    table = reqon("history", "CustomerSync").stdout.splitlines()
    assert table[0].split()[:3] == ["execution", "status", "started"]
    assert [line.split()[0] for line in table[1:]] == [f"exec_{day}" for day in range(5, 0, -1)]
    assert table[4].endswith("TransformCustomers, item 523 (cust_524)")
    assert reqon("history", "--status", "running").stderr == "no such executions\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "--limit", "0"),
        ("history", "--status", "done"),
        ("history", "--since", "someday"),
        ("status", "A", "B"),
        ("status", "--nope"),
    ],
)
def test_a_wrong_command_line_is_answered_with_code_2(
    reqon: Reqon, arguments: tuple[str, ...]
) -> None:
    shown = reqon(*arguments)
    assert shown.exit_code == 2
    assert shown.stderr.startswith("error: ")
    assert "--help' lists" in shown.stderr


def test_lines_fit_a_narrow_terminal(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(own_folder, status="failed", errors=[{**ERROR, "message": "no " * 60}])
    monkeypatch.setenv("COLUMNS", "60")
    for command in (("status",), ("status", "CustomerSync"), ("history",)):
        shown = reqon(*command)
        assert [line for line in shown.stdout.splitlines() if len(line) > 60] == []


def at_80_columns(reqon: Reqon, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    lines = reqon(*arguments).stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    return lines


def test_history_shows_all_its_columns_at_80_columns(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(own_folder, executionId="exec_rgxkvmv8vhse", progress={"current": 1241})
    head, line = at_80_columns(reqon, monkeypatch, "history")
    assert head.split() == [
        "mission", "execution", "status", "started", "+00:00", "duration", "items",
    ]  # fmt: skip
    assert line.split() == [
        "CustomerSync", "exec_rgxkvmv8vhse", "completed", "2024-01-20", "09:00", "2m", "30s",
        "1,241",
    ]  # fmt: skip


def test_rows_too_wide_go_on_below_their_first_cell(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ReconcilePaymentsOfAllSubsidiaries"
    write_record(own_folder, mission=name, executionId="exec_rgxkvmv8vhse")
    head, below, mission, row = at_80_columns(reqon, monkeypatch, "history")
    assert head == "mission"
    assert below.split()[:2] == ["execution", "status"]
    assert mission == name
    assert row.split()[:3] == ["exec_rgxkvmv8vhse", "completed", "2024-01-20"]
    assert row.index("completed") == below.index("status")


def test_a_long_reason_is_wrapped_below_its_row_and_whole(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "GET http://127.0.0.1/x answered 404 Not Found: nothing is served there " * 3
    write_record(own_folder, status="failed", errors=[{**ERROR, "message": reason.strip()}])
    for command in ("status", "history"):
        _head, row, *note = at_80_columns(reqon, monkeypatch, command)
        assert row.split()[-2:] == ["2m", "30s"] if command == "status" else row.endswith(" 0")
        assert " ".join(line.strip() for line in note) == reason.strip()


def test_a_time_of_another_offset_carries_it(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(own_folder, startedAt="2024-06-20T09:00:00Z")
    write_record(own_folder, startedAt="2024-01-20T09:00:00Z")
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    time.tzset()
    head, summer, winter = reqon("history", "CustomerSync").stdout.splitlines()
    assert "started +01:00" in head
    assert "2024-06-20 10:00 " in summer
    assert "+01:00" not in summer
    assert "2024-01-20 09:00 +00:00" in winter
