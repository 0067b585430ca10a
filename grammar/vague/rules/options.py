"""Rules about options: which there are, how often, and what they may be.

Durations and time zones have files of their own; rules about single blocks are in `settings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from vague.ast.base import Key, Node
from vague.ast.expressions import (
    UNIT_MILLISECONDS,
    ArrayLiteral,
    Call,
    Entry,
    LastSync,
    Name,
    OptionValue,
    Spread,
    StringLiteral,
)
from vague.codes import SEVERITIES
from vague.diagnostics import Fix, Severity
from vague.rules.literals import Literal, LiteralKind, is_whole, literal, plain, results, word
from vague.rules.registry import RuleTable
from vague.rules.wording import listed, removal, replacement
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.events import OptionBlockUse, OptionUse
from vague.traversal.findings import EditAtElement
from vague.traversal.options import entries_of, takes_text, unquoted_text
from vague.traversal.state import Walk
from vague.vocabulary.kinds import Kinds
from vague.vocabulary.options import OPTION_BLOCKS, OptionBlock, OptionSpec, OptionType

OPTIONS = RuleTable()

_T = OptionType
_ABOVE_ZERO = frozenset({"requestsPerMinute", "fallbackRpm"})
_DATE_TOKENS = re.compile(r"YY|MM|DD|HH|hh|mm|ss|(?<![A-Za-z])[MDHhXx](?![A-Za-z])")

# ---------------------------------------------------------------- blocks


@OPTIONS.on(OptionUse)
def check_known(use: OptionUse, walk: Walk) -> None:
    """RQ301: an option that the place does not have."""
    if use.spec is not None:
        return
    key = use.entry.key
    message = f"unknown option '{key.text}' for {use.block.title}"
    found = _meant(key.text, use.block)
    if found is not None:
        fixes = (replacement(walk, key, found),)
        walk.report("RQ301", key, message, f"did you mean '{found}'?", fixes)
        return
    elsewhere = _elsewhere(key.text, use.block, _line_before(use, walk))
    if elsewhere is not None:
        walk.report("RQ301", key, message, elsewhere, _moved(use, walk))
        return
    names = [name for name, row in use.block.options.items() if row.synonym_of is None]
    walk.report("RQ301", key, message, f"{use.block.title} takes {listed(names)}")


# What other tools call an option.
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "base": ("url", "baseUrl", "base_url", "host", "endpoint", "server"),
    "auth": ("authentication", "authorization"),
    "stateRetention": ("retention", "keepFor", "keep", "history", "historyRetention"),
    "params": ("parameters", "querystring", "queryString", "qs"),
    "body": ("data", "json", "payload"),
    "key": ("id", "primaryKey", "by"),
    "upsert": ("merge",),
    "maxAttempts": ("attempts", "retries", "maxRetries", "times"),
    "maxRetries": ("attempts", "retries", "maxAttempts", "times"),
    "requestsPerMinute": ("rpm", "perMinute"),
    "pageSize": ("size", "limit", "perPage"),
}


def _meant(name: str, block: OptionBlock) -> str | None:
    """The option of the block that a name was meant to be."""
    found = nearest(name, block.options)
    if found is not None:
        return found
    folded = name.replace("_", "").lower()
    for option, names in _OTHER_NAMES.items():
        if option in block.options and folded in (n.replace("_", "").lower() for n in names):
            return option
    return None


_FAR = 200
_PLACES = ("mission", "action", "request", "store", "source", "schedule", "retry", "wait")


def _elsewhere(name: str, block: OptionBlock, before: str) -> str | None:
    """Where an option belongs that stands in the wrong place; `before` it on its line is a text."""
    if name == "checkpoint":
        return "write 'checkpoint every N' in the head of a loop, before its '{'"
    if name == "source" and block.name == "call":
        return "the source stands before the operation: 'call Source.operation'"
    places = ("request", *_PLACES) if _REQUEST.search(before) else _PLACES
    for place in places:
        other = OPTION_BLOCKS[place]
        if other is not block and name in other.options:
            return f"'{name}' is an option of {other.title}: {_HOW.get(place, 'write it there')}"
    return None


_REQUEST = re.compile(r"\b(?:get|post|put|patch|delete|GET|POST|PUT|PATCH|DELETE)[ \t]+\S")


def _line_before(use: OptionUse, walk: Walk) -> str:
    """What stands before the option on its line."""
    walk.look_around()
    return walk.start_of_line(walk.span(use.entry).start)


_HOW = {
    "request": "put it in braces on the line of the request",
    "store": "put it in braces on the line of the 'store' step",
    "retry": "put it in 'retry: { … }'",
    "wait": "put it in braces behind 'wait'",
}


def _moved(use: OptionUse, walk: Walk) -> tuple[Fix, ...]:
    """An option of missions goes to a line of its own before the member that it stands in."""
    name = use.entry.key.text
    if name not in OPTION_BLOCKS["mission"].options or walk.element.shared:
        return ()
    line = walk.text_before()
    indent = "" if line.strip() else line
    text = walk.text(walk.span(use.entry))
    moved = EditAtElement(Span(0, 0), f"{text}\n{indent}")
    span = walk.span(use.entry)
    before = walk.text(Span(max(0, span.start - _FAR), span.start)).rpartition("\n")
    if before[1] and not before[2].strip():
        span = Span(span.start - len(before[2]) - 1, span.end)
    removed = removal(walk, span, "", safe=False).edits
    return (Fix(f"move '{name}' into the mission", (moved, *removed), safe=False),)


@OPTIONS.on(OptionBlockUse)
def check_repeated(use: OptionBlockUse, walk: Walk) -> None:
    """RQ302 and RQ316: the same option twice, under one name or two."""
    first: dict[str, Key] = {}
    for entry in entries_of(use.options):
        canonical = use.block.canonical(entry.key.text)
        before = first.setdefault(canonical, entry.key)
        if before is not entry.key:
            refuse_repeated(before, entry, walk)


def refuse_repeated(before: Key, entry: Entry, walk: Walk) -> None:
    """RQ302 for the same name again, RQ316 for another name of the same thing."""
    key = entry.key
    related = (walk.related(walk.span(before), f"first '{before.text}' is here"),)
    fixes = (removal(walk, entry, f"remove this '{key.text}'", safe=False),)
    if before.text == key.text:
        message = f"option '{key.text}' is given twice"
        walk.report("RQ302", key, message, "remove one of them", fixes, related=related)
    else:
        message = f"'{key.text}' sets the same thing as '{before.text}'"
        walk.report("RQ316", key, message, "remove one of them", fixes, related=related)


@OPTIONS.on(OptionBlockUse)
def check_required(use: OptionBlockUse, walk: Walk) -> None:
    """RQ306: an option that must be there."""
    given = {use.block.canonical(entry.key.text) for entry in entries_of(use.options)}
    if any(isinstance(entry, Spread) for entry in use.options.entries):
        return
    for row in use.block.options.values():
        if row.required and row.name not in given:
            message = f"{use.block.title} needs the option '{row.name}'"
            walk.report("RQ306", use.span, message, f"add '{row.name}: …'")


# ---------------------------------------------------------------- values


@OPTIONS.on(OptionUse)
def check_value(use: OptionUse, walk: Walk) -> None:
    """RQ303 to RQ305, RQ218 and RQ323: what is written can be what the option takes."""
    spec = use.spec
    if spec is None or isinstance(use.entry.value, LastSync):
        return
    if spec.constant and not _is_constant(use.entry.value, spec):
        _refuse_computed(use.entry.value, spec, walk)
        return
    for value in results(use.entry.value):
        _check_result(value, spec, walk)


def _is_constant(value: OptionValue, spec: OptionSpec) -> bool:
    """Whether a value is known now; a bare word counts where a word is wanted."""
    if literal(value) is not None:
        return True
    return isinstance(value, Name) and spec.type in (_T.WORD, _T.STATE_STORE)


def _refuse_computed(value: OptionValue, spec: OptionSpec, walk: Walk) -> None:
    if _is_bare_word(value, spec, walk):
        _refuse_unquoted(value, spec, walk)
        return
    message = f"'{spec.name}' must be known before the mission runs"
    walk.report("RQ323", value, message, f"write {spec.type.value} here")


def _is_bare_word(value: OptionValue, spec: OptionSpec, walk: Walk) -> bool:
    if isinstance(value, Name):
        return spec.type is _T.STRING and not walk.has("let", value.text)
    return unquoted_text(value, walk)


def _check_result(value: OptionValue, spec: OptionSpec, walk: Walk) -> None:
    """One value that an option can turn out to have."""
    kinds = _open_set(spec.type, walk)
    if spec.type is _T.PAGINATION and isinstance(value, Call) and isinstance(value.callee, Name):
        value = value.callee
    if kinds is not None and word(value) is not None:
        _check_kind(value, spec, kinds, walk)
        return
    found = literal(value)
    if found is None:
        _check_bare(value, spec, walk)
        return
    if found.kind is LiteralKind.NULL or _is_wrong_unit(found):
        return
    checks = [_CHECKS[kind] for kind in spec.types if kind in _CHECKS]
    if len(checks) < len(spec.types):
        return
    problems = [check(found, spec, walk) for check in checks]
    if problems and all(problems):
        _refuse(found, spec, next(filter(None, problems)), walk)


def _is_wrong_unit(found: Literal) -> bool:
    """Whether RQ307 has been said already."""
    return found.unit is not None and found.unit not in UNIT_MILLISECONDS


def _check_bare(value: OptionValue, spec: OptionSpec, walk: Walk) -> None:
    """A name where a word is wanted, or a text without its quotes."""
    name = value.text if isinstance(value, Name) else None
    if name is not None and spec.values is not None:
        problem = _check_word(Literal(LiteralKind.STRING, value, name), spec, walk)
        if problem is not None:
            _report(value, problem, spec, walk)
    elif takes_text(spec.type) and unquoted_text(value, walk):
        _refuse_unquoted(value, spec, walk)


def _refuse_unquoted(value: OptionValue, spec: OptionSpec, walk: Walk) -> None:
    text = walk.text(walk.span(value))
    fixes = (replacement(walk, value, f'"{text}"'),)
    message = f"'{spec.name}' must be a string"
    walk.report("RQ303", value, message, f"put it in quotes: '\"{text}\"'", fixes)


# ---------------------------------------------------------------- one check for each type


class _Problem:
    """What is wrong with a value: a code, and words that continue `'name' must be …`."""

    __slots__ = ("better", "code", "wanted")

    def __init__(self, code: str, wanted: str, better: str | None = None) -> None:
        self.code = code
        self.wanted = wanted
        self.better = better


_Check = Callable[[Literal, OptionSpec, Walk], _Problem | None]


def _wrong_type(kind: OptionType, better: str | None = None) -> _Problem:
    return _Problem("RQ303", kind.value, better)


def _check_boolean(found: Literal, _: OptionSpec, __: Walk) -> _Problem | None:
    if found.kind is LiteralKind.BOOLEAN:
        return None
    text = str(found.value).lower()
    return _wrong_type(_T.BOOLEAN, text if text in ("true", "false") else None)


def _check_number(found: Literal, spec: OptionSpec, _: Walk) -> _Problem | None:
    if found.kind is not LiteralKind.NUMBER:
        return _wrong_type(spec.type, _spelled_number(found))
    return _check_range(found.number, spec)


def _check_integer(found: Literal, spec: OptionSpec, _: Walk) -> _Problem | None:
    if found.kind is not LiteralKind.NUMBER:
        return _wrong_type(_T.INTEGER, _spelled_number(found))
    if not is_whole(found.number):
        return _Problem("RQ305", "a whole number", plain(round(found.number)))
    return _check_range(found.number, spec)


def _spelled_number(found: Literal) -> str | None:
    text = str(found.value).strip() if found.kind is LiteralKind.STRING else ""
    return text if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _check_range(number: float, spec: OptionSpec) -> _Problem | None:
    low, high = spec.minimum, spec.maximum
    if spec.name == "pageSize" and number < 1:
        return _Problem("RQ320", "at least 1", "100")
    if spec.name in _ABOVE_ZERO:
        return None if number > 0 else _Problem("RQ305", "above 0")
    if low is not None and number < low:
        limits = f"at least {plain(low)}" if high is None else f"from {plain(low)} to {plain(high)}"
        return _Problem("RQ305", limits, plain(low))
    if high is not None and number > high:
        return _Problem("RQ305", f"from {plain(low or 0)} to {plain(high)}", plain(high))
    return None


def _check_string(found: Literal, _: OptionSpec, walk: Walk) -> _Problem | None:
    if found.kind is LiteralKind.STRING:
        return None
    simple = found.kind in (LiteralKind.NUMBER, LiteralKind.BOOLEAN)
    text = walk.text(walk.span(found.node))
    return _wrong_type(_T.STRING, f'"{text}"' if simple else None)


def _check_word(found: Literal, spec: OptionSpec, _: Walk) -> _Problem | None:
    if found.kind is not LiteralKind.STRING:
        return _Problem("RQ303", listed(spec.values or ()))
    if spec.values is None or found.value in spec.values:
        return None
    return _Problem("RQ304", listed(spec.values), nearest(str(found.value), spec.values))


def _check_sync_format(found: Literal, spec: OptionSpec, walk: Walk) -> _Problem | None:
    if found.kind is LiteralKind.STRING and _DATE_TOKENS.search(str(found.value)):
        return None
    return _check_word(found, spec, walk)


def _check_object(found: Literal, _: OptionSpec, __: Walk) -> _Problem | None:
    return None if found.kind is LiteralKind.OBJECT else _wrong_type(_T.OBJECT)


def _check_block(found: Literal, _: OptionSpec, __: Walk) -> _Problem | None:
    return None if found.kind is LiteralKind.OBJECT else _wrong_type(_T.BLOCK)


def _check_name(found: Literal, spec: OptionSpec, _: Walk) -> _Problem | None:
    return None if found.kind is LiteralKind.STRING else _wrong_type(spec.type)


def _check_strings(found: Literal, spec: OptionSpec, walk: Walk) -> _Problem | None:
    return _check_items(found, _T.STRINGS, _check_string, spec, walk)


def _check_integers(found: Literal, spec: OptionSpec, walk: Walk) -> _Problem | None:
    return _check_items(found, _T.INTEGERS, _check_integer, spec, walk)


def _check_items(
    found: Literal, kind: OptionType, check: _Check, spec: OptionSpec, walk: Walk
) -> _Problem | None:
    if not isinstance(found.node, ArrayLiteral):
        text = walk.text(walk.span(found.node))
        simple = found.kind in (LiteralKind.NUMBER, LiteralKind.STRING)
        return _wrong_type(kind, f"[{text}]" if simple else None)
    for item in found.node.items:
        value = None if isinstance(item, Spread) else literal(item)
        problem = None if value is None else check(value, spec, walk)
        if problem is not None:
            return _Problem(problem.code, f"{kind.value}, each {problem.wanted}")
    return None


_CHECKS: Mapping[OptionType, _Check] = {
    _T.BOOLEAN: _check_boolean,
    _T.INTEGER: _check_integer,
    _T.NUMBER: _check_number,
    _T.STRING: _check_string,
    _T.WORD: _check_word,
    _T.SYNC_FORMAT: _check_sync_format,
    _T.OBJECT: _check_object,
    _T.BLOCK: _check_block,
    _T.STRINGS: _check_strings,
    _T.INTEGERS: _check_integers,
    _T.AUTH: _check_name,
    _T.STATE_STORE: _check_name,
    _T.PAGINATOR: _check_name,
    _T.PARAMETER: _check_name,
    _T.STORE: _check_name,
    _T.SOURCE: _check_name,
    _T.PATH: _check_name,
    _T.PAGINATION: _check_name,
}
"""What a literal must be; types that are not here take any, or have rules of their own."""


def _refuse(found: Literal, spec: OptionSpec, problem: _Problem, walk: Walk) -> None:
    if len(spec.types) > 1 and problem.code == "RQ303":
        wanted = " or ".join(kind.value for kind in spec.types)
        problem = _Problem("RQ303", wanted, problem.better)
    _report(found.node, problem, spec, walk, found)


def _report(
    node: Node, problem: _Problem, spec: OptionSpec, walk: Walk, found: Literal | None = None
) -> None:
    text = walk.text(walk.span(node)) if found is None else _found_text(found, walk)
    wrong_type = problem.code == "RQ303" and found is not None
    what = found.words if wrong_type and found is not None else f"'{text}'"
    message = f"'{spec.name}' must be {problem.wanted}, found {what}"
    fixes: tuple[Fix, ...] = ()
    help_text = None
    if problem.better is not None:
        better = _quoted_like(node, problem)
        certain = problem.code not in ("RQ305", "RQ320")
        fixes = (replacement(walk, node, better, safe=certain),)
        help_text = f"write '{better}'" if certain else f"write for example '{better}'"
        if problem.code == "RQ304":
            help_text = f"did you mean '{problem.better}'?"
    walk.report(problem.code, node, message, help_text, fixes)


def _found_text(found: Literal, walk: Walk) -> str:
    if found.kind is LiteralKind.STRING:
        return str(found.value)
    if found.kind is LiteralKind.NUMBER:
        return plain(found.number)
    return walk.text(walk.span(found.node))


def _quoted_like(node: Node, problem: _Problem) -> str:
    """A word of a set is quoted as the wrong one was, or where it is no name."""
    better = problem.better or ""
    if problem.code != "RQ304":
        return better
    return f'"{better}"' if isinstance(node, StringLiteral) or "-" in better else better


# ---------------------------------------------------------------- open sets


def _open_set(kind: OptionType, walk: Walk) -> Kinds | None:
    """The names that plug-ins can add to."""
    vocabulary = walk.surroundings.facts.vocabulary
    if kind is _T.AUTH:
        return vocabulary.auth_kinds
    if kind is _T.STATE_STORE:
        return vocabulary.state_stores
    if kind in (_T.PAGINATION, _T.PAGINATOR):
        return vocabulary.paginators
    return None


_OPEN_WORDS = {_T.AUTH: "auth type", _T.STATE_STORE: "state store"}


def _check_kind(value: OptionValue, spec: OptionSpec, kinds: Kinds, walk: Walk) -> None:
    """RQ218 for auth types, RQ304 for the rest: a warning where a plug-in may register it."""
    name = word(value)
    if name is None or name in kinds:
        return
    code = "RQ218" if spec.type is _T.AUTH else "RQ304"
    severity = Severity.WARNING if spec.type is _T.STATE_STORE else SEVERITIES[code]
    noun = _OPEN_WORDS.get(spec.type, "pagination")
    message = f"unknown {noun} '{name}' (known are {listed(kinds)})"
    found = nearest(name, kinds)
    text = None if found is None else f'"{found}"' if isinstance(value, StringLiteral) else found
    fixes = () if text is None else (replacement(walk, value, text),)
    help_text = None if found is None else f"did you mean '{found}'?"
    if found is None and spec.type is _T.STATE_STORE:
        help_text = "a program can register a state store under this name"
    walk.report(code, value, message, help_text, fixes, severity=severity)
