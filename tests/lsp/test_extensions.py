"""What installed packages add to the language, as the editor sees it and as `reqon check` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reqon_lsp.extensions import with_words
from support.raw_client import RawClient
from vague.vocabulary import DEFAULT

pytestmark = pytest.mark.slow

PACKAGE = """
import reqon
def register():
    reqon.register_function("shout(text)", str.upper, returns="string", about="Loud words.")
    reqon.register_auth("hmac", lambda *_: None, about="Signed requests.")
    reqon.register_adapter("shelf", lambda *_: None, about="Things on a shelf.")
    reqon.register_paginator("leaf", None, parameters=("param", "size"), about="Leaf by leaf.")
    async def notify(options, context): ...
    reqon.register_step("notify", notify, about="Tells people.")
"""
TEXT = """\
mission M {
  source API { auth: hmac, base: "https://a.test" }
  store kept: shelf("kept")
  action B {
    get "/b" { paginate: leaf(n, 10) }
    store { id: shout(response.id) } -> kept { key: .id }
    notify { to: "ops" }
    let wrong = whisper("x")
  }
  run B
}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with an entry point, and an empty folder to work in."""
    site = tmp_path / "site"
    facts = site / "loud-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[reqon.extensions]\nloud = loud:register\n")
    (site / "loud.py").write_text(PACKAGE)
    monkeypatch.setenv("PYTHONPATH", str(site))
    work = tmp_path / "work"
    work.mkdir()
    (work / "m.vague").write_text(TEXT)
    return work


async def published(client: RawClient, work: Path, **options: Any) -> list[str]:
    await client.initialize(rootUri=work.as_uri(), initializationOptions=options)
    document = {
        "uri": (work / "m.vague").as_uri(),
        "languageId": "reqon",
        "version": 1,
        "text": TEXT,
    }
    client.notify("textDocument/didOpen", {"textDocument": document})
    found = await client.until(lambda one: one.get("method") == "textDocument/publishDiagnostics")
    return [one["message"].split("\n")[0] for one in found["params"]["diagnostics"]]


def place(part: str) -> dict[str, int]:
    before = TEXT[: TEXT.index(part) + 1]
    return {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}


async def test_the_editor_knows_what_the_command_line_knows(package):
    client = await RawClient.start()
    messages = await published(client, package)
    assert [message for message in messages if "'whisper'" in message]
    assert len(messages) == 2  # and the variable that nobody uses
    checked = subprocess.run(
        [sys.executable, "-m", "reqon", "check", "m.vague"],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert all(message in checked.stdout + checked.stderr for message in messages)
    document = {"uri": (package / "m.vague").as_uri()}
    for part, said in [("shout", "Loud words."), ("hmac", "Signed requests."), ("leaf", "Leaf by")]:
        at = {"textDocument": document, "position": place(part)}
        answer = await client.request(part, "textDocument/hover", at)
        assert said in str(answer["result"])
        answer = await client.request(f"{part} words", "textDocument/completion", at)
        assert part in [item["label"] for item in answer["result"]["items"]]
    assert await client.leave() == 0


async def test_no_package_is_asked_where_nothing_may_run(package):
    (package.parent / "site" / "loud.py").write_text(
        f"import pathlib; pathlib.Path({str(package)!r}, 'ran').touch()\n{PACKAGE}"
    )
    client = await RawClient.start()
    messages = await published(client, package, trusted=False)
    assert len(messages) > 2
    assert not (package / "ran").exists()
    assert await client.leave() == 0


async def test_a_package_that_fails_takes_nothing_else_along(package):
    (package.parent / "site" / "loud.py").write_text("raise RuntimeError('no')")
    client = await RawClient.start()
    messages = await published(client, package)
    assert len(messages) > 2
    assert await client.leave() == 0


@pytest.mark.parametrize(
    "told", [b"", b"{", b"[]", b"7", b'{"functions": 3, "auth_kinds": [1, null]}']
)
def test_what_cannot_be_read_adds_nothing(told):
    assert with_words(told).functions == DEFAULT.functions
    assert with_words(told).auth_kinds == DEFAULT.auth_kinds
