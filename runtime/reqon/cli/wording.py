"""How the command line words numbers, times, sizes and tables.

Pure functions from values to text; nothing here prints. Instants are stored in UTC and shown in
local time with their offset; counts have thousands separators; durations read `2m 30s`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from reqon.sinks.sentences import duration

__all__ = ["duration"]  # the one wording of durations, which events use as well

_SHORT_UNITS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_LONG_UNITS = {
    "millisecond": "ms",
    "second": "s",
    "sec": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_BYTES_PER_STEP = 1024
_OFFSET = re.compile(r":\d\d ([+-]\d\d:\d\d)$")
_TO_THE_MINUTE = len("2031-05-06 09:08")
_NOTE_INDENT = "    "


def parse_duration(text: str) -> int | None:
    """Milliseconds of `30d`, `12h`, `2w`, `90s`, `7 days`, `1h 30m`; None if unreadable."""
    total, position = 0.0, 0
    while position < len(text):
        match = _DURATION.match(text, position)
        unit = _unit(match.group(2)) if match else None
        if match is None or unit is None:
            return None
        total += float(match.group(1)) * _SHORT_UNITS[unit]
        position = match.end()
    return round(total) if position else None


def _unit(word: str) -> str | None:
    if word in _SHORT_UNITS:
        return word
    word = word.lower()
    return _LONG_UNITS.get(word) or _LONG_UNITS.get(word.removesuffix("s"))


def count(number: int) -> str:
    """`1,523`."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 record`, `1,523 records`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(n_bytes: int) -> str:
    """`512 B`, `1.4 MiB`."""
    amount, unit = float(n_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < _BYTES_PER_STEP:
            break
        amount, unit = amount / _BYTES_PER_STEP, larger
    return f"{n_bytes} B" if unit == "B" else f"{amount:.1f} {unit}"


def parse_instant(text: str) -> datetime | None:
    """An ISO 8601 date or time as a UTC instant; without a zone it is local. None if unreadable."""
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def local_time(instant: datetime | str | None) -> str:
    """`2031-05-06 09:08:09 +02:00`; an unreadable text is shown as it is, None as `-`."""
    if instant is None:
        return "-"
    moment = parse_instant(instant) if isinstance(instant, str) else instant
    if moment is None:
        return str(instant)
    try:
        local = moment.astimezone()
    except (ValueError, OverflowError, OSError):
        return str(instant)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def started_column(instants: Sequence[datetime | str | None]) -> tuple[str, list[str]]:
    """Head and cells of a column of local times to the minute: `started +02:00` over them.

    The head holds the offset of the first; a time with another one (the clocks were changed in
    between) carries its own.
    """
    full = [local_time(instant) for instant in instants]
    offsets = [match.group(1) if (match := _OFFSET.search(text)) else None for text in full]
    common = next(filter(None, offsets), None)
    cells = [
        text
        if offset is None
        else f"{text[:_TO_THE_MINUTE]}{'' if offset == common else ' ' + offset}"
        for text, offset in zip(full, offsets, strict=True)
    ]
    return "started" if common is None else f"started {common}", cells


def ago(instant: datetime, now: datetime) -> str:
    """`3m 12s ago`, `in 5m`, `just now`."""
    passed = (now - instant) / timedelta(milliseconds=1)
    if abs(passed) < 1000:
        return "just now"
    return f"{duration(passed)} ago" if passed > 0 else f"in {duration(-passed)}"


def display_width(text: str) -> int:
    """Columns that `text` takes on a terminal: wide characters count two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(character_width, text))


def character_width(character: str) -> int:
    """Columns of one character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns, its end replaced by `...` where it is longer."""
    if display_width(text) <= width:
        return text
    kept: list[str] = []
    used = 0
    for character in text:
        used += character_width(character)
        if used > width - 3:
            break
        kept.append(character)
    return "".join(kept) + "..."[: max(0, width)]


def one_line(text: str) -> str:
    """`text` with control characters, line breaks among them, made harmless spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], width: int, *, right: frozenset[int]
) -> list[str]:
    """Lines of a table under `heads`; rows too wide for `width` go on below their first cell.

    `right` holds the numbers of columns whose cells stand at the right.
    """
    shown = [[one_line(cell) for cell in row] for row in rows]
    _, groups = _whole_rows(heads, shown, width, right)
    return [line.rstrip() for group in groups for line in group]


def noted_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
    width: int,
    *,
    right: frozenset[int],
) -> list[tuple[str, ...]]:
    """A table with a note for each row: behind it where all fit, else wrapped below it.

    No cell is ever cut: rows too wide for `width` put their first cell on a line of its own. The
    lines come in groups, first that of the heads, then one for each row, its cells before its note.
    """
    columns, groups = _whole_rows(heads, rows, width, right)
    shown = [one_line(note) for note in notes]
    one_each = all(len(group) == 1 for group in groups)
    if one_each and columns + 2 + max(map(display_width, shown), default=0) <= width:
        behind = [
            (f"{line}{' ' * (columns - display_width(line))}  {note}".rstrip(),)
            for (line,), note in zip(groups[1:], shown, strict=True)
        ]
        return [groups[0], *behind]
    room = max(20, width - len(_NOTE_INDENT))
    below = [
        (*group, *(_NOTE_INDENT + line for line in wrap(note, room))) if note else group
        for group, note in zip(groups[1:], shown, strict=True)
    ]
    return [groups[0], *below]


def _whole_rows(
    heads: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: frozenset[int]
) -> tuple[int, list[tuple[str, ...]]]:
    """Columns used and the lines of each row, heads first: one, or two where one is too wide."""
    lines = _columns(heads, rows, right)
    columns = max(map(display_width, lines))
    if columns <= width:
        return columns, [(line,) for line in lines]
    rest = _columns(heads[1:], [row[1:] for row in rows], frozenset(i - 1 for i in right))
    firsts = [one_line(row[0]) for row in (heads, *rows)]
    indented = [f"  {line}" for line in rest]
    return max(map(display_width, indented)), list(zip(firsts, indented, strict=True))


def _columns(
    heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]
) -> list[str]:
    cells = [[one_line(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(display_width(row[i]) for row in cells) for i in range(len(heads))]
    return [
        "  ".join(
            " " * (widths[i] - display_width(cell)) + cell
            if i in right
            else cell + " " * (widths[i] - display_width(cell))
            for i, cell in enumerate(row)
        ).rstrip()
        for row in cells
    ]


def fields(pairs: Iterable[tuple[str, str]], width: int, indent: int = 2) -> list[str]:
    """`name  value` lines with the values under each other; long values go on below."""
    rows = [(name, one_line(value)) for name, value in pairs]
    start = indent + max((display_width(name) for name, _ in rows), default=0) + 2
    lines: list[str] = []
    for name, value in rows:
        head = " " * indent + name + " " * (start - indent - display_width(name))
        wrapped = wrap(value, max(20, width - start))
        lines.append((head + wrapped[0]).rstrip())
        lines.extend(" " * start + line for line in wrapped[1:])
    return lines


def wrap(text: str, width: int) -> list[str]:
    """`text` broken at spaces into lines of at most `width` columns; at least one line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and display_width(line) + 1 + display_width(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
