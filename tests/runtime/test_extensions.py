"""What programs and installed packages add to the language."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import reqon
from reqon import added
from reqon.http.auth.base import AuthFlow
from reqon.http.auth.registry import AUTH
from reqon.http.messages import HttpRequest
from reqon.http.paging.base import PageAsk
from reqon.http.paging.registry import PAGINATORS
from reqon.steps.custom import CUSTOM_STEPS
from reqon.stores.registry import STORES
from reqon.values.functions.registry import FUNCTIONS
from support.fake_api import Asked, FakeApi, Reply
from support.source_tree import ROOT

PAGE = (ROOT / "docs/extending.md").read_text()
FENCES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and the registries as they were afterwards."""
    monkeypatch.chdir(tmp_path)
    tables = (AUTH, PAGINATORS, CUSTOM_STEPS, STORES, FUNCTIONS, added.functions)
    kept = [(table, dict(table)) for table in (*tables, *added.kinds.values())]
    yield tmp_path
    for table, before in kept:
        table.clear()
        table.update(before)


def run_page() -> None:
    for number, code in enumerate(FENCES):
        exec(compile(code, f"docs/extending.md:{number}", "exec"), {"__name__": "__main__"})


@pytest.mark.docs
def test_the_examples_of_the_page_run() -> None:
    assert len(FENCES) == 4
    run_page()


MISSION = """
mission Letters {{
  source Api {{ auth: signed, apiKey: "sekret99", base: "{base}" }}
  store out: file("out")
  action Do {{
    get "/items" {{ paginate: letters(page) }}
    store response -> out {{ key: mask(.id, 1) }}
  }}
}}
"""


def test_what_is_registered_works_in_missions(own_folder: Path) -> None:
    run_page()
    pages = {"a": [{"id": "x1"}], "b": [{"id": "x2"}]}

    def answer(asked: Asked) -> Reply:
        return Reply(pages.get(asked.params["page"], []))

    with FakeApi().in_thread() as api:
        api.on("GET", "/items", answer)
        result = reqon.execute(MISSION.format(base=api.url))
        asked = list(api.requests)
    assert result.status == "completed"
    assert [one.params["page"] for one in asked] == ["a", "b", "c"]
    assert {str(one.header("X-Signature"))[:3] for one in asked} == {"se:"}
    assert '"*1":' in (own_folder / ".vague-data/stores/out.json").read_text()


def test_a_name_that_is_not_registered_is_a_mistake() -> None:
    with pytest.raises(reqon.CheckError, match="mask"):
        reqon.execute('mission M { store s: memory("s") action A { store { a: mask("x") } -> s } }')


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("mask()", "RQ210"),
        ('mask("a", 1, 2)', "RQ210"),
    ],
)
def test_the_signature_is_checked(call: str, message: str) -> None:
    run_page()
    with pytest.raises(reqon.CheckError, match=message):
        reqon.execute(f'mission M {{ store s: memory("s") action A {{ store {call} -> s }} }}')


def test_a_function_that_fails_is_an_error_of_the_step() -> None:
    def fails(value: object) -> object:
        raise ValueError(f"cannot take {value}")

    reqon.register_function("fails(value)", fails)
    result = reqon.execute('mission M { store s: memory("s") action A { store fails(7) -> s } }')
    assert result.status == "failed"
    assert "'fails' failed: cannot take 7" in str(result.error)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "'gives' gives a Python 'object', which no mission can use"),
        ((1, 2), "'gives' gives a Python 'tuple'"),
        ([{"a": {1}}], "'gives' gives a Python 'set'"),
        ({1: 2}, "'gives' gives an object with a Python 'int' as a key"),
        (float("nan"), "'gives' gives the number nan"),
        (timedelta(days=1), "'gives' gives a Python 'timedelta'"),
    ],
)
def test_a_function_that_gives_no_value_is_an_error_of_the_step(value: Any, message: str) -> None:
    reqon.register_function("gives()", lambda: value)
    result = reqon.execute('mission M { store s: memory("s") action A { store gives() -> s } }')
    assert isinstance(result.error, reqon.RunError)
    assert result.error.kind == "function"
    assert str(result.error).startswith(message)


