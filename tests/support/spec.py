"""Literate specs of the checker: markdown whose code says, line by line, what is reported there.

A section (`## …`) is a case. Its ```vague block is a mission file; several blocks that begin with
`// file: NAME` (or `# file: NAME`, in any language) are a folder. Expectations stand at the end
of their line:

    store response -> specimen   // error[RQ203] «specimen»: unknown store 'specimen'

The text in « » is the exact range, and the message may be left out. All errors and warnings must
be expected; infos and hints only if the block mentions their code. A block ```vague fixed after
it is the text that results from all first fixes of the problems expected.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from vague.check_source import NOON, MemoryFiles
from vague.checker import Checked, CheckFacts, check
from vague.diagnostics import Diagnostic, Severity
from vague.program import find_programs, read_program

ZONES = frozenset({"Europe/Lisbon", "Europe/London", "America/New_York", "UTC", "Asia/Tokyo"})
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?://|#) file: (\S+)[^\n]*\n")
_EXPECTED = re.compile(
    r"(?://|#) (?P<severity>error|warning|info|hint)\[(?P<code>RQ\d{3})\]"
    r"(?: «(?P<text>[^»]*)»)?(?:: (?P<message>.*?))?(?=\s+(?://|#) (?:error|warning|info|hint)\[|$)"
)


Key = tuple[str, int, str, str]
"""File, line, severity and code."""


@dataclass(frozen=True)
class Case:
    """A section of a spec: its files and what the first fixes make of the only one."""

    page: str
    title: str
    files: Mapping[str, str]
    fixed: str | None = None

    @property
    def name(self) -> str:
        return f"{self.page}: {self.title}"

    @property
    def mentioned(self) -> frozenset[str]:
        return frozenset(re.findall(r"RQ\d{3}", "".join(self.files.values())))


@dataclass(frozen=True, order=True)
class Expected:
    """One expectation, or the same said of a diagnostic."""

    path: str
    line: int
    severity: str
    code: str
    text: str | None = field(default=None, compare=False)
    message: str | None = field(default=None, compare=False)


def cases(folder: Path) -> list[Case]:
    """All cases of the specs in a folder."""
    return [case for path in sorted(folder.glob("*.md")) for case in cases_of(path)]


def cases_of(path: Path) -> Iterator[Case]:
    """The cases of one spec."""
    text = path.read_text(encoding="utf-8")
    parts = _HEADING.split(text)[1:]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        yield from _cases_of_section(path.stem, title, body)


def _cases_of_section(page: str, title: str, body: str) -> Iterator[Case]:
    blocks = [(kind, marks.split(), code) for kind, marks, code in _FENCE.findall(body)]
    files = dict(_named_file(kind, code) for kind, _, code in blocks if _FILE.match(code))
    if files:
        yield Case(page, title, files)
        return
    for position, (kind, marks, code) in enumerate(blocks):
        if kind == "vague" and "fixed" not in marks:
            following = blocks[position + 1] if position + 1 < len(blocks) else None
            fixed = following[2] if following and "fixed" in following[1] else None
            yield Case(page, f"{title} ({position + 1})", {"mission.vague": code}, fixed)


def _named_file(kind: str, code: str) -> tuple[str, str]:
    """The name in the first line; only in a program that line is a comment of the file itself."""
    name = _FILE.match(code)
    assert name is not None
    return name[1], code if kind == "vague" else code[name.end() :]


def run(case: Case) -> list[Checked]:
    """Check the programs of a case."""
    files = MemoryFiles(case.files)
    facts = CheckFacts(files, NOON, ZONES)
    return [check(read_program(root, files), facts) for root in find_programs(".", files).programs]


def problems(case: Case) -> list[str]:
    """Where the case and the checker differ, in words; nothing when all is as written."""
    found = [one for checked in run(case) for one in checked.diagnostics]
    relevant = [one for one in found if _is_relevant(one, case)]
    expected = [one for path, text in case.files.items() for one in expectations(path, text)]
    actual: dict[Key, list[Diagnostic]] = defaultdict(list)
    for one in relevant:
        actual[_key(one, case)].append(one)
    wanted: dict[Key, list[Expected]] = defaultdict(list)
    for one in expected:
        wanted[one.path, one.line, one.severity, one.code].append(one)
    return [
        difference
        for key in sorted({*actual, *wanted})
        for difference in _differences(key, wanted[key], actual[key], case)
    ]


def _is_relevant(found: Diagnostic, case: Case) -> bool:
    grave = found.severity in (Severity.ERROR, Severity.WARNING)
    return grave or found.code in case.mentioned


def _key(found: Diagnostic, case: Case) -> Key:
    line = case.files[found.path].count("\n", 0, found.span.start) + 1
    return (found.path, line, found.severity.value, found.code)


def _differences(
    key: Key, wanted: list[Expected], actual: list[Diagnostic], case: Case
) -> Iterator[str]:
    """Several of one code on a line are expected in the order of their places."""
    for one, found in zip_longest(wanted, actual):
        if found is None:
            yield f"missing: {key} {one.text or ''}"
        elif one is None:
            yield f"unexpected: {key} {found.message}"
        else:
            yield from _details(one, found, case)


def _details(one: Expected, found: Diagnostic, case: Case) -> Iterator[str]:
    text = case.files[found.path][found.span.start : found.span.end]
    if one.text is not None and one.text != text:
        yield f"range of {one.code} is «{text}», not «{one.text}»"
    if one.message is not None and one.message != found.message:
        yield f"message of {one.code} is: {found.message}"


def expectations(path: str, text: str) -> Iterator[Expected]:
    """What the comments of a file expect."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _EXPECTED.finditer(line):
            yield Expected(
                path, number, match["severity"], match["code"], match["text"], match["message"]
            )


def without_expectations(text: str) -> str:
    """The text with the comments and the space before them removed."""
    return "".join(
        re.sub(r"\s*(?://|#) (?:error|warning|info|hint)\[.*$", "", line) + "\n"
        for line in text.splitlines()
    )


def fixed(case: Case) -> str:
    """The file after the first fix of every problem that it mentions."""
    (text,) = case.files.values()
    found = [one for checked in run(case) for one in checked.diagnostics]
    edits = [
        edit
        for one in found
        if one.code in case.mentioned and one.fixes
        for edit in one.fixes[0].edits
    ]
    for edit in sorted(set(edits), key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text
