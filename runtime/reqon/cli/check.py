"""`reqon check`: the language's diagnostics for people, editors and CI services.

Runs nothing and writes nothing. Each program is checked by itself; the forms of the report live in
`reqon.cli.reports`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import click

from reqon.cli import console, wording
from reqon.cli.invocation import ReqonCommand
from reqon.cli.programs import Sources, counts, find, require_paths
from reqon.cli.reports import REPORTS, Report
from reqon.errors import ExitCode
from reqon.loader import DiskFiles
from reqon.surroundings import check_facts
from vague.checker import Checked, check
from vague.diagnostics import Diagnostic, sort_key
from vague.program import Program, ProgramRoot, read_program

FileStates: TypeAlias = dict[str, tuple[int, int]]
"""Time and size of files."""

_POLL_SECONDS = 0.3
_SETTLE_SECONDS = 0.1
_LAST_SYNTAX_CODE = "RQ019"

EPILOG = """\b
Examples:
  reqon check ./missions/
  reqon check sync.vague --format github
  reqon check ./missions/ --watch
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """All diagnostics of all programs, and the files that were read."""

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]
    sources: Sources


@dataclass(slots=True)
class Checker:
    """Checks paths again and again, reusing what did not change since the last time."""

    syntax_only: bool = False
    _known: dict[str, tuple[Program, Checked | None]] = field(
        default_factory=dict[str, tuple[Program, "Checked | None"]]
    )

    def check(self, paths: Sequence[str]) -> Findings:
        """Read and check everything found at `paths`, which exist."""
        sources = Sources()
        diagnostics: dict[Diagnostic, None] = {}
        files: dict[str, None] = {}
        for path in paths:
            found = find(path)
            diagnostics.update(dict.fromkeys(found.diagnostics))
            for root in found.programs:
                program, checked = self._check_program(root)
                diagnostics.update(dict.fromkeys(self._kept(program, checked)))
                for name, source_file in program.files.items():
                    files[name] = None
                    sources.add(name, source_file.parsed.source)
        return Findings(tuple(sorted(diagnostics, key=sort_key)), tuple(files), sources)

    def _check_program(self, root: ProgramRoot) -> tuple[Program, Checked | None]:
        before, checked_before = self._known.get(root.path, (None, None))
        program = read_program(root, DiskFiles(), before)
        checked = None
        if not self.syntax_only:
            checked = check(program, check_facts(DiskFiles(), execute=False), checked_before)
        self._known[root.path] = (program, checked)
        return program, checked

    def _kept(self, program: Program, checked: Checked | None) -> tuple[Diagnostic, ...]:
        if checked is not None:
            return checked.diagnostics
        return tuple(d for d in program.diagnostics if d.code <= _LAST_SYNTAX_CODE)


@click.command("check", cls=ReqonCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--syntax-only", is_flag=True, help="Read and parse, no further checks.")
@click.option(
    "--format", "form", type=click.Choice(list(REPORTS)), default="text", help="Form of the report."
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes.")
@click.option(
    "--max-warnings", type=click.IntRange(0), metavar="N", help="Fail when there are more."
)
def command(
    paths: tuple[str, ...],
    *,
    syntax_only: bool,
    form: str,
    watch: bool,
    max_warnings: int | None,
) -> int:
    """Find the problems of programs without running them.

    Exit code 2 when there are errors (or more warnings than allowed), else 0.
    """
    require_paths(paths)
    checker = Checker(syntax_only)
    report = REPORTS[form]
    if watch:
        return _watch(checker, paths, report)
    findings = checker.check(paths)
    return _finish(findings, report, max_warnings)


def _finish(findings: Findings, report: Report, max_warnings: int | None) -> int:
    report(findings.diagnostics, findings.files, findings.sources)
    errors, warnings = counts(findings.diagnostics)
    if errors:
        return ExitCode.SOURCE
    if max_warnings is not None and warnings > max_warnings:
        console.say_problem(
            "error", f"{wording.counted(warnings, 'warning')}, but only {max_warnings} allowed"
        )
        return ExitCode.SOURCE
    return ExitCode.SUCCESS


def _watch(checker: Checker, paths: Sequence[str], report: Report) -> int:
    """Report at each change of a file until Ctrl-C, which is the ordinary end."""
    seen: FileStates | None = None
    try:
        while True:
            state = _states(paths)
            if state != seen:
                seen = state if seen is None else _settled(paths, state)
                console.clear_screen()
                findings = checker.check([path for path in paths if DiskFiles().kind(path)])
                report(findings.diagnostics, findings.files, findings.sources)
                console.say("watching for changes; Ctrl-C ends it")
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return ExitCode.SUCCESS


def _settled(paths: Sequence[str], state: FileStates) -> FileStates:
    """The state in which the files stay for a moment: editors write a file in several steps."""
    while True:
        time.sleep(_SETTLE_SECONDS)
        later = _states(paths)
        if later == state:
            return state
        state = later


def _states(paths: Sequence[str]) -> FileStates:
    """Time and size of every program file at or below the paths, and of files beside them."""
    states: FileStates = {}
    for path in paths:
        root = Path(path)
        for file in _watched_files(root if root.is_dir() else root.parent):
            try:
                facts = file.stat()
            except OSError:
                continue
            states[str(file)] = (facts.st_mtime_ns, facts.st_size)
    return states


def _watched_files(folder: Path) -> Iterator[Path]:
    """The programs and specs below a folder, not those in hidden folders and `node_modules`."""
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one[0] != "." and one != "node_modules"]
        for name in names:
            if name.endswith((".vague", ".reqon", ".json", ".yaml", ".yml")):
                yield Path(place, name)
