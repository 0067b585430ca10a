"""`stateStore: sqlite`: what every store does, races between processes, and what it refuses."""

from __future__ import annotations

import gc
import itertools
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from reqon.state_stores.sqlite import SqliteStateStore, open_store
from reqon.testing import check_state_store, example_frame, example_state
from support.bundled_stores import COUNTING, Place, check_dead, check_life, run_beside
from vague.check_source import check_source


def test_it_does_what_a_store_does(tmp_path: Path) -> None:
    numbers = itertools.count()
    check_state_store(lambda: SqliteStateStore(tmp_path / f"{next(numbers)}.db"))


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    values = {"nul": "a\0b", "lone": "\ud800", "int": 2**70, "float": 1.0, "small": 5e-324}
    store = SqliteStateStore(tmp_path / "a.db")
    store.save(example_state("exec_1", seq=0, **values))
    store.append("exec_1", 1, example_frame(1, **values))
    again = SqliteStateStore(tmp_path / "a.db")
    for found in (again.load("exec_1"), *again.read("exec_1", 1)):
        assert found is not None
        assert {name: repr(found[name]) for name in values} == {
            name: repr(value) for name, value in values.items()
        }


def test_who_only_looks_makes_no_file(tmp_path: Path) -> None:
    store = SqliteStateStore(tmp_path / "mistyped" / "a.db")
    assert store.list(None, None, None) == []
    assert store.load("exec_1") is None
    assert store.read("exec_1", 1) == []
    assert list(tmp_path.iterdir()) == []
    store.save(example_state("exec_1"))
    assert len(store.list(None, None, None)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_others_may_not_read_it(tmp_path: Path) -> None:
    store = SqliteStateStore(tmp_path / "new" / "a.db")
    store.save(example_state("exec_1"))
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}
    assert modes == {"new": "0o700", "a.db": "0o600", "a.db-wal": "0o600", "a.db-shm": "0o600"}


def test_who_lost_the_lease_adds_nothing_from_that_moment(tmp_path: Path) -> None:
    """Before the new run has read or saved anything."""
    store = SqliteStateStore(tmp_path / "a.db")
    old = store.acquire("Sync", "here", 30)
    store.save(example_state("exec_1", seq=0, epoch=old))
    assert store.append("exec_1", 1, example_frame(1, epoch=old))
    store.acquire("Sync", "here", 30)
    assert not store.append("exec_1", 2, example_frame(2, epoch=old))
    assert not store.save(example_state("exec_1", seq=0, epoch=old, status="failed"))
    assert store.read("exec_1", 1) == [example_frame(1, epoch=old)]


@pytest.mark.slow
def test_of_processes_that_race_for_a_lease_one_gets_it(tmp_path: Path) -> None:
    """They make the file and its tables at the same moment, too."""
    answers = run_beside("sqlite", f"sqlite://{tmp_path}/new/a.db", 4)
    assert sorted(answers) == ["1", "None", "None", "None"]


def test_it_waits_for_another_that_makes_the_file(tmp_path: Path) -> None:
    """SQLite waits for who writes, but not where the log is asked for the first time."""
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    threading.Timer(0.2, other.execute, ["rollback"]).start()
    assert SqliteStateStore(tmp_path / "a.db").acquire("Sync", "here", 30) == 1
    other.close()


def test_who_looks_sees_which_runs_are_dead(tmp_path: Path) -> None:
    check_dead(Place(tmp_path, "sqlite", f"sqlite://{tmp_path}/state.db"))


def test_an_execution_goes_on_from_the_file_alone(tmp_path: Path) -> None:
    check_life(Place(tmp_path, "sqlite", f"sqlite://{tmp_path}/state%20of%20ours.db"))
    assert (tmp_path / "state of ours.db").exists()
    gc.collect()
    assert not (tmp_path / "state of ours.db-wal").exists(), "one file when nobody uses it"


def test_a_path_may_be_relative(tmp_path: Path) -> None:
    assert Place(tmp_path, "sqlite", "sqlite://ours/state.db").run().code == 0
    assert (tmp_path / "ours/state.db").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the state store 'sqlite' needs to know where it is"),
        ("/srv/state.db", "REQON_STATE_URL is no URL"),
        ("mysql://user:verysecret@host/x", "a 'mysql' URL, which leads to no state store"),
        ("sqlite:///", "REQON_STATE_URL cannot be used: it names no file"),
        ("sqlite://:memory:", "REQON_STATE_URL cannot be used: it names no file"),
        ("sqlite:///a.db?mode=ro", "it takes no options after the path"),
        ("sqlite://FOLDER", "cannot be opened: Is a directory"),
        ("sqlite://FOLDER/counting.vague", "file is not a database"),
        ("sqlite://FOLDER/counting.vague/a.db", "cannot be opened: "),
        ("sqlite://FOLDER/later.db", "have version 9, this Reqon knows 1"),
    ],
)
def test_a_url_that_leads_nowhere(tmp_path: Path, url: str, words: str) -> None:
    url = url.replace("FOLDER", str(tmp_path))
    place = Place(tmp_path, "sqlite", url)
    with sqlite3.connect(tmp_path / "later.db") as db:
        db.execute("create table reqon_schema (version integer not null)")
        db.execute("insert into reqon_schema values (9)")
    db.close()
    for command in ("counting.vague", "counting.vague --resume", "history --state-store sqlite"):
        said = place.refused(*command.split())
        assert words in said
        assert "verysecret" not in said
    assert not list(tmp_path.glob(".vague-data/execution/*"))


def test_the_checker_knows_the_name() -> None:
    assert check_source(COUNTING.replace("STORE", "sqlite"), "counting.vague").diagnostics == ()


def test_a_url_of_a_drive_is_a_path() -> None:
    assert isinstance(open_store("sqlite:///C:/state/reqon.db"), SqliteStateStore)
