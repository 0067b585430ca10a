"""Executions that are copied, and copies that die: at a file operation, or at a call of the store.

past = make_past(folder)                   # completed, failed twice, killed; and what came of it
push(past.first, store)
with pytest.raises(Died): pull(paths, store, DyingDisk(7))
"""

from __future__ import annotations

import asyncio
import copy
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cli.service import Answer, Service, serving
from reqon import ExecutionResult, MemoryStateStore, execute
from reqon.clock import SystemClock
from reqon.journal.copying import CopyReport, Places, Pull, Push, taken
from reqon.journal.disk import Disk
from reqon.journal.folders import prepare_folders
from reqon.settings import load_settings
from reqon.state.paths import StatePaths
from reqon.state.reader import StateReader
from reqon.state_stores.careful import CarefulStore
from support.crash_disk import Died

PROGRAM = """
mission Parts {
  source API { auth: none, base: env("API_URL") }
  store parts: file("parts")
  action Fetch {
    get "/parts" { since: lastSync }
    for item in response checkpoint every 10 {
      for bad in (item.id == env("BAD", "") ? "bad" : []) { store bad -> parts { key: .id } }
      store { id: item.id, text: item.text } -> parts { key: .id }
    }
  }
  action Mark { store { id: "mark" } -> parts { key: .id } }
  run Fetch then Mark
}
"""
OTHER = """
mission Other {
  store words: file("words")
  action Say { store { id: "word" } -> words { key: .id } }
  run Say
}
"""
MISSIONS = ("Other", "Parts")
PARTS = [{"id": f"p{n}", "text": "x" * 9_000} for n in range(60)]

_KILLED = """
import os, signal, sys
from reqon import execute

def on_action_start(action):
    if action == "Mark":
        os.kill(os.getpid(), signal.SIGKILL)

folder, url, program = sys.argv[1:]
execute(program, env={"API_URL": url}, state_dir=folder,
        progress_callbacks={"on_action_start": on_action_start})
"""


class LateClock(SystemClock):
    """The system's clock, set forward."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class KeepingStore(MemoryStateStore):
    """A store whose leases can be let run out."""

    def __init__(self) -> None:
        self.clock = LateClock()
        super().__init__(self.clock)

    def end_leases(self) -> None:
        self.clock.ahead += timedelta(minutes=1)


class Parts:
    """The service: once `settled`, nothing is newer than the time of any sync."""

    def __init__(self) -> None:
        self.settled = False
        self._answer = Answer(PARTS, before=self._choose)
        self._service: Service | None = None

    @property
    def url(self) -> str:
        assert self._service is not None, "used within `serve`"
        return self._service.address

    @contextmanager
    def serve(self) -> Iterator[Self]:
        with serving(parts=self._answer) as self._service:
            yield self

    def _choose(self) -> None:
        assert self._service is not None, "it asks"
        is_synced = "since=" in self._service.asked[-1]
        self._answer.body = [] if self.settled and is_synced else PARTS

    def run(self, paths: StatePaths, text: str = PROGRAM, **options: Any) -> ExecutionResult:
        """Run a mission in a folder; `bad` is the id of a part that fails."""
        env = {"API_URL": self.url, "BAD": options.pop("bad", "")}
        return execute(text, env=env, state_dir=paths.root, **options)


@dataclass(frozen=True)
class Past:
    """A folder when the newest execution of `Parts` was just killed, and when it had gone on.

    `stores` hold, by kind, the first, and then the later as well; `behind` is a copy of the first.
    """

    parts: Parts
    first: StatePaths
    later: StatePaths
    stores: dict[str, tuple[KeepingStore, KeepingStore]]
    behind: StatePaths
    empty: StatePaths


def make_past(folder: Path, parts: Parts) -> Past:
    """The folders, with all kinds of executions."""
    names = ("first", "later", "behind", "empty")
    first, later, behind, empty = (StatePaths(folder / name) for name in names)
    empty.root.mkdir()
    parts.run(first, OTHER)
    assert parts.run(first).status == "completed"
    failed = parts.run(first, bad="p30")
    assert parts.run(first, bad="p45", resume=True).execution_id == failed.execution_id
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(first.root), parts.url, PROGRAM], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    shutil.copytree(first.root, later.root)
    assert parts.run(later, resume=True).status == "completed"
    assert parts.run(later, execution_id=failed.execution_id, bad="p50").status == "failed"
    parts.settled = True
    stores: dict[str, tuple[KeepingStore, KeepingStore]] = {}
    for kind, seen_as in KINDS.items():
        store = KeepingStore()
        push(first, seen_as(store))
        advanced = copy.deepcopy(store)
        push(later, seen_as(advanced))
        stores[kind] = store, advanced
    pull(behind, stores["whole"][0])
    return Past(parts, first, later, stores, behind, empty)


# ---------------------------------------------------------------- copying


def push(paths: StatePaths, store: Any, disk: Disk | None = None) -> CopyReport:
    return _copy(Push, paths, store, disk or Disk())


def pull(paths: StatePaths, store: Any, disk: Disk | None = None) -> CopyReport:
    return _copy(Pull, paths, store, disk or Disk())


def _copy(way: type[Push] | type[Pull], paths: StatePaths, store: Any, disk: Disk) -> CopyReport:
    report = CopyReport()

    async def both_missions() -> None:
        prepare_folders(paths, disk)
        for mission in MISSIONS:
            careful = CarefulStore(store, mission)
            secrets = load_settings({}, folder=paths.root).secrets
            places = Places(paths, disk, SystemClock(), secrets, careful)
            async with taken(places, mission, report) as grip:
                if grip is not None:
                    await way(places, grip, report).mission(None)

    asyncio.run(both_missions())
    return report


class DyingStore:
    """A store whose caller dies before or after its call of number `at`.

    `has` are the methods that it has beside `save` and `load`.
    """

    def __init__(self, store: Any, at: int, *, after: bool = False) -> None:
        self.store = store
        self.at = at
        self.after = after
        self.count = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.store, name)

        def call(*given: Any) -> Any:
            self.count += 1
            if self.count > self.at or (self.count == self.at and not self.after):
                raise Died
            answer = method(*given)
            if self.count == self.at:
                raise Died
            return answer

        return call


class LeastStore:
    """One that only saves, loads and lists."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self.save, self.load, self.list = whole.save, whole.load, whole.list


KINDS: dict[str, Callable[[Any], Any]] = {"whole": lambda store: store, "least": LeastStore}
"""What one sees of a store."""


# ---------------------------------------------------------------- looking at copies


def files(paths: StatePaths) -> dict[str, Any]:
    """What a folder holds, by name; not its locks."""
    return {
        str(path.relative_to(paths.root)): _content(path)
        for path in sorted(paths.root.rglob("*"))
        if path.is_file() and paths.locks not in path.parents
    }


def _content(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(data) if path.suffix == ".json" else data


def kept(store: Any) -> dict[str, Any]:
    """What a store has, by id, with its frames; not under which lease it was saved."""
    states = [copy.deepcopy(state) for state in store.list(None, None, None)]
    for state in states:
        state.pop("epoch", None)
        if hasattr(store, "read"):
            state["frames"] = list(store.read(state["executionId"], 0))
    return {state["executionId"]: state for state in states}


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The names under which something else is found."""
    return [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]


def ids(paths: StatePaths) -> list[str]:
    """The executions of a folder."""
    return sorted(state.execution_id for state in StateReader(paths.root).history())


def stored_parts(paths: StatePaths) -> set[str]:
    """The ids of the records that the mission has stored."""
    return set(json.loads((paths.stores / "parts.json").read_bytes()))
