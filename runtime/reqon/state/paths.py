"""Where things lie below a state folder: the one place that spells file names.

    .vague-data/
    ├── execution/<Mission>-<YYYY-MM-DDTHH-MM-SS>.json    record of an execution
    │             <same>.journal   <same>.blobs/<hash>.json
    ├── sync-checkpoints.json
    ├── stores/<identifier>.json   stores/.<leaf>.applied.json
    ├── locks/<…>.lock
    └── quarantine/

Nothing here touches the disk. The reader and the write side join their paths here; the names of
temporary files begin with a dot, so that `<Mission>-*.json` finds records only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

RECORD_SUFFIX = ".json"
JOURNAL_SUFFIX = ".journal"
BLOBS_SUFFIX = ".blobs"

_LONGEST_NAME = 120
_STAMP = "%Y-%m-%dT%H-%M-%S"
_STEM = re.compile(
    r"(?P<mission>.+)-(?P<start>\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2})(?:-(?P<number>\d{1,6}))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StatePaths:
    """All paths below one state folder; `root` is usually `.vague-data`."""

    root: Path

    @property
    def execution(self) -> Path:
        """Folder of records, journals and blobs."""
        return self.root / "execution"

    @property
    def stores(self) -> Path:
        """Folder of the file stores that name no folder of their own."""
        return self.root / "stores"

    @property
    def locks(self) -> Path:
        """Folder of the lock files."""
        return self.root / "locks"

    @property
    def quarantine(self) -> Path:
        """Folder of damaged files that were put aside."""
        return self.root / "quarantine"

    @property
    def sync_checkpoints(self) -> Path:
        """The map from sync key to the time of its last sync."""
        return self.root / "sync-checkpoints.json"

    @property
    def sync_applied(self) -> Path:
        """Which frames of which execution the sync checkpoints hold already."""
        return self.root / ".sync-checkpoints.applied.json"

    @property
    def sync_lock(self) -> Path:
        """Held while the sync checkpoints are read, merged and replaced."""
        return self.locks / "sync.lock"

    @property
    def reserve(self) -> Path:
        """Space that is given back when the disk is full, for the final record."""
        return self.root / ".reserve"

    def record(self, stem: str) -> Path:
        """Record of the execution with this stem."""
        return self.execution / (stem + RECORD_SUFFIX)

    def journal(self, stem: str) -> Path:
        """Journal of the execution with this stem."""
        return self.execution / (stem + JOURNAL_SUFFIX)

    def blobs(self, stem: str) -> Path:
        """Folder of the large values of the execution with this stem."""
        return self.execution / (stem + BLOBS_SUFFIX)

    def mission_lock(self, mission: str) -> Path:
        """Held by the one process that runs the mission."""
        return self.locks / f"mission-{short_name(mission)}.lock"

    def store_lock(self, adapter: str, identifier: str) -> Path:
        """Held by the one execution that writes the store."""
        name = short_name(quote(identifier, safe=""))
        return self.locks / f"store-{short_name(adapter)}-{name}.lock"


@dataclass(frozen=True, slots=True, order=True)
class Stem:
    """The file name of an execution without its ending; sorts by start, then by number."""

    start: str
    number: int
    name: str

    @classmethod
    def parse(cls, name: str) -> Stem | None:
        """Read `CustomerSync-2024-01-20T09-00-00` or `…-2`; None for any other name."""
        match = _STEM.fullmatch(name)
        if match is None:
            return None
        return cls(match["start"], int(match["number"] or 1), name)

    @property
    def order(self) -> tuple[str, int, str]:
        """What it sorts by."""
        return self.start, self.number, self.name

    def belongs_to(self, mission: str) -> bool:
        """Whether the file name is one of this mission's."""
        return self.name.startswith(f"{short_name(mission)}-{self.start}")


def stem_of(mission: str, started_at: datetime, number: int = 1) -> str:
    """File name without ending: start in UTC; `number` from 2 for further ones of that second."""
    suffix = f"-{number}" if number > 1 else ""
    return f"{short_name(mission)}-{_stamp(started_at)}{suffix}"


def stems_behind(newest: Stem | None, mission: str, started_at: datetime) -> Iterator[str]:
    """Names for a new execution, to be tried in turn; each sorts behind `newest`.

    Where the clock went back since, or stands within the same second, the name goes on from that
    of `newest`: what ran last must be the newest, whatever the clock said.
    """
    number = 1
    if newest is not None and newest.start >= _stamp(started_at):
        moment = datetime.strptime(newest.start, _STAMP).replace(tzinfo=UTC)
        started_at, number = moment, newest.number + 1
    while True:
        yield stem_of(mission, started_at, number)
        number += 1


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(_STAMP)


def short_name(name: str) -> str:
    """The name itself; a very long one is cut and gets a hash, for the sake of file systems."""
    encoded = name.encode(errors="surrogatepass")
    if len(encoded) <= _LONGEST_NAME:
        return name
    digest = hashlib.blake2b(encoded, digest_size=8).hexdigest()
    return encoded[: _LONGEST_NAME - 20].decode(errors="ignore") + "~" + digest
