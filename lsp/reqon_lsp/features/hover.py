"""What the thing under the cursor is, from the vocabulary, the program and the last run.

A name tells what it names and what the last run saw of it; a word of the language its help; a
problem the page of its code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reqon.state.model import ExecutionState
from reqon_lsp.analysis import Snapshot
from reqon_lsp.features import proposals
from reqon_lsp.features.completion import mission_at
from reqon_lsp.features.fields import (
    FieldsHere,
    expression,
    operand_before,
    samples_of,
    scope_of,
    stored_value,
)
from reqon_lsp.features.inline_status import moment, tooltip
from reqon_lsp.features.parameters import key_help
from reqon_lsp.features.place import Place, option_spec, place_at
from reqon_lsp.last_run import LastRun, Past, Record
from reqon_lsp.results import Hover
from vague.ast.base import Node
from vague.names import NameAt, ScopeAt
from vague.openapi import Operation
from vague.pages import page
from vague.program import Declared, MissionProgram
from vague.shapes import (
    Knowledge,
    KnownField,
    fields_of,
    fields_within,
    schema_shape,
    type_words,
)
from vague.text import Span
from vague.vocabulary import Kind
from vague.vocabulary.keywords import KEYWORDS, METHODS
from vague.vocabulary.kinds import AMBIENT_NAMES, ELEMENT_NAMES, TYPE_NAMES, WORD_SETS
from vague.vocabulary.options import OptionSpec

_MAX_SHOWN = 3
_MAX_VALUE = 60
_MAX_SOURCE = 600


@dataclass(frozen=True, slots=True)
class _Asked:
    snapshot: Snapshot
    path: str
    place: Place
    past: Past
    now: datetime
    text: str
    scope: ScopeAt | None
    mission: MissionProgram | None

    @property
    def last(self) -> LastRun:
        return self.past(self.mission) if self.mission is not None else LastRun()


def hover(snapshot: Snapshot, path: str, offset: int, past: Past, now: datetime) -> Hover | None:
    """What is known about the word at an offset; the problems there stand below it."""
    parsed = snapshot.parsed(path)
    if parsed is None:
        return None
    place = place_at(parsed, offset)
    problems = "\n\n---\n\n".join(_problems(snapshot, path, offset))
    if place.inside is not None and place.inside.kind == "comment":
        return None
    scope = scope_of(snapshot, path, offset)
    mission = mission_at(snapshot, path, offset, scope)
    asked = _Asked(snapshot, path, place, past, now, parsed.source.text, scope, mission)
    found = _named(asked, offset) or _field(asked) or _key(asked) or _word(asked)
    if found is None and not problems:
        return None
    span, text = found or (_problem_span(snapshot, path, offset), "")
    return Hover(span, "\n\n---\n\n".join(part for part in (text, problems) if part))


# ---------------------------------------------------------------- problems


def _problems(snapshot: Snapshot, path: str, offset: int) -> Iterator[str]:
    for found in snapshot.diagnostics(path):
        if found.span.start <= offset <= found.span.end:
            known = page(found.code)
            if known is not None:
                yield f"**{found.code}** {known.title}\n\n{known.what}\n\n{known.fix}"


def _problem_span(snapshot: Snapshot, path: str, offset: int) -> Span:
    found = (each.span for each in snapshot.diagnostics(path))
    return next((s for s in found if s.start <= offset <= s.end), Span(offset, offset))


# ---------------------------------------------------------------- names


def _named(asked: _Asked, offset: int) -> tuple[Span, str] | None:
    name = asked.snapshot.names.at(asked.path, offset)
    if name is None:
        return None
    describe = _BY_KIND.get(name.symbol.kind)
    text = describe(asked, name) if describe is not None else ""
    return (name.span, text) if text else None


def _mission(asked: _Asked, name: NameAt) -> str:
    mission = asked.snapshot.program.mission(name.symbol.name)
    if mission is None:
        return ""
    state = asked.past(mission).state
    members = {"action": mission.actions, "source": mission.sources, "store": mission.stores}
    counts = ", ".join(
        f"{len(found)} {word}{'' if len(found) == 1 else 's'}" for word, found in members.items()
    )
    status = tooltip(state, asked.now) if state is not None else "never run"
    return f"{_code(f'mission {mission.name}')}\n\n{counts}\n\n{status}"


def _store(asked: _Asked, name: NameAt) -> str:
    rows = [_declaration(asked, name)]
    state = asked.last.state
    counts = state.stores.get(name.symbol.name) if state is not None else None
    if state is not None and counts is not None:
        when = moment(state.completed_at or state.last_activity_at, asked.now)
        rows.append(
            f"Last run ({when}): {counts.count:,} records, {counts.added:,} added, "
            f"{counts.updated:,} updated, {counts.unchanged:,} unchanged."
        )
    samples = asked.last.samples.get(name.symbol.name, ())
    if samples:
        rows.append("Records look like this:\n\n" + _json(samples[0]))
    return "\n\n".join(row for row in rows if row)


def _source(asked: _Asked, name: NameAt) -> str:
    rows = [_declaration(asked, name)]
    mission = asked.mission
    declared = mission.sources.get(name.symbol.name) if mission is not None else None
    document = asked.snapshot.program.document_of(declared) if declared is not None else None
    if document is not None and document.api is not None:
        api = document.api
        rows.append(f"{api.title} {api.version}: {len(api.operations)} operations.".strip())
    state = asked.last.state
    if state is not None:
        rows.extend(_source_errors(state, name.symbol.name, asked.now))
        prefix = f"{name.symbol.name}-"
        rows.extend(
            f"Last sync of `{key}`: {_exact(sync.last_sync, asked.now)}, "
            f"{sync.items_synced:,} items"
            for key, sync in asked.last.syncs.items()
            if key.startswith(prefix)
        )
    return "\n\n".join(row for row in rows if row)


def _source_errors(state: ExecutionState, source: str, now: datetime) -> Iterator[str]:
    when = moment(state.completed_at or state.last_activity_at, now)
    for error in state.errors[-1:]:
        yield f"Last run ({when}) {state.status}: {error.get('message')}."
    if not state.errors and source:
        yield f"Last run ({when}): {state.status}."


def _action(asked: _Asked, name: NameAt) -> str:
    state = asked.last.state
    rows = [_code(f"action {name.symbol.name}")]
    if state is not None:
        rows.extend(_action_past(state, name.symbol.name, asked.now))
    return "\n\n".join(rows)


def _action_past(state: ExecutionState, action: str, now: datetime) -> Iterator[str]:
    when = moment(state.completed_at or state.last_activity_at, now)
    if action in state.actions_run:
        items = state.checkpoints.get(action, {}).get("itemsProcessed")
        count = f", {items:,} items" if isinstance(items, int) else ""
        yield f"Last run ({when}): completed{count}."
    for error in state.errors[-1:]:
        if error.get("action") == action:
            yield f"Last run ({when}): {error.get('message')}."


def _definition(asked: _Asked, name: NameAt) -> str:
    return _declaration(asked, name)


def _declaration(asked: _Asked, name: NameAt) -> str:
    """The text of a definition, shortened."""
    declared = _declared(asked, name)
    if declared is None:
        return ""
    start, end = declared.absolute(declared.node.span)
    text = asked.snapshot.text(declared.path)[start:end]
    return _code(text if len(text) <= _MAX_SOURCE else text[:_MAX_SOURCE].rstrip() + " …")


def _declared(asked: _Asked, name: NameAt) -> Declared[Node] | None:
    mission = asked.mission
    if mission is None:
        return None
    symbol = name.symbol
    tables: Mapping[str, Mapping[str, Declared[Node]]] = {
        "source": mission.sources,
        "store": mission.stores,
        "schema": mission.schemas,
        "transform": mission.transforms,
    }
    if symbol.kind == "let":
        lets = (*mission.shared_lets, *mission.lets)
        return next((one for one in lets if one.node.name.text == symbol.name), None)
    return tables.get(symbol.kind, {}).get(symbol.name)


def _local(asked: _Asked, name: NameAt) -> str:
    scope = _scope_with(asked, name)
    binding = scope.binding(name.symbol.name) if scope is not None else None
    what = binding.kind.value if binding is not None else "local name"
    rows = [f"`{name.symbol.name}`: {what}"]
    target = expression(name.symbol.name)
    if scope is not None and target is not None:
        rows.extend(_field_table(fields_of(scope, target, samples_of(scope, asked.past))))
    return "\n\n".join(rows)


def _scope_with(asked: _Asked, name: NameAt) -> ScopeAt | None:
    """A scope that has the local name: where it stands, else (a declaration) where it is used."""
    if asked.scope is not None and asked.scope.binding(name.symbol.name) is not None:
        return asked.scope
    uses = asked.snapshot.names.references(name.symbol, declaration=False)
    found = (scope_of(asked.snapshot, use.path, use.span.end) for use in uses)
    return next((scope for scope in found if scope is not None), asked.scope)


def _field_table(fields: Sequence[KnownField]) -> Iterator[str]:
    if fields:
        shown = [f"- `{field.name}`: {field.type} — {field.origin}" for field in fields[:12]]
        if len(fields) > len(shown):
            shown.append(f"- … {len(fields) - len(shown)} more")
        yield "\n".join(shown)


def _function(asked: _Asked, name: NameAt) -> str:
    return _function_text(asked, name.symbol.name)


def _function_text(asked: _Asked, name: str) -> str:
    """A function's signature and help; empty for none that is known."""
    spec = asked.snapshot.vocabulary.functions.get(name)
    if spec is None:
        return ""
    return f"{_code(f'{spec.signature} → {spec.returns}')}\n\n{proposals.function_help(spec)}"


