"""The functions: those of the vocabulary and no others, each as its example says; plug-ins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reqon.errors import RunError
from reqon.values.functions.model import Style
from reqon.values.functions.registry import FUNCTIONS, register_function
from reqon.values.json_form import json_form
from support.expression_tables import exact
from support.expressions import Facts, evaluate
from vague.vocabulary.functions import FUNCTIONS as ROWS


def test_every_function_of_the_language_is_implemented_and_no_other() -> None:
    assert sorted(FUNCTIONS) == sorted(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_the_example_of_a_function_is_true(name: str) -> None:
    row = ROWS[name]
    facts = Facts()
    assert exact(json_form(evaluate(row.example_expression, facts=facts))) == exact(
        row.example_result
    )
    assert not facts.warnings


@pytest.mark.parametrize("name", ROWS)
def test_a_function_takes_a_callback_where_its_row_says_so(name: str) -> None:
    takes_one = any(parameter.kind == "callback" for parameter in ROWS[name].parameters)
    assert takes_one == (FUNCTIONS[name].style is not Style.PLAIN)


@pytest.mark.parametrize("name", ROWS)
def test_a_call_with_too_few_or_too_many_arguments_names_the_function(name: str) -> None:
    row = ROWS[name]
    counts = [row.minimum - 1] if row.minimum else []
    counts += [] if row.maximum is None else [row.maximum + 1]
    for count in counts:
        with pytest.raises(RunError, match=f"'{name}' takes .* got {count}") as raised:
            evaluate(f"{name}({', '.join(['null'] * count)})")
        assert raised.value.kind == "function"


NULL_FIRST = {
    "length": 0, "count": 0, "split": [], "concat": "", "contains": False, "startsWith": False,
    "endsWith": False, "first": None, "isEmpty": True, "includes": False, "map": [], "filter": [],
    "find": None, "findIndex": -1, "all": True, "some": False, "none": True, "sum": 0,
    "product": 1, "flatten": [], "unique": [], "sort": [], "sortBy": [], "reverse": [],
    "slice": [], "chunks": [], "groupBy": {}, "merge": {}, "exists": False, "toBoolean": False,
    "toArray": [],
}  # fmt: skip
"""Functions that give something else than null for a null first argument."""


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.minimum])
def test_a_null_first_argument_gives_null_or_what_the_function_counts_it_as(name: str) -> None:
    facts = Facts()
    others = ["1"] * (ROWS[name].minimum - 1)
    value = evaluate(f"{name}({', '.join(['null', *others])})", facts=facts)
    assert value == NULL_FIRST.get(name, 1 if name == "reduce" else None)
    assert not facts.warnings


@pytest.fixture
def plugged() -> Iterator[None]:
    before = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(before)


@pytest.mark.usefixtures("plugged")
def test_a_registered_function_is_called_with_values() -> None:
    register_function("double", lambda value: value * 2, minimum=1, maximum=1)
    assert evaluate("double(a.n) + 1", {"a": {"n": 4}}) == 9
    assert evaluate("4 | double") == 8


@pytest.mark.usefixtures("plugged")
def test_a_registered_function_hides_a_built_in_one() -> None:
    register_function("trim", lambda text: f"<{text}>", minimum=1, maximum=1)
    assert evaluate('trim("a")') == "<a>"


@pytest.mark.usefixtures("plugged")
def test_a_registered_function_may_take_a_callback() -> None:
    register_function(
        "pairs",
        lambda found, call: [call(x, at) for at, x in enumerate(found)],
        minimum=2,
        maximum=2,
        callback=True,
    )
    assert evaluate("pairs([5, 6], [index, it])") == [[0, 5], [1, 6]]
    assert evaluate("pairs([5, 6], (x, i) => x + i)") == [5, 7]


@pytest.mark.usefixtures("plugged")
def test_what_a_registered_function_raises_is_an_error_of_the_program() -> None:
    def failing(value: object) -> object:
        raise LookupError(f"no {value}")

    register_function("find_it", failing)
    with pytest.raises(RunError, match="'find_it' failed: no 5") as raised:
        evaluate("find_it(5)")
    assert raised.value.kind == "function"
