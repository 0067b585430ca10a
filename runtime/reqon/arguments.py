"""Arguments of the Python interface that cannot be: refused by name, before anything is done.

A number for an execution's id would be no id at all, and the mission would begin anew. Nothing
is converted but what says the same: a time without a zone is local time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from reqon.errors import ConfigError


def check_type(name: str, value: object, *wanted: type) -> None:
    """TypeError for a value that is neither None nor of these types; a bool is no int."""
    is_right = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    if value is not None and not is_right:
        names = " or ".join(one.__name__ for one in wanted)
        raise TypeError(f"{name} must be a {names}, not {value!r}")


def check_types(wanted: type, **values: object) -> None:
    """The same for several, by their names."""
    for name, value in values.items():
        check_type(name, value, wanted)


def check_texts(**values: object) -> None:
    """The same for texts; ConfigError for an empty one, which names nothing."""
    for name, value in values.items():
        check_type(name, value, str)
        if value == "":
            raise ConfigError(f"{name} is an empty text", hint="leave it out, or say which one")


def check_choice(name: str, value: object, *choices: str) -> None:
    """ConfigError for what is none of a few words."""
    if value is not None and value not in choices:
        said = "' or '".join(choices)
        raise ConfigError(f"{name}={value!r} is no choice", hint=f"say '{said}'")


def check_path(name: str, value: object) -> None:
    """TypeError for what is no path, ConfigError for one that leads nowhere."""
    check_type(name, value, str, os.PathLike)
    if value == "" or (value is not None and "\0" in os.fspath(cast("str", value))):
        raise ConfigError(f"{name}={value!r} is no path", hint="leave it out, or say which one")


def check_source(source: object) -> None:
    """TypeError for what is neither a program nor where to find one."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"source must be a str, the text of a program, or a Path, not {source!r:.100}"
        )


def check_mapping(name: str, value: object, *wanted: type) -> None:
    """TypeError for what is no mapping of names to values of these types."""
    check_type(name, value, Mapping)
    for key, one in cast("Mapping[Any, Any]", value or {}).items():
        if not isinstance(key, str):
            raise TypeError(f"{name} maps names, which are texts, and has {key!r}")
        if not isinstance(one, wanted):  # not shown: it may be a secret
            names = " or ".join(kind.__name__ for kind in wanted)
            raise TypeError(f"{name}[{key!r}] must be a {names}, not a {type(one).__name__}")


def moment(name: str, value: object) -> datetime | None:
    """A time with its zone."""
    check_type(name, value, datetime)
    given = cast("datetime | None", value)
    return given.astimezone() if given is not None and given.tzinfo is None else given
