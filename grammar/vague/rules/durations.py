"""Rules about time: units, lengths, `stateRetention`, and the size of checkpoints."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vague.ast.base import Node
from vague.ast.expressions import (
    UNIT_MILLISECONDS,
    Call,
    DurationLiteral,
    Group,
    Name,
    NumberLiteral,
    ObjectLiteral,
    OptionValue,
    Quantity,
    Unary,
)
from vague.ast.steps import CheckpointClause
from vague.diagnostics import Fix
from vague.rules.literals import Literal, LiteralKind, is_whole, literal, plain, results, word
from vague.rules.registry import RuleTable
from vague.rules.wording import replacement
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.events import OptionUse
from vague.traversal.options import entries_of
from vague.traversal.scopes import BindingKind
from vague.traversal.state import Walk
from vague.vocabulary.options import OptionSpec, OptionType

DURATIONS = RuleTable()

UNITS = "ms, seconds, minutes, hours, days, weeks"
UNITS_FROM_SECONDS = "seconds, minutes, hours, days, weeks"
_SHORT_FORMS = {
    "s": "seconds", "sec": "seconds", "secs": "seconds",
    "m": "minutes", "min": "minutes", "mins": "minutes",
    "h": "hours", "hr": "hours", "hrs": "hours",
    "d": "days", "w": "weeks", "wk": "weeks", "wks": "weeks",
    "msec": "ms", "msecs": "ms", "millis": "ms",
}  # fmt: skip
_LONG_UNITS = {
    "fortnight": (14, True),
    "month": (30, False),
    "quarter": (91, False),
    "year": (365, False),
    "decade": (3650, False),
}
"""Days of units that are not of the language, and whether their length is exact."""
_SPELLED_UNITS = sorted(UNIT_MILLISECONDS, key=lambda unit: not unit.endswith("s"))
_DAY = UNIT_MILLISECONDS["day"]
_LONGEST_RETENTION_DAYS = 36_500
_DEFAULT_RETENTION = "30 days"
_SHORT_MILLISECONDS = 100
_PROBABLY_SECONDS = frozenset({"resetTimeout", "failureWindow", "timeout", "maxDelay"})
_SECONDS_BELOW = 1000
_WAITS = frozenset({"maxWait", "notifyAt"})
_NUMBER_AND_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_ISO_DAYS = re.compile(r"P(\d+)([DW])", re.IGNORECASE)


# ---------------------------------------------------------------- durations in options


@DURATIONS.on(OptionUse)
def check_duration(use: OptionUse, walk: Walk) -> None:
    """RQ303, RQ307, RQ308, RQ317, RQ318 for every option that takes a duration."""
    if use.spec is None or use.spec.type is not OptionType.DURATION:
        return
    for value in results(use.entry.value):
        found = literal(value)
        if found is not None:
            _check_length(found, use.spec, walk)


def _check_length(found: Literal, spec: OptionSpec, walk: Walk) -> None:
    if found.kind not in (LiteralKind.DURATION, LiteralKind.NUMBER):
        _refuse_type(found, spec, walk)
    elif found.unit is not None and found.unit not in UNIT_MILLISECONDS:
        return
    elif found.number < 0:
        message = f"'{spec.name}' must not be negative"
        walk.report("RQ308", found.node, message, fixes=_without_sign(found, walk))
    elif spec.name in _WAITS:
        _check_wait(found, spec, walk)
    elif spec.name in _PROBABLY_SECONDS:
        _check_short(found, spec, walk)


def _refuse_type(found: Literal, spec: OptionSpec, walk: Walk) -> None:
    if found.kind is LiteralKind.NULL:
        return
    unquoted = _unquoted(found)
    fixes = () if unquoted is None else (replacement(walk, found.node, unquoted),)
    help_text = f"write '{spec.name}: {unquoted or '30 seconds'}'"
    message = f"'{spec.name}' must be a duration, found {found.words}"
    walk.report("RQ303", found.node, message, help_text, fixes)


def _check_wait(found: Literal, spec: OptionSpec, walk: Walk) -> None:
    bare = found.kind is LiteralKind.NUMBER and 0 < found.number < _SECONDS_BELOW
    if bare:
        text = f"{plain(found.number)} seconds"
        message = f"'{spec.name}: {plain(found.number)}' is taken as seconds"
        fixes = (replacement(walk, found.node, text),)
        walk.report("RQ317", found.node, message, f"write '{text}'", fixes)


def _check_short(found: Literal, spec: OptionSpec, walk: Walk) -> None:
    milliseconds = found.number * UNIT_MILLISECONDS.get(found.unit or "ms", 1)
    if not 0 < milliseconds < _SHORT_MILLISECONDS:
        return
    text = f"{plain(found.number)} seconds"
    message = f"'{spec.name}' of {plain(milliseconds)} ms is suspiciously short"
    fixes = (replacement(walk, found.node, text, safe=False),)
    walk.report("RQ318", found.node, message, f"a bare number is in ms: write '{text}'", fixes)


def _without_sign(found: Literal, walk: Walk) -> tuple[Fix, ...]:
    unit = "" if found.unit is None else f" {found.unit}"
    return (replacement(walk, found.node, f"{plain(abs(found.number))}{unit}", safe=False),)


def _unquoted(found: Literal) -> str | None:
    """The duration that a string spells."""
    if not isinstance(found.value, str):
        return None
    iso = _ISO_DAYS.fullmatch(found.value.strip())
    if iso is not None:
        return f"{iso[1]} {'days' if iso[2] in 'Dd' else 'weeks'}"
    spelled = _NUMBER_AND_UNIT.fullmatch(found.value)
    if spelled is None:
        return None
    unit = _proper_unit(spelled[2])
    return None if unit is None else f"{spelled[1]} {unit}"


def _proper_unit(name: str) -> str | None:
    if name in UNIT_MILLISECONDS:
        return name
    return _SHORT_FORMS.get(name.lower()) or nearest(name, _SPELLED_UNITS)


# ---------------------------------------------------------------- units


@DURATIONS.on(Quantity)
def check_quantity(quantity: Quantity, walk: Walk) -> None:
    """RQ307 for a number with an unknown word where any value may stand."""
    check_unit(quantity, walk)


def check_unit(node: Node, walk: Walk) -> bool:
    """Whether the word behind a number is a unit; RQ307 if not."""
    if not isinstance(node, Quantity) or node.unit is None:
        return True
    if node.unit.text in UNIT_MILLISECONDS:
        return True
    refuse_unit(node, UNITS, walk)
    return False


def refuse_unit(quantity: Quantity, units: str, walk: Walk) -> None:
    """RQ307 with the unit that was probably meant."""
    unit = quantity.unit
    if unit is None:
        return
    meant = _meant(quantity, unit.text)
    message = f"unknown time unit '{unit.text}' (units are {units})"
    fixes = (replacement(walk, quantity, meant.text, safe=meant.exact),)
    walk.report("RQ307", unit, message, meant.help, fixes)


@dataclass(frozen=True, slots=True)
class _Meant:
    text: str
    exact: bool
    help: str


def _meant(quantity: Quantity, unit: str) -> _Meant:
    number = quantity.number.value
    sign = "-" if quantity.negative else ""
    days, exact = _LONG_UNITS.get(unit.lower().removesuffix("s"), (None, False))
    if days is not None:
        text = f"{sign}{plain(number * days)} days"
        reason = "" if exact else f": the length of a {unit.lower().removesuffix('s')} varies"
        return _Meant(text, exact, f"write '{text}'{reason}")
    proper = _proper_unit(unit)
    if proper is None or UNIT_MILLISECONDS[proper] == 1:
        guess = "seconds" if proper else "days"
        text = f"{sign}{quantity.number.text} {guess}"
        return _Meant(text, exact=False, help=f"write for example '{text}'")
    text = f"{sign}{quantity.number.text} {proper}"
    return _Meant(text, exact=True, help=f"write '{text}'")


# ---------------------------------------------------------------- stateRetention


@DURATIONS.on(OptionUse)
def check_retention(use: OptionUse, walk: Walk) -> None:
    """RQ307, RQ308 and RQ309 for `stateRetention`, each wrong form with a message of its own."""
    if use.spec is None or use.spec.type is not OptionType.RETENTION:
        return
    value = use.entry.value
    found = literal(value)
    if isinstance(value, Unary) and value.operator == "+" and found is not None:
        better = walk.text(walk.span(value.operand))
        _refuse_retention(value, "found a sign", walk, better)
    elif found is not None and found.kind is LiteralKind.DURATION:
        if isinstance(found.node, Quantity) and found.unit not in UNIT_MILLISECONDS:
            refuse_unit(found.node, UNITS_FROM_SECONDS, walk)
        else:
            _check_retention_length(found, walk)
    elif found is None:
        _refuse_computed_retention(value, walk)
    elif found.kind is LiteralKind.NUMBER:
        _refuse_retention_without_unit(found, walk)
    elif found.kind is LiteralKind.STRING:
        _refuse_quoted_retention(found, walk)
    else:
        _refuse_retention(value, f"found {found.words}", walk, _from_object(value))


def _check_retention_length(found: Literal, walk: Walk) -> None:
    if UNIT_MILLISECONDS[found.unit or "ms"] == 1:
        _refuse_milliseconds(found, walk)
    elif found.number < 0:
        _refuse_length(found, "must not be negative", _with_number(found, -found.number), walk)
    elif found.number == 0:
        _refuse_length(found, "must be longer than zero", _with_number(found, 1), walk)
    elif not is_whole(found.number):
        _refuse_fraction(found, walk)
    elif _days(found) > _LONGEST_RETENTION_DAYS:
        limit = f"{_LONGEST_RETENTION_DAYS} days"
        _refuse_length(found, f"must be at most {limit}", limit, walk)


def _refuse_milliseconds(found: Literal, walk: Walk) -> None:
    message = f"time unit '{found.unit}' is too short here (units are {UNITS_FROM_SECONDS})"
    text = _amount(max(1, round(found.number)), "days")
    help_text = f"records are kept for days or weeks: write '{text}'"
    at = _unit_span(found, walk)
    fixes = (replacement(walk, found.node, text, safe=False),)
    walk.report("RQ307", at, message, help_text, fixes)


def _unit_span(found: Literal, walk: Walk) -> Span:
    end = walk.span(found.node).end
    return Span(end - len(found.unit or ""), end)


def _refuse_length(found: Literal, problem: str, better: str, walk: Walk) -> None:
    fixes = (replacement(walk, found.node, better, safe=False),)
    message = f"'stateRetention' {problem}, found '{_written(found)}'"
    walk.report("RQ308", found.node, message, f"write for example '{better}'", fixes)


def _refuse_fraction(found: Literal, walk: Walk) -> None:
    """`1.5 days` is `36 hours`: the same length in a unit that divides it."""
    better, exact = _in_whole_units(str(found.number), found.unit or "ms")
    message = f"'stateRetention' must be a whole number of units, found '{_written(found)}'"
    fixes = (replacement(walk, found.node, better, safe=exact),)
    walk.report("RQ308", found.node, message, f"write '{better}'", fixes)


def _in_whole_units(number: str, unit: str) -> tuple[str, bool]:
    """A length as a whole number of a unit that divides it, and whether it is the same length."""
    if number.isdecimal():
        return f"{number} {unit}", True
    milliseconds = float(number) * UNIT_MILLISECONDS[unit]
    for smaller in ("days", "hours", "minutes", "seconds"):
        if milliseconds and milliseconds % UNIT_MILLISECONDS[smaller] == 0:
            return _amount(milliseconds // UNIT_MILLISECONDS[smaller], smaller), True
    return _amount(round(float(number)) or 1, unit), False


def _refuse_retention_without_unit(found: Literal, walk: Walk) -> None:
    """Days are meant most of the time; a number that cannot be days becomes one that can."""
    number = abs(found.number)
    better = _DEFAULT_RETENTION
    if 0 < number <= _LONGEST_RETENTION_DAYS:
        better = _amount(number, "days") if is_whole(number) else _amount(number * 24 // 1, "hours")
    _refuse_retention(found.node, f"found '{plain(found.number)}' without a unit", walk, better)


def _refuse_quoted_retention(found: Literal, walk: Walk) -> None:
    text = str(found.value)
    better = _unquoted(found)
    if better is not None:
        better = _in_whole_units(*better.split())[0]
        help_text = f"drop the quotes: '{better}'"
        fixes = (replacement(walk, found.node, better),)
        message = "'stateRetention' needs a number with a unit, found a string"
        walk.report("RQ309", found.node, message, help_text, fixes)
        return
    better = _amount(int(text), "days") if re.fullmatch(r"\s*\d{1,5}\s*", text) else None
    _refuse_retention(found.node, "found a string", walk, better)


def _refuse_computed_retention(value: OptionValue, walk: Walk) -> None:
    name = word(value)
    if name is not None and name.lower() in ("forever", "none", "never", "always", "all"):
        message = f"'stateRetention' needs a number with a unit, found '{name}'"
        help_text = "leave the option out to keep all records"
        fixes = (replacement(walk, value, f"{_LONGEST_RETENTION_DAYS} days", safe=False),)
        walk.report("RQ309", value, message, help_text, fixes)
    elif name is not None:
        better = _number_of(name, walk)
        _refuse_retention(value, f"found the name '{name}'", walk, better)
    else:
        _refuse_retention(value, "found a computed value", walk, _from_call(value))


def _from_call(value: OptionValue) -> str | None:
    """`days(7)` as `7 days`."""
    if not isinstance(value, Call) or not isinstance(value.callee, Name) or not value.arguments:
        return None
    number, unit = value.arguments[0], value.callee.text
    if not isinstance(number, NumberLiteral) or unit not in UNIT_MILLISECONDS:
        return None
    return f"{number.text} {unit}" if is_whole(number.value) else None


def _number_of(name: str, walk: Walk) -> str | None:
    """The duration that a mission's `let` of this name spells out."""
    for declared in (*walk.surroundings.mission.lets, *walk.surroundings.mission.shared_lets):
        if declared.node.name.text == name:
            value = declared.node.value
            if isinstance(value, DurationLiteral):
                return f"{value.number.text} {value.unit}"
            if isinstance(value, NumberLiteral) and is_whole(value.value):
                return f"{value.text} days"
    return None


