"""The walk over the pieces of templates and tokens at once, which yields layout operations.

A template says for one class of nodes, in the order of the text, which tokens and parts it has and
where spaces and lines may be. The weave takes every token from the text as it stands, with the
comments around it, so nothing can get lost; only optional commas are its own. The pieces come from
`vague.formatter.blocks`, the operations go to `vague.formatter.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from vague.ast.base import Node, Placed
from vague.formatter.layout import Kind, Operation, choice, done, line, operation, token
from vague.formatter.layout import comment as written
from vague.formatter.trivia import Comment, Tokens


class Mark(Enum):
    """What a template has beside tokens, lists and parts."""

    ANY = "any token"
    SPACE = "a space"
    LINE = "a space, or a line break where the group is broken"
    SOFT_LINE = "nothing, or a line break where the group is broken"
    NOT = "`not` with a space behind it, or `!`"
    HUG = "before the last element of a list, if that may open behind the bracket"
    HUG_END = "after that element"
    GROUP = "begins a group"
    END = "ends a group"
    INDENT = "indents the lines that follow"
    DEDENT = "ends that"


@dataclass(frozen=True, slots=True)
class Open:
    """The opening bracket of a list; `inside` stands behind it where the list is on one line.

    A list is broken where it does not fit. One of braces or square brackets that holds something is
    broken, too, where its author broke the line after the bracket, and with `always` in any case. A
    `tight` one is broken only if it helps nothing to break what comes before it.
    """

    text: str
    inside: str
    empty: bool
    always: bool
    tight: bool


@dataclass(frozen=True, slots=True)
class Close:
    """The closing bracket of a list; in a broken list `comma` stands before it."""

    text: str
    inside: str
    empty: bool
    comma: str


@dataclass(frozen=True, slots=True)
class Separator:
    """The border of two elements; in a broken list `comma` stands there, else always one."""

    comma: str


@dataclass(frozen=True, slots=True)
class Block:
    """An element with lines of its own in any case: nothing beside it changes its layout."""

    placed: Placed[Node]


@dataclass(frozen=True, slots=True)
class Done:
    """A token of the text that stands for a whole element, which is laid out already."""

    text: str


Item: TypeAlias = str | Mark | Open | Close | Separator | Node | Placed[Node] | Block
Piece: TypeAlias = str | Mark | Open | Close | Separator | Done
Template: TypeAlias = Callable[..., Sequence[Item]]


class MismatchError(Exception):
    """A template does not fit its text: a fault of the formatter, never of the program."""


_SPACE = operation(Kind.SPACE)
_LINE = line(" ")
_SOFT_LINE = line("")
_INDENT = operation(Kind.INDENT)
_DEDENT = operation(Kind.DEDENT)
_HUG = operation(Kind.HUG)
_GROUP = operation(Kind.GROUP)
_BROKEN_GROUP = operation(Kind.GROUP, flag=True)
_TIGHT_GROUP = operation(Kind.GROUP, other="tight")
_END = operation(Kind.END)
_STRUCTURE: Mapping[Mark, Operation] = {
    Mark.END: _END,
    Mark.HUG_END: _HUG,
    Mark.INDENT: _INDENT,
    Mark.DEDENT: _DEDENT,
}

# An element that begins so would be read as going on with the one before it, were no comma between.
_CONTINUING = frozenset((".", "-", "+", "contains", "startsWith", "endsWith"))


def bracketed(
    elements: Sequence[Item],
    brackets: str = "{}",
    *,
    comma: str = "",
    always: bool = False,
    hug: bool = False,
    tight: bool = False,
) -> list[Item]:
    """A list between brackets; `always` and `tight` as for `Open`.

    `comma` is for the line ends of a list that needs its commas. With `hug` the last element may
    be broken behind the opening bracket: `f(a, {` and so on.
    """
    inside = " " if brackets == "{}" else ""
    empty = not elements
    items: list[Item] = [Open(brackets[0], inside, empty, always, tight)]
    for position, element in enumerate(elements):
        if position:
            items.append(Separator(comma))
        if hug and position == len(elements) - 1:
            items.append(Mark.HUG)
        items.append(Block(element) if always and isinstance(element, Placed) else element)
    if hug:
        items.append(Mark.HUG_END)
    items.append(Close(brackets[1], inside, empty, comma))
    return items


class _Weave:
    """The tokens not yet written and the operations so far."""

    __slots__ = ("_comments", "_position", "_tokens", "operations")

    def __init__(self, tokens: Tokens) -> None:
        self.operations: list[Operation] = [_BROKEN_GROUP]
        self._tokens = tokens
        self._position = 0
        self._comments: Sequence[Comment] = ()
        """Comments behind the last token that are not yet written."""

    def token(self, expected: str | None) -> None:
        text = self._next
        if not text or (expected is not None and text != expected):
            raise MismatchError(f"expected '{expected}', found '{text}'")
        self._flush()
        self._lead()
        self.operations.append(token(text))
        self._comments = self._tokens.after.get(self._position, ())
        self._position += 1

    def done(self, piece: Done) -> None:
        """Write an element as it was laid out; its token in the text is anything."""
        self._flush()
        self._lead()
        self.operations.append(done(piece.text))
        self._comments = self._tokens.after.get(self._position, ())
        self._position += 1

    def mark(self, mark: Mark) -> None:
        match mark:
            case Mark.SPACE:
                self._blank(_SPACE)
            case Mark.ANY:
                self.token(None)
            case Mark.LINE:
                self._blank(_LINE)
            case Mark.SOFT_LINE:
                self._blank(_SOFT_LINE)
            case Mark.NOT:
                self._negation()
            case Mark.GROUP:
                self._begin(_GROUP)
            case Mark.HUG:
                self._begin(_HUG)
            case _:
                self.operations.append(_STRUCTURE[mark])

    def open(self, bracket: Open) -> None:
        self._begin(_TIGHT_GROUP if bracket.tight else _GROUP)
        start = len(self.operations) - 1
        self.token(bracket.text)
        broken = self._first_line_breaks and (not bracket.empty or self._before)
        author = bracket.text != "(" and (self._comments or broken)
        if bracket.always or author:
            self.operations[start] = _BROKEN_GROUP
        self.operations.append(_INDENT)
        if not bracket.empty:
            self._line(bracket.inside, blank=False)

    def separate(self, separator: Separator) -> None:
        written = self._take_comma()
        needed = "," if written and self._continues() else ""
        self.operations.append(choice(",", separator.comma or needed))
        self._line(" ", blank=self._first_line_breaks > 1)

    def close(self, bracket: Close) -> None:
        self._take_comma()
        if not bracket.empty:
            self.operations.append(choice("", bracket.comma))
        bare = bracket.empty and not self._comments and not self._before
        self._comments_before_end(bracket.inside, blank=not bracket.empty)
        self.operations.append(_DEDENT)
        if not bare:
            self._line(bracket.inside, blank=False)
        self.token(bracket.text)
        self.operations.append(_END)

    def end(self) -> None:
        """The end of the text with the comments before it."""
        self._take_comma()
        if self._next:
            raise MismatchError(f"'{self._next}' is left")
        self._comments_before_end("", blank=True)
        self.operations.append(_END)

    @property
    def _next(self) -> str:
        return self._tokens.texts[self._position]

    @property
    def _before(self) -> Sequence[Comment]:
        return self._tokens.before.get(self._position, ())

    @property
    def _first_line_breaks(self) -> int:
        return self._tokens.first_line_breaks(self._position)

    def _negation(self) -> None:
        if self._next == "!":
            self.token("!")
        else:
            self.token("not")
            self.mark(Mark.SPACE)

    def _blank(self, operation: Operation) -> None:
        self._flush()
        self.operations.append(operation)

    def _begin(self, operation: Operation) -> None:
        """Begin a stretch behind the comments that come first: they are no reason to break it."""
        self._flush()
        self._lead()
        self.operations.append(operation)

    def _line(self, flat: str, *, blank: bool) -> None:
        self._blank(line(flat, blank))

    def _continues(self) -> bool:
        """Whether the next element would be read as part of the one before it."""
        following = self._tokens.texts[self._position + 1 : self._position + 2]
        return self._next in _CONTINUING and following != [":"]

    def _take_comma(self) -> bool:
        """Step over a comma; its comments stay with the token before it or go to the next one."""
        if self._next != ",":
            return False
        comments = (*self._comments, *self._before, *self._tokens.after.get(self._position, ()))
        self._position += 1
        behind = _count_on_line(comments)
        self._comments = comments[:behind]
        if comments[behind:]:
            self._tokens.before[self._position] = (*comments[behind:], *self._before)
        return True

    def _comments_before_end(self, flat: str, *, blank: bool) -> None:
        before = self._before
        if before:
            self._line(flat, blank=blank and before[0].line_breaks > 1)
            self._lead(blank=False)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write the comments behind the last token."""
        for comment in self._comments:
            self._write(comment, blank=False)
        self._comments = ()

    def _lead(self, *, blank: bool = True) -> None:
        """Write the comments before the next token; `blank`: with an empty line behind the last."""
        before = self._tokens.before.pop(self._position, ())
        if not before:
            return
        last = self._tokens.line_breaks[self._position] if blank else 1
        for comment, breaks in zip(
            before, (*(one.line_breaks for one in before[1:]), last), strict=True
        ):
            self._write(comment, blank=breaks > 1)

    def _write(self, comment: Comment, *, blank: bool) -> None:
        breaks = ("\n\n" if blank else "\n") if comment.must_break else ""
        self.operations.append(written(comment.text, breaks, own_line=comment.own_line))


def _count_on_line(comments: Sequence[Comment]) -> int:
    """How many of the comments behind a token can stay on its line."""
    for position, comment in enumerate(comments):
        if comment.line_breaks:
            return position
        if comment.must_break:
            return position + 1
    return len(comments)


def weave(pieces: Sequence[Piece], tokens: Tokens) -> list[Operation]:
    """Lay `tokens` out as the `pieces` say.

    Raises:
        MismatchError: when the pieces do not fit the tokens.
    """
    woven = _Weave(tokens)
    for piece in pieces:
        if isinstance(piece, str):
            woven.token(piece)
        elif isinstance(piece, Mark):
            woven.mark(piece)
        elif isinstance(piece, Open):
            woven.open(piece)
        elif isinstance(piece, Separator):
            woven.separate(piece)
        elif isinstance(piece, Close):
            woven.close(piece)
        else:
            woven.done(piece)
    woven.end()
    return woven.operations
