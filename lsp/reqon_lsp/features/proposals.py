"""Completion items made of vocabulary rows and of what a mission declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reqon_lsp.results import Completion, ItemKind
from vague.names import ScopeAt
from vague.program import MissionProgram
from vague.shapes import KnownField
from vague.vocabulary import FunctionSpec, Kind, Vocabulary
from vague.vocabulary.keywords import KEYWORDS, RESERVED
from vague.vocabulary.kinds import AMBIENT_NAMES, ELEMENT_NAMES, PREDEFINED_SCHEMAS, TYPE_NAMES
from vague.vocabulary.options import OptionSpec, OptionType

SNIPPETS = {
    "mission": "mission ${1:Name} {\n  $0\n}",
    "source": 'source ${1:API} {\n  auth: ${2:none}\n  base: "${3:https://}"\n}',
    "store": 'store ${1:name}: file("${1:name}")',
    "schema": "schema ${1:Name} {\n  ${2:id}: ${3:string}\n}",
    "transform": "transform ${1:Name}: ${2:Schema} -> ${3:Target} {\n  $0\n}",
    "action": "action ${1:Name} {\n  $0\n}",
    "schedule": "schedule: every ${1:15 minutes}",
    "get": 'get "/${1:path}"',
    "post": 'post "/${1:path}" {\n  body: { $0 }\n}',
    "put": 'put "/${1:path}" {\n  body: { $0 }\n}',
    "patch": 'patch "/${1:path}" {\n  body: { $0 }\n}',
    "delete": 'delete "/${1:path}"',
    "for": "for ${1:item} in ${2:items} {\n  $0\n}",
    "map": "map ${1:value} -> ${2:Target} {\n  $0\n}",
    "validate": "validate ${1:value} {\n  assume $0\n}",
    "match": "match ${1:response} {\n  ${2:_} -> ${0:continue}\n}",
    "let": "let ${1:name} = $0",
    "apply": "apply ${1:Transform} to ${2:value} as ${3:name}",
    "wait": 'wait { path: "/${1:hook}", timeout: ${2:10 minutes} }',
}
STORE_STEP = "store ${1:response} -> ${2:name} { key: ${3:.id} }"


def keyword(word: str, rank: int = 5, snippet: str | None = None) -> Completion:
    """A keyword with its help; in capitals for the methods that may be written so."""
    row = KEYWORDS.get(word)
    detail, help_text = (row.form, row.help) if row is not None else ("", "")
    return Completion(word, ItemKind.KEYWORD, detail, help_text, snippet=snippet, rank=rank)


def keywords(words: Iterable[str], rank: int = 5, *, snippets: bool = False) -> list[Completion]:
    """Keywords; with `snippets` those that begin something bring its form along."""
    return [keyword(word, rank, SNIPPETS.get(word) if snippets else None) for word in words]


def option(spec: OptionSpec, rank: int = 3) -> Completion:
    """An option's name with its type and default."""
    nested = spec.nested is not None and spec.type in (OptionType.BLOCK, OptionType.OBJECT)
    detail = f"{spec.type.value}; default {spec.default}" if not nested else "{ … }"
    value = " { $0 }" if nested else " $0"
    return Completion(
        spec.name,
        ItemKind.OPTION,
        detail,
        option_help(spec),
        text=f"{spec.name}: ",
        snippet=f"{spec.name}:{value}",
        rank=rank if spec.synonym_of is None else rank + 4,
    )


def option_help(spec: OptionSpec) -> str:
    """An option's documentation, in Markdown."""
    rows = [spec.help, "", f"- must be {' or '.join(kind.value for kind in spec.types)}"]
    if spec.values:
        rows.append(f"- one of {', '.join(f'`{value}`' for value in spec.values)}")
    if spec.minimum is not None or spec.maximum is not None:
        rows.append(f"- from {_bound(spec.minimum)} to {_bound(spec.maximum)}")
    if spec.unit is not None:
        rows.append(f"- a bare number counts {spec.unit}")
    rows.append(f"- default: {spec.default}")
    if spec.synonym_of is not None:
        rows.append(f"- another word for `{spec.synonym_of}`")
    return "\n".join(rows)


