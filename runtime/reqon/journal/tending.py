"""What a new owner of a mission does for executions whose process died without a word.

Those that had ended well in their journal get their views and their record; those that the
record calls running are written down as interrupted; what a crash left behind of finished ones is
removed. The caller holds the mission's lock, so every execution found here is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reqon.journal.disk import Disk
from reqon.journal.ending import remove_journal, unsettled_effects
from reqon.journal.held import StoreShelf, described
from reqon.journal.quarantine import put_aside
from reqon.journal.records import RecordFacts, build_record, copied, duration_of, write_record
from reqon.journal.recovery import recover
from reqon.journal.request import SessionRequest
from reqon.journal.retention import sweep_leftovers
from reqon.journal.run_state import RunState
from reqon.journal.sync_checkpoints import publish, read_sync_marks
from reqon.state.journal_tail import has_begun, read_start, read_tail
from reqon.state.reader import Listed, StateReader
from reqon.state.record import Unreadable, read_record


@dataclass(frozen=True, slots=True)
class Tending:
    """What is found of a mission's executions: to finish, to note, and what to tell."""

    to_finish: tuple[Listed, ...]
    notices: tuple[str, ...]


def tend(reader: StateReader, request: SessionRequest, disk: Disk, chosen: str | None) -> Tending:
    """Put the mission's records right, all but that of the `chosen` execution. Blocks.

    Executions that completed in their journal only are returned: finishing them needs store
    locks.
    """
    notices = _put_corrupt_aside(reader, request, disk)
    to_finish: list[Listed] = []
    for listed in _doubtful(reader, request.mission):
        sweep_leftovers(request.paths, disk, [listed.stem.name])
        path = request.paths.record(listed.stem.name)
        if path.is_dir() and not path.is_symlink():
            put_aside(request.paths, disk, request.clock, path, "it is not a file", keep=False)
        record = read_record(path)
        state = reader.state_of(listed)
        notices += _unreadable_journal(request, listed)
        if state is None:
            _remove_stillborn(request, disk, listed)
        elif state.execution_id == chosen:
            continue
        elif not isinstance(record, Unreadable) and record["status"] == "completed":
            remove_journal(disk, request.paths, listed.stem.name)
        elif listed.has_journal and _ended_well(request, listed):
            to_finish.append(listed)
        elif isinstance(record, Unreadable) or record["status"] == "running":
            write_record(disk, path, state.record)
    return Tending(tuple(to_finish), tuple(notices))


def _unreadable_journal(request: SessionRequest, listed: Listed) -> list[str]:
    """That nobody can tell what the stores lack of an execution; nothing where all is well."""
    journal = request.paths.journal(listed.stem.name)
    if not (listed.has_journal and listed.has_record) or read_start(journal) is not None:
        return []
    return [
        f"the journal '{journal}' cannot be read, so that what the stores lack of it is not known; "
        "`reqon state repair` puts it aside"
    ]


def _doubtful(reader: StateReader, mission: str) -> list[Listed]:
    """Executions with a journal, and those at the front whose record may say `running`."""
    found: list[Listed] = []
    front = True
    for listed in reader.listing(mission):
        if listed.has_journal or listed.has_blobs:
            found.append(listed)
            continue
        if front:
            state = reader.state_of(listed)
            front = state is None or state.status == "interrupted"
            if front:
                found.append(listed)
    return found


def _put_corrupt_aside(reader: StateReader, request: SessionRequest, disk: Disk) -> list[str]:
    notices: list[str] = []
    for corrupt in reader.corrupt(request.mission):
        if corrupt.path.exists() or corrupt.path.is_symlink():
            put_aside(request.paths, disk, request.clock, corrupt.path, corrupt.reason, keep=False)
            notices.append(
                f"the record '{corrupt.path}' cannot be read ({corrupt.reason}); "
                "it was put into quarantine"
            )
    return notices


def _remove_stillborn(request: SessionRequest, disk: Disk, listed: Listed) -> None:
    """A journal without a first frame and without a record: nothing had begun."""
    journal = request.paths.journal(listed.stem.name)
    if not listed.has_record and read_start(journal) is None:
        if has_begun(journal):
            put_aside(
                request.paths, disk, request.clock, journal, "its beginning is damaged", keep=False
            )
        else:
            remove_journal(disk, request.paths, listed.stem.name)


def _ended_well(request: SessionRequest, listed: Listed) -> bool:
    tail = read_tail(request.paths.journal(listed.stem.name))
    return tail is not None and tail.completed


async def finish_dead(request: SessionRequest, disk: Disk, listed: Listed) -> None:
    """Give an execution that completed in its journal its stores, sync times and record."""
    journal = request.paths.journal(listed.stem.name)
    start = read_start(journal)
    if start is None:
        return
    shelf = StoreShelf(described(start.get("stores", {})), request.paths, disk)
    try:
        await shelf.lock(request.store_wait_seconds, request.timing.lock_poll)
        shelf.open(None, request.secrets, force=request.force)
        _finish_views(request, disk, listed)
    finally:
        shelf.release()


def _finish_views(request: SessionRequest, disk: Disk, listed: Listed) -> None:
    paths, stem = request.paths, listed.stem.name
    marks = read_sync_marks(paths)
    start = read_start(paths.journal(stem))
    assert start is not None
    after = marks.get(start["executionId"], 0)
    recovered = recover(
        paths.journal(stem), request.secrets, on_frame=_ignore, published_after=after
    )
    assert recovered is not None, "its first frame was read before"
    state = recovered.state
    if recovered.published:
        publish(
            paths,
            disk,
            recovered.published,
            mission=state.start.mission,
            execution_id=state.start.execution_id,
            number=recovered.extent.number,
        )
    write_record(disk, paths.record(stem), final_record(state, request))
    remove_journal(disk, paths, stem)


def final_record(state: RunState, request: SessionRequest) -> dict[str, Any]:
    """The record of an execution that completed in its journal."""
    end = state.end or {}
    facts = RecordFacts(
        "completed",
        state.start.owner,
        heartbeat_at=end.get("at", state.start.attempt_at),
        completed_at=end.get("at"),
        duration_ms=end.get("durationMs") or duration_of(state.attempts, end.get("at", "")),
        unknown_effects=unsettled_effects(state),
    )
    return copied(build_record(state, facts), request.secrets)


def _ignore(frame: object) -> None:
    del frame
