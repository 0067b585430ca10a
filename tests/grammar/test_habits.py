"""What people write out of habit is answered with what to write; each row of the table is sound."""

from __future__ import annotations

import re
import string

import pytest

from vague.habits import BY_LABEL, EVERYWHERE, LAST
from vague.parser import parse

ROWS = [
    *EVERYWHERE,
    *(row for table in (BY_LABEL, LAST) for rows in table.values() for row in rows),
]

STEPS = {
    "map x - > Y { id: .id }": "write '->'",
    "match x { { code: 500..599 } -> skip _ -> skip }": (
        "bind it and ask: '{ code: code } where code >= 500 and code <= 599'"
    ),
    'match x { "a" | "b" -> skip _ -> skip }': (
        'ask for one of several values: \'value where value in ["a", "b"]\''
    ),
    "match x { else -> skip }": "write '_'",
    "match x 1 -> skip": "the arms stand between '{' and '}'",
    "if x.a > 1 { skip }": "write 'match { x.a > 1 -> { … } _ -> continue }'",
    "if (x.a) skip": "write 'match { x.a -> { … } _ -> continue }'",
    "try { skip } catch (e) { skip }": "write 'match { _ -> { … } } catch { _ -> { … } }'",
    "while (x) { skip }": "a loop is 'for item in list { … }'",
    "skip if x.a": "write 'match { x.a -> skip _ -> continue }'",
    "for (const x of list) { skip }": "write 'for x in list'",
    "for _ in list { skip }": "'_' is no name: write for example '_item'",
    "for i in 0..9 { skip }": "write 'range(0, 9)'",
    "let a = await b": "remove 'await': a step always waits for its end",
    'let a = get "/a"': "a request is a step: write 'get …', then 'let a = response'",
    "let my-name = 3": "a name has no '-': write 'my_name'",
    "let a = 2 ^ 3": "write 'pow(x, y)'",
    "let a = 2 ** 3": "write 'pow(x, y)'",
    "let a = x ≥ 3": "write >=",
    "let a = x between 1 and 3": "write 'x >= 1 and x <= 3'",
    "let a = x is 3": "write '== 3'",
    "let a = 3 if x else 4": "write 'if condition then 3 else …'",
    "let a = 7 d": "write '7 days'",
    "let a = 1 month": "its length varies: write days, or 'addMonths(date, 1)'",
    "let a = x ? 1": "write 'condition ? value : other'",
    "let { a, b } = x": "one 'let' gives one name: 'let a = value.a'",
    "print(x)": "there is no output step: keep in a store what you want to see",
    "s.put(x)": "write 'store … -> s'",
    "delete s where .a == 1": "write 'for item in s where … { delete s[item.id] }'",
    'get "/a" as b': "the reply is 'response': write 'let b = response' behind the request",
    "retry 3": "write 'retry { maxAttempts: 3 }'",
    "queue x -> s": "write 'queue s { item: x }'",
    "wait 5s": "write 'wait { timeout: 5 seconds }'",
    "call listThings": "write 'call Source.operation'",
    "validate x { id: string }": "write 'assume .id is string'",
    "sstore { id: 1 } -> s": "did you mean 'store' or 'map'?",
    "store { id: 1 } -> s [ key: .id ]": "write '{'",
    "for item item in list { skip }": "remove one of them",
    "tsore { id: 1 } -> s": "did you mean 'store' or 'map'?",
    "match x { { a: 1 } > {\n skip\n } _ -> skip }": "write '->'",
    'let a = { b: concat"c", d: 1 }': "write 'concat(\"c\"'",
    "let a = keys(b) )": "remove it",
    "stop": "'skip' ends the action, 'abort' the mission",
}


def help_of(text: str) -> list[str | None]:
    return [one.help for one in parse(text).diagnostics]


@pytest.mark.parametrize(("step", "hint"), STEPS.items())
def test_the_only_message_says_what_to_write(step: str, hint: str):
    assert help_of(f'action A {{\n  get "/x"\n  {step}\n  skip\n}}\n') == [hint]


def test_rows_name_only_groups_that_they_have():
    for row in ROWS:
        groups = {*re.compile(row.here).groupindex, *re.compile(row.before).groupindex, "quote"}
        for text in (row.hint, row.better or "", row.message):
            named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            assert named <= groups, row


def test_hints_are_short_lines():
    for row in ROWS:
        assert "\n" not in row.hint
        assert len(row.hint) <= 90, row
        assert not row.hint.endswith(".")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["a ", "(", "[a]", "x.y", "store a ", "1,", "match x ", "/* "])
def test_rows_need_little_time_for_any_text(piece: str):
    text = piece * (400 // len(piece))
    for row in ROWS:
        re.compile(row.here).match(text)
        re.compile(rf"{row.before}\Z").search(text)
