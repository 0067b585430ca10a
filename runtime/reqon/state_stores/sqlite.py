"""A state store in a file of SQLite: `REQON_STATE_URL=sqlite:///srv/reqon/state.db`.

For all processes of one machine. Each method is one short transaction that is on the disk when it
returns; while another process writes, it waits for a few seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reqon.errors import ConfigError
from reqon.state_stores.bundled import URL_VARIABLE
from reqon.state_stores.protocol import JournalFrame, State
from reqon.state_stores.tables import TABLES, VERSION, check_version

_BUSY_SECONDS = 5.0
_BUSY_PAUSE = 0.005
_NOW = "(julianday('now') - 2440587.5) * 86400.0"

_ADMIT = """
insert into reqon_executions (execution_id, mission, epoch)
select :id, :mission, :epoch where not exists (
  select 1 from reqon_leases where epoch > :epoch and mission = coalesce(
    :mission, (select mission from reqon_executions where execution_id = :id)))
on conflict (execution_id) do update
set epoch = excluded.epoch, mission = coalesce(excluded.mission, reqon_executions.mission)
where reqon_executions.epoch <= excluded.epoch
"""
_SAVE = """
insert into reqon_states (execution_id, mission, status, started_at, state)
values (:id, :mission, :status, :started_at, :state)
on conflict (execution_id) do update set mission = excluded.mission, status = excluded.status,
  started_at = excluded.started_at, state = excluded.state
