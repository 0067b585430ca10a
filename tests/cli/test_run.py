"""`reqon PATH`: what it prints and answers when things go well and when they do not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.service import Answer, Service, serving

MISSION = """\
mission Sync {{
  source API {{ auth: none, base: "{base}" }}
  store items: file("items")
  action Fetch {{
    get "/items"
    store response -> items {{ key: .id }}
  }}
  run Fetch
}}
"""
ITEMS = [{"id": "a", "n": 1}, {"id": "b", "n": 2}]


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(items=Answer(ITEMS)) as service:
        yield service


@pytest.fixture
def mission(own_folder: Path, service: Service) -> Path:
    path = own_folder / "sync.vague"
    path.write_text(MISSION.format(base=service.address))
    return path


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reqon", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={n: v for n, v in os.environ.items() if n not in ("COLUMNS", "LINES")},
    )


# ---------------------------------------------------------------- when all is well


def test_a_run_shows_what_it_stored(reqon: Reqon, mission: Path, own_folder: Path) -> None:
    shown = reqon("sync.vague")
    assert shown.exit_code == 0
    first, second = shown.stdout.splitlines()
    assert first.startswith("Sync completed in ")
    assert second == "  items  2 records: 2 added, 0 updated"
    assert [line.partition(" in ")[0] for line in shown.stderr.splitlines()] == [
        "Sync: started",
        "Fetch: started",
        "Fetch: completed",
    ]
    store = json.loads((own_folder / ".vague-data/stores/items.json").read_text())
    assert store == {"a": ITEMS[0], "b": ITEMS[1]}


def test_quiet_and_verbose(reqon: Reqon, mission: Path) -> None:
    quiet = reqon("sync.vague", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert "stage 1: Fetch" in reqon("sync.vague", "-v").stderr
    assert reqon("sync.vague", "-q", "-v").exit_code == 2


def test_json_is_one_event_a_line_and_the_result_last(reqon: Reqon, mission: Path) -> None:
    shown = reqon("sync.vague", "--format", "json")
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [event["event"] for event in events] == [
        "run_started",
        "stage_started",
        "action_started",
        "action_completed",
        "run_ended",
        "result",
    ]
    assert all(event["mission"] == "Sync" and event["executionId"] for event in events)
    assert all(event["at"].endswith("Z") for event in events[:-1])
    result = events[-1]
    assert (result["status"], result["exitCode"]) == ("completed", 0)
    assert result["stores"]["items"]["added"] == 2
    assert shown.stderr == ""


def test_the_log_as_json_goes_to_standard_error(reqon: Reqon, mission: Path) -> None:
    shown = reqon("sync.vague", "--log-format", "json")
    lines = [json.loads(line) for line in shown.stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "run_started",
        "action_started",
        "action_completed",
        "run_ended",
    ]
    assert {line["level"] for line in lines} == {"info"}
    assert "Sync completed" in shown.stdout


def test_the_state_folder_can_be_chosen(
    reqon: Reqon, mission: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reqon("sync.vague", "--state-dir", "one").exit_code == 0
    assert reqon("--state-dir", "two", "sync.vague").exit_code == 0
    monkeypatch.setenv("REQON_STATE_DIR", "three")
    assert reqon("sync.vague").exit_code == 0
    for name in ("one", "two", "three"):
        assert (own_folder / name / "stores/items.json").exists()
        assert "exec_" in reqon("status", "Sync", "--state-dir", name).stdout
    assert not (own_folder / ".vague-data").exists()


def test_all_missions_of_a_folder_run_one_after_another(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service
) -> None:
    folder = own_folder / "missions"
    folder.mkdir()
    for name in ("Beta", "Alpha"):
        text = MISSION.format(base=service.address).replace("Sync", name)
        (folder / f"{name.lower()}.vague").write_text(text.replace('"items"', f'"{name}"'))
    shown = reqon("missions")
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines() if "completed" in line] == [
        "Alpha",
        "Beta",
    ]
    one = reqon("missions", "--mission", "Beta")
    assert "Alpha" not in one.stdout
    unknown = reqon("missions", "--mission", "Gamma")
    assert unknown.exit_code == 3
    assert "there is no mission 'Gamma'" in unknown.stderr
    assert "the missions are: Alpha, Beta" in unknown.stderr


# ---------------------------------------------------------------- what is wrong before the run


@pytest.mark.parametrize(
    ("program", "code", "place"),
    [
        ("mission A { action B { get \"/x\" => } }", "RQ001", "1:"),
        ("mission A {\n  action B { store 1 -> nowhere }\n  run B\n}", "RQ203", "2:"),
        ("mission A {\n  action B { abort }\n  run C\n}", "RQ202", "3:"),
        ('mission A {\n  source S { auth: none, base: "http://x.test" }\n'
         '  action B { get T "/x" }\n  run B\n}', "RQ204", "3:"),
        ("store a: file(\"a\")", "RQ101", "1:"),
        ("mission A { action B { get \"/x\" } run B }", "RQ212", "1:"),
        ("mission A {", "RQ007", "1:"),
    ],
)  # fmt: skip
def test_a_program_with_errors_is_not_run(
    reqon: Reqon, own_folder: Path, program: str, code: str, place: str
) -> None:
    (own_folder / "bad.vague").write_text(program)
    shown = reqon("bad.vague")
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert f"bad.vague:{place}" in shown.stderr
    assert f"error[{code}]: " in shown.stderr
    assert "^" in shown.stderr
    assert shown.stderr.rstrip().endswith("nothing was run")
    assert not (own_folder / ".vague-data").exists()


def test_all_errors_of_a_program_are_told_at_once(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "bad.vague").write_text(
        "mission A {\n  action B {\n    store 1 -> x\n    clear y\n  }\n  run B then C\n}\n"
    )
    shown = reqon("bad.vague")
    assert [line.split(": ")[0] for line in shown.stderr.splitlines() if "error[" in line] == [
        "bad.vague:3:16",
        "bad.vague:4:11",
        "bad.vague:6:14",
    ]
    assert "3 errors; nothing was run" in shown.stderr


def test_errors_in_json_end_in_a_result_line(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "bad.vague").write_text("mission A { run B }")
    shown = reqon("bad.vague", "--format", "json")
    assert shown.exit_code == 2
    result = json.loads(shown.stdout)
    assert (result["event"], result["status"], result["exitCode"]) == ("result", None, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.vague"], 3, "no such path: 'missing.vague'"),
        (["stauts"], 3, "did you mean the command 'status'?"),
        (["snyc.vague"], 3, "did you mean 'sync.vague'?"),
        (["empty"], 2, "RQ110"),
        (["sync.vague", "--auth", "none.json"], 3, "no such file: 'none.json'"),
        (["sync.vague", "--env", "none.env"], 3, "no such file: 'none.env'"),
        (["sync.vague", "--execution", "exec_none"], 3, "exec_none"),
        (["sync.vague", "--resume-only"], 3, "nothing to resume"),
        (["sync.vague", "--wait", "a while"], 2, "is no duration"),
        (["sync.vague", "--since", "yesterday"], 2, "is no time"),
        (["sync.vague", "--var", "=x"], 2, "NAME=VALUE"),
        (["sync.vague", "--limit", "0"], 2, "limit"),
        (["sync.vague", "--full", "--since", "2031-01-01"], 2, "cannot be combined"),
    ],
)
def test_a_wrong_command_line(
    reqon: Reqon, mission: Path, own_folder: Path, arguments: list[str], code: int, said: str
) -> None:
    (own_folder / "empty").mkdir()
    shown = reqon(*arguments)
    assert shown.exit_code == code, shown.output
    assert said in shown.stderr
    assert shown.stdout == ""


def test_a_mission_name_in_two_files_is_ambiguous(
    reqon: Reqon, mission: Path, own_folder: Path
) -> None:
    (own_folder / "again.vague").write_text(mission.read_text())
    shown = reqon("sync.vague", "again.vague")
    assert shown.exit_code == 2
    assert "RQ109: mission 'Sync' is defined in both 'sync.vague' and 'again.vague'" in shown.stderr


def test_a_state_folder_that_cannot_be_made(reqon: Reqon, mission: Path, service: Service) -> None:
    shown = reqon("sync.vague", "--state-dir", "/proc/reqon/state")
    assert shown.exit_code == 3
    assert "/proc/reqon" in shown.stderr
    assert "help: " in shown.stderr
    assert service.asked == []


def test_a_file_in_the_place_of_the_state_folder(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service
) -> None:
    (own_folder / ".vague-data").write_text("in the way")
    shown = reqon("sync.vague")
    assert shown.exit_code == 3
    assert ".vague-data" in shown.stderr
    assert "help: " in shown.stderr
    assert service.asked == []


# ---------------------------------------------------------------- what goes wrong while it runs


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({"error": "no such thing"}, 404), "404"),
        (Answer({}, 500), "500"),
        (Answer(b'[{"id": "a"', 200), "invalid_json"),
        (Answer(b"<html>Sign in</html>", 200), "invalid_json"),
        (Answer(None), "network"),
    ],
)
def test_a_service_that_fails(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service, answer: Answer, said: str
) -> None:
    service.answers["/items"] = answer
    shown = reqon("sync.vague")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("Sync failed after ")
    assert said in shown.stderr
    assert 'sync.vague:5:5 in Fetch, get "/items"' in shown.stderr
    assert '5 |     get "/items"' in shown.stderr
    assert "resume with: reqon sync.vague --resume" in shown.stderr
    assert "Traceback" not in shown.output

    service.answers["/items"] = Answer(ITEMS)
    again = reqon("sync.vague", "--resume")
    assert again.exit_code == 0
    assert again.stderr.startswith("Sync goes on at Fetch\n")
    assert "2 added" in again.stdout


def test_a_file_that_was_moved_is_not_said_to_go_on(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service
) -> None:
    service.answers["/items"] = Answer(None)
    assert reqon("sync.vague").exit_code == 1
    mission.rename(own_folder / "moved.vague")
    service.answers["/items"] = Answer(ITEMS)
    shown = reqon("moved.vague", "--resume")
    assert shown.exit_code == 0
    assert shown.stderr.startswith("Sync starts, nothing to resume\n")
    assert "was run from 'sync.vague'" in shown.stderr


def test_what_to_do_next_fits_the_terminal(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (own_folder / "end.vague").write_text('mission End {\n  action A { abort "so" }\n  run A\n}\n')
    assert reqon("end.vague").exit_code == 1
    lines = reqon("end.vague", "--resume").stderr.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  help: "))
    assert lines[at + 1].startswith(" " * 8)
    assert "--force" in lines[at + 1]
    assert max(map(len, lines)) <= 80


def test_only_the_failed_step_of_a_line_is_underlined(
    reqon: Reqon, own_folder: Path, service: Service
) -> None:
    line = '  action Fetch { get "/nope" store response -> items { key: .id } }'
    (own_folder / "short.vague").write_text(
        f'mission Short {{\n  source API {{ base: "{service.address}", auth: none }}\n'
        f'  store items: file("items")\n{line}\n  run Fetch\n}}\n'
    )
    shown = reqon("short.vague").stderr.splitlines()
    at = shown.index(f"4 | {line}")
    assert shown[at + 1] == "  | " + " " * line.index("get") + "^" * len('get "/nope"')


def test_a_service_that_is_not_there(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "sync.vague").write_text(MISSION.format(base="http://127.0.0.1:9"))
    shown = reqon("sync.vague")
    assert shown.exit_code == 1
    assert "127.0.0.1:9" in shown.stderr
    assert "refused" in shown.stderr


def test_with_several_missions_the_highest_code_counts(
    reqon: Reqon, own_folder: Path, service: Service
) -> None:
    text = MISSION.format(base=service.address)
    bad = text.replace("Sync", "Bad").replace("/items", "/gone")
    (own_folder / "both.vague").write_text(bad + text)
    shown = reqon("both.vague")
    assert shown.exit_code == 1
    assert "Bad failed" in shown.stdout
    assert "Sync completed" in shown.stdout


def test_nothing_to_resume_is_said_and_the_mission_starts(reqon: Reqon, mission: Path) -> None:
    shown = reqon("sync.vague", "--resume")
    assert shown.exit_code == 0
    assert shown.stderr.startswith("Sync starts, nothing to resume\n")


# ---------------------------------------------------------------- other processes and signals


class Held:
    """An answer that waits until it is let go; `asked` is set when somebody waits for it."""

    def __init__(self, service: Service) -> None:
        self.asked = threading.Event()
        self.opened = threading.Event()
        service.answers["/items"] = Answer(ITEMS, before=self.wait)

    def wait(self) -> None:
        self.asked.set()
        self.opened.wait(20)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_stops_in_order(
    reqon: Reqon, mission: Path, service: Service, number: signal.Signals, code: int
) -> None:
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        run.send_signal(number)
        output, errors = run.communicate(timeout=20)
    held.opened.set()
    assert run.returncode == code
    assert output.startswith("Sync interrupted after ")
    assert f"{number.name}: stopping in order" in errors
    assert errors.rstrip().endswith("resume with: reqon sync.vague --resume")
    record = json.loads(reqon("status", "Sync", "--json").stdout)
    assert (record["status"], record["interruptedBy"]) == ("interrupted", number.name)
    assert reqon("sync.vague", "--resume").exit_code == 0


@pytest.mark.slow
def test_a_second_signal_leaves_at_once(reqon: Reqon, mission: Path, service: Service) -> None:
    mission.write_text(mission.read_text().replace('get "/items"', 'post "/items"'))
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        while "stopping in order" not in run.stderr.readline():
            pass
        run.send_signal(signal.SIGINT)
        begun = time.monotonic()
        output, errors = run.communicate(timeout=20)
        assert time.monotonic() - begun < 3
    held.opened.set()
    assert (run.returncode, output) == (130, "")
    assert "Traceback" not in errors
    assert json.loads(reqon("status", "Sync", "--json").stdout)["status"] == "interrupted"


@pytest.mark.slow
def test_a_second_run_is_refused_while_one_runs(
    reqon: Reqon, mission: Path, service: Service
) -> None:
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        begun = time.monotonic()
        second = reqon("sync.vague")
        assert time.monotonic() - begun < 5
        running = json.loads(reqon("status", "Sync", "--json").stdout)
        held.opened.set()
        assert run.wait(20) == 0
        run.communicate()
    assert second.exit_code == 4
    assert running["status"] == "running"
    assert running["executionId"] in second.stderr
    assert str(run.pid) in second.stderr
    assert "--wait" in second.stderr


@pytest.mark.slow
def test_with_wait_a_second_run_queues(reqon: Reqon, mission: Path, service: Service) -> None:
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        threading.Timer(0.5, held.opened.set).start()
        second = reqon("sync.vague", "--wait", "20s")
        assert run.wait(20) == 0
        run.communicate()
    assert second.exit_code == 0


@pytest.mark.slow
def test_an_execution_is_found_among_the_missions_of_a_folder(
    reqon: Reqon, own_folder: Path
) -> None:
    for name, step in (("First", "let _x = 1"), ("Last", 'abort "no"')):
        (own_folder / f"{name}.vague").write_text(f"mission {name} {{ action A {{ {step} }} }}")
    assert reqon(".").exit_code == 1
    execution = json.loads(reqon("status", "Last", "--json").stdout)["executionId"]
    (own_folder / "Last.vague").write_text("mission Last { action A { let _x = 1 } }")
    shown = reqon(".", "--execution", execution, "--force")
    assert shown.exit_code == 0, shown.output
    assert "First" not in shown.output
    shown = reqon(".", "--execution", "exec_none")
    assert shown.exit_code == 3
    assert f"none of the missions has an execution 'exec_none'\n  help: known: {execution}" in (
        shown.stderr
    )


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are Unicode there")
def test_a_file_whose_name_is_no_utf_8_runs(reqon: Reqon, own_folder: Path) -> None:
    program = own_folder / os.fsdecode(b"s\xffnc.vague")
    program.write_text("mission Sync { action A { abort } }")
    assert reqon(str(program)).exit_code == 1
    record = json.loads(reqon("status", "Sync", "--json").stdout)
    assert record["program"]["path"] == record["errors"][0]["file"] == "s\ufffdnc.vague"
    assert reqon(str(program), "--resume-only").exit_code == 1


def test_stop_asks_a_running_execution_to_stop(
    reqon: Reqon, mission: Path, service: Service
) -> None:
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        stopped = reqon("stop", "Sync")
        output, _ = run.communicate(timeout=20)
    held.opened.set()
    assert stopped.exit_code == 0
    assert stopped.stdout == "Sync is interrupted\n"
    assert run.returncode == 143
    assert output.startswith("Sync interrupted")
    assert reqon("stop", "Sync").stdout == (
        "Sync is not running; its last execution is interrupted\n"
    )
    assert reqon("stop", "Other").exit_code == 3


@pytest.mark.slow
def test_a_killed_run_is_interrupted_and_resumes(
    reqon: Reqon, mission: Path, service: Service
) -> None:
    held = Held(service)
    with process("sync.vague") as run:
        assert held.asked.wait(20)
        run.kill()
        run.communicate()
    held.opened.set()
    assert json.loads(reqon("status", "Sync", "--json").stdout)["status"] == "interrupted"
    service.answers["/items"] = Answer(ITEMS)
    shown = reqon("sync.vague", "--resume")
    assert shown.exit_code == 0
    assert "2 added" in shown.stdout


# ---------------------------------------------------------------- files beside the state


def test_output_writes_the_stores(reqon: Reqon, mission: Path, own_folder: Path) -> None:
    assert reqon("sync.vague", "--output", "out").exit_code == 0
    assert json.loads((own_folder / "out/items.json").read_text()) == ITEMS
    assert reqon("sync.vague", "--output", "all.json").exit_code == 0
    assert json.loads((own_folder / "all.json").read_text()) == {"items": ITEMS}
    assert [path.name for path in (own_folder / "out").iterdir()] == ["items.json"]


def test_output_holds_memory_stores_and_tables_too(
    reqon: Reqon, mission: Path, own_folder: Path
) -> None:
    text = mission.read_text()
    mission.write_text(text.replace('file("items")', 'memory("items")'))
    assert reqon("sync.vague", "--output", "out").exit_code == 0
    assert json.loads((own_folder / "out/items.json").read_text()) == ITEMS
    mission.write_text(text.replace('file("items")', 'file("t", { format: "csv" })'))
    assert reqon("sync.vague", "--output", "out").exit_code == 0
    assert (own_folder / "out/items.csv").read_text() == "id,n\na,1\nb,2\n"


def test_a_failed_run_leaves_earlier_output_alone(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service
) -> None:
    reqon("sync.vague", "--output", "out")
    service.answers["/items"] = Answer({}, 500)
    assert reqon("sync.vague", "--output", "out").exit_code == 1
    assert json.loads((own_folder / "out/items.json").read_text()) == ITEMS


def test_an_output_that_cannot_be_written_is_refused_before_the_run(
    reqon: Reqon, mission: Path, service: Service
) -> None:
    shown = reqon("sync.vague", "--output", "/proc/reqon/out")
    assert shown.exit_code == 3
    assert "cannot write to '/proc/reqon/out'" in shown.stderr
    assert service.asked == []


def test_a_report_for_a_ci_service(reqon: Reqon, own_folder: Path, service: Service) -> None:
    text = MISSION.format(base=service.address)
    bad = text.replace("Sync", "Bad").replace("/items", "/gone")
    (own_folder / "both.vague").write_text(bad + text)
    assert reqon("both.vague", "--report", "report.xml").exit_code == 1
    suite = ET.fromstring((own_folder / "report.xml").read_text())
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    bad_case, good_case = suite
    assert (bad_case.get("name"), good_case.get("name")) == ("Bad", "Sync")
    failure = bad_case.find("failure")
    assert failure is not None
    assert "404" in str(failure.get("message"))
    assert 'Fetch: get "/gone"' in str(failure.text)
    assert good_case.find("failure") is None


# ---------------------------------------------------------------- other kinds of runs


def test_a_dry_run_sends_and_writes_nothing_and_says_what_would_happen(
    reqon: Reqon, mission: Path, own_folder: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = reqon("sync.vague", "--dry-run", "--output", "out")
    assert shown.exit_code == 0
    assert shown.stdout == (
        "Sync\n  sources   API\n  stores    items\n  1  Fetch\n"
        '      get "/items"\n      store response -> items\n'
        "Sync: a dry run, nothing was sent or written\n"
    )
    assert [line for line in shown.stderr.splitlines() if "would" in line] == [
        f"Fetch: would send GET {service.address}/items",
        "Fetch: would store what is fetched in 'items'",
    ]
    assert "warning" not in shown.stderr
    monkeypatch.setenv("REQON_DRY_RUN", "1")
    assert reqon("sync.vague").stdout == shown.stdout
    assert service.asked == []
    assert [path.name for path in own_folder.iterdir()] == ["sync.vague"]


def test_a_run_that_changes_nothing_still_counts_its_stores(
    reqon: Reqon, mission: Path, own_folder: Path
) -> None:
    assert reqon("sync.vague").exit_code == 0
    assert reqon("sync.vague").exit_code == 0
    record = json.loads(reqon("status", "Sync", "--json").stdout)
    assert record["stores"] == {"items": {"count": 2, "added": 0, "updated": 0, "unchanged": 2}}


DRY = """\
mission Dry {{
  source API {{ base: "{base}", auth: none }}
  store items: file("items")
  action Fetch {{
    get "/items" {{ paginate: page, until: response.done, since: lastSync }}
    store response.data -> items {{ key: .id }}
  }}
  action Use {{
    get "/one"
    validate response {{ assume .data is array }} or {{ abort "no data" }}
    match response {{ {{ status: "pending" }} -> retry {{ delay: 1 hour }} }}
    for one in response.list {{ post "/each/{{one.id}}" }}
    post "/{{response.id}}"
    post "/sign" {{
      body: {{ id: "x", password: "hunter2" }},
      params: {{ page: 1, token: "hunter2" }}
    }}
    match response {{ _ where .state != "done" -> retry {{ delay: 1 hour }} _ -> continue }}
    for item in items {{ post "/kept/{{item.id}}" }}
    store {{ id: "new" }} -> items
  }}
  run Fetch then Use
}}
"""


def test_a_dry_run_goes_on_where_data_is_missing(
    reqon: Reqon, own_folder: Path, service: Service
) -> None:
    service.answers["/items"] = Answer({"data": ITEMS, "done": True})
    (own_folder / "dry.vague").write_text(DRY.format(base=service.address))
    assert reqon("dry.vague").exit_code == 1
    service.asked.clear()
    before = {path: path.read_bytes() for path in own_folder.rglob("*") if path.is_file()}
    shown = reqon("dry.vague", "--dry-run")
    assert (shown.exit_code, service.asked) == (0, [])
    assert {p: p.read_bytes() for p in own_folder.rglob("*") if p.is_file()} == before
    sent = [line.partition("would send ")[2] for line in shown.stderr.splitlines()]
    first, *others = [line.replace(service.address, "") for line in sent if line]
    assert first.startswith("GET /items?")
    assert first.endswith("page=1")
    assert others == [
        "GET /one",
        'POST /sign?page=1&token=**** {"id": "x", "password": "****"}',
        "POST /kept/a",
        "POST /kept/b",
    ]
    assert "cannot foresee 'post \"/{response.id}\"'" in shown.stderr
    assert "would go through what is fetched: for one in response.list" in shown.stderr
    assert "would try again if what is fetched asks for it" in shown.stderr
    assert "hunter2" not in shown.output
    assert "resume with" not in shown.stderr
    assert "items  1 added, as far as can be foreseen" in shown.stdout


def test_a_dry_run_in_json_names_no_record(reqon: Reqon, mission: Path, service: Service) -> None:
    lines = [
        json.loads(x)
        for x in reqon("sync.vague", "--dry-run", "--format", "json").stdout.splitlines()
    ]
    assert lines[0]["recordPath"] is None
    assert [line["message"] for line in lines if line["event"] == "foreseen"] == [
        f"would send GET {service.address}/items",
        "would store what is fetched in 'items'",
    ]
    assert "warned" not in [line["event"] for line in lines]
    assert (lines[-1]["status"], lines[-1]["dryRun"]) == ("completed", True)


def test_an_error_that_no_missing_reply_explains_fails_a_dry_run(
    reqon: Reqon, own_folder: Path
) -> None:
    (own_folder / "wrong.vague").write_text(
        'mission Wrong {\n  source API { base: "http://127.0.0.1:9" }\n'
        '  store s: memory("s")\n'
        '  action A { let name = env("NOTHING") abort "no name" get "/x" }\n  run A\n}\n'
    )
    shown = reqon("wrong.vague", "--dry-run")
    assert shown.exit_code == 1
    assert "abort: no name" in shown.stderr
    assert "Wrong: a dry run that failed, nothing was sent or written\n" in shown.stdout


def test_variables_limits_and_credentials(reqon: Reqon, own_folder: Path, service: Service) -> None:
    (own_folder / "many.vague").write_text(
        f"""mission Many {{
          let PATH = "/elsewhere"
          source API {{ base: "{service.address}" }}
          store items: file("items")
          action Fetch {{
            get (PATH)
            for item in response {{ store item -> items {{ key: .id }} }}
          }}
        }}"""
    )
    assert reqon("many.vague").exit_code == 1
    limited = reqon("many.vague", "--var", "PATH=/items", "--limit", "1")
    assert limited.exit_code == 0
    assert "1 record: 1 added" in limited.stdout
    (own_folder / "auth.json").write_text('{ "API": { "type": "bearer", "token": "$SECRET" } }')
    missing = reqon("many.vague", "--auth", "auth.json")
    assert missing.exit_code == 3
    assert "'SECRET'" in missing.stderr
    (own_folder / ".env").write_text("SECRET=hunter2-hunter2\n")
    shown = reqon("many.vague", "--auth", "auth.json", "-v", "--var", "PATH=/gone")
    assert shown.exit_code == 1
    assert "hunter2" not in shown.output
    for path in (own_folder / ".vague-data").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
