"""A state store in a database of PostgreSQL: `REQON_STATE_URL=postgresql://user:…@host/reqon`.

Each method is one statement, and so one transaction; time is that of the server. A connection is
kept for each running event loop, and made anew when it is lost.
"""

from __future__ import annotations

import asyncio
import json
import time
import weakref
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reqon.errors import ConfigError
from reqon.state_stores.bundled import URL_VARIABLE
from reqon.state_stores.protocol import JournalFrame, State
from reqon.state_stores.tables import TABLES, VERSION, check_version

_FIRST_PATIENCE_SECONDS = 2.0
_PATIENCE_SECONDS = 8.0
"""So long a server that was there may be away: it is being started again."""

_POLL_SECONDS = 0.1
_TABLES_LOCK = 0x7265716F6E
_DEFAULTS = {
    "application_name": "reqon",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""What the URL does not say; the last ones end calls to a server that has vanished."""

_Row = tuple[Any, ...]

# The lease is locked against a new one until the statement ends: what is written by an old lease
# is there before the new one is given, or is refused.
_SAVE = """
with lease as (
  select epoch from reqon_leases where mission = %(mission)s for share
), admitted as (
  insert into reqon_executions as known (execution_id, mission, epoch)
  select %(id)s, %(mission)s, %(epoch)s
  where not exists (select 1 from lease where epoch > %(epoch)s)
  on conflict (execution_id) do update set epoch = excluded.epoch, mission = excluded.mission
  where known.epoch <= excluded.epoch
  returning execution_id
), dropped as (
  delete from reqon_frames using admitted
  where reqon_frames.execution_id = admitted.execution_id and reqon_frames.seq <= %(seq)s
)
insert into reqon_states (execution_id, mission, status, started_at, state)
select execution_id, %(mission)s, %(status)s, %(started_at)s, %(state)s from admitted
on conflict (execution_id) do update set mission = excluded.mission, status = excluded.status,
  started_at = excluded.started_at, state = excluded.state
returning 1
"""
_APPEND = """
with lease as (
  select epoch from reqon_leases where mission = (
    select mission from reqon_executions where execution_id = %(id)s) for share
), admitted as (
  insert into reqon_executions as known (execution_id, epoch)
  select %(id)s, %(epoch)s where not exists (select 1 from lease where epoch > %(epoch)s)
  on conflict (execution_id) do update set epoch = excluded.epoch
  where known.epoch <= excluded.epoch
  returning execution_id
), added as (
  insert into reqon_frames (execution_id, seq, frame)
  select execution_id, %(seq)s, %(frame)s from admitted
  on conflict do nothing
  returning 1
)
select exists (select from admitted), exists (select from added)
"""
_LIST = """
select state from reqon_states
where (%(mission)s::text is null or mission = %(mission)s)
  and (%(status)s::text is null or status = %(status)s)
order by started_at collate "C" desc, execution_id desc limit %(limit)s
"""
_DELETE = """
with frames as (delete from reqon_frames where execution_id = %(id)s),
  states as (delete from reqon_states where execution_id = %(id)s)
delete from reqon_executions where execution_id = %(id)s returning 1
"""
_ACQUIRE = """
insert into reqon_leases as known (mission, epoch, owner, ends_at)
values (%(mission)s, 1, %(owner)s, extract(epoch from clock_timestamp()) + %(seconds)s)
on conflict (mission) do update set epoch = known.epoch + 1, owner = excluded.owner,
  ends_at = extract(epoch from clock_timestamp()) + %(seconds)s
where known.owner = excluded.owner or known.ends_at <= extract(epoch from clock_timestamp())
returning epoch
"""
_RENEW = """
update reqon_leases set ends_at = extract(epoch from clock_timestamp()) + %(seconds)s
where mission = %(mission)s and epoch = %(epoch)s returning 1
"""
_RELEASE = """
update reqon_leases set ends_at = 0 where mission = %(mission)s and epoch = %(epoch)s returning 1
"""
_HOLDS = """
select 1 from reqon_leases where mission = %(mission)s and epoch = %(epoch)s
  and ends_at > extract(epoch from clock_timestamp())
"""


def open_store(url: str) -> PostgresStateStore:
    """The store of a URL as libpq takes it; what it leaves out, the `PG…` variables may say."""
    return PostgresStateStore(url)


class _Link:
    """The connection of an event loop, for one call at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.connection: AsyncConnection[_Row] | None = None

    def close(self) -> None:
        """Close it at once, whatever has become of the loop."""
        if self.connection is not None:
            self.connection.pgconn.finish()
            self.connection = None


class PostgresStateStore:
    """States, frames and leases in the tables of one database, which are made when needed."""

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            raise ValueError("it is no URL of PostgreSQL") from None
        self._parameters = {**_DEFAULTS, **{n: str(v) for n, v in given.items() if v is not None}}
        self._links: dict[asyncio.AbstractEventLoop, _Link] = {}
        self._was_open = False
        self._away_since: float | None = None
        weakref.finalize(self, _close_all, self._links)

    async def save(self, state: State) -> bool:
        """Keep it, unless a later lease has the mission or has written the execution."""
        saved = await self._ask(
            _SAVE,
            id=state["executionId"],
            mission=state["mission"],
            epoch=state.get("epoch", 0),
            seq=state.get("seq", 0),
            status=state["status"],
            started_at=state["startedAt"],
            state=json.dumps(state),
        )
        return bool(saved)

    async def load(self, execution_id: str) -> State | None:
        """The state."""
        found = await self._ask(
            "select state from reqon_states where execution_id = %(id)s", id=execution_id
        )
        return json.loads(found[0][0]) if found else None

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """Newest first."""
        found = await self._ask(_LIST, mission=mission, limit=limit, status=status)
        return [json.loads(text) for (text,) in found]

    async def delete(self, execution_id: str) -> None:
        """Forget it."""
        await self._ask(_DELETE, id=execution_id)

    async def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Keep a frame; refuse a number that another one has, and an earlier lease."""
        ((is_admitted, is_added),) = await self._ask(
            _APPEND,
            id=execution_id,
            epoch=frame.get("epoch", 0),
            seq=seq,
            frame=json.dumps(frame),
        )
        if is_added or not is_admitted:
            return is_added
        known = await self._ask(
            "select frame from reqon_frames where execution_id = %(id)s and seq = %(seq)s",
            id=execution_id,
            seq=seq,
        )
        return [json.loads(text) for (text,) in known] == [frame]

    async def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        found = await self._ask(
            "select frame from reqon_frames where execution_id = %(id)s and seq >= %(seq)s "
            "order by seq",
            id=execution_id,
            seq=from_seq,
        )
        return [json.loads(text) for (text,) in found]

    async def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        lent = await self._ask(_ACQUIRE, mission=mission, owner=owner, seconds=seconds)
        return lent[0][0] if lent else None

    async def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        return bool(await self._ask(_RENEW, mission=mission, epoch=epoch, seconds=seconds))

    async def release(self, mission: str, epoch: int) -> None:
        """Take it back; the epoch stays known."""
        await self._ask(_RELEASE, mission=mission, epoch=epoch)

    async def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts."""
        return bool(await self._ask(_HOLDS, mission=mission, epoch=epoch))

    async def _ask(self, statement: LiteralString, **values: Any) -> Sequence[_Row]:
        """The rows that a statement gives."""
        link = self._link()
        async with link.lock:
            if link.connection is None or link.connection.closed:
                link.connection = await self._connected()
            try:
                cursor = await link.connection.execute(statement, values)
                return await cursor.fetchall() if cursor.description else ()
            except psycopg.Error as error:
                if isinstance(error, psycopg.OperationalError):
                    link.close()
                raise type(error)(_in_a_line(error)) from None

    def _link(self) -> _Link:
        """That of the running loop; those of loops that have ended are closed."""
        for loop in [loop for loop in list(self._links) if loop.is_closed()]:
            self._links.pop(loop).close()
        return self._links.setdefault(asyncio.get_running_loop(), _Link())

    async def _connected(self) -> AsyncConnection[_Row]:
        """A connection to a database that has the tables.

        ConfigError where there has never been one; what libpq says where one was lost.
        """
        patience = _PATIENCE_SECONDS if self._was_open else _FIRST_PATIENCE_SECONDS
        while True:
            try:
                connection = await self._connect()
            except psycopg.Error as error:
                now = time.monotonic()
                self._away_since = self._away_since or now
                if _may_pass(error) and now < self._away_since + patience:
                    await asyncio.sleep(_POLL_SECONDS)
                    continue
                if self._was_open:
                    raise type(error)(_in_a_line(error)) from None
                raise self._problem(error) from None
            except ConfigError as error:
                if self._was_open:  # a run is under way, and can be resumed
                    raise RuntimeError(error.message) from None
                raise
            self._was_open, self._away_since = True, None
            return connection

    async def _connect(self) -> AsyncConnection[_Row]:
        connection = await AsyncConnection.connect(
            make_conninfo("", **self._parameters),
            autocommit=True,
            prepare_threshold=None,  # a pooler between us and the server may not know them
        )
        try:
            await self._make_tables(connection)
        except BaseException:
            connection.pgconn.finish()
            raise
        return connection

    async def _make_tables(self, connection: AsyncConnection[_Row]) -> None:
        """Make them where they are missing: a role that only uses them need not be able to."""
        found = await connection.execute("select to_regclass('reqon_schema')::text")
        if await found.fetchone() == (None,):
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(%s)", [_TABLES_LOCK])
                for statement in TABLES:
                    await connection.execute(statement)
                await connection.execute(
                    "insert into reqon_schema select %s "
                    "where not exists (select 1 from reqon_schema)",
                    [VERSION],
                )
        version = await connection.execute("select max(version) from reqon_schema")
        row = await version.fetchone()
        check_version(row[0] if row and row[0] else 0, f"'{self._place}'")

    @property
    def _place(self) -> str:
        """Where the database is, without user and password."""
        given = self._parameters
        host = given.get("host") or given.get("hostaddr") or ""
        port = f":{given['port']}" if "port" in given else ""
        return f"{host}{port}/{given.get('dbname', '')}"

    def _problem(self, error: psycopg.Error) -> ConfigError:
        return ConfigError(
            f"the state store at '{self._place}' cannot be used: {_in_a_line(error)}",
            hint=f"{URL_VARIABLE} says where it is; the server must run, the user and the "
            "database must be there",
        )


def _close_all(links: dict[asyncio.AbstractEventLoop, _Link]) -> None:
    for link in links.values():
        link.close()


def _may_pass(error: psycopg.Error) -> bool:
    """Whether the server does not answer, or is just starting or stopping."""
    text = str(error)
    is_down = isinstance(error, psycopg.OperationalError) and "FATAL" not in text
    return is_down or "the database system is" in text


def _in_a_line(error: psycopg.Error) -> str:
    """What it says, without the hints of the lines below."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(lines[0].split())
