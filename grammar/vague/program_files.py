"""Which files make up a program: paths, the `Files` protocol, folders and collections.

Pure: reads through the protocol alone. What it finds goes to `program.read_program`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from vague.diagnostics import Diagnostic, Severity
from vague.text import Span


class Files(Protocol):
    """What the language may ask of a disk. Paths are POSIX-style text, joined with `/`."""

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        ...

    def kind(self, path: str) -> Literal["file", "folder"] | None:
        """What stands at the path, None for nothing."""
        ...

    def list(self, folder: str) -> Sequence[str]:
        """Names of the entries, sorted. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class ProgramRoot:
    """Where a program begins: `path` is a file, or a mission folder that holds `root_file`."""

    path: str
    kind: Literal["file", "folder"]
    root_file: str


@dataclass(frozen=True, slots=True)
class FoundPrograms:
    """The programs at a path, in name order; `diagnostics` are RQ110 and RQ119."""

    programs: tuple[ProgramRoot, ...]
    diagnostics: tuple[Diagnostic, ...]


EXTENSIONS = (".vague", ".reqon")
ROOT_FILES = tuple(f"mission{extension}" for extension in EXTENSIONS)
"""Names that make a folder a mission folder; the first one found counts."""


def find_programs(path: str, files: Files) -> FoundPrograms:
    """The program that `path` is: a file, a mission folder, or all of a collection.

    A path where nothing stands gives RQ110, as an empty folder does.

    Raises:
        OSError: when a folder cannot be listed or a file of a collection cannot be read.
    """
    if files.kind(path) == "file":
        return FoundPrograms((ProgramRoot(path, "file", path),), ())
    if files.kind(path) is None:
        return FoundPrograms((), (_nothing_found(path, "no such file or folder"),))
    root = mission_folder(path, files)
    if root is not None:
        return FoundPrograms((root,), _both_roots(root, files))
    programs: list[ProgramRoot] = []
    warnings: list[Diagnostic] = []
    for found in _members_of_collection(path, files):
        programs.append(found)
        warnings.extend(_both_roots(found, files))
    if not programs:
        searched = "no 'mission.vague', no file with a mission, no folder with a 'mission.vague'"
        return FoundPrograms((), (_nothing_found(path, searched),))
    return FoundPrograms(tuple(programs), tuple(warnings))


def mission_folder(path: str, files: Files) -> ProgramRoot | None:
    """The program of a folder that holds `mission.vague` or `mission.reqon`, else None."""
    for name in ROOT_FILES:
        root_file = join(path, name)
        if files.kind(root_file) == "file":
            return ProgramRoot(path, "folder", root_file)
    return None


def part_files(root: ProgramRoot, files: Files) -> tuple[str, ...]:
    """The files merged into a mission folder beside its root file, in merge order.

    Raises:
        OSError: when a folder cannot be listed.
    """
    roots = {join(root.path, name) for name in ROOT_FILES}
    found = sorted(path for path in _below(root.path, files) if path not in roots)
    return tuple(sorted(found, key=lambda path: not _is_schema_file(path, root)))


def _is_schema_file(path: str, root: ProgramRoot) -> bool:
    return "schemas" in path.removeprefix(root.path).split("/")


def _below(folder: str, files: Files) -> Iterator[str]:
    for name in files.list(folder):
        path = join(folder, name)
        if name.startswith(".") or name == "node_modules":
            continue
        if files.kind(path) == "folder":
            if mission_folder(path, files) is None:
                yield from _below(path, files)
        elif name.endswith(EXTENSIONS):
            yield path


def _members_of_collection(folder: str, files: Files) -> Iterator[ProgramRoot]:
    for name in files.list(folder):
        path = join(folder, name)
        if name.startswith("."):
            continue
        if files.kind(path) == "folder":
            found = mission_folder(path, files)
            if found is not None:
                yield found
        elif name.endswith(EXTENSIONS) and defines_mission(files.read(path)):
            yield ProgramRoot(path, "file", path)


