"""`reqon state push` and `pull`: what a CI job carries from one empty disk to the next."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path

import pytest

from support.copy_desk import MANY, STORE, Desk, nothing
from support.crash_processes import Process
from support.sqlite_store import WholeTable

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("table", ["whole", "listing"])
def test_a_killed_run_goes_on_where_the_disk_was_empty(tmp_path: Path, table: str) -> None:
    desk = Desk(tmp_path, table)
    assert desk.run(**MANY).code == 0
    expected = desk.numbers()
    desk.wipe()
    desk.kill_one()
    pushed = desk.copy("push")
    assert [(one["status"], one["resumable"]) for one in pushed["copied"]] == [
        ("interrupted", True)
    ]
    assert nothing(desk.copy("push"))
    desk.wipe()
    pulled = desk.copy("pull")
    assert pulled["copied"] == pushed["copied"]
    assert nothing(desk.copy("pull"))
    assert nothing(desk.copy("push"))
    resumed = desk.run("--resume-only", **MANY)
    assert resumed.code == 0, resumed
    assert "resumed" in resumed.errors
    assert desk.numbers() == expected
    assert desk.copied("push") == [pushed["copied"][0]["executionId"]]
    assert nothing(desk.copy("push"))
    assert desk.reqon("state", "push", "--state-store", "table").output == (
        "nothing to copy: the state store 'table' has all of it\n"
    )


def test_the_history_goes_both_ways(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.reqon("state", "pull", "--state-store", "table").output == (
        "nothing to copy: the state store 'table' has no executions\n"
    )
    for bad in ("0", "5", "0"):
        desk.run(BAD=bad)
    before = desk.history()
    assert [r["status"] for r in before] == ["completed", "failed", "completed"]
    assert desk.copied("push", "Counting") == [r["executionId"] for r in reversed(before)]
    desk.wipe()
    assert desk.copied("pull", "--execution", before[1]["executionId"]) == [
        before[1]["executionId"]
    ]
    assert desk.copied("pull") == [before[2]["executionId"], before[0]["executionId"]]
    assert desk.history() == before
    assert desk.run().code == 0
    newest = desk.history()[0]["executionId"]
    assert desk.copied("push") == [newest]


def test_work_that_the_folder_has_beyond_the_store_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run(BAD="5").code == 1
    (failed,) = desk.copied("push")
    assert desk.run("--resume-only", BAD="0").code == 0
    report = desk.copy("pull")
    assert [one["name"] for one in report["kept"]] == [failed]
    assert "newer" in report["kept"][0]["reason"]
    assert desk.history()[0]["status"] == "completed"
    assert desk.copied("push") == [failed]
    assert desk.numbers().keys() == {str(n) for n in range(1, 10)}


def test_what_went_on_in_two_places_is_overwritten_in_neither(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run(BAD="5").code == 1
    (failed,) = desk.copied("push")
    assert desk.run("--resume-only", BAD="7").code == 1
    aside = tmp_path / "other disk"
    (desk.folder / ".vague-data").rename(aside)
    desk.copy("pull")
    assert desk.run("--resume-only", BAD="0").code == 0
    assert desk.copied("push") == [failed]
    desk.wipe()
    aside.rename(desk.folder / ".vague-data")
    for way in ("push", "pull"):
        report = desk.copy(way)
        assert [one["name"] for one in report["kept"]] == [failed]
        assert "different ways" in report["kept"][0]["reason"]
    assert desk.history()[0]["status"] == "failed"


def test_a_mission_that_runs_is_skipped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run().code == 0
    desk.copy("push")
    with Process(["counting.vague"], desk.folder, desk.env | MANY) as process:
        process.signal_when(signal.SIGSTOP, desk.has_begun)
        for way in ("push", "pull"):
            report = desk.copy(way, code=4)
            assert [one["mission"] for one in report["running"]] == ["Counting"]
            assert not report["copied"]
        said = desk.reqon("state", "push", "--state-store", "table").output
        assert said.startswith("skipped Counting")


def test_a_mission_that_the_store_has_lent_is_skipped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run().code == 0
    table = WholeTable(desk.table)
    table.acquire("Counting", "another machine", 600)
    report = desk.copy("push", code=4)
    assert report["running"] == [{"mission": "Counting", "executionId": None}]
    table.acquire("Counting", "another machine", 0)
    assert len(desk.copied("push")) == 1


def test_what_is_damaged_is_named_and_the_rest_copied(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run(BAD="5").code == 1
    assert desk.run().code == 0
    records = sorted(desk.folder.glob(".vague-data/execution/*.json"))
    whole = records[-1].read_text()
    records[-1].write_text(whole[:40])
    report = desk.copy("push", code=4)
    assert [Path(one["name"]).name for one in report["damaged"]] == [records[-1].name]
    assert [one["status"] for one in report["copied"]] == ["failed"]
    records[-1].write_text(whole)
    with sqlite3.connect(desk.table) as db:
        db.execute("update states set state = replace(state, '\\\"n\\\":', '\\\"m\\\":')")
    db.close()
    desk.wipe()
    report = desk.copy("pull", code=4)
    assert "damaged" in report["damaged"][0]["reason"]
    assert not desk.journals()


def test_a_damaged_journal_goes_as_a_record_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run(BAD="5").code == 1
    (journal,) = desk.journals()
    content = journal.read_bytes()
    journal.write_bytes(b"x" + content[1:])
    report = desk.copy("push", code=4)
    assert [one["resumable"] for one in report["copied"]] == [False]
    assert "damaged" in report["copied"][0]["problem"]
    assert desk.copy("push", code=4)["copied"] == []
    journal.write_bytes(content)
    assert [one["resumable"] for one in desk.copy("push")["copied"]] == [True]


def test_secrets_stay_names(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    secret = "s3cret-of-the-api-1234"
    assert desk.run(BAD="5", API_TOKEN=secret).code == 1
    assert secret in (desk.folder / STORE).read_text()
    desk.copy("push", API_TOKEN=secret)
    assert secret.encode() not in desk.table.read_bytes()
    desk.wipe()
    desk.copy("pull")
    resumed = desk.run("--resume-only", BAD="0", API_TOKEN="renewed")
    assert resumed.code == 0, resumed
    assert {record["token"] for record in desk.numbers().values()} == {"renewed"}


def test_sync_checkpoints_only_go_forward(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run().code == 0

    def set_to(time: str) -> None:
        assert desk.reqon("checkpoints", "set", "API-/customers", time).code == 0

    def shown() -> str:
        return json.loads((desk.folder / ".vague-data/sync-checkpoints.json").read_text())[
            "API-/customers"
        ]["lastSync"]

    set_to("2024-02-01T00:00:00Z")
    assert desk.copy("push")["syncCheckpoints"] == ["API-/customers"]
    set_to("2024-01-01T00:00:00Z")
    assert nothing(desk.copy("push"))
    kept = desk.copy("pull")["kept"]
    assert [one["name"] for one in kept] == ["sync checkpoint API-/customers"]
    assert shown().startswith("2024-01-01")
    desk.wipe()
    assert desk.copy("pull")["syncCheckpoints"] == ["API-/customers"]
    assert shown().startswith("2024-02-01")
    set_to("2024-03-01T00:00:00Z")
    assert nothing(desk.copy("pull"))
    assert shown().startswith("2024-03-01")
    report = desk.copy("push")
    assert (report["syncCheckpoints"], report["copied"]) == (["API-/customers"], [])


def test_a_store_that_cannot_list_gives_one_by_its_id(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "saving")
    assert desk.run(BAD="5").code == 1
    (failed,) = desk.copied("push")
    assert nothing(desk.copy("push"))
    desk.wipe()
    ended = desk.reqon("state", "pull", "--state-store", "table")
    assert (ended.code, "--execution ID" in ended.errors) == (3, True), ended
    assert desk.copied("pull", "--execution", failed) == [failed]
    assert desk.run("--resume-only", BAD="0").code == 0


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("state push", 2, "missing option '--state-store'"),
        ("state pull", 2, "missing option '--state-store'"),
        ("state push --state-store tabel", 3, "there is no state store 'tabel'"),
        ("state pull --state-store file", 3, "no state store beside the state folder"),
        ("state push --state-store table", 3, "there is no state folder"),
        ("state pull --state-store table Countin", 3, "no execution of a mission 'Countin'"),
        ("state pull --state-store table --execution exec_1", 3, "no execution 'exec_1'"),
    ],
)
def test_what_cannot_be_copied_is_said(tmp_path: Path, line: str, code: int, words: str) -> None:
    desk = Desk(tmp_path)
    ended = desk.reqon(*line.split())
    assert ended.code == code, ended
    assert words in ended.errors
    assert "Traceback" not in ended.errors
    assert not (desk.folder / ".vague-data").exists()


def test_lines_fit_into_80_columns(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run(BAD="5").code == 1
    said = desk.reqon("state", "push", "--state-store", "table", COLUMNS="80")
    assert ", to be\n       resumed there\n" in said.output, said
    (journal,) = desk.journals()
    journal.write_bytes(b"x" + journal.read_bytes()[1:])
    desk.table.unlink()
    left = desk.reqon("state", "push", "--state-store", "table", COLUMNS="80")
    assert (left.code, "the\n       record alone" in left.output) == (4, True), left
    lines = (said.output + left.output).replace(str(journal), "JOURNAL").splitlines()
    assert max(map(len, lines)) <= 80, lines


def test_an_empty_store_and_a_broken_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert nothing(desk.copy("pull"))
    assert desk.run().code == 0
    desk.table.write_bytes(b"this is no database" * 100)
    for way in ("push", "pull"):
        ended = desk.reqon("state", way, "--state-store", "table")
        assert (ended.code, "'table'" in ended.errors) == (3, True), ended


def test_through_sqlite(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    at = {"REQON_STATE_URL": f"sqlite://{tmp_path}/elsewhere/state.db"}
    desk.kill_one()
    for way, done in (("push", "copied"), ("push", "nothing"), ("pull", "nothing")):
        ended = desk.reqon("state", way, "--state-store", "sqlite", **at)
        assert ended.code == 0, ended
        assert ended.output.startswith(done)
    desk.wipe()
    ended = desk.reqon("state", "pull", "--state-store", "sqlite", "Counting", **at)
    assert "interrupted" in ended.output
    assert "to be resumed there" in ended.output
    assert desk.run("--resume-only", **MANY).code == 0
    assert desk.numbers().keys() == {str(n) for n in range(1, int(MANY["UP_TO"]) + 1)}
