"""The only place that prints.

Text for people goes to standard error while something runs and to standard output when it is the
result. Colours appear on a terminal only, unless `NO_COLOR` or `FORCE_COLOR` says otherwise.
Nothing here knows what a run or a record is; what is printed ends here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import click

from reqon.cli import wording
from reqon.errors import ReqonError

_NARROWEST, _WIDEST, _UNBOUNDED = 40, 120, 10_000


def show(text: str = "") -> None:
    """Print a line of the result, to standard output."""
    _print(text, sys.stdout)


def say(text: str = "") -> None:
    """Print a line for people, to standard error."""
    _print(text, sys.stderr)


def show_json(value: object) -> None:
    """Print `value` as indented JSON to standard output."""
    show(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_json_line(value: Mapping[str, Any]) -> None:
    """Print `value` as JSON on one line to standard output, at once."""
    show(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))


def show_lines(lines: Iterable[str]) -> None:
    """Print lines of the result."""
    for line in lines:
        show(line)


def show_raw(data: bytes) -> None:
    """Write bytes to standard output as they are."""
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(data.decode("utf-8", "replace"))
    else:
        sys.stdout.flush()
        try:
            stream.write(data)
            stream.flush()
        except BrokenPipeError:
            _discard(sys.stdout)


def say_error(error: ReqonError) -> None:
    """Say what went wrong and what to do next."""
    say_problem("error", error.message, error.hint)


def say_warning(message: str, hint: str | None = None) -> None:
    """Say what should be known although it stops nothing."""
    say_problem("warning", message, hint)


def say_problem(severity: str, message: str, hint: str | None = None) -> None:
    """`severity: message`, wrapped to the terminal, and a `help:` line below it."""
    columns = width(sys.stderr)
    head = f"{severity}: "
    for number, part in enumerate(_wrapped(message, columns - len(head))):
        say((paint(head, severity) if number == 0 else " " * len(head)) + part)
    if hint:
        say_help(hint)


def say_help(hint: str) -> None:
    """What to do next, wrapped to the terminal."""
    for number, part in enumerate(_wrapped(hint, width(sys.stderr) - 8)):
        if part:
            say(f"  {paint('help:', 'help') if number == 0 else '     '} {part}")


def _wrapped(text: str, columns: int) -> list[str]:
    return [
        part for line in text.splitlines() or [""] for part in wording.wrap(line.rstrip(), columns)
    ]


_STYLES: Mapping[str, Mapping[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "info": {"fg": "cyan", "bold": True},
    "hint": {"fg": "cyan"},
    "help": {"fg": "green", "bold": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "busy": {"fg": "cyan"},
    "halt": {"fg": "yellow"},
    "faint": {"dim": True},
    "strong": {"bold": True},
    "title": {"bold": True, "fg": "cyan"},
}
STATUS_STYLES: Mapping[str, str] = {
    "completed": "good",
    "failed": "bad",
    "interrupted": "halt",
    "running": "busy",
    "corrupt": "bad",
}


def paint(text: str, style: str) -> str:
    """`text` in one of the named styles; printing takes the colours out where none belong."""
    return click.style(text, **_STYLES[style])


def paint_status(status: str, text: str | None = None) -> str:
    """An execution's status in its colour."""
    return paint(text or status, STATUS_STYLES.get(status, "strong"))


def paint_table(groups: Sequence[Sequence[str]], statuses: Sequence[str]) -> list[str]:
    """The lines of a table whose first group is the heads, each row's status in its colour."""
    lines = [paint(line, "faint") for line in groups[0]]
    for group, status in zip(groups[1:], statuses, strict=True):
        row = "\n".join(group)
        lines += row.replace(f" {status} ", f" {paint_status(status)} ", 1).split("\n")
    return lines


def width(stream: IO[str] | None = None) -> int:
    """Columns to fit text into: the terminal's within sensible bounds.

    Where there is no terminal, lines stay whole, so that they can be searched.
    """
    if not _is_terminal(stream or sys.stdout) and "COLUMNS" not in os.environ:
        return _UNBOUNDED
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))


def has_colors(stream: IO[str]) -> bool:
    """Whether colours belong on `stream`."""
    if os.environ.get("NO_COLOR"):
        return False
    force = os.environ.get("FORCE_COLOR", "")
    if force:
        return force not in ("0", "false")
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_interactive() -> bool:
    """Whether a person can be asked: standard input and standard error are terminals."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def is_watched() -> bool:
    """Whether progress drawn on standard error is seen live."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


def confirm(question: str) -> bool:
    """Ask on the terminal; no by default."""
    return click.confirm(question, default=False, err=True)


def clear_screen() -> None:
    """Start at the top of an empty terminal; nothing where there is none."""
    if _is_terminal(sys.stdout):
        sys.stdout.write("\x1b[H\x1b[2J")
        sys.stdout.flush()


def show_cursor() -> None:
    """Make the cursor visible again, which a killed process may have hidden."""
    if _is_terminal(sys.stderr):
        sys.stderr.write("\x1b[?25h")
        sys.stderr.flush()


def prepare() -> None:
    """Make sure that no character of a message can break the output, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed already
        return False


def _print(text: str, stream: IO[str]) -> None:
    try:
        click.echo(text, file=stream, color=has_colors(stream))
    except BrokenPipeError:
        _discard(stream)


def _discard(stream: IO[str]) -> None:
    """Nobody reads any more (`… | head`): what is printed from now on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
