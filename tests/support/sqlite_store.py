"""A state store as a user would write one: a table for each of states, frames and leases."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists states (
  id text primary key, mission text, status text, started text, epoch integer, state text);
create table if not exists frames (
  id text, seq integer, epoch integer, frame text, primary key (id, seq));
create table if not exists leases (
  mission text primary key, epoch integer, owner text, ends real);
"""


class SavingTable:
    """The least that a store needs."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(SCHEMA)

    def save(self, state: dict[str, Any]) -> bool:
        row = (
            state["executionId"],
            state["mission"],
            state["status"],
            state["startedAt"],
            state.get("epoch", 0),
            json.dumps(state),
        )
        done = self.db.execute(
            "insert into states values (?, ?, ?, ?, ?, ?) on conflict (id) do update set "
            "status = excluded.status, epoch = excluded.epoch, state = excluded.state "
            "where states.epoch <= excluded.epoch",
            row,
        )
        return done.rowcount == 1

    def load(self, execution_id: str) -> dict[str, Any] | None:
        row = self.db.execute("select state from states where id = ?", [execution_id]).fetchone()
        return None if row is None else json.loads(row[0])


class ListingTable(SavingTable):
    """With a history."""

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> list[dict[str, Any]]:
        rows = self.db.execute(
            "select state from states where (?1 is null or mission = ?1) "
            "and (?2 is null or status = ?2) order by started desc limit ?3",
            [mission, status, -1 if limit is None else limit],
        )
        return [json.loads(text) for (text,) in rows]

    async def delete(self, execution_id: str) -> None:
        for table in ("frames", "states"):
            self.db.execute(f"delete from {table} where id = ?", [execution_id])


class WholeTable(ListingTable):
    """With frames and leases too."""

    def append(self, execution_id: str, seq: int, frame: dict[str, Any]) -> bool:
        text = json.dumps(frame)
        self.db.execute(
            "insert into frames select ?1, ?2, ?3, ?4 where not exists "
            "(select 1 from states where id = ?1 and epoch > ?3) on conflict do nothing",
            [execution_id, seq, frame.get("epoch", 0), text],
        )
        found = self.db.execute(
            "select frame from frames where id = ? and seq = ?", [execution_id, seq]
        ).fetchone()
        return found is not None and found[0] == text

    def read(self, execution_id: str, from_seq: int) -> list[dict[str, Any]]:
        rows = self.db.execute(
            "select frame from frames where id = ? and seq >= ? order by seq",
            [execution_id, from_seq],
        )
        return [json.loads(text) for (text,) in rows]

    def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        row = self.db.execute(
            "insert into leases values (?1, 1, ?2, ?4) on conflict (mission) do update set "
            "epoch = epoch + 1, owner = excluded.owner, ends = excluded.ends "
            "where leases.owner = ?2 or leases.ends <= ?3 returning epoch",
            [mission, owner, time.time(), time.time() + seconds],
        ).fetchone()
        return None if row is None else row[0]

    def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        return self._ends(mission, epoch, time.time() + seconds)

    def release(self, mission: str, epoch: int) -> None:
        self._ends(mission, epoch, 0)

    def _ends(self, mission: str, epoch: int, at: float) -> bool:
        done = self.db.execute(
            "update leases set ends = ? where mission = ? and epoch = ?", [at, mission, epoch]
        )
        return done.rowcount == 1


TABLES: dict[str, type[SavingTable]] = {
    "saving": SavingTable,
    "listing": ListingTable,
    "whole": WholeTable,
}


def made() -> SavingTable:
    """The table that the environment names; what the entry point leads to."""
    return TABLES[os.environ["TEST_TABLE"]](Path(os.environ["TEST_TABLE_FILE"]))


def install(folder: Path, table: str, file: Path) -> dict[str, str]:
    """Make `stateStore: table` known to processes with the environment that is given back."""
    info = folder / "tables-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tables\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[reqon.state_stores]\ntable = support.sqlite_store:made\n"
        "broken = support.sqlite_store:missing\nnothing = support.sqlite_store:SCHEMA\n"
    )
    tests = Path(__file__).resolve().parents[1]
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{tests}",
        "TEST_TABLE": table,
        "TEST_TABLE_FILE": str(file),
    }