def test_what_a_function_gives_is_a_value_like_any_other(own_folder: Path) -> None:
    class Level(IntEnum):
        HIGH = 3

    zone = timezone(timedelta(hours=2))
    given = {
        "naive": datetime(2031, 5, 6, 7, 8, 9, 123456),  # noqa: DTZ001 - that is the case
        "zoned": datetime(2031, 5, 6, 9, 8, 9, tzinfo=zone),
        "level": [Level.HIGH],
    }
    reqon.register_function("given()", lambda: given)
    result = reqon.execute("""
    mission M {
      store s: file("s")
      action A {
        let g = given()
        let next = { day: g.naive + 1 day, next: g.level[0] + 1 }
        store { id: 1, ...g, order: g.naive > g.zoned, ...next } -> s
      }
    }
    """)
    assert result.status == "completed"
    stored = json.loads((own_folder / ".vague-data/stores/s.json").read_text())["1"]
    assert stored == {
        "id": 1,
        "naive": "2031-05-06T07:08:09.123Z",
        "zoned": "2031-05-06T07:08:09Z",
        "level": [3],
        "order": True,
        "day": "2031-05-07T07:08:09.123Z",
        "next": 4,
    }


async def _raises(options: Any, context: Any) -> None:
    raise LookupError("the letter box is full")


async def _puts_elsewhere(options: Any, context: Any) -> None:
    context.put("nowhere", "k", {})


async def _gets_elsewhere(options: Any, context: Any) -> Any:
    return context.get("nowhere", "k")


async def _gives_a_set(options: Any, context: Any) -> Any:
    return {"found": {1}}


async def _puts_a_set(options: Any, context: Any) -> None:
    context.put("s", "k", {"found": {1}})


async def _puts_under_a_list(options: Any, context: Any) -> None:
    context.put("s", [1], {})


@pytest.mark.parametrize(
    ("run", "kind", "message"),
    [
        (_raises, "function", "step 'odd' failed: the letter box is full"),
        (_puts_elsewhere, "config", "step 'odd' asks for the store 'nowhere'"),
        (_gets_elsewhere, "config", "step 'odd' asks for the store 'nowhere'"),
        (_gives_a_set, "function", "step 'odd' gives a Python 'set'"),
        (_puts_a_set, "function", "step 'odd' gives a Python 'set'"),
        (_puts_under_a_list, "store_key", "the key of a record must be a string"),
    ],
)
def test_a_step_that_fails_is_an_error_that_a_mission_can_catch(
    own_folder: Path, run: Any, kind: str, message: str
) -> None:
    reqon.register_step("odd", run)
    program = """
    mission M {{
      store s: file("s")
      action A {{
        match 1 {{ _ -> odd {{ a: 1 }} }} catch {{
          {{ kind: k, message: m }} -> store {{ id: k, text: m }} -> s
        }}
        {more}
      }}
    }}
    """
    assert reqon.execute(program.format(more="")).status == "completed"
    stored = json.loads((own_folder / ".vague-data/stores/s.json").read_text())
    assert list(stored) == [kind]
    assert stored[kind]["text"].startswith(message)
    failed = reqon.execute(program.format(more="odd {}"))
    assert failed.status == "failed"
    assert [error["kind"] for error in failed.state.errors] == [kind]


async def _puts_under_a_number(options: Any, context: Any) -> Any:
    context.put("s", 5, {"at": datetime(2031, 5, 6, tzinfo=UTC)})
    return context.get("s", 5)


def test_a_step_may_use_any_key_that_a_mission_may(own_folder: Path) -> None:
    reqon.register_step("odd", _puts_under_a_number)
    reqon.execute(
        'mission M { store s: file("s") action A { odd {} store response -> s { key: "r" } } }'
    )
    stored = json.loads((own_folder / ".vague-data/stores/s.json").read_text())
    assert stored == {"5": {"at": "2031-05-06T00:00:00Z"}, "r": {"at": "2031-05-06T00:00:00Z"}}


class Numbers:
    """A pagination in which each method may be made to fail."""

    def __init__(self, **results: Any) -> None:
        self.results = results

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: Any) -> Any:
            result = self.results[name]
            return result(*arguments) if callable(result) else result

        return answer


GOOD = {"start": 1, "ask": PageAsk({"p": 1}), "following": None, "is_short": True}
GOOD |= {"identity": None, "progress": {}}


