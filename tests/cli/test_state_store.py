"""`stateStore: name` on the command line: entry points, resume on an empty disk, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.crash_processes import Ended, reqon
from support.sqlite_store import TABLES, WholeTable, install

PROGRAM = """mission Counting {
  stateStore: table
  stateRetention: 30 days
  store numbers: file("numbers")
  action Count {
    for n in range(1, 9) checkpoint every 2 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) {
        store bad -> numbers { key: .id }
      }
      store { id: toString(n) } -> numbers { key: .id }
    }
  }
  run Count
}
"""

pytestmark = pytest.mark.slow


class Desk:
    """A folder with a program, and the plug-in that makes the table known."""

    def __init__(self, folder: Path, table: str = "whole") -> None:
        self.folder = folder
        self.env = install(folder / "plugin", table, folder / "states.db")
        self.write(PROGRAM)

    def write(self, text: str) -> None:
        (self.folder / "counting.vague").write_text(text)

    def run(self, *arguments: str, **env: str) -> Ended:
        return reqon(["counting.vague", *arguments], self.folder, self.env | env)

    def wipe(self) -> None:
        shutil.rmtree(self.folder / ".vague-data")


def test_a_resume_finds_the_execution_in_the_table(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    failed = desk.run(BAD="8")
    assert failed.code == 1, failed
    desk.wipe()
    resumed = desk.run("--resume")
    assert resumed.code == 0, resumed
    assert "nothing to resume" not in resumed.errors
    assert "Counting: resumed at item 7 in 'Count'" in resumed.errors
    assert "RQ304" not in resumed.errors
    assert len(json.loads((tmp_path / ".vague-data/stores/numbers.json").read_text())) == 9


def test_by_id_where_the_table_cannot_list(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "saving")
    assert desk.run(BAD="8").code == 1
    rows = TABLES["saving"](tmp_path / "states.db").db.execute("select id from states").fetchall()
    desk.wipe()
    anew = desk.run("--resume-only")
    assert anew.code == 3, anew
    assert "--execution ID" in anew.errors
    resumed = desk.run("--execution", rows[0][0])
    assert resumed.code == 0, resumed


def test_a_lent_mission_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    table = WholeTable(tmp_path / "states.db")
    table.acquire("Counting", "another machine", 60)
    refused = desk.run()
    assert refused.code == 4, refused
    assert "the state store has lent it to another run" in refused.errors
    assert "--wait" in refused.errors
    table.acquire("Counting", "another machine", 0.5)
    assert desk.run("--wait", "30s").code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tabel", "there is no state store 'tabel'"),
        ("broken", "the state store 'broken' cannot be made"),
        ("nothing", "is no state store: a state store needs a method 'save'"),
    ],
)
def test_a_name_that_leads_to_no_store(tmp_path: Path, name: str, words: str) -> None:
    desk = Desk(tmp_path)
    desk.write(PROGRAM.replace("stateStore: table", f"stateStore: {name}"))
    refused = desk.run()
    assert refused.code == 3, refused
    assert words in refused.errors
    if name == "tabel":
        assert "known: 'file', 'memory', 'broken', 'nothing'" in refused.errors
        assert "'redis'" in refused.errors
        assert "'s3'" in refused.errors
        assert "'sqlite'" in refused.errors
        assert "'table'" in refused.errors
    assert not list(tmp_path.glob(".vague-data/execution/*"))


def test_retention_holds_in_the_table_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.run().code == 0
    table = TABLES["listing"](tmp_path / "states.db")
    (text,) = table.db.execute("select state from states").fetchone()
    for number, status in enumerate(["completed", "failed", "interrupted"]):
        old = f"2024-01-0{number + 1}T00:00:00Z"
        state = json.loads(text) | {"executionId": f"exec_{number}", "status": status}
        table.save(state | {"startedAt": old, "completedAt": old})
    assert desk.run().code == 0
    ids = [i for (i,) in table.db.execute("select id from states").fetchall()]
    assert len(ids) == 2
    assert not [i for i in ids if i in ("exec_0", "exec_1", "exec_2")]


# ---------------------------------------------------------------- looking into a store


def read(desk: Desk, *arguments: str) -> Ended:
    return reqon([*arguments, "--state-store", "table"], desk.folder, desk.env)


def with_history(tmp_path: Path, table: str = "whole") -> Desk:
    """A table with a failed, a completed and an older failed execution; no state folder."""
    desk = Desk(tmp_path, table)
    assert desk.run().code == 0
    db = TABLES["listing"](tmp_path / "states.db")
    (text,) = db.db.execute("select state from states").fetchone()
    for number, (status, day) in enumerate([("failed", 1), ("completed", 2), ("completed", 3)]):
        old = f"2024-01-0{day}T00:00:00Z"
        state = json.loads(text) | {"executionId": f"exec_{number}", "status": status}
        db.save(state | {"startedAt": old, "completedAt": old})
    desk.wipe()
    return desk


def ids(ended: Ended) -> list[str]:
    return [record["executionId"] for record in json.loads(ended.output)]


def test_status_and_history_tell_of_a_store_on_an_empty_disk(tmp_path: Path) -> None:
    desk = with_history(tmp_path)
    newest, *old = ids(read(desk, "history", "--json"))
    assert old == ["exec_2", "exec_1", "exec_0"]
    assert ids(read(desk, "history", "Counting", "--status", "failed", "--json")) == ["exec_0"]
    assert ids(read(desk, "history", "--limit", "2", "--json")) == [newest, "exec_2"]
    assert ids(read(desk, "history", "--since", "1d", "--json")) == [newest]
    assert "exec_1" in read(desk, "history").output
    assert "Counting" in read(desk, "status").output
    assert ids(read(desk, "status", "--json")) == [newest]
    assert newest in read(desk, "status", "Counting").output
    one = read(desk, "status", "--execution", "exec_0", "--json")
    assert json.loads(one.output)["status"] == "failed"
    assert not (tmp_path / ".vague-data").exists()


def test_cleanup_removes_from_a_store_what_it_would_from_the_folder(tmp_path: Path) -> None:
    desk = with_history(tmp_path)
    dry = read(desk, "cleanup", "--older-than", "30d", "--dry-run", "--json")
    assert {r["executionId"] for r in json.loads(dry.output)["removed"]} == {
        "exec_0",
        "exec_1",
        "exec_2",
    }
    assert len(ids(read(desk, "history", "--json"))) == 4
    kept_two = read(desk, "cleanup", "Counting", "--keep-last", "2")
    assert kept_two.code == 0, kept_two
    assert "2 executions removed" in kept_two.output
    assert ids(read(desk, "history", "--json"))[1:] == ["exec_2"]
    table = WholeTable(tmp_path / "states.db")
    table.acquire("Counting", "another machine", 60)
    assert len(ids(read(desk, "history", "--json"))) == 2
    assert read(desk, "cleanup", "Counting", "--all").code == 4
    table.db.execute("update leases set ends = 0")
    assert read(desk, "cleanup", "Counting", "--all").code == 0
    assert ids(read(desk, "history", "--json")) == []


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("status Countin", 3, "no execution of a mission 'Countin' in the state store 'table'"),
        ("history Countin", 3, "there are executions of: Counting"),
        ("cleanup Countin --all", 3, "no execution of a mission 'Countin'"),
        ("status --execution exec_9", 3, "no execution 'exec_9' in the state store 'table'"),
        ("status Other --execution exec_1", 3, "no execution 'exec_1' of mission 'Other'"),
        ("status --watch", 2, "--watch looks at the state folder"),
        ("cleanup Counting --all --stores", 2, "--stores and --sync are about the state folder"),
        ("cleanup --all", 2, "needs --yes"),
        ("status --state-store tabel", 3, "there is no state store 'tabel'"),
        ("history --state-store file", 3, "'file' is no state store beside the state folder"),
        ("history --state-store broken", 3, "the state store 'broken' cannot be made"),
        ("cleanup --older-than 1d --state-store nothing", 3, "needs a method 'save'"),
    ],
)
def test_what_a_store_cannot_tell_is_said(tmp_path: Path, line: str, code: int, words: str) -> None:
    desk = with_history(tmp_path)
    arguments = line.split()
    ended = (
        read(desk, *arguments)
        if "--state-store" not in line
        else reqon(arguments, tmp_path, desk.env)
    )
    assert ended.code == code, ended
    assert words in ended.errors
    assert "Traceback" not in ended.errors


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("status", "cannot list what it keeps"),
        ("status Counting", "cannot list what it keeps"),
        ("history", "--execution ID"),
        ("cleanup --older-than 1d", "cannot delete what it keeps"),
    ],
)
def test_a_store_that_only_saves_and_loads_shows_one_by_its_id(
    tmp_path: Path, line: str, words: str
) -> None:
    desk = with_history(tmp_path, "saving")
    ended = read(desk, *line.split())
    assert (ended.code, words in ended.errors) == (3, True), ended
    shown = read(desk, "status", "--execution", "exec_1", "--json")
    assert json.loads(shown.output)["executionId"] == "exec_1"


def test_a_store_that_fails_is_named(tmp_path: Path) -> None:
    desk = with_history(tmp_path)
    (tmp_path / "states.db").write_bytes(b"this is no database" * 100)
    for line in ("status", "history", "cleanup --older-than 1d", "status --execution exec_1"):
        ended = read(desk, *line.split())
        assert ended.code == 3, (line, ended)
        assert "'table'" in ended.errors
        assert "help:" in ended.errors
