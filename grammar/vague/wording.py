"""What is said about mistakes of syntax: a code, an exact range, a message, what to do, a fix.

Every diagnostic of the parser is made here, but for those that a builder makes of one token. The
texts speak of what people write, never of the names of rules; where reading goes on is the matter
of `recovery`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from vague.advice import Advice, advise, replace_word
from vague.diagnostics import Diagnostic, Fix, RelatedPlace, Severity, TextEdit
from vague.mistakes import Mistake, known_mistake, last_resort
from vague.peg import MAXIMUM_CHAIN, MAXIMUM_DEPTH, rules
from vague.slices import PIECES, RESERVED, SPACE, STRANGE, Oddity, comments
from vague.suggestions import edit_distance, nearest
from vague.text import Span

TOKEN = re.compile(
    rf"{PIECES['string']}|{PIECES['number']}|{PIECES['word']}"
    r"|->|=>|\.\.\.|\?\?\??|===?|!==?|<=|>=|&&|\|\||[^\w\s]",
    re.DOTALL,
)
_CLOSING: Final = {"(": "')'", "[": "']'", "{": "'}'"}
_LONGEST_QUOTE: Final = 40
_MOST_NAMED: Final = 4


class Label(NamedTuple):
    """How an expected rule is called; only those of the lowest `level` at hand are named.

    Level 1 is what may follow but need not, level 2 what may follow nearly everything.
    """

    text: str
    level: int = 0


_LABELS: Final[dict[str, Label]] = {
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
    "inner_pattern": Label("a pattern"),
    "whole_pattern": Label("a pattern"),
    "value_pattern": Label("a pattern"),
    "atom_pattern": Label("a pattern"),
    "arm_head": Label("a pattern"),
    "option": Label("an option"),
    "nested_option": Label("an option"),
    "schema_item": Label("a field"),
    "type": Label("a type"),
    "type_core": Label("a type"),
    "schedule_time": Label("'every', 'cron' or 'at'"),
    "object_entry": Label("an entry"),
    "key": Label("a key"),
    "data_key": Label("a key"),
    "field_pattern": Label("a field"),
    "dataset_entry": Label("a field"),
    "literal_type": Label("a type"),
    "misplaced": Label("a step"),
    "match_step": Label("'match'"),
    "validate": Label("'validate'"),
    "wildcard": Label("'_'"),
    "declared": Label("a name"),
    "name": Label("a name"),
    "word": Label("a name"),
    "operation_name": Label("the name of an operation"),
    "unit": Label("a unit of time"),
    "string": Label("a string"),
    "signed": Label("a number"),
    "method": Label("a method"),
    "arrow": Label("'->'"),
    "variant": Label("'('"),
    "assume": Label("'assume'"),
    "for_clause": Label("a clause", 1),
    "'('": Label("'('", 1),
    "lambda_arrow": Label("'=>'", 1),
    "each_slip": Label("a name"),
    "collection": Label("a value"),
    "checkpoint_size": Label("a number"),
    "filler": Label("a clause", 2),
    "no_value": Label("a value"),
    "no_size": Label("a number"),
    "thousands": Label("a number"),
    "else_slip": Label("'or'", 1),
    "slip": Label("'every'"),
    "'each'": Label("'each'", 1),
    "glued": Label("a number", 1),
    "unitless": Label("a number", 1),
    "same_line": Label("more on the same line", 1),
    "end": Label("the end of the file", 1),
    "'where'": Label("'where'", 2),
    "'is'": Label("'is'", 2),
    "','": Label("','", 2),
    "':'": Label("':'", 1),
    "'?'": Label("'?'", 2),
    "'|'": Label("'|'", 2),
} | dict.fromkeys(
    ("primary", "atom", "expr", "array_item", "mission_value",
     "action_value", "option_value", "request_path"),
    Label("a value"),
) | dict.fromkeys(
    ("operation_rest", "postfix", "operator", "prefix", "dot", "question", "question_dot", "bar"),
    Label("an operator", 2),
)  # fmt: skip
_NAMES: Final = frozenset({"a name", "a value", "a pattern"})
# What begins an element of a list: it is not missing in front of what was found.
_ELEMENTS: Final = frozenset(
    {"a mission or a definition", "a member of the mission", "a step", "an arm", "a pattern",
     "an option", "a field", "an entry", "a key", "'('", "'assume'", "an assumption"}
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
    "raise": "abort",
    "fail": "abort",
    "var": "let",
    "const": "let",
    "set": "let",
    "goto": "jump",
    "sleep": "wait",
    "remove": "delete",
}
_FOREIGN_MEMBERS: Final[dict[str, str]] = {
    "const": "let",
    "var": "let",
    "function": "action",
    "def": "action",
    "task": "action",
    "job": "action",
    "step": "action",
    "api": "source",
    "endpoint": "source",
    "service": "source",
    "type": "schema",
    "interface": "schema",
    "entity": "schema",
    "model": "schema",
    "table": "store",
    "collection": "store",
    "workflow": "mission",
    "pipeline": "run",
}
_MEMBER_WORDS: Final = (
    "mission", "source", "store", "schema", "transform", "action", "import", "let", "run",
    "dataset", "schedule",
)  # fmt: skip

# ---------------------------------------------------------------- what was expected, what is found


def unexpected(
    text: str,
    at: int,
    end: int,
    expected: Sequence[str],
    near: Sequence[str] = (),
    floor: int | None = None,
) -> Diagnostic:
    """RQ001 for the token at `at` (RQ009 for a reserved word) where `expected` would have fitted.

    `end` is where the list ends in which it stands; `near` are more words that may be meant. What
    stands before `floor` (at first `at`) says nothing about it.
    """
    found, stop = found_at(text, at)
    wanted = _wanted(expected)
    floor = at if floor is None else floor
    known = known_mistake(text, at, wanted, floor)
    if known is not None:
        return _known(text, known, Span(at, stop), wanted)
    if found in RESERVED and _NAMES & set(wanted) and at < end:
        return reserved(at, stop, found)
    if is_placeholder(found):
        return placeholder(text, at)
    advice = replace_word(text, at, found, wanted)
    meant = _meant(found, tuple(expected), tuple(near))
    if advice is None and meant is None:
        advice = advise(text, at, found, wanted) or _last_advice(text, at, wanted, floor)
    hint, fixes = (None, ()) if advice is None else advice
    if advice is None and meant is not None:
        hint = f"did you mean '{meant}'?"
        fixes = (_replacement(at, stop, found, meant, safe=False),)
    (start, behind), message = _place(text, Span(at, stop), wanted, floor)
    return error("RQ001", start, behind, message, hint, fixes)


def _last_advice(text: str, at: int, wanted: list[str], floor: int) -> Advice | None:
    known = last_resort(text, at, wanted, floor)
    return None if known is None else Advice(known.hint)


def _known(text: str, known: Mistake, found: Span, wanted: list[str]) -> Diagnostic:
    start, end = known.span if known.span.end > known.span.start else found
    message = known.message or f"expected {_joined(wanted)}, found {quoted(text[start:end])}"
    return error("RQ001", start, end, message, known.hint, known.fixes)


def _place(text: str, found: Span, wanted: list[str], floor: int) -> tuple[Span, str]:
    """Where something is missing: in front of what was found, or behind the line before it."""
    before = None if _ELEMENTS & set(wanted) else _last_token(text, floor, found)
    if before is None:
        return found, f"expected {_joined(wanted)}, found {quoted(text[slice(*found)])}"
    return before, f"expected {_joined(wanted)} behind {quoted(text[slice(*before)])}"


def _last_token(text: str, floor: int, found: Span) -> Span | None:
    """The last token before `found`, if it is on an earlier line and the gap is plain."""
    stop = _before_space(text, found.start)
    line = max(floor, text.rfind("\n", 0, stop) + 1)
    if "\n" not in text[stop : found.start] or stop <= line:
        return None
    gaps = comments(text, line, stop)
    tokens = [token.span() for token in TOKEN.finditer(text, line, stop)]
    free = [Span(*span) for span in tokens if not any(a <= span[0] < b for a, b in gaps)]
    return free[-1] if free else None


def is_placeholder(found: str) -> bool:
    """Whether a token stands for what documentation leaves out."""
    return found in ("...", "???")


def found_at(text: str, at: int) -> tuple[str, int]:
    """The token at `at` and where it ends; nothing at the end of the text."""
    if at >= len(text):
        return "", len(text)
    token = TOKEN.match(text, at)
    return (text[at], at + 1) if token is None else (token.group(), token.end())


def _wanted(expected: Sequence[str]) -> list[str]:
    labels = [_LABELS.get(label) or Label(label) for label in expected]
    level = min((label.level for label in labels), default=0)
    texts = dict.fromkeys(label.text for label in labels if label.level == level)
    return list(texts) or ["something else"]


def _joined(wanted: list[str]) -> str:
    if len(wanted) > _MOST_NAMED:
        wanted = [*wanted[: _MOST_NAMED - 1], "something similar"]
    if len(wanted) == 1:
        return wanted[0]
    return f"{', '.join(wanted[:-1])} or {wanted[-1]}"


def quoted(found: str) -> str:
    """A token as messages show it; long ones are cut."""
    if not found:
        return "the end of the file"
    short = found if len(found) <= _LONGEST_QUOTE else f"{found[: _LONGEST_QUOTE - 3]}..."
    return f"'{short}'"


@lru_cache(maxsize=1000)
def _meant(found: str, expected: tuple[str, ...], near: tuple[str, ...]) -> str | None:
    """The word that `found` was probably meant to be; whole files repeat one mistake."""
    if not found.isidentifier():
        return None
    if {"step", "block_element", "action_element"} & set(expected) and found in _FOREIGN_STEPS:
        return _FOREIGN_STEPS[found]
    if {"item", "member"} & set(expected) and found in _FOREIGN_MEMBERS:
        return _FOREIGN_MEMBERS[found]
    words: list[str] = []
    for label in (*near, *expected):
        if label.startswith("'"):
            words.append(label.strip("'"))
        elif label in ("item", "member"):
            words.extend(_MEMBER_WORDS)
        elif label in rules():
            words.extend(sorted(rules().words(label)))
    likely = [word for word in words if word.isidentifier() and len(word) > 1]
    best = nearest(found, likely) if len(found) > 2 else None
    if best is None or edit_distance(found, best, len(found)) * 2 >= len(found):
        return best if best is not None and best.lower() == found.lower() else None
    return best


def name_of_label(label: str) -> str | None:
    """What people are told for something expected; a text in quotes stands for itself."""
    known = _LABELS.get(label)
    if known is not None:
        return known.text
    return label if label.startswith("'") else None


# ---------------------------------------------------------------- single mistakes


def reserved(start: int, end: int, word: str) -> Diagnostic:
    """RQ009."""
    message = f"'{word}' is a reserved word and cannot be a name"
    return error("RQ009", start, end, message, "choose another name")


def no_name(at: int) -> Diagnostic:
    """RQ001 for a `_` at `at` where a name should stand."""
    fix = Fix("write '_item'", (TextEdit(Span(at, at + 1), "_item"),), safe=False)
    hint = "'_' is no name: write for example '_item'"
    return error("RQ001", at, at + 1, "expected a name, found '_'", hint, (fix,))


def too_deep(at: int) -> Diagnostic:
    """RQ014 for what opens at `at`."""
    message = f"nesting deeper than {MAXIMUM_DEPTH} levels"
    return error("RQ014", at, at + 1, message, "move the inner part into an action or a 'let'")


def too_long(at: int) -> Diagnostic:
    """RQ014 for the piece at `at` of a chain of operators or fields."""
    message = f"chain of more than {MAXIMUM_CHAIN} operators"
    return error("RQ014", at, at + 1, message, "give a part of it a name with 'let'")


def not_on_line(text: str, at: int) -> Diagnostic:
    """RQ010 for the bracket at `at`, with the fix that joins the lines."""
    char = text[at]
    stop = _before_space(text, at)
    line = text[text.rfind("\n", 0, stop) + 1 : stop]
    fixes: tuple[Fix, ...] = ()
    if "//" not in line and "#" not in line:
        edit = TextEdit(Span(stop, at), " " if char == "{" else "")
        fixes = (Fix("join the lines", (edit,)),)
    message = f"'{char}' must be on the line of what it belongs to"
    return error("RQ010", at, at + 1, message, f"put '{char}' on the line above", fixes)


def placeholder(text: str, at: int) -> Diagnostic:
    """RQ008 for the three characters at `at`."""
    message = f"placeholder '{text[at : at + 3]}' must be replaced by real code"
    return error("RQ008", at, at + 3, message, "write what belongs here")


def superfluous_comma(expected: str, at: int) -> Diagnostic:
    """RQ001 for a comma where `expected` should stand."""
    fix = Fix("remove the comma", (TextEdit(Span(at, at + 1), ""),))
    message = f"expected {_joined(_wanted([expected]))}, found ','"
    return error("RQ001", at, at + 1, message, "remove ','", (fix,))


def missing_comma(text: str, at: int) -> Diagnostic:
    """RQ013 for the element at `at`, with the fix that adds the comma behind the one before."""
    found, end = found_at(text, at)
    message = f"comma missing before {quoted(found)}"
    known = known_mistake(text, at, ["','"], at)
    if known is not None:
        return error("RQ013", at, end, message, known.hint)
    stop = _before_space(text, at)
    fix = Fix("add the comma", (TextEdit(Span(stop, stop), ","),))
    return error("RQ013", at, end, message, "add ','", (fix,))


def nothing_between(text: str, element: str, at: int) -> Diagnostic:
    """RQ001 for brackets that close at `at` with nothing in them."""
    found, end = found_at(text, at)
    message = f"expected {_joined(_wanted([element]))}, found {quoted(found)}"
    return error("RQ001", at, end, message)


def closing(opener: str) -> str:
    """The label of what closes `opener`; without an opener, of the end."""
    return _CLOSING.get(opener, "end")


# ---------------------------------------------------------------- characters


def odd(text: str, oddity: Oddity) -> Diagnostic:
    """What is wrong with characters, in words."""
    start, end = oddity.start, oddity.end
    written = text[start:end]
    if oddity.code == "RQ003":
        return error("RQ003", start, start + 2, "comment is never closed", "add '*/'")
    if oddity.code == "RQ002":
        fix = Fix("close the string", (TextEdit(Span(end, end), written[0]),), safe=False)
        message = "string is not closed on its line"
        return error("RQ002", start, end, message, f"add {written[0]}", (fix,))
    if oddity.code == "RQ007":
        return _unmatched(start, end, written)
    return _backticks(start, end, written) if oddity.code == "RQ012" else _strange(start, written)


def is_behind_oddity(text: str, at: int) -> bool:
    """Whether the last character before `at` that is no space is one that RQ006 reports."""
    stop = _before_space(text, at)
    return stop > int(text.startswith("\ufeff")) and STRANGE.match(text, stop - 1) is not None


def _strange(start: int, written: str) -> Diagnostic:
    """RQ006; letters become those without accents, typographic signs plain ones."""
    shown = written if written.isprintable() else f"U+{ord(written[0]):04X}"
    message = f"character not allowed here {quoted(shown)}"
    end = start + len(written)
    if written in _INSTEAD_OF_SIGNS:
        return error("RQ006", start, end, message, _INSTEAD_OF_SIGNS[written])
    better = written.translate(_PLAIN_SIGNS)
    hint, title = "remove it", f"remove {quoted(shown)}"
    if better != written:
        hint = title = f"write {better}"
    elif written.isalpha():
        better = (
            unicodedata.normalize("NFKD", written.replace("ß", "ss"))
            .encode("ascii", "ignore")
            .decode()
        )
        hint = "a name is made of the letters a-z, digits and '_'"
        title = f"write '{better}'"
    else:
        better = ""
    edit = TextEdit(Span(start, end), better)
    useless = written.isalpha() and not better
    fixes = () if useless else (Fix(title, (edit,), safe=written[0] == ";"),)
    return error("RQ006", start, end, message, hint, fixes)


_PLAIN_SIGNS: Final = str.maketrans(
    {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'",
     "→": "->", "⇒": "=>", "≠": "!=", "≤": "<=", "≥": ">=", "\u00d7": "*", "÷": "/",
     "\u2212": "-", "\u2013": "-", "\u2014": "-"}
)  # fmt: skip
_INSTEAD_OF_SIGNS: Final = {
    "^": "write 'pow(x, y)'",
    "$": "write the name alone, 'env(\"NAME\")' for the environment, 'concat(…)' to join texts",
}


def _unmatched(start: int, end: int, written: str) -> Diagnostic:
    if written in _CLOSING:
        place = RelatedPlace("", Span(start, end), "opened here")
        found = error(
            "RQ007", start, end, f"'{written}' is never closed", f"add {_CLOSING[written]}"
        )
        return Diagnostic(
            found.code, found.severity, "", found.span, found.message, found.help, (), (place,)
        )
    fix = Fix(f"remove '{written}'", (TextEdit(Span(start, end), ""),), safe=False)
    return error("RQ007", start, end, f"'{written}' closes nothing", "remove it", (fix,))


def _backticks(start: int, end: int, written: str) -> Diagnostic:
    inner = written[1:-1].replace('"', '\\"')
    fix = Fix("use double quotes", (TextEdit(Span(start, end), f'"{inner}"'),), safe=False)
    message = f"string of another language {quoted(written)}"
    hint = "write it in double quotes; join texts with concat(…)"
    return error("RQ012", start, end, message, hint, (fix,))


# ---------------------------------------------------------------- pieces


def error(
    code: str,
    start: int,
    end: int,
    message: str,
    hint: str | None = None,
    fixes: tuple[Fix, ...] = (),
) -> Diagnostic:
    """An error at offsets of the text."""
    return Diagnostic(code, Severity.ERROR, "", Span(start, end), message, hint, fixes)


def _replacement(start: int, end: int, found: str, better: str, *, safe: bool = True) -> Fix:
    return Fix(f"replace '{found}' by '{better}'", (TextEdit(Span(start, end), better),), safe)


def _before_space(text: str, at: int) -> int:
    """Where the last character before `at` ends that is no space."""
    while at > 0 and text[at - 1] in " \t\r\n":
        at -= 1
    return at


def first_on_line(text: str, at: int) -> bool:
    """Whether nothing but white space and comments stands before `at` on its line."""
    space = SPACE.match(text, text.rfind("\n", 0, at) + 1)
    return space is not None and space.end() >= at