def _bound(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"


def kinds(rows: Iterable[Kind], kind: ItemKind = ItemKind.WORD, rank: int = 3) -> list[Completion]:
    """Names of a closed or open set."""
    return [Completion(row.name, kind, row.same_as or "", row.help, rank=rank) for row in rows]


def words(names: Iterable[str], kind: ItemKind, detail: str, rank: int = 3) -> list[Completion]:
    """Plain names of one kind."""
    return [Completion(name, kind, detail, rank=rank) for name in names]


def function(spec: FunctionSpec, rank: int = 6) -> Completion:
    """A function with its signature and example."""
    return Completion(
        spec.name,
        ItemKind.FUNCTION,
        f"{spec.signature} → {spec.returns}",
        function_help(spec),
        text=spec.name,
        snippet=f"{spec.name}($0)" if spec.parameters else f"{spec.name}()",
        rank=rank,
    )


def function_help(spec: FunctionSpec) -> str:
    """A function's documentation, in Markdown."""
    if not spec.example:
        return spec.help
    return f"{spec.help}\n\n```reqon\n{spec.example.replace(' -> ', '  // ', 1)}\n```"


def functions(vocabulary: Vocabulary, rank: int = 6) -> list[Completion]:
    """All functions."""
    return [function(spec, rank) for spec in vocabulary.functions.values()]


def known_field(field: KnownField) -> Completion:
    """A field with its type and where it is known from."""
    optional = "?" if field.optional else ""
    return Completion(
        field.name,
        ItemKind.FIELD,
        f"{field.type}{optional} — {field.origin}",
        field.description,
        rank=1,
    )


def types(mission: MissionProgram | None) -> list[Completion]:
    """Type names and schemas."""
    return [*schemas(mission), *kinds(TYPE_NAMES.values(), ItemKind.TYPE, 4)]


def schemas(mission: MissionProgram | None) -> list[Completion]:
    """The schemas in sight."""
    names = () if mission is None else mission.schemas
    return [
        *words(names, ItemKind.SCHEMA, "schema"),
        *kinds(PREDEFINED_SCHEMAS.values(), ItemKind.SCHEMA, 5),
    ]


def names_in_scope(scope: ScopeAt | None, mission: MissionProgram | None) -> Iterator[Completion]:
    """Every plain name that means something in an expression here."""
    if scope is not None:
        for binding in scope.bindings:
            yield Completion(binding.name, ItemKind.VARIABLE, binding.kind.value, rank=1)
        if scope.in_callback:
            yield from kinds(ELEMENT_NAMES.values(), ItemKind.VARIABLE, 2)
        if scope.layer.name == "ACTION":
            yield from kinds(AMBIENT_NAMES.values(), ItemKind.VARIABLE, 2)
    if mission is not None:
        lets = (*mission.shared_lets, *mission.lets)
        yield from words(
            dict.fromkeys(let.node.name.text for let in lets), ItemKind.VARIABLE, "variable", 2
        )
        yield from words(mission.stores, ItemKind.STORE, "store", 2)


def expression_words() -> list[Completion]:
    """What may begin an expression beside names and functions."""
    return keywords(("true", "false", "null", "not", "if", "match", "any"), 7)


def operators() -> list[Completion]:
    """What may go on behind an operand."""
    names = ("and", "or", "in", "is", "where", "contains", "startsWith", "endsWith")
    return keywords(names, 4)


def is_free_name(name: str) -> bool:
    """Whether a name may be given to something."""
    return name.isidentifier() and name not in RESERVED and name != "_"


def custom_steps(vocabulary: Vocabulary) -> list[Completion]:
    """Steps that packages add."""
    return kinds(vocabulary.custom_steps.values(), ItemKind.KEYWORD, 4)
