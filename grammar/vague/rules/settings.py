"""Rules about single blocks of options: requests, pagination, sync, sources, stores, secrets."""

from __future__ import annotations

import re

from vague.ast.base import Key, Node
from vague.ast.definitions import DatasetEntry, Source, Store
from vague.ast.expressions import (
    Call,
    ContextField,
    Entry,
    Expression,
    FieldAccess,
    IndexAccess,
    LastSync,
    Name,
    ObjectLiteral,
    OptionValue,
    Quantity,
    StringLiteral,
)
from vague.ast.steps import ParallelClause, Request
from vague.diagnostics import Fix
from vague.rules.literals import LiteralKind, is_whole, literal, plain, results, word
from vague.rules.registry import RuleTable
from vague.rules.wording import count, removal, replacement
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.events import OptionBlockUse, OptionUse
from vague.traversal.options import entries_of, option_of
from vague.traversal.state import Walk

SETTINGS = RuleTable()

_SYNC_OPTIONS = frozenset({"sinceParam", "sinceFormat", "syncKey", "updateFrom", "sinceOverlap"})
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key"})
_LOOPBACK = re.compile(r"http://(localhost|127\.[0-9.]+|\[::1\])(?=[:/?#]|$)", re.IGNORECASE)

# ---------------------------------------------------------------- requests


@SETTINGS.on(Request)
def check_one_source(step: Request, walk: Walk) -> None:
    """RQ316: the source before the path, after `from`, or as an option, but once."""
    option = option_of(step.options, "source")
    given: list[Node] = [name for name in (step.source, step.from_source) if name is not None]
    given += [] if option is None else [option]
    for extra in given[1:]:
        at: Node = extra.key if isinstance(extra, Entry) else extra
        related = (walk.related(walk.span(given[0]), "the first one is here"),)
        message = "the source of the request is given twice"
        fixes = _without_source(extra, walk)
        walk.report("RQ316", at, message, "remove one of them", fixes, related=related)


def _without_source(extra: Node, walk: Walk) -> tuple[Fix, ...]:
    if isinstance(extra, Entry):
        return (removal(walk, extra, "remove this 'source'", safe=False),)
    span = walk.span(extra)
    before = walk.text(Span(walk.base, span.start))
    found = re.search(r"\s*\bfrom\s+\Z", before)
    if found is None:
        return ()
    edit = walk.edit(Span(walk.base + found.start(), span.end), "")
    return (Fix("remove this source", (edit,), safe=False),)


@SETTINGS.on(OptionUse)
def check_body_of_get(use: OptionUse, walk: Walk) -> None:
    """RQ319, and RQ303 for a body that cannot become parameters."""
    if use.entry.key.text != "body" or not _is_get(use.holder) or use.spec is None:
        return
    found = None if isinstance(use.entry.value, LastSync) else literal(use.entry.value)
    if found is not None and found.kind is LiteralKind.NULL:
        return
    if found is not None and found.kind is not LiteralKind.OBJECT:
        message = f"'body' of a 'get' must be an object, found {found.words}"
        help_text = "its fields are sent as query parameters"
        walk.report("RQ303", found.node, message, help_text)
        return
    key = use.entry.key
    fixes = (replacement(walk, key, "params"),)
    message = "the body of a 'get' is sent as query parameters"
    walk.report("RQ319", key, message, "rename it to 'params'", fixes)


def _is_get(holder: Node) -> bool:
    return isinstance(holder, Request) and holder.method == "get"


