"""Commands over a state folder in which one thing is not what it should be.

Whatever stands in the place of a file: no command hangs, shows a traceback or loses data without a
word, and each that cannot do its work says what to do. Everything here is one table: the thing, the
command, the exit code, and words of what it says.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.conftest import Reqon
from reqon.cli.main import cli

PROGRAM = """mission Alpha {
  store numbers: file("numbers")
  action Count {
    for n in range(1, 9) checkpoint every 2 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) { store bad -> numbers { key: .id } }
      store { id: toString(n), text: env("TEXT", "x") } -> numbers { key: .id }
    }
  }
  run Count
}
"""
COMMANDS = (
    "status",
    "status Alpha --json",
    "history",
    "store",
    "store show numbers",
    "checkpoints",
    "checkpoints set API-/c 2024-01-01",
    "checkpoints reset --all",
    "state",
    "state repair",
    "cleanup --older-than 1d",
    "cleanup Alpha --all --dry-run",
    "cleanup --all --yes --stores --sync",
    "alpha.vague",
    "alpha.vague --resume-only",
    "alpha.vague --dry-run",
    "stop Alpha",
)
SECONDS = 20

Change = Callable[[Path], None]

pytestmark = pytest.mark.timeout(300)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def folder(path: Path) -> None:
    remove(path)
    path.mkdir()
    (path / "inside").write_text("something")


def pipe(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def loop(path: Path) -> None:
    remove(path)
    path.symlink_to(path.name)


def nowhere(path: Path) -> None:
    remove(path)
    path.symlink_to("nowhere")


def garbage(path: Path) -> None:
    remove(path)
    path.write_bytes(bytes(range(256)) * 20)


def other_json(path: Path) -> None:
    remove(path)
    path.write_text('{"API-/c": {"lastSync": 7}, "executionId": 1, "mission": [], "status": 5}')


THINGS: dict[str, Change] = {
    "nothing": remove,
    "folder": folder,
    "pipe": pipe,
    "loop": loop,
    "nowhere": nowhere,
    "garbage": garbage,
    "other JSON": other_json,
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a completed and a failed run."""
    place = tmp_path_factory.mktemp("sample")
    (place / "alpha.vague").write_text(PROGRAM)
    before = Path.cwd()
    os.chdir(place)
    try:
        assert CliRunner().invoke(cli, ["alpha.vague"]).exit_code == 0
        changed = {"BAD": "6", "TEXT": "y"}
        assert CliRunner(env=changed).invoke(cli, ["alpha.vague"]).exit_code == 1
    finally:
        os.chdir(before)
    sync = {"lastSync": "2024-01-20T09:00:00Z", "itemsSynced": 1, "mission": "Alpha"}
    (place / ".vague-data/sync-checkpoints.json").write_text(json.dumps({"API-/c": sync}))
    return place


@pytest.fixture
def state(sample: Path, own_folder: Path) -> Path:
    shutil.copytree(sample, own_folder, dirs_exist_ok=True)
    return own_folder / ".vague-data"


@pytest.fixture(autouse=True)
def no_hanging() -> Iterator[None]:
    """What waits for a pipe would wait for ever."""
    signal.alarm(SECONDS * len(COMMANDS))
    yield
    signal.alarm(0)


def place_of(state: Path, name: str) -> Path:
    """A file of the state folder; `record` and `journal` are those of the failed run."""
    journal = next((state / "execution").glob("*.journal"))
    known = {"record": journal.with_suffix(".json"), "journal": journal}
    return known.get(name, state / name)


FILES = (
    "record",
    "journal",
    "stores/numbers.json",
    "stores/.numbers.applied.json",
    "sync-checkpoints.json",
    "locks/mission-Alpha.lock",
    ".reserve",
    "execution",
    "stores",
    "locks",
)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", FILES)
def test_no_command_hangs_or_breaks(
    reqon: Reqon, sample: Path, state: Path, name: str, thing: str
) -> None:
    for command in COMMANDS:
        shutil.rmtree(state)
        shutil.copytree(sample / ".vague-data", state, symlinks=True)
        THINGS[thing](place_of(state, name))
        shown = reqon(*command.split())
        said = f"{command}: {shown.output}"
        assert shown.exit_code in (0, 1, 2, 3, 4), said
        assert shown.exception is None or isinstance(shown.exception, SystemExit), said
        assert "inside Reqon" not in said
        if shown.exit_code in (3, 4) and "kept" not in said and "left" not in said:
            assert "help:" in said or "lost" in said, said


@pytest.mark.parametrize(
    ("name", "thing", "command", "code", "words"),
    [
        ("record", "folder", "alpha.vague", 0, "completed"),
        ("record", "folder", "cleanup Alpha --all", 0, "its record is a folder"),
        ("record", "folder", "state repair", 0, "repaired the record"),
        ("journal", "garbage", "alpha.vague", 0, "what the stores lack of it is not known"),
        ("journal", "garbage", "alpha.vague --resume", 4, "first frame is bad"),
        ("journal", "garbage", "cleanup Alpha --all", 0, "its journal cannot be read"),
        ("journal", "garbage", "state repair", 0, "whose first frame is bad"),
        ("journal", "pipe", "alpha.vague --resume", 4, "make it readable"),
        ("stores/numbers.json", "nothing", "alpha.vague --resume", 4, "is gone, in which"),
        ("stores/numbers.json", "nothing", "alpha.vague --resume --force", 0, "going on without"),
        ("stores/numbers.json", "nothing", "alpha.vague", 0, "9 added"),
        ("stores/numbers.json", "nowhere", "alpha.vague --resume", 4, "is gone, in which"),
        ("stores/numbers.json", "pipe", "alpha.vague", 4, "it is not a file"),
        ("stores/numbers.json", "pipe", "store show numbers", 4, "it is not a file"),
        ("sync-checkpoints.json", "other JSON", "alpha.vague", 4, "'API-/c' in"),
        ("sync-checkpoints.json", "other JSON", "checkpoints reset --all", 0, "reset"),
        ("stores/numbers.json", "folder", "cleanup --all --yes --stores", 0, "no store file"),
    ],
)
def test_what_a_command_says_of_it(
    reqon: Reqon, state: Path, name: str, thing: str, command: str, code: int, words: str
) -> None:
    THINGS[thing](place_of(state, name))
    shown = reqon(*command.split())
    assert (shown.exit_code, words in shown.output) == (code, True), shown.output