def _ambient(asked: _Asked, name: NameAt) -> str:
    word = name.symbol.name
    row = AMBIENT_NAMES.get(word) or ELEMENT_NAMES.get(word)
    keyword = KEYWORDS.get(word)
    rows = [f"`{word}` {row.help if row else keyword.help if keyword else ''}"]
    if asked.scope is not None and word == "response":
        target = expression(word)
        samples = samples_of(asked.scope, asked.past)
        if target is not None:
            rows.extend(_field_table(fields_of(asked.scope, target, samples)))
    return "\n\n".join(rows)


def _type(asked: _Asked, name: NameAt) -> str:
    del asked
    row = TYPE_NAMES.get(name.symbol.name)
    return f"`{row.name}` {row.help}" if row is not None else ""


def _operation(asked: _Asked, name: NameAt) -> str:
    for document in asked.snapshot.program.documents.values():
        found = document.api.operation(name.symbol.name) if document.api is not None else None
        if found is not None:
            return operation_text(found)
    return ""


def operation_text(operation: Operation) -> str:
    """An operation with its parameters."""
    rows = [f"**{operation.method.upper()} {operation.path}**", operation.summary]
    rows.extend(
        f"- `{one.name}`{'' if one.required else '?'}: {type_words(one.shape)} in {one.place} "
        f"{one.description}".rstrip()
        for one in operation.parameters
    )
    return "\n\n".join(row for row in rows if row)


