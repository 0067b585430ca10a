"""Beginning, resuming, refusing: what `open_session` decides."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reqon.errors import ConfigError, RefusedError, ReqonError, StorageError
from reqon.journal.disk import Disk
from reqon.journal.frames import decode_line
from reqon.journal.session import Barrier, ResumeChoice, Session, open_session
from reqon.state.reader import StateReader
from reqon.stores.base import StoreSpec
from support.crash_disk import CountingDisk
from support.scripted_run import PATIENT, PROGRAM, request_for

STORES = {"a": StoreSpec("file", "a")}


async def begin(root: Path, mission: str = "M", **options: Any) -> Session:
    request = request_for(root, mission, **{"stores": STORES, **options})
    return await open_session(request, CountingDisk())


async def worked(root: Path, status: Any = None, **options: Any) -> str:
    """A run that does one unit in the action `Fetch`, and ends so or dies (None); its id."""
    session = await begin(root, **options)
    unit = session.unit()
    unit.active("Fetch")
    unit.put("a", session.execution_id, {"n": 1})
    unit.cell("0", {"page": 1})
    await unit.commit("c", Barrier.SYNC)
    if status is not None:
        await session.finish(status)
    await session.close()
    return session.execution_id


# ---------------------------------------------------------------- which execution


@pytest.mark.parametrize(
    ("history", "choice", "resumed"),
    [
        ([], ResumeChoice.IF_ANY, None),
        (["completed"], ResumeChoice.IF_ANY, None),
        ([None], ResumeChoice.NEVER, None),
        ([None], ResumeChoice.IF_ANY, 0),
        (["failed"], ResumeChoice.IF_ANY, 0),
        (["interrupted"], ResumeChoice.ONLY, 0),
        (["interrupted", "failed"], ResumeChoice.IF_ANY, 1),
        (["interrupted", "completed"], ResumeChoice.IF_ANY, None),
        (["completed", None], ResumeChoice.IF_ANY, 1),
        (["failed", "interrupted", None], 1, 1),
        (["interrupted", "completed"], 0, 0),
    ],
)
async def test_which_execution_goes_on(
    tmp_path: Path, history: list[Any], choice: Any, resumed: int | None
) -> None:
    ids = [await worked(tmp_path, status) for status in history]
    wanted = ids[choice] if isinstance(choice, int) else choice
    session = await begin(tmp_path, resume=wanted)
    assert session.resumed == (resumed is not None)
    if resumed is not None:
        assert session.execution_id == ids[resumed]
        assert session.state.cells == {"0": {"page": 1}}
    else:
        assert session.execution_id not in ids
        assert session.state.cells == {}
    assert session.stores["a"].count() == len(ids), "everybody's work is there"
    await session.close()


@pytest.mark.parametrize(
    ("history", "choice", "message"),
    [
        ([], ResumeChoice.ONLY, "there is nothing to resume for 'M'"),
        (["completed"], ResumeChoice.ONLY, "there is nothing to resume for 'M'"),
        ([None], "exec_unknown", "'M' has no execution 'exec_unknown'"),
        (["completed"], 0, "has completed: there is nothing to resume"),
    ],
)
async def test_what_cannot_be_resumed_is_a_configuration_error(
    tmp_path: Path, history: list[Any], choice: Any, message: str
) -> None:
    ids = [await worked(tmp_path, status) for status in history]
    with pytest.raises(ConfigError, match=message) as caught:
        await begin(tmp_path, resume=ids[choice] if isinstance(choice, int) else choice)
    assert caught.value.hint
    if choice == "exec_unknown":
        assert ids[0] in str(caught.value.hint)


async def test_a_program_elsewhere_is_named_and_not_resumed(tmp_path: Path) -> None:
    elsewhere = replace(PROGRAM, path="other.vague")
    execution = await worked(tmp_path, program=elsewhere)
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert not session.resumed
    assert any(execution in n and "other.vague" in n for n in session.notices)
    await session.close()


async def test_a_resume_goes_on_in_the_same_record(tmp_path: Path) -> None:
    execution = await worked(tmp_path, "failed", lets={"limit": 5}, trigger="schedule")
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY, lets={"limit": 9})
    assert session.state.lets == {"limit": 5}
    record = await session.finish("completed")
    await session.close()
    assert record["executionId"] == execution
    assert [a["reason"] for a in record["attempts"]] == ["failed", "completed"]
    assert record["trigger"] == "schedule"
    assert len(list((tmp_path / "execution").glob("M-*.json"))) == 1


async def test_executions_of_one_second_have_their_own_files(tmp_path: Path) -> None:
    for _ in range(3):
        await worked(tmp_path, "completed")
    names = sorted(path.name for path in (tmp_path / "execution").iterdir())
    start = "M-2024-01-20T09-00-00"
    assert names == [f"{start}-2.json", f"{start}-3.json", f"{start}.json"]
    assert len({s.execution_id for s in StateReader(tmp_path).history("M")}) == 3


# ---------------------------------------------------------------- one at a time


async def test_a_second_run_of_a_mission_is_refused_with_its_owner(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    with pytest.raises(RefusedError, match="'M' is already running") as caught:
        await begin(tmp_path)
    for part in (session.execution_id, str(os.getpid()), "since 2024-01-20"):
        assert part in caught.value.message
    other = await begin(tmp_path, "Other", stores={"b": StoreSpec("file", "b")})
    await other.close()
    await session.close()


async def test_a_run_may_wait_for_the_one_before(tmp_path: Path) -> None:
    session = await begin(tmp_path)

    async def end() -> None:
        await asyncio.sleep(0.05)
        await session.finish("completed")
        await session.close()

    waiting = begin(tmp_path, wait_seconds=10.0)
    second, _ = await asyncio.gather(waiting, end())
    await second.close()


async def test_of_many_starts_at_once_exactly_one_runs(tmp_path: Path) -> None:
    async def start() -> Session | None:
        try:
            return await begin(tmp_path)
        except RefusedError:
            return None

    sessions = [s for s in await asyncio.gather(*(start() for _ in range(50))) if s is not None]
    assert len(sessions) == 1
    await sessions[0].close()


async def test_a_lock_file_that_a_person_removed_does_no_harm(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    await session.close()
    shutil.rmtree(tmp_path / "locks")
    session = await begin(tmp_path)
    await session.close()


# ---------------------------------------------------------------- the source changed


CHANGES: dict[str, tuple[Any, str | None]] = {
    "nothing": (PROGRAM, None),
    "only the layout": (replace(PROGRAM, sha256="1" * 64), None),
    "an action not begun": (
        replace(PROGRAM, plan_hash="2", action_hashes={"Fetch": "f1", "Transform": "t2"}),
        None,
    ),
    "a new action": (
        replace(PROGRAM, plan_hash="2", action_hashes={**PROGRAM.action_hashes, "New": "n"}),
        None,
    ),
    "the action that had begun": (
        replace(PROGRAM, plan_hash="2", action_hashes={"Fetch": "f2", "Transform": "t1"}),
        "action 'Fetch'",
    ),
    "the pipeline": (replace(PROGRAM, plan_hash="2", part_hashes={"pipeline": "p"}), "pipeline"),
    "something else": (replace(PROGRAM, plan_hash="2"), "the mission"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_changed_source_is_refused_where_it_matters(tmp_path: Path, what: str) -> None:
    program, named = CHANGES[what]
    execution = await worked(tmp_path)
    if named is not None:
        with pytest.raises(RefusedError) as caught:
            await begin(tmp_path, program=program, resume=ResumeChoice.IF_ANY)
        assert named in caught.value.message
        assert "--force" in str(caught.value.hint)
        assert execution in caught.value.message
    session = await begin(
        tmp_path, program=program, resume=ResumeChoice.IF_ANY, force=named is not None
    )
    assert session.resumed
    assert bool(session.notices) == (program.plan_hash != PROGRAM.plan_hash)
    record = session.record()
    assert record["program"].get("resumedFromPlanHash") == (
        "plan-1" if program.plan_hash != "plan-1" else None
    )
    await session.close()


async def test_changed_stores_get_what_they_lack_before_a_forced_resume(tmp_path: Path) -> None:
    execution = await worked(tmp_path)
    moved = {"a": StoreSpec("file", "b"), "old": StoreSpec("file", "c")}
    options: dict[str, Any] = {"stores": moved, "resume": ResumeChoice.IF_ANY}
    with pytest.raises(RefusedError, match="the stores changed"):
        await begin(tmp_path, **options)
    session = await begin(tmp_path, **options, force=True)
    assert json.loads((tmp_path / "stores/a.json").read_text()) == {execution: {"n": 1}}
    assert session.stores["a"].count() == 0
    unit = session.unit()
    unit.put("a", "k", {"n": 2})
    await unit.commit("c", Barrier.FRAME)
    await session.close()
    session = await begin(tmp_path, **options)
    assert session.stores["a"].list() == [{"n": 2}]
    await session.finish("completed")
    await session.close()
    assert json.loads((tmp_path / "stores/a.json").read_text()) == {execution: {"n": 1}}
    assert json.loads((tmp_path / "stores/b.json").read_text()) == {"k": {"n": 2}}


# ---------------------------------------------------------------- damage


def journal_of(root: Path) -> Path:
    (journal,) = (root / "execution").glob("*.journal")
    return journal


async def test_a_torn_tail_is_cut_off(tmp_path: Path) -> None:
    await worked(tmp_path)
    journal = journal_of(tmp_path)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'120 abcdef01 {"n":3,"t":17')
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.state.cells == {"0": {"page": 1}}
    assert journal.read_bytes().startswith(whole)
    assert b"abcdef01" not in journal.read_bytes()
    await session.close()


async def test_a_torn_tail_that_ends_with_the_end_is_cut_off(tmp_path: Path) -> None:
    """The power fails while the last frames are synced: the first of them is lost, not the end."""
    session = await begin(tmp_path)
    unit = session.unit()
    unit.put("a", "k", {"n": 1})
    unit.cell("0", {"page": 1})
    await unit.commit("c", Barrier.SYNC)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    journal = journal_of(tmp_path)
    for message in ("no answer", "gave up"):
        unit.error({"message": message})
        await unit.commit("err", Barrier.FRAME)
    await session.finish("failed")
    await session.close()
    lost, *rest = journal.read_bytes()[len(before[journal]) :].splitlines(keepends=True)
    assert decode_line(rest[-1]).k == "end"
    shutil.rmtree(tmp_path / "stores")
    for path, content in before.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    journal.write_bytes(before[journal] + bytes(len(lost)) + b"".join(rest))
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.state.cells == {"0": {"page": 1}}
    assert session.stores["a"].list() == [{"n": 1}]
    await session.close()


async def test_damage_in_the_middle_is_refused_and_kept_aside_when_forced(tmp_path: Path) -> None:
    session = await begin(tmp_path)
    unit = session.unit()
    for page in range(1, 6):
        unit.cell("0", {"page": page})
        await unit.commit("c", Barrier.SYNC)
    await session.close()
    journal = journal_of(tmp_path)
    content = bytearray(journal.read_bytes())
    content[content.index(b'{"page":3}') + 8] ^= 1
    journal.write_bytes(content)
    with pytest.raises(RefusedError, match="is damaged: frame 4 is damaged") as caught:
        await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert "--force" in str(caught.value.hint)
    assert journal.read_bytes() == content
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY, force=True)
    assert session.state.cells == {"0": {"page": 2}}
    assert session.notices
    (kept,) = StateReader(tmp_path).quarantine()
    assert kept.path.read_bytes() == content
    assert "frame 4" in kept.reason
    unit = session.unit()
    unit.cell("0", {"page": 3})
    await unit.commit("c", Barrier.SYNC)
    await session.close()
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.state.cells == {"0": {"page": 3}}
    await session.close()


async def test_frames_that_a_store_has_seen_must_not_be_lost(tmp_path: Path) -> None:
    await worked(tmp_path, "interrupted")
    journal = journal_of(tmp_path)
    content = journal.read_bytes()
    lines = content.splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(RefusedError, match="frames up to 3 were applied, only 2 are good"):
        await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY, force=True)
    unit = session.unit()
    unit.put("a", "new", {"n": 2})
    await unit.commit("c", Barrier.SYNC)
    await session.close()
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.stores["a"].get("new") == {"n": 2}, "numbers went on above the mark"
    await session.close()


@pytest.mark.parametrize("bad", [b"", b"{", b"[]", b'{"k": 1}', b"\xff\xfe", b'{"k":{}}\0'])
@pytest.mark.parametrize("name", ["stores/a.json", "stores/.a.applied.json"])
async def test_a_damaged_store_is_never_an_empty_one(tmp_path: Path, bad: bytes, name: str) -> None:
    await worked(tmp_path, "completed")
    path = tmp_path / name
    whole = path.read_bytes()
    if name.endswith("applied.json") and bad == b'{"k": 1}':
        bad = b"1"
    path.write_bytes(bad)
    with pytest.raises(RefusedError, match="cannot be read") as caught:
        await begin(tmp_path)
    assert str(path) in caught.value.message
    assert "reqon state repair" in str(caught.value.hint)
    assert path.read_bytes() == bad
    path.write_bytes(whole)
    session = await begin(tmp_path)
    await session.close()


@pytest.mark.parametrize("bad", [b"", b"[1]", b"{"])
async def test_damaged_sync_times_are_never_no_sync_times(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "sync-checkpoints.json").write_bytes(bad)
    with pytest.raises(RefusedError, match="sync checkpoints"):
        await begin(tmp_path)


async def test_a_record_that_cannot_be_read_is_made_anew_from_the_journal(tmp_path: Path) -> None:
    execution = await worked(tmp_path)
    (record,) = (tmp_path / "execution").glob("*.json")
    record.write_bytes(b'{"executionId": "ex')
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert (state.execution_id, state.status) == (execution, "interrupted")
    assert state.stores["a"].added == 1
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert session.execution_id == execution
    await session.close()


async def test_a_record_without_a_journal_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    await worked(tmp_path, "completed")
    (record,) = (tmp_path / "execution").glob("*.json")
    record.write_bytes(b"\0\0\0")
    assert [c.path for c in StateReader(tmp_path).corrupt("M")] == [record]
    session = await begin(tmp_path)
    assert any("quarantine" in notice for notice in session.notices)
    assert [q.path.read_bytes() for q in StateReader(tmp_path).quarantine()] == [b"\0\0\0"]
    await session.close()


async def test_state_of_a_newer_version_is_listed_and_refused(tmp_path: Path) -> None:
    execution = await worked(tmp_path, "interrupted")
    (record,) = (tmp_path / "execution").glob("*.json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "schemaVersion": 7, "news": [1]}))
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert state.is_newer_version
    assert not state.resumable
    assert state.to_dict()["news"] == [1]
    for choice in (ResumeChoice.IF_ANY, execution):
        with pytest.raises(RefusedError, match="newer Reqon"):
            await begin(tmp_path, resume=choice)


async def test_unknown_fields_of_a_record_survive_a_resume(tmp_path: Path) -> None:
    await worked(tmp_path, "interrupted")
    (record,) = (tmp_path / "execution").glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "note": {"by": "hand"}}))
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert (await session.finish("completed"))["note"] == {"by": "hand"}
    await session.close()


# ---------------------------------------------------------------- what is left of the dead


async def test_a_new_run_writes_down_that_the_one_before_died(tmp_path: Path) -> None:
    await worked(tmp_path)
    (record,) = (tmp_path / "execution").glob("*.json")
    assert json.loads(record.read_text())["status"] == "running"
    assert [s.status for s in StateReader(tmp_path).history("M")] == ["interrupted"]
    session = await begin(tmp_path)
    assert json.loads(record.read_text())["status"] == "interrupted"
    await session.close()


async def test_a_run_that_ended_in_its_journal_only_is_brought_to_its_end(tmp_path: Path) -> None:
    class NoViews(CountingDisk):
        """A disk that ends with the sync of the last frame."""

        def around(self, number: int, name: str, act: Any) -> Any:
            if name == "replace" and self.armed:
                raise OSError(28, "No space left on device")
            return act()

        armed = False

    disk = NoViews()
    session = await open_session(request_for(tmp_path, "M", stores=STORES), disk)
    unit = session.unit()
    session.sync_checkpoint("API-/a")
    unit.put("a", "k", {"n": 1})
    unit.sync("API-/a", "Fetch", "2024-01-20T08:00:00Z", 1)
    unit.publish_sync("Fetch")
    await unit.commit("c", Barrier.SYNC)
    disk.armed = True
    assert (await session.finish("completed"))["status"] == "interrupted"
    await session.close()
    state = StateReader(tmp_path).latest("M")
    assert state is not None
    assert (state.status, state.resumable) == ("interrupted", True)
    assert not (tmp_path / "stores/a.json").exists()
    resumed = tmp_path.with_name(tmp_path.name + "-resumed")
    shutil.copytree(tmp_path, resumed)

    anew = await begin(tmp_path)
    assert json.loads((tmp_path / "stores/a.json").read_text()) == {"k": {"n": 1}}
    sync = json.loads((tmp_path / "sync-checkpoints.json").read_text())
    assert sync["API-/a"]["lastSync"] == "2024-01-20T08:00:00Z"
    assert [s.status for s in StateReader(tmp_path).history("M")] == ["running", "completed"]
    await anew.close()

    again = await begin(resumed, resume=ResumeChoice.IF_ANY)
    assert again.state.ended == "completed"
    await again.close()
    again = await begin(resumed, resume=ResumeChoice.IF_ANY)
    assert again.state.ended == "completed"
    await again.finish("completed")
    await again.close()
    assert json.loads((resumed / "sync-checkpoints.json").read_text())["API-/a"] == {
        **sync["API-/a"],
        "executionId": again.execution_id,
    }
    assert [s.status for s in StateReader(resumed).history("M")] == ["completed"]


# ---------------------------------------------------------------- without a journal


@pytest.mark.parametrize("options", [{"enable_state": False}, {"state_store": "memory"}])
async def test_without_state_there_is_no_journal_and_stores_come_at_the_end(
    tmp_path: Path, options: Any
) -> None:
    session = await begin(tmp_path, **options)
    unit = session.unit()
    unit.put("a", "k", {"n": 1})
    unit.sync("API-/a", "Fetch", "2024-01-20T08:00:00Z", 1)
    unit.publish_sync("Fetch")
    unit.cell("0", unit.blob({"t": "x" * 100_000}))
    await unit.commit("c", Barrier.SYNC)
    await session.materialise()
    kept = options.get("state_store") != "memory"
    assert list((tmp_path / "execution").glob("*.journal")) == []
    assert len(list((tmp_path / "execution").glob("*.json"))) == kept
    assert not (tmp_path / "stores/a.json").exists()
    record = await session.finish("completed")
    assert record["stores"]["a"] == {"count": 1, "added": 1, "updated": 0, "unchanged": 0}
    await session.close()
    assert json.loads((tmp_path / "stores/a.json").read_text()) == {"k": {"n": 1}}
    assert "API-/a" in json.loads((tmp_path / "sync-checkpoints.json").read_text())
    states = StateReader(tmp_path).history("M")
    assert [s.status for s in states] == (["completed"] if kept else [])
    session = await begin(tmp_path, **options, resume=ResumeChoice.IF_ANY)
    assert not session.resumed
    assert session.notices
    await session.close()
    with pytest.raises(ConfigError, match="keeps no state"):
        await begin(tmp_path, **options, resume=ResumeChoice.ONLY)


# ---------------------------------------------------------------- the folder


async def test_what_is_made_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "project" / ".vague-data"
    await worked(root, "interrupted")
    assert (root / ".gitignore").read_text() == "*\n"
    for path in [root, *root.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="it is not a folder") as caught:
        await begin(tmp_path / "file")
    assert "--state-dir" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="not a directory"):
        await begin(tmp_path / "file" / "state")


@pytest.mark.slow
@pytest.mark.parametrize("part", [".", "execution", "locks"])
def test_rights_that_are_missing_are_told_with_mode_and_owner(tmp_path: Path, part: str) -> None:
    """In a child that has given up its rights, since nothing is forbidden to root."""
    root = tmp_path / "state"
    asyncio.run(worked(root, "completed"))
    tmp_path.chmod(0o755)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o777)
    (root / part).chmod(0o555)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for folder in list(tmp_path.parents):
                if folder != Path("/"):
                    folder.chmod(folder.stat().st_mode | 0o055)
            os.setuid(65534)
            asyncio.run(begin(root))
        except ConfigError as error:
            parts = ("mode 0555", "owner", "this process is nobody (65534)", str(root / part))
            status = 0 if all(part in error.message for part in parts) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if os.getuid() == 0 else 1)


async def test_a_folder_that_vanishes_during_a_run_stops_it(tmp_path: Path) -> None:
    root = tmp_path / "state"
    session = await begin(root)
    unit = session.unit()
    unit.put("a", "k", {})
    await unit.commit("c", Barrier.SYNC)
    shutil.rmtree(root)
    unit.put("a", "k2", {})
    await unit.commit("c", Barrier.SYNC)
    with pytest.raises(StorageError, match="no such file") as caught:
        await session.materialise()
    assert "is gone" in str(caught.value.hint)
    assert (await session.finish("completed"))["status"] == "interrupted"
    await session.close()
    assert not root.exists(), "it is not made again behind the user's back"


# ---------------------------------------------------------------- views

VIEWS = ("the store", "its applied mark", "the record")


async def test_actions_that_end_together_share_one_writing_of_the_views(tmp_path: Path) -> None:
    disk = CountingDisk()
    request = request_for(tmp_path, "M", stores=STORES)
    async with await open_session(request, disk) as session:
        before = disk.names.count("replace")

        async def act(number: int) -> dict[str, Any]:
            unit = session.unit()
            unit.put("a", f"k{number}", {"n": number})
            await unit.commit("c", Barrier.SYNC)
            await session.materialise()
            return dict(json.loads((tmp_path / "stores/a.json").read_text()))

        seen = await asyncio.gather(*(act(number) for number in range(30)))
        assert disk.names.count("replace") - before <= 3 * len(VIEWS), "the first, and the next"
        assert all(f"k{number}" in found for number, found in enumerate(seen)), "each sees its own"


async def test_a_writing_of_views_that_is_cancelled_serves_nobody(tmp_path: Path) -> None:
    async with await begin(tmp_path) as session:
        unit = session.unit()
        unit.put("a", "k", {"n": 1})
        await unit.commit("c", Barrier.SYNC)
        async with asyncio.TaskGroup() as group:
            writings = [group.create_task(session.materialise()) for _ in range(3)]
            await asyncio.sleep(0)
            for writing in writings[:2]:
                writing.cancel()
        assert json.loads((tmp_path / "stores/a.json").read_text()) == {"k": {"n": 1}}


# ---------------------------------------------------------------- once a second


async def test_the_record_follows_once_a_second(tmp_path: Path) -> None:
    timing = replace(PATIENT, tick=0.03)
    session = await begin(tmp_path, timing=timing)
    (path,) = (tmp_path / "execution").glob("*.json")
    unit = session.unit()
    for n in range(5):
        unit.put("a", f"k{n}", {"n": n})
        await unit.commit()
    while json.loads(path.read_text())["stores"]["a"]["added"] < 5:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    before = path.stat().st_mtime_ns
    await asyncio.sleep(0.2)
    assert path.stat().st_mtime_ns == before, "nothing changed, nothing is written"
    await session.close()


async def test_a_heartbeat_touches_the_lock(tmp_path: Path) -> None:
    session = await begin(tmp_path, timing=replace(PATIENT, heartbeat=0.02))
    lock = tmp_path / "locks/mission-M.lock"
    before = lock.stat().st_mtime_ns
    for _ in range(100):
        await asyncio.sleep(0.02)
        if lock.stat().st_mtime_ns != before:
            break
    assert lock.stat().st_mtime_ns != before
    await session.close()


async def test_the_reserve_makes_room_for_the_last_record(tmp_path: Path) -> None:
    class Full(CountingDisk):
        """Takes nothing new until the reserve is gone."""

        full = False

        def around(self, number: int, name: str, act: Any) -> Any:
            reserve = tmp_path / ".reserve"
            if self.full and name == "write" and reserve.exists():
                raise OSError(28, "No space left on device")
            return act()

    disk = Full()
    session = await open_session(request_for(tmp_path, "M", stores=STORES), disk)
    unit = session.unit()
    unit.put("a", "k", {})
    disk.full = True
    with pytest.raises(ReqonError, match="no space left on device") as caught:
        await unit.commit("c", Barrier.SYNC)
    assert "reqon cleanup" in str(caught.value.hint)
    await session.finish("interrupted")
    await session.close()
    (record,) = (tmp_path / "execution").glob("*.json")
    content = json.loads(record.read_text())
    assert content["status"] == "interrupted"
    assert "no space" in content["errors"][0]["message"]
    assert not (tmp_path / ".reserve").exists()
    session = await begin(tmp_path, resume=ResumeChoice.IF_ANY)
    assert (tmp_path / ".reserve").stat().st_size == 256 * 1024
    await session.close()


def test_the_disk_is_the_only_one_that_writes() -> None:
    assert isinstance(CountingDisk(), Disk)
