"""The mission files below the workspace's folders, found in bounded time."""

from __future__ import annotations

import os
from collections.abc import Iterable

MAX_FILES = 500
MAX_FOLDERS = 5000
_ENDINGS = (".vague", ".reqon")
_SKIPPED = frozenset({"node_modules", "venv", "env", "__pycache__", "site-packages", "target"})


def source_files(folders: Iterable[str]) -> list[str]:
    """Paths of mission files, sorted by folder; hidden folders and packages are left out."""
    found: list[str] = []
    seen = 0
    for top in folders:
        for folder, inner, names in os.walk(top):
            seen += 1
            inner[:] = sorted(n for n in inner if not n.startswith(".") and n not in _SKIPPED)
            found.extend(os.path.join(folder, n) for n in sorted(names) if n.endswith(_ENDINGS))  # noqa: PTH118 - paths as text
            if seen >= MAX_FOLDERS or len(found) >= MAX_FILES:
                return found[:MAX_FILES]
    return found
