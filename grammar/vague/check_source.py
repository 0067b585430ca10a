"""Checks one text as if it were a file: for tests, documentation and tools.

No disk is read: `files` may hold what the text imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from vague.checker import Checked, CheckFacts, check
from vague.program import ProgramRoot, read_program

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""A moment that stands still, for texts whose check depends on the time."""


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Files by path, without a disk. Folders are what the paths make them."""

    contents: Mapping[str, bytes | str] = field(default_factory=dict[str, bytes | str])

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        found = self.contents.get(path)
        if found is None:
            raise FileNotFoundError(path)
        return found.encode() if isinstance(found, str) else found

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        """What stands at the path."""
        if path in self.contents:
            return "file"
        return "folder" if self._below(path) else None

    def list(self, folder: str) -> Sequence[str]:
        """The names in a folder, sorted. Raises FileNotFoundError."""
        found = {path.split("/")[0] for path in self._below(folder)}
        if not found:
            raise FileNotFoundError(folder)
        return sorted(found)

    def _below(self, folder: str) -> list[str]:
        prefix = "" if folder in ("", ".") else folder.rstrip("/") + "/"
        return [path[len(prefix) :] for path in self.contents if path.startswith(prefix)]


def check_source(
    text: str,
    path: str = "mission.vague",
    files: Mapping[str, bytes | str] | None = None,
    facts: CheckFacts | None = None,
) -> Checked:
    """Check a text; imports and specs are found in `files`."""
    memory = MemoryFiles({**(files or {}), path: text})
    facts = facts or CheckFacts(memory, NOON)
    return check(read_program(ProgramRoot(path, "file", path), memory), facts)
