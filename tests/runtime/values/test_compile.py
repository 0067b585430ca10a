"""What the engine relies on: slots, contexts, patterns as steps, filters, deep programs."""

from __future__ import annotations

from typing import Any

import pytest

from reqon.errors import RunError
from reqon.values.compile import (
    compile_condition,
    compile_expression,
    compile_filter,
    compile_object,
    compile_pattern,
)
from reqon.values.reply import ReplyMeta, with_reply
from reqon.values.scope import ContextKind, Names, Scope
from support.expressions import NOW, Facts, Records, evaluate, parsed, schemas_of
from vague.ast.definitions import Action
from vague.ast.expressions import Entry, MatchExpression, ObjectLiteral, Pattern
from vague.ast.steps import Request
from vague.parser import parse


def pattern(text: str) -> Pattern:
    tree = parsed(f"match x {{ {text} => 1 }}")
    assert isinstance(tree, MatchExpression)
    return tree.arms[0].head


def test_a_second_binding_of_a_name_gets_a_slot_of_its_own() -> None:
    names, first = Names().bind("page")
    inner, second = names.bind("page")
    assert (first, second) == ("page", "page.2")
    scope = Scope(Facts(), {"page": 1, "page.2": 2})
    assert compile_expression(parsed("page"), inner).call(scope) == 2
    assert compile_expression(parsed("page"), names).call(scope) == 1


def test_each_action_counts_its_slots_anew() -> None:
    mission = Names()
    for _ in range(2):
        assert mission.for_action().bind("page")[1] == "page"


def test_a_variable_never_takes_the_slot_of_the_response() -> None:
    assert Names().bind("response")[1] == "response.2"


@pytest.mark.parametrize("context", [ContextKind.PARAMETER, "response", "item.2"])
def test_what_a_name_with_a_dot_refers_to(context: Any) -> None:
    names = Names(context=context)
    call = compile_expression(parsed(".n"), names).call
    scope = Scope(Facts(), {"response": {"n": "response"}, "item.2": {"n": "item.2"}})
    expected = "parameter" if context is ContextKind.PARAMETER else context
    assert call(scope, {"n": "parameter"}) == expected


def test_without_context_a_name_with_a_dot_is_refused_when_it_is_compiled() -> None:
    with pytest.raises(RunError, match=r"no current item"):
        compile_expression(parsed(".n"), Names())


def test_a_transform_sees_no_variables() -> None:
    names = Names(lets=frozenset({"region"})).bind("row")[0].without_bindings()
    for hidden in ("row", "response"):
        with pytest.raises(RunError, match=f"unknown name '{hidden}'"):
            compile_expression(parsed(hidden), names)
    facts = Facts(lets={"region": "north"})
    assert compile_expression(parsed("region"), names).call(Scope(facts)) == "north"


def test_the_stores_that_are_read_are_told() -> None:
    names = Names(stores=frozenset({"birds", "nests", "eggs"}))
    text = "birds where (any of nests where .id == eggs[1])"
    assert compile_expression(parsed(text), names).reads_stores == {"birds", "nests", "eggs"}
    hidden, _ = names.bind("birds")
    assert compile_expression(parsed("birds"), hidden).reads_stores == frozenset()


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("1 + 2 * 3", True), ('concat("a", trim(" b "))', True), ("3 days", True),
        ("[1, 2] | map(it * 2)", True), ("a", False), (".n", False), ("now()", False),
        ('env("X")', False), ("birds", False), ("response", False), ("lastSync", False),
    ],
)  # fmt: skip
def test_an_expression_is_constant_when_it_asks_for_nothing(text: str, constant: bool) -> None:
    names = Names(stores=frozenset({"birds"}), context="response").bind("a")[0]
    assert compile_expression(parsed(text), names).constant is constant


def test_a_body_is_a_new_plain_object() -> None:
    body = parsed('{ ...., id: "sp_" + .no, label: .title or "untitled" }'.replace("....", "...it"))
    assert isinstance(body, ObjectLiteral)
    names, slot = Names(context=ContextKind.PARAMETER).bind("it")
    record = {"no": "7", "title": ""}
    result = compile_object(body, names).call(Scope(Facts(), {slot: {"kept": 1}}), record)
    assert result == {"kept": 1, "id": "sp_7", "label": "untitled"}
    assert type(result) is dict
    assert record == {"no": "7", "title": ""}