def _refuse_retention(value: Node, found: str, walk: Walk, better: str | None) -> None:
    better = better or _DEFAULT_RETENTION
    message = f"'stateRetention' needs a number with a unit, {found}"
    help_text = f"write for example '{better}'"
    fixes = (replacement(walk, value, better, safe=False),)
    walk.report("RQ309", value, message, help_text, fixes)


def _from_object(value: OptionValue) -> str | None:
    """`{ days: 7 }` as `7 days`."""
    if not isinstance(value, ObjectLiteral):
        return None
    entries = list(entries_of(value))
    if len(entries) != 1 or not isinstance(entries[0].value, NumberLiteral):
        return None
    unit = _proper_unit(entries[0].key.text)
    return None if unit is None else f"{entries[0].value.text} {unit}"


def _days(found: Literal) -> float:
    return found.number * UNIT_MILLISECONDS[found.unit or "ms"] / _DAY


def _written(found: Literal) -> str:
    return f"{plain(found.number)} {found.unit}"


def _with_number(found: Literal, number: float) -> str:
    return _amount(number, found.unit or "days")


def _amount(number: float, unit: str) -> str:
    """`1 day`, `2 days`."""
    singular = unit.removesuffix("s") if unit != "ms" else unit
    return f"{plain(number)} {singular if number == 1 or unit == 'ms' else singular + 's'}"


