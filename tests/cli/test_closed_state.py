"""State that is there and may not be read is neither missing nor damaged.

The commands run as processes without the rights that root has over all files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """mission Alpha {
  stateRetention: 1 days
  store numbers: file("numbers")
  action Count {
    for n in range(1, 9) checkpoint every 2 {
      for bad in (n == toNumber(env("BAD", "0")) ? "bad" : []) { store bad -> numbers { key: .id } }
      store { id: toString(n) } -> numbers { key: .id }
    }
  }
  run Count
}
"""
WRITERS = (
    "alpha.vague",
    "alpha.vague --resume",
    "cleanup --older-than 0s",
    "cleanup --all --yes",
    "state repair",
)
READERS = (
    "status",
    "status --json",
    "status Alpha",
    "history",
    "state",
    "checkpoints",
    "stop Alpha",
)


def reqon(arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reqon", *arguments.split()]
    if hasattr(os, "getuid") and os.getuid() == 0:
        setpriv = shutil.which("setpriv")
        assert setpriv is not None, "root may read everything; setpriv (util-linux) takes that away"
        command = [setpriv, "--inh-caps=-all", "--bounding-set=-all", *command]
    return subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(own_folder: Path) -> Path:
    """A state folder with an execution that can be resumed."""
    (own_folder / "alpha.vague").write_text(PROGRAM)
    assert reqon("alpha.vague", BAD="5").returncode == 1
    return own_folder / ".vague-data"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "execution").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".json", ".journal"])
def test_what_may_not_be_read_is_left_alone_and_told(folder: Path, suffix: str) -> None:
    before = files(folder)
    (closed,) = (folder / "execution").glob(f"*{suffix}")
    closed.chmod(0)
    for command in WRITERS:
        ended = reqon(command)
        assert ended.returncode == 3, command
        assert "cannot be read: permission denied: mode 0000, owner" in " ".join(
            ended.stderr.split()
        )
        assert closed.name in ended.stderr
        assert files(folder) == before, command
    closed.chmod(0o600)
    assert reqon("alpha.vague --resume-only").returncode == 0


@pytest.mark.slow
def test_a_record_that_may_not_be_read_is_not_called_damaged(folder: Path) -> None:
    (closed,) = (folder / "execution").glob("*.json")
    closed.with_suffix(".journal").unlink()
    closed.chmod(0)
    for command in ("status", "history"):
        said = reqon(command).stderr
        assert f"unreadable  .vague-data/execution/{closed.name}: permission denied" in said
        assert "run Reqon as its owner" in said
        assert "repair" not in said


@pytest.mark.slow
def test_a_store_that_may_not_be_read_is_not_called_damaged(folder: Path) -> None:
    (closed,) = (folder / "stores").glob("[!.]*.json")
    closed.chmod(0)
    assert "numbers  unreadable" in reqon("store").stdout
    ended = reqon(f"store show {closed.stem}")
    assert ended.returncode == 3
    assert "permission denied: mode 0000, owner" in " ".join(ended.stderr.split())
    assert "repair" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("part", [".", "execution"])
def test_a_folder_that_may_not_be_read_is_not_taken_for_empty(folder: Path, part: str) -> None:
    (folder / part).chmod(0)
    try:
        for command in READERS:
            ended = reqon(command)
            assert (ended.returncode, ended.stdout) == (3, ""), command
            assert "permission denied" in ended.stderr
            assert "run Reqon as its owner" in ended.stderr
    finally:
        (folder / part).chmod(0o700)


def test_a_state_folder_that_is_a_file_is_told(own_folder: Path) -> None:
    (own_folder / "file").write_text("")
    ended = reqon("--state-dir file status")
    assert ended.returncode == 3
    assert "the state in 'file' cannot be read: not a directory" in ended.stderr
