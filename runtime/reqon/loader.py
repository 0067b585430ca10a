"""The disk as the language sees it: reads files and lists folders for `vague.program`.

Reads only. The language server has its own view, with open texts over the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from reqon.state.regular import open_regular


class DiskFiles:
    """The `Files` protocol of `vague.program` over the file system; paths as text."""

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises OSError, also for what is none, such as a pipe."""
        with open_regular(Path(path)) as file:
            return file.read()

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        """What lies at `path`; None for nothing, for what cannot be read, and for devices."""
        try:
            target = Path(path)
            if target.is_dir():
                return "folder"
            return "file" if target.is_file() else None
        except (OSError, ValueError):  # ValueError: a null character in the path
            return None

    def list(self, folder: str) -> list[str]:
        """The names in a folder, sorted; raises OSError."""
        return sorted(entry.name for entry in Path(folder).iterdir())


class TextOverDisk(DiskFiles):
    """The disk with one more file, `NAME`, that holds a program given as text.

    What the program imports is found relative to the current folder.
    """

    NAME = "<program>"

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogatepass")

    def read(self, path: str) -> bytes:
        """The text's bytes, or those of a file; raises OSError."""
        return self._data if path == self.NAME else super().read(path)

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        """What lies at `path`."""
        return "file" if path == self.NAME else super().kind(path)