def _both_roots(root: ProgramRoot, files: Files) -> tuple[Diagnostic, ...]:
    if root.kind == "file":
        return ()
    others = [join(root.path, name) for name in ROOT_FILES]
    others = [path for path in others if path != root.root_file and files.kind(path) == "file"]
    used = basename(root.root_file)
    return tuple(
        Diagnostic(
            "RQ119",
            Severity.WARNING,
            path,
            Span(0, 0),
            f"'{basename(path)}' is ignored: the folder has a '{used}' too",
            help="keep one of the two",
        )
        for path in others
    )


def _nothing_found(path: str, searched: str) -> Diagnostic:
    return Diagnostic(
        "RQ110",
        Severity.ERROR,
        path,
        Span(0, 0),
        f"'{path}' holds no mission: {searched}",
        help="give a '.vague' file, a folder with a 'mission.vague', or a folder of such files",
    )


_TOKEN = re.compile(
    r"""//[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z) | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?
    | [{}] | [A-Za-z_]\w*""",
    re.VERBOSE | re.DOTALL,
)


def defines_mission(data: bytes) -> bool:
    """Whether a file has `mission NAME` outside all braces, comments and strings."""
    depth = 0
    after_mission = False
    for token in _TOKEN.finditer(data.decode("utf-8", "replace")):
        word = token[0]
        if word[0] in "/#":
            continue
        if after_mission and depth == 0 and word[0] not in "{}\"'":
            return True
        depth += (word == "{") - (word == "}")
        after_mission = word == "mission"
    return False


# ---------------------------------------------------------------- text of files


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong with the bytes of a file; `span` is in the decoded text."""

    span: Span
    message: str


def decode(data: bytes) -> tuple[str, FileProblem | None]:
    """The text of a file; bytes that are no UTF-8 become U+FFFD, and the first one is told.

    A file in UTF-16 is read as what it is, so that its encoding is all that is said about it.
    """
    wide = _wide_encoding(data)
    if wide is not None:
        text = data.decode(wide, "replace").removeprefix("\ufeff")
        return text, FileProblem(Span(0, min(1, len(text))), "file is in UTF-16, not in UTF-8")
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        at = len(data[: error.start].decode("utf-8"))
        message = f"file is not valid UTF-8: byte 0x{data[error.start]:02x}"
        return data.decode("utf-8", "replace"), FileProblem(Span(at, at + 1), message)


def _wide_encoding(data: bytes) -> str | None:
    """The name of the 16-bit encoding, told by its mark or by the zeros of its first letters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if data.startswith(b"\xff") else "utf-16-be"
    even, odd = data[0:_HEAD:2], data[1:_HEAD:2]
    if len(odd) > 1 and not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if len(odd) > 1 and not any(even) and all(odd) else None


_HEAD: Final = 16


def why_unreadable(error: OSError) -> str:
    """The reason in a few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return (error.strerror or str(error) or type(error).__name__).lower()


# ---------------------------------------------------------------- paths

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[/\\]")


def join(folder: str, path: str) -> str:
    """`path` seen from `folder`, without `.` and, where possible, without `..`."""
    full = path if _ABSOLUTE.match(path) or folder in ("", ".") else f"{folder.rstrip('/')}/{path}"
    parts: list[str] = []
    for part in full.split("/"):
        if part == ".." and parts and parts[-1] not in ("", ".."):
            parts.pop()
        elif part != "." and (part or not parts):
            parts.append(part)
    joined = "/".join(parts)
    return joined or ("/" if full.startswith("/") else ".")


def dirname(path: str) -> str:
    """The folder of a file; `.` for a bare name."""
    folder, slash, _ = path.rpartition("/")
    return folder or (slash or ".")


def basename(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def is_url(path: str) -> bool:
    """Whether a path is the address of something that is no file."""
    return "://" in path
