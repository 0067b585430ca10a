"""Colors for programs: a TextMate grammar made from the vocabulary, and classes of tokens.

The TextMate grammar serves editors in which no language server runs; it goes by the look of a
line, since it knows no tree. `scripts/generate.py` writes it to a file. The classes are what the
language server says about names that it has resolved; `vague.highlight` decides for none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from vague.vocabulary import DEFAULT, Vocabulary
from vague.vocabulary.keywords import (
    DIRECTIVE_WORDS,
    METHODS,
    OPERATOR_WORDS,
    STEP_WORDS,
    UNITS,
)
from vague.vocabulary.kinds import AMBIENT_NAMES, TYPE_NAMES

Rule: TypeAlias = "dict[str, str | list[Rule] | dict[str, Rule]]"
"""A JSON object of a TextMate grammar."""


@dataclass(frozen=True, slots=True)
class TokenClass:
    """A class of tokens. `type` and `modifiers` are those of the language server protocol."""

    name: str
    type: str
    scope: str
    modifiers: tuple[str, ...] = ()


TOKEN_CLASSES = {
    row.name: row
    for row in (
        TokenClass("mission", "namespace", "entity.name.namespace"),
        TokenClass("action", "function", "entity.name.function"),
        TokenClass("source", "class", "entity.name.class"),
        TokenClass("operation", "method", "entity.name.function.member"),
        TokenClass("store", "struct", "entity.name.type.store"),
        TokenClass("schema", "interface", "entity.name.type"),
        TokenClass("transform", "macro", "entity.name.function.transform"),
        TokenClass("builtin_type", "type", "support.type.primitive", ("defaultLibrary",)),
        TokenClass("function", "function", "support.function", ("defaultLibrary",)),
        TokenClass("variable", "variable", "variable.other.readwrite"),
        TokenClass("ambient", "variable", "variable.language", ("defaultLibrary",)),
        TokenClass("parameter", "parameter", "variable.parameter"),
        TokenClass("field", "property", "variable.other.property"),
        TokenClass("option", "property", "support.type.property-name", ("defaultLibrary",)),
        TokenClass("option_word", "enumMember", "constant.language.option"),
        TokenClass("keyword", "keyword", "keyword.control"),
        TokenClass("operator", "operator", "keyword.operator"),
        TokenClass("string", "string", "string.quoted"),
        TokenClass("number", "number", "constant.numeric"),
        TokenClass("comment", "comment", "comment"),
    )
}
"""What a name or another token can be, by the class's name."""

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_CAPITAL = "[A-Z][A-Za-z0-9_]*"
# A word that is no property and no key: nothing of either may touch it.
_BARE = r"(?<![\w.])"
_NO_KEY = r"(?!\s*:)"


def textmate_grammar(vocabulary: Vocabulary = DEFAULT) -> dict[str, object]:
    """The grammar as JSON, `{"scopeName": "source.reqon", "patterns": [...], ...}`."""
    return {
        "name": "Reqon",
        "scopeName": "source.reqon",
        "fileTypes": ["vague", "reqon"],
        "patterns": [{"include": "#program"}],
        "repository": _repository(vocabulary),
    }


def _repository(vocabulary: Vocabulary) -> dict[str, Rule]:
    return {
        "program": _any_of("comments", "definitions", "requests", "statements", "values"),
        "values": _any_of("comments", "strings", "numbers", "keys", "words", "names", "signs"),
        "comments": {"patterns": _comments()},
        "strings": {"patterns": [_string(quote, "#escapes") for quote in "\"'"]},
        "paths": {"patterns": [_string(quote, "#escapes", "#placeholders") for quote in "\"'"]},
        "settings": {"patterns": [_string(quote, "#escapes", "#variables") for quote in "\"'"]},
        "escapes": {"patterns": _escapes()},
        "placeholders": {"patterns": _placeholders()},
        "variables": {"patterns": [_match(r"\$\$|\$\{[^}\"']*\}", "variable.other.environment")]},
        "numbers": {"patterns": _numbers()},
        "definitions": {"patterns": _definitions()},
        "source-options": _braces("source-options", "settings"),
        "schema-fields": _braces("schema-fields", "types"),
        "types": {"patterns": _types()},
        "requests": {"patterns": _requests()},
        "statements": {"patterns": _statements()},
        "keys": {"patterns": _keys(vocabulary)},
        "words": {"patterns": _words()},
        "names": {"patterns": _names(vocabulary)},
        "signs": {"patterns": _signs()},
    }


