"""A real Redis server for tests, in a folder of its own, on a free port of this machine.

    with RedisServer(tmp_path) as server:
        server.url, server.restart(), server.stop()

A missing server is an error: `make test` installs it.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis

PASSWORD = "let-me-in-4711"
_START_SECONDS = 20.0


class RedisServer:
    """A server that keeps all it acknowledges, and wants a password."""

    def __init__(self, folder: Path, *settings: str) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "the tests need redis-server: scripts/system-packages.sh"
        self._folder = folder / "redis"
        self._folder.mkdir()
        self.port = _free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--dir", str(self._folder), "--requirepass", PASSWORD]
        self._command += ["--appendonly", "yes", "--appendfsync", "always", "--save", "", *settings]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it has read what it kept."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < end, (self._folder / "log").read_text()
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal; SIGKILL is a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """A crash, and a start from what lies on its disk."""
        self.stop(signal.SIGKILL)
        self.start()

    @property
    def log(self) -> Path:
        """The file with all commands that it acknowledged."""
        (found,) = self._folder.glob("appendonlydir/*.incr.aof")
        return found

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError), self.client() as client:
            return client.ping() is True
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
