"""The words that the grammar gives a meaning, each with its roles and a line of help.

Nearly all of them are contextual: a keyword where the grammar asks for it, an ordinary name
everywhere else. Only the words in `RESERVED` can never be a name. This module is data; it decides
nothing. The parser takes the word sets, completion, hover, docs and the highlighter the help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from vague.ast.expressions import UNIT_MILLISECONDS


class KeywordKind(Enum):
    """The role that a word plays where it stands."""

    DEFINITION = "definition"
    STEP = "step"
    DIRECTIVE = "directive"
    CLAUSE = "clause"
    OPERATOR = "operator"
    LITERAL = "literal"
    TYPE = "type"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word of the language.

    `kind` is its main role and `also` its other ones; `form` shows how it is written, `…` standing
    for what is left out.
    """

    word: str
    kind: KeywordKind
    form: str
    help: str
    also: tuple[KeywordKind, ...] = ()

    @property
    def kinds(self) -> tuple[KeywordKind, ...]:
        """All roles, the main one first."""
        return (self.kind, *self.also)


_DEFINITION, _STEP, _DIRECTIVE = KeywordKind.DEFINITION, KeywordKind.STEP, KeywordKind.DIRECTIVE
_CLAUSE, _OPERATOR, _LITERAL = KeywordKind.CLAUSE, KeywordKind.OPERATOR, KeywordKind.LITERAL

_DEFINITIONS = (
    Keyword(
        "mission",
        _DEFINITION,
        "mission Name { … }",
        "A unit of work with its own sources, stores, actions and pipeline.",
    ),
    Keyword(
        "source",
        _DEFINITION,
        'source Name { auth: bearer, base: "https://…" }',
        "An HTTP service. The first source of a mission is the one that requests go to.",
    ),
    Keyword(
        "store",
        _DEFINITION,
        'store name: file("name")  ·  store value -> name { key: .id }',
        "Declares a keyed collection of records, or, in an action, puts a value into one.",
        also=(_STEP,),
    ),
    Keyword(
        "schema",
        _DEFINITION,
        "schema Name { field: type, other?: type }",
        "The shape of a record, for patterns, `is`, transforms and map targets.",
    ),
    Keyword(
        "transform",
        _DEFINITION,
        "transform Name: Schema -> Target { field: .field }",
        "A reusable mapping from one shape to another; `apply` uses it.",
    ),
    Keyword(
        "action",
        _DEFINITION,
        "action Name { … }",
        "A named list of steps, run in order in a scope of its own.",
    ),
    Keyword(
        "schedule",
        _DEFINITION,
        'schedule: every 2 hours  ·  cron "…"  ·  at "…"',
        "When the daemon runs the mission.",
    ),
    Keyword(
        "import",
        _DEFINITION,
        'import "file.vague"  ·  import name from "openapi.yaml"',
        "Makes known what another file shares, or the components of an OpenAPI file.",
    ),
    Keyword(
        "dataset",
        _DEFINITION,
        "dataset Name { field: 12 of Schema }",
        "Describes mock data for a data generator; it is checked and never executed.",
    ),
)

_REQUESTS = tuple(
    Keyword(word, _STEP, f'{word} "/path" {{ … }}', text, also=also)
    for word, text, also in (
        ("get", "Sends a GET request; the reply becomes `response`.", ()),
        ("post", "Sends a POST request; the reply becomes `response`.", ()),
        ("put", "Sends a PUT request; the reply becomes `response`.", ()),
        ("patch", "Sends a PATCH request; the reply becomes `response`.", ()),
        (
            "delete",
            "Sends a DELETE request; written `delete store[key]` it removes a record instead.",
            (),
        ),
    )
)

