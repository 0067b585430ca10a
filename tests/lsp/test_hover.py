"""What hovering says, and of which words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reqon.state.model import SyncCheckpoint, to_state
from reqon_lsp.features.hover import hover
from reqon_lsp.last_run import LastRun
from support.cursor import NOW, at, never, past

MISSION = """\
mission Sync {
  source API { auth: none, base: "https://api.test", retry: { maxAttempts: 3 } }
  store people: file("people")
  schema Person { id: string }
  let limit = 3
  action Fetch {
    get "/people" { since: lastSync }
    for person in people where .active {
      store person -> people { key: .id }
    }
    let big = uppercase(people[0].name) | trim
  }
  run Fetch
}
"""
RECORD = {
    "executionId": "exec_1",
    "mission": "Sync",
    "startedAt": (NOW - timedelta(minutes=5)).isoformat(),
    "completedAt": NOW.isoformat(),
    "status": "completed",
    "actionsRun": ["Fetch"],
    "errors": [],
    "stores": {"people": {"count": 12, "added": 2, "updated": 1, "unchanged": 9}},
    "checkpoints": {"Fetch": {"itemsProcessed": 12}},
    "durationMs": 3200,
}
LAST = LastRun(
    to_state(RECORD, Path("r.json"), has_journal=False),
    {"API-/people": SyncCheckpoint("API-/people", NOW, 12, 12, "exec_1", "Sync")},
    {"people": [{"id": "p1", "name": "Ada", "active": True}, {"id": "p2", "name": "Alan"}]},
)


def said(text: str, last: LastRun | None = None) -> str:
    here = at(text)
    found = hover(here.snapshot, here.path, here.offset, past(last) if last else never, NOW)
    return found.text if found is not None else ""


def on(part: str, shift: int = 1) -> str:
    """The mission with the cursor in the first occurrence of a part."""
    offset = MISSION.index(part) + shift
    return f"{MISSION[:offset]}$0{MISSION[offset:]}"


@pytest.mark.parametrize(
    ("part", "shift", "parts"),
    [
        ("mission", 1, ["mission Name { … }", "unit of work"]),
        ("Sync", 1, ["mission Sync", "1 action, ", "never run"]),
        ("API", 1, ["source API {"]),
        ("auth", 1, ["**auth**", "must be an auth type"]),
        ("none", 1, ["no credentials"]),
        ("maxAttempts", 1, ["**maxAttempts**", "default"]),
        ("people:", 1, ['store people: file("people")']),
        ("Person", 1, ["schema Person { id: string }"]),
        ("string", 1, ["Text."]),
        ("limit", 1, ["let limit = 3"]),
        ("get", 1, ["GET request"]),
        ("since", 1, ["**since**"]),
        ("person in", 1, ["loop variable"]),
        ("uppercase", 1, ["uppercase(text) → string", 'uppercase("north")']),
        ("trim", 1, ["trim(text) → string"]),
        ("run Fetch", 5, ["action Fetch"]),
    ],
)
def test_a_word_tells_what_it_is(part, shift, parts):
    answer = said(on(part, shift))
    for each in parts:
        assert each in answer


@pytest.mark.parametrize(
    ("part", "shift", "parts"),
    [
        ("Sync", 1, ["completed", "exec_1", "store people: 12 records"]),
        ("people:", 1, ["12 records, 2 added, 1 updated", '"name": "Ada"']),
        ("API", 1, ["completed", "Last sync of `API-/people`", "12 items"]),
        ("run Fetch", 5, ["completed, 12 items"]),
        (".active", 2, ["`active?`: boolean", "records of 'people'", "Seen: `true`"]),
        ("[0].name", 5, ["`name`: string", '`"Ada"`, `"Alan"`']),
        ("person in", 1, ["`id`: string"]),
    ],
)
def test_it_tells_what_the_last_run_saw(part, shift, parts):
    answer = said(on(part, shift), LAST)
    for each in parts:
        assert each in answer


def test_a_problem_brings_the_page_of_its_code():
    answer = said(MISSION.replace("-> people", "-> pee$0ple"))
    assert "**RQ203**" in answer


def test_nothing_is_said_about_comments_and_blanks():
    assert said("// missi$0on\n") == ""
    assert said("mission A {\n$0\n  action B { get '/x' }\n}") == ""


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        (
            "retry: { backoff: expo$0nential }",
            ["`exponential`", "**backoff**", "How the waits grow"],
        ),
        ("retry: { maxAttempts: $03 }", ["**maxAttempts**", "a whole number"]),
        ("retry: { initialDelay: 3 sec$0onds }", ["**initialDelay**", "a duration"]),
        ("retry: { initialDelay: $03 seconds }", ["**initialDelay**", "a duration"]),
        ("auth: no$0ne", ["`none`", "**auth**"]),
        ("timeout: x.y$0", []),
    ],
)
def test_the_value_of_an_option_is_explained_with_its_option(written, parts):
    text = f'mission M {{ source A {{ base: "https://a.test", {written} }} }}'
    found = said(text)
    assert all(part in found for part in parts)
    assert bool(found) is bool(parts)


SPEC = """{
  "openapi": "3.1.0", "info": {"title": "Depot", "version": "1"},
  "paths": {"/crates": {"post": {
    "operationId": "add",
    "parameters": [{"name": "dry", "in": "query", "description": "only try", "schema": {"type": "boolean"}}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Crate"}}}},
    "responses": {"201": {}}
  }}},
  "components": {"schemas": {"Crate": {"type": "object", "required": ["code"], "properties": {
    "code": {"type": "string"}, "place": {"type": "object", "properties": {"hall": {"type": "integer"}}}
  }}}}
}"""


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("call Depot.add { params: { d$0ry: true } }", "`dry`: boolean — parameter\n\nonly try"),
        ("call Depot.add { body: { co$0de: 1 } }", "`code`: string, required — body"),
        ("call Depot.add { body: { place: { h$0all: 1 } } }", "`hall`: integer — body"),
        ('get "/x"\n map response -> Person { n$0ame: .a }', "`name?`: string — schema 'Person'"),
        ('get "/x"\n map response -> Person { oth$0er: .a }', ""),
    ],
)
def test_a_key_tells_what_its_document_or_schema_says(step, shown):
    text = (
        "mission Sync {\n"
        '  source Depot from "./depot.json" { auth: none, base: "https://depot.test" }\n'
        "  schema Person { id: string, name?: string }\n"
        f"  action Fetch {{ {step} }}\n}}\n"
    )
    here = at(text, {"depot.json": SPEC})
    found = hover(here.snapshot, here.path, here.offset, never, NOW)
    answer = found.text.partition("\n\n---")[0] if found is not None else ""
    assert answer.startswith(shown) if shown else "`other`" not in answer
