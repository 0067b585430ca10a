"""Path strings with placeholders: `/customers/{customer.id}`.

A path is cut into parts once, when a step is bound; the engine finds the value of each
placeholder, and `fill_path` writes them. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote

from reqon.errors import RunError
from reqon.values.duration import Duration
from reqon.values.show import described
from reqon.values.text import text_of

_PIECE = re.compile(
    r"\{\{|\}\}|\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*)\s*\}"
)
_ENVIRONMENT_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{a.b}`: the value of a dotted name path; `names` are its parts."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """As in messages: `a.b`."""
        return ".".join(self.names)

    @property
    def environment_name(self) -> str | None:
        """The variable of the environment that it may mean: a single all-capitals name."""
        name = self.names[0]
        capital = len(self.names) == 1 and _ENVIRONMENT_NAME.fullmatch(name)
        return name if capital and name.strip("_") else None


PathParts: TypeAlias = tuple[str | Placeholder, ...]


def path_parts(template: str) -> PathParts:
    """Texts and placeholders in turn as they are written; empty texts are left out.

    Braces around anything but a name path are text.
    """
    parts: list[str | Placeholder] = []
    text, end = "", 0
    for piece in _PIECE.finditer(template):
        text += template[end : piece.start()]
        end = piece.end()
        name = piece["name"]
        if name is None:
            text += piece[0][0]
            continue
        parts += [text, Placeholder(tuple(part.strip() for part in name.split(".")))]
        text = ""
    return tuple(part for part in (*parts, text + template[end:]) if part != "")


def fill_path(parts: PathParts, values: Sequence[Any]) -> str:
    """The path with the placeholders' values, one for each in order.

    Values are percent-encoded, `/` included, unless the placeholder is the whole path. Raises
    RunError `path` for null, for what has no text, and where a value would climb in the path.
    """
    remaining = iter(values)
    whole = len(parts) == 1
    written: list[str] = []
    for part in parts:
        if isinstance(part, str):
            written.append(part)
            continue
        text = _text(part, next(remaining))
        written.append(text if whole else quote(text, safe="", errors="replace"))
    path = "".join(written)
    if not whole and values:
        _refuse_dots(path, parts)
    return path


def _text(placeholder: Placeholder, value: Any) -> str:
    if value is None:
        raise RunError(
            "path",
            f"the path has no value for '{{{placeholder.text}}}': it is null",
            hint=f"check where '{placeholder.text}' comes from, or leave such items out "
            "with 'where'",
        )
    if isinstance(value, str | bool | int | float | datetime | Duration):
        return text_of(value)
    raise RunError(
        "path",
        f"'{{{placeholder.text}}}' in the path is {described(value)}, which cannot stand there",
        hint=f"name the field that is meant, such as '{{{placeholder.text}.id}}'",
    )


def _refuse_dots(path: str, parts: PathParts) -> None:
    """Values of `.` and `..` would silently address something else."""
    own = "".join(part for part in parts if isinstance(part, str)).partition("?")[0].split("/")
    segments = path.partition("?")[0].split("/")
    for dots in (".", ".."):
        if segments.count(dots) > own.count(dots):
            raise RunError("path", f"a value '{dots}' in the path '{path}' would leave its place")
