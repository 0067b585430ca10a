"""`stateStore: redis` with a real server: the kit, races, wrong settings."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from reqon.cli.main import cli
from reqon.state_stores.protocol import StateStore
from reqon.state_stores.redis import RedisStateStore, open_store
from reqon.testing import check_state_store, example_frame, example_state
from support.bundled_stores import Place, check_dead
from support.redis import PASSWORD, RedisServer

pytestmark = pytest.mark.slow

PROGRAM = """mission Counting {
  stateStore: redis
  store numbers: file("numbers")
  action Count {
    for n in range(1, 9) {
      store { id: toString(n) } -> numbers { key: .id }
    }
  }
  run Count
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


numbers = itertools.count()


def fresh(server: RedisServer) -> RedisStateStore:
    """A store in which there is nothing."""
    return open_store(f"{server.url}?prefix=test-{os.getpid()}-{next(numbers)}:")


# ---------------------------------------------------------------- what each store must do


def test_it_does_all_that_a_store_may_do(server: RedisServer) -> None:
    def made() -> StateStore:
        return fresh(server)

    check_state_store(made)


def test_who_looks_sees_which_runs_are_dead(tmp_path: Path, server: RedisServer) -> None:
    url = f"{server.url}?prefix=test-{os.getpid()}-{next(numbers)}:"
    check_dead(Place(tmp_path, "redis", url))


def test_values_come_back_exactly(server: RedisServer) -> None:
    store = fresh(server)
    values = [1, 1.0, -0.0, 2**70, 1e300, 0.1, "\u0000", "\ud800", "☃", [], {}, None, True]
    state = example_state("exec_1", values=values)
    frame = example_frame(8, values=values)

    async def there_and_back() -> None:
        await store.save(state)
        await store.append("exec_1", 8, frame)
        assert repr(await store.load("exec_1")) == repr(state)
        assert repr(await store.read("exec_1", 1)) == repr([frame])

    asyncio.run(there_and_back())


def test_one_object_serves_one_loop_after_the_other(server: RedisServer) -> None:
    store = fresh(server)
    for number in range(3):
        asyncio.run(_save(store, f"exec_{number}"))
    found = asyncio.run(_list(store))
    assert sorted(found) == ["exec_0", "exec_1", "exec_2"]
    with server.client() as client:
        assert client.info("clients")["connected_clients"] == 1, "connections are closed"


async def _save(store: RedisStateStore, execution_id: str) -> None:
    assert await store.save(example_state(execution_id))


async def _list(store: RedisStateStore) -> list[str]:
    return [state["executionId"] for state in await store.list(None, None, None)]


async def test_a_history_of_many_and_one_of_another_prefix(server: RedisServer) -> None:
    store, other = fresh(server), fresh(server)
    for number in range(90):
        started = f"2031-05-06T07:{number // 60:02}:{number % 60:02}Z"
        await store.save(example_state(f"exec_{number}", startedAt=started))
    ids = await _list(store)
    assert ids == [f"exec_{number}" for number in reversed(range(90))]
    assert await _list(other) == []


async def test_a_run_that_was_asleep_writes_nothing_once_the_mission_is_lent_again(
    server: RedisServer,
) -> None:
    store = fresh(server)
    old = await store.acquire("Sync", "here", 30)
    assert old is not None
    await store.save(example_state("exec_1", seq=0, epoch=old))
    await store.release("Sync", old)
    new = await store.acquire("Sync", "there", 30)
    assert new is not None
    assert await store.append("exec_1", 1, example_frame(1, epoch=old)) is False
    assert await store.save(example_state("exec_1", epoch=old)) is False
    assert await store.append("exec_1", 1, example_frame(1, epoch=new)) is True


async def test_epochs_go_on_growing_where_the_server_lost_its_memory(
    own_server: RedisServer,
) -> None:
    store = fresh(own_server)
    before = await store.acquire("Sync", "here", 30)
    with own_server.client() as client:
        client.flushall()
    after = await store.acquire("Sync", "there", 30)
    assert before is not None
    assert after is not None
    assert after > before
    assert await store.renew("Sync", before, 30) is False


async def test_frames_behind_a_loss_are_refused(own_server: RedisServer) -> None:
    """The server comes back without the last that it had acknowledged."""
    store = fresh(own_server)
    epoch = await store.acquire("Sync", "here", 30)
    await store.save(example_state("exec_1", seq=0, epoch=epoch))
    assert await store.append("exec_1", 1, example_frame(1, epoch=epoch))
    size = own_server.log.stat().st_size
    assert await store.append("exec_1", 2, example_frame(2, epoch=epoch))
    own_server.stop()
    os.truncate(own_server.log, size)
    own_server.start()
    with pytest.raises(RuntimeError, match="has lost data"):
        await store.append("exec_1", 3, example_frame(3, epoch=epoch))
    assert await store.append("exec_1", 2, example_frame(2, epoch=epoch))


# ---------------------------------------------------------------- races

RACE = """
import asyncio, sys
from reqon.state_stores.redis import open_store

async def main():
    store = open_store(sys.argv[1])
    for mission in sys.stdin:
        print(await store.acquire(mission, sys.argv[2], 60), flush=True)

asyncio.run(main())
"""


def test_of_two_processes_one_gets_each_lease(server: RedisServer) -> None:
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", RACE, f"{server.url}?prefix=race:"]
    with (
        subprocess.Popen([*command, "here"], **pipe) as here,
        subprocess.Popen([*command, "there"], **pipe) as there,
    ):
        for number in range(200):
            for process in (here, there):
                process.stdin.write(f"Mission{number}\n")
                process.stdin.flush()
            answers = [process.stdout.readline().strip() for process in (here, there)]
            assert answers.count("None") == 1, answers
            assert "" not in answers


# ---------------------------------------------------------------- what is wrong is said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the state store 'redis' needs to know where it is"),
        ("localhost:6379", "REQON_STATE_URL is no URL"),
        ("mysql://me:{password}@localhost/db", "is a 'mysql' URL"),
        ("redis://:{password}:1/2@localhost:6379/0", "in a password '@' is written as %40"),
        ("redis://:{password}/2@localhost:6379/0", "in a password '@' is written as %40"),
        ("redis://:{password}#1@localhost:6379/0", "in a password '@' is written as %40"),
        ("redis://:{password}?1@localhost:6379/0", "in a password '@' is written as %40"),
        ("redis:///0", "it has no host that can be read"),
        ("redis://:{password}@localhost:6379/state", "the number of the database, such as /0"),
        ("redis://:{password}@localhost:6379/0?colour=red", "behind '?' it may have prefix, db,"),
        ("redis://:{password}@localhost/0?ssl_ca_certs=a.pem", "an option behind '?' does not fit"),
        ("redis://:{password}@127.0.0.1:1/0", "Redis at 127.0.0.1:1 cannot be reached"),
        ("redis://:{password}@nowhere.invalid", "Redis at nowhere.invalid:6379 cannot be reached"),
        ("redis://:not-{password}@127.0.0.1:{port}/0", "refuses this user or password"),
        ("redis://127.0.0.1:{port}/0", "refuses this user or password"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(
    tmp_path: Path, server: RedisServer, url: str, words: str
) -> None:
    url = url.format(password=PASSWORD, port=server.port)
    (tmp_path / "counting.vague").write_text(PROGRAM)
    with contextlib.chdir(tmp_path):
        ended = CliRunner().invoke(cli, ["counting.vague"], env={"REQON_STATE_URL": url})
    said = " ".join(ended.output.split())
    assert ended.exit_code == 3, said
    assert words in said
    assert "help:" in said
    assert PASSWORD not in said
    assert "Traceback" not in said
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]