_STEPS = (
    *_REQUESTS,
    Keyword(
        "call",
        _STEP,
        "call Source.operationId { params: { … } }",
        "Sends the request that an operation of the source's OpenAPI document describes.",
    ),
    Keyword(
        "for",
        _STEP,
        "for item in collection where condition checkpoint every 100 { … }",
        "Runs its steps once for every element of an array or store.",
    ),
    Keyword(
        "map",
        _STEP,
        "map value -> Target { field: .field }",
        "Builds a record from a value; the result becomes `response` and the mapped variable.",
    ),
    Keyword(
        "validate",
        _STEP,
        "validate value { assume condition } or { … }",
        "Checks assumptions about a value; a failed one is a warning, `or` says what to do then.",
    ),
    Keyword(
        "match",
        _STEP,
        "match value { pattern -> step, _ -> continue }",
        "Runs the first arm whose pattern fits; in an expression, gives that arm's result.",
        also=(_OPERATOR,),
    ),
    Keyword(
        "let",
        _STEP,
        "let name = value",
        "Binds a value to a name for the rest of the block.",
        also=(_DEFINITION,),
    ),
    Keyword(
        "wait",
        _STEP,
        'wait { path: "/hooks/done", timeout: 10 minutes }',
        "Waits for webhook events; the payload becomes `webhook` and `response`.",
    ),
    Keyword(
        "apply",
        _STEP,
        "apply Transform to value as name",
        "Runs a value, or every element of an array, through a transform.",
    ),
    Keyword(
        "run",
        _STEP,
        "run Fetch then [Match, Price] then Report if condition",
        "Runs actions one after another, those in brackets at the same time.",
        also=(_DEFINITION,),
    ),
    Keyword("clear", _STEP, "clear store", "Removes all records of a store."),
)

_DIRECTIVES = (
    Keyword(
        "continue",
        _DIRECTIVE,
        "continue",
        "Ends the arm; execution goes on after the `match`.",
    ),
    Keyword(
        "skip",
        _DIRECTIVE,
        "skip",
        "Ends this iteration of the loop, or, outside a loop, the action.",
    ),
    Keyword(
        "abort",
        _DIRECTIVE,
        'abort "message"',
        "Stops the whole mission with an error.",
    ),
    Keyword(
        "retry",
        _DIRECTIVE,
        "retry { maxAttempts: 5, backoff: linear }",
        "Goes back to the request before the `match` and tries again, after a wait.",
    ),
    Keyword(
        "queue",
        _DIRECTIVE,
        "queue store { item: value, key: key }",
        "Puts a record aside in a store for later; as an arm it then goes on like `skip`.",
    ),
    Keyword(
        "jump",
        _DIRECTIVE,
        "jump Action then retry",
        "Runs another action, then retries or goes on.",
    ),
)

_CLAUSES = (
    Keyword("from", _CLAUSE, 'from "openapi.yaml"', "Names where something comes from."),
    Keyword(
        "where",
        _CLAUSE,
        "collection where condition",
        "Keeps the elements for which the condition holds; guards an arm or a variant.",
        also=(_OPERATOR,),
    ),
    Keyword(
        "checkpoint",
        _CLAUSE,
        "checkpoint every 100",
        "Saves the position of the loop after every so many iterations.",
    ),
    Keyword("every", _CLAUSE, "every 15 minutes", "How often: an interval, or iterations."),
    Keyword("cron", _CLAUSE, 'cron "40 3 * * *"', "A schedule in five cron fields."),
    Keyword("at", _CLAUSE, 'at "09:30"', "A schedule for a time of day, or for one instant."),
    Keyword(
        "parallel",
        _CLAUSE,
        "parallel 8",
        "Runs up to so many iterations of the loop at once.",
    ),
    Keyword("each", _CLAUSE, "store each list -> name", "Insists that the value is an array."),
    Keyword(
        "assume",
        _CLAUSE,
        "assume .total > 0",
        "A condition that a record should meet.",
    ),
    Keyword("catch", _CLAUSE, "match … { … } catch { … }", "Arms for errors of the arms above."),
    Keyword("to", _CLAUSE, "apply Transform to value", "The value that a transform is applied to."),
    Keyword("as", _CLAUSE, "apply Transform to value as name", "Gives the result a name."),
    Keyword(
        "then",
        _CLAUSE,
        "run A then B  ·  if c then a else b",
        "What comes next: a stage, what follows a jump, or the value of an `if`.",
        also=(_OPERATOR,),
    ),
    Keyword(
        "if",
        _CLAUSE,
        "run Report if condition  ·  if c then a else b",
        "Runs a stage only when the condition holds; in an expression, chooses a value.",
        also=(_OPERATOR,),
    ),
    Keyword(
        "lastSync",
        _CLAUSE,
        'since: lastSync("key") { param: "since" }',
        "The time of the last successful sync, or null before the first one.",
    ),
)

