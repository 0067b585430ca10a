"""What to say about a match that failed, and where reading goes on.

A failure tells how far a rule came and what would have fitted there. From it this module makes the
one diagnostic that people read, and finds the place from which the list can be read again: the
next member, step or entry. It decides nothing about the tree; `build.reader` builds on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from vague.diagnostics import Diagnostic, Fix, RelatedPlace, Severity, TextEdit
from vague.peg import MAXIMUM_DEPTH, RULES, Cuts, Failure, ListForm
from vague.slices import PIECES, RESERVED, SPACE, Oddity
from vague.suggestions import nearest
from vague.text import Span

# ---------------------------------------------------------------- words for what was expected


class Label(NamedTuple):
    """How an expected rule is called; `weak` ones are named only when nothing else is."""

    text: str
    weak: bool = False


_WORDS: Final[dict[str, Label]] = {
    "item": Label("a mission or a definition"),
    "member": Label("a member of the mission"),
    "action_element": Label("a step"),
    "block_element": Label("a step"),
    "step": Label("a step"),
    "arm_body": Label("a step, a block or an action"),
    "arm": Label("an arm"),
    "expression_arm": Label("an arm"),
    "pattern": Label("a pattern"),
    "pattern_item": Label("a pattern"),
    "atom_pattern": Label("a pattern"),
    "arm_head": Label("a pattern"),
    "option": Label("an option"),
    "nested_option": Label("an option"),
    "schema_item": Label("a field"),
    "type_core": Label("a type"),
    "schedule_time": Label("'every', 'cron' or 'at'"),
    "object_entry": Label("an entry"),
    "key": Label("a key"),
    "declared": Label("a name"),
    "name": Label("a name"),
    "word": Label("a name"),
    "operation": Label("the name of an operation"),
    "unit": Label("a unit of time"),
    "string": Label("a string"),
    "signed": Label("a number"),
    "method": Label("a method"),
    "arrow": Label("'->'"),
    "parallel_width": Label("a number", weak=True),
    "for_clause": Label("a clause", weak=True),
    "source_spec": Label("'from'"),
    "same_line": Label("the rest on the same line", weak=True),
    "operation_rest": Label("an operator", weak=True),
    "postfix": Label("an operator", weak=True),
    "operator": Label("an operator", weak=True),
    "prefix": Label("an operator", weak=True),
    "dot": Label("an operator", weak=True),
    "question": Label("an operator", weak=True),
    "bar": Label("an operator", weak=True),
    "'where'": Label("'where'", weak=True),
    "'is'": Label("'is'", weak=True),
    "','": Label("','", weak=True),
    "':'": Label("':'", weak=True),
    "end": Label("the end of the file", weak=True),
}
_VALUES: Final = (
    "primary", "atom", "expr", "lambda", "lambda_head", "array_item", "mission_value",
    "action_value", "option_value", "request_path",
)  # fmt: skip
_WORDS.update(dict.fromkeys(_VALUES, Label("a value")))
_NAMES: Final = frozenset({"a name", "a value", "a pattern"})

# ---------------------------------------------------------------- what may begin where

_KEY_COLON = re.compile(rf"(?:{PIECES['word']}|{PIECES['string']}){PIECES['space']}:")
_TOKEN = re.compile(
    rf"{PIECES['string']}|{PIECES['number']}|{PIECES['word']}"
    r"|->|=>|\.\.\.|\?\?\??|===?|!==?|<=|>=|&&|\|\||[^\w\s]",
    re.DOTALL,
)
_AHEAD = re.compile(rf"(?:{PIECES['space']}(?:{_TOKEN.pattern})){{0,4}}", re.DOTALL)
_DEFINITION = re.compile(
    rf"(?:(?:mission|action|source|schema|transform|dataset|store|run|let|import)(?!\w)"
    rf"{PIECES['same']}(?:{PIECES['word']}|[\"'\[]))|schedule{PIECES['space']}:"
)
_GOES_ON = re.compile(r"->|=>|[.,:=<>+*/%|?&-]|(?:and|or|is|where|contains)\b")
_KEYED_START = re.compile(
    rf"(?:{PIECES['word']}|{PIECES['string']}){PIECES['same']}\??{PIECES['same']}:"
    rf"|\.\.\.{PIECES['same']}{PIECES['word']}|assume(?!\w)"
)
_STEP_WORDS: Final = RULES.words("step")
_STEPS: Final = frozenset({"block", "action_body"})
_MEMBERS: Final = frozenset({"program", "members"})
_KEYED: Final = frozenset(
    {"options", "option_object", "object", "dataset_entries", "schema_items", "object_type",
     "object_pattern"}
)  # fmt: skip
# Words that people know from elsewhere, and the step that does it here.
_FOREIGN_STEPS: Final[dict[str, str]] = {
    "fetch": "get",
    "request": "get",
    "foreach": "for",
    "each": "for",
    "while": "for",
    "switch": "match",
    "case": "match",
    "if": "match",
    "save": "store",
    "insert": "store",
    "upsert": "store",
    "return": "skip",
    "break": "skip",
    "throw": "abort",
    "fail": "abort",
    "var": "let",
    "const": "let",
    "set": "let",
    "goto": "jump",
    "sleep": "wait",
    "remove": "delete",
    "transform": "apply",
}


@dataclass(slots=True)
class Trouble:
    """An element that could not be read.

    `start` is its first token, `end` the end of its list. `floor` is where the element before it
    starts, if there is one, and `before` how far that one had come.
    """

    text: str
    cuts: Cuts
    form: ListForm
    start: int
    end: int
    failure: Failure
    floor: int | None = None
    before: Failure | None = None


class Verdict(NamedTuple):
    """What is said, and where reading goes on."""

    problem: Diagnostic
    stop: int


def judge(trouble: Trouble) -> Verdict:
    """Word the failure and find the next place to read from.

    It lies behind `trouble.start`, or between `floor` and there: then the element before has read
    too much, and reads again from its own start to there.
    """
    failure = _furthest(trouble)
    at = _token_start(trouble, failure.pos)
    if failure.too_deep:
        return Verdict(too_deep(at), resume(trouble, at))
    expected = failure.expected
    if failure is trouble.failure:
        at, expected = _first_word(trouble, at, expected)
    blamed = _blamed_word(trouble, at)
    if blamed is not None:
        return Verdict(_worded(trouble, blamed, ["primary"]), blamed)
    return Verdict(_worded(trouble, at, expected), resume(trouble, at))


def too_deep(at: int) -> Diagnostic:
    """RQ014 for what opens at `at`."""
    return _error(
        "RQ014", at, at + 1, f"nesting deeper than {MAXIMUM_DEPTH} levels",
        "move the inner part into an action or a 'let'",
    )  # fmt: skip


def _furthest(trouble: Trouble) -> Failure:
    before = trouble.before
    if before is not None and before.pos > max(trouble.start, trouble.failure.pos - 1):
        return before
    return trouble.failure


def _token_start(trouble: Trouble, position: int) -> int:
    space = SPACE.match(trouble.text, max(position, 0))
    start = position if space is None else space.end()
    return max(trouble.start, min(start, trouble.end))


def _first_word(trouble: Trouble, at: int, expected: list[str]) -> tuple[int, list[str]]:
    """Blame an unknown first word rather than what follows it."""
    if trouble.form.rule not in _STEPS | _MEMBERS:
        return at, expected
    first = _TOKEN.match(trouble.text, trouble.start)
    if first is None or at != _token_start(trouble, first.end()) or at == trouble.start:
        return at, expected
    known = RULES.words(trouble.form.element)
    if first.group() in known:
        return at, expected
    if trouble.text[at : at + 1] in ("{", ":") and trouble.form.rule in _STEPS:
        return at, expected
    return trouble.start, [trouble.form.element]


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
    return begin if trouble.form.rule in _KEYED or _first_on_line(text, begin) else None


# ---------------------------------------------------------------- wording


def _worded(trouble: Trouble, at: int, expected: list[str]) -> Diagnostic:
    found, stop = _found(trouble, at)
    wanted = _wanted(expected)
    char = trouble.text[at : at + 1] if at < trouble.end else ""
    if char and char in "{([" and ("same_line" in expected or _is_lone(trouble, at)):
        return _same_line(trouble, at)
    if found in RESERVED and _NAMES & set(wanted):
        return _error(
            "RQ009", at, stop, f"'{found}' is a reserved word and cannot be a name",
            "choose another name",
        )  # fmt: skip
    if found == "=" and "':'" in expected:
        return _replaced(at, stop, found, ":", "expected ':', found '='")
    return _unexpected(trouble, at, stop, found, wanted, expected)


def _unexpected(
    trouble: Trouble, at: int, stop: int, found: str, wanted: list[str], expected: list[str]
) -> Diagnostic:
    message = f"expected {_joined(wanted)}, found {_quoted(trouble, at, found)}"
    better = _meant(trouble, at, found, expected)
    if better is None:
        return _error("RQ001", at, stop, message)
    fix = Fix(f"replace '{found}' by '{better}'", (TextEdit(Span(at, stop), better),), safe=False)
    return _error("RQ001", at, stop, message, f"did you mean '{better}'?", (fix,))


def _wanted(expected: list[str]) -> list[str]:
    labels = [_WORDS.get(label) or Label(label) for label in expected]
    strong = [label.text for label in labels if not label.weak]
    texts = strong or [label.text for label in labels]
    return list(dict.fromkeys(texts)) or ["something else"]


def _joined(wanted: list[str]) -> str:
    if len(wanted) > 4:
        wanted = [*wanted[:3], "something similar"]
    if len(wanted) == 1:
        return wanted[0]
    return f"{', '.join(wanted[:-1])} or {wanted[-1]}"


def _found(trouble: Trouble, at: int) -> tuple[str, int]:
    """The token at `at` and where it ends; at the end of the list what closes it."""
    if at >= len(trouble.text):
        return "", at
    token = _TOKEN.match(trouble.text, at)
    if token is None:
        return trouble.text[at], at + 1
    return token.group(), token.end()


def _quoted(trouble: Trouble, at: int, found: str) -> str:
    if at >= len(trouble.text) or not found:
        return "the end of the file"
    return f"'{found}'" if len(found) <= 40 else f"'{found[:37]}...'"


def _meant(trouble: Trouble, at: int, found: str, expected: list[str]) -> str | None:
    """The word that `found` was probably meant to be."""
    if not found.isidentifier():
        return None
    candidates: list[str] = []
    before = trouble.before
    near = before is not None and _token_start(trouble, before.pos) == at
    labels = [*(before.expected if before is not None and near else ()), *expected]
    for label in labels:
        if label.startswith("'"):
            candidates.append(label.strip("'"))
        elif label in RULES:
            candidates.extend(sorted(RULES.words(label)))
    words = [word for word in candidates if word.isidentifier() and len(word) > 1]
    steps = {"step", "block_element", "action_element"} & set(expected)
    if steps and found in _FOREIGN_STEPS:
        return _FOREIGN_STEPS[found]
    best = nearest(found, words)
    return best if best is not None and len(found) > 2 else None


def _is_lone(trouble: Trouble, at: int) -> bool:
    """Whether the bracket at `at` begins a line below the element that it belongs to."""
    if at != trouble.start or trouble.floor is None:
        return False
    return _first_on_line(trouble.text, at)


def _same_line(trouble: Trouble, at: int) -> Diagnostic:
    return not_on_line(trouble.text, at)


def not_on_line(text: str, at: int) -> Diagnostic:
    """RQ010 for the bracket at `at`, with the fix that joins the lines."""
    char = text[at]
    stop = at
    while stop > 0 and text[stop - 1] in " \t\r\n":
        stop -= 1
    line = text[text.rfind("\n", 0, stop) + 1 : stop]
    fixes: tuple[Fix, ...] = ()
    if "//" not in line and "#" not in line:
        edit = TextEdit(Span(stop, at), " " if char == "{" else "")
        fixes = (Fix("join the lines", (edit,)),)
    return _error(
        "RQ010", at, at + 1, f"'{char}' must be on the line of what it belongs to",
        f"put '{char}' on the line above", fixes,
    )  # fmt: skip


def _replaced(start: int, end: int, found: str, better: str, message: str) -> Diagnostic:
    fix = Fix(f"replace '{found}' by '{better}'", (TextEdit(Span(start, end), better),))
    return _error("RQ001", start, end, message, f"write '{better}'", (fix,))


def _error(
    code: str, start: int, end: int, message: str, hint: str | None = None,
    fixes: tuple[Fix, ...] = (),
) -> Diagnostic:  # fmt: skip
    return Diagnostic(code, Severity.ERROR, "", Span(start, end), message, hint, fixes)


# ---------------------------------------------------------------- where reading goes on


def resume(trouble: Trouble, at: int) -> int:
    """The end of the last token that belongs to the broken element; at least one token is taken."""
    text, end = trouble.text, trouble.end
    position = stop = trouble.start
    barrier = max(at, trouble.start + 1)
    while True:
        space = SPACE.match(text, position)
        position = min(end, position if space is None else space.end())
        if position >= end:
            return max(stop, min(end, trouble.start + 1))
        if position >= barrier:
            if text[position] == "," or text[position] in ")]}":
                return stop
            goes_on, barrier = _may_begin(trouble, position, stop)
            if goes_on:
                return stop
        stop = position = _after_token(trouble, position)


def _after_token(trouble: Trouble, position: int) -> int:
    char = trouble.text[position]
    if char in "([{":
        return min(trouble.end, max(position + 1, trouble.cuts.after(position)))
    token = _TOKEN.match(trouble.text, position)
    return min(trouble.end, position + 1 if token is None else token.end())


def _may_begin(trouble: Trouble, position: int, stop: int) -> tuple[bool, int]:
    """Whether reading may go on at `position`, and before which place asking again is useless."""
    rule = trouble.form.rule
    if trouble.form.commas != "optional":
        return False, position
    fresh = "\n" in trouble.text[stop:position] or trouble.text[stop - 1] == "}"
    if rule in _STEPS | _MEMBERS:
        step, barrier = _is_step(trouble, position)
        return step or (fresh and _is_member(trouble, position)), barrier
    return (fresh or rule in _KEYED) and begins(trouble, position), position


def begins(trouble: Trouble, position: int) -> bool:
    """Whether an element of the list may begin at `position`."""
    rule, text = trouble.form.rule, trouble.text
    if rule in _KEYED:
        return _KEYED_START.match(text, position) is not None
    if rule in _STEPS | _MEMBERS:
        return _is_member(trouble, position) or _is_step(trouble, position)[0]
    if rule == "variants":
        return text[position] == "("
    if rule == "assumes":
        return text.startswith("assume", position)
    return trouble.form.commas == "optional" and not _GOES_ON.match(text, position)


def _is_member(trouble: Trouble, position: int) -> bool:
    if _DEFINITION.match(trouble.text, position) is not None:
        return True
    keyed = trouble.form.rule in _MEMBERS or trouble.form.rule == "action_body"
    return keyed and _KEY_COLON.match(trouble.text, position) is not None


def _is_step(trouble: Trouble, position: int) -> tuple[bool, int]:
    """Whether a step word with what it needs stands here, and how far one had to look."""
    word = _TOKEN.match(trouble.text, position)
    if word is None or word.group() not in _STEP_WORDS:
        return False, position
    if word.group() == "match":
        return True, position
    tree, failure = RULES.match("step_head", trouble.text, position, trouble.cuts)
    return tree is not None, max(position, failure.pos)


def _first_on_line(text: str, at: int) -> bool:
    line = text.rfind("\n", 0, at) + 1
    space = SPACE.match(text, line)
    return space is not None and space.end() >= at


def head_of(text: str, start: int, end: int) -> re.Match[str] | None:
    """The keyword and the name at the head of a broken element."""
    return _HEAD.match(text, start, end)


_HEAD = re.compile(
    rf"(?P<kind>mission|action|source|schema|transform|dataset|store|let)(?!\w)"
    rf"{PIECES['same']}(?P<name>{PIECES['word']})"
)


# ---------------------------------------------------------------- mistakes that need no grammar


def is_placeholder(text: str, at: int, form: ListForm) -> bool:
    """Whether `???`, or a `...` that spreads nothing, stands at `at`."""
    if text.startswith("???", at):
        return True
    if not text.startswith("...", at):
        return False
    if form.rule not in _SPREADING:
        return True
    space = SPACE.match(text, at + 3)
    after = at + 3 if space is None else space.end()
    return after >= len(text) or text[after] in ",)]}"


def placeholder(text: str, at: int) -> Diagnostic:
    """RQ008 for the three characters at `at`."""
    return _error(
        "RQ008", at, at + 3, f"placeholder '{text[at : at + 3]}' must be replaced by real code",
        "write what belongs here",
    )  # fmt: skip


def superfluous_comma(form: ListForm, at: int) -> Diagnostic:
    """RQ001 for a comma before which nothing stands."""
    wanted = _joined(_wanted([form.element]))
    fix = Fix("remove the comma", (TextEdit(Span(at, at + 1), ""),))
    return _error("RQ001", at, at + 1, f"expected {wanted}, found ','", "remove ','", (fix,))


def missing_comma(text: str, at: int) -> Diagnostic:
    """RQ013 for the element at `at`, with the fix that adds the comma behind the one before."""
    token = _TOKEN.match(text, at)
    end = at + 1 if token is None else token.end()
    stop = at
    while stop > 0 and text[stop - 1] in " \t\r\n":
        stop -= 1
    fix = Fix("add the comma", (TextEdit(Span(stop, stop), ","),))
    return _error("RQ013", at, end, f"comma missing before '{text[at:end]}'", "add ','", (fix,))


def only_one(form: ListForm, at: int) -> Failure:
    """The failure of a second element where one is allowed."""
    failure = Failure()
    failure.pos = at
    failure.expected = [_CLOSING[form.opener]]
    return failure


def nothing(text: str, form: ListForm, at: int) -> Diagnostic:
    """RQ001 for brackets with nothing in them."""
    found = f"'{text[at]}'" if at < len(text) else "the end of the file"
    wanted = _joined(_wanted([form.element]))
    return _error("RQ001", at, min(at + 1, len(text)), f"expected {wanted}, found {found}")


def behind_tokens(text: str, at: int) -> int:
    """Where the next few tokens behind `at` end: as far as a rule looks ahead at the most."""
    match = _AHEAD.match(text, at)
    return at if match is None else match.end()


def is_lone(text: str, at: int) -> bool:
    """Whether a bracket that belongs to the line above begins a line at `at`."""
    return text[at] in "([" and _first_on_line(text, at)


def odd(text: str, oddity: Oddity) -> Diagnostic:
    """What is wrong with characters, in words."""
    start, end = oddity.start, oddity.end
    written = text[start:end]
    return _ODD[oddity.code](start, end, written)


def _unclosed_string(start: int, end: int, written: str) -> Diagnostic:
    fix = Fix("close the string", (TextEdit(Span(end, end), written[0]),), safe=False)
    return _error(
        "RQ002", start, end, "string is not closed on its line", f"add {written[0]}", (fix,)
    )


def _unclosed_comment(start: int, end: int, written: str) -> Diagnostic:
    return _error("RQ003", start, start + 2, "comment is never closed", "add '*/'")


def _strange(start: int, end: int, written: str) -> Diagnostic:
    shown = written if written.isprintable() else f"U+{ord(written):04X}"
    message = f"character not allowed here '{shown}'"
    fix = Fix(f"remove '{shown}'", (TextEdit(Span(start, end), ""),), safe=written == ";")
    return _error("RQ006", start, end, message, "remove it", (fix,))


def _bracket(start: int, end: int, written: str) -> Diagnostic:
    if written in _CLOSING:
        place = RelatedPlace("", Span(start, end), "opened here")
        closer = _CLOSING[written]
        return Diagnostic(
            "RQ007", Severity.ERROR, "", Span(start, end), f"'{written}' is never closed",
            f"add {closer}", (), (place,),
        )  # fmt: skip
    fix = Fix(f"remove '{written}'", (TextEdit(Span(start, end), ""),), safe=False)
    return _error("RQ007", start, end, f"'{written}' closes nothing", "remove it", (fix,))


def _backticks(start: int, end: int, written: str) -> Diagnostic:
    inner = written[1:-1].replace('"', '\\"')
    fix = Fix("use double quotes", (TextEdit(Span(start, end), f'"{inner}"'),), safe=False)
    return _error(
        "RQ012", start, end, f"string of another language {written}",
        "write it in double quotes; join texts with concat(…)", (fix,),
    )  # fmt: skip


_CLOSING: Final = {"(": "')'", "[": "']'", "{": "'}'"}
_SPREADING: Final = frozenset(
    {"array", "object", "option_object", "schema_items", "object_type", "array_pattern"}
)
_ODD: Final = {
    "RQ002": _unclosed_string,
    "RQ003": _unclosed_comment,
    "RQ006": _strange,
    "RQ007": _bracket,
    "RQ012": _backticks,
}

# ---------------------------------------------------------------- blocks inside broken elements

_OPENS: Final[dict[str, str]] = {
    "for": "block",
    "or": "block",
    "match": "arms",
    "catch": "arms",
    "action": "action_body",
    "mission": "members",
}


def blocks(
    text: str, cuts: Cuts, form: ListForm, start: int, end: int
) -> Iterator[tuple[str, int]]:
    """The braces between `start` and `end` that hold steps or members: their rule and opener."""
    opens: str | None = None
    position = start
    while position < end:
        space = SPACE.match(text, position)
        position = position if space is None else space.end()
        token = _TOKEN.match(text, position)
        if token is None or position >= end:
            return
        written = token.group()
        if written == "{":
            if opens is not None:
                yield opens, position
            opens = None
        elif written in ("->", "=>") and form.rule == "arms":
            opens = "block"
        else:
            opens = _OPENS.get(written, opens)
        if written in "([{":
            position = max(position + 1, cuts.after(position))
        else:
            position = token.end()
