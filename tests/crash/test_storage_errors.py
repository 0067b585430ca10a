"""The disk says no: full, broken, read-only, not permitted, too many files, gone.

Whatever operation it says it at, the run ends in order with the documented exit code and words,
and once the disk is repaired a resume ends like an undisturbed run.
"""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reqon.state.reader import StateReader
from support.crash_outcome import Outcome, differences, outcome_of
from support.crash_processes import REQON
from support.crash_runs import Bench, Run, Shape, seed_of
from support.crash_worker import Answer
from support.fake_api import Asked

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE)
SHAPES = [Shape("quickstart"), Shape("post", "strict"), Shape("large_values", "compacting")]
DEEP_SHAPES = [Shape(s.name, p) for s in SHAPES for p in ("balanced", "strict", "compacting")]
N_PLACES = 7

pytestmark = pytest.mark.slow


def without_errors(outcome: Outcome) -> Outcome:
    for record in outcome.records:
        record["errors"] = 0
    return outcome


def fail_and_repair(bench: Bench, shape: Shape, number: int, at: int, *, lasting: bool) -> None:
    place = f"{shape!r}: {errno.errorcode[number]} at {at}, lasting={lasting}"
    wanted, last = bench.uncut(shape).outcome, len(bench.uncut(shape).operations)
    with bench.run(shape) as run:
        answer = run.start({"kind": "failing", "at": at, "errno": number, "lasting": lasting})
        assert answer.crash is None, place
        assert answer.exit_code in (0, 1, 3), (place, answer)
        if answer.exit_code != 0:
            assert answer.error is not None, place
            assert ".vague-data" in answer.error, (place, answer.error)
            if answer.exit_code == 1:
                assert answer.status in ("interrupted", None), (place, answer)
            state = StateReader(run.state_dir).latest(shape.mission)
            # the last record may have got its name before the folder's sync failed
            wanted_status = ("interrupted", "completed") if at > last - 12 else ("interrupted",)
            assert state is None or state.status in wanted_status, (place, state)
        run.finish()
        assert run.trail == [], place
        assert differences(without_errors(run.outcome()), wanted) == [], place
        assert run.world.double_keys() == [], place


