"""What is proposed where: `$0` is the cursor, the first proposals must be those named."""

from __future__ import annotations

import json

import pytest

from reqon_lsp.features.completion import MAX_ITEMS, completions
from reqon_lsp.last_run import LastRun
from reqon_lsp.results import ItemKind
from support.cursor import at, in_folder, never, past

PEOPLE = [
    {"id": "p1", "name": "Ada", "address": {"city": "London"}},
    {"id": "p2", "name": "Alan", "age": 41},
]
SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "Depot", "version": "1"},
    "paths": {
        "/crates": {
            "get": {
                "operationId": "listCrates",
                "summary": "All crates",
                "parameters": [
                    {"name": "status", "in": "query", "schema": {"enum": ["full", "empty"]}},
                    {"name": "depot", "in": "query", "required": True},
                    {"name": "X-Trace", "in": "header"},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Crate"},
                                }
                            }
                        }
                    }
                },
            },
            "post": {
                "operationId": "addCrate",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Crate"}}
                    }
                },
                "responses": {"201": {}},
            },
        },
    },
    "components": {
        "schemas": {
            "Place": {"type": "object", "properties": {"hall": {"type": "string"}}},
            "Crate": {
                "type": "object",
                "required": ["code"],
                "properties": {
                    "code": {"type": "string", "description": "what stands on it"},
                    "weight": {"type": "number"},
                    "place": {"$ref": "#/components/schemas/Place"},
                },
            },
        }
    },
}
HEAD = """\
mission Sync {
  source API { auth: none, base: "https://api.test" }
  source Depot from "./depot.json" { auth: none, base: "https://depot.test" }
  store people: file("people")
  store errors: memory("errors")
  schema Person { id: string, name: string, email?: string }
  transform Clean: Person -> Person { id: .id }
  let limit = 3
  action Other { get "/x" }
"""


def mission(members: str) -> str:
    return f"{HEAD}  {members}\n}}\n"


def action(steps: str) -> str:
    return mission(f"action Fetch {{\n    {steps}\n  }}")


def proposed(text: str, last: LastRun | None = None) -> list[str]:
    here = at(text, {"depot.json": json.dumps(SPEC)})
    found = completions(here.snapshot, here.path, here.offset, past(last) if last else never)
    return [item.label for item in found.items]


RECORDS = LastRun(samples={"people": PEOPLE})

