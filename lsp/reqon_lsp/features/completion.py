"""What may stand at the cursor: keywords by place, options and their values, names, fields.

Works from the tokens before the cursor, so in broken text too; what names mean comes from the
last check. At most `MAX_ITEMS` are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features import proposals
from reqon_lsp.features.fields import fields_at, scope_of
from reqon_lsp.features.option_values import CLOSED, option_values
from reqon_lsp.features.parameters import choices, parameters
from reqon_lsp.features.place import STEP_FRAMES, Place, Token, option_spec, place_at
from reqon_lsp.features.strings import string_completions
from reqon_lsp.last_run import Past
from reqon_lsp.results import Completion, Completions, ItemKind
from vague.names import ScopeAt
from vague.program import MissionProgram
from vague.text import Span
from vague.vocabulary import DEFAULT
from vague.vocabulary.keywords import (
    DEFINITION_WORDS,
    DIRECTIVE_WORDS,
    MEMBER_WORDS,
    METHODS,
    STEP_WORDS,
    TOP_WORDS,
    UNITS,
)
from vague.vocabulary.kinds import IS_TYPE_NAMES

MAX_ITEMS = 200
_METHOD_WORDS = frozenset((*METHODS, *(method.upper() for method in METHODS)))
_FREE_TEXT = frozenset({"let", "as", "mission", "action", "schema", "transform", "for", "dataset"})
_OPERATOR_WORDS = frozenset(
    (
        *("and", "or", "not", "in", "is", "where", "contains", "startsWith", "endsWith"),
        *("if", "then", "else", "match", "any", "of", "assume", "to", "each", "every"),
        *("abort", "validate", "map", "store"),
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: everything that the answers below look at."""

    snapshot: Snapshot
    path: str
    place: Place
    past: Past
    text: str
    mission: MissionProgram | None
    scope: ScopeAt | None

    @property
    def before(self) -> list[Token]:
        """The tokens of the statement before the word at the cursor."""
        return self.place.before

    @property
    def last(self) -> str:
        """The last one of them."""
        before = self.place.before
        return before[-1].text if before else ""

    @property
    def starts_line(self) -> bool:
        """Whether the word at the cursor is the first on its line."""
        start = self.place.word.start
        return not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()


def completions(snapshot: Snapshot, path: str, offset: int, past: Past) -> Completions:
    """The proposals at an offset, best first."""
    parsed = snapshot.parsed(path)
    if parsed is None:
        return Completions(Span(offset, offset), ())
    place = place_at(parsed, offset)
    text = parsed.source.text
    span = Span(place.word.start, max(place.word.start, min(place.word.end, offset)))
    if place.inside is not None and place.inside.kind == "comment":
        return Completions(span, ())
    scope = scope_of(snapshot, path, offset)
    mission = mission_at(snapshot, path, offset, scope)
    asked = Asked(snapshot, path, place, past, text, mission, scope)
    if place.inside is not None:
        return string_completions(snapshot, path, place, mission, past)
    found = _distinct(_proposals(asked))
    prefix = text[span.start : offset].lower()
    fitting = [item for item in found if _fits(item.label.lower(), prefix)]
    fitting.sort(key=lambda item: (not item.label.lower().startswith(prefix), item.rank))
    return Completions(span, tuple(fitting[:MAX_ITEMS]), complete=len(fitting) <= MAX_ITEMS)


def mission_at(
    snapshot: Snapshot, path: str, offset: int, scope: ScopeAt | None
) -> MissionProgram | None:
    """The mission whose names count at an offset."""
    if scope is not None:
        return scope.surroundings.mission
    for mission in snapshot.program.missions:
        span = mission.mission.absolute(mission.mission.node.span)
        if mission.mission.path == path and span.start <= offset <= span.end:
            return mission
    missions = snapshot.missions_of(path)
    return missions[0] if missions else None


def _fits(label: str, prefix: str) -> bool:
    """Whether the letters of `prefix` come in `label` in this order, the first one first."""
    if not prefix:
        return True
    if not label.startswith(prefix[0]):
        return prefix in label
    rest = iter(label)
    return all(letter in rest for letter in prefix)


def _distinct(items: Iterable[Completion]) -> list[Completion]:
    """Each label once: what is proposed first is the likelier meaning."""
    found: dict[str, Completion] = {}
    for item in items:
        found.setdefault(item.label, item)
    return list(found.values())


