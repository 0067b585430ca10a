"""The file store: one JSON object from key to record, one record a line, for people and `jq`.

    {
    "cust_1": {"id":"cust_1","name":"Ada"},
    "cust_2": {"id":"cust_2","name":"Alan"}
    }

All records are in memory while a session is open; `write` replaces the file in one step. With
`format: "csv"` an export is written beside it; only the JSON is read back. A file that cannot be
read is never taken for an empty store.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from reqon.errors import ConfigError, RefusedError
from reqon.state.regular import open_regular
from reqon.stores.base import FileWriter, Record, StoreSpec
from reqon.stores.memory import MemoryStore

_RECORDS_PER_CHUNK = 2000
_decoder = msgspec.json.Decoder(dict[str, dict[str, Any]])
_encode = msgspec.json.encode


class FileStore(MemoryStore):
    """A memory store with a file behind it."""

    durable = True

    def __init__(self, spec: StoreSpec, folder: Path) -> None:
        super().__init__(spec)
        self.path = store_file(folder, spec.identifier)
        self.csv = spec.options.get("format", "json") == "csv"

    @property
    def location(self) -> Path:
        """The JSON file."""
        return self.path

    def load(self) -> None:
        """Read the file; a missing one is an empty store, a damaged one a RefusedError."""
        self.records = read_records(self.path)
        self.stored_bytes = self.path.stat().st_size if self.records else 0
        self.version += 1
        self.touched = False

    def write(self, disk: FileWriter) -> None:
        """Replace the file, and the export beside it; the folder must be there."""
        self.stored_bytes = disk.replace_file(self.path, _lines(self.records))
        if self.csv:
            disk.replace_file(self.path.with_suffix(".csv"), _table(self.records))
        self.touched = False


def store_file(folder: Path, identifier: str) -> Path:
    """The file of a store: a `/` in the identifier makes subfolders.

    Raises ConfigError where the identifier is no name: empty parts, parts that begin with a dot,
    an absolute path, a backslash or a control character. So no identifier leaves the folder.
    """
    parts = identifier.split("/")
    bad = any(not part or part.startswith(".") for part in parts)
    if bad or "\\" in identifier or not identifier.isprintable() or ":" in parts[0]:
        raise ConfigError(
            f"'{identifier}' cannot name a file store",
            hint="an identifier is a name such as 'customers' or 'crm/customers', not a path",
        )
    return folder.joinpath(*parts[:-1], parts[-1] + ".json")


def read_records(path: Path) -> dict[str, Record]:
    """All records of a store file; a missing file has none.

    Raises RefusedError where the file cannot be read or is no object of objects.
    """
    try:
        with open_regular(path) as file:
            content = file.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _damaged(path, (error.strerror or str(error)).lower()) from error
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path, str(error).lower() or "not JSON") from error


def _damaged(path: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"the store file '{path}' cannot be read: {reason}",
        hint="`reqon state repair` rebuilds it as far as journals reach, or restore a backup",
    )


def _lines(records: dict[str, Record]) -> Iterator[bytes]:
    if not records:
        yield b"{}\n"
        return
    pairs = iter(records.items())
    separator = b"{\n"
    while chunk := list(islice(pairs, _RECORDS_PER_CHUNK)):
        yield separator + b",\n".join(_encode(k) + b": " + _encode(r) for k, r in chunk)
        separator = b",\n"
    yield b"\n}\n"


def _table(records: dict[str, Record]) -> Iterator[bytes]:
    """The records as CSV: a column for each field in order of appearance, nested ones as JSON."""
    columns = list(dict.fromkeys(field for record in records.values() for field in record))
    rows = (([_cell(record.get(column)) for column in columns]) for record in records.values())
    yield _csv_rows([columns])
    while chunk := list(islice(rows, _RECORDS_PER_CHUNK)):
        yield _csv_rows(chunk)


def _csv_rows(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value).decode()
