"""The end of a journal, read with the standard library: what the last good frame says.

A frame is a line `<length> <crc32> <json>`. Every commit carries its summary whole, so the last
one that is good tells where the execution is; a torn end is passed over. Reads the last 64 KiB,
and further back where a frame is longer. Never writes, never raises for content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from zlib import crc32

from reqon.state.record import READ_CAP_BYTES, as_object
from reqon.state.regular import open_regular

_WINDOW_BYTES = 64 * 1024
_LENGTH_DIGITS = 12
_CHECKSUM_DIGITS = 8
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Tail:
    """What the last commit of a journal says, and what else its neighbours tell.

    `number` and `at_ms` are of the last good frame; `summary` of the last one that has it;
    `end` how the execution ended where that is the last word; `completed` whether it did, though
    an attempt to finish it may have begun since; `errors` those of the frames that
    were looked at, each with its frame's number.
    """

    number: int
    at_ms: int
    summary: dict[str, Any]
    end: dict[str, Any] | None
    completed: bool
    errors: tuple[tuple[int, dict[str, Any]], ...]


def read_tail(path: Path) -> Tail | None:
    """The tail of a journal; None where there is no good commit in its last 64 MiB."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            window = _WINDOW_BYTES
            while True:
                tail = _tail_of(list(_frames(file, size, window)))
                if tail is not None or window >= min(size, READ_CAP_BYTES):
                    return tail
                window = min(window * 8, READ_CAP_BYTES)
    except (OSError, ValueError, MemoryError):
        return None


def tail_of_lines(lines: Iterable[bytes]) -> Tail | None:
    """The tail that these lines of a journal have together; bad ones are passed over."""
    frames = [frame for line in lines if (frame := parse_line(line)) is not None]
    return _tail_of(frames[::-1])


def read_start(path: Path) -> dict[str, Any] | None:
    """The facts in the first frame of a journal; None where there is no good one."""
    try:
        with open_regular(path) as file:
            return as_object(_start_in(file))
    except (OSError, ValueError, RecursionError, MemoryError):
        return None


def has_begun(path: Path) -> bool:
    """Whether a journal holds more than, at most, a torn first frame; or cannot be read."""
    n_lines = 0
    try:
        with open_regular(path) as file:
            while n_lines < 2 and (piece := file.read(_WINDOW_BYTES)):
                n_lines += piece.count(b"\n")
    except OSError:
        return os.path.lexists(path)
    return n_lines > 1


def _start_in(file: BinaryIO) -> Any:
    """The facts; of a frame that is long, as after compaction, only its head is decoded."""
    head = file.read(_WINDOW_BYTES)
    if b"\n" not in head and _is_whole(file, head):
        try:
            return _field_in(head.split(b" ", 2)[2].decode(errors="ignore"), "start")
        except ValueError:
            pass  # they lie further back
    file.seek(0)
    frame = parse_line(file.readline(READ_CAP_BYTES))
    return None if frame is None else frame.get("start")


def _is_whole(file: BinaryIO, head: bytes) -> bool:
    """Whether length and checksum of the first line are right; reads it piece by piece."""
    length, checksum, body = head.split(b" ", 2)
    rest, found = int(length) - len(body), crc32(body)
    while rest > 0 and (piece := file.read(min(rest, _WINDOW_BYTES))):
        rest, found = rest - len(piece), crc32(piece, found)
    return rest == 0 and file.read(1) == b"\n" and b"%08x" % found == checksum


def _field_in(text: str, name: str) -> Any:
    """A field of a compact JSON object that may be cut off behind it; ValueError without it."""
    at = 1
    while True:
        key, at = _decoder.raw_decode(text, at)
        value, at = _decoder.raw_decode(text, at + 1)
        if key == name:
            return value
        at += 1


def _frames(file: BinaryIO, size: int, window: int) -> Iterator[dict[str, Any]]:
    """The good frames in the last `window` bytes, the last one first."""
    start = max(0, size - window)
    file.seek(start)
    lines = file.read(window).split(b"\n")
    lines.pop()
    if start > 0 and lines:
        del lines[0]
    for line in reversed(lines):
        frame = parse_line(line + b"\n")
        if frame is not None:
            yield frame


def parse_line(line: bytes) -> dict[str, Any] | None:
    """The frame in a whole line; None where length, checksum or JSON is wrong."""
    length, _, rest = line.partition(b" ")
    checksum, _, body = rest.partition(b" ")
    if not body.endswith(b"\n") or not length.isdigit() or len(length) > _LENGTH_DIGITS:
        return None
    body = body[:-1]
    if int(length) != len(body) or len(checksum) != _CHECKSUM_DIGITS:
        return None
    if b"%08x" % crc32(body) != checksum:
        return None
    try:
        frame = as_object(json.loads(body))
    except (ValueError, RecursionError):
        return None
    return frame if frame is not None and _is_number(frame.get("n")) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _tail_of(frames: list[dict[str, Any]]) -> Tail | None:
    """From frames, the last first, to what they say together."""
    summary = next((f["summary"] for f in frames if isinstance(f.get("summary"), dict)), None)
    if summary is None:
        return None
    last = frames[0]
    end = as_object(last.get("end"))
    start = as_object(last.get("start")) or {}
    errors = [
        (frame["n"], error) for frame in reversed(frames) for error in _objects(frame.get("errors"))
    ]
    at = last.get("t")
    return Tail(
        last["n"],
        at if isinstance(at, int) else 0,
        summary,
        end,
        end["status"] == "completed" if end and "status" in end else bool(start.get("completed")),
        tuple(errors),
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [found for item in items if (found := as_object(item)) is not None]
