"""Keeping secrets out of frames, blobs and records.

Before something is written, known secrets give way to their names; after reading they are put
back. A registry that knows no secret costs nothing: frames are encoded first and only those in
which a secret is found are hidden and encoded again. Decides nothing about what is a secret.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol

import msgspec

from reqon.errors import ConfigError, RefusedError
from reqon.journal.frames import Frame, decode_operations, encode_frame, encode_json

_PIECE_BYTES = 256 * 1024


class SecretBook(Protocol):
    """What the write side asks of the registry of secrets (`reqon.secrets.SecretRegistry`)."""

    def concerns(self, encoded: bytes) -> bool:
        """Whether `hide` would change the value behind these JSON bytes."""
        ...

    def hide(self, value: Any) -> Any:
        """A JSON value in which names stand for secrets."""
        ...

    def reveal(self, value: Any) -> Any:
        """The value before `hide`; ConfigError where a secret is not known."""
        ...

    def redact_value(self, value: Any) -> Any:
        """A JSON value with stars for secrets, for people."""
        ...


class NoSecrets:
    """A book without secrets; what looks like a placeholder is kept as it is."""

    def concerns(self, encoded: bytes) -> bool:
        """Nothing is hidden."""
        del encoded
        return False

    def hide(self, value: Any) -> Any:
        """The value itself."""
        return value

    def reveal(self, value: Any) -> Any:
        """The value itself."""
        return value

    def redact_value(self, value: Any) -> Any:
        """The value itself."""
        return value


def _hidden(cell: Any, book: SecretBook) -> Any:
    """A cell with its secrets hidden; one that is encoded already stays encoded."""
    if isinstance(cell, msgspec.Raw):
        return msgspec.Raw(encode_json(book.hide(msgspec.json.decode(cell))))
    return book.hide(cell)


def encode_hidden(frame: Frame, book: SecretBook) -> bytes:
    """Encode a frame with its secrets hidden."""
    encoded = encode_frame(frame)
    if not book.concerns(encoded):
        return encoded
    frame.cells = [(address, _hidden(value, book)) for address, value in frame.cells]
    operations = [
        (store, letter, book.hide(key), book.hide(record))
        for store, letter, key, record in decode_operations(frame)
    ]
    if operations:
        frame.ops = msgspec.Raw(encode_json(operations))
    if frame.base is not None:
        frame.base.cells = [(address, _hidden(value, book)) for address, value in frame.base.cells]
        frame.base.calls = book.hide(frame.base.calls)
        frame.base.events = [(n, book.hide(event)) for n, event in frame.base.events]
        frame.base.errors = book.redact_value(frame.base.errors)
        frame.base.unknown = book.redact_value(frame.base.unknown)
    if frame.start is not None:
        frame.start = msgspec.structs.replace(
            frame.start,
            lets=book.hide(frame.start.lets),
            notes=book.redact_value(frame.start.notes),
        )
    frame.fx, frame.fxr, frame.event = map(book.hide, (frame.fx, frame.fxr, frame.event))
    frame.errors = book.redact_value(frame.errors)
    frame.unknown = book.redact_value(frame.unknown)
    encoded = encode_frame(frame)
    if frame.summary is None or not book.concerns(encode_json(frame.summary)):
        return encoded
    shown = book.redact_value(msgspec.to_builtins(frame.summary))
    frame.summary = msgspec.convert(shown, type(frame.summary))
    return encode_frame(frame)


def base_pieces(frame: Frame, book: SecretBook) -> Callable[[], Iterator[bytes]]:
    """A `base` frame as `encode_hidden` gives it, in pieces, for who has no room for the whole.

    The answer may be called again. What the frame holds must not change meanwhile; its cells are
    taken out of it.
    """
    base = frame.base
    assert base is not None, "a frame of kind base"
    cells, base.cells = base.cells, []
    head = encode_hidden(frame, book)
    assert head.endswith(b"}}"), "base is the last field that is set"

    def pieces() -> Iterator[bytes]:
        piece = bytearray(head[:-2])
        piece += b'"cells":[' if head.endswith(b"{}}") else b',"cells":['
        for number, (address, value) in enumerate(cells):
            encoded = encode_json((address, value))
            if book.concerns(encoded):
                encoded = encode_json((address, _hidden(value, book)))
            piece += b"," + encoded if number else encoded
            if len(piece) >= _PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        piece += b"]}}"
        yield bytes(piece)

    return pieces


@contextlib.contextmanager
def refusing(owner: str) -> Generator[None]:
    """Where secrets of another execution's frames are put back.

    Raises RefusedError, naming the `owner`, where one is not known here: writing the name in its
    place would be silent damage.
    """
    try:
        yield
    except ConfigError as error:
        raise RefusedError(
            f"{error.message}; it is part of what {owner} has still to write",
            hint="resume or clean up that execution first",
        ) from error
