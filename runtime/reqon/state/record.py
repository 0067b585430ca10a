"""Reading a record: from any bytes to a clean JSON object, or to why it is none.

Fields that are known and have another type than they should are left out; unknown fields are
kept, so that a newer version's record survives an older reader. Never raises for content.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

from reqon.state.regular import open_regular

READ_CAP_BYTES = 64 * 1024 * 1024
SCHEMA_VERSION = 1
_LONGEST_MS = 10**14
STATUSES = ("running", "completed", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that holds no record, and why; `path` as it was looked for."""

    path: Path
    reason: str


def read_capped(path: Path, cap: int = READ_CAP_BYTES) -> bytes:
    """The content of a regular file of at most `cap` bytes.

    Raises OSError, and ValueError for what is larger.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > cap:
            raise ValueError(f"it is larger than {cap // (1024 * 1024)} MiB")
        return file.read(size)


def read_json_object(path: Path) -> dict[str, Any] | Unreadable:
    """The JSON object in a file; NaN, lone surrogates and excessive depth are no JSON here."""
    try:
        return parse_object(read_capped(path))
    except OSError as error:
        return Unreadable(path, (error.strerror or str(error)).lower())
    except (ValueError, RecursionError, MemoryError) as error:
        return Unreadable(path, _reason(error))


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object in these bytes; raises ValueError or RecursionError."""
    if not content:
        raise ValueError("it is empty")
    value = as_object(_decoder.decode(content.decode("utf-8")))
    if value is None:
        raise ValueError("it holds no JSON object")
    if b"\\ud" in content or b"\\uD" in content:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON (line {error.lineno}, column {error.colno})"
    return str(error) or type(error).__name__


def read_record(path: Path) -> dict[str, Any] | Unreadable:
    """The record in a file, cleaned; `Unreadable` where a required field is missing or wrong."""
    found = _checked(path)
    return found if isinstance(found, Unreadable) else cleaned(found)


def check_record(path: Path) -> Unreadable | None:
    """Why the file holds no record, None where it holds one; half the work of reading it."""
    found = _checked(path)
    return found if isinstance(found, Unreadable) else None


def _checked(path: Path) -> dict[str, Any] | Unreadable:
    found = read_json_object(path)
    if isinstance(found, Unreadable):
        return found
    problem = problem_of(found)
    return found if problem is None else Unreadable(path, problem)


def problem_of(record: Mapping[str, Any]) -> str | None:
    """Why an object is no record; None where it is one."""
    for name in ("executionId", "mission", "startedAt"):
        if not isinstance(record.get(name), str) or not record[name]:
            return f"the field '{name}' is missing"
    if instant(record["startedAt"]) is None:
        return "the field 'startedAt' is no time"
    if record.get("status") not in STATUSES:
        return "the field 'status' is none of " + ", ".join(STATUSES)
    return None


def instant(value: Any) -> datetime | None:
    """The UTC instant of an ISO 8601 text; without an offset it counts as UTC. Else None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def cleaned(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without the known fields that have a wrong type."""
    result = {k: v for k, v in record.items() if k not in _SHAPES or _SHAPES[k](v)}
    result.setdefault("actionsRun", [])
    result.setdefault("errors", [])
    result.setdefault("stores", {})
    return result


def as_object(value: Any) -> dict[str, Any] | None:
    """The value where it is a JSON object, else None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def count(value: Any) -> bool:
    """Whether the value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def number(value: Any) -> bool:
    """Whether the value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def text(value: Any) -> bool:
    """Whether the value is a text."""
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType]


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)  # pyright: ignore[reportUnknownVariableType]


def _object_of_objects(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())  # pyright: ignore[reportUnknownVariableType]


def _time(value: Any) -> bool:
    return instant(value) is not None


def _counts(value: Any) -> bool:
    return _object_of_objects(value) and all(
        count(counts.get(name, 0))
        for counts in value.values()
        for name in ("count", "added", "updated", "unchanged")
    )


def _step(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("action"), str)  # pyright: ignore[reportUnknownMemberType]
        and (value.get("index") is None or count(value.get("index")))  # pyright: ignore[reportUnknownMemberType]
        and isinstance(value.get("item", {}), dict)  # pyright: ignore[reportUnknownMemberType]
    )


def _duration(value: Any) -> bool:
    """Milliseconds, of less than some ten thousand years."""
    return number(value) and 0 <= value < _LONGEST_MS


def _progress(value: Any) -> bool:
    if not isinstance(value, dict) or not count(value.get("current")):  # pyright: ignore[reportUnknownMemberType]
        return False
    if not isinstance(value.get("action", ""), str):  # pyright: ignore[reportUnknownMemberType]
        return False
    return value.get("total") is None or count(value.get("total"))  # pyright: ignore[reportUnknownMemberType]


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "completedAt": _time,
    "actionsRun": _texts,
    "activeStep": _step,
    "errors": _objects,
    "stores": _counts,
    "storeFiles": _texts,
    "schemaVersion": count,
    "seq": count,
    "checkpoints": _object_of_objects,
    "pipeline": _objects,
    "program": _object,
    "retryOf": text,
    "frozen": _object,
    "pendingSync": _object,
    "synced": _object_of_objects,
    "unknownEffects": _objects,
    "attempts": _objects,
    "owner": _object,
    "heartbeatAt": _time,
    "interruptedBy": text,
    "durationMs": _duration,
    "progress": _progress,
    "trigger": text,
    "durability": text,
    "alertedAt": _time,
    "warnings": _object,
}
