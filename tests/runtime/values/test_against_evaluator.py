"""Compiled expressions give what a plain walk over the tree gives, errors and warnings included."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reqon.errors import RunError
from reqon.values.compile import compile_condition, compile_expression
from reqon.values.duration import Duration
from reqon.values.scope import ContextKind, Names, Scope
from support.evaluator import EvaluationError, Evaluator
from support.expressions import Facts, parsed

MANY = settings(max_examples=max(400, settings().max_examples), deadline=None)
VARIABLES = ("a", "b", "c", "rows")

numbers = st.one_of(
    st.integers(-9, 9),
    st.sampled_from([0.5, 1.5, -2.0, 10**20, 1e308, 3.0]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
texts = st.sampled_from(
    ["", "a", "ab", "5", "-1.5", " 7 ", "1e3", "2031-05-06", "2031-05-06T07:08:09Z", "2030-13-01"]
)
dates = st.sampled_from([datetime(2031, 5, 6, tzinfo=UTC), datetime(1999, 1, 1, 12, tzinfo=UTC)])
durations = st.builds(Duration, st.integers(-(10**10), 10**10))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, dates, durations)
data = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abk"), inner, max_size=3)
    ),
    max_leaves=6,
)

ATOMS = st.sampled_from(
    ["null", "true", "false", "0", "1", "2", "0.5", '""', '"a"', '"5"', '"2031-05-06"', "3 days",
     "a", "b", "c", "rows", ".a", ".k", "a.b", "rows.a", "rows[0]", "rows[-1].k", 'a["b"]', "[]",
     "{}"]
)  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "??",
             "contains", "startsWith", "endsWith", "in", "not in"]  # fmt: skip
TYPES = ["string", "number", "int", "boolean", "object", "array", "null", "date", "any"]


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One level around `inner`, always in parentheses, so that the text means this tree."""

    def form(pattern: str, n: int) -> st.SearchStrategy[str]:
        return st.tuples(*[inner] * n).map(lambda parts: "(" + pattern.format(*parts) + ")")

    binary = st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    )
    tested = st.tuples(inner, st.sampled_from(["is", "is not"]), st.sampled_from(TYPES)).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    )
    return st.one_of(
        binary, binary, binary, tested,
        form("not {}", 1), form("-{}", 1), form("+{}", 1),
        form("{} ? {} : {}", 3), form("if {} then {}", 2), form("{} or {} and {}", 3),
        form("[{}, {}]", 2), form("{{ a: {}, k: {} }}", 2), form("{{ ...{}, b: {} }}", 2),
        form("[...{}, {}]", 2), form("{}[{}]", 2), form("{}.k", 1), form("{}.length", 1),
        form("{} where {}", 2), form("any of {} where {}", 2), form("any of {}", 1),
        form("{} | map({})", 2), form("filter({}, x => {})", 2), form("some({}, {})", 2),
        form("map({}, (x, n) => [x, n, {}])", 2), form("map({} where {}, [it, index, {}])", 3),
        form("all({}, it == {})", 2), form("first({})", 1), form("length({})", 1),
        form("match {} {{ {} + 1 => 1, 5 => 2, {{ a: x, k: null }} => x, [x, ...y] => [x, y, {}],"
             " n where {} => [n], _ => {} }}", 5),
        form("match {{ {} => 1, {} => {} }}", 3),
    )  # fmt: skip


expressions = st.recursive(ATOMS, compound, max_leaves=8)


def outcome(text: str, variables: dict[str, Any], it: Any) -> tuple[Any, ...]:
    """What the compiled function gives: value or kind of error, and the number of warnings."""
    facts = Facts()
    names = Names(context=ContextKind.PARAMETER)
    slots: dict[str, Any] = {"response": None}
    for name, value in variables.items():
        names, slot = names.bind(name)
        slots[slot] = value
    scope = Scope(facts, slots)
    expression = parsed(text)
    condition = compile_condition(expression, names)
    try:
        value = compile_expression(expression, names).call(scope, it)
    except RunError as error:
        return ("error", error.kind)
    n_warnings = len(facts.warnings)
    assert isinstance(condition.call(scope, it), bool)
    return ("value", plain(value), n_warnings)


def expected(text: str, variables: dict[str, Any], it: Any) -> tuple[Any, ...]:
    evaluator = Evaluator(dict(variables), it)
    try:
        value = evaluator.value(parsed(text))
    except EvaluationError as error:
        return ("error", error.args[0])
    except OverflowError:
        return ("error", "type")
    return ("value", plain(value), evaluator.warnings)


def plain(value: Any) -> Any:
    """Something Python compares as the language does: numbers by value, booleans apart."""
    match value:
        case bool():
            return ("boolean", value)
        case float() if not math.isfinite(value):
            raise AssertionError("NaN and infinity are no values")
        case list():
            return [plain(element) for element in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


@MANY
@given(
    expressions,
    st.fixed_dictionaries(dict.fromkeys(VARIABLES, data)),
    st.one_of(data, st.dictionaries(st.sampled_from("abk"), scalars)),
)
def test_a_compiled_expression_gives_what_a_plain_walk_gives(
    text: str, variables: dict[str, Any], it: Any
) -> None:
    assert outcome(text, variables, it) == expected(text, variables, it)


@MANY
@given(st.sampled_from(OPERATORS), data, data)
def test_each_operator_gives_what_its_rules_say(operator: str, left: Any, right: Any) -> None:
    text = f"a {operator} b"
    variables = {"a": left, "b": right}
    assert outcome(text, variables, None) == expected(text, variables, None)


@MANY
@given(st.sampled_from(OPERATORS), data, ATOMS)
def test_an_operator_with_a_literal_gives_the_same_as_without(
    operator: str, value: Any, atom: str
) -> None:
    variables = {"a": value, "b": None, "c": None, "rows": [{"a": 1}]}
    for text in (f"a {operator} {atom}", f"{atom} {operator} a"):
        assert outcome(text, variables, {}) == expected(text, variables, {})
