"""Execution records in words: where a run stands, what it stored, how long it took.

Pure functions over records as the reader gives them (plain JSON values, brought up to date). A
record may come from another version or be damaged, so nothing is taken for granted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from reqon.cli import wording

Record = Mapping[str, Any]


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing for anything else."""
    if not isinstance(value, list):
        return []
    entries = [mapping(entry) for entry in cast("list[object]", value)]
    return [entry for entry in entries if entry]


def texts(value: object) -> list[str]:
    """The texts of a list; nothing for anything else."""
    if not isinstance(value, list):
        return []
    return [entry for entry in cast("list[object]", value) if isinstance(entry, str)]


def text(value: object, default: str = "-") -> str:
    """The value as text; the default for null."""
    return default if value is None else str(value)


def whole(value: object) -> int | None:
    """The value if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(value: object) -> datetime | None:
    """The value if it is a time."""
    return wording.parse_instant(value) if isinstance(value, str) else None


def elapsed_ms(record: Record, now: datetime) -> float | None:
    """How long the execution took, or has taken until now; None if not known."""
    recorded = whole(record.get("durationMs"))
    if recorded is not None:
        return recorded
    start = instant(record.get("startedAt"))
    if start is None:
        return None
    ends = [record.get(name) for name in ("completedAt", "heartbeatAt")]
    end = now if record.get("status") == "running" else next(filter(None, map(instant, ends)), None)
    return None if end is None else (end - start) / timedelta(milliseconds=1)


def elapsed(record: Record, now: datetime) -> str:
    """`2m 30s`; `-` if not known."""
    milliseconds = elapsed_ms(record, now)
    return "-" if milliseconds is None else wording.duration(milliseconds)


def place(record: Record) -> str:
    """Where a run stands or stopped: `TransformCustomers, item 523 (cust_524)`; else nothing.

    Items count from 0, as the record's `index` does.
    """
    active = mapping(record.get("activeStep"))
    action = active.get("action")
    if not isinstance(action, str):
        return ""
    parts = [action]
    index = whole(active.get("index"))
    checkpoint = mapping(mapping(record.get("checkpoints")).get(action))
    page = whole(checkpoint.get("page"))
    if index is not None and (index or mapping(active.get("item")) or page is None):
        parts.append(f"item {index:,}{_of_total(record)}{_item(active)}")
    elif page is not None:
        parts.append(f"after page {page:,}")
    return ", ".join(parts)


def _of_total(record: Record) -> str:
    progress = mapping(record.get("progress"))
    total = whole(progress.get("total"))
    action = mapping(record.get("activeStep")).get("action")
    if total is None or progress.get("action", action) != action:
        return ""
    return f" of {total:,}"


def _item(active: Mapping[str, Any]) -> str:
    item = mapping(active.get("item"))
    if not item:
        return ""
    shown = ", ".join(
        text(value) if name in ("id", "key", "code", "uuid") else f"{name} {text(value)}"
        for name, value in item.items()
    )
    return f" ({wording.shortened(wording.one_line(shown), 60)})"


def items(record: Record) -> int | None:
    """How many items the execution processed, in all its actions; None if not known."""
    checkpoints = [mapping(one) for one in mapping(record.get("checkpoints")).values()]
    counts = [n for one in checkpoints if (n := whole(one.get("itemsProcessed"))) is not None]
    return sum(counts) if counts else whole(mapping(record.get("progress")).get("current"))


def store_lines(record: Record) -> list[tuple[str, str]]:
    """Name and counts of each store: `1,523 records: 42 added, 18 updated`."""
    return [
        (name, store_counts(mapping(counts)))
        for name, counts in mapping(record.get("stores")).items()
    ]


def store_counts(counts: Mapping[str, Any]) -> str:
    """`1,523 records: 42 added, 18 updated, 1,463 unchanged`."""
    total = whole(counts.get("count"))
    parts = [
        f"{number:,} {word}"
        for word in ("added", "updated", "unchanged")
        if (number := whole(counts.get(word))) is not None and (number or word != "unchanged")
    ]
    head = "" if total is None else wording.counted(total, "record") + ": "
    return head + ", ".join(parts)


def checkpoint_lines(record: Record) -> list[tuple[str, str]]:
    """Name and progress of each action checkpoint: `page 15, 1,500 items`."""
    lines: list[tuple[str, str]] = []
    for action, value in mapping(record.get("checkpoints")).items():
        checkpoint = mapping(value)
        page = whole(checkpoint.get("page"))
        done = whole(checkpoint.get("itemsProcessed"))
        parts = [f"page {page:,}"] if page is not None else []
        parts += [wording.counted(done, "item")] if done is not None else []
        lines.append((action, ", ".join(parts) or "-"))
    return lines


def headline(record: Record) -> str:
    """The most telling fact: what was stored, or where and why it stopped."""
    status = record.get("status")
    if status == "failed":
        errors = objects(record.get("errors"))
        return wording.one_line(text(errors[-1].get("message"), "")) if errors else place(record)
    if status == "completed":
        return "; ".join(
            f"{name} +{whole(counts.get('added')) or 0:,} ~{whole(counts.get('updated')) or 0:,}"
            for name, counts in ((n, mapping(c)) for n, c in mapping(record.get("stores")).items())
        )
    return place(record)


def last_errors(record: Record) -> list[Mapping[str, Any]]:
    """The errors of the last attempt that had any, the last three of them."""
    errors = objects(record.get("errors"))
    if not errors:
        return []
    attempt = errors[-1].get("attempt")
    return [error for error in errors if error.get("attempt") == attempt][-3:]


def warning_line(record: Record) -> str:
    """`3 failed assumptions, 1 other`; empty if there was none."""
    warnings = mapping(record.get("warnings"))
    assumed, other = whole(warnings.get("assume")) or 0, whole(warnings.get("other")) or 0
    parts = [wording.counted(assumed, "failed assumption")] if assumed else []
    parts += [wording.counted(other, "warning")] if other else []
    return ", ".join(parts)


def is_resumable(record: Record) -> bool:
    """Whether `--resume` would take it up."""
    return record.get("status") in ("interrupted", "failed")


def resume_command(record: Record, path: str | None, extra: Sequence[str] = ()) -> str:
    """The command line that resumes the execution."""
    program = path or mapping(record.get("program")).get("path") or "PATH"
    return " ".join(["reqon", shlex.quote(str(program)), "--resume", *map(shlex.quote, extra)])
