"""`reqon fmt`: lays out programs in the canonical way, in place.

A file with syntax errors stays untouched; a file that changes is replaced as a whole.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reqon.cli import console, excerpt, wording
from reqon.cli.files import replace_file
from reqon.cli.invocation import ReqonCommand
from reqon.cli.programs import SUFFIXES, require_paths
from reqon.errors import ConfigError, ExitCode
from reqon.loader import DiskFiles
from reqon.state_folder import DEFAULT_STATE_DIR
from vague.formatter import Formatted, format_text
from vague.program_files import decode
from vague.text import SourceText

_SKIPPED = frozenset({"node_modules", DEFAULT_STATE_DIR})

EPILOG = """\b
Examples:
  reqon fmt ./missions/
  reqon fmt --check ./missions/      exit code 1 when something would change
  reqon fmt --diff sync.vague
  reqon fmt - < sync.vague
"""


@click.command("fmt", cls=ReqonCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--check", "check_only", is_flag=True, help="Change nothing; exit code 1 if it would."
)
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
def command(paths: tuple[str, ...], *, check_only: bool, diff: bool) -> int:
    """Lay out files in place, or standard input with `-`.

    Folders are searched for .vague and .reqon files. Exit code 2 when a file has syntax errors (it
    stays untouched), 1 when `--check` finds a file that would change.
    """
    if "-" in paths:
        if len(paths) > 1:
            raise click.UsageError("'-' (standard input) cannot be combined with paths")
        return _format_input(check_only=check_only, diff=diff)
    require_paths(paths)
    files = list(dict.fromkeys(file for path in paths for file in _files(Path(path))))
    if not files:
        raise ConfigError(
            f"no .vague or .reqon file in '{paths[0]}'", hint="name a file, or another folder"
        )
    return _format_files(files, check_only=check_only, diff=diff)


def _format_files(files: list[Path], *, check_only: bool, diff: bool) -> int:
    changed = broken = 0
    for file in files:
        data = DiskFiles().read(str(file))
        formatted = _format(data, str(file))
        if formatted is None:
            broken += 1
        elif formatted != data:
            changed += 1
            _handle_change(file, data, formatted, check_only=check_only, diff=diff)
    console.say(_summary(len(files), changed, broken, dry=check_only or diff))
    if broken:
        return ExitCode.SOURCE
    return ExitCode.FAILED if changed and check_only else ExitCode.SUCCESS


def _handle_change(
    file: Path, data: bytes, formatted: bytes, *, check_only: bool, diff: bool
) -> None:
    if diff:
        _show_diff(str(file), data, formatted)
    if check_only and not diff:
        console.show(f"would change {file}")
    if not check_only and not diff:
        replace_file(file, formatted)
        console.show(f"changed {file}")


def _format_input(*, check_only: bool, diff: bool) -> int:
    data = sys.stdin.buffer.read()
    formatted = _format(data, "<stdin>")
    if formatted is None:
        return ExitCode.SOURCE
    if diff:
        _show_diff("<stdin>", data, formatted)
    elif not check_only:
        console.show_raw(formatted)
    return ExitCode.FAILED if check_only and formatted != data else ExitCode.SUCCESS


def _format(data: bytes, name: str) -> bytes | None:
    """The laid out bytes; None, with the reason said, where the text cannot be read."""
    text, problem = decode(data)
    if problem is not None:
        line = text.count("\n", 0, problem.span.start) + 1
        head = console.paint("error[RQ015]", "error")
        console.say(f"{name}:{line}:1: {head}: {problem.message}")
        return None
    formatted = format_text(text)
    if formatted.diagnostics:
        _say_problems(formatted, text, name)
        return None
    return formatted.text.encode("utf-8")


def _say_problems(formatted: Formatted, text: str, name: str) -> None:
    source = SourceText.of(text)
    for diagnostic in formatted.diagnostics:
        for line in excerpt.diagnostic_lines(
            diagnostic, source, name, console.width(sys.stderr), console.paint
        ):
            console.say(line)
        console.say()


def _show_diff(name: str, before: bytes, after: bytes) -> None:
    lines = difflib.unified_diff(
        before.decode("utf-8").splitlines(),
        after.decode("utf-8").splitlines(),
        f"a/{name.lstrip('/')}",
        f"b/{name.lstrip('/')}",
        lineterm="",
    )
    styles = {"+": "good", "-": "bad", "@": "busy"}
    for line in lines:
        style = styles.get(line[:1])
        console.show(console.paint(line, style) if style else line)


def _summary(n_files: int, changed: int, broken: int, *, dry: bool) -> str:
    verb = "would change" if dry else "changed"
    parts = [f"{wording.counted(changed, 'file')} {verb}"] if changed else []
    if broken:
        parts.append(f"{wording.counted(broken, 'file')} with syntax errors left untouched")
    same = n_files - changed - broken
    if same:
        parts.append(f"{wording.counted(same, 'file')} in order already")
    return ", ".join(parts)


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or all program files below a folder, hidden and foreign ones left out."""
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.name in _SKIPPED or entry.is_symlink():
            continue
        if entry.is_dir() or entry.suffix in SUFFIXES:
            yield from _files(entry)
