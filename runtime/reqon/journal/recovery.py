"""Reading a journal back: frame by frame, up to where it can be trusted.

Two things end a journal early. A *torn tail*: the process or the power died while frames were
written that nothing had relied on; it is passed over, and cut off by the execution's next owner.
And *damage*: a frame is bad although later ones prove that it was on the disk, or although a
store says that it has been applied; then work that was acknowledged is gone, and a person has to
decide. This module reads; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from reqon.errors import RefusedError
from reqon.journal.frames import (
    SCHEMA_VERSION,
    Frame,
    decode_hidden_operations,
    decode_line,
    decode_operations,
    encode_json,
)
from reqon.journal.placeholders import SecretBook
from reqon.journal.run_state import RunState
from reqon.state.regular import open_regular
from reqon.stores.base import Operation

_SECRET = b'"$secret"'


@dataclass(slots=True)
class Extent:
    """How far a journal can be trusted.

    `size` bytes hold the good frames, the last of which is `number`; `file_size` is larger where
    there is a torn tail. `damage` says what is wrong where acknowledged frames are bad.
    """

    size: int = 0
    number: int = 0
    file_size: int = 0
    damage: str | None = None

    @property
    def torn(self) -> bool:
        """Whether bytes follow the last good frame."""
        return self.file_size > self.size


def read_frames(path: Path, extent: Extent, secrets: SecretBook) -> Iterator[Frame]:
    """The good frames of a journal in order, secrets put back; `extent` grows with them. Blocks.

    Raises RefusedError for a journal that cannot be opened or that a newer version wrote, and
    ConfigError where a secret is not known.
    """
    try:
        with open_regular(path) as file:
            yield from _read(file, extent, secrets)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RefusedError(
            f"the journal '{path}' cannot be read: {reason}",
            hint="make it readable, or start the mission anew without --resume",
        ) from error


def _read(file: BinaryIO, extent: Extent, secrets: SecretBook) -> Iterator[Frame]:
    extent.file_size = 0
    for line in file:
        extent.file_size += len(line)
        frame = decode_line(line)
        if frame is None or not _follows(frame, extent.number):
            extent.damage = _damage(file, extent)
            return
        if frame.start is not None:
            check_version(frame.start.schema_version)
        extent.size += len(line)
        extent.number = frame.n
        yield _revealed(frame, secrets) if _SECRET in line else frame


def _follows(frame: Frame, number: int) -> bool:
    """Numbers have no gap, but before a `start` (after damage) and at a `base`."""
    if frame.k in ("start", "base"):
        return frame.n > number
    return frame.n == number + 1


def _damage(file: BinaryIO, extent: Extent) -> str | None:
    """Read on behind the first bad frame: whether a later one proves that it was durable."""
    lost = extent.number + 1
    proof = False
    for line in file:
        extent.file_size += len(line)
        frame = decode_line(line)
        proof = proof or (frame is not None and frame.n > lost and frame.s >= lost)
    if not proof:
        return None
    return f"frame {lost} is damaged, and later ones show that it had been written"


def check_version(version: int) -> None:
    """Refuse state of a newer version."""
    if version > SCHEMA_VERSION:
        raise RefusedError(
            f"this execution was written by a newer Reqon (state version {version}, "
            f"this one reads up to {SCHEMA_VERSION})",
            hint="resume it with the newer version, or start the mission anew without --resume",
        )


def _revealed(frame: Frame, secrets: SecretBook) -> Frame:
    """The frame with its secrets as they are now."""
    frame.cells = [(address, secrets.reveal(value)) for address, value in frame.cells]
    hidden = decode_hidden_operations(frame)
    if hidden:
        shown = [(s, le, secrets.reveal(k), secrets.reveal(r)) for s, le, k, r in hidden]
        frame.ops = msgspec.Raw(encode_json(shown))
    if frame.base is not None:
        frame.base.cells = [(address, secrets.reveal(v)) for address, v in frame.base.cells]
        frame.base.calls = secrets.reveal(frame.base.calls)
        frame.base.events = [(n, secrets.reveal(event)) for n, event in frame.base.events]
    if frame.start is not None:
        frame.start.lets = secrets.reveal(frame.start.lets)
    frame.fx, frame.fxr, frame.event = map(secrets.reveal, (frame.fx, frame.fxr, frame.event))
    return frame


def read_operations(frame: Frame, path: Path) -> list[Operation]:
    """The store operations of a frame; RefusedError where they have a form that is not known."""
    try:
        return decode_operations(frame)
    except msgspec.DecodeError as error:
        raise RefusedError(f"frame {frame.n} of '{path}' cannot be understood: {error}") from error


@dataclass(slots=True)
class Recovered:
    """A journal read to its end: the state that it stands for, and how far it can be trusted.

    `published` are the sync times of frames after the number that was asked for.
    """

    state: RunState
    extent: Extent
    published: dict[str, dict[str, object]]


def recover(
    path: Path,
    secrets: SecretBook,
    *,
    on_frame: Callable[[Frame], None],
    published_after: int = 0,
) -> Recovered | None:
    """Fold a journal; `on_frame` sees each good frame before it is folded. Blocks.

    None where not even the first frame is good: nothing had begun then.
    """
    extent = Extent()
    state: RunState | None = None
    published: dict[str, dict[str, object]] = {}
    for frame in read_frames(path, extent, secrets):
        if state is None:
            if frame.start is None:
                raise RefusedError(f"the journal '{path}' does not begin with a start frame")
            state = RunState(frame.start)
        on_frame(frame)
        state.fold(frame)
        if frame.n > published_after:
            published.update(frame.published)
    return None if state is None else Recovered(state, extent, published)
