"""What is added to the language: names and help, for the checker; `extensions` adds what runs.

It stands apart so that checking a program imports nothing that would run one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from reqon.errors import ConfigError
from vague.vocabulary import DEFAULT, Kind, Vocabulary
from vague.vocabulary.functions import FunctionSpec

GROUP = "reqon.extensions"
"""The group of entry points that is looked through."""

functions: dict[str, FunctionSpec] = {}
kinds: dict[str, dict[str, Kind]] = {
    "custom_steps": {},
    "auth_kinds": {},
    "paginators": {},
    "store_adapters": {},
}
_loaded: set[str] = set()


def vocabulary() -> Vocabulary:
    """The language with everything that is registered."""
    rows: Mapping[str, Any] = {family: added.values() for family, added in kinds.items()}
    return DEFAULT.with_(functions=functions.values(), **rows)


def load_extensions() -> None:
    """Call the entry points of installed packages, each once.

    Raises ConfigError for one that cannot be loaded or fails.
    """
    for point in metadata.entry_points(group=GROUP):
        if point.value in _loaded:
            continue
        try:
            point.load()()
        except Exception as error:
            package = point.dist.name if point.dist is not None else point.module
            reason = str(error) or type(error).__name__
            raise ConfigError(
                f"the extension '{point.name}' of '{package}' cannot be loaded: {reason}",
                hint=f"mend or uninstall the package '{package}'",
            ) from error
        _loaded.add(point.value)
