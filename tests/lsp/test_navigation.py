"""From a name to its declaration, its uses and another name; who runs whom."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reqon_lsp.features.call_hierarchy import incoming_calls, outgoing_calls, prepare_calls
from reqon_lsp.features.links import links
from reqon_lsp.features.navigation import (
    definition,
    highlights,
    prepare_rename,
    references,
    rename,
)
from reqon_lsp.features.selection import selection
from reqon_lsp.features.symbols import document_symbols, workspace_symbols
from reqon_lsp.results import RefusedError
from support.cursor import At, at, in_folder

MISSION = """\
mission Sync {
  source API { auth: none, base: "https://api.test" }
  store people: file("people")
  schema Person { id: string }
  let limit = 3
  action Fetch {
    get "/people"
    for person in people where .age > limit {
      let age = person.age
      store person -> people { key: age }
    }
    match response {
      Person -> queue people { item: response }
      _ -> jump Clean then retry
    }
  }
  action Clean { clear people }
  run Fetch then Clean
}
"""
FOLDER = {
    "folder/mission.vague": (
        'mission Sync {\n  source API { auth: none, base: "https://a.test" }\n'
        "  run Fetch then Clean\n}\n"
    ),
    "folder/actions/fetch.vague": 'action Fetch {\n  get "/x"\n  store response -> people\n}\n',
    "folder/actions/clean.vague": "action Clean { clear people }\n",
    "folder/stores.vague": 'store people: file("people")\n',
}


def on(part: str, shift: int = 0, number: int = 0) -> At:
    """The cursor in the `number`-th occurrence of a part."""
    offset = -1
    for _ in range(number + 1):
        offset = MISSION.index(part, offset + 1)
    offset += shift
    return at(f"{MISSION[:offset]}$0{MISSION[offset:]}")


def line_of(here: At, path: str, offset: int) -> str:
    return (
        here.snapshot.program.files[path]
        .parsed.source.line(here.snapshot.text(path).count("\n", 0, offset) + 1)
        .strip()
    )


@pytest.mark.parametrize(
    ("part", "shift", "line"),
    [
        ("in people", 4, 'store people: file("people")'),
        ("person.age", 2, "for person in people where .age > limit {"),
        ("key: age", 6, "let age = person.age"),
        ("> limit", 3, "let limit = 3"),
        ("Person ->", 1, "schema Person { id: string }"),
        ("jump Clean", 6, "action Clean { clear people }"),
        ("run Fetch", 5, "action Fetch {"),
    ],
)
def test_a_name_leads_to_its_declaration(part, shift, line):
    here = on(part, shift)
    found = definition(here.snapshot, here.path, here.offset)
    assert found is not None
    _, place = found
    assert line_of(here, place.path, place.span.start) == line


def test_the_declaration_may_stand_in_another_file():
    files = {
        **FOLDER,
        "folder/mission.vague": FOLDER["folder/mission.vague"].replace("Clean", "Cle$0an"),
    }
    here = in_folder(files)
    found = definition(here.snapshot, here.path, here.offset)
    assert found is not None
    assert found[1].path == "folder/actions/clean.vague"


@pytest.mark.parametrize(("part", "count"), [("store people", 5), ("Clean {", 3), ("person in", 3)])
def test_all_places_of_a_name_are_found(part, count):
    here = on(part, len(part) - 6 if part.startswith("store") else 0)
    found = references(here.snapshot, here.path, here.offset, declaration=True)
    assert len(found) == count
    assert len({here.text[slice(*place.span)] for place in found}) == 1
    without = references(here.snapshot, here.path, here.offset, declaration=False)
    assert len(without) == count - 1


def test_highlights_tell_writing_from_reading():
    here = on("store people", 7)
    found = highlights(here.snapshot, here.path, here.offset)
    assert [one.writes for one in found] == [True, False, True, True, True]


def renamed(here: At, name: str) -> dict[str, str]:
    edits = rename(here.snapshot, here.path, here.offset, name)
    texts: dict[str, str] = {}
    for path, changes in edits.items():
        text = here.snapshot.text(path)
        for edit in sorted(changes, key=lambda edit: edit.span, reverse=True):
            text = text[: edit.span.start] + edit.text + text[edit.span.end :]
        texts[path] = text
    return texts


def test_rename_changes_every_file_of_the_folder():
    files = {**FOLDER, "folder/stores.vague": 'store peo$0ple: file("people")\n'}
    texts = renamed(in_folder(files), "persons")
    assert texts["folder/stores.vague"] == 'store persons: file("people")\n'
    assert "-> persons" in texts["folder/actions/fetch.vague"]
    assert "clear persons" in texts["folder/actions/clean.vague"]
    assert "folder/mission.vague" not in texts


def test_a_renamed_program_means_the_same():
    here = on("person in", 1)
    (text,) = renamed(here, "someone").values()
    assert text.count("someone") == 3
    assert [d.code for d in at(text).snapshot.checked.diagnostics] == [
        d.code for d in here.snapshot.checked.diagnostics
    ]


def test_a_string_that_spells_a_name_is_renamed_within_its_quotes():
    text = 'mission A {\n  store s$0: file("s")\n  action B { queue s { item: 1 } }\n}\n'
    (new,) = renamed(at(text), "t").values()
    assert 'store t: file("s")' in new
    assert "queue t" in new


@pytest.mark.parametrize(
    ("part", "shift", "name", "reason"),
    [
        ("store people", 7, "1st", "'1st' is not a name"),
        ("store people", 7, "null", "'null' is not a name"),
        ("store people", 7, "größe", "'größe' is not a name"),
        ("store people", 7, "API", "'API' is the name of something already"),
        ("let age", 5, "response", "'response' has a meaning of its own"),
        ("store people", 7, "limit", None),
        ("Fetch {", 1, "Clean", "'Clean' is the name of an action already"),
        ("let age", 5, "person", "another name in sight"),
        ("let age", 5, "people", "already"),
        ("get ", 1, "other", "no name here"),
        ('"/people"', 1, "other", "no name here"),
    ],
)
def test_rename_refuses_what_would_break(part, shift, name, reason):
    here = on(part, shift)
    if reason is None:
        assert rename(here.snapshot, here.path, here.offset, name)
        return
    with pytest.raises(RefusedError, match=reason):
        rename(here.snapshot, here.path, here.offset, name)


def test_prepare_rename_gives_the_name_or_nothing():
    here = on("store people", 7)
    span, name = prepare_rename(here.snapshot, here.path, here.offset) or ((0, 0), "")
    assert (here.text[slice(*span)], name) == ("people", "people")
    here = on("auth", 1)
    assert prepare_rename(here.snapshot, here.path, here.offset) is None


def test_who_runs_whom():
    here = on("action Clean", 8)
    item = prepare_calls(here.snapshot, here.path, here.offset)
    assert item is not None
    (edge,) = incoming_calls(here.snapshot, item)
    assert edge.item.name == "Fetch"
    assert [here.text[slice(*place)] for place in edge.places] == ["Clean"]
    (back,) = outgoing_calls(here.snapshot, edge.item)
    assert back.item == item


def test_the_outline_shows_missions_with_their_members():
    (mission,) = document_symbols(at(MISSION).snapshot, "m.vague")
    assert (mission.name, mission.kind.value) == ("Sync", "mission")
    assert [f"{one.kind.value} {one.name}" for one in mission.children] == [
        "source API",
        "store people",
        "schema Person",
        "variable limit",
        "action Fetch",
        "action Clean",
        "event run",
    ]
    for one in (mission, *mission.children):
        assert one.span.start <= one.name_span.start <= one.name_span.end <= one.span.end


def test_the_outline_of_broken_text_keeps_what_can_be_read():
    text = MISSION.replace("run Fetch then Clean", "run Fetch then").replace("clear people", "clea")
    (mission,) = document_symbols(at(text).snapshot, "m.vague")
    assert "Fetch" in [one.name for one in mission.children]
    assert "Clean" in [one.name for one in mission.children]


def test_workspace_symbols_match_letters_in_order():
    found = workspace_symbols([at(MISSION).snapshot], "fth")
    assert [(one.name, one.container) for one in found] == [("Fetch", "Sync")]


def test_selection_grows_from_the_word_to_the_file():
    here = on("person.age", 8)
    texts = [here.text[slice(*span)] for span in selection(here.snapshot, here.path, here.offset)]
    assert texts[0] == "age"
    assert texts[1] == "person.age"
    assert "let age = person.age" in texts
    assert texts[-1] == here.text
    assert all(inner in outer for inner, outer in pairwise(texts))


def test_links_lead_to_specs_imports_and_records():
    text = (
        'import "./shared.vague"\nmission A {\n'
        '  source B from "./b.json" { auth: none }\n'
        '  source C from "https://c.test/spec.yaml" { auth: none }\n'
        '  store s: file("s/t")\n  store m: memory("m")\n}\n'
    )
    here = at(text, path="w/m.vague")
    found = {
        here.text[slice(*one.span)]: one for one in links(here.snapshot, here.path, lambda _: "/d")
    }
    assert found['"./shared.vague"'].target == "w/shared.vague"
    assert found['"./b.json"'].target == "w/b.json"
    assert found['"https://c.test/spec.yaml"'].is_url
    assert found['"s/t"'].target == "/d/stores/s/t.json"
    assert '"m"' not in found
