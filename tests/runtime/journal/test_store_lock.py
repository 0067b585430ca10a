"""One lock for a store's file, whichever state folder writes it and whenever that came to be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reqon.journal.disk import Disk
from reqon.journal.folders import prepare_folders
from reqon.journal.store_lock import StoreLock
from reqon.state.paths import StatePaths
from reqon.stores.base import StoreSpec
from reqon.stores.registry import make_store


def lock(paths: StatePaths, **options: str) -> StoreLock:
    spec = StoreSpec("file", "people", options)
    return StoreLock(spec, make_store(spec, paths).location, paths, Disk())


def folders(tmp_path: Path) -> tuple[StatePaths, StatePaths, Path]:
    """The state folder that the store will lie in, another one, and the store's folder."""
    own, other = StatePaths(tmp_path / "own"), StatePaths(tmp_path / "other")
    prepare_folders(other, Disk())
    own.stores.mkdir(parents=True)
    return own, other, own.stores


def test_a_folder_that_comes_to_be_while_another_writes_its_store_waits(tmp_path: Path) -> None:
    own, other, stores = folders(tmp_path)
    far = lock(other, dir=str(stores))
    assert far.try_acquire()
    assert far.path == stores / ".people.lock"

    prepare_folders(own, Disk())
    near, third = lock(own), lock(other, dir=str(stores))
    assert not near.try_acquire()
    assert near.path == far.path, "this one is held, and tells by whom"
    assert not third.try_acquire()

    far.release()
    assert near.try_acquire()
    assert not far.try_acquire()
    assert not third.try_acquire()
    near.release()
    assert third.try_acquire()
    assert third.path == stores / ".people.lock"


def test_a_lock_is_looked_for_where_it_belongs_now(tmp_path: Path) -> None:
    own, other, stores = folders(tmp_path)
    far = lock(other, dir=str(stores))
    prepare_folders(own, Disk())
    assert far.try_acquire()
    assert far.path == own.store_lock("file", "people")
    assert not (stores / ".people.lock").exists()
    assert not lock(own).try_acquire()


def test_a_folder_that_comes_to_be_in_that_moment_is_seen(tmp_path: Path) -> None:
    own, other, stores = folders(tmp_path)

    class Late(Disk):
        def open_lock(self, path: Path) -> int:
            fd = super().open_lock(path)
            prepare_folders(own, Disk())
            return fd

    spec = StoreSpec("file", "people", {"dir": str(stores)})
    far = StoreLock(spec, stores / "people.json", other, Late())
    assert not far.try_acquire(), "the lock beside the file is not the right one any more"
    near = lock(own)
    assert near.try_acquire()
    assert not far.try_acquire()
    near.release()
    assert far.try_acquire()


def test_the_usual_store_has_one_lock_in_its_state_folder(tmp_path: Path) -> None:
    own, _, stores = folders(tmp_path)
    prepare_folders(own, Disk())
    near = lock(own)
    assert near.try_acquire()
    assert near.path == own.store_lock("file", "people")
    assert list(stores.iterdir()) == []


FORKING = """
import os, sys
from pathlib import Path
from reqon.journal.disk import Disk
from reqon.journal.locks import FileLock

lock = FileLock(Path(sys.argv[1]), Disk())
assert lock.try_acquire()
(waiting, end), (begun, begin) = os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(end)
    os.write(begin, b"1")
    os.read(waiting, 1)
    os._exit(0)
os.read(begun, 1)
assert not FileLock(lock.path, Disk()).try_acquire(), "the child ends nothing"
lock.release()
print("free" if FileLock(lock.path, Disk()).try_acquire() else "held by the child")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_child_holds_no_lock(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORKING, str(tmp_path / "a.lock")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "free\n", ended.stderr
