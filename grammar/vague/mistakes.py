"""Looks up what is known of a mistake: its place, what is said, what to write instead.

The rows are in `habits`; `wording` asks here before it says anything more general.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from vague.diagnostics import Fix, TextEdit
from vague.habits import BY_LABEL, EVERYWHERE, LAST, Habit
from vague.text import Span

_FAR: Final = 400
_WORD: Final = re.compile(r"[\w\"'/]")
_REPEATED: Final = re.compile(r"\w{2,30}(?![\w.])")


class Mistake(NamedTuple):
    """A known mistake and what to write.

    `span` is empty where it is the token that was found, `message` where it is the usual one.
    """

    span: Span
    message: str
    hint: str
    fixes: tuple[Fix, ...]


def known_mistake(text: str, at: int, wanted: Sequence[str], floor: int) -> Mistake | None:
    """The mistake at `at`, where one of `wanted` would have fitted, if it is a known one.

    What stands before `floor` is not looked at.
    """
    if (twice := _written_twice(text, at, floor)) is not None:
        return twice
    rows = (row for label in wanted for row in BY_LABEL.get(label, ()))
    return _first(chain(EVERYWHERE, rows), text, at, floor)


def _written_twice(text: str, at: int, floor: int) -> Mistake | None:
    """A word that repeats the one before it on the line."""
    found = _REPEATED.match(text, at)
    before = text[floor:at]
    if found is None or not re.search(rf"(?<![\w.]){re.escape(found.group())}[ \t]+\Z", before):
        return None
    start = at - (len(before) - len(before.rstrip(" \t")))
    fix = Fix("remove it", (TextEdit(Span(start, found.end()), ""),), safe=False)
    message = f"'{found.group()}' is written twice"
    return Mistake(Span(at, found.end()), message, "remove one of them", (fix,))


def last_resort(text: str, at: int, wanted: Sequence[str], floor: int) -> Mistake | None:
    """The same, where nobody knows better."""
    return _first((row for label in wanted for row in LAST.get(label, ())), text, at, floor)


def _first(rows: Iterable[Habit], text: str, at: int, floor: int) -> Mistake | None:
    for habit in rows:
        here = _compiled(habit.here).match(text, at)
        if here is None:
            continue
        if not habit.before:
            return _mistake(habit, here, None, at)
        before = _compiled(rf"{habit.before}\Z").search(text, max(floor, at - _FAR), at)
        if before is not None:
            return _mistake(habit, here, before, at)
    return None


def _mistake(habit: Habit, here: re.Match[str], before: re.Match[str] | None, at: int) -> Mistake:
    groups = here.groupdict() | ({} if before is None else before.groupdict())
    facts = {name: (value or "").strip() for name, value in groups.items()}
    facts["quote"] = facts.get("blame", "")[:1]
    blamed = _part(before, "blame") or Span(at, at)
    behind = here.end() if here.group() else blamed.end
    fixes: tuple[Fix, ...] = ()
    if habit.better is not None:
        better = habit.better.format(**facts)
        start = (_part(before, "start") or blamed).start
        title = f"replace it by '{better.strip()}'" if better.strip() else "remove it"
        fixes = (Fix(title, (TextEdit(Span(start, behind), better),), safe=False),)
    end = behind if here.group() and not _WORD.search(here.group()) else blamed.end
    end = blamed.start + len(here.string[blamed.start : end].rstrip())
    known = Span(blamed.start, end) if blamed.end > at or blamed.start < at else Span(at, at)
    return Mistake(known, habit.message.format(**facts), habit.hint.format(**facts), fixes)


def _part(match: re.Match[str] | None, group: str) -> Span | None:
    if match is None or group not in match.re.groupindex:
        return None
    return Span(*match.span(group))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)
