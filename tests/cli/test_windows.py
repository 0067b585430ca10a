"""Runs with another window (`--full`, `--since`, `--until`, `--limit`) keep it to their end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Reqon
from cli.service import Answer, serving
from reqon import ConfigError, execute

MISSION = """\
mission Sync {{
  source API {{ auth: none, base: "{base}" }}
  store items: file("items")
  action Fetch {{
    get "/items" {{ since: lastSync }}
    store response -> items {{ key: .id }}
    get "/more" {{ since: lastSync }}
    store response -> items {{ key: .id }}
  }}
  run Fetch
}}
"""
ITEMS = [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("window", "shown"),
    [
        (["--since", "2030-01-01T00:00:00Z"], "(--since 2030-01-01T00:00:00Z)"),
        (["--limit", "1"], "(--limit 1)"),
        (["--full"], "(--full)"),
    ],
)
def test_a_resume_keeps_the_window_and_moves_no_sync_checkpoint(
    reqon: Reqon, own_folder: Path, window: list[str], shown: str
) -> None:
    with serving(items=Answer(ITEMS), more=Answer({}, 404)) as service:
        Path("sync.vague").write_text(MISSION.format(base=service.address))
        assert reqon("sync.vague", *window).exit_code == 1
        service.answers["/more"] = Answer(ITEMS)
        resumed = reqon("sync.vague", "--resume")
        assert resumed.exit_code == 0
        assert f"the execution keeps its window {shown} and moves no sync" in resumed.stderr
        assert not Path(".vague-data/sync-checkpoints.json").exists()
        queries = [asked.partition("?")[2] for asked in service.asked]
    assert len(set(queries)) == 1, queries


def test_another_window_at_a_resume_is_told_not_to_count(reqon: Reqon, own_folder: Path) -> None:
    with serving(items=Answer(ITEMS), more=Answer({}, 404)) as service:
        Path("sync.vague").write_text(MISSION.format(base=service.address))
        assert reqon("sync.vague").exit_code == 1
        service.answers["/more"] = Answer(ITEMS)
        resumed = reqon("sync.vague", "--resume", "--since", "2030-01-01T00:00:00Z")
        assert resumed.exit_code == 0
        assert "the window that it began with (the usual one)" in resumed.stderr
        assert "since" not in service.asked[-1]
    checkpoints = json.loads(Path(".vague-data/sync-checkpoints.json").read_text())
    assert list(checkpoints) == ["API-/items", "API-/more"]


def test_a_window_that_ends_before_it_begins_is_refused(reqon: Reqon, own_folder: Path) -> None:
    with serving() as service:
        Path("sync.vague").write_text(MISSION.format(base=service.address))
        ended = reqon("sync.vague", "--since", "2030-01-01", "--until", "2020-01-01")
        assert ended.exit_code == 3
        assert "the window ends at 2020-01-01" in ended.stderr
        assert service.asked == []


def test_programs_get_an_error_for_options_that_make_no_sense(own_folder: Path) -> None:
    program = "mission Alpha { action Do { let x = 1 } run Do }"
    for options, said in (({"limit": 0}, "the limit is 0"), ({"unknown": "x"}, "is no choice")):
        with pytest.raises(ConfigError, match=said):
            execute(program, **options)  # pyright: ignore[reportArgumentType]
