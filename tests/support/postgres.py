"""A PostgreSQL server of the tests' own, on a port of loopback, with its files in a new folder.

    with server() as postgres:
        url = postgres.new_database()

PostgreSQL refuses to run as root; then the user `postgres` of its package runs it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PASSWORD = "open sesame/42"
_QUOTED = "open%20sesame%2F42"


class Postgres:
    """A running server; its only user is `reqon`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._numbers = itertools.count()

    def url(self, database: str = "postgres", password: str = _QUOTED) -> str:
        return f"postgresql://reqon:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"states_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.url(name)

    def new_schema(self) -> str:
        """The same, faster: a namespace in a database."""
        name = f"states_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create schema {name}".encode())
        return f"{self.url()}?options=-csearch_path%3D{name}"

    def start(self) -> None:
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def restart(self) -> None:
        self._control("restart", "-m", "fast", "-l", str(self.folder / "log"))

    def make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (self.folder, password):
                shutil.chown(path, "postgres", "postgres")
        data = str(self.folder / "data")
        auth = ["-A", "scram-sha-256", "-U", "reqon", "--pwfile", str(password)]
        self._run("initdb", "-D", data, "-N", "-E", "UTF8", "--locale", "C", *auth)

    def _control(self, verb: str, *options: str) -> None:
        self._run("pg_ctl", verb, "-w", "-s", "-D", str(self.folder / "data"), *options)

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        # Not a pipe: the server keeps what it inherits open.
        with (self.folder / "control.log").open("ab") as log:
            done = subprocess.run(
                [*as_owner, str(_programs() / program), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        said = (self.folder / "control.log").read_text(errors="replace")
        assert done.returncode == 0, f"{program} {arguments}: {said}"


@contextmanager
def server() -> Iterator[Postgres]:
    """A server that runs until the end of the `with`."""
    with tempfile.TemporaryDirectory(prefix="reqon-postgres-") as folder:
        postgres = Postgres(Path(folder))
        postgres.make()
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()


def _programs() -> Path:
    """Where PostgreSQL's programs are; Debian keeps those of a server off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    assert found or on_path, "the tests need PostgreSQL: apt-get install postgresql"
    return found[-1].parent if found else Path(on_path or "").parent


def _version(path: Path) -> float:
    return float(path.parts[-3])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