PLACES = [
    # words by place
    ("mis$0", ["mission"]),
    ("$0", ["mission", "import", "dataset", "source"]),
    (mission("sch$0"), ["schedule", "schema"]),
    (mission("state$0"), ["stateRetention", "stateStore"]),
    (action("fo$0"), ["for"]),
    (action("$0"), ["get", "post", "put", "patch", "delete", "call", "for"]),
    (action("for person in people $0 {\n }"), ["where", "checkpoint", "parallel"]),
    (action("for person in people checkpoint $0 {\n }"), ["every"]),
    (action("for person $0 {\n }"), ["in"]),
    (action("validate response { assume .id is string } $0"), ["or"]),
    (action("match response {\n _ -> $0\n }"), ["continue", "skip", "abort", "retry", "queue"]),
    (action("match response {\n _ -> jump Other $0\n }"), ["then"]),
    (action("jump Other then $0"), ["retry", "continue"]),
    (mission("schedule: $0"), ["every", "cron", "at"]),
    (mission("schedule: every 2 h$0"), ["hours", "hour"]),
    (mission("schedule: every 2 $0"), ["seconds", "minutes", "hours"]),
    # options and their values
    (mission("source B { au$0 }"), ["auth"]),
    (mission("source B { auth: $0 }"), ["none", "bearer", "basic", "api_key", "oauth2"]),
    (mission("source B { auth: none, retry: { maxA$0 } }"), ["maxAttempts"]),
    (mission("source B { auth: none, retry: { backoff: $0 } }"), ["exponential", "linear"]),
    (action('get "/x" { pag$0 }'), ["paginate"]),
    (action('get "/x" { paginate: $0 }'), ["offset", "page", "cursor", "link"]),
    (action('get "/x" { since: $0 }'), ["lastSync"]),
    (action('get "/x" { since: lastSync, sinceF$0 }'), ["sinceFormat"]),
    (action("store response -> people { up$0 }"), ["upsert"]),
    (action("store response -> people { upsert: $0 }"), ["true", "false"]),
    (action("retry { max$0 }"), ["maxAttempts", "maxDelay"]),
    (mission("store notes: $0"), ["memory", "file", "sql", "nosql", "postgrest"]),
    (mission('store notes: file("notes", { $0 })'), ["dir", "format"]),
    # names
    (mission("run $0"), ["Other"]),
    (mission("run Other then $0"), ["Other"]),
    (mission("run [Other, $0]"), ["Other"]),
    (mission("run Other $0"), ["then", "if"]),
    (action("jump $0"), ["Other", "Fetch"]),
    (action("call $0"), ["API", "Depot"]),
    (action("call Depot.$0"), ["listCrates"]),
    (action('call Depot."$0"'), ["listCrates"]),
    (action("store response -> $0"), ["people", "errors"]),
    (action("clear $0"), ["people", "errors"]),
    (action("delete pe$0"), ["people"]),
    (action("queue er$0"), ["errors"]),
    (action("map response -> $0 { }"), ["Person", "CircuitOpen"]),
    (action("map response -> Person { id: .id, na$0 }"), ["name"]),
    (action("apply $0"), ["Clean"]),
    (action("apply Clean $0"), ["to"]),
    (action('get "/x" from $0'), ["API", "Depot"]),
    (mission("schema B { owner: $0 }"), ["Person", "B", "string"]),
    (mission("schema B { ...$0 }"), ["Person", "B", "string"]),
    (action("let x = response is $0"), ["not", "Person"]),
    (action("for person in people {\n let x = pers$0\n }"), ["person"]),
    (action("let found = 1\n let y = fou$0"), ["found"]),
    (action("let y = lim$0"), ["limit"]),
    (action("let y = upperc$0"), ["uppercase"]),
    (action("let y = limit $0"), ["and", "or", "in", "is", "where"]),
    (action("let y = if limit $0"), ["then", "and", "or"]),
    (action("let y = if limit then 3 - limit $0"), ["else", "and", "or"]),
    # parameters of an operation
    (action("call Depot.listCrates { params: { $0 } }"), ["depot", "status"]),
    (action("call Depot.listCrates { params: { depot: 1, $0 } }"), ["status"]),
    (action("call Depot.listCrates { headers: { $0 } }"), ["X-Trace"]),
    (action('get "/crates" from Depot { params: { $0 } }'), ["depot", "status"]),
    (action("call Depot.listCrates { params: { status: $0 } }"), ['"full"', '"empty"']),
    (action("call Depot.addCrate { body: { $0 } }"), ["code", "weight", "place"]),
    (action("call Depot.addCrate { body: { place: { $0 } } }"), ["hall"]),
    (action('post "/crates" from Depot { body: { code: 1, $0'), ["weight", "place"]),
    # fields
    (action('for person in people {\n get "/people/{per$0}"\n }'), ["person"]),
    (action('call Depot.listCrates\n for c in response { get "/c/{c.$0}" }'), ["code", "weight"]),
    (action("map response -> Person { id: .id }\n let x = response.$0"), ["id", "name", "email"]),
    (action("call Depot.listCrates\n for crate in response { let x = crate.$0 }"), ["code"]),
    (action("let p = { a: 1, b: 2 }\n let x = p.$0"), ["a", "b"]),
]


@pytest.mark.parametrize(("text", "first"), PLACES, ids=[text[-60:] for text, _ in PLACES])
def test_the_first_proposals(text, first):
    assert proposed(text)[: len(first)] == first


