"""Where in the text a cursor stands, told from the tokens before it: works in broken text too.

Brackets that are open at the cursor are `Frame`s, each with a kind: a block of steps, a block of
options (of which place), an object, the arguments of a call. Completion, hover and signature help
start from here. Only the element around the cursor is read, not the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vague.ast.base import Node, Placed
from vague.ast.definitions import ErrorMember, Mission
from vague.parser import Parsed
from vague.text import Span
from vague.vocabulary import DEFAULT
from vague.vocabulary.keywords import METHODS, STEP_WORDS, TOP_WORDS
from vague.vocabulary.options import OptionSpec

_TOKEN = re.compile(
    r"""
      (?P<space> \s+ )
    | (?P<comment> //[^\n]* | \#[^\n]* | /\*[^*]*+(?>\*(?!/)[^*]*+)*+(?:\*/)? )
    | (?P<string> "(?>[^"\\\n]++|\\.)*+"? | '(?>[^'\\\n]++|\\.)*+'? | `[^`\n]*`? )
    | (?P<word> [^\W0-9]\w*+ )
    | (?P<number> [0-9]+(?:\.[0-9]+)?\w* )
    | (?P<sign> \.\.\. | => | -> | == | != | <= | >= | \?\? | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_REQUEST_WORDS = frozenset((*METHODS, *(method.upper() for method in METHODS)))
_STARTERS = frozenset((*STEP_WORDS, *TOP_WORDS, "schedule", "source", "assume"))
_OPTION_STEPS = {
    "call": "call",
    "store": "store",
    "wait": "wait",
    "retry": "retry",
    "queue": "queue",
    "schedule": "schedule",
    "source": "source",
}
_BODIES = {
    "mission": "mission",
    "action": "action",
    "schema": "schema",
    "dataset": "dataset",
    "for": "steps",
    "->": "steps",
    "map": "object",
}
STEP_FRAMES = frozenset({"action", "steps"})


class Token(NamedTuple):
    """A word, number, string or sign; a closed bracket with all in it is one `group`."""

    kind: str
    text: str
    start: int
    end: int
    first: bool
    """Whether it is the first one on its line."""


@dataclass(slots=True)
class Frame:
    """An open bracket: `tokens` are those in it so far, `head` those that led to it.

    `kind`: file, mission, action, steps, arms, expression_arms, assumes, schema, variants,
    object, dataset, call, group, array, stages, or options; `detail` is then the option block,
    and for a call the function's name. `spec` is the option whose value it is.
    """

    kind: str
    start: int
    opener: str = ""
    detail: str = ""
    head: Sequence[Token] = ()
    spec: OptionSpec | None = None
    tokens: list[Token] = field(default_factory=list[Token])

    @property
    def statement(self) -> list[Token]:
        """The tokens of the statement, entry, arm or argument being written."""
        return statement(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor's surroundings. `word` is the name around it, `inside` the string or comment."""

    frames: tuple[Frame, ...]
    offset: int
    word: Span
    inside: Token | None

    @property
    def frame(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    @property
    def before(self) -> list[Token]:
        """The tokens of the current statement, before the word at the cursor."""
        return statement(self.frame)

    def around(self, *kinds: str) -> Frame | None:
        """The innermost frame of one of these kinds."""
        return next((frame for frame in reversed(self.frames) if frame.kind in kinds), None)

    @property
    def head_word(self) -> str:
        """The first word of the statement."""
        before = self.before
        return before[0].text if before else ""


def place_at(parsed: Parsed, offset: int) -> Place:
    """The surroundings of an offset; cost is that of the element that holds it."""
    text = parsed.source.text
    offset = max(0, min(offset, len(text)))
    word = _word_around(text, offset)
    start, frames = _beginning(parsed, word.start)
    inside = _read(text, start, word.start, offset, frames)
    return Place(tuple(frames), offset, word, inside)


def _word_around(text: str, offset: int) -> Span:
    start, end = offset, offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return Span(start, end)


def _beginning(parsed: Parsed, offset: int) -> tuple[int, list[Frame]]:
    """Where to start reading: the last member, else item, that begins before the offset."""
    frames = [Frame("file", 0)]
    text = parsed.source.text
    item = _last_on_own_line(parsed.tree.items, 0, offset, text)
    if item is None:
        return 0, frames
    if isinstance(item.node, Mission):
        member = _last_on_own_line(item.node.members, item.start, offset, text)
        if member is not None:
            frames.append(Frame("mission", item.start, "{"))
            return item.start + member.start, frames
    return item.start, frames


def _last_on_own_line(
    elements: Sequence[Placed[Node]], base: int, offset: int, text: str
) -> Placed[Node] | None:
    """The last element that begins before the offset; a broken rest of a line is no beginning."""
    for placed in reversed(elements):
        start = base + placed.start
        if start < offset:
            line = text.rfind("\n", 0, start) + 1
            if not isinstance(placed.node, ErrorMember) or not text[line:start].strip():
                return placed
    return None


def _read(text: str, start: int, end: int, offset: int, frames: list[Frame]) -> Token | None:
    """Read tokens up to `end` into frames; gives the string or comment that holds the offset."""
    at_line_start = True
    for match in _TOKEN.finditer(text, start):
        if match.start() >= max(end, 1) and match.start() >= offset:
            break
        kind = match.lastgroup or "sign"
        if kind == "space":
            at_line_start = at_line_start or "\n" in match[0]
            continue
        token = Token(kind, match[0], match.start(), match.end(), at_line_start)
        if kind in ("string", "comment") and _holds(token, offset):
            return token
        if match.end() > end and kind in ("word", "number"):
            break
        if kind == "comment":
            continue
        at_line_start = False
        _take(token, frames)
    return None


def _holds(token: Token, offset: int) -> bool:
    if token.kind == "comment":
        to_line_end = not token.text.startswith("/*")
        return token.start < offset < token.end + to_line_end
    closed = len(token.text) > 1 and token.text[-1] == token.text[0]
    return token.start < offset < token.end + (not closed)


def _take(token: Token, frames: list[Frame]) -> None:
    top = frames[-1]
    if token.kind == "sign" and token.text in _CLOSERS:
        frames.append(_open(token, frames))
    elif token.kind == "sign" and token.text in "})]":
        _close(token, frames)
    else:
        top.tokens.append(token)


def _close(token: Token, frames: list[Frame]) -> None:
    """Leave the frame that a bracket closes, and those in it that were never closed."""
    depth = next(
        (n for n in range(len(frames) - 1, 0, -1) if _CLOSERS[frames[n].opener] == token.text), 0
    )
    if depth == 0:
        return
    closed, outer = frames[depth], frames[depth - 1]
    del frames[depth:]
    if _is_frame_of_item(closed, outer):
        outer.tokens.clear()
    else:
        first = closed.opener != "(" and not outer.tokens
        outer.tokens.append(Token("group", closed.opener, closed.start, token.end, first))


def _is_frame_of_item(closed: Frame, outer: Frame) -> bool:
    """Whether a closed bracket ended an item or member: nothing goes on behind it."""
    return closed.opener == "{" and outer.kind in ("file", "mission")


# ---------------------------------------------------------------- frames


def _open(token: Token, frames: list[Frame]) -> Frame:
    outer = frames[-1]
    head = statement(outer)
    last = head[-1] if head else None
    if token.text == "(":
        name = last.text if last is not None and last.kind == "word" else ""
        return Frame("call" if name else "group", token.start, "(", name, head)
    if token.text == "[":
        in_run = bool(head) and head[0].text == "run" and outer.kind not in ("options", "object")
        return Frame("stages" if in_run else "array", token.start, "[", "", head)
    kind, detail, spec = _brace_kind(head, outer)
    return Frame(kind, token.start, "{", detail, head, spec)


def _brace_kind(head: list[Token], outer: Frame) -> tuple[str, str, OptionSpec | None]:
    """Kind and detail of `{` behind `head` in a frame."""
    nested = _nested(head, outer)
    if nested is not None:
        return nested
    texts = [token.text for token in head if token.kind in ("word", "sign")]
    if outer.kind == "call" and outer.head and _is_store_head(outer.head):
        return "options", "store.file", None
    if outer.kind not in ("file", "mission", "action", "steps", "arms", "variants"):
        return ("expression_arms" if "match" in texts else "object"), "", None
    word = texts[0] if texts else ""
    if outer.kind == "arms" and "->" in texts:
        behind = texts[len(texts) - texts[::-1].index("->") :]
        word, texts = (behind[0] if behind else "->"), behind
    return _statement_kind(word, texts)


def _statement_kind(word: str, texts: list[str]) -> tuple[str, str, OptionSpec | None]:
    """The kind of `{` in a statement that begins with `word` and has these words so far."""
    last = texts[-1] if texts else ""
    if word in _REQUEST_WORDS or word in _OPTION_STEPS:
        return "options", _OPTION_STEPS.get(word, "request"), None
    if word == "match":
        return "arms", "catch" if last == "catch" else "", None
    kind = "expression_arms" if "match" in texts else "object"
    if word in _BODIES:
        kind = _BODIES[word]
    elif word == "validate":
        kind = "steps" if last == "or" else "assumes"
    elif word == "transform":
        kind = "object" if "->" in texts else "variants"
    return kind, "", None


def _is_store_head(head: Sequence[Token]) -> bool:
    return len(head) > 2 and head[0].text == "store" and head[2].text == ":"


def _nested(head: list[Token], outer: Frame) -> tuple[str, str, OptionSpec | None] | None:
    """The kind of `key: {` in a frame of options."""
    if len(head) < 2 or head[-1].text != ":":
        behind_last_sync = any(token.text == "lastSync" for token in head)
        return ("options", "lastSync", None) if behind_last_sync else None
    block = {"mission": "mission", "action": "action", "steps": ""}.get(outer.kind, "")
    block = outer.detail if outer.kind == "options" else block
    if not block:
        return None
    spec = option_spec(block, head[-2].text)
    if spec is None:
        return ("object", "", None)
    return ("options", spec.nested, spec) if spec.nested else ("object", "", spec)


def option_spec(block: str, key: str) -> OptionSpec | None:
    """An option of a block, by name."""
    found = DEFAULT.option_blocks.get(block)
    return None if found is None else found.find(key)


def statement(frame: Frame) -> list[Token]:
    """The last statement, entry, arm or argument of a frame."""
    tokens = frame.tokens
    start = 0
    separated = frame.kind not in ("file", "mission", "action", "steps", "group")
    for index, token in enumerate(tokens):
        if separated and token.text == "," and token.kind == "sign":
            start = index + 1
        elif token.first and index > start and _starts(tokens, index, frame):
            start = index
    return tokens[start:]


def _starts(tokens: Sequence[Token], index: int, frame: Frame) -> bool:
    """Whether a token that is the first on its line begins something new."""
    token, last, rest = tokens[index], tokens[index - 1], tokens[index : index + 3]
    if last.kind == "sign":
        unfinished = last.text in (":", ".") and frame.kind in ("mission", "action", "steps")
        return unfinished and token.text in STEP_WORDS
    if token.kind not in ("word", "string"):
        return frame.kind == "arms" and token.text in ("[", "{", "_")
    if frame.kind in ("file", "mission", "action", "steps"):
        return token.text in _STARTERS or _is_key(rest)
    if frame.kind in ("options", "object", "schema", "dataset"):
        return _is_key(rest) or token.text == "assume"
    if frame.kind == "assumes":
        return token.text == "assume"
    return frame.kind in ("arms", "expression_arms", "variants")


def _is_key(rest: Sequence[Token]) -> bool:
    signs = [token.text for token in rest[1:3]]
    return signs[:1] == [":"] or signs == ["?", ":"]
