"""The grammar as a matcher: one rule at one offset, to a tree or to the furthest failure.

Parsimonious reads `vague.peg` into its expressions; each is then replaced by an expression of ours
that matches the same text faster: white space goes into the token behind it, a choice looks at the
first word before it tries anything, and a rule between brackets is cut out instead of being read.
Nothing here knows what a tree means (`build` does) or how to word a failure (`recovery` does).
"""

from __future__ import annotations

import gc
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, Protocol, cast

from parsimonious import expressions as stock
from parsimonious.exceptions import ParseError
from parsimonious.grammar import Grammar

from vague.slices import PIECES

MAXIMUM_DEPTH: Final = 200
RECURSION_LIMIT: Final = 20_000
_REMEMBERED: Final = frozenset({"expr1"})
# Levels of precedence: where only one piece is there, its tree stands for the whole level.
_LEVELS: Final = frozenset({"filter", "expr1", "pipe", "operation", "operand", "type"})
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_LEAD = re.compile(rf"{PIECES['space']}(\w+|.)?", re.DOTALL).match


class Tree:
    """What a rule matched: `parts` are its pieces in order, look-aheads left out.

    A part is a `Tree`, None for an optional piece that is absent, or a list for a repetition.
    `start` is where the first token begins, white space not counted.
    """

    __slots__ = ("end", "parts", "rule", "start")

    def __init__(self, rule: str, start: int, end: int, parts: list[Any]) -> None:
        self.rule = rule
        self.start = start
        self.end = end
        self.parts = parts


class Failure(ParseError):
    """How far a match came: `pos` is where the last token before the trouble ends.

    `expected` names all that would have fitted there: names of rules, or texts in quotes.
    `too_deep`: the match was given up because it nested too deeply. `ahead` is the failure of
    what was only looked at; `memo` remembers trees for the time of one match.
    """

    def __init__(self, text: str, ahead: Failure | None = None) -> None:
        super().__init__(text)
        self.expected: list[str] = []
        self.memo: dict[int, Tree | None] = {}
        self.ahead = self if ahead is None else ahead
        self.too_deep = False

    @property
    def reach(self) -> int:
        """The place from which on no token has been looked at."""
        return max(self.pos, self.ahead.pos)


class Cuts(Protocol):
    """Knows where a bracket ends."""

    def after(self, opener: int) -> int:
        """The offset behind the bracket at `opener`, its contents and its closer."""
        ...


@dataclass(frozen=True, slots=True)
class ListForm:
    """A rule between brackets: what its elements are and whether commas part them."""

    rule: str
    opener: str
    element: str
    commas: Literal["optional", "required", "single"]


class Expression(stock.Expression):
    """One of our expressions; `first` holds the words or characters it can begin with."""

    __slots__ = ("first", "label")

    def __init__(self, name: str, label: str, first: frozenset[str] | None) -> None:
        super().__init__(name)
        self.label = label
        self.first = first


class Token(Expression):
    """A regular expression with the white space before it; its named group names the tree."""

    __slots__ = ("pattern_match", "zero_width")

    def __init__(self, name: str, label: str, pattern: str, first: frozenset[str] | None) -> None:
        super().__init__(name, label, first)
        self.zero_width = name == "same_line"
        named = pattern if "(?P<" in pattern else f"(?P<{name or 'token'}>{pattern})"
        space = "" if self.zero_width else PIECES["space"]
        self.pattern_match = re.compile(f"{space}(?:{named})").match

    def match_core(self, text: str, pos: int, cache: Cuts, error: Failure) -> Tree | None:
        match = self.pattern_match(text, pos)
        if match is None:
            if pos > error.pos:
                error.pos = pos
                error.expected = [self.label]
            elif pos == error.pos:
                error.expected.append(self.label)
            return None
        group = cast("str", match.lastgroup)
        return Tree(group, match.start(group), match.end(), _NOTHING)


class Cut(Expression):
    """A bracket with all that is in it, by the table of brackets, unread."""

    __slots__ = ("pattern_match",)

    def __init__(self, name: str, opener: str) -> None:
        super().__init__(name, f"'{opener}'", frozenset({opener}))
        self.pattern_match = re.compile(PIECES["space"] + re.escape(opener)).match

    def match_core(self, text: str, pos: int, cache: Cuts, error: Failure) -> Tree | None:
        match = self.pattern_match(text, pos)
        if match is None:
            if pos > error.pos:
                error.pos = pos
                error.expected = [self.label]
            elif pos == error.pos:
                error.expected.append(self.label)
            return None
        start = match.end() - 1
        return Tree(self.name, start, cache.after(start), _NOTHING)


