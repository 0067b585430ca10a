"""A machine whose state is copied to a state store and back: `reqon state push` and `pull`.

desk = Desk(tmp_path)                                  # a table of sqlite_store
desk = Desk(tmp_path, "redis", server.url)             # one that comes with Reqon
desk.kill_one(); desk.copy("push"); desk.wipe(); desk.copy("pull")
"""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from support.crash_processes import KILLED, Ended, Process, reqon
from support.sqlite_store import TABLES, install

COUNTING = """mission Counting {
  store numbers: file("numbers")
  action Count {
    for n in range(1, toNumber(env("UP_TO", "9"))) checkpoint every 20 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) {
        store bad -> numbers { key: .id }
      }
      store { id: toString(n), token: env("API_TOKEN", "none") } -> numbers { key: .id }
    }
  }
  run Count
}
"""
STORE = ".vague-data/stores/numbers.json"
MANY = {"UP_TO": "5000"}


class Desk:
    """A machine with a program; its disk can be emptied, the state store is elsewhere.

    `store` is a table of `sqlite_store`, or one that comes with Reqon and is found at `url`.
    """

    def __init__(self, folder: Path, store: str = "whole", url: str = "") -> None:
        self.folder = folder / "desk"
        self.folder.mkdir()
        self.table = folder / "states.db"
        self.store = store
        self.env = {"REQON_STATE_URL": url}
        if store in TABLES:
            self.store = "table"
            self.env = install(folder / "plugin", store, self.table)
        (self.folder / "counting.vague").write_text(COUNTING)

    def move_to(self, store: str, url: str) -> None:
        """Use another state store from now on."""
        self.store, self.env = store, self.env | {"REQON_STATE_URL": url}

    def keep_elsewhere(self) -> None:
        """Let the mission itself name the state store."""
        named = COUNTING.replace("{\n", f"{{\n  stateStore: {self.store}\n", 1)
        (self.folder / "counting.vague").write_text(named)

    def reqon(self, *arguments: str, **env: str) -> Ended:
        return reqon(arguments, self.folder, self.env | env)

    def run(self, *arguments: str, **env: str) -> Ended:
        return self.reqon("counting.vague", *arguments, **env)

    def copy(self, way: str, *arguments: str, code: int = 0, **env: str) -> dict[str, Any]:
        """Push or pull; what it says in JSON."""
        ended = self.reqon("state", way, "--state-store", self.store, "--json", *arguments, **env)
        assert ended.code == code, ended
        assert "Traceback" not in ended.errors
        return json.loads(ended.output)

    def copied(self, way: str, *arguments: str) -> list[str]:
        return [one["executionId"] for one in self.copy(way, *arguments)["copied"]]

    def wipe(self) -> None:
        shutil.rmtree(self.folder / ".vague-data")

    def history(self) -> list[dict[str, Any]]:
        return json.loads(self.reqon("history", "--json").output)

    def numbers(self) -> Any:
        return json.loads((self.folder / STORE).read_text())

    def journals(self) -> list[Path]:
        return list(self.folder.glob(".vague-data/execution/*.journal"))

    def has_begun(self) -> bool:
        """Whether a run has committed something."""
        return any(journal.stat().st_size > 20_000 for journal in self.journals())

    def kill_one(self, **env: str) -> None:
        """A run that is killed when it has committed something."""
        with Process(["counting.vague"], self.folder, self.env | MANY | env) as process:
            process.signal_when(signal.SIGKILL, self.has_begun)
            assert process.wait().code == KILLED


def nothing(report: dict[str, Any]) -> bool:
    """Whether a copy had nothing to do, and nothing to say."""
    return not any(report[name] for name in report if name != "stateStore")
