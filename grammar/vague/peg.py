"""The grammar as a matcher: one rule at one offset, to a tree or to the furthest failure.

Parsimonious reads `vague.peg` into expressions; each of them is turned into one of ours, which
match the same texts at a fraction of the cost: white space goes into the token behind it, a choice
looks at the first word before it tries anything, and a rule between brackets is cut out instead of
being read. Nothing here knows what a tree means (`build` does) or how to word a failure
(`recovery` does).
"""

from __future__ import annotations

import gc
import re
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from parsimonious import expressions as stock
from parsimonious.grammar import Grammar

from vague.slices import PIECES

MAXIMUM_DEPTH: Final = 200
# Of chains such as `a + b + c`, which nest in the tree but not in the text.
MAXIMUM_CHAIN: Final = 2000
RECURSION_LIMIT: Final = 20_000
_REMEMBERED: Final = frozenset({"expr1"})
# Levels of precedence: where only one piece is there, its tree stands for the whole level.
_LEVELS: Final = frozenset({"filter", "expr1", "pipe", "operation", "operand", "type"})
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_LEAD = re.compile(rf"{PIECES['space']}(\w+|.)?", re.DOTALL).match
_NOTHING: list[Any] = []

# ---------------------------------------------------------------- what a match gives


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


class Failure:
    """How far a match came: `pos` is where the last token before the trouble ends.

    `expected` names all that would have fitted there: names of rules, or texts in quotes.
    `too_deep`: the match was given up because it nested too deeply. `ahead` is the failure of
    what was only looked at; `memo` remembers trees for the time of one match.
    """

    __slots__ = ("ahead", "expected", "memo", "pos", "too_deep")

    def __init__(self, ahead: Failure | None = None) -> None:
        self.pos = -1
        self.expected: list[str] = []
        self.memo: dict[int, Tree | None] = {}
        self.ahead = self if ahead is None else ahead
        self.too_deep = False

    @property
    def reach(self) -> int:
        """The place from which on no token has been looked at."""
        return max(self.pos, self.ahead.pos)

    def note(self, pos: int, label: str) -> None:
        """Keep that `label` would have fitted at `pos`."""
        if pos > self.pos:
            self.pos = pos
            self.expected = [label]
        elif pos == self.pos:
            self.expected.append(label)


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


# ---------------------------------------------------------------- expressions


class Expression(Protocol):
    """A part of a rule.

    `first` are the words or characters it can begin with, None if unknown; `label` is what it is
    called where it was expected, nothing if its pieces are.
    """

    first: frozenset[str] | None
    label: str

    def match(self, text: str, pos: int, cuts: Cuts, failure: Failure, /) -> Tree | None:
        """The tree of what stands at `pos`; None, kept in `failure`, when something else does."""
        ...


_Match: TypeAlias = Callable[[str, int, Cuts, Failure], Tree | None]


class Token:
    """A regular expression with the white space before it; its named group names the tree."""

    __slots__ = ("_pattern_match", "first", "label", "zero_width")

    def __init__(self, name: str, label: str, pattern: str, first: frozenset[str] | None) -> None:
        self.first = first
        self.zero_width = name == "same_line"
        self.label = label
        named = pattern if "(?P<" in pattern else f"(?P<{name or 'token'}>{pattern})"
        space = "" if self.zero_width else PIECES["space"]
        self._pattern_match = re.compile(f"{space}(?:{named})").match

    def match(self, text: str, pos: int, _cuts: Cuts, failure: Failure) -> Tree | None:
        """See `Expression`."""
        match = self._pattern_match(text, pos)
        if match is None:
            failure.note(pos, self.label)
            return None
        group = cast("str", match.lastgroup)
        return Tree(group, match.start(group), match.end(), _NOTHING)