_NOTHING: list[Any] = []
_PLAIN, _OPTIONAL, _REPEATED, _SAME_LINE, _AHEAD, _NOT_AHEAD = range(6)
_Match = Callable[[str, int, Cuts, Failure], "Tree | None"]


class Sequence(Expression):
    """Pieces one after another. A sequence without a name and with one piece is that piece."""

    __slots__ = ("level", "members", "pieces", "remembered", "single")

    def __init__(self, name: str) -> None:
        super().__init__(name, name, None)
        self.members: list[tuple[int, Expression]] = []
        self.pieces: list[tuple[int, _Match]] = []
        self.single = False
        self.remembered = name in _REMEMBERED
        self.level = name in _LEVELS

    def settle(self, members: list[tuple[int, Expression]], *, single: bool) -> None:
        """Take the pieces; `single`: be the only piece that reads anything."""
        self.members = members
        self.pieces = [(mode, _matcher(piece)) for mode, piece in members]
        self.single = single and sum(mode < _SAME_LINE for mode, _ in members) == 1

    def match_core(self, text: str, pos: int, cache: Cuts, error: Failure) -> Tree | None:
        if not self.remembered:
            return self._read(text, pos, cache, error)
        memo = error.memo
        if pos in memo:
            return memo[pos]
        tree = memo[pos] = self._read(text, pos, cache, error)
        return tree

    def _read(self, text: str, pos: int, cache: Cuts, error: Failure) -> Tree | None:
        parts: list[Any] = []
        start = pos
        begun = False
        for mode, match in self.pieces:
            if mode == _PLAIN:
                tree = match(text, pos, cache, error)
                if tree is None:
                    return None
                parts.append(tree)
                pos = tree.end
                if not begun:
                    start = tree.start
                    begun = True
            elif mode == _OPTIONAL:
                tree = match(text, pos, cache, error)
                parts.append(tree)
                if tree is not None:
                    pos = tree.end
                    if not begun:
                        start = tree.start
                        begun = True
            elif mode == _REPEATED:
                trees: list[Tree] = []
                while (tree := match(text, pos, cache, error)) is not None:
                    trees.append(tree)
                    pos = tree.end
                parts.append(trees)
                if trees and not begun:
                    start = trees[0].start
                    begun = True
            elif mode == _SAME_LINE:
                if match(text, pos, cache, error) is None:
                    return None
            elif mode == _AHEAD:
                if match(text, pos, cache, error.ahead) is None:
                    return None
            elif match(text, pos, cache, error.ahead) is not None:
                return None
        if self.single:
            return parts[0]
        if self.level:
            present = [part for part in parts if part]
            if len(present) == 1:
                return present[0]
        return Tree(self.name, start, pos, parts)


class Choice(Expression):
    """The first alternative that fits, its tree unwrapped; only those are tried that can begin."""

    __slots__ = ("alternatives", "by_first", "guided", "otherwise")

    def __init__(self, name: str) -> None:
        super().__init__(name, name, None)
        self.alternatives: list[Expression] = []
        self.by_first: dict[str | None, tuple[_Match, ...]] = {}
        self.otherwise: tuple[_Match, ...] = ()
        self.guided = False

    def match_core(self, text: str, pos: int, cache: Cuts, error: Failure) -> Tree | None:
        known = len(error.expected) if pos == error.pos else 0
        candidates = self.otherwise
        if self.guided:
            lead = cast("re.Match[str]", _LEAD(text, pos)).group(1)
            candidates = self.by_first.get(lead, candidates)
        for match in candidates:
            tree = match(text, pos, cache, error)
            if tree is not None:
                return tree
        if self.name and pos >= error.pos:
            if pos > error.pos:
                error.pos = pos
                known = 0
            error.expected[known:] = [self.label]
        return None

    def offer(self) -> None:
        """Sort the alternatives by what they can begin with."""
        alternatives = self.alternatives
        leads = {lead for one in alternatives for lead in one.first or ()}
        self.guided = len(alternatives) > 2 and len(leads) > 1
        fixed = leads if self.guided else set[str]()
        self.by_first = {lead: _beginning(alternatives, lead) for lead in fixed}
        self.otherwise = (
            _beginning(alternatives, None)
            if self.guided
            else tuple(_matcher(one) for one in alternatives)
        )


