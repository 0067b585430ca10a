"""A `reqon` process in a terminal of its own: what it shows, and what a person types.

with Terminal(folder, "m.vague", "--debug", API=api.url) as terminal:
    terminal.ask("debug> ")                  # all that is shown up to the prompt
    terminal.type("next")
    shown, code = terminal.rest()
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Self

_COLORS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PATIENCE_SECONDS = 40.0


class Terminal:
    """A process whose input, output and errors are one pseudo-terminal, 80 columns wide."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        kept = {n: v for n, v in os.environ.items() if n not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", "reqon", *arguments],
            cwd=folder,
            env={**kept, **environment, "TERM": "xterm"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
        )
        os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def ask(self, prompt: str) -> str:
        """What is shown until the prompt stands at the end."""
        shown = ""
        while not shown.endswith(prompt):
            more = self._read()
            assert more, f"ended without a prompt: {shown}"
            shown = _plain(shown + more)
        return shown.removesuffix(prompt)

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._fd, f"{line}\n".encode())

    def press(self, key: bytes) -> None:
        """Press a key, such as Ctrl-C (`b"\\x03"`)."""
        os.write(self._fd, key)

    def rest(self) -> tuple[str, int]:
        """What is shown until the process ends, and its exit code."""
        shown = ""
        while more := self._read():
            shown += more
        return _plain(shown), self.process.wait(_PATIENCE_SECONDS)

    def _read(self) -> str:
        ready, _, _ = select.select([self._fd], [], [], _PATIENCE_SECONDS)
        assert ready, "nothing is shown any more"
        try:
            return os.read(self._fd, 1 << 16).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            return ""


def _plain(text: str) -> str:
    return _COLORS.sub("", text).replace("\r\n", "\n")
