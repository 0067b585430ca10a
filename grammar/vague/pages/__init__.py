"""The pages of the codes: what each one means, with an example that has it and one that has not.

The pages are Markdown beside this file, `RQ203.md` for RQ203: a head with `code`, `severity` and
`title`, then the sections What, Bad, Good, Why and Fix. This module reads them, which is the only
reading of files here beside the grammar's own. Hover, `reqon check` and the docs show them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vague.codes import SEVERITIES
from vague.diagnostics import Severity

Example = Mapping[str, bytes]
"""The files of an example by path; a single one is `mission.vague`."""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"(?://|#) file: (\S+)\n")


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `what`, `why` and `fix` are Markdown; `body` is all of it below the head."""

    code: str
    severity: Severity
    title: str
    body: str
    what: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    why: str
    fix: str


@cache
def page(code: str) -> Page | None:
    """The page of a code, None for a code that does not exist."""
    if code not in SEVERITIES:
        return None
    text = files(__name__).joinpath(f"{code}.md").read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2)
    fields = dict(re.findall(r"^(\w+): *(.*)$", head, re.MULTILINE))
    parts = re.split(r"^## (\w+)\n", body, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Page(
        fields["code"],
        Severity(fields["severity"]),
        fields["title"],
        body.strip("\n"),
        sections["What"].strip(),
        tuple(_examples(sections["Bad"])),
        tuple(_examples(sections["Good"])),
        sections["Why"].strip(),
        sections["Fix"].strip(),
    )


def pages() -> tuple[Page, ...]:
    """All pages, in the order of their codes."""
    found = map(page, sorted(SEVERITIES))
    return tuple(one for one in found if one is not None)


def _examples(section: str) -> list[Example]:
    """Each block is an example; blocks that name their file are one example together."""
    single: list[Example] = []
    folder: dict[str, bytes] = {}
    for language, code in _FENCE.findall(section):
        named = _FILE_NAME.match(code)
        if named is not None:
            folder[named[1]] = code[named.end() :].encode()
        elif language == "bytes":
            escaped = code.encode("ascii").decode("unicode_escape")
            single.append({"mission.vague": escaped.encode("latin-1")})
        else:
            single.append({"mission.vague": code.encode()})
    return [*single, folder] if folder else single
