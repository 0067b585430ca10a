"""Real `reqon` processes that are started, watched and killed from outside.

    with Process(["run", str(program)], folder, env) as process:
        process.kill_when(lambda: world.n_requests > 7)
        ended = process.wait()

Nothing here reaches into a process: it is seen by its exit code, its output and its state folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

REQON = [sys.executable, "-m", "reqon"]
KILLED = -signal.SIGKILL
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: the signal), and what it said."""

    code: int
    output: str
    errors: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.output}{self.errors}"


class Process:
    """One command in a folder; killed at the end of the `with` if it still runs."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        *,
        around: Sequence[str] = (),
    ) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [*around, *REQON, *arguments],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: float = 240) -> Ended:
        """Wait for its end."""
        output, errors = self._process.communicate(timeout=seconds)
        return Ended(self._process.returncode, output, errors)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def signal_when(self, number: int, due: Callable[[], bool]) -> None:
        """Send a signal as soon as something is the case, unless the process ends before."""
        while self.runs and not due():
            time.sleep(_POLL_SECONDS)
        if self.runs:
            self.signal(number)

    def signal_after(self, number: int, seconds: float) -> None:
        """Send a signal so long after the start."""
        end = self.started + seconds
        self.signal_when(number, lambda: time.monotonic() >= end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.runs:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


def reqon(arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> Ended:
    """Run a command to its end."""
    with Process(arguments, folder, env) as process:
        return process.wait()
