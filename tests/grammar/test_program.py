"""Which files make up a program, how they are merged, and what an edit reuses."""

from __future__ import annotations

import pytest

from vague.check_source import MemoryFiles
from vague.program import ProgramRoot, find_programs, join, read_program
from vague.program_files import defines_mission, dirname

MISSION = "mission M { action A { skip } run A }"


def names(files: MemoryFiles, path: str = ".") -> list[str]:
    return [root.root_file for root in find_programs(path, files).programs]


# ---------------------------------------------------------------- which programs there are


def test_a_file_is_one_program_whatever_its_name():
    files = MemoryFiles({"notes.txt": MISSION})
    assert names(files, "notes.txt") == ["notes.txt"]


def test_a_mission_folder_is_one_program():
    files = MemoryFiles({"m/mission.vague": MISSION, "m/a.vague": "", "m/b/mission.vague": MISSION})
    assert names(files, "m") == ["m/mission.vague"]


def test_a_collection_holds_files_with_missions_and_mission_folders_in_name_order():
    files = MemoryFiles(
        {
            "z.vague": MISSION,
            "b.reqon": MISSION,
            "lib.vague": 'store x: file("mission M { }")',
            "a/mission.reqon": MISSION,
            "a/part.vague": "",
            "deep/er/mission.vague": MISSION,
            ".hidden/mission.vague": MISSION,
            ".dot.vague": MISSION,
            "readme.md": MISSION,
        }
    )
    assert names(files) == ["a/mission.reqon", "b.reqon", "z.vague"]
    assert find_programs(".", files).diagnostics == ()


@pytest.mark.parametrize("path", ["nothing", "empty"])
def test_a_path_without_missions_says_what_was_looked_for(path: str):
    found = find_programs(path, MemoryFiles({"empty/notes.txt": ""}))
    assert found.programs == ()
    (problem,) = found.diagnostics
    assert problem.code == "RQ110"
    assert problem.path == path


def test_of_two_root_files_the_vague_one_is_used():
    files = MemoryFiles({"m/mission.vague": MISSION, "m/mission.reqon": "nonsense"})
    found = find_programs("m", files)
    assert [root.root_file for root in found.programs] == ["m/mission.vague"]
    assert [(one.code, one.path) for one in found.diagnostics] == [("RQ119", "m/mission.reqon")]
    program = read_program(found.programs[0], files)
    assert list(program.files) == ["m/mission.vague"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mission M {", True),
        ("  // c\n mission\n  M { }", True),
        ("# mission M {", False),
        ("/* mission M { } */", False),
        ('let x = "mission M {"', False),
        ("action A { mission M { } }", False),
        ("let mission = 1", False),
        ("/* } */ mission M", True),
        ("", False),
    ],
)
def test_a_mission_is_found_outside_of_braces_comments_and_strings(text: str, expected: bool):
    assert defines_mission(text.encode()) is expected


# ---------------------------------------------------------------- merging


def test_parts_are_merged_after_the_root_schemas_first():
    files = MemoryFiles(
        {
            "m/mission.vague": "source Z { } " + MISSION,
            "m/b.vague": "source B { }",
            "m/a/x.vague": "source A { }",
            "m/q/schemas/s.vague": "source S { }",
        }
    )
    program = read_program(find_programs("m", files).programs[0], files)
    assert list(program.missions[0].sources) == ["Z", "S", "A", "B"]
    assert program.missions[0].default_source is program.missions[0].sources["Z"]


def test_own_definitions_come_before_imported_and_shared_ones():
    files = MemoryFiles(
        {
            "m.vague": """source S { }
                mission M { import "lib.vague" source O { } action A { skip } }""",
            "lib.vague": "source I { } let x = 1",
        }
    )
    mission = read_program(ProgramRoot("m.vague", "file", "m.vague"), files).missions[0]
    assert list(mission.sources) == ["O", "I", "S"]
    assert [one.shared for one in mission.sources.values()] == [False, True, True]
    assert [one.node.name.text for one in mission.shared_lets] == ["x"]
    assert mission.implied_action is mission.actions["A"]


def test_offsets_of_declarations_count_from_the_start_of_the_file():
    text = "mission M {\n  store a: memory\n  action A { skip }\n}\nstore b: memory\n"
    program = read_program(ProgramRoot("m", "file", "m"), MemoryFiles({"m": text}))
    mission = program.missions[0]
    for declared in (*mission.stores.values(), *mission.actions.values()):
        start, end = declared.absolute(declared.node.name.span)
        assert text[start:end] == declared.node.name.text
    assert mission.mission.start == 0