FIELDS = [
    (action("for person in people {\n let x = person.$0\n }"), ["id", "name", "address", "age"]),
    (action("for person in people {\n let x = person.address.$0\n }"), ["city"]),
    (action("for person in people where .$0 {\n }"), ["id", "name", "address", "age"]),
    (action("for person in people where person.$0 {\n }"), ["id", "name", "address", "age"]),
    (action("for person in people where true and person.address.$0"), ["city"]),
    (action("let x = people.filter(person => person.$0)"), ["id", "name", "address", "age"]),
    (action("let x = people | filter(one => one.ag$0"), ["age"]),
    (action("let x = filter(people, one => one.address.$0"), ["city"]),
    (action("for person in people {\n store person -> errors { key: .$0 }\n }"), ["id", "name"]),
    (action('get "/people"\n store response.data -> people { key: .$0 }'), ["id", "name"]),
    (action("let ids = people | filter(.ag$0)"), ["age"]),
    (action("let first = people[0].n$0"), ["name"]),
    (
        action('get "/x"\n for p in response.data {\n let n = p.$0\n store p -> people\n }'),
        ["id", "name", "address", "age"],
    ),
    (
        action('get "/x"\n for p in response {\n store p -> people\n store p.$0 -> errors\n }'),
        ["id", "name"],
    ),
    (action("for person in people {\n map person -> Person {\n id: .$0\n }\n }"), ["id", "name"]),
]


@pytest.mark.parametrize(("text", "first"), FIELDS, ids=[text[-60:] for text, _ in FIELDS])
def test_fields_come_from_the_records_of_the_last_run(text, first):
    assert proposed(text, RECORDS)[: len(first)] == first


@pytest.mark.parametrize("text", ["// mis$0", "mission A {\n  /* ac$0 */\n}", 'let a = "mis$0"'])
def test_nothing_is_proposed_in_comments_and_plain_strings(text):
    assert proposed(text) == []


def test_imports_name_the_files_beside():
    here = in_folder(
        {
            "folder/mission.vague": 'import "./sh$0"\nmission A { action B { get "/x" } }\n',
            "folder/shared.vague": 'store s: file("s")\n',
        }
    )
    found = completions(here.snapshot, here.path, here.offset, never)
    assert [item.label for item in found.items][-1] == "shared.vague"
    assert here.text[slice(*found.span)] == "sh"


def test_names_of_other_files_of_the_folder_are_proposed():
    here = in_folder(
        {
            "folder/mission.vague": "mission A {\n  run Fe$0\n}\n",
            "folder/actions/fetch.vague": 'action Fetch { get "/x" }\n',
        }
    )
    found = completions(here.snapshot, here.path, here.offset, never)
    assert [item.label for item in found.items] == ["Fetch"]


def test_an_option_brings_its_type_default_and_help():
    here = at(mission("source B { timeo$0 }"))
    (item, *_) = completions(here.snapshot, here.path, here.offset, never).items
    assert item.kind is ItemKind.OPTION
    assert item.text == "timeout: "
    assert "a duration" in item.detail
    assert "default" in item.documentation


def test_a_written_option_is_not_proposed_again():
    labels = proposed(mission("source B { auth: none, $0 }"))
    assert "auth" not in labels
    assert "base" in labels


@pytest.mark.parametrize("text", [text for text, _ in PLACES], ids=str)
def test_nothing_is_proposed_twice(text):
    labels = proposed(text)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("value", "count"), [("auth: $0", 5), ("auth: none, retry: { backoff: $0 }", 3)]
)
def test_where_only_some_words_fit_nothing_else_is_proposed(value, count):
    assert len(proposed(mission(f"source B {{ {value} }}"))) == count


def test_lists_are_short():
    names = "\n".join(f"  let value{n} = {n}" for n in range(400))
    here = at(f"mission A {{\n{names}\n  action B {{ let x = va$0 }}\n}}\n")
    found = completions(here.snapshot, here.path, here.offset, never)
    assert len(found.items) == MAX_ITEMS
    assert not found.complete