class Cut:
    """A bracket with all that is in it, by the table of brackets, unread."""

    __slots__ = ("_pattern_match", "_rule", "first", "label")

    def __init__(self, rule: str, opener: str) -> None:
        self.first: frozenset[str] | None = frozenset({opener})
        self._rule = rule
        self.label = f"'{opener}'"
        self._pattern_match = re.compile(PIECES["space"] + re.escape(opener)).match

    def match(self, text: str, pos: int, cuts: Cuts, failure: Failure) -> Tree | None:
        """See `Expression`."""
        match = self._pattern_match(text, pos)
        if match is None:
            failure.note(pos, self.label)
            return None
        start = match.end() - 1
        return Tree(self._rule, start, cuts.after(start), _NOTHING)


_PLAIN, _OPTIONAL, _REPEATED, _SAME_LINE, _AHEAD, _NOT_AHEAD = range(6)
_Piece: TypeAlias = tuple[int, Expression]


class Sequence:
    """Pieces one after another. A sequence without a name and with one piece is that piece."""

    __slots__ = (
        "_guarded",
        "_level",
        "_matches",
        "_name",
        "_remembered",
        "_single",
        "first",
        "label",
        "pieces",
    )

    def __init__(self, name: str) -> None:
        self.first: frozenset[str] | None = None
        self.label = ""
        self.pieces: list[_Piece] = []
        self._name = name
        self._matches: list[tuple[int, _Match]] = []
        self._guarded: dict[int, str] = {}
        self._single = False
        self._remembered = name in _REMEMBERED
        self._level = name in _LEVELS

    def settle(self, pieces: list[_Piece], *, single: bool) -> None:
        """Take the pieces; `single`: be the only piece that reads anything."""
        self.pieces = pieces
        self._matches = [(mode, piece.match) for mode, piece in pieces]
        self._guarded = {
            id(match): following.label
            for (mode, match), (_, following) in zip(self._matches, pieces[1:], strict=False)
            if mode == _NOT_AHEAD
        }
        self._single = single and sum(mode < _SAME_LINE for mode, _ in pieces) == 1

    def match(self, text: str, pos: int, cuts: Cuts, failure: Failure) -> Tree | None:
        """See `Expression`."""
        if not self._remembered:
            return self._read(text, pos, cuts, failure)
        memo = failure.memo
        if pos in memo:
            return memo[pos]
        tree = memo[pos] = self._read(text, pos, cuts, failure)
        return tree

    def _read(self, text: str, pos: int, cuts: Cuts, failure: Failure) -> Tree | None:
        begin = pos
        parts: list[Any] = []
        for mode, match in self._matches:
            if mode == _PLAIN:
                tree = match(text, pos, cuts, failure)
                if tree is None:
                    return None
                pos = tree.end
                parts.append(tree)
            elif mode == _OPTIONAL:
                tree = match(text, pos, cuts, failure)
                pos = pos if tree is None else tree.end
                parts.append(tree)
            elif mode == _REPEATED:
                trees: list[Tree] = []
                while (tree := match(text, pos, cuts, failure)) is not None:
                    pos = tree.end
                    trees.append(tree)
                parts.append(trees)
            elif not _holds(mode, match, text, pos, cuts, failure):
                if mode == _NOT_AHEAD and self._guarded.get(id(match)):
                    failure.note(pos, self._guarded[id(match)])
                return None
        return self._tree(parts, begin, pos)

    def _tree(self, parts: list[Any], begin: int, end: int) -> Tree:
        if self._single:
            return parts[0]
        if self._level:
            present = [part for part in parts if part]
            if len(present) == 1:
                return present[0]
        first = parts[0] if parts else None
        if isinstance(first, Tree):
            return Tree(self._name, first.start, end, parts)
        return Tree(self._name, _start_of(parts, begin), end, parts)


def _start_of(parts: list[Any], otherwise: int) -> int:
    """Where the first tree among `parts` begins."""
    for part in parts:
        if isinstance(part, Tree):
            return part.start
        if part:
            return part[0].start
    return otherwise


def _holds(mode: int, match: _Match, text: str, pos: int, cuts: Cuts, failure: Failure) -> bool:
    """Whether a look-ahead is as it should be; only that of `same_line` is told as a failure."""
    if mode == _SAME_LINE:
        return match(text, pos, cuts, failure) is not None
    return (match(text, pos, cuts, failure.ahead) is not None) == (mode == _AHEAD)


