"""Plans: what building settles about a mission before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from reqon.plan.build import build_plan
from reqon.plan.explain import explain
from reqon.plan.model import (
    ForEachPlan,
    JumpPlan,
    MissionPlan,
    RequestPlan,
    RetryPlan,
    StoreRecordPlan,
)
from reqon.plan.traverse import all_steps, may_wait
from support.run_spec import read


def plan_of(tmp_path: Path, text: str) -> MissionPlan:
    path = tmp_path / "mission.vague"
    path.write_text(text, encoding="utf-8")
    program = read(path)
    return build_plan(program, program.missions[-1])


def action(tmp_path: Path, body: str) -> MissionPlan:
    return plan_of(
        tmp_path,
        f"""mission M {{
          source Api {{ base: "https://api.test" }}
          store s: file("s")
          action A {{
            {body}
          }}
          action B {{ let x = 1 }}
          run A
        }}""",
    )


# Where `retry` goes back to: the path of the anchor's block, its index, whether it is a request.
ANCHORS = {
    "the request before the match": (
        'get "/1"  get "/2"  let x = 1  match response { _ -> retry }',
        ("M/A", 1, True),
    ),
    "never a request in the arm": (
        'get "/1"  match response { _ -> { get "/2"  retry } }',
        ("M/A", 0, True),
    ),
    "outward through loops": (
        'get "/1"  for x in response { match x { _ -> retry } }',
        ("M/A", 0, True),
    ),
    "the nearest in the loop": (
        'get "/1"  for x in response { get "/2"  match x { _ -> retry } }',
        ("M/A/1/body", 0, True),
    ),
    "outside a match the nearest before it": ('get "/1"  let x = 1  retry', ("M/A", 0, True)),
    "without one the start of the action": (
        "let x = 1  match x { _ -> retry }",
        ("M/A", 0, False),
    ),
    "not out of a parallel iteration": (
        'get "/1"  for x in response parallel { let y = 1  match x { _ -> retry } }',
        ("M/A/1/body", 0, False),
    ),
    "not out of an or block": (
        'get "/1"  validate response { assume .x } or { let y = 1  retry }',
        ("M/A/1/or", 0, False),
    ),
    "not out of a catch": (
        'get "/1"  match 1 { _ -> continue } catch { _ -> { let y = 1  retry } }',
        ("M/A/1/catch:0", 0, False),
    ),
    "a request in a catch": (
        'match 1 { _ -> continue } catch { _ -> { get "/1"  match response { _ -> retry } } }',
        ("M/A/0/catch:0", 0, True),
    ),
    "the innermost match of two": (
        'get "/1"  match response { _ -> { get "/2"  match response { _ -> retry } } }',
        ("M/A/1/arm:0", 0, True),
    ),
    "jump then retry": (
        'get "/1"  match response { _ -> jump B then retry }',
        ("M/A", 0, True),
    ),
}


@pytest.mark.parametrize("name", ANCHORS)
def test_a_retry_goes_back_to(tmp_path: Path, name: str) -> None:
    body, expected = ANCHORS[name]
    steps = all_steps(action(tmp_path, body).actions["A"].body)
    directive = next(step for step in steps if isinstance(step, RetryPlan | JumpPlan))
    anchor = directive.anchor
    assert anchor is not None
    assert (str(anchor.block), anchor.index, anchor.request) == expected


GUARDED = {
    'get "/1"  match response { _ -> continue }': True,
    'get "/1"  let a = 1  let b = 2  match response.x { _ -> continue }': True,
    'get "/1"  match response.a.b { _ -> continue }': True,
    'get "/1"  match other { _ -> continue }': False,
    'get "/1"  match { _ -> continue }': False,
    'get "/1"  store response -> s  match response { _ -> continue }': False,
    'get "/1"': False,
    'let other = 1  get "/1"  for x in response { match response { _ -> continue } }': False,
}


@pytest.mark.parametrize("body", GUARDED)
def test_a_request_is_guarded_by_the_match_behind_it(tmp_path: Path, body: str) -> None:
    body_text = body if "other" not in body or "let other" in body else f"let other = 1 {body}"
    steps = all_steps(action(tmp_path, body_text).actions["A"].body)
    request = next(step for step in steps if isinstance(step, RequestPlan))
    assert request.guarded is GUARDED[body]


def test_sites_say_where_steps_stand_and_how_people_recognise_them(tmp_path: Path) -> None:
    body = """get "/a/{X}" from Api { retry: { maxAttempts: 2 } }
            for row in response.rows where .ok checkpoint every 5 {
              store row -> s { key: row.code }
            }"""
    plan = action(tmp_path, body)
    get, loop = plan.actions["A"].body.steps
    assert isinstance(loop, ForEachPlan)
    (store,) = loop.body.steps
    assert [step.site.text for step in (get, loop, store)] == [
        'get "/a/{X}" from Api',
        "for row in response.rows where .ok checkpoint every 5",
        "store row -> s",
    ]
    assert str(store.site.path) == "M/A/1/body/0"
    place = store.site.place
    assert place is not None
    assert (place.line, place.column) == (7, 15)
    assert loop.identity == ("code", "id", "key", "uuid")
    assert loop.every == 5


def test_options_come_in_one_form(tmp_path: Path) -> None:
    body = """get "/a" {
              query: { a: 1 }, retry: { backoff: linear }, paginate: cursor(.next.page),
              until: length(response.rows.all) < 5, since: lastSync("k") { format: unix-ms }
            }"""
    (request,) = action(tmp_path, body).actions["A"].body.steps
    assert isinstance(request, RequestPlan)
    assert set(request.options) == {"params"}
    assert request.retry is not None
    assert "value='linear'" in repr(request.retry["retry"])
    assert request.paginate is not None
    assert request.paginate.kind == "cursor"
    assert request.paginate.items == ("rows", "all")
    assert request.since is not None
    assert set(request.since.options) == {"syncKey", "sinceFormat"}
    assert "unix-ms" in repr(request.since.options["sinceFormat"])
    assert not request.counts_pages


def test_a_plan_is_the_same_whatever_the_layout(tmp_path: Path) -> None:
    plain = action(tmp_path, "store { a: 1 } -> s")
    other = action(tmp_path, "\n\n  // words\n   store {a:(1)}   ->   s")
    changed = action(tmp_path, "store { a: 2 } -> s")
    assert plain.facts.plan_hash == other.facts.plan_hash
    assert plain.facts.action_hashes == other.facts.action_hashes
    assert plain.facts.action_hashes["B"] == changed.facts.action_hashes["B"]
    assert plain.facts.action_hashes["A"] != changed.facts.action_hashes["A"]
    assert plain.facts.part_hashes == changed.facts.part_hashes
    assert set(plain.facts.part_hashes) == {"pipeline", "source 'Api'", "store 's'"}


def test_blocks_that_give_way_to_others(tmp_path: Path) -> None:
    body = """for x in [1] { map x -> y { a: 1 }  store y -> s }
            for x in [1] { match x { 1 -> { get "/a" } } }
            for x in [1] { validate x { assume .a } or { run B } }"""
    loops = action(tmp_path, body).actions["A"].body.steps
    assert [may_wait(loop.body) for loop in loops if isinstance(loop, ForEachPlan)] == [
        False, True, True,
    ]  # fmt: skip


def test_a_shared_action_is_planned_like_an_own_one(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """store s: file("s")
        action Shared { store { a: 1 } -> s }
        mission M { run Shared }""",
    )
    (step,) = plan.actions["Shared"].body.steps
    assert isinstance(step, StoreRecordPlan)
    assert str(step.site.path) == "M/Shared/0"
    assert step.site.place is not None
    assert step.site.place.line == 2


def test_a_plan_in_words(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """mission M {
          source Api { base: "https://api.test" }
          store s: file("s")
          action A {
            get "/a" { paginate: page, since: lastSync }
            for x in response.data checkpoint every 5 { store x -> s }
          }
          action B { jump C }
          action C { let x = 1 }
          run A then [A, B] if env("X") == "1"
        }""",
    )
    assert explain(plan) == [
        "sources   Api",
        "stores    s",
        "1  A",
        '    get "/a", page by page, what changed since the last sync',
        "    for x in response.data checkpoint every 5, saved every 5 items",
        "      store x -> s",
        "2  A and B at the same time, under a condition",
        "    A",
        '      get "/a", page by page, what changed since the last sync',
        "      for x in response.data checkpoint every 5, saved every 5 items",
        "        store x -> s",
        "    B",
        "      jump C",
        "-  C, where it is run or jumped to",
        "    let x = 1",
    ]