def places(bench: Bench, shape: Shape, n: int, what: str) -> list[int]:
    last = len(bench.uncut(shape).operations)
    return sorted(random.Random(what).sample(range(1, last + 1), min(n, last)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_an_error_of_the_disk_stops_the_run_in_order(
    bench: Bench, shape: Shape, number: int
) -> None:
    for at in places(bench, shape, N_PLACES, f"{seed_of()} {shape} {number}"):
        fail_and_repair(bench, shape, number, at, lasting=at % 2 == 0)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", DEEP_SHAPES, ids=str)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_an_error_of_the_disk_at_every_operation(bench: Bench, shape: Shape, number: int) -> None:
    for at in range(1, len(bench.uncut(shape).operations) + 1):
        fail_and_repair(bench, shape, number, at, lasting=at % 2 == 0)


@pytest.mark.timeout(300)
def test_an_error_while_a_resume_opens_never_begins_anew(bench: Bench) -> None:
    """The lock's text is among what cannot be written: it still names the execution that died."""
    shape = Shape("nested_loops", "compacting")
    wanted = bench.uncut(shape).outcome
    for at in range(1, 25):
        with bench.run(shape) as run:
            assert run.start({"kind": "dying", "at": 60, "moment": "after"}).died
            run.start(
                {"kind": "failing", "at": at, "errno": errno.EIO, "lasting": False}, resume=True
            )
            run.finish()
            assert run.trail == [], at
            assert differences(without_errors(run.outcome()), wanted) == [], at


def test_too_many_open_files_are_a_failure_that_a_resume_repairs(bench: Bench) -> None:
    shape = Shape("quickstart")
    for limit in range(10, 24, 2):
        with bench.run(shape) as run:
            answer = run.start(extra={"n_files": limit})
            assert answer.exit_code in (0, 1, 3, 4), (limit, answer)
            run.finish()
            assert run.trail == []
            wanted = bench.uncut(shape).outcome
            assert differences(without_errors(run.outcome()), wanted) == [], limit


def removed_at(bench: Bench, run: Run, n_requests: int) -> Answer:
    """Run a mission whose state folder is removed when so many requests have come."""

    def remove(_asked: Asked) -> None:
        if run.world.n_requests == n_requests:
            shutil.rmtree(run.state_dir)

    run.world.observe = remove
    return run.start()


@pytest.mark.parametrize("n_requests", [1, 3, 5, 9, 13])
def test_a_folder_that_is_removed_ends_the_run_and_does_not_come_back(
    bench: Bench, n_requests: int
) -> None:
    shape = Shape("quickstart")
    with bench.run(shape) as run:
        answer = removed_at(bench, run, n_requests)
        assert answer.crash is None
        assert answer.exit_code == 1, answer
        assert answer.error is not None
        assert ".vague-data" in answer.error
        assert not run.state_dir.exists()
        run.world.observe = None
        run.finish()
        assert run.trail == []
        assert differences(run.outcome(), bench.uncut(shape).outcome) == []


@pytest.mark.parametrize("thing", ["file", "link to nowhere"])
def test_what_is_no_folder_is_refused_before_the_first_request(bench: Bench, thing: str) -> None:
    with bench.run(Shape("quickstart")) as run:
        if thing == "file":
            run.state_dir.write_text("mine")
        else:
            run.state_dir.symlink_to(run.folder / "nowhere")
        answer = run.start()
        assert (answer.exit_code, answer.crash) == (3, None), answer
        assert answer.error is not None
        assert str(run.state_dir) in answer.error
        assert run.world.n_requests == 0


# ---------------------------------------------------------------- a real, small disk

SMALL_DISK = """
mount -t tmpfs -o "size=$SIZE" tmpfs .vague-data || exit 99
"$@"; echo "first $?"
mount -o remount,ro .vague-data
"$PYTHON" -m reqon status --json >status.json 2>status.err; echo "status $?"
"$@"; echo "read-only $?"
mount -o remount,rw,size=16m .vague-data
"$@"; echo "repaired $?"
cp -r .vague-data result
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", ["256k", "300k", "400k", "560k", "640k", "760k"])
def test_a_disk_that_is_full_for_real(bench: Bench, size: str) -> None:
    shape = Shape("large_values", "strict")
    with bench.run(shape) as run:
        run.state_dir.mkdir()
        env = {**os.environ, "REQON_TEST_URL": run.world.url, "SIZE": size, "PYTHON": REQON[0]}
        arguments = [*REQON, "run", str(run.program), "--resume"]
        ended = subprocess.run(
            ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", *arguments],
            cwd=run.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if not (run.folder / "result").exists():
            assert "not permitted" in ended.stderr or "denied" in ended.stderr, ended
            return  # this system lets nobody mount a small disk
        said = " ".join(ended.stderr.split())
        codes = dict(
            re.findall(r"^(first|status|read-only|repaired) (\d+)$", ended.stdout, re.MULTILINE)
        )
        assert codes["first"] in ("0", "1"), ended
        if codes["first"] == "1":
            assert "no space left on device" in said, ended
            assert "reqon cleanup" in said
            assert codes["read-only"] == "3", ended
            assert "its file system is read-only" in said, ended
        assert codes["repaired"] == "0", ended
        assert "Traceback" not in said
        check_result(run.folder / "result", run, bench.uncut(shape).outcome, codes)


def check_result(folder: Path, run: Run, wanted: Outcome, codes: dict[str, str]) -> None:
    found = without_errors(outcome_of(folder, run.world.effects()))
    if codes["first"] == "0":  # complete at once: the last command ran it a second time
        assert len(found.records) == 2
        assert found.stores == wanted.stores
    else:
        assert [line for line in differences(found, wanted) if not line.startswith("files")] == []