class Choice:
    """The first alternative that fits, its tree unwrapped; only those are tried that can begin."""

    __slots__ = ("_by_first", "_guided", "_otherwise", "alternatives", "first", "label")

    def __init__(self, name: str) -> None:
        self.first: frozenset[str] | None = None
        self.alternatives: list[Expression] = []
        self.label = name
        self._by_first: dict[str | None, tuple[_Match, ...]] = {}
        self._otherwise: tuple[_Match, ...] = ()
        self._guided = False

    def match(self, text: str, pos: int, cuts: Cuts, failure: Failure) -> Tree | None:
        """See `Expression`."""
        known = len(failure.expected) if pos == failure.pos else 0
        candidates = self._otherwise
        if self._guided:
            lead = cast("re.Match[str]", _LEAD(text, pos)).group(1)
            candidates = self._by_first.get(lead, candidates)
        for match in candidates:
            tree = match(text, pos, cuts, failure)
            if tree is not None:
                return tree
        if self.label and pos >= failure.pos:
            if pos > failure.pos:
                failure.pos = pos
                known = 0
            failure.expected[known:] = [self.label]
        return None

    def settle(self) -> None:
        """Sort the alternatives by what they can begin with."""
        leads = {lead for one in self.alternatives for lead in one.first or ()}
        self._guided = len(self.alternatives) > 2 and len(leads) > 1
        if self._guided:
            self._by_first = {lead: self._beginning(lead) for lead in leads}
            self._otherwise = self._beginning(None)
        else:
            self._otherwise = tuple(one.match for one in self.alternatives)

    def _beginning(self, lead: str | None) -> tuple[_Match, ...]:
        """Those that can begin with `lead`, in order; with None those of which one cannot know."""
        return tuple(
            one.match
            for one in self.alternatives
            if one.first is None or (lead is not None and lead in one.first)
        )


# ---------------------------------------------------------------- loading


class Rules:
    """The rules of one grammar, ready to match, and the forms of its slices."""

    def __init__(self, grammar_text: str) -> None:
        self.forms: dict[str, ListForm] = {"program": ListForm("program", "", "item", "optional")}
        self._made: dict[int, Expression] = {}
        self._words: dict[str, frozenset[str]] = {}
        # The ids of the stock expressions are keys, so the grammar must live while we convert.
        grammar = Grammar(grammar_text)
        self._rules = {name: self._convert(rule) for name, rule in grammar.items()}
        for made in self._made.values():
            _find_first(made, frozenset())
        for made in self._made.values():
            if isinstance(made, Choice):
                made.settle()

    def __contains__(self, rule: str) -> bool:
        return rule in self._rules

    @property
    def names(self) -> frozenset[str]:
        """The names of all rules."""
        return frozenset(self._rules)

    @property
    def labels(self) -> frozenset[str]:
        """All that a failure can name as expected."""
        return frozenset(made.label for made in self._made.values() if made.label)

    def match(self, rule: str, text: str, pos: int, cuts: Cuts) -> tuple[Tree | None, Failure]:
        """Match `rule` at `pos`; the failure tells how far it came, whether it fits or not."""
        failure = Failure(Failure())
        try:
            tree = self._rules[rule].match(text, pos, cuts, failure)
        except RecursionError:
            tree = None
            failure.too_deep = True
        return tree, failure

    def words(self, rule: str) -> frozenset[str]:
        """The words that `rule` can begin with, as far as they are fixed."""
        known = self._words.get(rule)
        if known is None:
            known = self._words[rule] = frozenset(_words(self._rules[rule], set()))
        return known

    def _convert(self, expression: stock.Expression) -> Expression:
        """Our expression for a stock one; known before its members are, for rules are recursive."""
        made = self._made.get(id(expression))
        if made is not None:
            return made
        if isinstance(expression, stock.Literal):
            made = self._made[id(expression)] = _literal(expression)
        elif isinstance(expression, stock.Regex):
            made = self._made[id(expression)] = _regex(expression)
        elif isinstance(expression, stock.OneOf):
            made = self._made[id(expression)] = choice = Choice(expression.name)
            choice.alternatives = [self._convert(member) for member in _members(expression)]
        else:
            made = self._made[id(expression)] = sequence = Sequence(expression.name)
            self._fill(sequence, cast("stock.Sequence", expression))
        return made

    def _fill(self, made: Sequence, expression: stock.Sequence) -> None:
        pieces = [self._piece(member) for member in _members(expression)]
        form = _slice_form(expression)
        if form is not None:
            self.forms[form.rule] = form
            cut: _Piece = (_PLAIN, Cut(form.rule, form.opener))
            pieces = [cut, *(piece for piece in pieces if piece[0] >= _SAME_LINE)]
        made.settle(pieces, single=form is not None or not expression.name)

    def _piece(self, member: stock.Expression) -> _Piece:
        if isinstance(member, stock.Lookahead):
            mode = _NOT_AHEAD if member.negativity else _AHEAD
            return (mode, self._convert(_members(member)[0]))
        if isinstance(member, stock.Quantifier):
            mode = _OPTIONAL if member.max == 1 else _REPEATED
            return (mode, self._convert(_members(member)[0]))
        made = self._convert(member)
        zero_width = isinstance(made, Token) and made.zero_width
        return (_SAME_LINE if zero_width else _PLAIN, made)


