"""A rule has failed: what to say about it, and where reading goes on.

A failure tells how far a rule came and what would have fitted there. From it this module chooses
the place of the one diagnostic that people read (`wording` makes it), and finds the place from
which the list can be read again: the next member, step or entry. It decides nothing about the
tree; `build.reader` builds on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from vague import wording
from vague.diagnostics import Diagnostic
from vague.peg import Cuts, Failure, ListForm, rules
from vague.slices import PIECES, SPACE
from vague.suggestions import nearest
from vague.vocabulary.options import OPTION_BLOCKS
from vague.wording import TOKEN, first_on_line

STEP_LISTS: Final = frozenset({"block", "action_body"})
MEMBER_LISTS: Final = frozenset({"program", "members"})
_STATEMENTS: Final = STEP_LISTS | MEMBER_LISTS
_KEYED: Final = frozenset(
    {"options", "option_object", "object", "dataset_entries", "schema_items", "object_type",
     "object_pattern"}
)  # fmt: skip
_SPREADING: Final = frozenset(
    {"array", "object", "option_object", "schema_items", "object_type", "array_pattern"}
)
_FIRST_OF_FIELDS: Final = frozenset({"assume"})
_OPTION_WORDS: Final = frozenset(OPTION_BLOCKS["mission"].options)
_OPENERS: Final = "([{"
# What a word such as `store` goes on with as a step, and what as a definition or an option.
_OF_STEPS: Final = frozenset({"arrow", "primary", "expr", "'each'", "same_line"})
_OF_MEMBERS: Final = frozenset({"':'", "declared"})


@dataclass(slots=True)
class Trouble:
    """An element that could not be read.

    `start` is its first token, `end` the end of its list. `floor` is where the element before it
    starts, if there is one, and `before` how far that one had come. `text` may end with the list,
    `whole` goes on.
    """

    whole: str
    text: str
    cuts: Cuts
    form: ListForm
    start: int
    end: int
    failure: Failure
    floor: int | None = None
    before: Failure | None = None


class Verdict(NamedTuple):
    """What is said, and where reading goes on.

    Behind a character that is itself wrong nothing is said, for that is enough.
    """

    problem: Diagnostic | None
    stop: int


def judge(trouble: Trouble) -> Verdict:
    """Word the failure and find the next place to read from.

    It lies behind `trouble.start`, or between `floor` and there: then the element before has read
    too much, and reads again from its own start to there.
    """
    failure = _furthest(trouble)
    at = _token_start(trouble, failure.pos)
    if failure.too_deep:
        return Verdict(wording.too_deep(at), resume(trouble, at))
    expected = failure.expected
    if failure is trouble.failure:
        at, expected = _first_word(trouble, at, expected)
    blamed = _blamed_word(trouble, at)
    if blamed is not None:
        wanted = _expected_before(trouble, blamed)
        return Verdict(_unexpected(trouble, blamed, wanted), blamed)
    if wording.is_behind_oddity(trouble.whole, at):
        return Verdict(None, resume(trouble, at))
    return Verdict(_worded(trouble, at, expected), resume(trouble, at))


def _furthest(trouble: Trouble) -> Failure:
    before = trouble.before
    if before is not None and before.pos > max(trouble.start, trouble.failure.pos - 1):
        return before
    return trouble.failure


def _token_start(trouble: Trouble, position: int) -> int:
    return max(trouble.start, min(_behind_space(trouble.text, max(position, 0)), trouble.end))


def _behind_space(text: str, position: int) -> int:
    space = SPACE.match(text, position)
    return position if space is None else space.end()


def _first_word(trouble: Trouble, at: int, expected: list[str]) -> tuple[int, list[str]]:
    """Blame an unknown first word of a statement rather than what follows it."""
    first = TOKEN.match(trouble.text, trouble.start)
    if first is None or at == trouble.start or at != _token_start(trouble, first.end()):
        return at, expected
    if trouble.form.rule not in _STATEMENTS:
        near = nearest(first.group(), rules().words(trouble.form.element) & _FIRST_OF_FIELDS)
        return (at, expected) if near is None else (trouble.start, ["'assume'"])
    if trouble.form.rule in MEMBER_LISTS and first.group() in _OPTION_WORDS:
        return at, ["':'"]
    known = first.group() in rules().words(trouble.form.element)
    foreign = first.group() in _FOREIGN_BLOCKS
    has_block = trouble.text[at : at + 1] == "{" and trouble.form.rule in STEP_LISTS and not foreign
    return (at, expected) if known or has_block else (trouble.start, [trouble.form.element])


def _blamed_word(trouble: Trouble, at: int) -> int | None:
    """The start of the next element, where it was read as the end of this one.

    In `let x =` above `store r -> t` the word `store` is taken for the value, and the mistake
    shows only behind it. It is the last word before `at` and begins its line, or is a key.
    """
    text = trouble.text
    stop = at
    while stop > 0 and text[stop - 1] in " \t\r\n":
        stop -= 1
    begin = stop
    while begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] == "_"):
        begin -= 1
    floor = trouble.start if trouble.floor is None else trouble.floor
    if not floor < begin < stop or begin == trouble.start or not begins(trouble, begin):
        return None
    return begin if trouble.form.rule in _KEYED or first_on_line(text, begin) else None


class _Shifted:
    """The brackets of a text for a piece of it that begins at `by`."""

    def __init__(self, cuts: Cuts, by: int) -> None:
        self._cuts = cuts
        self._by = by

    def after(self, opener: int) -> int:
        return self._cuts.after(opener + self._by) - self._by


def _expected_before(trouble: Trouble, at: int) -> list[str]:
    """What would have fitted at `at`, where something else was taken for it."""
    start = trouble.start if at > trouble.start or trouble.floor is None else trouble.floor
    piece = trouble.text[start:at]
    _, failure = rules().match(trouble.form.element, piece, 0, _Shifted(trouble.cuts, start))
    at_end = _behind_space(piece, max(failure.pos, 0)) >= len(piece)
    return failure.expected if at_end else ["primary"]


def _worded(trouble: Trouble, at: int, expected: list[str]) -> Diagnostic:
    text, before = trouble.whole, trouble.before
    expected = _of_the_list(trouble.form, expected)
    if at < trouble.end and text[at] in _OPENERS and _belongs_above(trouble, at, expected):
        return wording.not_on_line(text, at)
    near = before is not None and _token_start(trouble, before.pos) == at
    words = before.expected if before is not None and near else ()
    return _unexpected(trouble, at, expected, words)


def _unexpected(
    trouble: Trouble, at: int, expected: Sequence[str], near: Sequence[str] = ()
) -> Diagnostic:
    """The message for `at`, which looks back no further than to the element before."""
    floor = trouble.floor
    if floor is None:
        floor = max(0, len(trouble.whole[: trouble.start].rstrip(" \t\r\n")) - 1)
    return wording.unexpected(trouble.whole, at, trouble.end, expected, near, floor)


def _of_the_list(form: ListForm, expected: list[str]) -> list[str]:
    """What `store x` goes on with: as a definition among members, as a step among steps."""
    if form.rule not in _STATEMENTS:
        return expected
    among_steps = form.rule in STEP_LISTS
    dropped, kept = (_OF_MEMBERS, _OF_STEPS) if among_steps else (_OF_STEPS, _OF_MEMBERS)
    own = [label for label in expected if label not in dropped]
    return own if kept & set(own) else expected


def _belongs_above(trouble: Trouble, at: int, expected: list[str]) -> bool:
    """Whether the bracket at `at` should have been on the line above."""
    if "same_line" in expected:
        return True
    return at == trouble.start and trouble.floor is not None and first_on_line(trouble.text, at)


# ---------------------------------------------------------------- where reading goes on


def resume(trouble: Trouble, at: int) -> int:
    """The end of the last token that belongs to the broken element; at least one token is taken.

    Elements before `at` are not looked for, so that no text is read twice.
    """
    text, end = trouble.text, trouble.end
    position = stop = trouble.start
    rule = trouble.form.rule
    is_free = rule in _STATEMENTS or rule in _KEYED
    barrier = max(at if is_free else at + 1, trouble.start + 1)
    while True:
        position = min(end, _behind_space(text, position))
        if position >= end:
            return max(stop, min(end, trouble.start + 1))
        if position >= barrier:
            if text[position] in ",)]}":
                return stop
            goes_on, barrier = _may_begin(trouble, position, stop)
            if goes_on:
                return stop
        stop = position = _after_token(trouble, position)


def _after_token(trouble: Trouble, position: int) -> int:
    if trouble.text[position] in _OPENERS:
        return min(trouble.end, max(position + 1, trouble.cuts.after(position)))
    token = TOKEN.match(trouble.text, position)
    return min(trouble.end, position + 1 if token is None else token.end())


def _may_begin(trouble: Trouble, position: int, stop: int) -> tuple[bool, int]:
    """Whether reading may go on at `position`, and before which place asking again is useless."""
    rule = trouble.form.rule
    if trouble.form.commas != "optional":
        return False, position
    new_line = "\n" in trouble.text[stop:position]
    if new_line and _is_aligned(trouble, position):
        return True, position
    fresh = new_line or trouble.text[stop - 1] == "}"
    if rule in _STATEMENTS:
        step, barrier = _is_step(trouble, position)
        return step or (fresh and _is_member(trouble, position)), barrier
    return (fresh or rule in _KEYED) and begins(trouble, position), position


def _is_aligned(trouble: Trouble, position: int) -> bool:
    """Whether a word begins a line that is not indented more than the line of the element."""
    text = trouble.text
    if not (text[position].isalpha() or text[position] in "_\"'"):
        return False
    if _GOES_ON.match(text, position) or not first_on_line(text, position):
        return False
    line = text.rfind("\n", 0, trouble.start) + 1
    column = position - text.rfind("\n", 0, position) - 1
    return column <= _behind_space(text, line) - line


_KEY_COLON = re.compile(rf"(?:{PIECES['word']}|{PIECES['string']}){PIECES['space']}:")
_KEYED_START = re.compile(
    rf"(?:{PIECES['word']}|{PIECES['string']}){PIECES['same']}\??{PIECES['same']}:"
    rf"|\.\.\.{PIECES['same']}{PIECES['word']}|assume(?!\w)"
)
_DEFINITION = re.compile(
    rf"(?:(?:mission|action|source|schema|transform|dataset|store|run|let|import)(?!\w)"
    rf"{PIECES['same']}(?:{PIECES['word']}|[\"'\[]))|schedule{PIECES['space']}:"
)
_GOES_ON = re.compile(
    r"->|=>|[.,:=<>+*/%|?&-]|(?:and|or|is|where|contains|else|elif|elseif|elsif|catch|finally)\b"
)


def begins(trouble: Trouble, position: int) -> bool:
    """Whether an element of the list may begin at `position`."""
    rule, text = trouble.form.rule, trouble.text
    if rule in _KEYED:
        return _KEYED_START.match(text, position) is not None
    if rule in _STATEMENTS:
        return _is_member(trouble, position) or _is_step(trouble, position)[0]
    if rule == "variants":
        return text[position] == "("
    if rule == "assumes":
        return text.startswith("assume", position)
    return trouble.form.commas == "optional" and not _GOES_ON.match(text, position)


def _is_member(trouble: Trouble, position: int) -> bool:
    if _DEFINITION.match(trouble.text, position) is not None:
        return True
    keyed = trouble.form.rule in MEMBER_LISTS or trouble.form.rule == "action_body"
    return keyed and _KEY_COLON.match(trouble.text, position) is not None


def _is_step(trouble: Trouble, position: int) -> tuple[bool, int]:
    """Whether a step word with what it needs stands here, and how far one had to look."""
    word = TOKEN.match(trouble.text, position)
    if word is None or word.group() not in rules().words("step"):
        return False, position
    if word.group() == "match":
        return not _is_operand(trouble, position), position
    tree, failure = rules().match("step_head", trouble.text, position, trouble.cuts)
    return tree is not None, max(position, failure.reach)


def _is_operand(trouble: Trouble, position: int) -> bool:
    """Whether what stands before `position` asks for a value there."""
    before = trouble.text[max(0, position - 40) : position].rstrip()
    return before.endswith(("=", "(", "[", ",", ":", "?", "|", "+", "*", "/", "<", ">", "&"))


# ---------------------------------------------------------------- looking at a text


_AHEAD = re.compile(rf"(?:{PIECES['space']}(?:{TOKEN.pattern})){{0,4}}", re.DOTALL)
_HEAD = re.compile(
    rf"(?P<kind>mission|action|source|schema|transform|dataset|store|let)(?!\w)"
    rf"{PIECES['same']}(?P<name>{PIECES['word']})"
)


def behind_tokens(text: str, at: int) -> int:
    """Where the next few tokens behind `at` end: as far as a rule looks ahead at the most."""
    match = _AHEAD.match(text, at)
    return at if match is None else match.end()


def head_of(text: str, start: int, end: int) -> re.Match[str] | None:
    """The keyword (`kind`) and the `name` at the head of a broken element."""
    return _HEAD.match(text, start, end)


def is_placeholder(text: str, at: int, form: ListForm) -> bool:
    """Whether `???`, or a `...` that spreads nothing, stands at `at`."""
    if text.startswith("???", at):
        return True
    if not text.startswith("...", at):
        return False
    if form.rule not in _SPREADING:
        return True
    after = _behind_space(text, at + 3)
    return after >= len(text) or text[after] in ",)]}"


def is_lone(text: str, at: int) -> bool:
    """Whether a bracket that belongs to the line above begins a line at `at`."""
    return text[at] in "([" and first_on_line(text, at)


def only_one(form: ListForm, at: int) -> Failure:
    """The failure of a second element where one is allowed."""
    failure = Failure()
    failure.note(at, wording.closing(form.opener))
    return failure


# ---------------------------------------------------------------- blocks inside broken elements

_OPENS: Final[dict[str, str]] = {
    "for": "block",
    "or": "block",
    "match": "arms",
    "catch": "arms",
    "action": "action_body",
    "mission": "members",
}

# Statements of other languages whose blocks hold steps all the same.
_FOREIGN_BLOCKS: Final = frozenset(
    {"if", "when", "unless", "try", "while", "do", "foreach", "loop"}
)
_OPENS_OF_FOREIGN: Final = dict.fromkeys((*_FOREIGN_BLOCKS, "else", "catch", "finally"), "block")


def blocks(
    text: str, cuts: Cuts, form: ListForm, start: int, end: int
) -> Iterator[tuple[str, int]]:
    """The braces between `start` and `end` that hold steps or members: their rule and opener."""
    opens: str | None = None
    position = start
    first = TOKEN.match(text, _behind_space(text, start))
    word = "" if first is None else first.group()
    known = _OPENS | _OPENS_OF_FOREIGN if word in _FOREIGN_BLOCKS else _OPENS
    while position < end:
        position = _behind_space(text, position)
        token = TOKEN.match(text, position)
        if token is None or position >= end:
            return
        written = token.group()
        if written == "{":
            if opens is not None:
                yield opens, position
            opens = None
        elif written in ("->", "=>") and form.rule == "arms":
            opens = "block"
        elif opens == "block" and form.rule == "arms":
            opens = known.get(written)
        elif written == "match" and word != "match" and form.rule != "arms":
            opens = None
        else:
            opens = known.get(written, opens)
        opener = written in _OPENERS
        position = max(position + 1, cuts.after(position)) if opener else token.end()
