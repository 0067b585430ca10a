"""Addresses of steps lead to the text and back; hashes tell whether an action is the same."""

from __future__ import annotations

import pytest

from vague.check_source import MemoryFiles, check_source
from vague.locate import Place, action_hash, location, step_node, step_path_at
from vague.program import Program, ProgramRoot, read_program
from vague.step_path import StepPath
from vague.text import Location

TEXT = """mission Museum {
  store rooms: file("rooms")
  action Fetch {
    concurrency: 2
    get "/rooms"
    for room in response.rooms {
      match room {
        { id: null } -> skip
        { old: _ } -> {
          clear rooms
          queue rooms
        }
        _ -> Fetch
      } catch {
        { code: 1 } -> skip
        _ -> { clear rooms }
      }
    }
    validate rooms { assume length(rooms) > 0 } or {
      abort "empty"
    }
  }
  run Fetch
}
"""
WITHOUT_HASH = "mission Other { action A { skip } }"


@pytest.fixture(scope="module")
def program() -> Program:
    return check_source(TEXT).program


PATHS = [
    ("Museum", 1, "mission Museum"),
    ("Museum/Fetch", 3, "action Fetch"),
    ("Museum/Fetch/0", 5, "get"),
    ("Museum/Fetch/1", 6, "for room"),
    ("Museum/Fetch/1/body/0", 7, "match room"),
    ("Museum/Fetch/1/body/0/arm:0/0", 8, "skip"),
    ("Museum/Fetch/1/body/0/arm:1/0", 10, "clear rooms"),
    ("Museum/Fetch/1/body/0/arm:1/1", 11, "queue rooms"),
    ("Museum/Fetch/1/body/0/catch:0/0", 15, "skip"),
    ("Museum/Fetch/1/body/0/catch:1/0", 16, "clear rooms"),
    ("Museum/Fetch/2", 19, "validate"),
    ("Museum/Fetch/2/or/0", 20, "abort"),
]


@pytest.mark.parametrize(("path", "line", "text"), PATHS)
def test_an_address_leads_to_its_step_and_the_place_back_to_the_address(
    program: Program, path: str, line: int, text: str
):
    address = StepPath.parse(path)
    place = location(program, address)
    assert place is not None
    column = TEXT.splitlines()[line - 1].index(text) + 1
    assert place == Place("mission.vague", line, column)
    offset = program.files["mission.vague"].parsed.source.offset(Location(line, column))
    assert step_path_at(program, "mission.vague", offset) == address
    assert step_node(program.missions[0], address) is not None


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "Museum/Nothing",
        "Museum/Fetch/9",
        "Museum/Fetch/0/body/0",
        "Museum/Fetch/1/or/0",
        "Museum/Fetch/1/body",
        "Museum/Fetch/1/body/0/arm:2/0",
        "Museum/Fetch/1/body/0/arm:9/0",
        "Museum/Fetch/1/0",
    ],
)
def test_an_address_of_nothing_leads_nowhere(program: Program, path: str):
    assert location(program, StepPath.parse(path)) is None


def test_a_place_outside_of_all_missions_has_no_address(program: Program):
    assert step_path_at(program, "mission.vague", len(TEXT)) is None
    assert step_path_at(program, "other.vague", 0) is None


def test_a_shared_action_is_addressed_through_its_mission():
    files = MemoryFiles({"m": "mission M { run Go }\naction Go {\n  skip\n}"})
    program = read_program(ProgramRoot("m", "file", "m"), files)
    assert location(program, StepPath("M", "Go", (0,))) == Place("m", 3, 3)
    assert step_path_at(program, "m", 36) == StepPath("M", "Go", (0,))


# ---------------------------------------------------------------- hashes


def hash_of(body: str) -> str:
    checked = check_source(f"mission M {{ store a: memory action A {{ {body} }} run A }}")
    return action_hash(checked.program.missions[0], "A")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("store 1 -> a { key: .id }", "store  1 ->\n a { key: .id, }  // a comment"),
        ("get 'x' { body: { a: 1 } }", 'get "x" { body: { "a": (1) } }'),
        ("abort (((1)))", "abort 1"),
        ("for x in a { skip skip }", "for x in a { skip, skip }"),
        ("let x = a + 1.50", "let x = a + 1.5"),
    ],
)
def test_layout_comments_quotes_and_parentheses_do_not_change_a_hash(left: str, right: str):
    assert hash_of(left) == hash_of(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("skip", "continue"),
        ("store 1 -> a", "store 2 -> a"),
        ("let x = 1", "let y = 1"),
        ("let x = 1 + 2 + 3", "let x = 1 + (2 + 3)"),
        ("for x in a { skip } skip", "for x in a { skip skip }"),
        ('abort "1"', "abort 1"),
        ("let x = 1", "let x = true"),
        ("let x = [1, 2]", "let x = [[1], 2]"),
    ],
)
def test_what_means_something_else_has_another_hash(left: str, right: str):
    assert hash_of(left) != hash_of(right)


def test_a_chain_of_any_length_has_a_hash():
    assert len(hash_of("let x = 1" + " + 1" * 5000)) == 64


def test_an_unknown_action_has_no_hash():
    mission = check_source(WITHOUT_HASH).program.missions[0]
    with pytest.raises(KeyError):
        action_hash(mission, "B")
