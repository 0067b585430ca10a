"""Which missions a `run` runs: paths and `--mission` names to checked programs.

Says the problems of the programs and refuses to go on when there are errors: nothing is executed
then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reqon.cli import console, excerpt, wording
from reqon.cli.programs import Sources, counts, find, require_paths
from reqon.errors import CheckError, ConfigError
from reqon.loader import DiskFiles
from reqon.surroundings import check_facts
from vague.checker import check
from vague.diagnostics import Diagnostic, Severity, sort_key
from vague.program import Program, read_program


@dataclass(frozen=True, slots=True)
class Selected:
    """A mission to run; `path` is the PATH of the command line that it was found at."""

    program: Program
    mission: str
    path: str


def select(
    paths: Sequence[str], names: Sequence[str], commands: Sequence[str], sources: Sources
) -> list[Selected]:
    """The missions at `paths` (those of `names`, if any), in the order in which they run.

    Raises ConfigError for a path or a name that does not exist, CheckError for a program with
    errors (its diagnostics are those of all programs that would have been run).
    """
    require_paths(paths, commands)
    programs, diagnostics = _read(paths, sources)
    selected = [
        Selected(program, mission.name, path)
        for path, program in programs
        for mission in program.missions
        if not names or mission.name in names
    ]
    _refuse_unknown_names(names, programs)
    _refuse_ambiguous_names(selected)
    chosen = [program for _, program in programs if _is_chosen(program, names)]
    for program in chosen:
        diagnostics.update(
            dict.fromkeys(check(program, check_facts(DiskFiles(), execute=True)).diagnostics)
        )
    ordered = tuple(sorted(diagnostics, key=sort_key))
    if any(diagnostic.severity is Severity.ERROR for diagnostic in ordered):
        raise CheckError("the program has errors; nothing was run", ordered)
    say_diagnostics(ordered, sources, lambda d: d.severity is Severity.WARNING)
    return selected


def _read(
    paths: Sequence[str], sources: Sources
) -> tuple[list[tuple[str, Program]], dict[Diagnostic, None]]:
    programs: list[tuple[str, Program]] = []
    diagnostics: dict[Diagnostic, None] = {}
    for path in dict.fromkeys(paths):
        found = find(path)
        diagnostics.update(dict.fromkeys(found.diagnostics))
        for root in found.programs:
            program = read_program(root, DiskFiles())
            programs.append((path, program))
            for name, file in program.files.items():
                sources.add(name, file.parsed.source)
    return programs, diagnostics


def _is_chosen(program: Program, names: Sequence[str]) -> bool:
    return not names or any(mission.name in names for mission in program.missions)


def _refuse_unknown_names(names: Sequence[str], programs: Sequence[tuple[str, Program]]) -> None:
    known = [mission.name for _, program in programs for mission in program.missions]
    for name in names:
        if name not in known:
            listed = ", ".join(dict.fromkeys(known)) or "none"
            raise ConfigError(f"there is no mission '{name}'", hint=f"the missions are: {listed}")


def _refuse_ambiguous_names(selected: Sequence[Selected]) -> None:
    seen: dict[str, Program] = {}
    for choice in selected:
        other = seen.setdefault(choice.mission, choice.program)
        if other is not choice.program:
            places = f"'{other.root.path}' and '{choice.program.root.path}'"
            raise CheckError(
                f"RQ109: mission '{choice.mission}' is defined in both {places}; "
                "records and locks go by the name"
            )


def say_diagnostics(
    diagnostics: Sequence[Diagnostic],
    sources: Sources,
    wanted: Callable[[Diagnostic], bool],
) -> None:
    """Say the wanted ones to standard error, each with its line."""
    for diagnostic in filter(wanted, diagnostics):
        for line in excerpt.diagnostic_lines(
            diagnostic,
            sources.get(diagnostic.path),
            diagnostic.path,
            console.width(sys.stderr),
            console.paint,
        ):
            console.say(line)
        console.say()


def say_check_error(error: CheckError, sources: Sources) -> None:
    """Say all errors and warnings of the program, and that nothing was run."""
    say_diagnostics(
        error.diagnostics, sources, lambda d: d.severity in (Severity.ERROR, Severity.WARNING)
    )
    errors, _ = counts(error.diagnostics)
    if errors:
        console.say(f"{wording.counted(errors, 'error')}; nothing was run")
    else:
        console.say_error(error)
