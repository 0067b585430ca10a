"""The mission files below the workspace's folders, found in bounded time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from reqon_lsp.ignored import FILE, around

MAX_FILES = 500
MAX_FOLDERS = 5000
_ENDINGS = (".vague", ".reqon")
_SKIPPED = frozenset({"node_modules", "venv", "env", "__pycache__", "site-packages", "target"})


def source_files(folders: Iterable[str]) -> list[str]:
    """Paths of mission files, sorted by folder.

    Hidden folders, packages, virtual environments and what Git ignores are left out.
    """
    found: list[str] = []
    seen = 0
    for top in folders:
        for folder, names in _folders(top):
            seen += 1
            found.extend(os.path.join(folder, name) for name in names if name.endswith(_ENDINGS))  # noqa: PTH118 - paths as text
            if seen >= MAX_FOLDERS or len(found) >= MAX_FILES:
                return found[:MAX_FILES]
    return found


def _folders(top: str) -> Iterator[tuple[str, list[str]]]:
    """The folders that are searched, each with the names of its files that count."""
    rules = {top: around(top)}
    for folder, inner, names in os.walk(top):
        if "pyvenv.cfg" in names:
            inner.clear()
            continue
        ignored = rules.pop(folder)
        if FILE in names:
            ignored = ignored.within(folder)
        inner[:] = [
            name
            for name in sorted(inner)
            if not name.startswith(".")
            and name not in _SKIPPED
            and not ignored.leaves_out(os.path.join(folder, name), is_folder=True)  # noqa: PTH118
        ]
        rules |= {os.path.join(folder, name): ignored for name in inner}  # noqa: PTH118
        yield (
            folder,
            [
                name
                for name in sorted(names)
                if not ignored.leaves_out(os.path.join(folder, name), is_folder=False)  # noqa: PTH118
            ],
        )
