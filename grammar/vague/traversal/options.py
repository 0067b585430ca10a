"""Walks blocks of options: which values are words, which are expressions, and what `.x` is there.

Where an option expects a word, a bare name is that word and is never looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

from vague.ast.base import Identifier, Node
from vague.ast.expressions import (
    Binary,
    Call,
    Conditional,
    Entry,
    Expression,
    FieldAccess,
    Group,
    IfExpression,
    LastSync,
    MatchExpression,
    Name,
    NumberLiteral,
    ObjectLiteral,
    OptionValue,
    Spread,
    StringLiteral,
)
from vague.text import Span
from vague.traversal.events import OptionBlockUse, OptionUse
from vague.traversal.expressions import refer, visit, visit_condition, visit_match, visit_path
from vague.traversal.findings import Occurrence
from vague.traversal.scopes import BindingKind, Context, ContextKind
from vague.traversal.state import Walk, implicit
from vague.vocabulary.kinds import PAGE_NAMES
from vague.vocabulary.options import OptionBlock, OptionSpec, OptionType

_WORDS = frozenset(
    {
        OptionType.WORD,
        OptionType.AUTH,
        OptionType.STATE_STORE,
        OptionType.PAGINATOR,
        OptionType.PARAMETER,
        OptionType.PATH,
        OptionType.SYNC_FORMAT,
    }
)
_CONTEXTS = {
    "the page's body": ContextKind.PAGE,
    "the record being stored": ContextKind.RECORD,
    "the event's payload": ContextKind.PAYLOAD,
}
_CONDITIONS = frozenset({"until", "eventFilter"})


@dataclass(frozen=True, slots=True)
class OptionPlace:
    """Where a block of options stands.

    `holder` is the step or definition that it belongs to, `span` the place where something that
    is missing is reported, `origin` the value whose fields the option `key` reads, `siblings` the
    block itself.
    """

    holder: Node
    span: Span
    origin: Expression | None = None
    siblings: ObjectLiteral | None = None


def visit_options(options: ObjectLiteral, block_name: str, at: OptionPlace, walk: Walk) -> None:
    """Walk a block of options."""
    block = walk.surroundings.facts.vocabulary.option_blocks[block_name]
    walk.tell(OptionBlockUse(options, block, at.span, at.holder))
    at = replace(at, siblings=options)
    for entry in options.entries:
        if isinstance(entry, Spread):
            visit(entry.value, walk)
        else:
            visit_option(entry, block, at, walk)


def visit_option(entry: Entry, block: OptionBlock, at: OptionPlace, walk: Walk) -> None:
    """Walk one option."""
    spec = block.find(entry.key.text)
    walk.tell(OptionUse(entry, walk.span(entry), spec, block, at.holder))
    if spec is None:
        _visit_quietly(entry.value, walk)
    elif isinstance(entry.value, LastSync):
        _visit_last_sync(entry.value, at.holder, walk)
    elif isinstance(entry.value, ObjectLiteral) and spec.nested is not None:
        inner = replace(at, span=walk.span(entry.key))
        visit_options(entry.value, spec.nested, inner, walk)
    else:
        _visit_value(entry.value, spec, at, walk)


def _visit_quietly(value: OptionValue, walk: Walk) -> None:
    """Count what is used in an option that is wrong as a whole, without further complaints."""
    n_findings = len(walk.found.findings)
    if not isinstance(value, LastSync):
        visit(value, walk)
    del walk.found.findings[n_findings:]


def _visit_last_sync(value: LastSync, holder: Node, walk: Walk) -> None:
    walk.tell(value)
    span = walk.span(value)
    walk.found.occurrences.append(
        Occurrence("ambient", "lastSync", Span(span.start, span.start + len("lastSync")), "read")
    )
    if value.options is not None:
        visit_options(value.options, "lastSync", OptionPlace(holder, span), walk)


def _visit_value(value: Expression, spec: OptionSpec, at: OptionPlace, walk: Walk) -> None:
    kind = spec.type
    context = _CONTEXTS.get(spec.context or "")
    meaning = nullcontext() if context is None else walk.meaning(Context(context, at.origin))
    with meaning:
        if kind in _WORDS:
            _visit_words(value, walk)
        elif kind in (OptionType.STORE, OptionType.SOURCE):
            _visit_named(value, "store" if kind is OptionType.STORE else "source", walk)
        elif kind is OptionType.PAGINATION:
            _visit_pagination(value, walk)
        elif kind is OptionType.RETENTION:
            _visit_quietly(value, walk)
        elif kind is OptionType.STRING:
            _visit_text(value, spec, walk)
        elif spec.name == "until":
            _visit_until(value, at.siblings, walk)
        elif spec.name in _CONDITIONS:
            visit_condition(value, walk)
        else:
            visit(value, walk)


def _visit_words(value: Expression, walk: Walk) -> None:
    """A word; one with forgotten quotes, such as `fail-fast`, holds no names either."""
    if unquoted_text(value, walk):
        _visit_quietly(value, walk)
    else:
        _visit_word(value, walk)


def _visit_word(value: Expression, walk: Walk) -> None:
    """A word, or an expression whose results are words."""
    if not isinstance(value, Name | StringLiteral):
        _visit_results(value, walk, _visit_word)


def _visit_results(
    value: Expression, walk: Walk, visit_result: Callable[[Expression, Walk], None]
) -> None:
    """Walk a choice, whose results are read in a way of their own; anything else as it is."""
    if isinstance(value, Group):
        visit_result(value.inner, walk)
    elif isinstance(value, Conditional | IfExpression):
        visit_condition(value.condition, walk)
        visit_result(value.then, walk)
        if value.otherwise is not None:
            visit_result(value.otherwise, walk)
    elif isinstance(value, MatchExpression):
        walk.tell(value)
        visit_match(value, walk, visit_result)
    else:
        visit(value, walk)


def _visit_text(value: Expression, spec: OptionSpec, walk: Walk) -> None:
    """A text; where its quotes were forgotten a rule says so, and nothing in it is a name."""
    if spec.name == "path":
        visit_path(value, walk)
    elif unquoted_text(value, walk) or (spec.constant and isinstance(value, Name)):
        _visit_quietly(value, walk)
    else:
        visit(value, walk)


def is_address(name: str) -> bool:
    """Whether a name is an address without quotes, which is read as a name."""
    return "://" in name


def unquoted_text(value: OptionValue, walk: Walk) -> bool:
    """Whether a value looks like a text without quotes, such as `Europe/Lisbon` or `api.test`."""
    if not isinstance(value, Binary | FieldAccess):
        return isinstance(value, Name) and is_address(value.text)
    names: list[str] = []
    waiting: list[OptionValue] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary) and part.operator in ("/", "-"):
            waiting += [part.left, part.right]
        elif isinstance(part, FieldAccess):
            waiting.append(part.target)
        elif isinstance(part, Name):
            names.append(part.text)
        elif not isinstance(part, NumberLiteral):
            return False
    return (
        bool(names)
        and "response" not in names
        and all(walk.resolve(name)[0] is None for name in names)
    )


def _visit_named(value: Expression, kind: str, walk: Walk) -> None:
    """The name of a store or source, or (sources only) an expression that gives one."""
    if isinstance(value, Name):
        if kind == "source" and _holds_source(value.text, walk):
            visit(value, walk)
        else:
            refer(kind, Identifier(value.span, value.text), _role(kind), walk)
    elif isinstance(value, StringLiteral):
        refer(kind, value, _role(kind), walk)
    else:
        visit(value, walk)


def _holds_source(name: str, walk: Walk) -> bool:
    """Whether a name that is no source is a variable, which may hold the name of one."""
    return not walk.has("source", name) and walk.resolve(name)[0] in ("local", "let")


def _role(kind: str) -> str:
    return "write" if kind == "store" else "call"


# ---------------------------------------------------------------- pagination


def _visit_pagination(value: Expression, walk: Walk) -> None:
    if isinstance(value, Name | StringLiteral):
        return
    if not (isinstance(value, Call) and isinstance(value.callee, Name)):
        _visit_results(value, walk, _visit_pagination)
        return
    walk.tell(value)
    paginator = walk.surroundings.facts.vocabulary.paginators.get(value.callee.text)
    parameters = paginator.parameters if paginator is not None else ()
    with walk.meaning(Context(ContextKind.PAGE)):
        for position, argument in enumerate(value.arguments):
            parameter = parameters[position] if position < len(parameters) else ""
            is_word = parameter != "size" or paginator is None
            if not (is_word and isinstance(argument, Name | StringLiteral)):
                visit(argument, walk)


def _visit_until(value: Expression, siblings: ObjectLiteral | None, walk: Walk) -> None:
    with walk.block():
        names = [*PAGE_NAMES, *_parameter_names(siblings)]
        for name in dict.fromkeys(names):
            walk.bind(implicit(name, BindingKind.PAGE))
        visit_condition(value, walk)


def _parameter_names(siblings: ObjectLiteral | None) -> Iterator[str]:
    for entry in entries_of(siblings):
        if entry.key.text == "paginate":
            name = pagination_parameter(entry.value)
            if name is not None:
                yield name


def entries_of(options: ObjectLiteral | None) -> Iterator[Entry]:
    """The options of a block, spreads left out."""
    if options is not None:
        for entry in options.entries:
            if isinstance(entry, Entry):
                yield entry


def option_of(options: ObjectLiteral | None, name: str) -> Entry | None:
    """The first option of a name."""
    return next((entry for entry in entries_of(options) if entry.key.text == name), None)


def pagination_parameter(value: OptionValue) -> str | None:
    """The name of the query parameter that a pagination counts in, where it is written."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, Call):
        if len(value.arguments) == 1:
            return word_of(value.callee)
        return word_of(value.arguments[0]) if value.arguments else None
    if isinstance(value, ObjectLiteral):
        entry = option_of(value, "param") or option_of(value, "type")
        return None if entry is None else word_of(entry.value)
    return None


def word_of(value: OptionValue | None) -> str | None:
    """The word that a bare name or a string spells."""
    if isinstance(value, Name):
        return value.text
    return value.value if isinstance(value, StringLiteral) else None


def takes_text(kind: OptionType) -> bool:
    """Whether an option of this type takes a text or a word."""
    return kind is OptionType.STRING or kind in _WORDS
