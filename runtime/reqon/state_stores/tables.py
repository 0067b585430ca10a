"""The tables of the state stores in SQL databases, the same in each of them.

States and frames are JSON as text, so that every number and every character comes back as it was.
`reqon_executions` holds the newest epoch that has written an execution, `reqon_leases` the newest
that a mission was lent under; `ends_at` is in seconds since 1970, by the database's own clock.
"""

from __future__ import annotations

from typing import LiteralString

from reqon.errors import ConfigError

VERSION = 1

TABLES: tuple[LiteralString, ...] = (
    "create table if not exists reqon_schema (version integer not null)",
    "create table if not exists reqon_executions ("
    "execution_id text primary key, mission text, epoch bigint not null)",
    "create table if not exists reqon_states ("
    "execution_id text primary key, mission text not null, status text not null, "
    "started_at text not null, state text not null)",
    "create table if not exists reqon_frames ("
    "execution_id text not null, seq bigint not null, frame text not null, "
    "primary key (execution_id, seq))",
    "create table if not exists reqon_leases ("
    "mission text primary key, epoch bigint not null, owner text not null, "
    "ends_at double precision not null)",
)
"""Made in one transaction, after which `reqon_schema` gets its row."""


def check_version(found: int, where: str) -> None:
    """Raise ConfigError for tables that a later Reqon has made."""
    if found > VERSION:
        raise ConfigError(
            f"the tables of Reqon in {where} have version {found}, this Reqon knows {VERSION}",
            hint="install the newer Reqon here too, or keep the states in another database",
        )
