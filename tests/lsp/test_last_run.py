"""What the last run left beside the text: status, lenses, counts, the error at its step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reqon.state.model import ExecutionState, SyncCheckpoint, to_state
from reqon_lsp.features.code_lens import code_lenses
from reqon_lsp.features.history import history_markdown, history_rows
from reqon_lsp.features.inlay_hints import store_hints, sync_hints
from reqon_lsp.features.inline_status import MAX_LABEL, inline_status
from reqon_lsp.features.last_error import anchor_of, last_error
from reqon_lsp.last_run import LastRun, store_file
from support.cursor import NOW, At, at, past, snapshot_of
from vague.locate import action_hash
from vague.program import ProgramRoot

MISSION = """\
mission Sync {
  source API { auth: none, base: "https://api.test" }
  store people: file("people")
  action Fetch {
    get "/people" {
      since: lastSync("people") { param: "since" }
    }
    for person in response {
      get "/people/{person.id}"
    }
  }
  run Fetch
}
"""


def state(here: At, **fields: Any) -> ExecutionState:
    mission = here.snapshot.program.missions[0]
    record: dict[str, Any] = {
        "executionId": "exec_1",
        "mission": "Sync",
        "startedAt": (NOW - timedelta(minutes=5)).isoformat(),
        "completedAt": NOW.isoformat(),
        "status": "completed",
        "actionsRun": ["Fetch"],
        "errors": [],
        "stores": {"people": {"count": 1204, "added": 1200, "updated": 4, "unchanged": 0}},
        "durationMs": 3200,
        "program": {"actionHashes": {"Fetch": action_hash(mission, "Fetch")}},
    } | fields
    return to_state(record, Path("r.json"), has_journal=record["status"] != "completed")


ERROR = {
    "action": "Fetch",
    "step": 'get "/people/{person.id}"',
    "stepPath": "Sync/Fetch/1/body/0",
    "kind": "http",
    "code": 429,
    "message": "GET https://api.test/people/p7 failed with 429",
    "index": 6,
}
FAILED = {"status": "failed", "errors": [ERROR], "actionsRun": []}
RUNNING = {"status": "running", "completedAt": None}


def label(**fields: Any) -> str:
    here = at(MISSION)
    shown = state(here, **fields)
    (hint,) = inline_status(here.snapshot, here.path, lambda _: shown, NOW)
    return hint.label


ACTIVE = {"activeStep": {"action": "Fetch", "index": 380, "item": {}}}
STAGES = {"pipeline": [{"status": "completed"}, {"status": "completed"}, {"status": "running"}]}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "✓ 14:02 · 1,204 rec · 3.2s"),
        ({"completedAt": (NOW - timedelta(days=2)).isoformat()}, "✓ Mon 14:02 · 1,204 rec · 3.2s"),
        ({"completedAt": (NOW - timedelta(days=9)).isoformat()}, "✓ 2031-02-24 · 1,204 rec · 3.2s"),
        (FAILED, "✗ 14:02 Fetch · HTTP 429"),
        (RUNNING | ACTIVE | {"progress": {"current": 380, "total": 1000}}, "▶ Fetch 38%"),
        (RUNNING | ACTIVE | {"progress": {"current": 4, "total": 4, "action": "Mail"}}, "▶ Fetch"),
        (RUNNING | ACTIVE | STAGES, "▶ 3/3 Fetch"),
        (RUNNING, "▶ running"),
        ({"status": "interrupted"} | ACTIVE | STAGES, "⚠ interrupted 3/3 Fetch"),
        ({"program": {"actionHashes": {"Fetch": "other"}}}, "~ 14:02 ok · edited since"),
    ],
)
def test_the_status_in_a_few_words(fields, shown):
    assert label(**fields) == shown


def test_a_long_name_is_cut_and_the_kind_of_the_error_stays():
    name = "FetchAllTheOrdersOfTheLastTwelveMonths"
    shown = label(status="failed", errors=[ERROR | {"action": name}])
    assert len(shown) == MAX_LABEL
    assert shown.endswith("… · HTTP 429")


def lenses(here: At, shown: ExecutionState | None) -> list[str]:
    return [one.title for one in code_lenses(here.snapshot.headers[here.path], lambda _: shown)]


@pytest.mark.parametrize(
    ("fields", "titles"),
    [
        (None, ["Run", "Dry run", "History"]),
        ({}, ["Run", "Dry run", "History"]),
        (FAILED, ["Run", "Resume", "Dry run", "History"]),
        (RUNNING, ["Cancel", "Dry run", "History"]),
    ],
)
def test_lenses_say_what_can_be_done(fields, titles):
    here = at(MISSION)
    assert lenses(here, None if fields is None else state(here, **fields)) == titles


@pytest.mark.parametrize(
    "broken",
    [
        MISSION[: MISSION.index("{") + 1],
        MISSION.replace("mission Sync {", "mission Sync"),
        MISSION.replace("mission Sync {", "missio Sync {"),
        MISSION.replace("mission Sync {", ""),
        MISSION.replace('file("people")', 'file("peo'),
        MISSION.removesuffix("}\n"),
    ],
)
def test_lenses_are_steady_while_the_text_is_broken(broken):
    here = at(MISSION)
    root = ProgramRoot(here.path, "file", here.path)
    after = snapshot_of(root, {here.path: broken}, here.snapshot)
    found = list(code_lenses(after.headers[here.path], lambda _: None))
    assert [one.title for one in found] == ["Run", "Dry run", "History"]
    assert all(0 <= one.span.start <= one.span.end <= len(broken) for one in found)


def test_a_mission_that_was_deleted_loses_its_lenses():
    here = at(MISSION)
    root = ProgramRoot(here.path, "file", here.path)
    after = snapshot_of(root, {here.path: 'store s: file("s")\n'}, here.snapshot)
    assert after.headers[here.path] == ()


def test_counts_stand_beside_stores_and_the_last_sync_beside_its_request():
    here = at(MISSION)
    sync = SyncCheckpoint("people", NOW, 12, 12, "exec_1", "Sync")
    known = past(LastRun(state(here), {"people": sync}))
    (hint,) = store_hints(here.snapshot, here.path, known)
    assert (hint.label, hint.offset) == (
        "1,204 rec +1,200 ~4",
        here.offset_of('file("people")') + len('file("people")'),
    )
    (since,) = sync_hints(here.snapshot, here.path, known, NOW)
    assert since.label == "since 14:02"
    assert here.text.count("\n", 0, since.offset) == 5


@pytest.mark.parametrize(
    ("request_text", "key"),
    [
        ('get "/people?a=1" { since: lastSync }', "API-/people"),
        ('get "/people" { since: lastSync("mine") }', "mine"),
        ('get "/people" { since: lastSync, syncKey: "k" }', "k"),
        ('get "/people" from Other { since: lastSync }', "Other-/people"),
    ],
)
def test_the_key_of_a_sync_is_found_as_the_runtime_does(request_text, key):
    here = at(
        "mission A {\n  source API { auth: none }\n  source Other { auth: none }\n"
        f"  action B {{ {request_text} }}\n}}\n"
    )
    known = past(LastRun(None, {key: SyncCheckpoint(key, NOW, 1, 1, None, None)}))
    assert len(list(sync_hints(here.snapshot, here.path, known, NOW))) == 1


def shown_error(before: At, text: str, shown: ExecutionState) -> str | None:
    """The part of `text` that carries the error, after an edit of the text before."""
    mission = before.snapshot.program.missions[0]
    anchor = anchor_of(mission, shown, None)
    here = at(text)
    mission = here.snapshot.program.missions[0]
    anchor = anchor_of(mission, shown, anchor)
    found = last_error(here.snapshot.program, mission, shown, anchor, NOW)
    return None if found is None else here.text[slice(*found.place.span)]


STEP = 'get "/people/{person.id}"'


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ("", "", True),
        ("mission Sync", "// a comment\nmission Sync", True),
        ('get "/people" {', 'get "/persons" {', True),
        (STEP, f"let x = 1\n      {STEP}", True),
        (STEP, f"  {STEP}", True),
        (STEP, 'get "/people/{person.key}"', False),
        (STEP, "let x = 1", False),
        (STEP, "", False),
    ],
)
def test_the_error_of_the_last_run_stays_until_its_step_is_edited(old, new, stays):
    here = at(MISSION)
    text = MISSION.replace(old, new) if old else MISSION
    assert (shown_error(here, text, state(here, **FAILED)) == STEP) is stays


@pytest.mark.parametrize(
    "rest", [' { headers: { a: "{" } }', " {\n        timeout: 3 seconds\n      }", " // note"]
)
def test_the_error_stands_under_the_head_of_its_step(rest):
    text = MISSION.replace(STEP, STEP + rest)
    here = at(text)
    assert shown_error(here, text, state(here, **FAILED)) == STEP


def test_the_next_run_clears_the_error():
    here = at(MISSION)
    mission = here.snapshot.program.missions[0]
    anchor = anchor_of(mission, state(here, **FAILED), None)
    assert anchor is not None
    assert anchor_of(mission, state(here, executionId="exec_2", **RUNNING), anchor) is None
    assert anchor_of(mission, state(here, executionId="exec_3"), anchor) is None


def test_no_error_is_shown_where_the_action_was_edited_before_it_was_seen():
    here = at(MISSION)
    old = state(here, **FAILED, program={"actionHashes": {"Fetch": "other"}})
    assert anchor_of(here.snapshot.program.missions[0], old, None) is None


def test_the_message_says_what_failed_and_for_which_item():
    here = at(MISSION)
    mission, shown = here.snapshot.program.missions[0], state(here, **FAILED)
    found = last_error(here.snapshot.program, mission, shown, anchor_of(mission, shown, None), NOW)
    assert found is not None
    assert found.message == (
        "the last run (14:02) failed here: GET https://api.test/people/p7 failed with 429 (item 6)"
    )


def test_history_is_a_table_and_plain_values():
    here = at(MISSION)
    states = [state(here, **FAILED), replace(state(here), execution_id="exec_0")]
    page = history_markdown("Sync", states, NOW)
    assert "| ✗ failed |" in page
    assert "| ✓ completed |" in page
    assert [row["executionId"] for row in history_rows(states)] == ["exec_1", "exec_0"]
    assert history_rows(states)[0]["resumable"] is True
    assert "never ran" in history_markdown("Sync", [], NOW)


@pytest.mark.parametrize(
    ("adapter", "path"),
    [
        ('file("people")', "/d/.vague-data/stores/people.json"),
        ('file("crm/people")', "/d/.vague-data/stores/crm/people.json"),
        ('file("people", { dir: "out" })', "/d/out/people.json"),
        ('file("../people")', None),
        ('file("/etc/people")', None),
        ('memory("people")', None),
        ("file(name)", None),
    ],
)
def test_store_files_lie_where_the_runtime_puts_them(adapter, path):
    here = at(f"mission A {{\n  store s: {adapter}\n}}\n")
    store = here.snapshot.program.missions[0].stores["s"].node
    assert store_file(store, "/d/.vague-data") == path
