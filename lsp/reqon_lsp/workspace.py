"""The mission files below the workspace's folders, found in bounded time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MAX_FILES = 500
MAX_FOLDERS = 5000
MAX_LINES = 1000
_ENDINGS = (".vague", ".reqon")
_SKIPPED = frozenset({"node_modules", "venv", "env", "__pycache__", "site-packages", "target"})


def source_files(folders: Iterable[str]) -> list[str]:
    """Paths of mission files, sorted by folder.

    Hidden folders, packages, virtual environments and what a `.gitignore` names as a folder are
    left out.
    """
    found: list[str] = []
    seen = 0
    for top in folders:
        for folder, inner, names in os.walk(top):
            seen += 1
            ignored = _ignored(folder) if ".gitignore" in names else _SKIPPED
            inner[:] = sorted(n for n in inner if not n.startswith(".") and n not in ignored)
            if "pyvenv.cfg" in names:
                inner.clear()
            found.extend(os.path.join(folder, n) for n in sorted(names) if n.endswith(_ENDINGS))  # noqa: PTH118 - paths as text
            if seen >= MAX_FOLDERS or len(found) >= MAX_FILES:
                return found[:MAX_FILES]
    return found


def _ignored(folder: str) -> frozenset[str]:
    """Names of the folders beside a `.gitignore` that it leaves out whole; wildcards are not read.

    Only to save work: a folder that is searched for nothing does no harm.
    """
    try:
        lines = (Path(folder) / ".gitignore").read_text(encoding="utf-8").splitlines()[:MAX_LINES]
    except (OSError, UnicodeDecodeError):
        return _SKIPPED
    named = {line.strip().strip("/") for line in lines if not line.startswith(("#", "!"))}
    kept = {line[1:].strip().strip("/") for line in lines if line.startswith("!")}
    return _SKIPPED | (named - kept)
