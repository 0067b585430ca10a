"""From an adapter's name to the store that it makes.

One explicit table; a plug-in adds to it with `register_adapter`. Opening and locking stores is
the session's work, in `journal/`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from reqon.errors import ConfigError
from reqon.state.paths import StatePaths
from reqon.stores.base import Store, StoreSpec
from reqon.stores.file import FileStore
from reqon.stores.memory import MemoryStore

Factory: TypeAlias = Callable[[StoreSpec, StatePaths], Store]


def _memory(spec: StoreSpec, paths: StatePaths) -> Store:
    del paths
    return MemoryStore(spec)


def _file(spec: StoreSpec, paths: StatePaths) -> Store:
    return FileStore(spec, file_store_folder(spec, paths))


STORES: dict[str, Factory] = {"memory": _memory, "file": _file}


def register_adapter(name: str, factory: Factory) -> None:
    """Make `name` an adapter; an existing one is replaced."""
    STORES[name] = factory


def make_store(spec: StoreSpec, paths: StatePaths) -> Store:
    """A store for a spec, nothing read yet.

    Raises ConfigError for an adapter that is not there, for bad identifiers and options.
    """
    factory = STORES.get(spec.adapter)
    if factory is None:
        known = ", ".join(sorted(STORES))
        raise ConfigError(
            f"the store adapter '{spec.adapter}' is not available",
            hint=f"available: {known}",
        )
    return factory(spec, paths)


def file_store_folder(spec: StoreSpec, paths: StatePaths) -> Path:
    """Folder of a file store: the option `dir`, relative to the state folder's parent."""
    folder: Any = spec.options.get("dir")
    if folder is None:
        return paths.stores
    if not isinstance(folder, str) or not folder or "\0" in folder:
        raise ConfigError(f"the option 'dir' of the store '{spec.identifier}' must be a path")
    return paths.root.absolute().parent / Path(folder).expanduser()