@SETTINGS.on(OptionBlockUse)
def check_sync_options(use: OptionBlockUse, walk: Walk) -> None:
    """RQ321 and RQ322: options that do nothing without another one."""
    if use.block.name not in ("request", "call"):
        return
    given = {entry.key.text: entry for entry in entries_of(use.options)}
    if "until" in given and "paginate" not in given:
        key = given["until"].key
        help_text = "add 'paginate: page(page, 100)' or another pagination"
        walk.report("RQ321", key, "'until' does nothing without 'paginate'", help_text)
    if "since" in given:
        return
    for entry in entries_of(use.options):
        key = entry.key
        if key.text in _SYNC_OPTIONS:
            start = walk.span(key).start
            edit = walk.edit(Span(start, start), "since: lastSync, ")
            fixes = (Fix("add 'since: lastSync'", (edit,), safe=False),)
            message = f"'{key.text}' does nothing without 'since'"
            walk.report("RQ322", key, message, "add 'since: lastSync'", fixes)


@SETTINGS.on(OptionBlockUse)
def check_sync_set_once(use: OptionBlockUse, walk: Walk) -> None:
    """RQ316: a setting of `lastSync` behind it as well as beside it."""
    since = option_of(use.options, "since")
    if since is None or not isinstance(since.value, LastSync):
        return
    beside = [entry.key for entry in entries_of(use.options) if entry.key.text in _SYNC_OPTIONS]
    within = [entry.key for entry in entries_of(since.value.options)]
    named: list[Key | StringLiteral] = [] if since.value.key is None else [since.value.key]
    first: dict[str, Key | StringLiteral] = {}
    for key in sorted([*beside, *named, *within], key=walk.span):
        before = first.setdefault(_sync_setting(key), key)
        if before is not key and not (before in within and key in within):
            related = (walk.related(walk.span(before), "the first one is here"),)
            message = f"{_told(key)} sets the same thing as {_told(before)}"
            walk.report("RQ316", key, message, "remove one of them", related=related)


def _sync_setting(key: Key | StringLiteral) -> str:
    """The option of a request that a key in or beside `lastSync`, or its name, stands for."""
    if isinstance(key, StringLiteral):
        return "syncKey"
    return {"param": "sinceParam", "format": "sinceFormat"}.get(key.text, key.text)


def _told(key: Key | StringLiteral) -> str:
    return "the name in 'lastSync(…)'" if isinstance(key, StringLiteral) else f"'{key.text}'"


# ---------------------------------------------------------------- pagination


@SETTINGS.on(OptionUse)
def check_pagination(use: OptionUse, walk: Walk) -> None:
    """RQ320: number of arguments, page size, cursor path."""
    if use.entry.key.text != "paginate" or use.spec is None:
        return
    value = use.entry.value
    if isinstance(value, ObjectLiteral):
        _check_pagination_block(value, walk)
    elif isinstance(value, Call) and isinstance(value.callee, Name):
        _check_pagination_call(value, value.callee, walk)
    elif word(value) == "cursor":
        _refuse_cursor(value, walk)


def _refuse_cursor(at: Node | Span, walk: Walk) -> None:
    help_text = "write 'cursor(.next)' or 'cursor(cursor, 100, \"next\")'"
    walk.report("RQ320", at, "'cursor' needs the path to the next cursor", help_text)


def _check_pagination_block(block: ObjectLiteral, walk: Walk) -> None:
    kind = option_of(block, "type")
    if kind is not None and word(kind.value) == "cursor" and not option_of(block, "cursorPath"):
        walk.report(
            "RQ320",
            kind.value,
            "'cursor' needs the path to the next cursor",
            "add 'cursorPath: \"next\"'",
        )


def _check_pagination_call(call: Call, callee: Name, walk: Walk) -> None:
    paginator = walk.surroundings.facts.vocabulary.paginators.get(callee.text)
    if paginator is None or callee.text not in ("offset", "page", "cursor", "link"):
        return
    given = call.arguments
    if callee.text == "cursor" and len(given) == 1 and _is_context_path(given[0]):
        return
    wanted = len(paginator.parameters)
    if callee.text == "cursor" and len(given) == wanted - 1:
        _refuse_cursor(callee, walk)
    elif len(given) != wanted:
        form = f"{callee.text}({', '.join(paginator.parameters)})"
        message = f"'{callee.text}' takes {count(wanted, 'argument')}, got {len(given)}"
        walk.report("RQ320", callee, message, f"the form is '{form}'")
    elif wanted > 1:
        _check_page_size(call.arguments[1], walk)


