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
_TIGHT_GROUP = Operation(Kind.GROUP, other="tight")

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
        items.append(element)
    if hug:
        items.append(Mark.HUG_END)
    items.append(Close(brackets[1], inside, empty, comma))
    return items


class _Weave:
    """The tokens not yet written and the operations so far."""

    __slots__ = ("_comments", "_position", "_tokens", "_written", "operations")

    def __init__(self, tokens: Tokens) -> None:
        self.operations: list[Operation] = [_BROKEN_GROUP]
        self._tokens = tokens
        self._position = 0
        self._comments: Sequence[Comment] = ()
        """Comments behind the last token that are not yet written."""
        self._written: dict[str, Operation] = {}
        """Operations that write a text, since most tokens come often."""

    def token(self, expected: str | None) -> None:
        text = self._next
        if not text or (expected is not None and text != expected):
            raise MismatchError(f"expected '{expected}', found '{text}'")
        self._flush()
        self._lead()
        operation = self._written.get(text)
        if operation is None:
            operation = self._written[text] = Operation(Kind.TEXT, text)
        self.operations.append(operation)
        self._comments = self._tokens.after.get(self._position, ())
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
        self.operations.append(Operation(Kind.CHOICE, ",", separator.comma or needed))
        self._line(" ", blank=self._first_line_breaks > 1)

    def close(self, bracket: Close) -> None:
        self._take_comma()
        if not bracket.empty:
            self.operations.append(Operation(Kind.CHOICE, "", bracket.comma))
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

    def _begin(self, operation: Operation) -> None:
        """Begin a stretch behind the comments that come first: they are no reason to break it."""
        self._flush()
        self._lead()
        self.operations.append(operation)

    def _line(self, flat: str, *, blank: bool) -> None:
        self._flush()
        self.operations.append(Operation(Kind.LINE, flat, flag=blank))

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
    items: Sequence[Item], tokens: Tokens, templates: Mapping[type, Template]
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
