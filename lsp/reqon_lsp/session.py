"""What the client has open and set: texts over the disk, folders, settings.

`OpenFiles` is the server's adapter of the language's `Files`: a text that is open in the editor
hides the file of the same path. Nothing here writes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")

STATE_FOLDER = ".vague-data"
_MAX_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenText:
    """One open document; `uri` in the client's own spelling."""

    uri: str
    path: str
    version: int | None
    text: str


@dataclass(slots=True)
class Settings:
    """What the client may set; unknown keys and wrong types are left out, never an error."""

    state_dir: str = ""
    status_render: str = "auto"
    hints_status: bool = True
    hints_stores: bool = True
    hints_last_sync: bool = True
    lenses: dict[str, bool] = field(default_factory=dict[str, bool])
    whole_workspace: bool = False
    max_file_size: int = 1024 * 1024
    detach_runs: bool = True
    trusted: bool = True

    def update(self, values: Any) -> None:
        """Take over what is usable of the client's `reqon` section."""
        outer = _mapping(values)
        section = _mapping(outer.get("reqon", outer))
        self.state_dir = _taken(section, "stateDir", self.state_dir)
        self.trusted = _taken(section, "trusted", self.trusted)
        self.max_file_size = max(0, _taken(section, "maxFileSize", self.max_file_size))
        render = _taken(_mapping(section.get("status")), "render", self.status_render)
        if render in STATUS_RENDERS:
            self.status_render = render
        scope = _mapping(section.get("diagnostics")).get("scope")
        if scope in ("openFiles", "workspace"):
            self.whole_workspace = scope == "workspace"
        hints = _mapping(section.get("inlayHints"))
        self.hints_status = _taken(hints, "status", self.hints_status)
        self.hints_stores = _taken(hints, "stores", self.hints_stores)
        self.hints_last_sync = _taken(hints, "lastSync", self.hints_last_sync)
        lenses = _mapping(section.get("codeLens"))
        self.lenses |= {k: v for k, v in lenses.items() if isinstance(v, bool)}
        runs = _mapping(section.get("runs"))
        self.detach_runs = _taken(runs, "detach", self.detach_runs)


STATUS_RENDERS = frozenset({"auto", "inlayHint", "codeLens", "diagnostic", "off"})


def _taken(section: Mapping[str, Any], key: str, current: T) -> T:
    """The value of a key if it has the type of the current one."""
    value = section.get(key)
    return value if type(value) is type(current) else current


@dataclass(slots=True)
class OpenFiles:
    """Open texts over the disk, with what was read from the disk kept until it changes there."""

    texts: dict[str, OpenText] = field(default_factory=dict)
    max_bytes: int = _MAX_FILE_BYTES
    _read: dict[str, tuple[tuple[int, int], bytes]] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """Bytes of an open text or of a regular file; raises `OSError` as the disk does."""
        opened = self.texts.get(path)
        if opened is not None:
            if len(opened.text) > self.max_bytes:
                raise OSError(27, "file is too large", path)
            return opened.text.encode("utf-8", "surrogatepass")
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(21, "not a regular file", path)
        if status.st_size > max(self.max_bytes, _MAX_FILE_BYTES):
            raise OSError(27, "file is too large", path)
        mark = (status.st_mtime_ns, status.st_size)
        kept = self._read.get(path)
        if kept is not None and kept[0] == mark:
            return kept[1]
        data = Path(path).read_bytes()
        self._read[path] = (mark, data)
        return data

    def as_of_now(self) -> OpenFiles:
        """The same with the open texts as they are now, for another thread."""
        return OpenFiles(dict(self.texts), self.max_bytes, self._read)

    def forget_reads(self) -> None:
        """Read everything from the disk again."""
        self._read.clear()

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        """What stands at a path."""
        if path in self.texts:
            return "file"
        try:
            mode = Path(path).stat().st_mode
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(mode):
            return "folder"
        return "file" if stat.S_ISREG(mode) else None

    def list(self, folder: str) -> Sequence[str]:
        """Names of a folder's entries, sorted."""
        return sorted(entry.name for entry in Path(folder).iterdir())


@dataclass(slots=True)
class Session:
    """The state of one connection."""

    files: OpenFiles = field(default_factory=OpenFiles)
    settings: Settings = field(default_factory=Settings)
    folders: list[str] = field(default_factory=list)

    def workspace_folder(self, path: str) -> str | None:
        """The innermost workspace folder that holds `path`."""
        holders = [
            f for f in self.folders if path == f or path.startswith(f.rstrip("/\\") + os.sep)
        ]
        return max(holders, key=len, default=None)

    def state_folder(self, mission_file: str) -> str:
        """Where the state of a mission in this file is looked for.

        The client's setting, `REQON_STATE_DIR`, else the first state folder from the file's
        folder up to the workspace folder, else the one that a run would make there.
        """
        start = Path(mission_file).parent
        root = Path(self.workspace_folder(mission_file) or start)
        named = self.settings.state_dir or os.environ.get("REQON_STATE_DIR", "")
        if named:
            return str(root / named)
        for folder in (start, *start.parents):
            candidate = folder / STATE_FOLDER
            if candidate.is_dir():
                return str(candidate)
            if folder == root:
                break
        return str(root / STATE_FOLDER)


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
