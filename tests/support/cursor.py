"""Texts with a cursor: `$0` marks the place that a feature is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reqon_lsp.analysis import Snapshot
from reqon_lsp.headers import headers
from reqon_lsp.last_run import LastRun, Past
from vague.check_source import NOON, MemoryFiles
from vague.checker import CheckFacts, check
from vague.program import MissionProgram, ProgramRoot, read_program

MARK = "$0"
NOW = datetime(2031, 3, 5, 14, 2, tzinfo=UTC)


@dataclass(frozen=True)
class At:
    """A program with the cursor in one of its files."""

    snapshot: Snapshot
    path: str
    offset: int

    @property
    def text(self) -> str:
        return self.snapshot.text(self.path)

    def offset_of(self, part: str) -> int:
        return self.text.index(part)


def at(text: str, files: Mapping[str, str | bytes] | None = None, path: str = "m.vague") -> At:
    """A one-file program; without a mark the cursor is at its start."""
    offset = max(text.find(MARK), 0)
    text = text.replace(MARK, "", 1)
    root = ProgramRoot(path, "file", path)
    return At(snapshot_of(root, {**(files or {}), path: text}), path, offset)


def in_folder(files: Mapping[str, str]) -> At:
    """A mission folder; one of its files holds the mark."""
    path, marked = next((p, t) for p, t in files.items() if MARK in t)
    clean = {p: t.replace(MARK, "", 1) for p, t in files.items()}
    root = ProgramRoot("folder", "folder", "folder/mission.vague")
    return At(snapshot_of(root, clean), path, marked.index(MARK))


def snapshot_of(
    root: ProgramRoot, files: Mapping[str, str | bytes], before: Snapshot | None = None
) -> Snapshot:
    memory = MemoryFiles(files)
    program = read_program(root, memory, before.program if before else None)
    checked = check(program, CheckFacts(memory, NOON), before.checked if before else None)
    old = before.headers if before else {}
    steady = {path: headers(program, path, old.get(path, ())) for path in program.files}
    return Snapshot(program, checked, steady)


def never(_: MissionProgram) -> LastRun:
    """The past of missions that never ran."""
    return LastRun()


def past(last: LastRun) -> Past:
    """The same past for every mission."""
    return lambda _: last