# ---------------------------------------------------------------- checkpoint every N


@DURATIONS.on(CheckpointClause)
def check_checkpoint_size(clause: CheckpointClause, walk: Walk) -> None:
    """RQ315: the size is a whole number from 1, written as one."""
    size = clause.every
    found = literal(size)
    if isinstance(size, NumberLiteral) and isinstance(size.value, int) and size.value >= 1:
        return
    if found is None:
        _refuse_computed_size(size, walk)
        return
    problem, better, safe = _size_problem(found)
    if isinstance(size, Group) and better == plain(found.number):
        problem = "a number in parentheses"
    _refuse_size(size, problem, better, walk, safe=safe)


def _size_problem(found: Literal) -> tuple[str, str, bool]:
    """What is wrong with a literal size, a better one, and whether it is certainly meant."""
    if found.kind is LiteralKind.DURATION:
        better = plain(max(1, abs(int(found.number))))
        return f"a duration: it counts items, not {found.unit}", better, False
    if found.kind is LiteralKind.STRING:
        text = str(found.value).strip()
        good = text.isdecimal() and int(text[:9]) > 0
        return "a string", text if good else "100", good
    if found.kind is LiteralKind.NUMBER:
        return _number_problem(found.number)
    return found.words, "100", False


def _number_problem(number: float) -> tuple[str, str, bool]:
    if number == 0:
        return "zero", "1", False
    if number < 0:
        return f"the negative number {plain(number)}", plain(max(1, int(-number))), False
    if is_whole(number):
        return "a number with an exponent or a fraction", plain(number), True
    return f"the fraction {plain(number)}", plain(int(number) + 1), False


def _refuse_computed_size(size: Node, walk: Walk) -> None:
    if isinstance(size, Name):
        known = _size_of(size.text, walk)
        found = f"the variable '{size.text}'"
        _refuse_size(size, found, known or "100", walk, safe=known is not None)
    else:
        _refuse_size(size, "a computed value", "100", walk, safe=False)


def _size_of(name: str, walk: Walk) -> str | None:
    """The whole number that a `let` of this name is."""
    binding = walk.scope.find(name)
    values: list[object] = []
    if binding is not None:
        values = [walk.value_of(binding)] if binding.kind is BindingKind.LET else []
    elif walk.has("let", name):
        mission = walk.surroundings.mission
        lets = (*mission.lets, *mission.shared_lets)
        values = [found.node.value for found in lets if found.node.name.text == name]
    for value in values:
        if isinstance(value, NumberLiteral) and isinstance(value.value, int) and value.value > 0:
            return value.text
    return None


def _refuse_size(size: Node, found: str, better: str, walk: Walk, *, safe: bool) -> None:
    message = f"checkpoint size must be a whole number of at least 1, found {found}"
    fixes = (replacement(walk, size, better, safe=safe),)
    walk.report("RQ315", size, message, f"write 'checkpoint every {better}'", fixes)