def _proposals(asked: Asked) -> Iterator[Completion]:
    if asked.last == "." and asked.before[-1].end == asked.place.word.start:
        yield from _behind_dot(asked)
        return
    answer = _BY_FRAME.get(asked.place.frame.kind, _expression)
    yield from answer(asked)


# ---------------------------------------------------------------- behind a dot


def _behind_dot(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    if len(before) >= 3 and before[0].text == "call" and len(before) == 3:
        yield from _operations(asked, before[1].text)
        return
    if asked.place.frame.kind == "schema" or before[0].text == "schema":
        yield from _components(asked, before[-2].text if len(before) > 1 else "")
        return
    for field in fields_at(asked.snapshot, asked.path, asked.place, asked.past, asked.text):
        yield proposals.known_field(field)
    has_target = len(before) > 1 and before[-2].end == before[-1].start
    if has_target and before[-2].kind != "sign":
        yield from proposals.functions(asked.snapshot.vocabulary, 8)


def _operations(asked: Asked, source: str) -> Iterator[Completion]:
    declared = asked.mission.sources.get(source) if asked.mission is not None else None
    document = asked.snapshot.program.document_of(declared) if declared is not None else None
    if document is None or document.api is None:
        return
    for operation in document.api.operations:
        if operation.id is not None:
            name = operation.id if operation.id.isidentifier() else f'"{operation.id}"'
            detail = f"{operation.method.upper()} {operation.path}"
            yield Completion(name, ItemKind.OPERATION, detail, operation.summary, rank=1)


def _components(asked: Asked, namespace: str) -> Iterator[Completion]:
    document = asked.mission.namespaces.get(namespace) if asked.mission is not None else None
    if document is not None and document.api is not None:
        yield from proposals.words(document.api.components, ItemKind.SCHEMA, document.path, 1)


# ---------------------------------------------------------------- definitions


def _file(asked: Asked) -> Iterator[Completion]:
    if not asked.before or asked.starts_line:
        yield from proposals.keywords(TOP_WORDS, 3, snippets=True)
    if asked.before:
        yield from _in_definition(asked)


def _mission(asked: Asked) -> Iterator[Completion]:
    if not asked.before or (asked.starts_line and asked.last != ":"):
        yield from proposals.keywords(MEMBER_WORDS, 3, snippets=True)
        yield from _options("mission", asked)
    if asked.before:
        yield from _in_definition(asked)


def _in_definition(asked: Asked) -> Iterator[Completion]:
    """Behind the first word of an item or a member."""
    before = asked.before
    head = before[0].text
    if head == "run":
        yield from _pipeline(asked)
    elif head == "schedule":
        yield from _schedule(asked)
    elif head == "store" and asked.last == ":":
        for kind in asked.snapshot.vocabulary.store_adapters.values():
            snippet = f'{kind.name}("${{1:{before[1].text}}}")'
            yield Completion(kind.name, ItemKind.WORD, "", kind.help, snippet=snippet, rank=1)
    elif head in ("source", "schema", "import") and len(before) == 2:
        yield proposals.keyword("from", 1)
    elif head == "schema" and asked.last == "from":
        names = asked.mission.namespaces if asked.mission is not None else ()
        yield from proposals.words(names, ItemKind.SCHEMA, "imported document", 1)
    elif head == "transform" and asked.last in (":", "->", "("):
        yield from proposals.schemas(asked.mission)
    elif head == "let" and len(before) >= 3:
        yield from _expression(asked)
    elif len(before) >= 2 and before[1].text == ":" and head not in DEFINITION_WORDS:
        yield from _value_of("mission", head, asked)


def _schedule(asked: Asked) -> Iterator[Completion]:
    if asked.last == ":":
        yield from proposals.keywords(("every", "cron", "at"), 1)
    elif asked.before[-1].kind == "number":
        yield from _units()


def _pipeline(asked: Asked) -> Iterator[Completion]:
    if asked.last in ("run", "then", "[", ","):
        yield from _actions(asked)
    elif asked.place.around("stages") is None and "if" not in [t.text for t in asked.before]:
        yield from proposals.keywords(("then", "if"), 2)
    else:
        yield from _expression(asked)


def _stages(asked: Asked) -> Iterator[Completion]:
    yield from _actions(asked)


def _actions(asked: Asked) -> Iterator[Completion]:
    names = asked.mission.actions if asked.mission is not None else ()
    yield from proposals.words(names, ItemKind.ACTION, "action", 1)


def _schema(asked: Asked) -> Iterator[Completion]:
    if asked.last == "..." or (asked.before and ":" in [t.text for t in asked.before]):
        yield from proposals.types(asked.mission)
    elif asked.before and asked.before[0].text == "assume":
        yield from _expression(asked)
    elif not asked.before or asked.starts_line:
        yield proposals.keyword("assume")


def _variants(asked: Asked) -> Iterator[Completion]:
    if asked.last == "->" or asked.place.around("group") is not None:
        yield from proposals.schemas(asked.mission)
    elif asked.last == "where":
        yield from _expression(asked)


# ---------------------------------------------------------------- steps


def _steps(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    is_new = not before or (asked.starts_line and not _unfinished(before[-1]))
    if is_new:
        words = [word for word in STEP_WORDS if word.islower()]
        in_arm = asked.place.around("arms") is not None
        yield from proposals.keywords(
            [w for w in words if w not in DIRECTIVE_WORDS], 3, snippets=True
        )
        yield from proposals.keywords(DIRECTIVE_WORDS, 3 if in_arm else 6)
        yield from proposals.custom_steps(asked.snapshot.vocabulary)
        if asked.place.frame.kind == "action":
            yield from _options("action", asked)
    if before:
        yield from _in_step(asked)


def _unfinished(token: Token) -> bool:
    return token.kind == "sign" and token.text not in ")]}"


def _in_step(asked: Asked) -> Iterator[Completion]:
    """Behind the first word of a step."""
    before = asked.before
    head, last = before[0].text, asked.last
    if len(before) >= 2 and before[1].text == ":" and asked.place.frame.kind == "action":
        yield from _value_of("action", head, asked)
    elif head in ("run", "jump", "queue", "clear", "apply", "call"):
        yield from _names_of_step(head, asked)
    elif head in _METHOD_WORDS:
        yield from _request(asked)
    elif last == "->":
        yield from _targets(head, asked)
    elif head == "for":
        yield from _loop(asked)
    elif head == "store" and len(before) == 1:
        yield proposals.keyword("each", 2)
        yield from _expression(asked)
    elif before[-1].kind == "group" and before[-1].text == "{" and head in _CLAUSES:
        yield from proposals.keywords(_CLAUSES[head], 2)
    elif not (last in _FREE_TEXT and len(before) == 1):
        yield from _expression(asked)


_CLAUSES = {"validate": ("or",), "match": ("catch",), "map": ()}


def _names_of_step(head: str, asked: Asked) -> Iterator[Completion]:
    before, mission = asked.before, asked.mission
    if head == "run":
        yield from _pipeline(asked)
    elif head == "jump":
        if len(before) == 1:
            yield from _actions(asked)
        elif asked.last == "then":
            yield from proposals.keywords(("retry", "continue"), 1)
        elif len(before) == 2:
            yield proposals.keyword("then", 1)
    elif head == "apply":
        yield from _apply(asked)
    elif len(before) == 1 and mission is not None:
        if head == "call":
            yield from proposals.words(mission.sources, ItemKind.SOURCE, "source", 1)
        else:
            yield from proposals.words(mission.stores, ItemKind.STORE, "store", 1)


def _apply(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    if len(before) == 1:
        names = asked.mission.transforms if asked.mission is not None else ()
        yield from proposals.words(names, ItemKind.TRANSFORM, "transform", 1)
    elif len(before) == 2:
        yield proposals.keyword("to", 1)
    elif asked.last != "as":
        yield from _expression(asked)
        yield proposals.keyword("as", 2)


def _request(asked: Asked) -> Iterator[Completion]:
    before, mission = asked.before, asked.mission
    if mission is None:
        return
    if len(before) == 1 or asked.last == "from":
        yield from proposals.words(mission.sources, ItemKind.SOURCE, "source", 2)
    if len(before) == 1:
        yield from _paths(asked)
        if before[0].text == "delete":
            yield from proposals.words(mission.stores, ItemKind.STORE, "store", 1)
    elif before[-1].kind == "string":
        yield proposals.keyword("from", 2)


def _paths(asked: Asked) -> Iterator[Completion]:
    """The paths that the default source's document has for the method."""
    source = asked.mission.default_source if asked.mission is not None else None
    document = asked.snapshot.program.document_of(source) if source is not None else None
    if document is None or document.api is None:
        return
    for operation in document.api.operations:
        if operation.method == asked.before[0].text.lower():
            label = f'"{operation.path}"'
            yield Completion(label, ItemKind.OPERATION, operation.summary, rank=1)


def _targets(head: str, asked: Asked) -> Iterator[Completion]:
    if head == "map":
        yield from proposals.schemas(asked.mission)
    elif asked.mission is not None:
        yield from proposals.words(asked.mission.stores, ItemKind.STORE, "store", 1)


def _loop(asked: Asked) -> Iterator[Completion]:
    before, last = asked.before, asked.last
    if last == "checkpoint":
        yield proposals.keyword("every", 1)
    elif len(before) == 2:
        yield proposals.keyword("in", 1)
    elif len(before) > 2 and last not in ("every", "parallel"):
        if not _wants_operand(before[-1]):
            yield from proposals.keywords(("where", "checkpoint", "parallel"), 2)
        yield from _expression(asked)


def _arms(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    arrow = next((n for n, token in enumerate(before) if token.text == "->"), None)
    if arrow is None:
        if before and before[-1].text == "where":
            yield from _expression(asked)
        elif before:
            yield proposals.keyword("where")
        else:
            yield from _patterns(asked)
        return
    behind = before[arrow + 1 :]
    if not behind:
        yield from proposals.keywords(DIRECTIVE_WORDS, 1)
        words = [w for w in STEP_WORDS if w.islower() and w not in DIRECTIVE_WORDS]
        yield from proposals.keywords(words, 4, snippets=True)
        yield from _actions(asked)
    elif behind[0].text in ("run", "jump", "queue", "clear", "apply", "call"):
        inner = [t for t in behind if t.text]
        if len(inner) == 1:
            yield from _first_name(behind[0].text, asked)
        elif behind[0].text == "jump":
            last_is_then = behind[-1].text == "then"
            choices = ("retry", "continue") if last_is_then else ("then",)
            yield from proposals.keywords(choices, 1)
    else:
        yield from _expression(asked)


def _first_name(head: str, asked: Asked) -> Iterator[Completion]:
    mission = asked.mission
    if mission is None:
        return
    tables: dict[str, tuple[Iterable[str], ItemKind]] = {
        "run": (mission.actions, ItemKind.ACTION),
        "jump": (mission.actions, ItemKind.ACTION),
        "queue": (mission.stores, ItemKind.STORE),
        "clear": (mission.stores, ItemKind.STORE),
        "apply": (mission.transforms, ItemKind.TRANSFORM),
        "call": (mission.sources, ItemKind.SOURCE),
    }
    names, kind = tables[head]
    yield from proposals.words(names, kind, kind.value, 1)


def _patterns(asked: Asked) -> Iterator[Completion]:
    yield Completion("_", ItemKind.KEYWORD, "anything", rank=1)
    yield from proposals.schemas(asked.mission)
    yield from proposals.keywords(("true", "false", "null"), 6)


def _expression_arms(asked: Asked) -> Iterator[Completion]:
    if asked.before:
        yield from _expression(asked)
    else:
        yield from _patterns(asked)


def _assumes(asked: Asked) -> Iterator[Completion]:
    if not asked.before or (asked.starts_line and not _wants_operand(asked.before[-1])):
        yield proposals.keyword("assume", 1)
    if asked.before:
        yield from _expression(asked)


# ---------------------------------------------------------------- options


def _options_frame(asked: Asked) -> Iterator[Completion]:
    before, block = asked.before, asked.place.frame.detail
    has_key = len(before) >= 2 and before[1].text == ":"
    if has_key and (not asked.starts_line or _unfinished(before[-1])):
        yield from _value_of(block, before[0].text, asked)
    else:
        yield from _options(block, asked)


def _options(block: str, asked: Asked) -> Iterator[Completion]:
    """The options of a block that are not written yet."""
    found = DEFAULT.option_blocks.get(block)
    if found is None:
        return
    written = _keys(asked)
    used = {found.canonical(name) for name in written}
    for spec in found.options.values():
        if found.canonical(spec.name) not in used:
            yield proposals.option(spec)


def _keys(asked: Asked) -> set[str]:
    """The keys that are written in the block already."""
    return {token.text for token, colon in pairwise(asked.place.frame.tokens) if colon.text == ":"}


def _value_of(block: str, key: str, asked: Asked) -> Iterator[Completion]:
    """The values of an option."""
    spec = option_spec(block, key)
    if spec is not None and asked.last == ":":
        yield from option_values(spec, asked.mission, asked.snapshot.vocabulary)
        if set(spec.types) <= CLOSED:
            return
    yield from _expression(asked)


def _object(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    if ":" in [token.text for token in before[:2]]:
        if asked.last == ":":
            key = before[0].text.strip("\"'`")
            yield from choices(asked.snapshot, asked.mission, asked.place, key)
        yield from _expression(asked)
        return
    yield from parameters(asked.snapshot, asked.mission, asked.place, _keys(asked))
    yield from _target_fields(asked)


def _target_fields(asked: Asked) -> Iterator[Completion]:
    """In the body of a `map` or transform: the fields of the schema that is to be filled."""
    head = asked.place.frame.head
    arrow = next((n for n, t in reversed(list(enumerate(head))) if t.text == "->"), None)
    if arrow is None or arrow + 1 >= len(head) or asked.mission is None:
        return
    declared = asked.mission.schemas.get(head[arrow + 1].text)
    if declared is None:
        return
    written = _keys(asked)
    for item in declared.node.items:
        key = getattr(item, "key", None)
        if key is not None and key.text not in written:
            yield Completion(
                key.text,
                ItemKind.FIELD,
                f"field of {declared.node.name.text}",
                text=f"{key.text}: ",
                snippet=f"{key.text}: $0",
                rank=1,
            )


# ---------------------------------------------------------------- expressions


def _expression(asked: Asked) -> Iterator[Completion]:
    before = asked.before
    if before and before[-1].kind == "number":
        yield from _units()
    if before and not _wants_operand(before[-1]):
        yield from _rest_of_condition(before)
        yield from proposals.operators()
        return
    if before and before[-1].text == "is":
        yield from _is_types(asked)
        return
    if before and before[-1].text == "|":
        yield from proposals.functions(asked.snapshot.vocabulary, 1)
        return
    yield from proposals.names_in_scope(asked.scope, asked.mission)
    yield from proposals.functions(asked.snapshot.vocabulary)
    yield from proposals.expression_words()


def _rest_of_condition(before: list[Token]) -> Iterator[Completion]:
    """Behind an operand of `if … then … else`: the word that comes next."""
    last = next((t.text for t in reversed(before) if t.text in ("if", "then", "else")), None)
    following = {"if": "then", "then": "else"}.get(last or "")
    if following is not None and any(token.text == "if" for token in before[1:]):
        yield proposals.keyword(following, 1)


def _wants_operand(token: Token) -> bool:
    """Whether an operand must follow the token."""
    if token.kind == "sign":
        return token.text not in ")]}"
    return token.kind == "word" and token.text in _OPERATOR_WORDS


def _is_types(asked: Asked) -> Iterator[Completion]:
    yield from proposals.schemas(asked.mission)
    yield from proposals.kinds(IS_TYPE_NAMES.values(), ItemKind.TYPE, 4)
    yield proposals.keyword("not", 2)


_USUAL_UNITS = ("seconds", "minutes", "hours", "days", "weeks")


def _units() -> Iterator[Completion]:
    others = [word for word in UNITS if word not in _USUAL_UNITS]
    for rank, words in ((1, _USUAL_UNITS), (4, others)):
        for item in proposals.keywords(words, rank):
            yield replace(item, kind=ItemKind.UNIT)


_BY_FRAME: dict[str, Callable[[Asked], Iterator[Completion]]] = {
    "file": _file,
    "mission": _mission,
    "schema": _schema,
    "variants": _variants,
    "stages": _stages,
    "arms": _arms,
    "expression_arms": _expression_arms,
    "assumes": _assumes,
    "options": _options_frame,
    "object": _object,
    **dict.fromkeys(STEP_FRAMES, _steps),
}
