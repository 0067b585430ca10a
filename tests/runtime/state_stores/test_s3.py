"""`stateStore: s3` against a server on loopback: the kit, races, lost answers, what it refuses."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from reqon.errors import ConfigError
from reqon.state_stores.s3 import S3StateStore, open_store
from reqon.testing import check_state_store, example_frame, example_state
from support.bundled_stores import COUNTING, Place, check_dead, check_life, run_beside
from support.crash_processes import reqon
from support.s3 import KEY, SECRET, S3Server
from vague.check_source import check_source


def test_it_does_what_a_store_does(s3: S3Server) -> None:
    numbers = itertools.count()
    check_state_store(lambda: open_store(s3.at(f"test-{next(numbers)}")))


async def test_values_come_back_as_they_were(s3: S3Server) -> None:
    values = {"nul": "a\0b", "lone": "\ud800", "int": 2**70, "float": 1.0, "small": 5e-324}
    store = open_store(s3.url)
    await store.save(example_state("exec ß/1", "Möbel/%", seq=0, **values))
    await store.append("exec ß/1", 1, example_frame(1, **values))
    again = open_store(s3.url)
    (listed,) = await again.list("Möbel/%", None, None)
    for found in (await again.load("exec ß/1"), listed, *await again.read("exec ß/1", 1)):
        assert found is not None
        assert {name: repr(found[name]) for name in values} == {
            name: repr(value) for name, value in values.items()
        }


def test_a_store_is_used_in_one_event_loop_after_the_other(s3: S3Server) -> None:
    store = open_store(s3.url)
    epochs = [asyncio.run(store.acquire("Sync", "here", 30)) for _ in range(3)]
    assert epochs == sorted({epoch for epoch in epochs if epoch is not None})


# ---------------------------------------------------------------- two runs


async def taken_over(s3: S3Server) -> tuple[S3StateStore, S3StateStore, int, int]:
    """A run that has appended a frame, one that has its mission now, and their epochs."""
    old_store, new_store = open_store(s3.url), open_store(s3.url)
    old = await old_store.acquire("Sync", "here", 30)
    assert old is not None
    await old_store.save(example_state("exec_1", seq=0, epoch=old))
    assert await old_store.append("exec_1", 1, example_frame(1, epoch=old))
    new = await new_store.acquire("Sync", "here", 30)
    assert new is not None
    assert await new_store.read("exec_1", 1) == [example_frame(1, epoch=old)]
    return old_store, new_store, old, new


async def test_who_lost_the_lease_is_refused_from_that_moment(s3: S3Server) -> None:
    """Before the new run has saved anything, and at once after a look that found nothing."""
    old_store, _, old, _ = await taken_over(s3)
    assert not await old_store.append("exec_1", 2, example_frame(2, epoch=old))
    assert not await old_store.save(example_state("exec_1", epoch=old, status="failed"))
    found = await old_store.load("exec_1")
    assert found is not None
    assert found["status"] == "running"


async def test_a_late_frame_does_not_count_once_the_new_run_has_saved(s3: S3Server) -> None:
    old_store, new_store, old, new = await taken_over(s3)
    await new_store.save(example_state("exec_1", seq=1, epoch=new))
    assert not await old_store.append("exec_1", 2, example_frame(2, epoch=old))
    assert await new_store.read("exec_1", 2) == []
    await new_store.delete("exec_1")
    assert [key for key in s3.things if "exec_1" in key] == []


async def test_a_late_frame_gives_way_to_one_of_the_new_run(s3: S3Server) -> None:
    old_store, new_store, old, new = await taken_over(s3)
    late = [(number, example_frame(number, epoch=old)) for number in (2, 3)]
    assert not await old_store.append_all("exec_1", late)
    assert await new_store.append("exec_1", 2, example_frame(2, epoch=new))
    assert not await old_store.append_all("exec_1", late)
    frames = await new_store.read("exec_1", 1)
    assert frames == [example_frame(1, epoch=old), example_frame(2, epoch=new)]


async def test_what_is_late_behind_what_the_new_run_wrote_does_not_count(s3: S3Server) -> None:
    old_store, new_store, old, new = await taken_over(s3)
    assert await new_store.append("exec_1", 2, example_frame(2, epoch=new))
    assert not await old_store.append("exec_1", 3, example_frame(3, epoch=old))
    frames = await new_store.read("exec_1", 1)
    assert frames == [example_frame(1, epoch=old), example_frame(2, epoch=new)]


async def test_of_frames_that_race_those_of_one_run_count(s3: S3Server) -> None:
    """Whoever is told that its frame counts, of it everybody reads the very frame."""
    old_store, new_store = open_store(s3.url), open_store(s3.url)

    async def take_over(name: str) -> tuple[bool, object]:
        new = await new_store.acquire(name, "here", 30)
        known = await new_store.read(name, 1)
        frame = example_frame(0, epoch=new)
        return await new_store.append(name, 1 + len(known), frame), [*known, frame]

    for name in map(str, range(20)):
        old = await old_store.acquire(name, "here", 30)
        await old_store.save(example_state(name, name, seq=0, epoch=old))
        first = example_frame(1, epoch=old)
        counted, (taken, frames) = await asyncio.gather(
            old_store.append(name, 1, first), take_over(name)
        )
        found = await new_store.read(name, 1)
        assert taken
        assert found == frames
        assert (first in found) >= counted, "what has counted is there"


def test_of_processes_that_race_for_a_lease_one_gets_it(s3: S3Server) -> None:
    answers = run_beside("s3", s3.url, 4)
    assert sorted(answers)[1:] == ["None"] * 3
    assert answers.count("None") == 3
    assert int(min(answers)) > 0


# ---------------------------------------------------------------- lost answers, busy servers


async def test_a_write_whose_answer_was_lost_has_been_done_once(s3: S3Server) -> None:
    store = open_store(s3.url)
    s3.loses = 1
    epoch = await store.acquire("Sync", "here", 30)
    assert epoch is not None
    for number in range(3):
        s3.loses = 1
        assert await store.save(example_state("exec_1", seq=number, epoch=epoch))
        s3.loses = 1
        assert await store.append("exec_1", number + 1, example_frame(number + 1, epoch=epoch))
        s3.loses = 1
        assert await store.renew("Sync", epoch, 30)
    assert await store.read("exec_1", 3) == [example_frame(3, epoch=epoch)]
    s3.busy = 2
    assert await store.load("exec_1") == example_state("exec_1", seq=2, epoch=epoch)
    assert s3.loses == s3.busy == 0


# ---------------------------------------------------------------- what it costs


async def test_frames_that_go_together_are_one_object(s3: S3Server) -> None:
    store = open_store(s3.url)
    frames = [(number, example_frame(number)) for number in range(1, 7)]
    await store.save(example_state("exec_1", seq=0))
    assert await store.append_all("exec_1", frames[:3])
    assert await store.append_all("exec_1", frames[:3]), "the same again"
    assert not await store.append("exec_1", 1, example_frame(9)), "others under its number"
    assert await store.append_all("exec_1", frames[3:])
    assert await store.read("exec_1", 3) == [frame for _, frame in frames[2:]]
    for seq, left in ((2, 2), (3, 1), (5, 1), (6, 0)):
        await store.save(example_state("exec_1", seq=seq))
        assert await store.read("exec_1", seq + 1) == [frame for _, frame in frames[seq:]]
        assert len([key for key in s3.things if "/frames/" in key]) == left


async def test_a_history_is_found_without_reading_all_of_it(s3: S3Server) -> None:
    store = open_store(s3.url)
    for number in range(50):
        started = f"2031-05-06T07:{number // 60:02}:{number % 60:02}Z"
        status = "failed" if number == 17 else "completed"
        state = example_state(f"exec_{number}", startedAt=started, status=status)
        await store.save({**state, "status": "running"} if number == 17 else state)
        await store.save(state)
    assert len([key for key in s3.things if "/started/" in key]) == 50, "old entries are gone"
    s3.asked.clear()
    found = await store.list("Sync", 3, None)
    assert [state["executionId"] for state in found] == ["exec_49", "exec_48", "exec_47"]
    found = await store.list(None, None, "failed")
    assert [state["executionId"] for state in found] == ["exec_17"]
    assert s3.asked == {"GET": 10}, "two lists of three pages, and four states"
    assert len(await store.list(None, None, None)) == 50


async def test_an_entry_that_is_out_of_date_does_no_harm(s3: S3Server) -> None:
    """A run was killed between entry and state, or before the old entry was removed."""
    store = open_store(s3.url)
    await store.save(example_state("exec_1"))
    (key,) = [key for key in s3.things if "/started/" in key]
    s3.things[key.replace("running", "failed")] = s3.things[key]
    s3.things[key.replace("exec_1", "exec_2")] = s3.things[key]
    for status, n in (("running", 1), ("failed", 0), (None, 1)):
        assert len(await store.list("Sync", 1, status)) == n


# ---------------------------------------------------------------- the command


def test_who_looks_sees_which_runs_are_dead(tmp_path: Path, s3: S3Server) -> None:
    check_dead(Place(tmp_path, "s3", s3.url))


def test_an_execution_goes_on_from_the_bucket_alone(tmp_path: Path, s3: S3Server) -> None:
    check_life(Place(tmp_path, "s3", s3.url))
    left = [key for key in s3.things if "/leases/" not in key]
    assert left == [], "what is removed is gone"


@pytest.mark.parametrize(
    ("url", "env", "words"),
    [
        ("", {}, "the state store 's3' needs to know where it is"),
        ("https://our-state.s3.amazonaws.com/", {}, "a 'https' URL, which leads to no state store"),
        ("s3:///runs", {}, "it names no bucket"),
        ("s3://key:sesame@our-state/runs", {}, "credentials do not belong into it"),
        ("s3://our-state/?colour=red", {}, "behind '?' it may have region, endpoint, path_style"),
        ("s3://our-state/?endpoint=x", {}, "'endpoint' is a URL such as http://localhost:9000"),
        ("s3://our-state/?path_style=1", {}, "'path_style' is true or false"),
        (
            "s3://our-state/?endpoint=http://127.0.0.1:9",
            {},
            "at http://127.0.0.1:9 cannot be reach",
        ),
        ("MISSING", {}, "cannot be used: there is no such bucket"),
        (
            "THERE",
            {"AWS_ACCESS_KEY_ID": "AKIAOTHER"},
            "refuses these credentials: InvalidAccessKey",
        ),
        ("THERE", {"AWS_ACCESS_KEY_ID": ""}, "cannot be used: there are no credentials"),
        ("THERE", {"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
    ],
)
def test_a_url_that_leads_nowhere(
    tmp_path: Path, s3: S3Server, url: str, env: dict[str, str], words: str
) -> None:
    url = {"MISSING": s3.at("runs", "their-state"), "THERE": s3.url}.get(url, url)
    place = Place(tmp_path, "s3", url)
    place.env |= env
    place.env |= {"AWS_CONFIG_FILE": str(tmp_path / "a"), "AWS_SHARED_CREDENTIALS_FILE": ""}
    for command in ("counting.vague", "history --state-store s3"):
        said = place.refused(*command.split())
        assert words in said
        assert "REQON_STATE_URL" in said
        assert not [secret for secret in ("sesame", SECRET, KEY) if secret in said]
    assert not list(tmp_path.glob(".vague-data/execution/*"))


async def test_a_service_that_does_not_keep_conditions_is_refused(s3: S3Server) -> None:
    s3.keeps_conditions = False
    with pytest.raises(ConfigError, match="two runs could overwrite each other there"):
        await open_store(s3.url).acquire("Sync", "here", 30)


@pytest.mark.slow
def test_the_package_is_missing(tmp_path: Path) -> None:
    Place(tmp_path, "s3", "")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/boto3.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'boto3'\", name='boto3')"
    )
    env = {"PYTHONPATH": str(tmp_path / "empty"), "REQON_STATE_URL": "s3://our-state/runs"}
    ended = reqon(["counting.vague"], tmp_path, env)
    assert ended.code == 3, ended
    said = " ".join(ended.errors.split())
    assert "'s3' needs a package that is not installed: boto3" in said
    assert "pip install 'reqon[s3]'" in said


def test_the_checker_knows_the_name() -> None:
    assert check_source(COUNTING.replace("STORE", "s3"), "counting.vague").diagnostics == ()
