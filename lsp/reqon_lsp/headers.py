"""The headers of the missions in a file, steady while the text is momentarily broken.

A lens that comes and goes with every half-typed word makes the text jump. So a mission that the
last whole text had, and that a broken text has lost, keeps its header where its words still
stand, else where they stood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vague.program import MissionProgram, Program
from vague.text import Span

_HEADER = re.compile(r"(?>[^{/#]++|//[^\n]*+|#[^\n]*+|/\*.*?\*/|/)*+\{", re.DOTALL)
MAX_HEADERS = 200


@dataclass(frozen=True, slots=True)
class Header:
    """A mission's header: its name's place, and the offset behind the `{`."""

    mission: str
    name: Span
    end: int


def headers(program: Program, path: str, before: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers in one file; `before` are those of the text before."""
    source = program.files.get(path)
    if source is None:
        return ()
    text = source.parsed.source.text
    found = [
        Header(mission.name, _name(mission), header_end(text, mission))
        for mission in program.missions
        if mission.mission.path == path
    ]
    if source.diagnostics:
        names = {header.mission for header in found}
        found.extend(_kept(header, text) for header in before if header.mission not in names)
        found.sort(key=lambda header: header.name)
    return tuple(found[:MAX_HEADERS])


def header_end(text: str, mission: MissionProgram) -> int:
    """Offset just behind the `{` of the mission's header."""
    name_end = _name(mission).end
    found = _HEADER.match(text, name_end)
    return found.end() if found else name_end


def _name(mission: MissionProgram) -> Span:
    return mission.mission.absolute(mission.mission.node.name.span)


def _kept(header: Header, text: str) -> Header:
    """The header of a mission that the broken text has lost."""
    found = re.search(rf"\bmission\s+({re.escape(header.mission)})\b", text)
    if found is not None:
        return Header(header.mission, Span(*found.span(1)), found.end())
    start = min(header.name.start, len(text))
    return Header(header.mission, Span(start, start), min(header.end, len(text)))
