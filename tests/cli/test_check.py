"""`reqon check`: what it finds, in which form, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Reqon

CLEAN = """\
mission A {
  store s: file("s")
  action B { store { id: "1" } -> s { key: .id } }
  run B
}
"""
WARNING = CLEAN.replace("  run B\n", "  action C { clear s }\n  run B\n")
BROKEN = "mission A {\n  stateRetention: 7\n  action B { store 1 -> shelf }\n  run B then\n}\n"


@pytest.fixture
def programs(own_folder: Path) -> Path:
    for name, text in (("clean", CLEAN), ("warning", WARNING), ("broken", BROKEN)):
        (own_folder / f"{name}.vague").write_text(text)
    return own_folder


def test_a_clean_program(reqon: Reqon, programs: Path) -> None:
    shown = reqon("check", "clean.vague")
    assert (shown.exit_code, shown.stdout) == (0, "1 file checked, no problems\n")


def test_problems_are_shown_with_their_line(reqon: Reqon, programs: Path) -> None:
    shown = reqon("check", "broken.vague", "clean.vague")
    assert shown.exit_code == 2
    assert shown.stdout.startswith(
        "broken.vague:2:19: error[RQ309]: 'stateRetention' needs a number with a unit, "
        "found '7' without a unit\n"
        "  |\n"
        "2 |   stateRetention: 7\n"
        "  |                   ^\n"
        "   help: write for example '7 days'\n"
        "\n"
    )
    assert shown.stdout.splitlines()[-1].startswith("2 files checked, ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["warning.vague"], 0),
        (["warning.vague", "--max-warnings", "1"], 0),
        (["warning.vague", "--max-warnings", "0"], 2),
        (["warning.vague", "--syntax-only"], 0),
        (["broken.vague", "--syntax-only"], 2),
        (["missing.vague"], 3),
        (["clean.vague", "--format", "xml"], 2),
        ([], 2),
    ],
)
def test_exit_codes(reqon: Reqon, programs: Path, arguments: list[str], code: int) -> None:
    assert reqon("check", *arguments).exit_code == code


def test_syntax_only_leaves_out_the_other_checks(reqon: Reqon, programs: Path) -> None:
    shown = reqon("check", "broken.vague", "--syntax-only", "--format", "json")
    codes = [found["code"] for found in json.loads(shown.stdout)["diagnostics"]]
    assert codes == ["RQ001"]


def checked(reqon: Reqon, form: str, *paths: str) -> str:
    return reqon("check", *paths, "--format", form).stdout


def test_json(reqon: Reqon, programs: Path) -> None:
    report: dict[str, Any] = json.loads(checked(reqon, "json", "broken.vague", "warning.vague"))
    first = report["diagnostics"][0]
    assert first == {
        "file": "broken.vague",
        "code": "RQ309",
        "severity": "error",
        "message": first["message"],
        "range": {"start": {"line": 2, "column": 19}, "end": {"line": 2, "column": 20}},
        "help": "write for example '7 days'",
        "fix": [
            {
                "range": {"start": {"line": 2, "column": 19}, "end": {"line": 2, "column": 20}},
                "text": "7 days",
            }
        ],
    }
    assert report["summary"]["files"] == 2
    assert report["summary"]["warnings"] == 1
    assert json.loads(checked(reqon, "json", "clean.vague")) == {
        "diagnostics": [],
        "summary": {"files": 1, "errors": 0, "warnings": 0},
    }


def test_github(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "a,b.vague").write_text("mission A { run B }")
    assert (
        checked(reqon, "github", "a,b.vague")
        .splitlines()[0]
        .startswith("::error file=a%2Cb.vague,line=1,endLine=1,col=17,endColumn=18,title=RQ202::")
    )


def test_sarif(reqon: Reqon, programs: Path) -> None:
    (run,) = json.loads(checked(reqon, "sarif", "warning.vague"))["runs"]
    assert run["tool"]["driver"]["name"] == "reqon"
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("RQ401", "warning")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_junit(reqon: Reqon, programs: Path) -> None:
    suite = ET.fromstring(checked(reqon, "junit", "clean.vague", "broken.vague"))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["broken.vague"]


def test_folders_are_read_as_they_are_run(reqon: Reqon, programs: Path) -> None:
    folder = programs / "folder"
    (folder / "actions").mkdir(parents=True)
    (folder / "mission.vague").write_text('mission F {\n  store s: file("s")\n  run B\n}\n')
    (folder / "actions" / "b.vague").write_text('action B { store { id: "1" } -> s }\n')
    assert "2 files checked" in reqon("check", "folder").stdout
    (folder / "actions" / "b.vague").write_text('action B { store { id: "1" } -> t }\n')
    shown = reqon("check", "folder")
    assert shown.exit_code == 2
    assert "folder/actions/b.vague:1:33: error[RQ203]" in shown.stdout
    everything = reqon("check", ".")
    assert everything.exit_code == 2
    assert "5 files checked" in everything.stdout


@pytest.mark.parametrize("data", [b"\xff\xfe", b"mission A {" * 500, b"\x00", b"", b"}" * 100])
def test_any_bytes_get_an_answer(reqon: Reqon, own_folder: Path, data: bytes) -> None:
    (own_folder / "odd.vague").write_bytes(data)
    shown = reqon("check", "odd.vague")
    assert shown.exit_code in (0, 2)
    assert "Traceback" not in shown.output


@pytest.mark.slow
def test_related_places_name_their_file(reqon: Reqon, programs: Path) -> None:
    Path("lib.vague").write_text("action B {\n", encoding="utf-8")
    Path("user.vague").write_text('import "lib.vague"\nmission M { run B }\n', encoding="utf-8")
    found = json.loads(reqon("check", "user.vague", "--format", "json").stdout)["diagnostics"]
    places = {one["code"]: one["related"] for one in found if one.get("related")}
    assert [place["file"] for place in places["RQ007"]] == ["lib.vague"]
    assert places["RQ007"][0]["range"]["start"] == {"line": 1, "column": 10}


def test_watching_checks_again_when_a_file_changes(programs: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "reqon", "check", "clean.vague", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "1 file checked, no problems\n"
        time.sleep(0.5)
        (programs / "clean.vague").write_text(BROKEN)
        assert watch.stdout.readline().startswith("clean.vague:2:19: error[RQ309]")
        watch.send_signal(2)
        watch.communicate(timeout=60)
        assert watch.returncode == 0