def test_a_condition_is_true_or_false() -> None:
    call = compile_condition(parsed(".n and .m"), Names(context=ContextKind.PARAMETER)).call
    assert call(Scope(Facts()), {"n": 1, "m": []}) is True
    assert call(Scope(Facts()), {"n": 1, "m": 0}) is False


def test_a_filter_gives_the_positions_that_pass() -> None:
    names, _ = Names(context="response").bind("scan")
    compiled = compile_filter(parsed(".damaged and scan.tries < 4"), names, "scan")
    rows = [{"damaged": True, "tries": 1}, {"damaged": True, "tries": 9}, {"tries": 1}, rows_none()]
    scope = Scope(Facts(), {"response": None, "scan": "untouched"})
    assert compiled.select(scope, rows) == [0, 3]
    assert scope.slots["scan"] == "untouched"


def test_a_filter_may_use_functions_of_lists() -> None:
    compiled = compile_filter(parsed("sum(.tags, it) > 2 and first(row.tags)"), Names(), "row")
    rows = [{"tags": [1, 2]}, {"tags": [0, 5]}, {"tags": None}]
    assert compiled.select(Scope(Facts()), rows) == [0]


def rows_none() -> dict[str, Any]:
    return {"damaged": "yes", "tries": "3"}


def test_a_pattern_writes_its_slots_only_when_all_of_it_matches() -> None:
    names, _ = Names().bind("r")
    compiled, inner = compile_pattern(pattern("{ ring: r, seen: [first, ...others] }"), names)
    assert compiled.slots == ("r.2", "first", "others")
    scope = Scope(Facts())
    assert not compiled.match(scope, {"ring": 5, "seen": []})
    assert scope.slots == {"response": None}
    assert compiled.match(scope, {"ring": 5, "seen": [1, 2, 3]})
    assert scope.slots == {"response": None, "r.2": 5, "first": 1, "others": [2, 3]}
    guard = compile_expression(parsed("r + first + length(others)"), inner)
    assert guard.call(scope) == 8


def test_a_pattern_may_compare_with_variables_and_the_context() -> None:
    names, slot = Names(context=ContextKind.PARAMETER).bind("limit")
    compiled, _ = compile_pattern(pattern("{ n: limit + 1, m: .x.y }"), names)
    scope = Scope(Facts(), {slot: 4})
    assert compiled.match(scope, {"n": 5, "m": 7}, {"x": {"y": 7}})
    assert not compiled.match(scope, {"n": 5, "m": 7}, {"x": {"y": 8}})


def test_a_pattern_that_takes_anything_is_always_true() -> None:
    compiled, inner = compile_pattern(pattern("_"), Names())
    assert compiled.match(Scope(Facts()), None)
    assert compiled.slots == ()
    assert not inner.bindings


