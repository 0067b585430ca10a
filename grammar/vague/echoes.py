"""One message for one bracket: what a wrong bracket makes wrong elsewhere is left out.

Where a `{` is missing, or another bracket stands in its place, its `}` closes nothing, and what
follows seems to stand in the wrong block. That is told by the first message already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vague.diagnostics import Diagnostic

_MISSING_BRACE = re.compile(r"expected (?:.* or )?'\{' behind ")
NESTING_CODES = frozenset({"RQ105", "RQ113", "RQ301"})
"""What rests on the block in which something stands."""


def without_echoes(problems: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The problems of a text, sorted by place, without those that only repeat one before."""
    if not any(one.code == "RQ007" for one in problems):
        return tuple(problems)
    named = {one.span.start for one in problems if one.code == "RQ001"}
    strays = {one.span.start for one in problems if one.code == "RQ007" and not one.related}
    kept: list[Diagnostic] = []
    n_open = 0
    for one in problems:
        unclosed = one.code == "RQ007" and bool(one.related)
        if unclosed and one.span.start in named:
            n_open += 1
        elif one.code == "RQ007" and not unclosed and n_open > 0:
            n_open -= 1
        elif one.code != "RQ001" or one.span.start not in strays:
            n_open += _lacks_brace(one)
            kept.append(one)
    return tuple(kept)


def uncertain_from(errors: Iterable[Diagnostic]) -> int | None:
    """The place from which on nobody knows in which block things stand."""
    places = [one.span.start for one in errors if one.code == "RQ007" or _lacks_brace(one)]
    return min(places, default=None)


def _lacks_brace(one: Diagnostic) -> bool:
    return one.code == "RQ001" and _MISSING_BRACE.match(one.message) is not None