_BY_KIND: Mapping[str, Callable[[_Asked, NameAt], str]] = {
    "mission": _mission,
    "store": _store,
    "source": _source,
    "action": _action,
    "schema": _definition,
    "transform": _definition,
    "let": _definition,
    "local": _local,
    "function": _function,
    "ambient": _ambient,
    "type": _type,
    "operation": _operation,
}


# ---------------------------------------------------------------- fields


def _field(asked: _Asked) -> tuple[Span, str] | None:
    """A field behind a dot: its type, where that is known from, and real values."""
    before = asked.place.before
    word = asked.text[slice(*asked.place.word)]
    if not word or not before or before[-1].text != "." or asked.scope is None:
        return None
    if before[-1].end != asked.place.word.start:
        return None
    samples = samples_of(asked.scope, asked.past)
    dot = before[-1]
    operand = operand_before(before[:-1]) if len(before) > 1 else None
    if operand is not None and operand[1] == dot.start:
        target = expression(asked.text[slice(*operand)])
        if target is None:
            return None
    else:
        stored = stored_value(asked.place.frame, asked.text)
        target = stored[0] if stored is not None else None
    here = FieldsHere(asked.snapshot, asked.path, asked.place.offset, asked.scope, samples)
    known = next((one for one in here.of(target) if one.name == word), None)
    if known is None:
        return None
    optional = "?" if known.optional else ""
    rows = [f"`{known.name}{optional}`: {known.type} — {known.origin}", known.description]
    rows.extend(_values(samples, known))
    return asked.place.word, "\n\n".join(row for row in rows if row)


