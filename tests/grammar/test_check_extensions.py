"""What a plug-in registers is known: names of all kinds, with their options and arguments."""

from __future__ import annotations

import pytest

from vague.check_source import NOON, MemoryFiles, check_source
from vague.checker import CheckFacts, check
from vague.vocabulary import DEFAULT
from vague.vocabulary.functions import FunctionGroup, function
from vague.vocabulary.kinds import Kind
from vague.vocabulary.options import OptionSpec, OptionType, block

EXTENDED = DEFAULT.with_(
    functions=[
        function("shout(text)", "text", FunctionGroup.STRINGS, "Loud.", 'shout("a") -> "A"')
    ],
    store_adapters=[Kind("redis", "A cache.", options="store.redis")],
    auth_kinds=[Kind("hmac", "Signed.")],
    paginators=[Kind("token", "By token.", parameters=("param", "size"))],
    state_stores=[Kind("vault", "A vault.")],
    custom_steps=[Kind("notify", "Tells people.", options="notify")],
    option_blocks=[
        block("store.redis", "a redis store", OptionSpec("ttl", OptionType.DURATION, "none", "")),
        block(
            "notify",
            "a notify step",
            OptionSpec("to", OptionType.STRING, "none", "", required=True),
        ),
    ],
)
TEXT = """
mission M {
  stateStore: vault
  source API { auth: hmac, base: "https://x.test" }
  store a: redis("a", { ttl: 5 minutes })
  action A {
    get "/a" { paginate: token(next, 20) }
    store response -> a { key: shout(.id) }
    notify { to: "ops" }
  }
  run A
}
"""


def codes(text: str, vocabulary=EXTENDED) -> list[str]:
    facts = CheckFacts(MemoryFiles(), NOON, vocabulary=vocabulary)
    return [one.code for one in check_source(text, facts=facts).diagnostics]


def test_registered_names_are_known():
    assert codes(TEXT) == []


def test_without_the_plug_in_each_of_them_is_a_mistake():
    assert codes(TEXT, DEFAULT) == ["RQ304", "RQ218", "RQ217", "RQ304", "RQ209", "RQ211"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ttl: 5 minutes", "ttl: -5 minutes", ["RQ308"]),
        ("ttl: 5 minutes", "tll: 5 minutes", ["RQ301"]),
        ('to: "ops"', "to: 5", ["RQ303"]),
        ('to: "ops"', "", ["RQ306"]),
        ("shout(.id)", "shout()", ["RQ210"]),
        ("shout(.id)", "shoot(.id)", ["RQ209"]),
        ("hmac", "hmak", ["RQ218"]),
        ("redis(", "rediz(", ["RQ217"]),
        ("notify {", "notifi {", ["RQ211"]),
    ],
)
def test_their_options_and_arguments_are_checked(old: str, new: str, expected: list[str]):
    assert codes(TEXT.replace(old, new)) == expected


def test_another_vocabulary_checks_everything_again():
    before = check_source(TEXT, facts=CheckFacts(MemoryFiles(), NOON, vocabulary=EXTENDED))
    after = check(before.program, CheckFacts(MemoryFiles(), NOON), before)
    assert len(after.diagnostics) == 6