_OPERATORS = (
    Keyword("and", _OPERATOR, "a and b", "The first operand if it is falsy, else the second."),
    Keyword(
        "or",
        _OPERATOR,
        "a or b",
        "The first operand if it is truthy, else the second: logical or, and default value.",
        also=(_CLAUSE,),
    ),
    Keyword("not", _OPERATOR, "not a", "True if the operand is falsy."),
    Keyword(
        "in",
        _OPERATOR,
        "value in list",
        "True if the right side contains the left one.",
        also=(_CLAUSE,),
    ),
    Keyword("is", _OPERATOR, "value is Type", "True if the value fits the type or schema."),
    Keyword(
        "contains",
        _OPERATOR,
        "list contains value",
        "True for a part of a string, an element of an array, or a key of an object.",
    ),
    Keyword("startsWith", _OPERATOR, "text startsWith prefix", "True if the text begins so."),
    Keyword("endsWith", _OPERATOR, "text endsWith suffix", "True if the text ends so."),
    Keyword("else", _OPERATOR, "if c then a else b", "The value when the condition is falsy."),
    Keyword(
        "any",
        _OPERATOR,
        "any of list where condition",
        "True if some element satisfies the condition.",
        also=(KeywordKind.TYPE,),
    ),
    Keyword(
        "of",
        _OPERATOR,
        "any of list",
        "The collection of `any`, or the schema of a dataset entry.",
        also=(_CLAUSE,),
    ),
)

_LITERALS = (
    Keyword("true", _LITERAL, "true", "The boolean true."),
    Keyword("false", _LITERAL, "false", "The boolean false."),
    Keyword(
        "null",
        _LITERAL,
        "null",
        "No value; the same as a missing field.",
        also=(KeywordKind.TYPE,),
    ),
)


def _units() -> Iterable[Keyword]:
    for word, milliseconds in UNIT_MILLISECONDS.items():
        length = "1 millisecond" if milliseconds == 1 else f"{milliseconds:,} milliseconds"
        yield Keyword(word, KeywordKind.UNIT, f"3 {word}", f"A unit of time: {length}.")


def _by_word(rows: Iterable[Keyword]) -> Mapping[str, Keyword]:
    return MappingProxyType({row.word: row for row in rows})


KEYWORDS: Mapping[str, Keyword] = _by_word(
    (
        *_DEFINITIONS,
        *_STEPS,
        *_DIRECTIVES,
        *_CLAUSES,
        *_OPERATORS,
        *_LITERALS,
        *_units(),
    )
)
"""Every keyword by its word. The capital forms of the request methods are not rows of their own."""

UNITS: Mapping[str, int] = MappingProxyType(UNIT_MILLISECONDS)
"""Milliseconds of each unit of time."""

RESERVED = frozenset(
    (
        *("true", "false", "null", "and", "or", "not", "if"),
        *("then", "else", "match", "in", "is", "where"),
    )
)
"""The words that never name anything; everywhere else a keyword may."""

METHODS = ("get", "post", "put", "patch", "delete")
"""The request methods; all capitals are allowed too."""

DEFINITION_WORDS = ("source", "store", "schema", "transform", "action")
"""What begins a definition, at top level as well as in a mission."""

TOP_WORDS = ("mission", "import", "dataset", *DEFINITION_WORDS, "let")
"""What begins an item of a file."""

MEMBER_WORDS = ("schedule", *DEFINITION_WORDS, "import", "let", "run")
"""What begins a member of a mission; an option begins with its own name."""

DIRECTIVE_WORDS = ("continue", "skip", "abort", "retry", "queue", "jump")
"""The steps that steer."""

STEP_WORDS = (
    *METHODS,
    *(method.upper() for method in METHODS),
    *("call", "for", "map", "validate", "store", "match", "let", "wait", "apply", "run", "clear"),
    *DIRECTIVE_WORDS,
)
"""What begins a step; a registered step begins with its own name."""

OPERATOR_WORDS = ("and", "or", "not", "in", "is", "contains", "startsWith", "endsWith")
"""The operators that are words."""
