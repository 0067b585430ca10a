"""What a name means: definitions, references, and what is in sight at a place."""

from __future__ import annotations

import pytest

from vague.check_source import NOON, MemoryFiles, check_source
from vague.checker import CheckFacts
from vague.names import Names, ScopeAt, names_of, resolve, scope_at
from vague.program import find_programs, read_program

TEXT = """
let REGION = env("REGION")
schema Room { id: string, halls: [Hall] }
schema Hall { id: string }
mission Museum {
  source Catalog { base: "https://x.test/{REGION}" }
  store rooms: file("rooms")
  let floor = 2
  transform ToRoom { (Room) -> Room { id: .id, floor: floor } }
  action Fetch {
    get "/rooms/{floor}/{REGION}"
    let found = response.rooms
    for room in found where room.open {
      apply ToRoom to room as mapped
      match room {
        { id: null } -> skip
        { id: key } where key != "x" -> store mapped -> rooms { key: key }
        _ -> Tidy
      }
      let found = found | filter(it => it.open)
      wait { storage: "rooms" }
      queue rooms { item: found }
    }
  }
  action Tidy { clear rooms jump Fetch }
  run Fetch then Tidy if length(rooms) > 0
}
"""


def offset(marked: str) -> int:
    """The offset of `|` in a piece of the text."""
    piece = marked.replace("|", "")
    assert TEXT.count(piece) == 1, piece
    return TEXT.index(piece) + marked.index("|")


@pytest.fixture(scope="module")
def names() -> Names:
    checked = check_source(TEXT)
    assert [one.message for one in checked.diagnostics if one.severity.value == "error"] == []
    return names_of(checked)


def lines_of(names: Names, marked: str) -> list[int]:
    found = names.at("mission.vague", offset(marked))
    assert found is not None
    references = names.references(found.symbol)
    return [TEXT.count("\n", 0, one.span.start) for one in references]


@pytest.mark.parametrize(
    ("place", "kind", "line"),
    [
        ("store |rooms: file", "store", 7),
        ("-> ro|oms { key: key }", "store", 7),
        ('storage: "ro|oms"', "store", 7),
        ("clear rooms|", "store", 7),
        ("length(|rooms)", "store", 7),
        ("then |Tidy", "action", 25),
        ("_ -> |Tidy", "action", 25),
        ("jump Fe|tch", "action", 10),
        ("apply To|Room", "transform", 9),
        ("halls: [Ha|ll]", "schema", 4),
        ("(Ro|om) ->", "schema", 3),
        ('"/rooms/{floor}/{REG|ION}"', "let", 2),
        ('"/rooms/{fl|oor}/{REGION}"', "let", 8),
        ("floor: fl|oor }", "let", 8),
        ("in fou|nd where", "local", 12),
        ("where ro|om.open", "local", 13),
        ("store ma|pped ->", "local", 14),
        ("{ key: k|ey }", "local", 17),
        ("= fo|und |", "local", 12),
        ("item: fou|nd", "local", 20),
        ("it => i|t.open", "local", 20),
        ("mission Mu|seum", "mission", 5),
    ],
)
def test_a_name_leads_to_its_declaration(names: Names, place: str, kind: str, line: int):
    at = TEXT.index(place.replace("|", "")) + place.index("|")
    found = names.at("mission.vague", at)
    assert found is not None
    assert found.symbol.kind == kind
    target = names.definition(found.symbol)
    assert target is not None
    assert TEXT.count("\n", 0, target.span.start) + 1 == line
    assert TEXT[target.span.start : target.span.end] == found.symbol.name


@pytest.mark.parametrize(
    "place", ['"/rooms/|{floor}/{REGION}"', "mission Museum |{", "let found = response.ro|oms", "|"]
)
def test_there_is_no_name_at_other_places(names: Names, place: str):
    assert names.at("mission.vague", TEXT.index(place.replace("|", "")) + place.index("|")) is None


