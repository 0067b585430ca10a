"""Executions copied from one kind of state store to another, through real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import postgres, redis
from support.copy_desk import MANY, Desk, nothing

pytestmark = pytest.mark.slow

KINDS = ("redis", "postgres", "sqlite")


class Servers:
    """Where a store of each kind is; an empty one for each name that is asked for."""

    def __init__(self, sql: postgres.Postgres, keys: redis.RedisServer) -> None:
        self._sql = sql
        self._keys = keys

    def url(self, kind: str, folder: Path) -> str:
        if kind == "sqlite":
            return f"sqlite://{folder}/elsewhere/state.db"
        if kind == "postgres":
            return self._sql.new_schema()
        return f"{self._keys.url}?prefix={folder.name}:"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with (
        postgres.server() as sql,
        redis.RedisServer(tmp_path_factory.mktemp("servers")) as keys,
    ):
        yield Servers(sql, keys)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_where_the_disk_was_empty(
    tmp_path: Path, servers: Servers, kind: str
) -> None:
    desk = Desk(tmp_path, kind, servers.url(kind, tmp_path))
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
    assert desk.copy("pull")["copied"] == pushed["copied"]
    assert nothing(desk.copy("pull"))
    assert nothing(desk.copy("push"))
    resumed = desk.run("--resume-only", **MANY)
    assert resumed.code == 0, resumed
    assert desk.numbers() == expected


@pytest.mark.parametrize(("source", "target"), [(a, b) for a in KINDS for b in KINDS if a != b])
def test_what_a_run_kept_in_one_store_goes_on_in_another(
    tmp_path: Path, servers: Servers, source: str, target: str
) -> None:
    """Leases of Redis count by its clock, those of the others from 1."""
    desk = Desk(tmp_path, source, servers.url(source, tmp_path))
    desk.keep_elsewhere()
    desk.kill_one()
    desk.wipe()
    (execution,) = desk.copied("pull")
    desk.move_to(target, servers.url(target, tmp_path))
    desk.keep_elsewhere()
    assert desk.copied("push") == [execution]
    desk.wipe()
    resumed = desk.run("--resume-only", **MANY)
    assert resumed.code == 0, resumed
    assert desk.numbers().keys() == {str(n) for n in range(1, int(MANY["UP_TO"]) + 1)}