@pytest.mark.parametrize(
    ("results", "kind", "message"),
    [
        *(
            ({name: lambda *_: {}["x"]}, "pagination", "pagination 'numbers' failed: 'x'")
            for name in ("start", "ask", "following")
        ),
        ({"ask": {"p": 1}}, "pagination", "pagination 'numbers' asks for a page without a 'PageA"),
        ({"following": {1, 2}}, "function", "pagination 'numbers' gives a Python 'set'"),
    ],
)
def test_a_pagination_that_fails_is_an_error_of_the_request(
    results: dict[str, Any], kind: str, message: str
) -> None:
    reqon.register_paginator("numbers", Numbers(**{**GOOD, **results}))
    with FakeApi().in_thread() as api:
        api.on("GET", "/items", [])
        result = reqon.execute(f"""
        mission M {{
          source Api {{ base: "{api.url}" }}
          action A {{ get "/items" {{ paginate: numbers(p, 5), until: page > 2 }} }}
        }}
        """)
    assert isinstance(result.error, reqon.RunError)
    assert (result.error.kind, result.error.message[: len(message)]) == (kind, message)


class Odd:
    """Credentials with a flow of their own."""

    def __init__(self, *requests: Any) -> None:
        self.requests = requests

    def flow(self, request: HttpRequest) -> AuthFlow:
        for wanted in self.requests:
            reply = yield request
            if reply.status != wanted:
                raise ValueError("that was not to be expected")


AUTHENTIC = """
mission M {{
  source Api {{ base: "{base}", auth: odd }}
  store s: file("s")
  action A {{
    get "/items"
    store response -> s
  }}
}}
"""


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (Odd(), "auth 'odd' sends no request"),
        (Odd(500), "auth 'odd' failed: that was not to be expected"),
    ],
)
def test_credentials_that_fail_are_an_error_of_the_request(auth: Odd, message: str) -> None:
    reqon.register_auth("odd", lambda source, fields: auth)
    with FakeApi().in_thread() as api:
        api.on("GET", "/items", [])
        result = reqon.execute(AUTHENTIC.format(base=api.url))
    assert isinstance(result.error, reqon.RunError)
    assert (result.error.kind, result.error.message) == ("auth", message)


def test_credentials_may_need_several_requests(own_folder: Path) -> None:
    reqon.register_auth("odd", lambda source, fields: Odd(200, 200))
    with FakeApi().in_thread() as api:
        api.on("GET", "/items", [{"id": 1}], [{"id": 2}])
        result = reqon.execute(AUTHENTIC.format(base=api.url))
        assert len(api.requests) == 2
    assert result.stores["s"].count == 1
    assert '"2":' in (own_folder / ".vague-data/stores/s.json").read_text()


def test_what_fails_before_the_run_is_a_matter_of_configuration() -> None:
    def fails(*given: Any) -> Any:
        raise OSError("out of order")

    reqon.register_auth("odd", fails)
    with pytest.raises(reqon.ConfigError, match="auth 'odd' of source 'Api' failed: out of order"):
        reqon.execute(AUTHENTIC.format(base="https://api.test"))
    reqon.register_adapter("odd", fails)
    with pytest.raises(reqon.ConfigError, match="adapter 'odd' failed for 'x': out of order"):
        reqon.execute('mission M { store s: odd("x") action A { store 1 -> s } }')


PLUGIN = """
import reqon

def register():
    {body}
"""


def plugged(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """`reqon run` of a mission with `shout`, beside an installed package `acme`."""
    site = folder / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reqon.extensions]\nacme = acme_reqon:register\n")
    (site / "acme_reqon.py").write_text(PLUGIN.format(body=body))
    (folder / "m.vague").write_text(
        'mission M { store s: file("s") action A { store { id: shout("a") } -> s } }'
    )
    return subprocess.run(
        [sys.executable, "-m", "reqon", "m.vague"],
        cwd=folder,
        env={"PYTHONPATH": str(site), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_an_installed_package_adds_its_own(own_folder: Path) -> None:
    done = plugged(own_folder, 'reqon.register_function("shout(text)", str.upper)')
    assert done.returncode == 0, done.stderr
    assert '"A"' in (own_folder / ".vague-data/stores/s.json").read_text()


@pytest.mark.slow
def test_a_package_that_fails_is_named(own_folder: Path) -> None:
    done = plugged(own_folder, 'raise RuntimeError("no license")')
    assert done.returncode == 3
    assert "the extension 'acme' of 'acme' cannot be loaded: no license" in done.stderr
    assert "Traceback" not in done.stderr
