"""Programs of the open documents: read, checked, and kept as immutable snapshots.

An edit reads again only what it touched (the language reuses unchanged slices and rules). The
newest snapshot of each program stands here until the next one replaces it; features read it and
never compute. Nothing here knows the client's units or sends anything.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

from reqon_lsp.headers import Header, headers
from reqon_lsp.session import OpenFiles, Session
from vague.checker import Checked, CheckFacts, check
from vague.diagnostics import Diagnostic
from vague.names import Names, names_of
from vague.parser import Parsed
from vague.program import MissionProgram, Program, ProgramRoot, read_program
from vague.vocabulary import DEFAULT, Vocabulary

ROOT_FILES = ("mission.vague", "mission.reqon")


@dataclass(frozen=True)
class Snapshot:
    """One program as it was when it was last checked."""

    program: Program
    checked: Checked
    headers: Mapping[str, tuple[Header, ...]] = field(default_factory=dict[str, tuple[Header, ...]])

    @cached_property
    def names(self) -> Names:
        """What the names of the program mean."""
        return names_of(self.checked)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the language, those of installed packages included."""
        return self.checked.facts.vocabulary

    def parsed(self, path: str) -> Parsed | None:
        """One file of the program as it was read."""
        source = self.program.files.get(path)
        return source.parsed if source is not None else None

    def text(self, path: str) -> str:
        """The text of one file; empty for one that the program has not."""
        parsed = self.parsed(path)
        return parsed.source.text if parsed is not None else ""

    def missions_of(self, path: str) -> list[MissionProgram]:
        """The missions that can see what stands in a file, those headed there first."""
        own = [m for m in self.program.missions if m.mission.path == path]
        return own or list(self.program.missions)

    def diagnostics(self, path: str) -> list[Diagnostic]:
        """What was found in one file of the program."""
        return [found for found in self.checked.diagnostics if found.path == path]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that it takes to read one program; `read` may be called on any thread."""

    root: ProgramRoot
    before: Snapshot | None
    facts: CheckFacts

    def read(self) -> Snapshot:
        """Read and check the program, reusing what did not change.

        Raises:
            OSError: when its first file cannot be read.
        """
        before = self.before
        program = read_program(self.root, self.facts.files, before.program if before else None)
        return self._checked(program)

    def read_if_changed(self) -> Snapshot:
        """The same, but what was known before where the files are as they were."""
        before = self.before
        program = read_program(self.root, self.facts.files, before.program if before else None)
        if before is not None and before.program.files == program.files:
            return before
        return self._checked(program)

    def _checked(self, program: Program) -> Snapshot:
        before = self.before
        checked = check(program, self.facts, before.checked if before else None)
        old: Mapping[str, tuple[Header, ...]] = before.headers if before else {}
        steady = {file: headers(program, file, old.get(file, ())) for file in program.files}
        return Snapshot(program, checked, steady)


@dataclass(slots=True)
class Analysis:
    """All programs that hold an open document, by the path of their root."""

    session: Session
    snapshots: dict[str, Snapshot] = field(default_factory=dict[str, Snapshot])
    closed: dict[str, Snapshot] = field(default_factory=dict[str, Snapshot])
    vocabulary: Vocabulary = DEFAULT
    _roots: dict[str, ProgramRoot] = field(default_factory=dict[str, ProgramRoot])

    def root_of(self, path: str) -> ProgramRoot:
        """The program that a document belongs to: its mission folder, else the file alone."""
        if not Path(path).is_absolute():  # a document that is on no disk
            return ProgramRoot(path=path, kind="file", root_file=path)
        top = self.session.workspace_folder(path)
        for folder in Path(path).parents:
            for name in ROOT_FILES:
                root_file = str(folder / name)
                if self.session.files.kind(root_file) == "file":
                    return ProgramRoot(path=str(folder), kind="folder", root_file=root_file)
            if top is None or str(folder) == top:
                break
        return ProgramRoot(path=path, kind="file", root_file=path)

    def reading(self, path: str, files: OpenFiles | None = None) -> Reading:
        """The next reading of the program of `path`; of `files` instead of the open ones."""
        root = self._roots[path] = self.root_of(path)
        return Reading(root, self.snapshots.get(root.path), self._facts(files))

    def update(self, path: str) -> Snapshot:
        """Read and check the program of `path` anew, reusing what did not change."""
        return self.keep(self.reading(path).read())

    def keep(self, snapshot: Snapshot) -> Snapshot:
        """Make a snapshot the newest of its program."""
        self.snapshots[snapshot.program.root.path] = snapshot
        return snapshot

    def snapshot(self, path: str) -> Snapshot | None:
        """The newest snapshot that holds a document, if it was analysed; asks no disk."""
        root = self._roots.get(path) or self.root_of(path)
        return self.snapshots.get(root.path)

    def reading_closed(self, path: str, files: OpenFiles | None = None) -> Reading:
        """The next reading of the program of a file that is not open."""
        root = self.root_of(path)
        return Reading(root, self.closed.get(root.path), self._facts(files))

    def read_closed(self, path: str) -> Snapshot:
        """The program of a file that is not open; raises `OSError` where it cannot be read."""
        return self.keep_closed(self.reading_closed(path).read_if_changed())

    def keep_closed(self, snapshot: Snapshot) -> Snapshot:
        """Remember a program that no open document belongs to."""
        self.closed[snapshot.program.root.path] = snapshot
        return snapshot

    def all_snapshots(self) -> list[Snapshot]:
        """The programs of open documents, then those of closed files that were asked for."""
        closed = [snap for root, snap in self.closed.items() if root not in self.snapshots]
        return [*self.snapshots.values(), *closed]

    def is_too_large(self, path: str) -> bool:
        """Whether an open document is longer than the client wants checked."""
        opened = self.session.files.texts.get(path)
        return opened is not None and len(opened.text) > self.session.settings.max_file_size

    def drop(self, path: str) -> None:
        """Forget the program of one document."""
        self.snapshots.pop(self.root_of(path).path, None)

    def forget(self, open_paths: Iterable[str]) -> list[Snapshot]:
        """Drop the programs without an open document, and give them back."""
        kept = {self.root_of(path).path for path in open_paths}
        dropped = [key for key in self.snapshots if key not in kept]
        return [self.snapshots.pop(key) for key in dropped]

    def forget_closed(self, kept: set[str]) -> list[Snapshot]:
        """Drop the programs of closed files whose root is not among those kept; give them back."""
        return [self.closed.pop(root) for root in list(self.closed) if root not in kept]

    def is_open(self, root: str) -> bool:
        """Whether an open document belongs to the program of this root."""
        return any(self.root_of(path).path == root for path in self.session.files.texts)

    def _facts(self, files: OpenFiles | None) -> CheckFacts:
        now = datetime.now(UTC)  # noqa: TID251 - the server has no other clock
        return CheckFacts(
            files=files or self.session.files,
            now=now,
            time_zones=time_zones(),
            vocabulary=self.vocabulary,
        )


def local_now() -> datetime:
    """Local time, for what people read."""
    return datetime.now().astimezone()  # noqa: TID251 - the server has no other clock


@cache
def time_zones() -> frozenset[str]:
    """The time zones that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def relative_to(path: str, folder: str) -> str:
    """`path` relative to `folder` where it lies below it, else as it is; with `/`."""
    try:
        return Path(path).relative_to(folder).as_posix()
    except ValueError:
        return path.replace(os.sep, "/")
