"""Paths of programs as records and errors show them."""

from __future__ import annotations

import os
from pathlib import Path


def folder_around(state_dir: Path) -> Path:
    """The folder that paths in records are relative to: the state folder's parent."""
    return _absolute(state_dir).parent


def shown_path(path: str, base: Path) -> str | None:
    """Relative to `base` where it lies below it, else absolute; None for program text."""
    if path.startswith("<"):
        return None
    absolute = _absolute(path)
    try:
        return absolute.relative_to(base).as_posix()
    except ValueError:
        return absolute.as_posix()


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - `..` goes, links are not followed
