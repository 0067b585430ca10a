"""Bringing what a state store elsewhere keeps into the state folder, before a run begins.

An execution that is asked for, or that could be resumed, is written below the folder as journal,
blobs and record where the folder has it not, or has fallen behind; from then on a resume finds
what it would find had the run been here. On a disk without sync checkpoints those of the newest
state are taken. The caller holds the mission's lock and the lease.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reqon.errors import ConfigError, RefusedError
from reqon.journal.applied import read_marks
from reqon.journal.blobs import BlobFolder
from reqon.journal.carrying import ADDED, BLOBS, EPOCH, FRAME, RESUME, SYNC
from reqon.journal.comparing import attempts_of
from reqon.journal.disk import Disk
from reqon.journal.elsewhere import Elsewhere, State
from reqon.journal.frames import Frame, StartFacts, decode_line, encode_frame, line_of
from reqon.journal.held import described
from reqon.journal.placeholders import NoSecrets
from reqon.journal.records import write_record
from reqon.journal.recovery import check_version
from reqon.journal.request import ResumeChoice, SessionRequest
from reqon.journal.sync_checkpoints import (
    merge_sync_checkpoints,
    read_sync_marks,
    replace_sync_checkpoints,
)
from reqon.state.model import ExecutionState
from reqon.state.paths import StatePaths, Stem, stems_behind
from reqon.state.reader import StateReader
from reqon.state.record import as_object, instant
from reqon.state.updating import with_frames
from reqon.stores.registry import make_store

LARGE_STORES = "largeStores"
"""The note that tells how many records of large stores the execution found when it began."""

_LOOKED_AT = 50
"""So many states are looked through for one that could be resumed."""


async def fetch(request: SessionRequest, disk: Disk) -> list[str]:
    """Bring home what the request may go on with; answers what a person should know.

    StorageError where the store fails; RefusedError for a state that is damaged or of a newer
    version; ConfigError for one of another mission.
    """
    elsewhere = request.elsewhere
    assert elsewhere is not None, "asked only with a store elsewhere"
    reader = StateReader(request.paths.root, held=request.mission)
    new_here = reader.latest(request.mission) is None
    states = await _wanted(request, elsewhere)
    behind: Stem | None = None
    for state in reversed(states):  # so that what ran last sorts last
        lines, contents = await journal_of(state, elsewhere)
        behind = _bring(request, disk, Home(state, lines, contents), behind)
    if states:
        brought = _bring_sync(request, disk, states[0], new_here=new_here)
        if brought and states[0]["status"] == "completed":
            return _left_behind(request, states[0])
    elif request.resume is ResumeChoice.NEVER and elsewhere.can_list:
        return await _bring_newest_sync(request, disk, elsewhere, new_here=new_here)
    if not elsewhere.can_list and isinstance(request.resume, ResumeChoice):
        return _hint_at_ids(request)
    return []


@dataclass(frozen=True, slots=True)
class Home:
    """A state with the lines of its journal and the blobs they name; no lines: none is needed."""

    state: State
    lines: Sequence[bytes]
    contents: Mapping[str, str]


async def _wanted(request: SessionRequest, elsewhere: Elsewhere) -> list[State]:
    """The states that a resume may want, what ran last first, up to the last completed one."""
    if request.resume is ResumeChoice.NEVER:
        return []
    if isinstance(request.resume, str):
        found = await elsewhere.load(request.resume)
        if found is not None and found["mission"] != request.mission:
            raise ConfigError(
                f"the execution '{request.resume}' is one of '{found['mission']}'",
                hint=f"it cannot be resumed by '{request.mission}'",
            )
        return [] if found is None else [found]
    if not elsewhere.can_list:
        return []
    wanted: list[State] = []
    for state in _last_run_first(await elsewhere.list(request.mission, _LOOKED_AT, None)):
        wanted.append(state)
        if state["status"] == "completed":
            break
    return wanted


def _last_run_first(states: Sequence[State]) -> Sequence[State]:
    """By their leases, which the store counts: the machines' clocks may differ by hours.

    As they are listed, newest start first, where one has no lease of this store.
    """
    if all(isinstance(state.get(EPOCH), int) for state in states):
        return sorted(states, key=lambda state: state[EPOCH], reverse=True)
    return states


def _hint_at_ids(request: SessionRequest) -> list[str]:
    """A store that cannot list cannot be searched."""
    if request.resume is ResumeChoice.NEVER:
        return []
    if StateReader(request.paths.root, held=request.mission).candidates(request.mission):
        return []
    if request.resume is ResumeChoice.ONLY:
        raise ConfigError(
            f"there is nothing to resume for '{request.mission}' in the state folder",
            hint="the state store cannot list what it keeps: name the execution with "
            "--execution ID",
        )
    return [
        "the state store cannot list what it keeps: --execution ID resumes an execution that is "
        "not in the state folder"
    ]


# ---------------------------------------------------------------- the journal


async def journal_of(state: State, elsewhere: Elsewhere) -> tuple[list[bytes], dict[str, str]]:
    """The lines and blobs with which the journal of a state begins again; none: none is needed.

    RefusedError for what is damaged.
    """
    kept = as_object(state.get(RESUME))
    if kept is None:
        return [], {}
    base = _line(state, kept.get(FRAME))
    lines, contents = [base[1]], dict(as_object(kept.get(BLOBS)) or {})
    if not elsewhere.can_append:
        return lines, contents
    number = base[0].n
    for given in await elsewhere.read(state["executionId"], number + 1):
        frame, line = _line(state, given.get("frame"))
        if frame.n <= number or not _continues(frame, number):
            raise _damaged(state, f"frame {frame.n} follows frame {number}")
        number = frame.n
        lines.append(line)
        contents.update(as_object(given.get("blobs")) or {})
    return lines, contents


def _continues(frame: Frame, number: int) -> bool:
    return frame.n == number + 1 or frame.k in ("start", "base")


def _line(state: State, text: Any) -> tuple[Frame, bytes]:
    """A line of the journal from its text."""
    line = f"{text}\n".encode() if isinstance(text, str) else b""
    frame = decode_line(line)
    if frame is None:
        raise _damaged(state, "a frame does not match its checksum")
    if frame.start is not None:
        check_version(frame.start.schema_version)
    return frame, line


def _damaged(state: State, reason: str) -> RefusedError:
    return RefusedError(
        f"the state store gave back execution '{state['executionId']}' damaged: {reason}",
        hint="restore it from a backup of the store, or start the mission anew without --resume",
    )


# ---------------------------------------------------------------- into the folder


def _bring(request: SessionRequest, disk: Disk, home: Home, behind: Stem | None) -> Stem | None:
    """Write an execution below the folder, unless the folder is as far, or further.

    Its name sorts behind `behind`, where it has none yet; answers its name.
    """
    reader = StateReader(request.paths.root, held=request.mission)
    local = reader.record(home.state["executionId"], request.mission)
    current = with_frames(record_of(home.state), home.lines)
    if local is None or not _is_as_far(local, current):
        stem = _free_stem(request.paths, home.state, behind) if local is None else local.path.stem
        write_home(request.paths, disk, home, stem, force=request.force)
    else:
        stem = local.path.stem
    return Stem.parse(stem)


def write_home(
    paths: StatePaths, disk: Disk, home: Home, stem: str | None, *, force: bool = False
) -> None:
    """Write blobs, journal and record, in this order; `stem` names the files that are there.

    RefusedError where a value is damaged, or a store is missing that is not kept elsewhere
    (`force` does without its records).
    """
    current = with_frames(record_of(home.state), home.lines)
    stem = _free_stem(paths, home.state) if stem is None else stem
    if home.lines:
        if not force:
            _refuse_lost_stores(paths, home)
        blobs = BlobFolder(paths.blobs(stem), disk, NoSecrets())
        contents = {name: text.encode() for name, text in home.contents.items()}
        for name, content in contents.items():
            if hashlib.blake2b(content, digest_size=16).hexdigest() != name:
                raise _damaged(home.state, f"the value '{name}' does not match its name")
        if contents:
            blobs.save(contents)
        lines, number = _above_marks(paths, home, current["seq"])
        disk.replace_durably(paths.journal(stem), lines)
        current["seq"] = number
    write_record(disk, paths.record(stem), current)


def _refuse_lost_stores(paths: StatePaths, home: Home) -> None:
    """Large stores are not kept elsewhere: without them the result would be another one."""
    start = start_of(home)
    for name, n_records in (as_object(start.notes.get(LARGE_STORES)) or {}).items():
        spec = described(start.stores).get(name)
        location = None if spec is None else make_store(spec, paths).location
        if location is not None and not location.exists():
            raise RefusedError(
                f"the store '{name}' held {n_records:,} records when execution "
                f"'{home.state['executionId']}' began, and '{location}' is gone",
                hint="restore the file, or go on without those records with --force",
            )


def start_of(home: Home) -> StartFacts:
    """The facts in the first line; the home has lines."""
    frame = decode_line(home.lines[0])
    assert frame is not None, "it was read before"
    assert frame.start is not None, "a base frame has it"
    return frame.start


def record_of(state: State) -> dict[str, Any]:
    """The record in a state."""
    return {name: value for name, value in state.items() if name not in ADDED}


def _is_as_far(local: ExecutionState, current: Mapping[str, Any]) -> bool:
    """Whether the folder's execution is the store's, or what came of it.

    The attempts tell: each begins at another moment. The same attempts, and at least as many
    frames; or all of the store's, and later ones. Where they part, the store is right.
    """
    here, there = attempts_of(local.record), attempts_of(current)
    if here[: len(there)] != there:
        return False
    if current["status"] == "completed":
        return local.status == "completed"
    if local.status != "completed" and not local.has_journal and RESUME not in local.record:
        return False
    return len(here) > len(there) or local.record.get("seq", 0) >= current.get("seq", 0)


def _free_stem(paths: StatePaths, state: State, behind: Stem | None = None) -> str:
    started_at = instant(state["startedAt"])
    assert started_at is not None, "a state has a start"
    stems = stems_behind(behind, state["mission"], started_at)
    return next(
        stem
        for stem in stems
        if not any(p.exists() for p in (paths.record(stem), paths.journal(stem)))
    )


def _above_marks(paths: StatePaths, home: Home, number: int) -> tuple[list[bytes], int]:
    """The lines, with a number that no store here has seen of the execution.

    Stores that were written here by an attempt that the store elsewhere does not know have higher
    marks; the operations are to be done on top of what that attempt left.
    """
    mark = max(_marks(paths, home), default=0)
    if mark <= number:
        return list(home.lines), number
    frame = decode_line(home.lines[0])
    assert frame is not None, "it was read before"
    if len(home.lines) > 1:
        raise _damaged(home.state, "the stores of this folder know of work that it does not have")
    frame.n = frame.s = mark + 1
    return [line_of(encode_frame(frame))], mark + 1


def _marks(paths: StatePaths, home: Home) -> Iterable[int]:
    execution_id = home.state["executionId"]
    yield read_sync_marks(paths).get(execution_id, 0)
    for spec in described(start_of(home).stores).values():
        location: Path | None = make_store(spec, paths).location
        if location is not None:
            yield read_marks(location).get(execution_id, 0)


# ---------------------------------------------------------------- sync checkpoints


def _bring_sync(request: SessionRequest, disk: Disk, state: State, *, new_here: bool) -> bool:
    """The sync checkpoints as the state knows them; whether any were missing here.

    All where the folder has none at all. Where another mission came first, those of this mission,
    as long as it has not run here: what was reset here stays so.
    """
    found = as_object(state.get(SYNC)) or {}
    if not request.paths.sync_checkpoints.exists():
        if found:
            replace_sync_checkpoints(request.paths, disk, found)
        return True
    known = StateReader(request.paths.root).sync_checkpoints() if new_here else None
    if not isinstance(known, dict):
        return False
    missing = {
        key: entry
        for key, entry in found.items()
        if key not in known and _is_of(request.mission, entry)
    }
    if missing:
        merge_sync_checkpoints(request.paths, disk, missing)
    return bool(missing)


async def _bring_newest_sync(
    request: SessionRequest, disk: Disk, elsewhere: Elsewhere, *, new_here: bool
) -> list[str]:
    """Those of the newest state; answers which stores did not come with them."""
    if request.paths.sync_checkpoints.exists() and not new_here:
        return []
    for state in await elsewhere.list(request.mission, 1, None):
        if _bring_sync(request, disk, state, new_here=new_here):
            return _left_behind(request, state)
    return []


def _is_of(mission: str, entry: Any) -> bool:
    return (as_object(entry) or {}).get("mission") == mission


def _left_behind(request: SessionRequest, state: State) -> list[str]:
    """File stores that a later sync would only add its changes to, with what they had held."""
    entries = (as_object(state.get(SYNC)) or {}).values()
    if not any(_is_of(request.mission, entry) for entry in entries):
        return []
    notices: list[str] = []
    for name, counts in (as_object(state.get("stores")) or {}).items():
        held = (as_object(counts) or {}).get("count")
        spec = request.stores.get(name)
        location = None if spec is None else make_store(spec, request.paths).location
        if held and location is not None and not location.exists():
            notices.append(
                f"the store '{name}' begins empty: '{location}' is not here, and held "
                f"{held:,} records when '{request.mission}' was synced last; what came before "
                "is fetched again only with --full"
            )
    return notices
