"""`--output`: the stores of a run as JSON for other programs.

A folder gets one `<store>.json` for each store, a list of records (and `<store>.csv` for a store of
that format); a path that ends in `.json` becomes one object from store name to such a list.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reqon.cli.files import replace_file
from reqon.errors import ConfigError
from reqon.stores.base import Store


class Output:
    """Collects the stores of missions and writes them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_file = path.suffix.lower() == ".json" and not path.is_dir()
        self._stores: dict[str, list[dict[str, Any]]] = {}

    def prepare(self) -> None:
        """Make sure, before anything runs, that the path can be written; else ConfigError."""
        folder = self._path.parent if self._is_file else self._path
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error
        if not os.access(folder, os.W_OK):
            raise self._unwritable("permission denied")

    def write(self, stores: Mapping[str, Store]) -> None:
        """Write these stores, and again those of earlier missions where all go into one file."""
        records = {name: store.list() for name, store in stores.items()}
        try:
            if self._is_file:
                self._stores.update(records)
                replace_file(self._path, _json(self._stores))
                return
            for name, store in stores.items():
                replace_file(self._path / f"{name}.json", _json(records[name]))
                table = _table_of(store)
                if table is not None:
                    replace_file(self._path / f"{name}.csv", table)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _unwritable(self, reason: str) -> ConfigError:
        return ConfigError(
            f"cannot write to '{self._path}': {reason.lower()}",
            hint="--output takes a folder, or a path that ends in .json",
        )


def _table_of(store: Store) -> bytes | None:
    """The CSV that a file store of that format keeps beside its JSON."""
    if store.location is None or not getattr(store, "csv", False):
        return None
    table = store.location.with_suffix(".csv")
    return table.read_bytes() if table.exists() else None


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
