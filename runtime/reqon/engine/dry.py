"""The state folder of a dry run: a copy of the stores and sync times, thrown away afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reqon.state.paths import StatePaths
from reqon.stores.base import StoreSpec
from reqon.stores.file import store_file
from reqon.stores.registry import file_store_folder

SYNC_FILE = "sync-checkpoints.json"


@contextmanager
def dry_state(
    state_dir: Path, stores: Mapping[str, StoreSpec]
) -> Generator[tuple[Path, dict[str, StoreSpec]]]:
    """A temporary folder that looks like `state_dir` to a run, and the stores as they lie there.

    Nothing of it stays, and nothing else is written.
    """
    with tempfile.TemporaryDirectory(prefix="reqon-dry-") as folder:
        copy = Path(folder) / state_dir.name
        copy.mkdir(mode=0o700)
        if (state_dir / SYNC_FILE).is_file():
            shutil.copy2(state_dir / SYNC_FILE, copy / SYNC_FILE)
        yield copy, {name: _copied(spec, state_dir, copy) for name, spec in stores.items()}


def _copied(spec: StoreSpec, state_dir: Path, copy: Path) -> StoreSpec:
    if spec.adapter != "file":
        return spec
    source = store_file(file_store_folder(spec, StatePaths(state_dir)), spec.identifier)
    target = store_file(StatePaths(copy).stores, spec.identifier)
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    options = {name: value for name, value in spec.options.items() if name != "dir"}
    return replace(spec, options=options)
