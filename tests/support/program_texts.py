"""Random programs as text, drawn from the constructs of the language.

Names need not be declared: the programs parse, and what the checker says of them is another matter.
Every construct of the reference occurs; `programs()` draws whole files.
"""

from __future__ import annotations

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]

NAMES = st.sampled_from(
    ["x", "row", "store", "run", "page", "key", "match_", "item", "contains", "days", "each", "any"]
)
FIELDS = st.sampled_from(["id", "match", "in", "is", "then", "store", "where", "page", "contains"])
CAPITALS = st.sampled_from(["Item", "Fetch", "Other"])
STRINGS = st.sampled_from(['"text"', "'single'", '"a \\" b"', '"/a/{id}"', '""'])
NUMBERS = st.sampled_from(["0", "7", "1.5", "2e3", "3 days", "12 ms"])


def joined(elements: Texts, comma: str = ", ", least: int = 0) -> Texts:
    return st.lists(elements, min_size=least, max_size=4).map(comma.join)


def form(template: str, *parts: Texts) -> Texts:
    """Texts in the gaps (`%s`) of a template."""

    # A function of its own, since the names of strategies in strategies would become very long.
    @st.composite
    def filled(draw: st.DrawFn) -> str:
        return template % tuple(draw(part) for part in parts)

    return filled()


def maybe(text: Texts) -> Texts:
    return st.one_of(st.just(""), text)


# ---------------------------------------------------------------- expressions

ATOMS = st.one_of(
    NAMES,
    STRINGS,
    NUMBERS,
    FIELDS.map(".{}".format),
    st.sampled_from(["true", "false", "null", "[]", "{}", "now()"]),
)
EXPRESSIONS: Texts = st.deferred(lambda: st.one_of(ATOMS, _COMPOUND))
OPERANDS: Texts = st.deferred(lambda: st.one_of(ATOMS, form("(%s)", EXPRESSIONS), _POSTFIX))
OBJECTS: Texts = st.deferred(lambda: form("{ %s }", joined(_ENTRIES)))

_ENTRIES = st.one_of(form("%s: %s", FIELDS, EXPRESSIONS), form("...%s", OPERANDS))
_ARGUMENTS = joined(
    st.one_of(EXPRESSIONS, form("%s => %s", NAMES, EXPRESSIONS), form("(a, b) => %s", EXPRESSIONS))
)
_POSTFIX = st.one_of(
    form("%s(%s)", NAMES, _ARGUMENTS),
    form("%s.%s", NAMES, FIELDS),
    form("%s.%s(%s).%s(%s)", NAMES, FIELDS, _ARGUMENTS, FIELDS, _ARGUMENTS),
    form("%s[%s]", NAMES, EXPRESSIONS),
)
_PATTERNS: Texts = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["_", "1", "-2", '"a"', "null", "Item", "found", "{}", "[]", "[Item]"]),
        form("{ %s: %s }", FIELDS, _PATTERNS),
        form("[%s, ...rest]", _PATTERNS),
    )
)
_HEADS = st.one_of(
    _PATTERNS, form("%s where %s", _PATTERNS, OPERANDS), form("limit + %s", OPERANDS)
)
_CHAINS = st.sampled_from([" + ", " - ", " * ", " and ", " or ", " ?? "])
_COMPOUND = st.one_of(
    _CHAINS.flatmap(lambda operator: joined(OPERANDS, operator, least=2)),
    form(
        "%s %s %s",
        OPERANDS,
        st.sampled_from(["==", "<=", ">", "in", "not in", "contains", "startsWith"]),
        OPERANDS,
    ),
    form("%s is %s", OPERANDS, st.sampled_from(["string", "not null", "[Item]", "not Item"])),
    form("%s%s", st.sampled_from(["-", "+", "!", "not "]), OPERANDS),
    form("%s | %s", OPERANDS, joined(form("%s(%s)", NAMES, _ARGUMENTS), " | ", least=1)),
    form("%s ? %s : %s", OPERANDS, OPERANDS, OPERANDS),
    form("if %s then %s else %s", OPERANDS, OPERANDS, OPERANDS),
    form("any of %s where %s", OPERANDS, OPERANDS),
    form("(%s where %s)", OPERANDS, OPERANDS),
    form("match %s { %s }", OPERANDS, joined(form("%s => %s", _HEADS, OPERANDS), least=1)),
    form("[%s]", joined(st.one_of(EXPRESSIONS, form("...%s", OPERANDS)))),
    OBJECTS,
    _POSTFIX,
)