# ---------------------------------------------------------------- building blocks


def _match(pattern: str, scope: str) -> Rule:
    return {"match": pattern, "name": f"{scope}.reqon"}


def _captured(pattern: str, *scopes: str) -> Rule:
    """A pattern with a scope for each of its groups."""
    return {"match": pattern, "captures": _captures(scopes)}


def _captures(scopes: Iterable[str]) -> dict[str, Rule]:
    return {str(number): {"name": f"{scope}.reqon"} for number, scope in enumerate(scopes, start=1)}


def _any_of(*names: str) -> Rule:
    return {"patterns": [{"include": f"#{name}"} for name in names]}


def _one_of(words: Iterable[str]) -> str:
    """A group of the words, the longest first, so that none hides another."""
    return f"(?:{'|'.join(sorted(map(re.escape, words), key=lambda word: (-len(word), word)))})"


def _braces(own: str, first: str) -> Rule:
    """Braces in which `first` comes before all else, on every level."""
    return {
        "begin": r"\{",
        "end": r"\}",
        "beginCaptures": {"0": {"name": "punctuation.section.block.begin.reqon"}},
        "endCaptures": {"0": {"name": "punctuation.section.block.end.reqon"}},
        "patterns": [{"include": f"#{name}"} for name in ("comments", own, first, "values")],
    }


# ---------------------------------------------------------------- comments, strings, numbers


def _comments() -> list[Rule]:
    return [
        _match("//.*$", "comment.line.double-slash"),
        _match("#.*$", "comment.line.number-sign"),
        {"begin": r"/\*", "end": r"\*/", "name": "comment.block.reqon"},
    ]


def _string(quote: str, *inside: str) -> Rule:
    """A string, which ends on its line in any case, so that a missing quote harms one line."""
    kind = "double" if quote == '"' else "single"
    return {
        "begin": quote,
        "end": f"{quote}|$",
        "name": f"string.quoted.{kind}.reqon",
        "beginCaptures": {"0": {"name": "punctuation.definition.string.begin.reqon"}},
        "endCaptures": {"0": {"name": "punctuation.definition.string.end.reqon"}},
        "patterns": [{"include": name} for name in inside],
    }


def _escapes() -> list[Rule]:
    return [
        _match(
            r"\\(?:[ntrbf\\/\"']|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]+\})", "constant.character.escape"
        ),
        _match(r"\\.", "invalid.illegal.escape"),
    ]


def _placeholders() -> list[Rule]:
    return [
        _match(r"\{\{|\}\}", "constant.character.escape"),
        _captured(
            rf"(\{{)\s*({_NAME}(?:\.{_NAME})*)\s*(\}})",
            "punctuation.section.embedded.begin",
            "variable.other.placeholder",
            "punctuation.section.embedded.end",
        ),
    ]


def _numbers() -> list[Rule]:
    number = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
    return [
        _captured(
            rf"(?<!\w)({number})[ \t]+({_one_of(UNITS)})\b(?!:)",
            "constant.numeric",
            "keyword.other.unit",
        ),
        _match(rf"(?<!\w){number}\b", "constant.numeric"),
    ]


# ---------------------------------------------------------------- definitions


def _definitions() -> list[Rule]:
    named = {
        "mission": "entity.name.namespace",
        "action": "entity.name.function",
        "transform": "entity.name.function.transform",
        "dataset": "entity.name.type.dataset",
    }
    rules = [
        _captured(rf"{_BARE}({word})\s+({_NAME})(?=\s*[{{:\-])", "storage.type", scope)
        for word, scope in named.items()
    ]
    return [
        *rules,
        _block("schema", "entity.name.type", "schema-fields"),
        _block("source", "entity.name.class", "source-options"),
        _captured(rf"{_BARE}(store)\s+({_NAME})(?=\s*:)", "storage.type", "entity.name.type.store"),
        _captured(rf"{_BARE}(import)(?=\s+[\"'])", "keyword.other.import"),
        _captured(
            rf"{_BARE}(import)\s+({_NAME})\s+(from)\b",
            "keyword.other.import",
            "entity.name.namespace",
            "keyword.other.import",
        ),
        _captured(
            rf"{_BARE}(schedule)(?=\s*:\s*(?:every|cron|at)\b)",
            "storage.type",
        ),
    ]


