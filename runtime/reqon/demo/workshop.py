"""The folder in which the tour works, and the real `reqon` processes that it starts and kills.

Nothing is simulated: a process is started like any other and killed with SIGKILL. What it wrote is
read back through the command line and from the files that it left.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reqon.demo.sample_api import Gate
from reqon.errors import ReqonError
from reqon.state.model import ExecutionState
from reqon.state.reader import StateReader

MISSION_FILE = "customer_sync.vague"
MISSION = "CustomerSync"
_START_SECONDS = 60.0
_SETTLE_SECONDS = 10.0
_LOOK_SECONDS = 0.02

Standing = Callable[[ExecutionState], bool]
"""Whether an execution stands where it should."""


class DemoError(ReqonError):
    """Something was not as the tour promised (exit code 1)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended by itself."""

    exit_code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder with the mission in it; `reqon` runs there against the service at `address`.

    `inherit_errors`: progress is drawn on the terminal; else it is collected as text.
    """

    folder: Path
    address: str
    width: int
    colored: bool
    inherit_errors: bool

    def prepare(self) -> None:
        """Put the mission into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        source = importlib.resources.files("reqon.demo") / "quickstart" / MISSION_FILE
        (self.folder / MISSION_FILE).write_text(source.read_text("utf-8"), "utf-8")

    async def run(self, *arguments: str) -> Finished:
        """Run `reqon` with these arguments to its end."""
        process = await self._start(*arguments)
        output, errors = await process.communicate()
        return Finished(process.returncode or 0, _text(output), _text(errors))

    async def run_until(self, gate: Gate, stands: Standing, *arguments: str) -> str:
        """Run `reqon` until the service holds back an answer at `gate`, then kill it.

        Returns what it had written to standard error by then. What came just before the gate is
        given the time to be committed (`stands`), so that the tour can say where the run stood.
        """
        process = await self._start(*arguments)
        ended = asyncio.ensure_future(process.communicate())
        reached = asyncio.ensure_future(gate.reached.wait())
        await asyncio.wait(
            {ended, reached}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not gate.reached.is_set():
            reached.cancel()
            if not ended.done():
                process.kill()
            output, errors = await ended
            raise DemoError(f"the run did not come as far as expected\n{_text(errors or output)}")
        await self._settle(stands)
        process.kill()
        _, errors = await ended
        gate.opened.set()
        return _text(errors)

    async def _settle(self, stands: Standing) -> None:
        """Wait until the newest execution stands there; what is wrong for long, the tour tells."""
        reader = StateReader(self.folder / ".vague-data")
        for _ in range(round(_SETTLE_SECONDS / _LOOK_SECONDS)):
            state = reader.latest(MISSION)
            if state is not None and stands(state):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def record(self) -> dict[str, Any]:
        """The newest execution's record, as `reqon status --json` tells it."""
        finished = await self.run("status", MISSION, "--json")
        if finished.exit_code != 0:
            raise DemoError(f"'reqon status' failed\n{finished.errors}")
        return json.loads(finished.output)

    def stores(self) -> dict[str, bytes]:
        """The store files: name to content."""
        folder = self.folder / ".vague-data" / "stores"
        return {file.name: file.read_bytes() for file in sorted(folder.glob("[!.]*.json"))}

    def sync_checkpoints(self) -> dict[str, Any]:
        """What `sync-checkpoints.json` holds."""
        return json.loads((self.folder / ".vague-data" / "sync-checkpoints.json").read_bytes())

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "reqon",
            *arguments,
            cwd=self.folder,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if self.inherit_errors else asyncio.subprocess.PIPE,
        )

    def _environment(self) -> dict[str, str]:
        """This process's environment without Reqon's own variables, which would disturb."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("REQON_") and name not in ("FORCE_COLOR", "NO_COLOR")
        }
        color = {"FORCE_COLOR": "1"} if self.colored else {"NO_COLOR": "1"}
        return {**kept, **color, "COLUMNS": str(self.width), "REQON_DEMO_URL": self.address}


def expect(what: str, found: object, wanted: object) -> None:
    """Stop the tour where the facts are not as promised."""
    if found != wanted:
        raise DemoError(f"{what}: expected {wanted!r}, found {found!r}")


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
