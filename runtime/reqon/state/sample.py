"""The first records of a store file, for completion and hover: what fields are really there.

Reads the beginning of the file only; one record stands on a line. Never raises for content.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from reqon.state.record import parse_object, read_capped
from reqon.state.regular import open_regular

_SAMPLE_BYTES = 64 * 1024


def sample_records(path: Path, limit: int = 20) -> list[dict[str, Any]]:
    """Up to `limit` records from the beginning of a store file, in order."""
    try:
        if not path.is_file():
            return []
        with open_regular(path) as file:
            content = file.read(_SAMPLE_BYTES)
    except (OSError, ValueError):
        return []
    records: list[dict[str, Any]] = []
    for line in content.split(b"\n")[:-1]:
        record = _record_on(line)
        if record is not None:
            records.append(record)
        if len(records) >= limit:
            break
    return records or _whole(path, limit)


def _record_on(line: bytes) -> dict[str, Any] | None:
    """The record of a line `"key": {…},`; None for a line that is none."""
    text = line.strip().removesuffix(b",")
    try:
        pair = json.loads(b"{" + text + b"}")
    except (ValueError, RecursionError):
        return None
    values = list(cast("dict[str, Any]", pair).values())
    if len(values) != 1 or not isinstance(values[0], dict):
        return None
    return cast("dict[str, Any]", values[0])


def _whole(path: Path, limit: int) -> list[dict[str, Any]]:
    """The records of a file in another layout, if it is small."""
    try:
        found = parse_object(read_capped(path, _SAMPLE_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    return [cast("dict[str, Any]", r) for r in found.values() if isinstance(r, dict)][:limit]