def test_functions_and_ambient_names_have_no_declaration(names: Names):
    for place, kind in (("len|gth(rooms)", "function"), ("= resp|onse.rooms", "ambient")):
        found = names.at("mission.vague", offset(place))
        assert found is not None
        assert found.symbol.kind == kind
        assert names.definition(found.symbol) is None


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        ("store |rooms: file", [6, 16, 20, 21, 24, 25]),
        ("schema Ro|om", [2, 8, 8]),
        ("let found| = response", [11, 12, 19]),
        ("let found| = found", [19, 21]),
        ("let flo|or", [7, 8, 10]),
    ],
)
def test_references_are_all_places_that_mean_it(names: Names, place: str, lines: list[int]):
    assert lines_of(names, place) == lines


def test_references_without_the_declaration(names: Names):
    found = names.at("mission.vague", offset("transform |ToRoom"))
    assert found is not None
    (one,) = names.references(found.symbol, declaration=False)
    assert TEXT[one.span.start : one.span.end] == "ToRoom"
    assert one.role == "read"


def test_all_names_of_a_file_come_in_the_order_of_the_text(names: Names):
    found = names.in_file("mission.vague")
    assert [one.span for one in found] == sorted({one.span for one in found})
    words = [TEXT[one.span.start : one.span.end].strip('"') for one in found]
    assert words == [one.symbol.name for one in found]
    assert names.in_file("other.vague") == ()


def test_names_over_files():
    files = MemoryFiles(
        {
            "mission.vague": 'mission M { store kept: file("kept") run Tidy }',
            "parts/tidy.vague": "action Tidy { clear kept }",
        }
    )
    program = read_program(find_programs(".", files).programs[0], files)
    names = resolve(program, CheckFacts(files, NOON))
    text = "action Tidy { clear kept }"
    found = names.at("parts/tidy.vague", text.index("kept"))
    assert found is not None
    target = names.definition(found.symbol)
    assert target is not None
    assert (target.path, target.span.start) == ("mission.vague", 18)
    paths = [one.path for one in names.references(found.symbol)]
    assert paths == ["mission.vague", "parts/tidy.vague"]


# ---------------------------------------------------------------- scopes


def scope(marked: str) -> ScopeAt:
    checked = check_source(TEXT)
    found = scope_at(checked.program, checked.facts, "mission.vague", offset(marked))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("place", "visible", "context"),
    [
        ('get "/rooms/|{floor}', [], "RESPONSE"),
        ("for room in fo|und where", ["found"], "RESPONSE"),
        ("where room.|open", ["room", "found"], "ELEMENT"),
        ("apply ToRoom to roo|m as", ["room", "found"], "ITEM"),
        ('key != "|x"', ["key", "mapped", "room", "found"], "MATCHED"),
        ("{ key: ke|y }", ["key", "mapped", "room", "found"], "RECORD"),
        ("filter(it => it.|open)", ["it", "mapped", "room", "found"], "ELEMENT"),
        ("queue rooms { item: found }\n|", ["mapped", "found", "room"], "ITEM"),
        ("      match roo|m {", ["mapped", "room", "found"], "ITEM"),
        ("(Room) -> Room { id: .|id", [], "INPUT"),
        ("if length(|rooms)", [], "NONE"),
        ('base: "|https', [], "NONE"),
    ],
)
def test_what_is_in_sight(place: str, visible: list[str], context: str):
    found = scope(place)
    assert [binding.name for binding in found.bindings] == visible
    assert found.context.kind.name == context


def test_nothing_is_in_sight_outside_of_elements():
    checked = check_source(TEXT)
    for marked in ("|let REGION", "\n  run Fetch| then"):
        found = scope_at(checked.program, checked.facts, "mission.vague", offset(marked))
        assert found is None or found.bindings == ()
    assert scope_at(checked.program, checked.facts, "other.vague", 0) is None