def _block(word: str, scope: str, body: str) -> Rule:
    """A definition up to the end of its braces, or of its line where it has none there."""
    return {
        "begin": rf"{_BARE}({word})\s+({_NAME})(?=\s*(?:[{{]|from\b|$))",
        "end": r"(?<=\})|$",
        "beginCaptures": _captures(("storage.type", scope)),
        "patterns": [
            {"include": "#comments"},
            {"include": f"#{body}"},
            _match(r"\bfrom\b", "keyword.other.import"),
            {"include": "#settings" if word == "source" else "#strings"},
            {"include": "#names"},
        ],
    }


def _types() -> list[Rule]:
    return [
        _captured(rf"(?<=[:<|\[])\s*({_one_of(TYPE_NAMES)})\b(?!\s*:)", "support.type.primitive"),
        _captured(rf"(?<=[:<|\[])\s*({_CAPITAL})\b(?!\s*:)", "entity.name.type"),
    ]


# ---------------------------------------------------------------- statements


def _requests() -> list[Rule]:
    methods = _one_of((*METHODS, *(method.upper() for method in METHODS)))
    return [
        {
            "begin": rf"{_BARE}({methods})(?:[ \t]+({_NAME}))?(?=[ \t]+[\"'])",
            "end": "(?<=[\"'])|$",
            "beginCaptures": _captures(("keyword.control.request", "entity.name.class")),
            "patterns": [{"include": "#paths"}],
        },
        {
            "begin": r"(?<![\w.])(path)\s*(:)(?=\s*[\"'])",
            "end": "(?<=[\"'])|$",
            "beginCaptures": _captures(
                ("support.type.property-name", "punctuation.separator.key-value")
            ),
            "patterns": [{"include": "#paths"}],
        },
        _captured(
            rf"{_BARE}(delete)[ \t]+({_NAME})(?=\[)", "keyword.control", "entity.name.type.store"
        ),
        _match(rf"{_BARE}{methods}(?=[ \t]+[A-Za-z_(.])", "keyword.control.request"),
    ]


def _statements() -> list[Rule]:
    named = [word for word in STEP_WORDS if word.islower() and word not in METHODS]
    steps = [word for word in named if word not in DIRECTIVE_WORDS]
    return [
        _captured(
            rf"{_BARE}(call)\s+({_NAME})(\.)({_NAME})",
            "keyword.control.request",
            "entity.name.class",
            "punctuation.accessor",
            "entity.name.function.member",
        ),
        _captured(
            rf"{_BARE}(apply)\s+({_NAME})\s+(to)\b",
            "keyword.control",
            "entity.name.function.transform",
            "keyword.control",
        ),
        _captured(
            rf"{_BARE}(jump)\s+({_NAME})(?:\s+(then)\s+(retry|continue))?",
            "keyword.control.flow",
            "entity.name.function",
            "keyword.control.flow",
            "keyword.control.flow",
        ),
        _captured(
            rf"{_BARE}(for)\s+({_NAME})\s+(in)\b",
            "keyword.control.loop",
            "variable.parameter",
            "keyword.control.loop",
        ),
        _captured(
            rf"{_BARE}(let)\s+({_NAME})\s*(=)(?!=)",
            "storage.type",
            "variable.other.readwrite",
            "keyword.operator.assignment",
        ),
        _captured(
            rf"{_BARE}(clear|queue)[ \t]+({_NAME})(?!\s*[:=])",
            "keyword.control",
            "entity.name.type.store",
        ),
        _match(rf"{_BARE}{_one_of(steps)}(?=\s+[^\s:.=(,)\]}}]|\s*$)", "keyword.control"),
        _match(rf"{_BARE}{_one_of(DIRECTIVE_WORDS)}\b(?!\s*[:.=(\[])", "keyword.control.flow"),
    ]