def _is_context_path(value: Expression) -> bool:
    while isinstance(value, FieldAccess | IndexAccess):
        value = value.target
    return isinstance(value, ContextField)


def _check_page_size(size: Expression, walk: Walk) -> None:
    found = literal(size)
    if found is None:
        return
    number = found.number if found.kind is LiteralKind.NUMBER else 0
    if number >= 1 and is_whole(number):
        return
    spelled = str(found.value).strip() if found.kind is LiteralKind.STRING else ""
    better = spelled if spelled.isdecimal() and spelled != "0" else None
    fixes = () if better is None else (replacement(walk, size, better),)
    shown = plain(found.number) if found.kind is LiteralKind.NUMBER else found.words
    message = f"page size must be a positive whole number, found {shown}"
    walk.report("RQ320", size, message, f"write for example '{better or 100}'", fixes)


# ---------------------------------------------------------------- sources


@SETTINGS.on(Source)
def check_source(source: Source, walk: Walk) -> None:
    """RQ326 and RQ324."""
    base = option_of(source.options, "base")
    if base is None and source.spec is None:
        message = f"source '{source.name.text}' has neither 'base' nor a spec"
        help_text = "add 'base: \"https://…\"': relative paths fail without it"
        walk.report("RQ326", source.name, message, help_text)
    auth = option_of(source.options, "auth")
    if base is None or auth is None or "basic" not in map(word, results(auth.value)):
        return
    for value in results(base.value):
        if isinstance(value, StringLiteral):
            _check_basic_over_http(value, walk)


def _check_basic_over_http(base: StringLiteral, walk: Walk) -> None:
    url = base.value
    if not url.lower().startswith("http://") or _LOOPBACK.match(url):
        return
    start = walk.span(base).start + 1
    edit = walk.edit(Span(start, start + len("http")), "https")
    fixes = (Fix("use https", (edit,), safe=False),)
    message = "basic authentication over plain http shows the password to everyone on the way"
    walk.report("RQ324", base, message, f"write '{url.replace('http', 'https', 1)}'", fixes)


@SETTINGS.on(OptionUse)
def check_secret(use: OptionUse, walk: Walk) -> None:
    """RQ325: a secret in the program text ends up in version control."""
    value = use.entry.value
    if use.spec is not None and use.spec.secret:
        _check_secret_value(value, use.entry.key.text, walk)
    elif use.entry.key.text == "headers" and isinstance(value, ObjectLiteral):
        for entry in entries_of(value):
            if entry.key.text.lower() in _SECRET_HEADERS:
                _check_secret_value(entry.value, entry.key.text, walk)


def _check_secret_value(value: OptionValue, name: str, walk: Walk) -> None:
    for result in results(value):
        if not isinstance(result, StringLiteral) or not _is_secret(result.value):
            continue
        variable = _variable_name(name, walk)
        text = f'env("{variable}")'
        fixes = (replacement(walk, result, text, safe=False),)
        message = f"secret '{name}' is written in the program"
        walk.report("RQ325", result, message, f"keep it outside: '{text}'", fixes)


def _is_secret(text: str) -> bool:
    """Whether a text is a secret itself: not empty, and not taken from the environment."""
    return bool(text.strip()) and "${" not in text


def _variable_name(option: str, walk: Walk) -> str:
    node = walk.element.node
    owner = node.name.text if isinstance(node, Source | Store) else ""
    return "_".join(filter(None, (_snake(owner), _snake(option))))


def _snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name)
    return parted.strip("_").upper()


# ---------------------------------------------------------------- stores, data sets, loops