def _beginning(alternatives: list[Expression], lead: str | None) -> tuple[_Match, ...]:
    """Those that can begin with `lead`, in order; with None those of which one cannot know."""
    return tuple(
        _matcher(one)
        for one in alternatives
        if one.first is None or (lead is not None and lead in one.first)
    )


def _matcher(expression: Expression) -> _Match:
    return cast("_Match", expression.match_core)


# ---------------------------------------------------------------- loading


class Rules:
    """The rules of one grammar, ready to match, and the forms of its slices."""

    def __init__(self, grammar_text: str) -> None:
        self._grammar = Grammar(grammar_text)
        self._made: dict[int, Expression] = {}
        self._words: dict[str, frozenset[str]] = {}
        self.forms: dict[str, ListForm] = {"program": ListForm("program", "", "item", "optional")}
        self.rules: dict[str, Expression] = {}
        for name, expression in self._grammar.items():
            self.rules[name] = self._convert(expression)
        self._settle_firsts()

    def match(self, rule: str, text: str, pos: int, cuts: Cuts) -> tuple[Tree | None, Failure]:
        """Match `rule` at `pos`; the failure tells how far it came, whether it fits or not."""
        failure = Failure(text, Failure(text))
        try:
            tree = cast("Tree | None", self.rules[rule].match_core(text, pos, cuts, failure))
        except RecursionError:
            tree = None
            failure.too_deep = True
        return tree, failure

    def words(self, rule: str) -> frozenset[str]:
        """The words that `rule` can begin with, as far as they are fixed."""
        known = self._words.get(rule)
        if known is None:
            known = self._words[rule] = frozenset(_words(self.rules[rule], set()))
        return known

    def _convert(self, expression: stock.Expression) -> Expression:
        """Our expression for a stock one; made before its members, for rules are recursive."""
        made = self._made.get(id(expression))
        if made is not None:
            return made
        if isinstance(expression, stock.Literal):
            made = _literal(expression)
        elif isinstance(expression, stock.Regex):
            made = _regex(expression)
        elif isinstance(expression, stock.OneOf):
            made = Choice(expression.name)
        elif isinstance(expression, stock.Sequence):
            form = _slice_form(expression)
            made = Sequence(expression.name)
            if form is not None:
                self.forms[form.rule] = form
        else:
            raise TypeError(f"no place for {expression}")
        self._made[id(expression)] = made
        self._fill(made, expression)
        return made

    def _fill(self, made: Expression, expression: stock.Expression) -> None:
        if isinstance(made, Choice):
            members = cast("stock.Compound", expression).members
            made.alternatives = [self._convert(member) for member in members]
        elif isinstance(made, Sequence):
            members = cast("stock.Compound", expression).members
            pieces = [self._piece(member) for member in members]
            form = self.forms.get(expression.name)
            if form is not None and form.opener:
                cut = (_PLAIN, Cut(form.rule, form.opener))
                pieces = [cut, *(piece for piece in pieces if piece[0] >= _SAME_LINE)]
            made.settle(
                pieces, single=not expression.name or (form is not None and bool(form.opener))
            )

    def _piece(self, member: stock.Expression) -> tuple[int, Expression]:
        if isinstance(member, stock.Lookahead):
            return (_NOT_AHEAD if member.negativity else _AHEAD, self._convert(member.members[0]))
        if isinstance(member, stock.Quantifier):
            mode = _OPTIONAL if member.max == 1 else _REPEATED
            return (mode, self._convert(member.members[0]))
        made = self._convert(member)
        zero_width = isinstance(made, Token) and made.zero_width
        return (_SAME_LINE if zero_width else _PLAIN, made)

    def _settle_firsts(self) -> None:
        for made in self._made.values():
            _first(made, frozenset())
        for made in self._made.values():
            if isinstance(made, Choice):
                made.offer()


