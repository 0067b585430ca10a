"""From the paths on a command line to programs: shared by `run`, `check` and the tools around.

Reads files only. What the language says about a program (diagnostics) is handed back as it is.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from reqon.errors import ConfigError
from reqon.loader import DiskFiles
from vague.diagnostics import Diagnostic
from vague.program import FoundPrograms, find_programs
from vague.text import SourceText

SUFFIXES = (".vague", ".reqon")


def require_paths(paths: Sequence[str], commands: Iterable[str] = ()) -> None:
    """Refuse a path that does not exist; `commands` are the words that may have been meant."""
    files = DiskFiles()
    for path in paths:
        if files.kind(path) is not None:
            continue
        if os.path.lexists(path):
            raise ConfigError(
                f"'{path}' is neither a file nor a folder",
                hint=f"`ls -la {path}` shows what it is; a link must lead to a file or a folder",
            )
        raise ConfigError(f"no such path: '{path}'", hint=_what_instead(path, commands))


def _what_instead(path: str, commands: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(path, list(commands), n=1, cutoff=0.6)
    if near:
        return f"did you mean the command '{near[0]}'?"
    folder = Path(path).parent
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except (OSError, ValueError):
        return None
    similar = difflib.get_close_matches(Path(path).name, names, n=1, cutoff=0.6)
    if similar:
        return f"did you mean '{folder / similar[0]}'?"
    return "a path is a .vague or .reqon file, or a folder that holds missions"


def find(path: str) -> FoundPrograms:
    """The programs at `path`, which exists."""
    return find_programs(path, DiskFiles())


class Sources:
    """Texts of files by path, for showing lines of them; reads a file when it is first asked."""

    def __init__(self) -> None:
        self._texts: dict[str, SourceText | None] = {}

    def add(self, path: str, source: SourceText) -> None:
        """Remember a text that has been read already."""
        self._texts[path] = source

    def get(self, path: str) -> SourceText | None:
        """The text of the file; None where it cannot be read."""
        if path not in self._texts:
            self._texts[path] = _read_source(path)
        return self._texts[path]


def _read_source(path: str) -> SourceText | None:
    try:
        return SourceText.of(DiskFiles().read(path).decode("utf-8", "replace"))
    except (OSError, ValueError):
        return None


def counts(diagnostics: Iterable[Diagnostic]) -> tuple[int, int]:
    """How many errors and how many warnings."""
    severities = [diagnostic.severity.value for diagnostic in diagnostics]
    return severities.count("error"), severities.count("warning")