"""
_LIST = """
select state from reqon_states
where (:mission is null or mission = :mission) and (:status is null or status = :status)
order by started_at desc, execution_id desc limit :limit
"""
_ACQUIRE = f"""
insert into reqon_leases (mission, epoch, owner, ends_at)
values (:mission, 1, :owner, {_NOW} + :seconds)
on conflict (mission) do update
set epoch = reqon_leases.epoch + 1, owner = excluded.owner, ends_at = excluded.ends_at
where reqon_leases.owner = excluded.owner or reqon_leases.ends_at <= {_NOW}
returning epoch
"""  # noqa: S608 - a constant
_RENEW = f"""
update reqon_leases set ends_at = {_NOW} + :seconds where mission = :mission and epoch = :epoch
"""  # noqa: S608 - a constant
_HOLDS = f"""
select 'true' from reqon_leases where mission = :mission and epoch = :epoch and ends_at > {_NOW}
"""  # noqa: S608 - a constant


def open_store(url: str) -> SqliteStateStore:
    """The store of a URL, whose path is that of the file; without a first slash it is relative."""
    path = url.partition("://")[2]
    if "?" in path or "#" in path:
        raise ValueError("it takes no options after the path; '?' and '#' are %3F and %23 in it")
    path = unquote(path)
    if not path.strip("/") or path == ":memory:":
        raise ValueError("it names no file")
    return SqliteStateStore(path[1:] if re.match("/[A-Za-z]:/", path) and os.name == "nt" else path)


class SqliteStateStore:
    """States, frames and leases in the tables of one file, which is made when it is needed."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).absolute()
        self._lock = threading.Lock()
        self._open: list[sqlite3.Connection] = []
        self._was_open = False
        weakref.finalize(self, _close, self._open)

    def save(self, state: State) -> bool:
        """Keep it, unless a later lease has the mission or has written the execution."""
        execution_id, mission = state["executionId"], state["mission"]
        row = {
            "id": execution_id,
            "mission": mission,
            "status": state["status"],
            "started_at": state["startedAt"],
            "state": json.dumps(state),
        }
        with self._writing() as db:
            if not _admits(db, execution_id, mission, state):
                return False
            db.execute(_SAVE, row)
            db.execute(
                "delete from reqon_frames where execution_id = ? and seq <= ?",
                (execution_id, state.get("seq", 0)),
            )
        return True

    def load(self, execution_id: str) -> State | None:
        """The state."""
        found = self._texts(
            "select state from reqon_states where execution_id = :id", {"id": execution_id}
        )
        return found[0] if found else None

    def list(self, mission: str | None, limit: int | None, status: str | None) -> Sequence[State]:
        """Newest first."""
        most = -1 if limit is None else limit
        return self._texts(_LIST, {"mission": mission, "status": status, "limit": most})

    def delete(self, execution_id: str) -> None:
        """Forget it."""
        with self._writing() as db:
            for table in ("reqon_frames", "reqon_states", "reqon_executions"):
                db.execute(f"delete from {table} where execution_id = ?", (execution_id,))  # noqa: S608

    def append(self, execution_id: str, seq: int, frame: JournalFrame) -> bool:
        """Keep a frame; refuse a number that another one has, and an earlier lease."""
        with self._writing() as db:
            if not _admits(db, execution_id, None, frame):
                return False
            added = db.execute(
                "insert into reqon_frames (execution_id, seq, frame) values (?, ?, ?) "
                "on conflict do nothing",
                (execution_id, seq, json.dumps(frame)),
            )
            if added.rowcount == 1:
                return True
            (known,) = db.execute(
                "select frame from reqon_frames where execution_id = ? and seq = ?",
                (execution_id, seq),
            ).fetchone()
        return json.loads(known) == frame

    def read(self, execution_id: str, from_seq: int) -> Sequence[JournalFrame]:
        """Frames in the order of their numbers."""
        return self._texts(
            "select frame from reqon_frames where execution_id = :id and seq >= :seq order by seq",
            {"id": execution_id, "seq": from_seq},
        )

    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """Lend the mission out."""
        with self._writing() as db:
            given = {"mission": mission, "owner": owner, "seconds": seconds}
            row = db.execute(_ACQUIRE, given).fetchone()
        return None if row is None else row[0]

    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Lend it further."""
        with self._writing() as db:
            given = {"mission": mission, "epoch": epoch, "seconds": seconds}
            return db.execute(_RENEW, given).rowcount == 1

    def release(self, mission: str, epoch: int) -> None:
        """Take it back; the epoch stays known."""
        with self._writing() as db:
            db.execute(
                "update reqon_leases set ends_at = 0 where mission = ? and epoch = ?",
                (mission, epoch),
            )

    def holds(self, mission: str, epoch: int) -> bool:
        """Whether this lease lasts."""
        return bool(self._texts(_HOLDS, {"mission": mission, "epoch": epoch}))

    def _texts(self, statement: str, given: Mapping[str, Any]) -> list[Any]:
        """The values of a column of JSON; who only looks makes no file."""
        if not self._was_open and self._is_missing():
            return []
        with self._connected() as db:
            return [json.loads(text) for (text,) in db.execute(statement, given)]

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that nobody else writes beside."""
        with self._connected() as db:
            db.execute("begin immediate")
            yield db
            db.execute("commit")

    @contextlib.contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """The connection, for one thread at a time; opened anew after an error."""
        with self._lock:
            db = self._open[0] if self._open else self._opened()
            try:
                yield db
            except BaseException:
                _close(self._open)
                raise

    def _is_missing(self) -> bool:
        """Whether there is surely no file; any other trouble is told by opening it."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            pass
        return False

    def _opened(self) -> sqlite3.Connection:
        try:
            db = _connect(self._path)
        except (OSError, sqlite3.Error) as error:
            if self._was_open or _is_busy(error):
                raise
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(
                f"the state store in '{self._path}' cannot be opened: {reason}",
                hint=f"{URL_VARIABLE} says where it is: a file of SQLite, or a name for a new one",
            ) from error
        except ConfigError as error:
            if self._was_open:  # a run is under way, and can be resumed
                raise RuntimeError(error.message) from None
            raise
        self._open.append(db)
        self._was_open = True
        return db


def _connect(path: Path) -> sqlite3.Connection:
    _make_file(path)
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _use_log(db)
        db.execute("pragma synchronous = full")
        _make_tables(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _use_log(db: sqlite3.Connection) -> None:
    """Write-ahead log, kept by the file. SQLite does not wait here for others who ask the same."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > end:
                raise
        else:
            return
        time.sleep(_BUSY_PAUSE)


def _make_file(path: Path) -> None:
    """What others may not read: as in the state folder. The log beside it gets the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _make_tables(db: sqlite3.Connection, path: Path) -> None:
    db.execute("begin immediate")
    for statement in TABLES:
        db.execute(statement)
    db.execute(
        "insert into reqon_schema select ? where not exists (select 1 from reqon_schema)",
        (VERSION,),
    )
    (version,) = db.execute("select max(version) from reqon_schema").fetchone()
    check_version(version, f"'{path}'")
    db.execute("commit")


def _admits(
    db: sqlite3.Connection, execution_id: str, mission: str | None, given: Mapping[str, Any]
) -> bool:
    """Whether it comes from the newest lease, as far as one is known; notes that it has come."""
    row = {"id": execution_id, "mission": mission, "epoch": given.get("epoch", 0)}
    return db.execute(_ADMIT, row).rowcount == 1


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
