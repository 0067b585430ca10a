r"""The frames of a journal: what one line holds, and how a line is written and read.

    <length> <crc32, 8 hexadecimal digits> <json>\n        length: bytes of the json

A journal is the truth about an execution; record, stores and sync checkpoints are views of it.
Frames are numbered without a gap (`n`); a reader stops at the first line that is not whole.
`Frame` is one struct for all kinds, each kind uses some of its parts:

    start   first frame, and first frame of every resume: `start`, `summary`
    enter, page, c, stage, err    commits: `cells`, `ops`, `summary`, and the deltas
    fx, fxr                       intent and result of an unsafe request; commit nothing
    event                         something that arrived from outside; commits nothing
    end     how the execution (or this attempt) ended: `end`, `summary`, `published`
    base    everything that came before, after compaction: `start`, `base`, `summary`

Only `journal/` writes frames. `state/journal_tail.py` reads the summary of the last good one
with the standard library; `docs/state-format.md` describes the form for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from zlib import crc32

import msgspec

from reqon.stores.base import Operation

SCHEMA_VERSION = 1

Json: TypeAlias = Any
"""None, bool, int, float, str, list and dict with string keys."""

Kind: TypeAlias = Literal[
    "start", "enter", "page", "c", "fx", "fxr", "event", "stage", "err", "base", "end"
]
CommitKind: TypeAlias = Literal["enter", "page", "c", "stage", "err"]

Cell: TypeAlias = tuple[str, Any]
"""Address and value; None deletes the address and everything below it (`a`: `a`, `a/…`)."""


class Summary(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What the record shows; every commit carries it whole, so that the last frame tells all.

    `counts` is `{store: [added, updated, unchanged, records in it]}`, `checkpoints` and
    `pending_sync` are as in the record, `actions` those that completed, `entered` those that
    began, `progress` `{"current", "total", "action"}`, `warnings` `{"assume": n, "other": n}`.
    """

    active: dict[str, Any] | None = None
    counts: dict[str, list[int]] = {}
    checkpoints: dict[str, dict[str, Any]] = {}
    actions: list[str] = []
    entered: list[str] = []
    progress: dict[str, Any] | None = None
    pipeline: list[dict[str, Any]] = []
    warnings: dict[str, int] = {}
    pending_sync: dict[str, dict[str, Any]] = {}


class StartFacts(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What an execution is, and how this attempt of it began.

    `stores` maps a store's name in the mission to `{"adapter", "identifier", "options"}`;
    `attempt` counts from 1; `program` as in the record. `completed` says that an earlier attempt
    had ended well already.
    """

    schema_version: int
    execution_id: str
    mission: str
    started_at: str
    seed: str
    attempt: int
    attempt_at: str
    stores: dict[str, dict[str, Any]]
    durability: str
    trigger: str
    engine: str
    program: dict[str, Any] | None = None
    owner: dict[str, Any] = {}
    lets: dict[str, Any] = {}
    notes: dict[str, Any] = {}
    retry_of: str | None = None
    forced: bool = False
    completed: bool = False


class Base(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The fold of all frames up to a number, as compaction writes it.

    `memory` maps the name of a memory store to the blob that holds its records; the deltas of
    the frames before are here in full.
    """

    cells: list[Cell] = []
    memory: dict[str, Any] = {}
    since: dict[str, Any] = {}
    wrote: dict[str, list[str]] = {}
    synced: dict[str, dict[str, Any]] = {}
    deferred: dict[str, dict[str, Any]] = {}
    errors: list[dict[str, Any]] = []
    unknown: list[dict[str, Any]] = []
    attempts: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    events: list[tuple[int, Any]] = []


class Frame(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One line of the journal. `n` number, `t` time in ms since 1970, `k` kind.

    `s` is the number of the last frame that was surely on the disk when this one was written:
    damage above it is lost tail, damage at or below it is damage. `settled` lists the numbers of
    `fx` and `event` frames that this commit has used up.
    """

    n: int
    t: int
    k: str
    s: int = 0
    cells: list[Cell] = []
    ops: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    summary: Summary | None = None
    published: dict[str, dict[str, Any]] = {}
    deferred: dict[str, dict[str, Any]] = {}
    since: dict[str, Any] = {}
    wrote: dict[str, list[str]] = {}
    errors: list[dict[str, Any]] = []
    unknown: list[dict[str, Any]] = []
    settled: list[int] = []
    start: StartFacts | None = None
    base: Base | None = None
    end: dict[str, Any] | None = None
    fx: dict[str, Any] | None = None
    fxr: dict[str, Any] | None = None
    event: dict[str, Any] | None = None


COMMITS = frozenset({"start", "enter", "page", "c", "stage", "err", "base", "end"})

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Frame)
_operations = msgspec.json.Decoder(list[Operation])
_hidden_operations = msgspec.json.Decoder(list[tuple[str, str, Any, Any]])

encode_json = _encoder.encode
encode_json_into = _encoder.encode_into


def line_of(body: bytes) -> bytes:
    """The journal's line for an encoded frame."""
    return b"%d %08x %b\n" % (len(body), crc32(body), body)


def long_line(pieces: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    """The line of a frame that is too large to be held: its pieces are made twice.

    RuntimeError at the end, before anybody could take the line for whole, where the pieces were
    not the same both times.
    """
    first = _Measured()
    for piece in pieces():
        first.take(piece)
    yield b"%d %08x " % (first.size, first.checksum)
    second = _Measured()
    for piece in pieces():
        second.take(piece)
        yield piece
    if first != second:
        raise RuntimeError("a frame has changed while it was written")
    yield b"\n"


@dataclass(slots=True)
class _Measured:
    """Length and checksum of what comes in pieces."""

    size: int = 0
    checksum: int = 0

    def take(self, piece: bytes) -> None:
        """Add a piece."""
        self.size += len(piece)
        self.checksum = crc32(piece, self.checksum)


def encode_frame(frame: Frame) -> bytes:
    """The frame as JSON, still without length and checksum."""
    return _encoder.encode(frame)


def decode_line(line: bytes) -> Frame | None:
    """Read one line, its end included; None where it is not whole or not a frame.

    Unknown fields of a newer version are passed over.
    """
    body = body_of(line)
    if body is None:
        return None
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        return None


def body_of(line: bytes) -> bytes | None:
    """The JSON of a line whose length and checksum are right, else None."""
    length, _, rest = line.partition(b" ")
    checksum, _, body = rest.partition(b" ")
    if not body.endswith(b"\n") or not length.isdigit() or len(checksum) != 8:
        return None
    body = body[:-1]
    if len(length) > 12 or int(length) != len(body):
        return None
    return body if b"%08x" % crc32(body) == checksum else None


def decode_operations(frame: Frame) -> list[Operation]:
    """The store operations of a frame, in order.

    Raises msgspec.DecodeError where they have another form (a checksum was right, so this is a
    frame of a newer version or of another program).
    """
    if isinstance(frame.ops, msgspec.UnsetType):
        return []
    return _operations.decode(frame.ops)


def decode_hidden_operations(frame: Frame) -> list[tuple[str, str, Any, Any]]:
    """The store operations of a frame in whose keys and records names may stand for secrets."""
    if isinstance(frame.ops, msgspec.UnsetType):
        return []
    return _hidden_operations.decode(frame.ops)