# ---------------------------------------------------------------- bytes that are no text


def test_a_byte_that_is_no_utf8_is_named_at_its_place():
    data = b'// caf\xe9\nmission M { store a: file("\xc3\xa9") action A { clear a } run A }'
    program = read_program(ProgramRoot("m", "file", "m"), MemoryFiles({"m": data}))
    (problem,) = program.diagnostics
    assert (problem.code, problem.span) == ("RQ015", (6, 7))
    assert "0xe9" in problem.message


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be"], ids=["with a mark", "little", "big"]
)
def test_a_file_in_utf_16_gives_one_message(encoding: str):
    files = MemoryFiles({"m": MISSION.encode(encoding)})
    program = read_program(ProgramRoot("m", "file", "m"), files)
    (problem,) = program.diagnostics
    assert (problem.code, problem.span) == ("RQ015", (0, 1))
    assert problem.message == "file is in UTF-16, not in UTF-8"
    assert [one.name for one in program.missions] == [one.name for one in _missions(MISSION)]


def _missions(text: str):
    return read_program(ProgramRoot("m", "file", "m"), MemoryFiles({"m": text})).missions


def test_a_byte_order_mark_is_white_space():
    data = b"\xef\xbb\xbf" + MISSION.encode()
    program = read_program(ProgramRoot("m", "file", "m"), MemoryFiles({"m": data}))
    assert program.diagnostics == ()
    assert program.missions[0].mission.start == 1


def test_an_unreadable_root_file_is_the_callers_business():
    with pytest.raises(OSError, match="gone"):
        read_program(ProgramRoot("gone", "file", "gone"), MemoryFiles({}))


# ---------------------------------------------------------------- reuse


def test_unchanged_files_and_documents_are_taken_over():
    spec = '{"openapi": "3.0.0", "paths": {}}'
    texts = {
        "m/mission.vague": 'mission M { source S from "s.json" action A { skip } run A }',
        "m/part.vague": "store a: memory",
        "m/s.json": spec,
    }
    files = MemoryFiles(texts)
    root = find_programs("m", files).programs[0]
    before = read_program(root, files)
    edited = MemoryFiles({**texts, "m/mission.vague": texts["m/mission.vague"] + "\n// end\n"})
    after = read_program(root, edited, before)
    assert after.files["m/part.vague"] is before.files["m/part.vague"]
    assert after.documents["m/s.json"] is before.documents["m/s.json"]
    assert after.files["m/mission.vague"] is not before.files["m/mission.vague"]
    assert after.missions[0].actions["A"].node is before.missions[0].actions["A"].node


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        (".", "a.vague", "a.vague"),
        ("", "./a.vague", "a.vague"),
        ("m", "../common/e.vague", "common/e.vague"),
        ("m/n", "./x/../y.vague", "m/n/y.vague"),
        ("m", "../../e.vague", "../e.vague"),
        ("/root/m", "../e.vague", "/root/e.vague"),
        ("/root", "/abs/e.vague", "/abs/e.vague"),
        ("m", "C:/x/e.vague", "C:/x/e.vague"),
        ("/", "a", "/a"),
        ("m", "..", "."),
    ],
)
def test_paths_are_joined_and_simplified(folder: str, path: str, expected: str):
    assert join(folder, path) == expected


@pytest.mark.parametrize(
    ("path", "expected"), [("a", "."), ("m/a", "m"), ("/a", "/"), ("/m/a", "/m")]
)
def test_the_folder_of_a_path(path: str, expected: str):
    assert dirname(path) == expected


class Guarded(MemoryFiles):
    """Files of which one may not be read, and one is a folder after all."""

    def read(self, path: str) -> bytes:
        if path.endswith("locked.vague"):
            raise PermissionError(13, "Permission denied", path)
        if path.endswith("folder.yaml"):
            raise IsADirectoryError(21, "Is a directory", path)
        return super().read(path)


def test_a_part_that_cannot_be_read_is_told_and_names_are_not_looked_for():
    files = Guarded(
        {
            "m/mission.vague": """import api from "./folder.yaml"
                mission M { action A { clear somewhere } run A }""",
            "m/locked.vague": "store somewhere: memory",
            "m/folder.yaml": "",
        }
    )
    program = read_program(find_programs("m", files).programs[0], files)
    assert [(one.code, one.path, one.message) for one in program.diagnostics] == [
        ("RQ112", "m/locked.vague", "cannot read 'm/locked.vague': permission denied"),
        ("RQ112", "m/mission.vague", "cannot import './folder.yaml': it is a folder"),
    ]
    assert program.missions[0].broken
