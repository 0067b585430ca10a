"""Coverage-guided fuzzing of the language: parse, parse after an edit, check, format.

    python scripts/fuzz.py [--seconds 600] [--findings FOLDER]

Starts from the sample programs of the tests. Stops at the first text for which a promise does not
hold, and leaves the text in FOLDER; put it into a test and mend the cause. Needs `atheris`, which
`make test-deep` installs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vague"]):
    from vague.check_source import NOON, MemoryFiles
    from vague.checker import CheckFacts, check
    from vague.formatter import format_text
    from vague.parser import Parsed, parse
    from vague.program import ProgramRoot, read_program

ROOT = ProgramRoot("mission.vague", "file", "mission.vague")
FACTS = CheckFacts(MemoryFiles(), NOON, frozenset({"UTC"}))
SAMPLES = Path(__file__).parents[1] / "tests" / "grammar" / "samples"
LONGEST = 4000


def main() -> None:
    """Fuzz until the time is over or a promise is broken."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=600)
    arguments.add_argument("--findings", default=".")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as corpus:
        for number, sample in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(sample)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-artifact_prefix={chosen.findings}/",
            f"-max_len={LONGEST}",
            "-timeout=20",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], try_one)
        atheris.Fuzz()


def seeds() -> list[bytes]:
    """Whole samples, and their statements alone: small texts are mutated best."""
    whole = [path.read_bytes() for path in sorted(SAMPLES.glob("*.vague"))]
    lines = {line.strip() for text in whole for line in text.splitlines()}
    return [b"\0\0\0" + text for text in (*whole, *sorted(lines))]


def try_one(data: bytes) -> None:
    """Three bytes choose an edit, the others are the text."""
    place, removed, inserted = (*data[:3], 0, 0, 0)[:3]
    text = data[3:].decode("utf-8", "replace")
    parsed = parse(text)
    assert_in_range(parsed)
    at = place * len(text) // 256
    changed = f"{text[:at]}{chr(inserted)}{text[at + removed % 8 :]}"
    assert_same(parse(changed, parsed), parse(changed))
    check(read_program(ROOT, MemoryFiles({"mission.vague": text})), FACTS)
    formatted = format_text(text)
    if not parsed.diagnostics:
        assert parse(formatted.text).tree == parsed.tree
        assert format_text(formatted.text).text == formatted.text


def assert_in_range(parsed: Parsed) -> None:
    """Problems lie within the text."""
    length = len(parsed.source.text)
    for one in parsed.diagnostics:
        assert 0 <= one.span.start <= one.span.end <= length


def assert_same(again: Parsed, fresh: Parsed) -> None:
    """Reading again gives what reading anew gives."""
    assert repr(again.tree) == repr(fresh.tree)
    assert again.diagnostics == fresh.diagnostics
    assert again.source == fresh.source
    assert again.comments == fresh.comments


if __name__ == "__main__":
    main()
