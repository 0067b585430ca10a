"""Rules about `schedule` and `timezone`: cron fields, moments, intervals, zones."""

from __future__ import annotations

from collections.abc import Iterable

from vague.ast.definitions import Schedule
from vague.ast.expressions import Quantity, StringLiteral
from vague.rules.durations import UNITS_FROM_SECONDS, refuse_unit
from vague.rules.literals import is_whole, plain
from vague.rules.registry import RuleTable
from vague.rules.wording import replacement
from vague.schedules import Cron, CronProblem, Once, parse_at, parse_cron
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.events import OptionUse
from vague.traversal.state import Walk

SCHEDULES = RuleTable()

_INTERVAL_UNITS = frozenset(
    unit + plural for unit in ("second", "minute", "hour", "day", "week") for plural in ("", "s")
)


@SCHEDULES.on(Schedule)
def check_schedule(schedule: Schedule, walk: Walk) -> None:
    """RQ307, RQ310, RQ312, RQ313, RQ314 and RQ328."""
    value = schedule.value
    if isinstance(value, Quantity):
        _check_interval(value, walk)
    elif schedule.kind == "cron":
        _check_cron(value, walk)
    else:
        _check_at(value, walk)


def _check_interval(value: Quantity, walk: Walk) -> None:
    unit = value.unit
    if unit is not None and unit.text not in _INTERVAL_UNITS:
        refuse_unit(value, UNITS_FROM_SECONDS, walk)
    number = -value.number.value if value.negative else value.number.value
    if number > 0 and is_whole(number):
        return
    better = plain(max(1, round(abs(number))))
    word = "minutes" if unit is None else unit.text
    start = walk.span(value).start
    end = walk.span(value.number).end
    message = f"interval must be a positive whole number, found {plain(number)}"
    fixes = (replacement(walk, Span(start, end), better, safe=False),)
    help_text = f"write 'every {better} {word}'"
    walk.report("RQ314", Span(start, end), message, help_text, fixes)


# ---------------------------------------------------------------- cron


def _check_cron(value: StringLiteral, walk: Walk) -> None:
    found = parse_cron(value.value)
    if isinstance(found, Cron):
        if not found.can_match:
            message = f"cron expression '{value.value}' matches no date: it never runs"
            help_text = "day, month and weekday must all match; no such day exists in these months"
            walk.report("RQ328", value, message, help_text)
        return
    for problem in found:
        _report_cron(problem, value, walk)


def _report_cron(problem: CronProblem, value: StringLiteral, walk: Walk) -> None:
    span = inner_span(value, problem.span, walk)
    fixes = ()
    help_text = "the fields are: minute hour day-of-month month weekday"
    if problem.replacement is not None:
        fixes = (replacement(walk, span, problem.replacement),)
        help_text = f"write '{problem.replacement}'"
    walk.report("RQ310", span, problem.message, help_text, fixes)


def inner_span(literal: StringLiteral, span: Span, walk: Walk) -> Span:
    """A piece of a string in the program text; the whole string where escapes move it."""
    outer = walk.span(literal)
    if literal.text[1:-1] != literal.value:
        return outer
    return span.shifted(outer.start + 1)


# ---------------------------------------------------------------- at


def _check_at(value: StringLiteral, walk: Walk) -> None:
    moment = parse_at(value.value)
    if moment is None:
        message = f"unreadable date or time '{value.value}'"
        help_text = "write 'HH:MM' for every day, or 'YYYY-MM-DD HH:MM' for once"
        walk.report("RQ312", value, message, help_text)
    elif isinstance(moment, Once) and moment.is_past(walk.surroundings.facts.now):
        message = f"'{value.value}' lies in the past: the mission never runs"
        walk.report("RQ313", value, message, "write a later date, or 'HH:MM' for every day")


# ---------------------------------------------------------------- zones


@SCHEDULES.on(OptionUse)
def check_time_zone(use: OptionUse, walk: Walk) -> None:
    """RQ311: an IANA name is wanted."""
    value = use.entry.value
    zones = walk.surroundings.facts.time_zones
    if use.entry.key.text != "timezone" or not isinstance(value, StringLiteral):
        return
    if use.spec is None or not zones or value.value in zones:
        return
    better = _nearest_zone(value.value, zones)
    message = f"unknown time zone '{value.value}'"
    if better is None:
        walk.report("RQ311", value, message, "use an IANA name such as 'Europe/Lisbon'")
        return
    fixes = (replacement(walk, value, f'"{better}"'),)
    walk.report("RQ311", value, message, f"did you mean '{better}'?", fixes)


def _nearest_zone(name: str, zones: Iterable[str]) -> str | None:
    """By the whole name, else by its last part: `Lisbon` is `Europe/Lisbon`."""
    ordered = sorted(zones)
    wanted = name.replace(" ", "_")
    found = nearest(wanted, ordered)
    if found is not None:
        return found
    places = {zone.rpartition("/")[2]: zone for zone in reversed(ordered)}
    place = wanted.rpartition("/")[2]
    match = place if place in places else nearest(place, places)
    return None if match is None else places[match]
