"""Parsing against a plain loop over the same tokens, long files and edits against short ones.

    python benchmarks/parse.py

Each figure compares two things in one run, and only the ratios carry over to other machines. Times
are of the processor, rounds are interleaved, the best of each counts. The limits are those that
the language promises; the last column says how far from them the figure is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import NamedTuple

from vague.check_source import NOON, MemoryFiles
from vague.checker import CheckFacts, check
from vague.parser import parse
from vague.program import Program, ProgramRoot, read_program
from vague.slices import PIECES

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.samples import long_action, long_list, long_mission, long_program

TOKEN = re.compile(
    rf"{PIECES['space']}(?:{PIECES['string']}|{PIECES['number']}|{PIECES['word']}"
    r"|->|=>|==|!=|<=|>=|\?\?|\.\.\.|[^\w\s])"
)
ROOT = ProgramRoot("mission.vague", "file", "mission.vague")
FACTS = CheckFacts(MemoryFiles(), NOON, frozenset({"UTC"}))
N_ROUNDS = 7


class Line(NamedTuple):
    """One comparison: two times in seconds, their ratio, and what it may be at most."""

    title: str
    first: float
    second: float
    limit: float

    @property
    def ratio(self) -> float:
        return self.first / self.second

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.limit else "TOO SLOW"
        return (
            f"{self.title:58} {self.first * 1e3:10.3f} ms {self.second * 1e3:10.3f} ms "
            f"{self.ratio:8.3f}  at most {self.limit:<6.3g} {verdict}"
        )


def best_of(*actions: Callable[[], object], rounds: int = N_ROUNDS) -> list[float]:
    """The shortest time of each action; the rounds are interleaved."""
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for number, action in enumerate(actions):
            begin = process_time()
            action()
            best[number] = min(best[number], process_time() - begin)
    return best


def match_tokens(text: str) -> int:
    """The plain loop: one `match` a token."""
    position = n_tokens = 0
    while (match := TOKEN.match(text, position)) is not None:
        position = match.end()
        n_tokens += 1
    return n_tokens


def tokens() -> Line:
    """All of a file, sliced, matched, built, against the loop over its tokens."""
    text = long_program(5000)
    parsing, matching = best_of(lambda: parse(text), lambda: match_tokens(text))
    return Line("parse 5,000 lines / match their tokens", parsing, matching, 40)


def length() -> Line:
    """A line of a long file against a line of a short one."""
    short, long = long_program(500), long_program(20_000)
    n_short, n_long = short.count("\n"), long.count("\n")
    first, second = best_of(
        lambda: parse(long), lambda: [parse(short) for _ in range(10)], rounds=4
    )
    return Line(
        "a line of 20,000 / a line of 500", first / n_long * 1000, second / n_short / 10 * 1000, 1.2
    )


def edit_at(text: str, mark: str) -> str:
    """The text with a letter typed behind the middle one of the places `mark`."""
    places = [match.end() for match in re.finditer(mark, text)]
    at = places[len(places) // 2]
    return f"{text[:at]}x{text[at:]}"


def program_of(text: str, before: Program | None = None) -> Program:
    return read_program(ROOT, MemoryFiles({"mission.vague": text}), before)


def edits(title: str, make: Callable[[int], str]) -> list[Line]:
    """An edit in a long file against the whole of it, and against the same edit in a short one."""
    lines: list[Line] = []
    for what, run in (("parse", parse_edit), ("parse + check", check_edit)):
        long, whole = run(make(5000))
        short, _ = run(make(200))
        edit, everything, same = best_of(long, whole, short)
        lines += [
            Line(f"{title}, {what}: edit / everything", edit, everything, 1 / 50),
            Line(f"{title}, {what}: edit in 5,000 lines / in 200", edit, same, 3),
        ]
    return lines


def parse_edit(text: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Parsing after an edit, and parsing anew."""
    changed = edit_at(text, r"row\.\w+")
    before = parse(text)
    return (lambda: parse(changed, before).diagnostics, lambda: parse(changed).diagnostics)


def check_edit(text: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Parsing and checking after an edit, and anew."""
    changed = edit_at(text, r"row\.\w+")
    before = program_of(text)
    checked = check(before, FACTS)

    def again() -> object:
        return check(program_of(changed, before), FACTS, checked).diagnostics

    return (again, lambda: check(program_of(changed), FACTS).diagnostics)


def main() -> int:
    """Print all comparisons; 1 when one is over its limit."""
    lines = [
        tokens(),
        length(),
        *edits("missions", long_program),
        *edits("one mission", long_mission),
        *edits("one action", long_list),
        *edits("one action, all wrong", long_action),
    ]
    for line in lines:
        print(line)
    return int(any(line.ratio > line.limit for line in lines))


if __name__ == "__main__":
    sys.exit(main())
