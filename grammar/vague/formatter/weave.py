"""The walk over templates and tokens at once, which yields layout operations.

A template says for one class of nodes, in the order of the text, which tokens and parts it has and
where spaces and lines may be. The weave takes every token from the text as it stands, with the
comments around it, so nothing can get lost; only optional commas are its own. It keeps a stack of
what is still to come instead of calling itself, so depth has no limit. The operations go to
`vague.formatter.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from vague.ast.base import Node, Placed
from vague.formatter.layout import Kind, Operation
from vague.formatter.trivia import Comment, Token


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

    A list is broken where it does not fit. One of braces or square brackets is broken, too, where
    its author broke the line after the bracket, and with `always` in any case.
    """

    text: str
    inside: str
    empty: bool
    always: bool


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


Item: TypeAlias = str | Mark | Open | Close | Separator | Node | Placed[Node]
Template: TypeAlias = Callable[..., Sequence[Item]]


class MismatchError(Exception):
    """A template does not fit its text: a fault of the formatter, never of the program."""


_LINES: Mapping[Mark, Operation] = {
    Mark.SPACE: Operation(Kind.SPACE),
    Mark.LINE: Operation(Kind.LINE, " "),
    Mark.SOFT_LINE: Operation(Kind.LINE, ""),
}
_INDENT = Operation(Kind.INDENT)
_DEDENT = Operation(Kind.DEDENT)
_END = Operation(Kind.END)
_STRUCTURE: Mapping[Mark, Operation] = {
    Mark.END: _END,
    Mark.HUG_END: Operation(Kind.HUG),
    Mark.INDENT: _INDENT,
    Mark.DEDENT: _DEDENT,
}
_GROUP = Operation(Kind.GROUP)
_BEGINNINGS: Mapping[Mark, Operation] = {Mark.GROUP: _GROUP, Mark.HUG: Operation(Kind.HUG)}
_BROKEN_GROUP = Operation(Kind.GROUP, flag=True)

# An element that begins so would be read as going on with the one before it, were no comma between.
_CONTINUING = frozenset((".", "-", "+", "contains", "startsWith", "endsWith"))


def bracketed(
    elements: Sequence[Item | Sequence[Item]],
    brackets: str = "{}",
    *,
    comma: str = "",
    always: bool = False,
    hug: bool = False,
) -> list[Item]:
    """A list between brackets.

    `comma` is for the line ends of a list that needs its commas. With `hug` the last element may
    be broken behind the opening bracket: `f(a, {` and so on.
    """
    inside = " " if brackets == "{}" else ""
    empty = not elements
    items: list[Item] = [Open(brackets[0], inside, empty, always)]
    for position, element in enumerate(elements):
        if position:
            items.append(Separator(comma))
        if hug and position == len(elements) - 1:
            items.append(Mark.HUG)
        if isinstance(element, Sequence) and not isinstance(element, str):
            items.extend(element)
        else:
            items.append(element)
    if hug:
        items.append(Mark.HUG_END)
    items.append(Close(brackets[1], inside, empty, comma))
    return items


