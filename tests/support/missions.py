"""Small missions for tests of the engine: a program in a folder, a service, a run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reqon.engine.run import RunControl, RunOptions, RunResult, run_mission
from reqon.events.model import Stamped
from reqon.settings import Settings
from support.fake_api import FakeApi
from support.run_spec import read
from vague.program import Program


@dataclass
class Watcher:
    """A sink that remembers what it saw."""

    seen: list[Stamped] = field(default_factory=list)

    async def receive(self, stamped: Stamped) -> None:
        self.seen.append(stamped)

    @property
    def kinds(self) -> list[str]:
        return [type(stamped.event).__name__ for stamped in self.seen]

    def of(self, kind: type[Any]) -> list[Any]:
        return [stamped.event for stamped in self.seen if isinstance(stamped.event, kind)]


@dataclass
class Lab:
    """A folder with programs and state, and a service; `env("API")` is its address."""

    folder: Path
    api: FakeApi
    environ: dict[str, str] = field(default_factory=dict)
    watcher: Watcher = field(default_factory=Watcher)

    @property
    def state(self) -> Path:
        return self.folder / ".vague-data"

    def program(self, text: str, name: str = "mission.vague") -> Program:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return read(path)

    async def run(
        self,
        text: str,
        *,
        control: RunControl | None = None,
        sinks: list[Any] | None = None,
        **options: Any,
    ) -> RunResult:
        program = self.program(text)
        settings = Settings({"API": self.api.url, **self.environ})
        given = RunOptions(state_dir=self.state, settings=settings, **options)
        watchers = [self.watcher] if sinks is None else sinks
        return await run_mission(program, program.missions[-1].name, given, watchers, control)

    def store(self, name: str) -> list[Any]:
        path = self.state / "stores" / f"{name}.json"
        return list(json.loads(path.read_text()).values()) if path.exists() else []

    def records(self) -> list[dict[str, Any]]:
        folder = self.state / "execution"
        return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]

    def texts(self) -> str:
        """Everything that was written, as one text."""
        files = [path for path in self.state.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Lab]:
    """A lab with a running service."""
    async with FakeApi() as api:
        yield Lab(folder, api)
