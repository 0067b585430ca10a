"""What to write instead of a token that does not fit: the help line and the fix of RQ001.

`wording` says what was expected and what is found; this module knows what people mean by it. It
looks at the text around the token alone, and says nothing where it is not sure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from vague.diagnostics import Fix, TextEdit
from vague.slices import PIECES
from vague.text import Span


class Advice(NamedTuple):
    """A help line, and the fix that does what it says."""

    hint: str
    fixes: tuple[Fix, ...] = ()


# Words and signs that people write for the one that belongs there.
_INSTEAD: Final[dict[str, frozenset[str]]] = {
    "in": frozenset({"of", "on", "from", "=", ":"}),
    "to": frozenset({"on", "with", "for", "from", "->"}),
    "->": frozenset({"to", "into", "as", "in", "=", ":", ">", "-", "then"}),
    "=": frozenset({":", "is", "to"}),
    ":": frozenset({"=", "is", "=>"}),
    "every": frozenset({"each", "per", "after"}),
    "then": frozenset({":", "do"}),
}
_JOINED: Final = frozenset({"in", "to", "->", "=", ":", "every", "then"})
_NO_OPERANDS: Final = frozenset(
    {"every", "checkpoint", "where", "parallel", "in", "if", "then", "else", "catch", "or", "and"}
)
_STEPS: Final = frozenset(
    {"get", "post", "put", "patch", "delete", "store", "map", "for", "let", "run", "apply", "match"}
)
_PATH = re.compile(r"/[^\s\"'{}(),]*(?:\{[\w.]*\}[^\s\"'{}(),]*)*")
_CHECKPOINT = re.compile(
    rf"checkpoint\b{PIECES['same']}(?:every\b)?{PIECES['same']}:?{PIECES['same']}"
    r"(?P<size>[0-9]+)?[ \t]*,?[ \t]*\n?"
)
_LOOP = re.compile(r"\bfor\b[^{}\n]*\Z")
_WORD_BEFORE = re.compile(r"(\w+)[ \t]*\Z")
_FAR: Final = 400
_BEFORE_VALUE = re.compile(r"(?:[=:(\[,|?>]|\b(?:store|each|or|then|else))\s*\Z")
_ASSIGNMENT = re.compile(rf"{PIECES['same']}=(?![=>])")
_AROUND_TYPE = re.compile(r"\w+\Z")


def advise(text: str, at: int, found: str, wanted: Sequence[str]) -> Advice | None:
    """What to do about `found` at `at`, where one of `wanted` would have fitted."""
    only = wanted[0] if len(wanted) == 1 else ""
    if only.startswith("'") and only != _TIMES:
        return _put_before(text, at, found, only.strip("'")) or _for_one(text, at, only)
    if only in ("a number", "a string"):
        return _quotes(text, at)
    for label, advice in _BY_LABEL:
        if label in wanted:
            known = advice(text, at, found)
            if known is not None:
                return known
    return None


def replace_word(text: str, at: int, found: str, wanted: Sequence[str]) -> Advice | None:
    """What to do about a word or sign that people know from elsewhere in this place."""
    if len(wanted) != 1:
        return None
    word = wanted[0].strip("'")
    if word == "->" and found in ("if", "when"):
        word = "where"
    elif found not in _INSTEAD.get(word, ()):
        return None
    glued = text[at - 1 : at].isalnum() and word != ":"
    fix = _edit(at, at + len(found), f" {word}" if glued else word)
    return Advice(f"write '{word}'", (fix,))


def _put_before(text: str, at: int, found: str, word: str) -> Advice | None:
    """Put the missing `word` before what follows on the line."""
    before = text[_line_start(text, at) : at]
    is_operand = found[:1].isalnum() or found[:1] in "\"'_."
    is_clause = found in _NO_OPERANDS and word != ":"
    if word not in _JOINED or is_clause or not before.strip() or not is_operand:
        return None
    stop = at - len(before) + len(before.rstrip())
    previous = _WORD_BEFORE.search(before)
    if word == ":" and previous is not None:
        if previous.group(1) in _STEPS:
            return None
        hint = f"write '{previous.group(1)}: {found}'"
        return Advice(hint, (_edit(stop, stop, ":", safe=False),))
    return Advice(f"write '{word} {found}'", (_edit(at, at, f"{word} ", safe=False),))


def _for_one(text: str, at: int, wanted: str) -> Advice | None:
    """`{ a, b }` for `{ a: a, b: b }`, and `wait 5 seconds`."""
    before = _WORD_BEFORE.search(text, _line_start(text, at), at)
    if before is None:
        return None
    if wanted == "':'" and text[at : at + 1] in (",", "}") and _is_value(text, at):
        name = before.group(1)
        stop = before.end(1)
        return Advice(f"write '{name}: {name}'", (_edit(stop, stop, f": {name}", safe=False),))
    amount = _AMOUNT.match(text, at)
    if wanted == "'{'" and before.group(1) == "wait" and amount is not None:
        better = f"{{ timeout: {amount.group()} }}"
        return Advice(f"write 'wait {better}'", (_edit(at, amount.end(), better),))
    return None


def _is_value(text: str, at: int) -> bool:
    """Whether the braces around `at` hold a value, not options."""
    depth = 0
    for place in range(at - 1, max(-1, at - _FAR), -1):
        depth += (text[place] == "}") - (text[place] == "{")
        if depth < 0:
            return _BEFORE_VALUE.search(text, max(0, place - _FAR), place) is not None
    return False


def _assignment(text: str, at: int, found: str) -> Advice | None:
    """`x = 3` without `let`."""
    if not found.isidentifier() or _ASSIGNMENT.match(text, at + len(found)) is None:
        return None
    return Advice(f"write 'let {found} = …'", (_edit(at, at, "let ", safe=False),))


def _quoted_path(text: str, at: int, found: str) -> Advice | None:
    path = _PATH.match(text, at)
    if path is None or found != "/":
        return None
    written = f'"{path.group()}"'
    return Advice(f"put the path in quotes: '{written}'", (_edit(at, path.end(), written),))


def _stray_checkpoint(text: str, at: int, found: str) -> Advice | None:
    """`checkpoint every N` as a statement; at the start of a loop it moves into its head."""
    if found != "checkpoint":
        return None
    hint = "'checkpoint every N' belongs in the head of a loop, before its '{'"
    clause = _CHECKPOINT.match(text, at)
    near = max(0, at - _FAR)
    opener = near + len(text[near:at].rstrip()) - 1
    line = text[_line_start(text, max(opener, 0)) : max(opener, 0)]
    if clause is None or text[opener : opener + 1] != "{" or _LOOP.search(line) is None:
        return Advice(hint)
    written = f"checkpoint every {clause.group('size') or '100'} "
    start, end = at, clause.end()
    if clause.group().endswith("\n"):
        start = _line_start(text, at)
        start, end = (start, end) if not text[start:at].strip() else (at, end - 1)
    edits = (TextEdit(Span(opener, opener), written), TextEdit(Span(start, end), ""))
    return Advice(hint, (Fix("move it into the head of the loop", edits, safe=False),))


def _list_type(text: str, at: int, _found: str) -> Advice | None:
    """`int[]` for `[int]`."""
    element = _AROUND_TYPE.search(text, max(0, at - 80), at)
    if element is None or not text.startswith("[]", at):
        return None
    written = f"[{element.group()}]"
    return Advice(f"write '{written}'", (_edit(element.start(), at + 2, written),))


_EVERY_QUOTED = re.compile(r"""(["'])\s*every\s+([0-9]+)\s*([a-z]+)\s*\1""")
_AMOUNT = re.compile(r"[0-9]+[ \t]*[a-z]+\b")
_OFTEN: Final = {
    "hourly": "every 1 hour",
    "daily": "every 1 day",
    "weekly": "every 1 week",
    "minutely": "every 1 minute",
}
_CRON_QUOTED = re.compile(r"""(["'])(?:[-*/0-9,]+\s+){4}[-*/0-9,]+\1""")
_TIME_QUOTED = re.compile(r"""(["'])(?:[0-9]{1,2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}[^"']*)\1""")


def _schedule(text: str, at: int, found: str) -> Advice | None:
    """`schedule: "every 5 minutes"`, `5 minutes`, `daily`, `"0 9 * * *"`, `"09:00"`."""
    quoted = _EVERY_QUOTED.match(text, at)
    if quoted is not None:
        better = f"every {quoted.group(2)} {quoted.group(3)}"
        return Advice(f"drop the quotes: '{better}'", (_edit(at, quoted.end(), better),))
    for pattern, word in ((_AMOUNT, "every"), (_CRON_QUOTED, "cron"), (_TIME_QUOTED, "at")):
        value = pattern.match(text, at)
        if value is not None:
            hint = f"write '{word} {value.group()}'"
            return Advice(hint, (_edit(at, at, f"{word} "),))
    better = _OFTEN.get(found, "")
    if not better:
        return None
    return Advice(f"write '{better}'", (_edit(at, at + len(found), better, safe=False),))


_QUOTED_AMOUNT = re.compile(r"""(["'])([0-9]+)[ \t]*([a-z]+)\1""")
_ADDRESS = re.compile(PIECES["url"])
_UNIT = re.compile(rf"{PIECES['unit']}\b")
_FIVE_FIELDS = re.compile(r"(?:[-*/0-9,]+[ \t]+){4}[-*/0-9,]+")


def _quotes(text: str, at: int) -> Advice | None:
    """`every "5 minutes"`, `every minute`; `cron 0 9 * * *` and addresses without quotes."""
    before = _WORD_BEFORE.search(text, _line_start(text, at), at)
    word = "" if before is None else before.group(1)
    quoted, unit = _QUOTED_AMOUNT.match(text, at), _UNIT.match(text, at)
    if word == "every" and quoted is not None:
        better = f"{quoted.group(2)} {quoted.group(3)}"
        return Advice(f"drop the quotes: '{better}'", (_edit(at, quoted.end(), better),))
    if word == "every" and unit is not None:
        return Advice(f"write '1 {unit.group()}'", (_edit(at, at, "1 "),))
    bare = _FIVE_FIELDS.match(text, at) if word == "cron" else _ADDRESS.match(text, at)
    if bare is None:
        return None
    better = f'"{bare.group()}"'
    return Advice(f"put it in quotes: '{better}'", (_edit(at, bare.end(), better),))


def _line_start(text: str, at: int) -> int:
    """Where the line of `at` begins; of a long line, a place near enough."""
    return max(text.rfind("\n", max(0, at - _FAR), at) + 1, at - _FAR, 0)


def _edit(start: int, end: int, text: str, *, safe: bool = True) -> Fix:
    title = f"write '{text.strip()}'" if start == end else f"replace it by '{text}'"
    return Fix(title, (TextEdit(Span(start, end), text),), safe)


_TIMES: Final = "'every', 'cron' or 'at'"
_BY_LABEL: Final[tuple[tuple[str, Callable[[str, int, str], Advice | None]], ...]] = (
    (_TIMES, _schedule),
    ("a step", _assignment),
    ("a step", _stray_checkpoint),
    ("a name", _quoted_path),
    ("a value", _quoted_path),
    ("a field", _list_type),
)
