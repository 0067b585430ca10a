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
        assert "known: 'file', 'memory', 'broken', 'nothing', 'table'" in refused.errors
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