# ---------------------------------------------------------------- steps

OPTIONS = form("{ %s }", joined(form("%s: %s", FIELDS, EXPRESSIONS)))
_METHODS = st.sampled_from(["get", "post", "PUT", "delete"])
_DIRECTIVES = st.one_of(
    st.sampled_from(["continue", "skip", "abort", "queue", "jump Fetch then retry"]),
    form("abort %s", OPERANDS),
    form("retry %s", OPTIONS),
    form("queue s %s", OPTIONS),
)
_ASSUMPTIONS = form("{ %s }", joined(form("assume %s", OPERANDS), "\n", least=1))
STEPS: Texts = st.deferred(
    lambda: st.one_of(
        form('%s "/a/{id}" %s', _METHODS, maybe(OPTIONS)),
        form('%s Api "/a" from Other', _METHODS),
        form("call Api.%s %s", NAMES, maybe(OPTIONS)),
        form("let %s = %s", NAMES, EXPRESSIONS),
        form("store %s -> s %s", OPERANDS, maybe(OPTIONS)),
        form("store each %s -> s", OPERANDS),
        form("map %s -> Item %s", OPERANDS, maybe(OBJECTS)),
        form("apply Item to %s as y", OPERANDS),
        form("delete s[%s]", EXPRESSIONS),
        form("wait %s", OPTIONS),
        form("run Fetch then [Other, Item] if %s", OPERANDS),
        form("custom %s", OPTIONS),
        form("validate %s %s or %s", NAMES, _ASSUMPTIONS, _BLOCKS),
        form("for %s in %s where %s parallel 4 %s", NAMES, OPERANDS, OPERANDS, _BLOCKS),
        form("for r in s checkpoint every 10 %s", _BLOCKS),
        form("match %s %s", OPERANDS, _ARMS),
        form("match %s %s catch %s", NAMES, _ARMS, _ARMS),
        _DIRECTIVES,
    )
)
_BLOCKS = form("{ %s }", joined(STEPS, "\n"))
_ARMS = form("{ %s }", joined(form("%s -> %s", _HEADS, st.one_of(STEPS, _BLOCKS, CAPITALS))))

# ---------------------------------------------------------------- definitions

_TYPES: Texts = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["string", "int?", "Item", "array<Item>", "[date]?", '"a" | "b" | null']),
        form("{ %s: %s }", FIELDS, _TYPES),
    )
)
_SCHEMA_FIELDS = st.one_of(
    form("%s: %s", FIELDS, _TYPES),
    form("%s?: %s", FIELDS, _TYPES),
    st.just("...Base"),
    form("assume %s", OPERANDS),
)
_VARIANTS = joined(form("(%s) where %s -> Item %s", CAPITALS, OPERANDS, OBJECTS), "\n", least=1)
DEFINITIONS = st.one_of(
    form("source %s %s", CAPITALS, OPTIONS),
    form('source Api from "./a.yaml" %s', maybe(OPTIONS)),
    form("store %s: %s", NAMES, OPERANDS),
    form("schema %s { %s }", CAPITALS, joined(_SCHEMA_FIELDS)),
    form("transform T: Item -> Item %s", OBJECTS),
    form("transform T { %s }", _VARIANTS),
    form("action %s { %s }", CAPITALS, joined(STEPS, "\n")),
    form("let %s = %s", NAMES, EXPRESSIONS),
)
_OPTIONS_OF_A_MISSION = st.one_of(
    st.sampled_from(["schedule: every 2 hours", 'schedule: cron "0 * * * *" { timezone: "UTC" }']),
    form("%s: %s", FIELDS, EXPRESSIONS),
    st.just("stateRetention: 14 fortnights"),
)
_MEMBERS = st.one_of(DEFINITIONS, _OPTIONS_OF_A_MISSION, st.just("run Fetch then [Other, Item]"))


def programs() -> Texts:
    """Whole files: some definitions and missions, one element a line."""
    mission = form("mission M { %s }", joined(_MEMBERS, "\n"))
    return joined(st.one_of(mission, DEFINITIONS, st.just('import "./a.vague"')), "\n", least=1)