def _key(asked: _Asked) -> tuple[Span, str] | None:
    """A key of what a request sends, or of a `map`: a field that a document or schema has."""
    span, frame = asked.place.word, asked.place.frame
    word = asked.text[slice(*span)]
    is_key = asked.text[span.end :].lstrip().startswith(":") and not asked.place.before
    if not is_key or frame.kind != "object" or asked.place.inside is not None:
        return None
    text = key_help(asked.snapshot, asked.mission, asked.place, word) or _target_field(asked, word)
    return (span, text) if text else None


def _target_field(asked: _Asked, word: str) -> str | None:
    names = [token.text for token in asked.place.frame.head]
    if asked.mission is None or "->" not in names[:-1]:
        return None
    schema = names[len(names) - names[::-1].index("->")]
    shape = schema_shape(asked.mission, schema)
    fields = fields_within(Knowledge(shape, f"schema '{schema}'")) if shape is not None else ()
    known = next((one for one in fields if one.name == word), None)
    if known is None:
        return None
    return f"`{word}{'?' if known.optional else ''}`: {known.type} — {known.origin}"


def _values(samples: Mapping[str, Sequence[Record]], known: KnownField) -> Iterator[str]:
    """Some values of a field, where it is known from records."""
    for store, records in samples.items():
        if known.origin == f"records of '{store}'":
            seen = dict.fromkeys(_short(r[known.name]) for r in records if known.name in r)
            if seen:
                yield "Seen: " + ", ".join(f"`{value}`" for value in list(seen)[:_MAX_SHOWN])


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"


# ---------------------------------------------------------------- words


def _word(asked: _Asked) -> tuple[Span, str] | None:
    """An option, a keyword, or a word of a closed set."""
    span = asked.place.word
    word = asked.text[slice(*span)]
    if not word or asked.place.inside is not None:
        return None
    text = _option(asked, word) or _option_value(asked, word) or _keyword(asked, word)
    return (span, text) if text else None


def _option(asked: _Asked, word: str) -> str:
    rest = asked.text[asked.place.word.end :].lstrip()
    if not rest.startswith(":"):
        return ""
    spec = _spec(asked, word)
    return f"**{spec.name}**\n\n{proposals.option_help(spec)}" if spec is not None else ""


def _spec(asked: _Asked, key: str) -> OptionSpec | None:
    frame = asked.place.frame
    return option_spec(frame.detail if frame.kind == "options" else frame.kind, key)


def _option_value(asked: _Asked, word: str) -> str:
    """A plain value behind `option:`, such as `exponential`, `true`, `7` or `days`."""
    before = asked.place.before
    spec = _spec(asked, before[-2].text) if len(before) > 1 and before[-1].text == ":" else None
    if spec is None and len(before) == 3 and before[2].kind == "number" and before[1].text == ":":
        spec = _spec(asked, before[0].text)
    kind = _kind(asked, word) if before and before[-1].text in (":", "(") else ""
    if spec is None:
        return kind
    if spec.values is not None and word in spec.values:
        kind = kind or _one_of(spec.values, word)
    rows = [kind or _keyword(asked, word), f"**{spec.name}**: {proposals.option_help(spec)}"]
    return "\n\n".join(row for row in rows if row)


def _kind(asked: _Asked, word: str) -> str:
    vocabulary = asked.snapshot.vocabulary
    tables = (
        vocabulary.auth_kinds,
        vocabulary.store_adapters,
        vocabulary.paginators,
        vocabulary.state_stores,
    )
    return next((_row(rows[word]) for rows in tables if word in rows), "")


def _one_of(values: Sequence[str], word: str) -> str:
    """The help of a word of a closed set, found by the whole set."""
    found = (rows for rows in WORD_SETS if set(values) <= set(rows))
    return next((_row(rows[word]) for rows in found), "")


def _row(row: Kind) -> str:
    return f"`{row.name}` {row.help}"


def _keyword(asked: _Asked, word: str) -> str:
    row = KEYWORDS.get(word.lower() if word.lower() in METHODS else word)
    if row is None:
        return _function_text(asked, word)
    return f"{_code(row.form)}\n\n{row.help}"


def _code(text: str) -> str:
    return f"```reqon\n{text}\n```"


def _json(record: Record) -> str:
    shown = dict(list(record.items())[:12])
    return f"```json\n{json.dumps(shown, indent=2, ensure_ascii=False)[:_MAX_SOURCE]}\n```"


def _exact(at: datetime, now: datetime) -> str:
    return at.astimezone(now.tzinfo).strftime("%Y-%m-%d %H:%M:%S %z")
