"""A run in a CI job whose state is new: it would be lost with the machine, and that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.service import Answer, Service, serving
from support.crash_processes import Ended, reqon
from support.sqlite_store import install

MISSION = """mission Sync {{
  {option}
  source API {{ auth: none, base: "{base}" }}
  store items: file("items")
  action Fetch {{
    get "/items" {{ {since} }}
    store response -> items {{ key: .id }}
  }}
  run Fetch
}}
"""
WORDS = "the state folder '.vague-data' is new, and goes with this CI machine"

pytestmark = pytest.mark.slow


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(items=Answer([{"id": "a"}])) as service:
        yield service


class Job:
    """Runs one mission in a folder of its own, in a CI or not."""

    def __init__(self, folder: Path, service: Service) -> None:
        self._folder = folder
        self._base = service.address

    def run(
        self, *arguments: str, since: str = "since: lastSync", option: str = "", **env: str
    ) -> Ended:
        text = MISSION.format(base=self._base, since=since, option=option)
        (self._folder / "sync.vague").write_text(text)
        ended = reqon(["sync.vague", *arguments], self._folder, {"CI": "true"} | env)
        assert ended.code == 0, ended
        return ended


@pytest.fixture
def job(tmp_path: Path, service: Service) -> Job:
    return Job(tmp_path, service)


def test_a_new_folder_is_warned_of_once(job: Job) -> None:
    first = job.run()
    assert first.errors.count(WORDS) == 1
    assert "the sync times would be lost" in first.errors
    assert "reqon state pull" in first.errors
    assert "warning: " in first.errors
    assert WORDS not in job.run().errors


def test_it_is_an_event_too(job: Job) -> None:
    ended = job.run("--log-format", "json")
    lines = [json.loads(line) for line in ended.errors.splitlines()]
    assert [line["level"] for line in lines if WORDS in str(line)] == ["warning"]


def test_with_resume_it_is_about_that(job: Job) -> None:
    ended = job.run("--resume", since="")
    assert "what a resume goes on with would be lost" in ended.errors


@pytest.mark.parametrize(
    ("since", "option", "ci"),
    [
        ("", "", "true"),
        ("since: lastSync", "", "1"),
        ("since: lastSync", "enableState: false", "true"),
        ("since: lastSync", "stateStore: memory", "true"),
    ],
)
def test_where_nothing_would_be_lost_it_is_quiet(
    job: Job, since: str, option: str, ci: str
) -> None:
    assert WORDS not in job.run(since=since, option=option, CI=ci).errors


def test_a_dry_run_and_a_state_store_are_quiet(job: Job, tmp_path: Path) -> None:
    assert WORDS not in job.run("--dry-run").errors
    env = install(tmp_path / "plugin", "whole", tmp_path / "states.db")
    assert WORDS not in job.run(option="stateStore: table", **env).errors
