"""What the `.gitignore` files of a folder and of those around it leave out.

Patterns as Git reads them: `*`, `?`, `[…]` and `**`, `/` at the start or in the middle for a place,
`/` at the end for folders, `!` for what is kept after all. The last one that fits decides.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = ".gitignore"
MAX_LINES = 1000
_MAX_LENGTH = 200
_ESCAPED = re.compile(r"\\(.)")
_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it matches, counted from the folder of its file."""

    segments: tuple[re.Pattern[str] | None, ...]
    keeps: bool
    folders_only: bool

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a path, by its names, is meant; cost is their number times that of segments."""
        last = len(self.segments)
        reached = self._with_skipped({0})
        for name in names:
            following: set[int] = set()
            for at in reached:
                segment = self.segments[at] if at < last else _NOTHING
                if segment is None:
                    following |= {at, last} if at == last - 1 else {at}
                elif segment.match(name):
                    following.add(at + 1)
            reached = self._with_skipped(following)
        return last in reached

    def _with_skipped(self, reached: set[int]) -> set[int]:
        """The places reached, and those behind a `**` that stands for nothing."""
        inner = range(len(self.segments) - 1)
        return reached | {at + 1 for at in reached if at in inner and self.segments[at] is None}


@dataclass(frozen=True, slots=True)
class Ignored:
    """The rules of a folder and of those around it, each with the folder that it counts from."""

    rules: tuple[tuple[str, Rule], ...] = ()

    def within(self, folder: str) -> Ignored:
        """What counts in a folder that lies in the one whose rules these are."""
        own = tuple((folder, rule) for rule in _read(folder))
        return Ignored(self.rules + own) if own else self

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether a file or folder is left out; what it lies in is not asked."""
        for folder, rule in reversed(self.rules):
            if rule.folders_only and not is_folder:
                continue
            if rule.fits(path[len(folder) :].replace(os.sep, "/").strip("/").split("/")):
                return not rule.keeps
        return False


def around(folder: str) -> Ignored:
    """The rules of the folders that a folder lies in, up to the one that holds the repository."""
    outer: list[Path] = []
    for parent in (Path(folder), *Path(folder).parents):
        if (parent / ".git").exists():
            break
        outer.append(parent.parent)
    else:
        return Ignored()
    found = Ignored()
    for parent in reversed(outer):
        found = found.within(str(parent))
    return found


def _read(folder: str) -> Iterator[Rule]:
    try:
        text = (Path(folder) / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines()[:MAX_LINES]:
        pattern = line.rstrip()
        if pattern and not pattern.startswith("#") and len(pattern) <= _MAX_LENGTH:
            yield _rule(pattern)


def _rule(pattern: str) -> Rule:
    keeps = pattern.startswith("!")
    body = pattern.removeprefix("!")
    folders_only = body.endswith("/")
    body = body.rstrip("/")
    placed = body if "/" in body else f"**/{body}"
    segments = tuple(map(_segment, placed.lstrip("/").split("/")))
    return Rule(segments, keeps, folders_only)


def _segment(pattern: str) -> re.Pattern[str] | None:
    """A name, or None for any number of folders."""
    if pattern == "**":
        return None
    return re.compile(fnmatch.translate(_ESCAPED.sub(r"[\1]", pattern)))