class _Weave:
    """The tokens not yet written and the operations so far."""

    __slots__ = ("_comments", "_position", "_tokens", "operations")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.operations: list[Operation] = [_BROKEN_GROUP]
        self._tokens = tokens
        self._position = 0
        self._comments: Sequence[Comment] = ()
        """Comments behind the last token that are not yet written."""

    def token(self, expected: str | None) -> None:
        token = self._next
        if not token.text or (expected is not None and token.text != expected):
            raise MismatchError(f"expected '{expected}', found '{token.text}' at {token.start}")
        self._flush()
        self._lead(token.line_breaks)
        self.operations.append(Operation(Kind.TEXT, token.text))
        self._comments = token.after
        self._position += 1

    def mark(self, mark: Mark) -> None:
        if mark is Mark.ANY:
            self.token(None)
        elif mark is Mark.NOT:
            self._negation()
        elif mark in _BEGINNINGS:
            self._begin(_BEGINNINGS[mark])
        elif mark in _LINES:
            self._flush()
            self.operations.append(_LINES[mark])
        else:
            self.operations.append(_STRUCTURE[mark])

    def open(self, bracket: Open) -> None:
        self._begin(_GROUP)
        start = len(self.operations) - 1
        self.token(bracket.text)
        author = bracket.text != "(" and (self._comments or self._next.first_line_breaks)
        if bracket.always or author:
            self.operations[start] = _BROKEN_GROUP
        self.operations.append(_INDENT)
        if not bracket.empty:
            self._line(bracket.inside, blank=False)

    def separate(self, separator: Separator) -> None:
        written = self._take_comma()
        needed = "," if written and self._continues() else ""
        self.operations.append(Operation(Kind.CHOICE, ",", separator.comma or needed))
        self._line(" ", blank=self._next.first_line_breaks > 1)

    def close(self, bracket: Close) -> None:
        self._take_comma()
        if not bracket.empty:
            self.operations.append(Operation(Kind.CHOICE, "", bracket.comma))
        blank = not bracket.empty
        bare = bracket.empty and not self._comments and not self._next.before
        self._comments_before_end(bracket.inside, blank=blank)
        self.operations.append(_DEDENT)
        if not bare:
            self._line(bracket.inside, blank=False)
        self.token(bracket.text)
        self.operations.append(_END)

    def end(self) -> None:
        """The end of the text with the comments before it."""
        self._take_comma()
        if self._next.text:
            raise MismatchError(f"'{self._next.text}' is left at {self._next.start}")
        self._comments_before_end("", blank=True)
        self.operations.append(_END)

    def _negation(self) -> None:
        if self._next.text == "!":
            self.token("!")
        else:
            self.token("not")
            self.mark(Mark.SPACE)

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _begin(self, operation: Operation) -> None:
        """Begin a stretch behind the comments that come first: they are no reason to break it."""
        self._flush()
        self._lead(self._next.line_breaks)
        self.operations.append(operation)

    def _line(self, flat: str, *, blank: bool) -> None:
        self._flush()
        self.operations.append(Operation(Kind.LINE, flat, flag=blank))

    def _continues(self) -> bool:
        """Whether the next element would be read as part of the one before it."""
        following = self._tokens[self._position + 1 : self._position + 2]
        is_key = bool(following) and following[0].text == ":"
        return self._next.text in _CONTINUING and not is_key

    def _take_comma(self) -> bool:
        """Step over a comma; its comments stay with the token before it or go to the next one."""
        comma = self._next
        if comma.text != ",":
            return False
        comments = (*self._comments, *comma.before, *comma.after)
        behind = _count_on_line(comments)
        self._comments = comments[:behind]
        self._position += 1
        self._next.before = (*comments[behind:], *self._next.before)
        return True

    def _comments_before_end(self, flat: str, *, blank: bool) -> None:
        before = self._next.before
        if before:
            self._line(flat, blank=blank and before[0].line_breaks > 1)
            self._lead(1)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write the comments behind the last token."""
        for comment in self._comments:
            self._write(comment, line_breaks=1)
        self._comments = ()

    def _lead(self, line_breaks: int) -> None:
        """Write the comments before the next token, `line_breaks` being what follows the last."""
        token = self._next
        if not token.before:
            return
        following = [comment.line_breaks for comment in token.before[1:]]
        for comment, breaks in zip(token.before, (*following, line_breaks), strict=True):
            self._write(comment, line_breaks=breaks)
        token.before = ()

    def _write(self, comment: Comment, *, line_breaks: int) -> None:
        breaks = "\n" * max(1, min(line_breaks, 2)) if comment.must_break else ""
        self.operations.append(Operation(Kind.COMMENT, comment.text, breaks, comment.own_line))


def _count_on_line(comments: Sequence[Comment]) -> int:
    """How many of the comments behind a token can stay on its line."""
    for position, comment in enumerate(comments):
        if comment.line_breaks:
            return position
        if comment.must_break:
            return position + 1
    return len(comments)


def weave(
    items: Sequence[Item], tokens: Sequence[Token], templates: Mapping[type, Template]
) -> list[Operation]:
    """Lay `tokens` out as `items` and the `templates` of the nodes in them say.

    Raises:
        MismatchError: when the items do not fit the tokens.
    """
    woven = _Weave(tokens)
    stack = list(reversed(items))
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            woven.token(item)
        elif isinstance(item, Mark):
            woven.mark(item)
        elif isinstance(item, Placed):
            stack.append(item.node)
        elif isinstance(item, Open):
            woven.open(item)
        elif isinstance(item, Separator):
            woven.separate(item)
        elif isinstance(item, Close):
            woven.close(item)
        else:
            stack.extend(reversed(templates[type(item)](item)))
    woven.end()
    return woven.operations
