"""What installed packages add to the language: asked of a process of its own, once.

Packages bring code, and the server loads none of it: `python -m reqon.added_words` tells names and
help as JSON. Where no package adds anything, nothing is started.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any, cast

from vague.vocabulary import DEFAULT, Kind, Vocabulary
from vague.vocabulary.functions import FunctionGroup, FunctionSpec, function

logger = logging.getLogger(__name__)

GROUPS = ("reqon.extensions", "reqon.state_stores")
"""The groups of entry points by which packages say that they add something."""

_SECONDS = 20.0
# Without `-P` a module of the folder that the editor was started in could take a library's place.
_COMMAND = (sys.executable, "-P", "-m", "reqon.added_words")
_FAMILIES = ("store_adapters", "auth_kinds", "paginators", "state_stores", "custom_steps")


def are_installed() -> bool:
    """Whether a package adds something."""
    return any(entry_points(group=group) for group in GROUPS)


async def extended_vocabulary() -> Vocabulary:
    """The language with what packages add; as it is where they cannot be asked."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, problem = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        process.kill()
        logger.warning("installed extensions did not answer within %d seconds", _SECONDS)
        return DEFAULT
    if process.returncode:
        logger.warning("installed extensions are not known: %s", problem.decode(errors="replace"))
        return DEFAULT
    return with_words(told)


def with_words(told: bytes) -> Vocabulary:
    """The language with the rows that were told; rows that cannot be read are left out."""
    try:
        found: Any = json.loads(told)
    except ValueError:
        return DEFAULT
    rows: Mapping[str, Any] = {
        family: list(map(_kind, _rows(found, family))) for family in _FAMILIES
    }
    return DEFAULT.with_(functions=_functions(_rows(found, "functions")), **rows)


def _rows(found: Any, family: str) -> list[Mapping[str, Any]]:
    rows: Any = cast("Mapping[str, Any]", found).get(family) if isinstance(found, dict) else None
    every = cast("list[Any]", rows) if isinstance(rows, list) else []
    return [row for row in every if isinstance(row, dict)]


def _functions(rows: Iterable[Mapping[str, Any]]) -> list[FunctionSpec]:
    found: list[FunctionSpec] = []
    for row in rows:
        try:
            texts = [str(row.get(name, "")) for name in ("signature", "returns", "help")]
            found.append(function(texts[0], texts[1], FunctionGroup.CONVERSION, texts[2], ""))
        except ValueError:
            continue
    return found


def _kind(row: Mapping[str, Any]) -> Kind:
    parameters: Any = row.get("parameters")
    names = cast("list[Any]", parameters) if isinstance(parameters, list) else []
    return Kind(str(row.get("name")), str(row.get("help", "")), parameters=tuple(map(str, names)))
