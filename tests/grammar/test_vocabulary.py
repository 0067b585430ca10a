"""The tables of words: complete, consistent among themselves, and known to the grammar."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vague
from vague.ast.expressions import Call, MethodCall, Name
from vague.parser import parse_expression
from vague.vocabulary import DEFAULT, Kind
from vague.vocabulary.functions import FUNCTIONS, FunctionGroup, function
from vague.vocabulary.keywords import (
    DEFINITION_WORDS,
    DIRECTIVE_WORDS,
    KEYWORDS,
    MEMBER_WORDS,
    METHODS,
    OPERATOR_WORDS,
    RESERVED,
    STEP_WORDS,
    TOP_WORDS,
    UNITS,
    KeywordKind,
)
from vague.vocabulary.kinds import AUTH_KINDS, IS_TYPE_NAMES, PAGINATORS, STORE_ADAPTERS, TYPE_NAMES
from vague.vocabulary.options import OPTION_BLOCKS, OptionBlock, OptionSpec, OptionType, block

# The built-in functions with the least and the greatest number of arguments.
ARITIES = """
length 1 1, lowercase 1 1, uppercase 1 1, capitalize 1 1, trim 1 1, trimStart 1 1, trimEnd 1 1,
substring 2 3, split 2 2, join 1 2, replace 3 3, concat 1 *, contains 2 2, startsWith 2 2,
endsWith 2 2, matches 2 2, slugify 1 1, kebabCase 1 1, snakeCase 1 1, camelCase 1 1,
count 1 1, first 1 1, last 1 1, isEmpty 1 1, includes 2 2, map 2 2, filter 2 2, reduce 3 3,
find 2 2, findIndex 2 2, all 2 2, some 2 2, none 2 2, sum 1 2, product 1 2, avg 1 2, median 1 2,
min 1 *, max 1 *, flatten 1 1, unique 1 2, sort 1 2, sortBy 2 3, reverse 1 1, slice 2 3,
chunks 2 2, groupBy 2 2, range 2 2,
keys 1 1, values 1 1, entries 1 1, hasKey 2 2, pick 2 2, omit 2 2, merge 1 *, exists 1 1,
round 1 2, floor 1 2, ceil 1 2, abs 1 1, sqrt 1 1, pow 2 2, parseDecimal 1 1,
now 0 0, today 0 0, parseDate 1 1, fromUnix 1 1, toUnix 1 1, formatDate 2 2, year 1 1, month 1 1,
day 1 1, hour 1 1, minute 1 1, second 1 1, dayOfWeek 1 1, addDays 2 2, addHours 2 2,
addMinutes 2 2, addSeconds 2 2, addWeeks 2 2, addMonths 2 2, addYears 2 2, subtractDays 2 2,
diffDays 2 2, diffHours 2 2, diffMinutes 2 2, diffSeconds 2 2, isBefore 2 2, isAfter 2 2,
daysAgo 1 1, daysFromNow 1 1, seconds 1 1, minutes 1 1, hours 1 1, days 1 1, weeks 1 1,
toString 1 1, toNumber 1 1, toBoolean 1 1, toArray 1 1, toJson 1 1, parseJson 1 1, env 1 2,
uuid 0 0, generateId 0 0, webhookUrl 0 0
"""
CALLBACKS = {
    *("map", "filter", "reduce", "find", "findIndex", "all", "some", "none", "sum", "product"),
    *("avg", "median", "min", "max", "unique", "sortBy", "groupBy"),
}


def test_every_function_is_there_with_its_number_of_arguments():
    expected = {
        name: (int(least), None if most == "*" else int(most))
        for name, least, most in (row.split() for row in ARITIES.split(","))
    }
    assert {row.name: (row.minimum, row.maximum) for row in FUNCTIONS.values()} == expected


def test_callbacks_are_second_arguments():
    assert {row.name for row in FUNCTIONS.values() if row.takes_callback(1)} == CALLBACKS
    assert not any(row.takes_callback(0) or row.takes_callback(2) for row in FUNCTIONS.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_function_calls_it_as_its_signature_says(name: str):
    row = FUNCTIONS[name]
    expression, problems = parse_expression(row.example_expression)
    assert not problems
    counts = [len(call.arguments) for call in _calls(expression) if _name(call) == name]
    assert counts
    assert all(count >= row.minimum for count in counts)
    assert row.maximum is None or all(count <= row.maximum for count in counts)
    assert row.example_result is None or row.example.endswith(("]", "}", '"', "e", *"0123456789"))


@pytest.mark.parametrize("group", FunctionGroup)
def test_every_group_has_functions(group: FunctionGroup):
    assert any(row.group is group for row in FUNCTIONS.values())


def test_a_signature_is_read_and_shown():
    row = function("sortBy(list, by(), direction?)", "array", FunctionGroup.LISTS, "", "x -> 1")
    assert row.signature == "sortBy(list, by, direction?)"
    assert [parameter.kind for parameter in row.parameters] == ["value", "callback", "value"]
    assert function("f(...all)", "any", FunctionGroup.LISTS, "", "x -> 1").signature == "f(...all)"
    with pytest.raises(ValueError, match="not a parameter"):
        function("f(a b)", "any", FunctionGroup.LISTS, "", "x -> 1")


# ---------------------------------------------------------------- options

# The options of each block; a synonym stands behind the option that it is another word for.
OPTIONS = {
    "mission": "schedule timezone skipIfRunning maxConcurrency retryOnFailure runImmediately jitter"
    " timeout parallelMode enableState stateRetention stateStore stateDurability redact",
    "schedule": "timezone maxConcurrency skipIfRunning retry",
    "schedule.retry": "maxRetries delaySeconds",
    "source": "auth base headers timeout retry rateLimit circuitBreaker token username password"
    " apiKey apiKeyHeader apiKeyQuery apiKeyPrefix oauth validateResponses validationMode"
    " idempotency idempotencyHeader specAuth",
    "source.rateLimit": "requestsPerMinute fallbackRpm strategy maxWait notifyAt adaptive",
    "source.circuitBreaker": "failureThreshold resetTimeout successThreshold failureWindow"
    " failureStatusCodes countNetworkErrors",
    "source.oauth": "tokenUrl clientId clientSecret accessToken refreshToken scopes expiresAt",
    "source.specAuth": "type token username password apiKey apiKeyHeader apiKeyQuery apiKeyPrefix"
    " tokenUrl clientId clientSecret accessToken refreshToken scopes expiresAt",
    "retry": "maxAttempts backoff initialDelay maxDelay delay",
    "request": "source params query body headers paginate until retry timeout since sinceParam"
    " sinceFormat syncKey updateFrom sinceOverlap rateLimit",
    "call": "params query body headers paginate until retry timeout since sinceParam"
    " sinceFormat syncKey updateFrom sinceOverlap rateLimit",
    "paginate": "type param pageSize cursorPath items sizeParam start maxPages",
    "lastSync": "param sinceParam format sinceFormat syncKey updateFrom sinceOverlap",
    "store": "key upsert partial",
    "store.file": "dir format",
    "store.postgrest": "url apiKey schema primaryKey headers",
    "queue": "item key",
    "wait": "path timeout expectedEvents eventFilter storage retryOnTimeout retry",
    "wait.storage": "target key",
    "action": "concurrency",
}
ROWS = [(block, row) for block in OPTION_BLOCKS.values() for row in block.options.values()]


def test_every_block_has_its_options():
    assert {name: " ".join(block.options) for name, block in OPTION_BLOCKS.items()} == OPTIONS


@pytest.mark.parametrize(
    ("block", "row"), ROWS, ids=[f"{block.name}.{row.name}" for block, row in ROWS]
)
def test_a_row_is_consistent(block: OptionBlock, row: OptionSpec):
    assert row.nested is None or row.nested in OPTION_BLOCKS
    assert (OptionType.BLOCK not in row.types) or row.nested is not None
    assert (row.type is not OptionType.WORD) or row.values
    if row.type is OptionType.WORD and row.values is not None:
        assert row.default in row.values
    if row.synonym_of is not None:
        meant = block.options[row.synonym_of]
        assert (meant.type, meant.nested) == (row.type, row.nested)
        assert block.canonical(row.name) == meant.name
    assert row.help.endswith(".")
    assert row.default


def test_blocks_know_their_rows_by_name():
    request = OPTION_BLOCKS["request"]
    assert request.find("paginate") is request.options["paginate"]
    assert request.find("paginat") is None
    assert (request.canonical("query"), request.canonical("other")) == ("params", "other")


def test_titles_read_well_in_a_message():
    assert all(block.title.startswith(("a ", "an ", "the ")) for block in OPTION_BLOCKS.values())


# ---------------------------------------------------------------- keywords


def test_every_word_of_the_word_lists_is_described():
    words = {*STEP_WORDS, *MEMBER_WORDS, *TOP_WORDS, *DIRECTIVE_WORDS, *OPERATOR_WORDS, *RESERVED}
    described = {*KEYWORDS, *(method.upper() for method in METHODS)}
    assert words <= described
    assert set(UNITS) <= set(KEYWORDS)
    assert set(DEFINITION_WORDS) < set(MEMBER_WORDS)


def test_every_word_of_the_grammar_is_described():
    grammar = Path(vague.__file__).with_name("vague.peg").read_text(encoding="utf-8")
    rules = "\n".join(line for line in grammar.splitlines() if not line.startswith("#"))
    words = set(re.findall(r'"([A-Za-z]+)"', rules))
    assert len(words) > 40
    others = words - {*KEYWORDS, *(method.upper() for method in METHODS)}
    assert others <= {*TYPE_NAMES, *OPTION_BLOCKS["request"].options}


def test_thirteen_words_are_reserved():
    words = "true false null and or not if then else match in is where"
    assert sorted(RESERVED) == sorted(words.split())


@pytest.mark.parametrize("word", KEYWORDS)
def test_a_keyword_has_a_form_that_holds_it_and_a_sentence(word: str):
    row = KEYWORDS[word]
    assert re.search(rf"\b{word}\b", row.form)
    assert row.help.endswith(".")
    assert row.kinds[0] is row.kind


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("store", (KeywordKind.DEFINITION, KeywordKind.STEP)),
        ("retry", (KeywordKind.DIRECTIVE,)),
        ("null", (KeywordKind.LITERAL, KeywordKind.TYPE)),
        ("weeks", (KeywordKind.UNIT,)),
    ],
)
def test_a_word_can_have_several_roles(word: str, kinds: tuple[KeywordKind, ...]):
    assert KEYWORDS[word].kinds == kinds


# ---------------------------------------------------------------- kinds


def test_kinds_that_bring_options_or_parameters():
    assert [row.options for row in STORE_ADAPTERS.values() if row.options] == [
        "store.file",
        "store.postgrest",
    ]
    assert [row.parameters for row in PAGINATORS.values()] == [
        ("param", "size"),
        ("param", "size"),
        ("param", "size", "path"),
        (),
    ]
    assert list(AUTH_KINDS) == ["none", "bearer", "basic", "api_key", "oauth2"]


def test_second_words_mean_a_first_one():
    assert all(row.same_as in TYPE_NAMES for row in IS_TYPE_NAMES.values() if row.same_as)


# ---------------------------------------------------------------- plug-ins


def test_a_plug_in_adds_rows_and_changes_nothing_else():
    shout = function("shout(text)", "string", FunctionGroup.STRINGS, "Loud.", 'shout("a") -> "A!"')
    quiet = function("trim(text)", "string", FunctionGroup.STRINGS, "Other.", 'trim("a") -> "a"')
    more = DEFAULT.with_(
        functions=[shout, quiet],
        store_adapters=[Kind("shelf", "Records on a shelf.", options="store.shelf")],
        auth_kinds=[Kind("badge", "Shows a badge.")],
        paginators=[Kind("turn", "Turns pages.")],
        state_stores=[Kind("vault", "Keeps state in a vault.")],
        custom_steps=[Kind("ring", "Rings a bell.")],
        option_blocks=[block("store.shelf", "a shelf store")],
    )
    assert more.functions["shout"] is shout
    assert more.functions["trim"] is quiet
    assert "shelf" in more.store_adapters
    assert "badge" in more.auth_kinds
    assert "turn" in more.paginators
    assert "vault" in more.state_stores
    assert "ring" in more.custom_steps
    assert "store.shelf" in more.option_blocks
    assert more.keywords is DEFAULT.keywords
    assert "shout" not in DEFAULT.functions
    assert DEFAULT.functions["trim"] is FUNCTIONS["trim"]
    assert not DEFAULT.custom_steps


def _calls(node: object) -> list[Call | MethodCall]:
    if isinstance(node, tuple):
        return [call for part in node for call in _calls(part)]
    if not hasattr(node, "span"):
        return []
    own = [node] if isinstance(node, Call | MethodCall) else []
    return [*own, *(call for name in node.__slots__ for call in _calls(getattr(node, name)))]


def _name(call: Call | MethodCall) -> str | None:
    if isinstance(call, MethodCall):
        return call.name.text
    return call.callee.text if isinstance(call.callee, Name) else None