def _members(expression: stock.Compound) -> tuple[stock.Expression, ...]:
    return cast("tuple[stock.Expression, ...]", expression.members)


def _find_first(expression: Expression, above: frozenset[int]) -> frozenset[str] | None:
    """Settle what `expression` can begin with, None when one cannot know."""
    if isinstance(expression, Token | Cut) or id(expression) in above:
        return expression.first
    above |= {id(expression)}
    firsts = [_find_first(one, above) for one in _beginnings(expression)]
    known = [first for first in firsts if first is not None]
    if firsts and len(known) == len(firsts):
        expression.first = frozenset[str]().union(*known)
    return expression.first


def _beginnings(expression: Expression) -> Iterator[Expression]:
    """The expressions of which one comes first."""
    if isinstance(expression, Choice):
        yield from expression.alternatives
    elif isinstance(expression, Sequence):
        for mode, piece in expression.pieces:
            if mode < _SAME_LINE:
                yield piece
            if mode == _PLAIN:
                return


def _words(expression: Expression, seen: set[int]) -> Iterator[str]:
    if id(expression) in seen:
        return
    seen.add(id(expression))
    if isinstance(expression, Token):
        yield from (word for word in expression.first or () if word.isidentifier())
    for one in _beginnings(expression):
        yield from _words(one, seen)


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
    written = expression.re.pattern
    pattern = _MACRO.sub(lambda match: PIECES[match.group(1)], written)
    return Token(expression.name, expression.name, pattern, _FIRSTS.get(expression.name))


def _slice_form(expression: stock.Sequence) -> ListForm | None:
    """How the elements of a rule between brackets follow each other; None for other rules."""
    solid = [one for one in _members(expression) if not isinstance(one, stock.Lookahead)]
    if not expression.name or len(solid) != 3:
        return None
    opener, closer = _text(solid[0]), _text(solid[2])
    if closer is None or _CLOSERS.get(opener or "") != closer:
        return None
    middle = solid[1]
    if not isinstance(middle, stock.Quantifier):
        return ListForm(expression.name, opener or "", middle.name, "single")
    row = cast("stock.Sequence", _members(middle)[0])
    commas = "required" if middle.max == 1 else "optional"
    return ListForm(expression.name, opener or "", _members(row)[0].name, commas)


def _text(expression: stock.Expression) -> str | None:
    return expression.literal if isinstance(expression, stock.Literal) else None


# ---------------------------------------------------------------- settings of the interpreter


@contextmanager
def undisturbed() -> Generator[None]:
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


def grammar_text() -> str:
    """The text of the grammar, as Parsimonious reads it."""
    return resources.files("vague").joinpath("vague.peg").read_text(encoding="utf-8")


@cache
def rules() -> Rules:
    """The rules of the language, made when the first text is read: that takes a while."""
    return Rules(grammar_text())