def _first(expression: Expression, above: frozenset[int]) -> frozenset[str] | None:
    """The words and characters that `expression` can begin with, None when one cannot know."""
    if isinstance(expression, Token | Cut) or id(expression) in above:
        return expression.first
    above |= {id(expression)}
    if isinstance(expression, Choice):
        firsts = [_first(one, above) for one in expression.alternatives]
    else:
        firsts = _leading_firsts(cast("Sequence", expression), above)
    known = [first for first in firsts if first is not None]
    if firsts and len(known) == len(firsts):
        expression.first = frozenset[str]().union(*known)
    return expression.first


def _leading_firsts(sequence: Sequence, above: frozenset[int]) -> list[frozenset[str] | None]:
    firsts: list[frozenset[str] | None] = []
    for mode, piece in sequence.members:
        if mode < _SAME_LINE:
            firsts.append(_first(piece, above))
        if mode == _PLAIN:
            return firsts
    return [None]


def _words(expression: Expression, seen: set[int]) -> Iterator[str]:
    if id(expression) in seen:
        return
    seen.add(id(expression))
    if isinstance(expression, Token):
        yield from (word for word in expression.first or () if word.isidentifier())
    elif isinstance(expression, Choice):
        for alternative in expression.alternatives:
            yield from _words(alternative, seen)
    elif isinstance(expression, Sequence):
        for mode, piece in expression.members:
            if mode < _SAME_LINE:
                yield from _words(piece, seen)
            if mode == _PLAIN:
                return


_WORD = re.compile(r"\w+\Z")
_MACRO = re.compile(r"(?<!\?P)<(\w+)>")
_METHODS: Final = ("get", "post", "put", "patch", "delete")
# What tokens that are no plain text can begin with, where knowing it saves work.
_FIRSTS: Final[dict[str, frozenset[str]]] = {
    "method": frozenset(_METHODS) | frozenset(method.upper() for method in _METHODS),
    "dot": frozenset("."),
    "bar": frozenset("|"),
    "question": frozenset("?"),
    "question_dot": frozenset("?"),
    "arrow": frozenset("-="),
    "wildcard": frozenset("_"),
    "data_key": frozenset({"body", "params", "query", "headers", "item"}),
}


def _literal(expression: stock.Literal) -> Token:
    text = expression.literal
    pattern = re.escape(text) + (r"(?!\w)" if _WORD.match(text) else "")
    first = text if _WORD.match(text) else text[0]
    return Token(expression.name, f"'{text}'", pattern, frozenset({first}))


def _regex(expression: stock.Regex) -> Token:
    pattern = _MACRO.sub(lambda match: PIECES[match.group(1)], expression.re.pattern)
    return Token(expression.name, expression.name, pattern, _FIRSTS.get(expression.name))


def _slice_form(expression: stock.Sequence) -> ListForm | None:
    """How the elements of a rule between brackets follow each other; None for other rules."""
    solid = [one for one in expression.members if not isinstance(one, stock.Lookahead)]
    if not expression.name or len(solid) != 3:
        return None
    ends = (solid[0], solid[2])
    if not all(isinstance(end, stock.Literal) for end in ends):
        return None
    opener, closer = (cast("stock.Literal", end).literal for end in ends)
    if _CLOSERS.get(opener) != closer:
        return None
    middle = solid[1]
    if not isinstance(middle, stock.Quantifier):
        return ListForm(expression.name, opener, middle.name, "single")
    element = cast("stock.Sequence", middle.members[0]).members[0].name
    commas = "required" if middle.max == 1 else "optional"
    return ListForm(expression.name, opener, element, commas)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Raise the recursion limit and pause the collector of cycles while a text is read.

    Trees hold no cycles, and the collector would walk all of them again and again, which makes a
    long text slower than its length explains. Nested and concurrent uses are counted.
    """
    _settings.enter()
    try:
        yield
    finally:
        _settings.leave()


class _Settings:
    """Both settings are the interpreter's: the first to enter changes, the last restores them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limit = 0
        self._collecting = False

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limit = sys.getrecursionlimit()
                self._collecting = gc.isenabled()
                sys.setrecursionlimit(max(self._limit, RECURSION_LIMIT))
                gc.disable()
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                sys.setrecursionlimit(self._limit)
                if self._collecting:
                    gc.enable()


_settings = _Settings()
RULES: Final = Rules(resources.files("vague").joinpath("vague.peg").read_text(encoding="utf-8"))