# ---------------------------------------------------------------- values


def _keys(vocabulary: Vocabulary) -> list[Rule]:
    names = {name for block in vocabulary.option_blocks.values() for name in block.options}
    key = r"\b(?=\??:)"
    return [
        _match(rf"(?<![\w.]){_one_of(names)}{key}", "support.type.property-name"),
        _match(rf"(?<![\w.]){_NAME}{key}", "variable.other.property"),
    ]


def _words() -> list[Rule]:
    choices = ("if", "then", "else", "where", "match", "any of")
    return [
        _match(rf"{_BARE}checkpoint\s+every\b", "keyword.control.loop"),
        _match(rf"{_BARE}every(?=\s+-?\d)", "keyword.other"),
        _match(rf"{_BARE}(?:cron|at)(?=\s+[\"'])", "keyword.other"),
        _match(
            rf"{_BARE}parallel\b(?=\s*(?:\d|\{{|where\b|checkpoint\b|$))", "keyword.control.loop"
        ),
        _match(rf"{_BARE}(?:from|as)(?=[ \t]+{_NAME})", "keyword.control"),
        _match(rf"{_BARE}from(?=[ \t]+[\"'])", "keyword.control"),
        _match(rf"{_BARE}(?:assume|catch|each)(?=\s+[^\s:=,)])", "keyword.control"),
        _match(rf"(?<=\d)\s+of(?=\s+{_NAME})", "keyword.control"),
        _captured(
            rf"{_BARE}(is)(?:\s+(not))?\s+({_one_of(TYPE_NAMES)}|undefined)\b",
            "keyword.operator.word",
            "keyword.operator.word",
            "support.type.primitive",
        ),
        _match(rf"{_BARE}{_one_of(choices)}\b{_NO_KEY}", "keyword.control.conditional"),
        _match(rf"{_BARE}{_one_of(OPERATOR_WORDS)}\b(?!\s*[:(])", "keyword.operator.word"),
        _match(rf"{_BARE}(?:not|and|or|in)(?=\s*\()", "keyword.operator.word"),
        _match(rf"{_BARE}(?:true|false|null)\b{_NO_KEY}", "constant.language"),
    ]


def _names(vocabulary: Vocabulary) -> list[Rule]:
    functions = _one_of(vocabulary.functions)
    return [
        _match(rf"(?<!\w){functions}(?=\()", "support.function"),
        _captured(rf"(\|)\s*({functions})\b", "keyword.operator.pipe", "support.function"),
        _match(rf"(?<!\w){_NAME}(?=\()", "entity.name.function"),
        _captured(rf"(\.)({functions})(?=\()", "punctuation.accessor", "support.function"),
        _captured(rf"(\.)({_NAME})(?=\()", "punctuation.accessor", "entity.name.function"),
        _captured(rf"(\.)({_NAME})", "punctuation.accessor", "variable.other.property"),
        _match(rf"{_BARE}{_one_of(AMBIENT_NAMES)}\b", "variable.language"),
        _match(rf"{_BARE}[A-Z][A-Z0-9_]+\b", "variable.other.constant"),
        _match(rf"{_BARE}{_CAPITAL}\b", "entity.name.type"),
        _match(rf"{_BARE}_\b", "variable.language.wildcard"),
        _match(rf"{_BARE}{_NAME}\b", "variable.other.readwrite"),
    ]


def _signs() -> list[Rule]:
    return [
        _match(r"->|=>", "keyword.operator.arrow"),
        _match(r"\.\.\.", "keyword.operator.spread"),
        _match(r"==|!=|<=|>=|<|>", "keyword.operator.comparison"),
        _match(r"\?\?|\?|!|[-+*/%|]", "keyword.operator"),
        _match("=", "keyword.operator.assignment"),
        _match(r"[{}]", "punctuation.section.block"),
        _match(r"[\[\]]", "punctuation.section.brackets"),
        _match(r"[()]", "punctuation.section.parens"),
        _match(r"[,:]", "punctuation.separator"),
    ]
