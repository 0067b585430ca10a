"""`reqon run --debug`, in a real terminal and against a real service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Reqon
from support.fake_api import FakeApi, Reply
from support.terminal import Terminal

MISSION = """\
mission Sync {
  timeout: 1 ms
  source Api { base: env("API"), auth: bearer, token: env("API_TOKEN") }
  let REGION = "north"
  store items: file("items")
  action Fetch {
    get "/customers"
    let total = length(response)
    for item in response {
      match item {
        { id: _ } -> store item -> items { key: .id }
        _ -> skip
      }
    }
    run Sum
  }
  action Sum {
    store { id: "n", n: length(items) } -> items
  }
  run Fetch
}
"""
ITEMS = [{"id": n, "name": f"c{n}"} for n in range(30)]
PROMPT = "debug> "
SECRET = "supersecret99"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().in_thread() as api:
        api.on("GET", "/customers", Reply(ITEMS))
        yield api


def terminal(folder: Path, api: FakeApi, *more: str, text: str = MISSION) -> Terminal:
    (folder / "m.vague").write_text(text)
    return Terminal(folder, "m.vague", *more, API=api.url, API_TOKEN=SECRET)


def says(debugged: Terminal, line: str) -> str:
    """What is answered to a line; the line itself, as the terminal echoes it, left out."""
    debugged.type(line)
    return debugged.ask(PROMPT).partition("\n")[2]


def stored(folder: Path) -> list[str]:
    return list(json.loads((folder / ".vague-data" / "stores" / "items.json").read_text()))


def test_each_step_is_shown_before_it_runs(own_folder: Path, api: FakeApi) -> None:
    with terminal(own_folder, api, "--debug") as debugged:
        first = debugged.ask(PROMPT)
        assert "m.vague:7:5  Fetch\n" in first
        assert '  > 7 |     get "/customers"\n' in first
        assert not api.requests
        assert "m.vague:8:5  Fetch\n" in says(debugged, "next")
        assert len(api.requests) == 1
        says(debugged, "n")
        assert "m.vague:10:7  Fetch, item 1 of 30\n" in says(debugged, "step")
        assert "m.vague:11:22  Fetch, item 1 of 30\n" in says(debugged, "s")
        assert "m.vague:10:7  Fetch, item 2 of 30\n" in says(debugged, "next")
        assert "item 3 of 30" in says(debugged, "")
        where = says(debugged, "where")
        assert "Sync/Fetch/2/body/0" in where
        debugged.type("continue")
        shown, code = debugged.rest()
    assert code == 0
    assert "Sync completed" in shown
    assert len(stored(own_folder)) == 31


def test_values_are_looked_at_where_the_step_stands(own_folder: Path, api: FakeApi) -> None:
    with terminal(own_folder, api, "--debug") as debugged:
        debugged.ask(PROMPT)
        says(debugged, "break 11")
        says(debugged, "continue")
        assert says(debugged, "print item.name") == '"c0"\n'
        shown = says(debugged, "p { n: total + 1, id: .id, r: REGION }")
        assert json.loads(shown) == {"n": 31, "id": 0, "r": "north"}
        assert says(debugged, "p env('API_TOKEN')") == '"****"\n'
        assert "unknown name 'nope'" in says(debugged, "print nope")
        assert "expected a value, found its end" in says(debugged, "p 1 +")
        assert "warning: division by zero" in says(debugged, "p 1 / 0")
        variables = says(debugged, "variables")
        assert re.search(r'item +\{id: 0, name: "c0"\} \(an object\)', variables)
        assert re.search(r'REGION +"north"', variables)
        assert "106 more lines" in says(debugged, "response")
        assert "items  0 records" in says(debugged, "stores")
        says(debugged, "n")
        assert '"name": "c0"' in says(debugged, "stores items")
        assert "there is no store 'x'; stores are: items" in says(debugged, "st x")
        assert "there is no command 'foo'" in says(debugged, "foo")
        assert "next, n" in says(debugged, "help")
        debugged.type("quit")
        debugged.rest()


def test_the_run_stops_at_breakpoints(own_folder: Path, api: FakeApi) -> None:
    with terminal(own_folder, api, "--debug") as debugged:
        debugged.ask(PROMPT)
        assert "breakpoint 1 at action Sum" in says(debugged, "break Sum")
        assert "breakpoint 2 at m.vague:15" in says(debugged, "b m.vague:14")
        assert "no step at '99'" in says(debugged, "b 99")
        assert "no step at 'Nope'" in says(debugged, "b Nope")
        listed = says(debugged, "break")
        assert "1  action Sum" in listed
        assert "m.vague:15:5  Fetch" in says(debugged, "c")
        assert "m.vague:18:5  Sum" in says(debugged, "c")
        assert "deleted the breakpoint at action Sum" in says(debugged, "delete 1")
        debugged.type("c")
        shown, code = debugged.rest()
    assert code == 0, shown


@pytest.mark.parametrize("way", ["quit", "Ctrl-C", "Ctrl-D"])
def test_leaving_keeps_the_run_to_be_resumed(own_folder: Path, api: FakeApi, way: str) -> None:
    with terminal(own_folder, api, "--debug") as debugged:
        debugged.ask(PROMPT)
        says(debugged, "b 10")
        says(debugged, "c")
        assert "item 2 of 30" in says(debugged, "c")
        if way == "quit":
            debugged.type("q")
        else:
            debugged.press({"Ctrl-C": b"\x03", "Ctrl-D": b"\x04"}[way])
        shown, code = debugged.rest()
    assert code == 130
    assert "resume with: reqon m.vague --resume" in shown
    with terminal(own_folder, api, "--resume", "--debug") as resumed:
        assert "m.vague:9:5  Fetch\n" in resumed.ask(PROMPT)
        assert "m.vague:10:7  Fetch, item 2 of 30\n" in says(resumed, "s")
        resumed.type("c")
        assert resumed.rest()[1] == 0
    assert len(api.requests) == 1
    assert len(stored(own_folder)) == 31


def test_all_branches_stand_still_while_one_is_shown(own_folder: Path, api: FakeApi) -> None:
    text = MISSION.replace("for item in response {", "for item in response parallel 5 {")
    with terminal(own_folder, api, "--debug", text=text) as debugged:
        debugged.ask(PROMPT)
        says(debugged, "b 11")
        for _ in range(3):
            shown = says(debugged, "c")
            assert re.search(r"m\.vague:11:22  Fetch, item \d+ of 30\n", shown)
        says(debugged, "delete")
        debugged.type("c")
        assert debugged.rest()[1] == 0
    assert len(stored(own_folder)) == 31


def test_looking_does_not_change_the_run(own_folder: Path, api: FakeApi) -> None:
    with terminal(own_folder, api, "--debug") as debugged:
        debugged.ask(PROMPT)
        for line in ("p uuid()", "p generateId()", "p 1 / 0", "p length(items)"):
            says(debugged, line)
        debugged.type("c")
        shown, code = debugged.rest()
    assert code == 0
    assert "warnings" not in shown


def test_it_wants_a_terminal(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "m.vague").write_text(MISSION)
    result = reqon("m.vague", "--debug")
    assert result.exit_code == 2
    assert "--debug asks what to do before each step: run it in a terminal" in result.output
    assert "cannot be combined" in reqon("m.vague", "--debug", "--format", "json").output
