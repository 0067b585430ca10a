"""The TextMate grammar: which scope each word gets, and that it knows the whole vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import regex

from support.textmate import Reader
from vague.highlight import TOKEN_CLASSES, textmate_grammar
from vague.vocabulary import DEFAULT
from vague.vocabulary.functions import FunctionGroup, function
from vague.vocabulary.keywords import UNITS

GRAMMAR: dict[str, Any] = json.loads(json.dumps(textmate_grammar()))


def scopes_of(program: str) -> tuple[str, list[tuple[str, ...]]]:
    """The program without its mark, and the scopes of the marked characters."""
    before, marked, after = program.split("«")[0], *program.split("«")[1].split("»")
    text = before + marked + after
    scopes = Reader(GRAMMAR).read(text + "\n")
    return text, scopes[len(before) : len(before) + len(marked)]


CASES = [
    # Comments, strings, numbers
    ("let a = 1 «// note»", "comment.line.double-slash"),
    ("let a = 1 «# note»", "comment.line.number-sign"),
    ("«/* a\n b */» let a = 1", "comment.block"),
    ("/* a */ «let» a = 1", "storage.type"),
    ('let a = "«x // y»"', "string.quoted.double"),
    ("let a = '«x # y»'", "string.quoted.single"),
    (r'let a = "«\n»"', "constant.character.escape"),
    (r'let a = "«\d»"', "invalid.illegal.escape"),
    ('let a = "open\n«let» b = 1', "storage.type"),
    ("let a = «12.5e3»", "constant.numeric"),
    ("let a = 3 «days»", "keyword.other.unit"),
    ("let a = «3» days", "constant.numeric"),
    ("let a = { «days»: 3 }", "variable.other.property"),
    ("let a = «true»", "constant.language"),
    # Definitions
    ("«mission» Sync {", "storage.type"),
    ("mission «Sync» {", "entity.name.namespace"),
    ("mission M { action «Fetch» {", "entity.name.function"),
    ("transform «ToItem»: Raw -> Item {", "entity.name.function.transform"),
    ('«store» orders: file("o")', "storage.type"),
    ('store «orders»: file("o")', "entity.name.type.store"),
    ("«source» Api { auth: none }", "storage.type"),
    ('source «Api» from "./a.yaml" {', "entity.name.class"),
    ('source Api «from» "./a.yaml" {', "keyword.other.import"),
    ("source Api { «auth»: none }", "support.type.property-name"),
    ('source Api {\n  base: "https://«${HOST}»/" }', "variable.other.environment"),
    ('source Api { headers: { X: "«${HOST}»" } }', "variable.other.environment"),
    ('let a = "«${HOST}»"', "string.quoted.double"),
    ("schema S { id: «string» }", "support.type.primitive"),
    ("schema S { id: «Other»? }", "entity.name.type"),
    ("schema S {\n  tags: array<«string»> }", "support.type.primitive"),
    ("schema S { «kind»?: string }", "variable.other.property"),
    ('«import» depot from "./d.yaml"', "keyword.other.import"),
    ("mission M { «schedule»: every 2 hours }", "storage.type"),
    ("mission M { schedule: «every» 2 hours }", "keyword.other"),
    ('mission M { schedule: «cron» "* * * * *" }', "keyword.other"),
    # Requests and their paths
    ('«get» "/a"', "keyword.control.request"),
    ('get Api "/a/«{»id}"', "punctuation.section.embedded.begin"),
    ('get Api "/a/{«item.id»}"', "variable.other.placeholder"),
    ('get «Api» "/a"', "entity.name.class"),
    ('POST "/a/{«id»}" { body: {} }', "variable.other.placeholder"),
    ('get "/«{{»x"', "constant.character.escape"),
    ('wait { path: "/h/{«id»}" }', "variable.other.placeholder"),
    ('let a = "/h/«{id}»"', "string.quoted.double"),
    ("get «next»", "variable.other.readwrite"),
    ("call Api.«listAll» { params: {} }", "entity.name.function.member"),
    # Steps, clauses, directives
    ("«for» item in items {", "keyword.control.loop"),
    ("for «item» in items {", "variable.parameter"),
    ("for item «in» items {", "keyword.control.loop"),
    ("for item in items «where» .a {", "keyword.control.conditional"),
    ("for item in items «checkpoint every» 10 {", "keyword.control.loop"),
    ("for item in items «parallel» 4 {", "keyword.control.loop"),
    ("«map» row -> Item {}", "keyword.control"),
    ("«match» x { _ -> skip }", "keyword.control"),
    ("match x { _ -> «skip» }", "keyword.control.flow"),
    ("match x { _ -> «retry» { maxAttempts: 3 } }", "keyword.control.flow"),
    ("«store» each xs -> s", "keyword.control"),
    ("store «each» xs -> s", "keyword.control"),
    ("queue «parked» { item: 1 }", "entity.name.type.store"),
    ("delete «parked»[id]", "entity.name.type.store"),
    ("jump «Login» then retry", "entity.name.function"),
    ("jump Login then «retry»", "keyword.control.flow"),
    ("apply «ToItem» to x as y", "entity.name.function.transform"),
    ("apply ToItem to x «as» y", "keyword.control"),
    ("validate x { «assume» .a > 0 }", "keyword.control"),
    ("run A «then» [B, C]", "keyword.control.conditional"),
    # Keywords as names
    ("let a = x.«match»", "variable.other.property"),
    ("let a = { «match»: 1 }", "variable.other.property"),
    ("let a = { «store»: 1 }", "variable.other.property"),
    ("for «store» in stores {", "variable.parameter"),
    ("let «run» = 1", "variable.other.readwrite"),
    ("let a = «page» + 1", "variable.other.readwrite"),
    ("let a = s.«get»(k)", "entity.name.function"),
    # Expressions
    ("let a = «sum»(xs)", "support.function"),
    ("let a = xs | «first»", "support.function"),
    ("let a = «custom»(xs)", "entity.name.function"),
    ("let a = x «and» y", "keyword.operator.word"),
    ("let a = «not» (x)", "keyword.operator.word"),
    ("let a = x «contains» y", "keyword.operator.word"),
    ("let a = «contains»(x, y)", "support.function"),
    ("let a = x is «string»", "support.type.primitive"),
    ("let a = «if» c then 1 else 2", "keyword.control.conditional"),
    ("let a = «any of» xs where .a", "keyword.control.conditional"),
    ("let a = «response».rows", "variable.language"),
    ("let a = response.«rows»", "variable.other.property"),
    ("let a = .«rows»", "variable.other.property"),
    ("let a = «REGION»", "variable.other.constant"),
    ("match x { «Empty» -> skip }", "entity.name.type"),
    ("let a = x «=>» y", "keyword.operator.arrow"),
    ("let a = x «??» y", "keyword.operator"),
    ("let a = [«...»x]", "keyword.operator.spread"),
]


@pytest.mark.parametrize(("program", "scope"), CASES, ids=[program for program, _ in CASES])
def test_scope(program: str, scope: str):
    _, scopes = scopes_of(program)
    assert {inner[-1] for inner in scopes} == {f"{scope}.reqon"}


def rules(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from rules(part)


def test_every_pattern_is_a_regular_expression_and_every_include_leads_somewhere():
    for rule in rules(GRAMMAR):
        for name in ("match", "begin", "end"):
            if name in rule:
                regex.compile(rule[name])
        if "include" in rule:
            assert rule["include"].removeprefix("#") in GRAMMAR["repository"]


def test_the_head_names_language_and_files():
    assert GRAMMAR["scopeName"] == "source.reqon"
    assert GRAMMAR["fileTypes"] == ["vague", "reqon"]


def test_all_functions_units_and_options_are_known():
    text = json.dumps(GRAMMAR)
    options = {name for block in DEFAULT.option_blocks.values() for name in block.options}
    assert [word for word in (*DEFAULT.functions, *UNITS, *options) if word not in text] == []


def test_functions_of_a_plug_in_are_known_too():
    shout = function("shout(text)", "string", FunctionGroup.STRINGS, "Loud.", 'shout("a") -> "A!"')
    assert "shout" in json.dumps(textmate_grammar(DEFAULT.with_(functions=[shout])))


def test_token_classes_use_what_every_editor_knows():
    known = {
        *("namespace", "type", "class", "enum", "interface", "struct", "typeParameter"),
        *("parameter", "variable", "property", "enumMember", "event", "function", "method"),
        *("macro", "keyword", "modifier", "comment", "string", "number", "regexp", "operator"),
    }
    assert {row.type for row in TOKEN_CLASSES.values()} <= known
    assert {one for row in TOKEN_CLASSES.values() for one in row.modifiers} <= {"defaultLibrary"}
    assert [row.name for row in TOKEN_CLASSES.values()] == list(TOKEN_CLASSES)
