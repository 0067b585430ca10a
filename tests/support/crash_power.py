"""What may be on a disk after a power failure: legal states made from a trace of operations.

    trace = record(bench, shape)
    for state in states(trace, chance, n=100): state.build(folder)

Only what was synced is certain. Of the rest each file keeps some beginning of its writes, the
last of them perhaps torn, zero-filled or garbage, or a later one without an earlier one; each
folder keeps some beginning of its creations, renames and removals, perhaps without one of them.
Syncing a file says nothing about its name, as POSIX has it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from support.crash_trace import Step

FILE, FOLDER = "file", "folder"
Entry: TypeAlias = "tuple[str, int]"
"""A kind and, for a file, its inode."""
Recorded: TypeAlias = "tuple[dict[str, bytes], list[Step]]"
"""What the folder held before, by name, and the steps."""


@dataclass
class _File:
    """An inode: what is certain of it, and the operations that are not, with their numbers."""

    certain: bytes = b""
    open: list[Step] = field(default_factory=list)


@dataclass
class _Folder:
    """A folder: its certain entries, and the changes that are not certain."""

    certain: dict[str, Entry] = field(default_factory=dict)
    open: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class CrashState:
    """One state after a power failure at step `at`; `how` says what was left to chance.

    `files` maps names to contents, `folders` are those that exist; `promises` had been made, and
    `effects` had reached the service.
    """

    at: int
    how: str
    files: dict[str, bytes]
    folders: tuple[str, ...]
    promises: tuple[Any, ...]
    effects: tuple[Any, ...]

    def build(self, folder: Path) -> None:
        """Make it real."""
        for name in ("", *self.folders):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    @property
    def mark(self) -> tuple[Any, ...]:
        """Equal for states that cannot be told apart."""
        files = tuple(sorted((name, hash(content)) for name, content in self.files.items()))
        return files, self.folders, self.promises, len(self.effects)


def states(
    recorded: Recorded, chance: random.Random, n: int, moments: Sequence[int] = ()
) -> Iterator[CrashState]:
    """`n` different states, spread over the trace, or over the given numbers of steps done."""
    _, steps = recorded
    moments = moments or range(1, len(steps) + 1)
    seen: set[Any] = set()
    misses = found = 0
    while found < n and misses < 20 * n:
        at = chance.choice(moments)
        state = _state(recorded, at, chance)
        if state.mark in seen:
            misses += 1
            continue
        seen.add(state.mark)
        found += 1
        yield state


def _state(recorded: Recorded, at: int, chance: random.Random) -> CrashState:
    first, steps = recorded
    files, folders = _replay(first, steps[:at])
    how = chance.choice(("nothing", "names only", "data only", "all", "mixed", "mixed", "mixed"))
    entries = _names(folders, how, chance)
    contents: dict[str, bytes] = {}
    kinds = {name: entry for name, entry in sorted(entries.items()) if _reachable(name, entries)}
    for name, (kind, inode) in kinds.items():
        if kind == FILE:
            contents[name] = _content(files[inode], how, chance)
    return CrashState(
        at,
        how,
        contents,
        tuple(name for name, (kind, _) in kinds.items() if kind == FOLDER),
        tuple(step.promise for step in steps[:at] if step.what == "ack"),
        tuple(step.promise for step in steps[:at] if step.what == "effect"),
    )


def _reachable(name: str, entries: dict[str, Entry]) -> bool:
    parents = [str(parent) for parent in PurePosixPath(name).parents][:-1]
    return all(entries.get(parent, ("", 0))[0] == FOLDER for parent in parents)


# ---------------------------------------------------------------- what is certain


def _replay(
    first: dict[str, bytes], steps: Sequence[Step]
) -> tuple[dict[int, _File], dict[str, _Folder]]:
    files: dict[int, _File] = {}
    folders: dict[str, _Folder] = {".": _Folder()}
    for number, (name, content) in enumerate(sorted(first.items()), 1):
        files[number] = _File(content)
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            folders.setdefault(str(parent), _Folder())
            _folder(folders, str(parent)).certain[str(parent)] = (FOLDER, 0)
        _folder(folders, name).certain[name] = (FILE, number)
    for step in steps:
        _apply(step, files, folders)
    return files, folders


def _folder(folders: dict[str, _Folder], name: str) -> _Folder:
    """The folder that holds a name."""
    return folders.setdefault(str(PurePosixPath(name).parent), _Folder())


def _apply(step: Step, files: dict[int, _File], folders: dict[str, _Folder]) -> None:
    match step.what:
        case "create":
            files[step.inode] = _File()
            _folder(folders, step.path).open.append(step)
        case "write" | "truncate":
            files[step.inode].open.append(step)
        case "replace" | "unlink" | "mkdir" | "rmdir":
            _folder(folders, step.target or step.path).open.append(step)
        case "sync":
            file = files[step.inode]
            file.certain = _written(file.certain, [s for s in file.open if s.at < step.since])
            file.open = [s for s in file.open if s.at >= step.since]
        case "sync_folder":
            folder = folders.setdefault(step.path, _Folder())
            _named(folder.certain, [s for s in folder.open if s.at < step.since])
            folder.open = [s for s in folder.open if s.at >= step.since]
        case _:
            pass


def _written(content: bytes, steps: Sequence[Step]) -> bytes:
    for step in steps:
        if step.what == "write":
            content += step.data
        else:
            content = content[: step.size].ljust(step.size, b"\0")
    return content


def _named(entries: dict[str, Entry], steps: Sequence[Step]) -> None:
    for step in steps:
        match step.what:
            case "create":
                entries[step.path] = (FILE, step.inode)
            case "mkdir":
                entries[step.path] = (FOLDER, 0)
            case "replace":
                if step.path in entries:
                    entries[step.target] = entries.pop(step.path)
            case _:
                entries.pop(step.path, None)


# ---------------------------------------------------------------- what is left to chance


def _names(folders: dict[str, _Folder], how: str, chance: random.Random) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for folder in folders.values():
        kept = list(folder.open)
        if how in ("nothing", "data only"):
            kept = []
        elif how == "mixed":
            kept = kept[: chance.randint(0, len(kept))]
            if kept and chance.random() < 0.3:
                kept = _without_one(kept, chance)
        found = dict(folder.certain)
        _named(found, kept)
        entries.update(found)
    return entries


def _without_one(steps: list[Step], chance: random.Random) -> list[Step]:
    """Drop a change that no later one builds on."""
    place = chance.randrange(len(steps))
    step = steps[place]
    names = {step.path, step.target} - {""}
    if any(names & {later.path, later.target} for later in steps[place + 1 :]):
        return steps
    return steps[:place] + steps[place + 1 :]


def _content(file: _File, how: str, chance: random.Random) -> bytes:
    steps = file.open
    if how in ("nothing", "names only") or not steps:
        return file.certain
    if how in ("all", "data only"):
        return _written(file.certain, steps)
    n_whole = chance.randint(0, len(steps))
    content = _written(file.certain, steps[:n_whole])
    if n_whole == len(steps) or steps[n_whole].what != "write":
        return content
    later = b"".join(step.data for step in steps[n_whole + 1 :] if step.what == "write")
    return content + _torn(steps[n_whole].data, later, chance)


def _torn(data: bytes, later: bytes, chance: random.Random) -> bytes:
    """What is there of a write that did not get through, and of those behind it."""
    cut = chance.randint(0, len(data))
    return {
        "nothing": b"",
        "cut": data[:cut],
        "zeros": data[:cut].ljust(len(data), b"\0"),
        "garbage": data[:cut] + chance.randbytes(len(data) - cut),
        "hole": bytes(len(data)) + later,
    }[chance.choice(("nothing", "cut", "zeros", "garbage", "hole"))]