def test_a_capital_letter_is_a_schema_and_a_small_one_only_if_declared() -> None:
    names = Names(schemas=schemas_of("schema bird { ring: string }  schema Nest { id: int }"))
    for text in ("bird", "Nest"):
        compiled, inner = compile_pattern(pattern(text), names)
        assert not inner.bindings
        assert not compiled.match(Scope(Facts()), {"ring": 1, "id": "x"})
    with pytest.raises(RunError, match="unknown schema 'Egg'"):
        compile_pattern(pattern("Egg"), names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" + ".join(["1"] * 1500), 1500),
        (" or ".join(["0"] * 500 + ["7"]), 7),
        (" and ".join(["1"] * 500), 1),
        (" ?? ".join(["null"] * 500 + ["7"]), 7),
        ('"a"' + ' + "b"' * 500, "a" + "b" * 500),
        ("a" + ".b" * 300, None),
        ("1" + " | toString" * 200, "1"),
        ("[" * 150 + "1" + "]" * 150 + "[0]" * 149, [1]),
        ("(" * 100 + "a" + " + 1)" * 100, 101),
        ("a == 0 ? 0 : " * 150 + "a", 1),
        ("if a == 0 then 0 else " * 70 + "a", 1),
        ("match a { " + "".join(f"{n} => {n}, " for n in range(2, 800)) + "1 => 1 }", 1),
        ("not " * 100 + "a", True),
        ("- " * 100 + "a", 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_long_and_deep_expressions_compile(text: str, expected: Any) -> None:
    assert evaluate(text, {"a": 1}) == expected


def test_deep_data_built_by_an_expression_is_an_error_only_when_it_is_used() -> None:
    deep = "reduce(range(1, 20000), (inner, x) => { a: [inner] }, 1)"
    assert evaluate(f"({deep}).a.b") == [None]
    assert evaluate(f"{deep} == {deep}") is True
    for use in (f"toJson({deep})", f'"" + {deep}', f"unique([{deep}])"):
        with pytest.raises(RunError, match="nested deeper than") as raised:
            evaluate(use)
        assert raised.value.kind == "type"


@pytest.mark.parametrize(
    "text",
    [
        "reduce(range(1, 100), (total, x) => total * total, 99)",
        "reduce(range(1, 5000), (total, x) => total * 10, 1) + 0.5",
        "a * 1e300 * 1e300",
        "pow(a, 1e300)",
        "pow(1e200, 2)",
        "a * 1.5",
        "sum([1e308, 1e308])",
    ],
)
def test_numbers_that_grow_out_of_hand_are_an_error(text: str) -> None:
    with pytest.raises(RunError, match="too large") as raised:
        evaluate(text, {"a": 10**400})
    assert raised.value.kind == "type"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s.n", [1, 2]), ("s.length", 2), ('s["b"].n', 2), ('s.get("a").n', 1),
        ("s.list().n", [1, 2]),
        ("s.count()", 2), ("length(s)", 2), ("isEmpty(s)", False), ("sum(s, .n)", 3),
        ("[...s].n", [1, 2]), ("(s where .n > 1).n", [2]), ("any of s where .n > 2", False),
        ("toArray(s).n", [1, 2]), ("concat(s, [1]) | length", 3), ("{ n: 1 } in s", True),
        ("max(s, .n)", 2), ("s.get(null)", None), ("s[null]", None), ("exists(s)", True),
        ("s is array", False), ('toJson(s)', '[{"n":1},{"n":2}]'),
    ],
)  # fmt: skip
def test_a_store_in_a_variable_counts_as_its_records(text: str, expected: Any) -> None:
    assert evaluate(text, {"s": Records({"a": {"n": 1}, "b": {"n": 2}})}) == expected


@pytest.mark.parametrize(
    ("option", "expected"), [("-5", -5), ("5", 5), ("lastSync", NOW), ('lastSync("key")', NOW)]
)
def test_the_value_of_an_option_may_have_forms_of_its_own(option: str, expected: Any) -> None:
    tree = parse(f'action A {{ get "/x" {{ since: {option} }} }}').tree.items[0].node
    assert isinstance(tree, Action)
    request = tree.steps[0].node
    assert isinstance(request, Request)
    assert request.options is not None
    entry = request.options.entries[0]
    assert isinstance(entry, Entry)
    scope = Scope(Facts())
    scope.last_sync = NOW
    emitted = compile_object(ObjectLiteral(request.options.span, (entry,)), Names())
    assert emitted.call(scope) == {"since": expected}


def test_the_response_announces_the_next_webhook_unless_its_body_does() -> None:
    facts = Facts(webhook_url="http://127.0.0.1/hooks/1")
    meta = ReplyMeta(200, webhook_url="http://127.0.0.1/hooks/2")
    assert evaluate("response.webhookUrl", facts=facts) == "http://127.0.0.1/hooks/1"
    assert evaluate("webhookUrl()", facts=facts) == "http://127.0.0.1/hooks/1"
    reply = {"response": with_reply({}, meta)}
    assert evaluate("response.webhookUrl", reply, facts=facts) == "http://127.0.0.1/hooks/2"
    body = {"response": {"webhookUrl": "mine"}}
    assert evaluate("response.webhookUrl", body, facts=facts) == "mine"


def test_errors_show_values_cut_short_and_say_what_to_do() -> None:
    with pytest.raises(RunError) as raised:
        evaluate("a - 1", {"a": "x" * 10_000})
    assert len(raised.value.message) < 200
    assert "'-' cannot be used with a string" in raised.value.message
    assert "toNumber" in (raised.value.hint or "")


def test_an_element_of_a_record_is_never_changed_in_place() -> None:
    rows = [{"n": 3, "tags": ["b", "a"]}, {"n": 1, "tags": []}]
    before = repr(rows)
    for text in (
        "sortBy(rows, .n)", "rows | map({ ...it, n: 0 })", "reverse(rows)", "sort(rows.tags[0])",
        "merge(rows[0], { n: 9 })", "concat(rows, [1])", "flatten(rows.tags)",
        'omit(rows[0], ["n"])',
        "rows where .n > 1", "unique(rows, .n)", "[...rows, 1]", "{ ...rows[0], x: 1 }",
    ):  # fmt: skip
        evaluate(text, {"rows": rows})
        assert repr(rows) == before