@SETTINGS.on(Store)
def check_adapter(store: Store, walk: Walk) -> None:
    """RQ217, and RQ303 for what can be no adapter."""
    for value in results(store.adapter):
        name = value.callee if isinstance(value, Call) else value
        if isinstance(name, Name):
            _check_adapter_name(name, walk)
            if isinstance(value, Call):
                _check_identifier(value, store, walk)
        else:
            _refuse_adapter(value, store, walk)


def _check_adapter_name(name: Name, walk: Walk) -> None:
    adapters = walk.surroundings.facts.vocabulary.store_adapters
    if name.text in adapters:
        return
    message = f"unknown store adapter '{name.text}'"
    found = nearest(name.text, adapters)
    if found is None:
        known = ", ".join(adapters)
        walk.report("RQ217", name, message, f"known are {known}")
        return
    fixes = (replacement(walk, name, found),)
    walk.report("RQ217", name, message, f"did you mean '{found}'?", fixes)


def _check_identifier(call: Call, store: Store, walk: Walk) -> None:
    """RQ303 for a call that is not `adapter("name")` or `adapter("name", { … })`."""
    if not call.arguments:
        better = f'{walk.text(walk.span(call.callee))}("{store.name.text}")'
        message = f"the name of the data of store '{store.name.text}' is missing"
        fixes = (replacement(walk, call, better),)
        walk.report("RQ303", call, message, f"write '{better}'", fixes)
    for argument in call.arguments[:1]:
        found = literal(argument)
        if found is not None and found.kind is not LiteralKind.STRING:
            message = f"the name of a store's data must be a string, found {found.words}"
            walk.report("RQ303", argument, message, "write for example 'file(\"customers\")'")
    for argument in call.arguments[1:2]:
        found = literal(argument)
        if found is not None and found.kind is not LiteralKind.OBJECT:
            message = f"the options of a store must be a block, found {found.words}"
            walk.report("RQ303", argument, message, "write for example '{ format: \"csv\" }'")
    if len(call.arguments) > 2:
        message = f"a store takes a name and options, got {len(call.arguments)} values"
        walk.report("RQ210", call.arguments[2], message, "put all options into one block")


def _refuse_adapter(value: OptionValue, store: Store, walk: Walk) -> None:
    found = None if isinstance(value, LastSync) else literal(value)
    what = "a computed value" if found is None else found.words
    better = f'file("{store.name.text}")'
    text = word(value)
    adapters = walk.surroundings.facts.vocabulary.store_adapters
    if text is not None and text in adapters:
        better = f'{text}("{store.name.text}")'
    message = f"store '{store.name.text}' must be an adapter, found {what}"
    fixes = (replacement(walk, value, better, safe=False),)
    walk.report("RQ303", value, message, f"write '{better}'", fixes)


@SETTINGS.on(DatasetEntry)
def check_dataset_count(entry: DatasetEntry, walk: Walk) -> None:
    """RQ303 and RQ305: a positive whole number of records."""
    _check_count(entry.count, f"number of '{entry.key.text}'", walk)


@SETTINGS.on(ParallelClause)
def check_parallel_width(clause: ParallelClause, walk: Walk) -> None:
    """RQ303 and RQ305: a positive whole number of iterations."""
    if clause.width is not None:
        _check_count(clause.width, "width of 'parallel'", walk)


def _check_count(value: Expression | Quantity, what: str, walk: Walk) -> None:
    found = literal(value)
    if found is None or found.kind is not LiteralKind.NUMBER:
        words = "a computed value" if found is None else found.words
        message = f"{what} must be a whole number, found {words}"
        walk.report("RQ303", value, message, "write for example '5'")
    elif found.number < 1 or not is_whole(found.number):
        message = f"{what} must be a whole number of at least 1, found {plain(found.number)}"
        better = plain(max(1, round(found.number)))
        fixes = (replacement(walk, value, better, safe=False),)
        walk.report("RQ305", value, message, f"write for example '{better}'", fixes)
