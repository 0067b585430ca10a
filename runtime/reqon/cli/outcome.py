"""The result of a run in words: counts on success, the place and the reason on failure.

Results go to standard output; what to do next after a failure goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from reqon.cli import console, excerpt, records, wording
from reqon.cli.programs import Sources
from reqon.clock import SystemClock
from vague.text import Location

_ENDINGS: Mapping[str, str] = {
    "completed": "completed in",
    "failed": "failed after",
    "interrupted": "interrupted after",
}


def show_outcome(record: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """What a finished execution did: status, stores, warnings."""
    status = records.text(record.get("status"))
    if dry_run:
        _show_dry_run(record, status)
        return
    milliseconds = records.elapsed_ms(record, SystemClock().now())
    words = status if milliseconds is None else _ENDINGS.get(status, status)
    parts = [
        console.paint(records.text(record.get("mission")), "strong"),
        console.paint_status(status, words),
        "" if milliseconds is None else wording.duration(milliseconds),
    ]
    if record.get("executionId"):
        parts.append(console.paint(f"({record['executionId']})", "faint"))
    console.show(" ".join(filter(None, parts)))
    lines = list(records.store_lines(record))
    warnings = records.warning_line(record)
    if warnings:
        lines.append(("warnings", warnings))
    console.show_lines(wording.fields(lines, console.width(sys.stdout)))


def _show_dry_run(record: Mapping[str, Any], status: str) -> None:
    """That nothing happened, and what would have become of the stores without any replies."""
    console.show(
        f"{console.paint(records.text(record.get('mission')), 'strong')}: a dry run"
        f"{'' if status == 'completed' else f' that {status}'}, nothing was sent or written"
    )
    changes = [(name, _would_change(value)) for name, value in _stores(record)]
    console.show_lines(wording.fields([c for c in changes if c[1]], console.width(sys.stdout)))


def _stores(record: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    stores = records.mapping(record.get("stores"))
    return [(name, records.mapping(counts)) for name, counts in stores.items()]


def _would_change(counts: Mapping[str, Any]) -> str:
    parts = [
        f"{number:,} {word}"
        for word in ("added", "updated")
        if (number := records.whole(counts.get(word)))
    ]
    return f"{', '.join(parts)}, as far as can be foreseen" if parts else ""


def say_errors(record: Mapping[str, Any], sources: Sources) -> None:
    """The errors of an execution: each with its reason and the line of the program."""
    for error in records.last_errors(record):
        say_run_error(error, sources)


def say_run_error(error: Mapping[str, Any], sources: Sources) -> None:
    """One error as records hold it."""
    kind = records.text(error.get("kind"), "error")
    message = records.text(error.get("message"), kind)
    console.say_problem("error", message if kind in message else f"{kind}: {message}")
    console.say(f"  {console.paint('at', 'faint')} {_place(error)}")
    line, column = records.whole(error.get("line")), records.whole(error.get("column"))
    file = error.get("file")
    source = sources.get(file) if isinstance(file, str) else None
    if source is not None and line is not None and line <= len(source.line_starts):
        start = source.offset(Location(line, column or 1))
        span = excerpt.head_span(source, start, records.text(error.get("step"), ""))
        for text in excerpt.marked_line(
            source, span, console.width(sys.stderr), console.paint, "error"
        ):
            console.say(text)
    hint = error.get("hint")
    if isinstance(hint, str):
        console.say_help(hint)


def _place(error: Mapping[str, Any]) -> str:
    parts = [records.text(error[name]) for name in ("action", "step") if error.get(name)]
    index = records.whole(error.get("index"))
    if index is not None:
        parts.append(f"item {index:,}")
    where = ":".join(
        records.text(error[name]) for name in ("file", "line", "column") if error.get(name)
    )
    return f"{where} in {', '.join(parts)}" if where else ", ".join(parts) or "the mission"


def say_how_to_resume(record: Mapping[str, Any], path: str, extra: Sequence[str]) -> None:
    """The command that goes on with an execution that did not complete."""
    if records.is_resumable(record):
        console.say(f"resume with: {records.resume_command(record, path, extra)}")
