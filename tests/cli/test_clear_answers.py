"""Wrong or useless words on the command line get an answer that says what to write instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.state_folder import write_record, write_sync_checkpoints

MISSION = "mission Alpha { action Do { let x = 1 } run Do }\n"


def test_a_pipe_among_mission_files_is_refused_at_once(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "alpha.vague").write_text(MISSION)
    os.mkfifo(own_folder / "pipe.vague")
    for command in (["."], ["check", "."], ["fmt", "--check", "."]):
        ended = reqon(*command)
        assert ended.exit_code == 3, command
        assert "it is not a file: 'pipe.vague'" in ended.stderr
        assert "ls -la pipe.vague" in ended.stderr


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_path_that_is_neither_file_nor_folder(reqon: Reqon, own_folder: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(own_folder / "x.vague")
    else:
        (own_folder / "x.vague").symlink_to("gone.vague")
    ended = reqon("x.vague")
    assert ended.exit_code == 3
    assert "'x.vague' is neither a file nor a folder" in ended.stderr
    assert "did you mean" not in ended.stderr


@pytest.mark.parametrize("group", ["checkpoints", "store", "state"])
def test_an_unknown_subcommand_is_answered_with_the_known_ones(reqon: Reqon, group: str) -> None:
    ended = reqon(group, "bogus")
    assert ended.exit_code == 2
    assert f"there is no 'cli {group} bogus', only 'cli {group} " in ended.stderr.replace(
        "reqon ", "cli "
    )


def test_a_new_key_of_a_sync_checkpoint_is_pointed_out(reqon: Reqon, own_folder: Path) -> None:
    write_record(own_folder)
    write_sync_checkpoints(own_folder, {"API-/items": {"lastSync": "2024-01-20T09:00:00Z"}})
    ended = reqon("checkpoints", "set", "API-/item", "2024-01-01")
    assert ended.exit_code == 0
    assert "did you mean 'API-/items'?" in ended.stderr
    assert "warning" not in reqon("checkpoints", "set", "API-/items", "2024-01-01").stderr
    assert "warning: that is in the future" in reqon("checkpoints", "set", "a", "2999-01-01").stderr


def test_a_dry_run_says_that_it_does_not_resume(reqon: Reqon, own_folder: Path) -> None:
    (own_folder / "alpha.vague").write_text(MISSION)
    for options in (["--resume"], ["--resume-only"], ["--execution", "exec_a"]):
        ended = reqon("alpha.vague", "--dry-run", *options)
        assert ended.exit_code == 0
        assert "a dry run goes through missions from their start" in ended.stderr


def test_since_of_a_history_tells_of_durations_too(reqon: Reqon, own_folder: Path) -> None:
    ended = reqon("history", "--since", "soon")
    assert ended.exit_code == 2
    assert "no duration such as 7d" in ended.stderr


def test_the_sizes_of_the_state_are_not_cut_at_80_columns(
    reqon: Reqon, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(own_folder)
    (own_folder / ".vague-data/execution/Alpha-2024-01-20T09-00-00.journal").write_text("x")
    monkeypatch.setenv("COLUMNS", "80")
    lines = reqon("state").stdout.splitlines()
    assert any(line.endswith("reqon cleanup MISSION --all") for line in lines)
    assert max(map(len, lines)) <= 80
