"""The state folder as the server follows it: any bytes, folders that come and go, no call twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reqon_lsp.status_watch import StatusWatch

RECORD = {
    "executionId": "exec_1",
    "mission": "Sync",
    "startedAt": "2031-03-05T14:00:00Z",
    "completedAt": "2031-03-05T14:02:00Z",
    "status": "completed",
    "actionsRun": ["Fetch"],
    "errors": [],
    "stores": {"people": {"count": 2, "added": 2, "updated": 0}},
}


class Following:
    """A watch on one mission and one store file, and how often it said that something changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes = 0
        self.store = folder / "stores" / "people.json"
        self.watch = StatusWatch(
            lambda: {(str(folder), "Sync")}, lambda: {str(self.store)}, self.changed
        )

    def changed(self) -> None:
        self.changes += 1

    def write(self, content: str | bytes, second: int = 0) -> Path:
        path = self.folder / "execution" / f"Sync-2031-03-05T14-00-{second:02}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
        return path

    @property
    def status(self) -> str | None:
        state = self.watch.latest(str(self.folder), "Sync")
        return None if state is None else state.status


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(tmp_path / ".vague-data")


async def test_each_change_is_told_once_and_nothing_else_is(following: Following):
    for _ in range(3):
        await following.watch.look()
    assert (following.status, following.changes) == (None, 0)
    following.write(json.dumps(RECORD))
    for _ in range(3):
        await following.watch.look()
    assert (following.status, following.changes) == ("completed", 1)
    following.write(json.dumps(RECORD | {"status": "failed"}), second=1)
    for _ in range(3):
        await following.watch.look()
    assert (following.status, following.changes) == ("failed", 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[1, 2]",
        b'{"mission": 3}',
        json.dumps(RECORD).encode()[:90],
        json.dumps(RECORD | {"stores": 7, "errors": {"a": 1}}).encode(),
        b"[" * 100_000,
    ],
)
async def test_a_record_of_any_bytes_hides_none_before_it(following: Following, content: bytes):
    following.write(json.dumps(RECORD))
    await following.watch.look()
    following.write(content, second=1)
    await following.watch.look()
    assert following.status == "completed"


async def test_the_folder_may_go_and_come_back(following: Following):
    following.write(json.dumps(RECORD))
    await following.watch.look()
    shutil.rmtree(following.folder)
    await following.watch.look()
    assert following.status is None
    following.folder.write_text("a file in its place")
    await following.watch.look()
    assert following.status is None
    following.folder.unlink()
    following.write(json.dumps(RECORD))
    await following.watch.look()
    assert (following.status, following.changes) == ("completed", 3)


async def test_a_running_record_without_a_process_is_an_interrupted_one(following: Following):
    following.write(json.dumps(RECORD | {"status": "running", "completedAt": None}))
    await following.watch.look()
    assert following.status == "interrupted"


async def test_records_of_stores_and_sync_times_are_kept(following: Following):
    following.store.parent.mkdir(parents=True)
    following.store.write_text('{\n"p1": {"id": "p1"}\n}\n')
    sync = {"API-/people": {"lastSync": "2031-03-05T14:00:00Z", "itemsSynced": 2}}
    (following.folder / "sync-checkpoints.json").write_text(json.dumps(sync))
    await following.watch.look()
    assert following.watch.samples[str(following.store)] == [{"id": "p1"}]
    assert following.watch.syncs[str(following.folder)]["API-/people"].items_synced == 2
    following.store.write_text("garbage")
    await following.watch.look()
    assert following.watch.samples[str(following.store)] == []
