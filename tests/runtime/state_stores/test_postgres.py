"""`stateStore: postgres` on a real server: what every store does, races, what it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from reqon.state_stores.postgres import PostgresStateStore
from reqon.testing import check_state_store, example_frame, example_state
from support.bundled_stores import COUNTING, Place, check_dead, check_life, run_beside
from support.crash_processes import reqon
from support.postgres import PASSWORD, Postgres
from vague.check_source import check_source


def test_it_does_what_a_store_does(postgres: Postgres) -> None:
    check_state_store(lambda: PostgresStateStore(postgres.new_schema()))


async def test_values_come_back_as_they_were(postgres: Postgres) -> None:
    values = {"nul": "a\0b", "lone": "\ud800", "int": 2**70, "float": 1.0, "small": 5e-324}
    url = postgres.new_schema()
    store = PostgresStateStore(url)
    await store.save(example_state("exec_1", seq=0, **values))
    await store.append("exec_1", 1, example_frame(1, **values))
    again = PostgresStateStore(url)
    for found in (await again.load("exec_1"), *await again.read("exec_1", 1)):
        assert found is not None
        assert {name: repr(found[name]) for name in values} == {
            name: repr(value) for name, value in values.items()
        }


async def test_who_lost_the_lease_adds_nothing_from_that_moment(postgres: Postgres) -> None:
    """Before the new run has read or saved anything."""
    store = PostgresStateStore(postgres.new_schema())
    old = await store.acquire("Sync", "here", 30)
    await store.save(example_state("exec_1", seq=0, epoch=old))
    assert await store.append("exec_1", 1, example_frame(1, epoch=old))
    await store.acquire("Sync", "here", 30)
    assert not await store.append("exec_1", 2, example_frame(2, epoch=old))
    assert not await store.save(example_state("exec_1", seq=0, epoch=old, status="failed"))
    assert await store.read("exec_1", 1) == [example_frame(1, epoch=old)]


def test_a_store_is_used_in_one_event_loop_after_the_other(postgres: Postgres) -> None:
    store = PostgresStateStore(postgres.new_schema())
    epochs = [asyncio.run(store.acquire("Sync", "here", 30)) for _ in range(3)]
    assert epochs == [1, 2, 3]
    with psycopg.connect(postgres.url()) as connection:
        question = "select count(*) from pg_stat_activity where application_name = 'reqon'"
        while connection.execute(question).fetchone() != (1,):
            connection.rollback()


async def test_a_role_that_may_not_make_tables_uses_those_that_are_there(
    postgres: Postgres,
) -> None:
    url = postgres.new_database()
    await PostgresStateStore(url).acquire("Sync", "here", 30)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create role clerk login password 'clerk'")
        connection.execute(
            "grant select, insert, update, delete on all tables in schema public to clerk"
        )
    clerk = PostgresStateStore(url.replace(url[13 : url.index("@")], "clerk:clerk"))
    assert await clerk.acquire("Sync", "here", 30) == 2


@pytest.mark.slow
def test_of_processes_that_race_for_a_lease_one_gets_it(postgres: Postgres) -> None:
    """They make the tables at the same moment, too."""
    answers = run_beside("postgres", postgres.new_database(), 4)
    assert sorted(answers) == ["1", "None", "None", "None"]


def test_who_looks_sees_which_runs_are_dead(tmp_path: Path, postgres: Postgres) -> None:
    check_dead(Place(tmp_path, "postgres", postgres.new_database()))


def test_an_execution_goes_on_from_the_database_alone(tmp_path: Path, postgres: Postgres) -> None:
    check_life(Place(tmp_path, "postgres", postgres.new_database()))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///a.db", "a 'sqlite' URL, which leads to no state store 'postgres'"),
        ("postgresql://reqon:sesame%ZZ@127.0.0.1/x", "it is no URL of PostgreSQL"),
        ("postgresql://reqon:sesame@127.0.0.1:PORT/states", "password authentication failed"),
        ("postgres://reqon@127.0.0.1:PORT/x?password=sesame", "password authentication failed"),
        ("postgresql://reqon:sesame@127.0.0.1:9/states", "port 9 failed: Connection refused"),
        ("postgresql://reqon:sesame@nowhere.invalid/states", "'nowhere.invalid/states' cannot be"),
        ("MISSING", 'database "missing" does not exist'),
        ("LATER", "have version 9, this Reqon knows 1"),
    ],
)
def test_a_url_that_leads_nowhere(tmp_path: Path, postgres: Postgres, url: str, words: str) -> None:
    url = url.replace("PORT", str(postgres.port))
    if url == "MISSING":
        url = postgres.url("missing")
    if url == "LATER":
        url = postgres.new_database()
        with psycopg.connect(url) as connection:
            connection.execute("create table reqon_schema as select 9 as version")
    place = Place(tmp_path, "postgres", url)
    for command in ("counting.vague", "history --state-store postgres"):
        said = place.refused(*command.split())
        assert words in said
        assert "REQON_STATE_URL" in said or "newer Reqon" in said
        assert "sesame" not in said
    assert PASSWORD not in said
    assert not list(tmp_path.glob(".vague-data/execution/*"))


@pytest.mark.slow
def test_the_package_is_missing(tmp_path: Path) -> None:
    Place(tmp_path, "postgres", "")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/psycopg.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'psycopg'\", name='psycopg')"
    )
    url = "postgresql://reqon:sesame@127.0.0.1/states"
    env = {"PYTHONPATH": str(tmp_path / "empty"), "REQON_STATE_URL": url}
    ended = reqon(["counting.vague"], tmp_path, env)
    assert ended.code == 3, ended
    said = " ".join(ended.errors.split())
    assert "'postgres' needs a package that is not installed: psycopg" in said
    assert "pip install 'reqon[postgres]'" in said


def test_the_checker_knows_the_name() -> None:
    assert check_source(COUNTING.replace("STORE", "postgres"), "counting.vague").diagnostics == ()
