"""The state folder of a dry run: a copy of the stores and sync times, thrown away afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SYNC_FILE = "sync-checkpoints.json"


@contextmanager
def dry_state(state_dir: Path) -> Generator[Path]:
    """A temporary folder that looks like `state_dir` to a run; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="reqon-dry-") as folder:
        copy = Path(folder) / state_dir.name
        copy.mkdir(mode=0o700)
        if (state_dir / "stores").is_dir():
            shutil.copytree(state_dir / "stores", copy / "stores")
        if (state_dir / SYNC_FILE).is_file():
            shutil.copy2(state_dir / SYNC_FILE, copy / SYNC_FILE)
        yield copy
