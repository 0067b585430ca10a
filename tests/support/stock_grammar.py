"""The grammar read by Parsimonious alone: no slices, no builders, no recovery.

Only what the head of `vague.peg` says goes without saying is added: white space before tokens, the
ends of words, and the named pieces of tokens.
"""

from __future__ import annotations

import re

from parsimonious import expressions as stock
from parsimonious.exceptions import ParseError
from parsimonious.grammar import Grammar

from vague.peg import grammar_text, undisturbed
from vague.slices import PIECES

_MACRO = re.compile(r"(?<!\?P)<(\w+)>")


def _token(expression: stock.Expression) -> stock.Expression:
    space = "" if expression.name == "same_line" else PIECES["space"]
    if isinstance(expression, stock.Literal):
        text = expression.literal
        pattern = re.escape(text) + (r"(?!\w)" if text.isidentifier() else "")
    else:
        pattern = _MACRO.sub(lambda match: PIECES[match[1]], expression.re.pattern)
    token = stock.Regex("x", name=expression.name)
    token.re = re.compile(f"{space}(?:{pattern})")
    return token


def _with_space(
    expression: stock.Expression, made: dict[int, stock.Expression]
) -> stock.Expression:
    known = made.get(id(expression))
    if known is not None:
        return known
    if not isinstance(expression, stock.Compound):
        made[id(expression)] = _token(expression)
        return made[id(expression)]
    made[id(expression)] = expression
    expression.members = tuple(_with_space(member, made) for member in expression.members)
    return expression


def stock_rules() -> dict[str, stock.Expression]:
    grammar = Grammar(grammar_text())
    made: dict[int, stock.Expression] = {}
    return {name: _with_space(rule, made) for name, rule in grammar.items()}


RULES = stock_rules()


def accepts(text: str, rule: str = "program") -> bool:
    """Whether the grammar alone reads the whole of `text`."""
    with undisturbed():
        try:
            return RULES[rule].parse(text).end == len(text)
        except ParseError:
            return False
