"""Large values beside the journal: one file each, named by the hash of its content.

A value over 64 KiB would make frames long and would be written again with every change of its
surroundings; so the frame holds `{"$blob": hash}` and the value lies in `<stem>.blobs/`. It is
durable before the frame that names it is appended. Which blobs are alive, the state tells:
`live_hashes` looks for references, `collect` removes the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from reqon.errors import RefusedError
from reqon.journal.disk import Disk
from reqon.journal.frames import Json, encode_json
from reqon.journal.placeholders import SecretBook
from reqon.state.regular import open_regular

INLINE_BYTES = 64 * 1024
PAGE_BYTES = 256 * 1024
"""Pages come one after another: up to this size they are appended, where one sync covers several
of them; only larger ones are files of their own."""

BLOB_TAG = "$blob"
_SUFFIX = ".json"


def reference_of(value: Any) -> str | None:
    """The hash in a reference `{"$blob": hash}`; None for every other value."""
    if isinstance(value, dict) and len(value) == 1:  # pyright: ignore[reportUnknownArgumentType]
        found = cast("dict[str, Any]", value).get(BLOB_TAG)
        return found if isinstance(found, str) else None
    return None


def live_hashes(values: Iterable[Any]) -> set[str]:
    """Every hash that the values refer to, at any depth."""
    found: set[str] = set()
    rest: list[Any] = list(values)
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            reference = reference_of(value)
            if reference is None:
                rest.extend(cast("dict[str, Any]", value).values())
            else:
                found.add(reference)
        elif isinstance(value, list | tuple):
            rest.extend(cast("list[Any]", value))
    return found


class BlobFolder:
    """The blobs of one execution.

    `reserved` counts hashes that are being saved for frames to come: they are alive too.
    """

    def __init__(self, folder: Path, disk: Disk, secrets: SecretBook) -> None:
        self.folder = folder
        self.reserved: Counter[str] = Counter()
        self._disk = disk
        self._secrets = secrets
        self._ready = False

    @property
    def has_any(self) -> bool:
        """Whether anything was ever saved; to look for what is alive takes long where much is."""
        return self._ready or self.folder.is_dir()

    def encode_any(self, value: Json, content: bytes | None = None) -> tuple[str, bytes]:
        """Hash and content of a value of any size, its secrets hidden."""
        content = encode_json(value) if content is None else content
        if self._secrets.concerns(content):
            content = encode_json(self._secrets.hide(value))
        return hashlib.blake2b(content, digest_size=16).hexdigest(), content

    def save(self, blobs: Mapping[str, bytes]) -> None:
        """Write blobs that are not there yet; durable when it returns. Blocks."""
        if not self._ready:
            if not self.folder.is_dir():
                self._disk.mkdir(self.folder)
                self._disk.sync_folder(self.folder.parent)
            self._ready = True
        missing = [name for name in blobs if not self._path(name).exists()]
        for name in missing:
            self._disk.replace_file(self._path(name), [blobs[name]])
        self._disk.sync_folder(self.folder)

    def load(self, name: str, unsaved: Mapping[str, bytes]) -> Json:
        """The value of a hash; `unsaved` are blobs that are still to be written. Blocks.

        Raises RefusedError where the file is missing or damaged.
        """
        path = self._path(name)
        try:
            content = unsaved[name] if name in unsaved else _content(path)
        except (OSError, ValueError) as error:
            raise _damaged(path, str(error)) from error
        if hashlib.blake2b(content, digest_size=16).hexdigest() != name:
            raise _damaged(path, "its content does not match its name")
        value = msgspec.json.decode(content)
        return self._secrets.reveal(value) if b'"$secret"' in content else value

    def text(self, name: str) -> str:
        """The content behind a hash as it lies on the disk. Blocks. RefusedError as `load`."""
        path = self._path(name)
        try:
            return _content(path).decode("utf-8")
        except (OSError, ValueError) as error:
            raise _damaged(path, str(error)) from error

    def collect(self, live: set[str]) -> None:
        """Remove blobs that nothing refers to, and leftovers of interrupted writes. Blocks."""
        if not self.folder.is_dir():
            return
        alive = live | {name for name, n in self.reserved.items() if n > 0}
        for path in sorted(self.folder.iterdir()):
            if path.suffix != _SUFFIX or path.stem not in alive:
                self._disk.discard(path)

    def _path(self, name: str) -> Path:
        return self.folder / (name + _SUFFIX)


def _content(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read()


def _damaged(path: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"the saved value '{path}' cannot be read: {reason}",
        hint="restore the file from a backup, or start the mission anew without --resume",
    )
