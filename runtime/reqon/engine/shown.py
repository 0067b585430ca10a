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
        return _text(absolute.relative_to(base))
    except ValueError:
        return _text(absolute)


def _text(path: Path) -> str:
    """The path as JSON can hold it: what is no UTF-8 in a name is lost."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - `..` goes, links are not followed
