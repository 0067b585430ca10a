"""Every built-in function, one row each.

This module is data. The engine implements each row once and a test compares both ways; the checker
counts arguments, completion, hover, signature help and docs show the rows. How a row's signature
is written, `vague.vocabulary.signatures` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from vague.vocabulary.signatures import FunctionGroup, FunctionSpec, Parameter, function

__all__ = ["FUNCTIONS", "FunctionGroup", "FunctionSpec", "Parameter", "function"]

Row = tuple[str, str, str, str]


_STRINGS: tuple[Row, ...] = (
    (
        "length(value)",
        "number",
        "Number of characters, elements, fields or records; 0 for null.",
        'length("lamp") -> 4',
    ),
    ("lowercase(text)", "string", "All letters small.", 'lowercase("North") -> "north"'),
    ("uppercase(text)", "string", "All letters large.", 'uppercase("north") -> "NORTH"'),
    (
        "capitalize(text)",
        "string",
        "The first letter of every word large.",
        'capitalize("north sea") -> "North Sea"',
    ),
    ("trim(text)", "string", "Without white space at both ends.", 'trim("  buoy ") -> "buoy"'),
    ("trimStart(text)", "string", "Without white space at the start.", 'trimStart(" a ") -> "a "'),
    ("trimEnd(text)", "string", "Without white space at the end.", 'trimEnd(" a ") -> " a"'),
    (
        "substring(text, start, count?)",
        "string",
        "From position `start`, at most `count` characters; a negative start counts from the end.",
        'substring("warehouse", 4, 3) -> "hou"',
    ),
    (
        "split(text, separator)",
        "array",
        "The parts between the separators; an empty array for null.",
        'split("a;b;c", ";") -> ["a", "b", "c"]',
    ),
    (
        "join(list, separator?)",
        "string",
        "The elements as one text, with `,` or the separator between; null counts as empty.",
        'join(["a", null, "c"], "-") -> "a--c"',
    ),
    (
        "replace(text, find, with)",
        "string",
        "Every occurrence of `find` replaced, as plain text.",
        'replace("1.2.3", ".", "/") -> "1/2/3"',
    ),
    (
        "concat(first, ...more)",
        "string or array",
        "All arrays joined to one, or all values as one text; null counts as empty.",
        'concat("bin ", 7, null) -> "bin 7"',
    ),
    (
        "contains(container, value)",
        "boolean",
        "The operator `contains` as a function.",
        'contains("lighthouse", "house") -> true',
    ),
    (
        "startsWith(text, prefix)",
        "boolean",
        "Whether the text begins with the prefix.",
        'startsWith("lighthouse", "light") -> true',
    ),
    (
        "endsWith(text, suffix)",
        "boolean",
        "Whether the text ends with the suffix.",
        'endsWith("lighthouse", "light") -> false',
    ),
    (
        "matches(text, pattern)",
        "boolean",
        "Whether the regular expression is found anywhere in the text.",
        'matches("lamp-17", "[0-9]+$") -> true',
    ),
    (
        "slugify(text)",
        "string",
        "Its words in plain small letters, joined by `-`.",
        'slugify("Old Harbor, East") -> "old-harbor-east"',
    ),
    (
        "kebabCase(text)",
        "string",
        "Its words in plain small letters, joined by `-`; the same as `slugify`.",
        'kebabCase("Old Harbor") -> "old-harbor"',
    ),
    (
        "snakeCase(text)",
        "string",
        "Its words in plain small letters, joined by `_`.",
        'snakeCase("Old Harbor") -> "old_harbor"',
    ),
    (
        "camelCase(text)",
        "string",
        "Its words joined, each but the first with a large letter.",
        'camelCase("old harbor east") -> "oldHarborEast"',
    ),
)

_LISTS: tuple[Row, ...] = (
    ("count(value)", "number", "The same as `length`.", "count([4, 5, 6]) -> 3"),
    ("first(list)", "any", "The first element; null if there is none.", "first([4, 5]) -> 4"),
    ("last(list)", "any", "The last element; null if there is none.", "last([4, 5]) -> 5"),
    (
        "isEmpty(value)",
        "boolean",
        "True for null, an empty text, array or object, and an empty store.",
        "isEmpty([]) -> true",
    ),
    (
        "includes(list, value)",
        "boolean",
        "Whether an element equals the value, or a text holds it.",
        'includes(["red", "green"], "green") -> true',
    ),
    (
        "map(list, to())",
        "array",
        "What the callback gives for each element.",
        "map([1, 2, 3], x => x * 10) -> [10, 20, 30]",
    ),
    (
        "filter(list, keep())",
        "array",
        "The elements for which the callback is truthy.",
        "filter([1, 2, 3], x => x > 1) -> [2, 3]",
    ),
    (
        "reduce(list, step(), start)",
        "any",
        "Carries a value through the list: `step` gets the value so far and the element.",
        "reduce([1, 2, 3], (total, x) => total + x, 0) -> 6",
    ),
    (
        "find(list, test())",
        "any",
        "The first element for which the callback is truthy, else null.",
        'find([{ no: 1 }, { no: 2 }], .no > 1) -> {"no": 2}',
    ),
    (
        "findIndex(list, test())",
        "number",
        "The position of the first element for which the callback is truthy, else -1.",
        "findIndex([5, 6, 7], x => x == 6) -> 1",
    ),
    (
        "all(list, test())",
        "boolean",
        "Whether the callback is truthy for every element; true for an empty list.",
        "all([2, 4], x => x % 2 == 0) -> true",
    ),
    (
        "some(list, test())",
        "boolean",
        "Whether the callback is truthy for at least one element.",
        "some([1, 4], x => x > 3) -> true",
    ),
    (
        "none(list, test())",
        "boolean",
        "Whether the callback is truthy for no element.",
        "none([1, 4], x => x > 5) -> true",
    ),
    (
        "sum(list, of()?)",
        "number",
        "All elements added, or what the callback gives for each; 0 for an empty list.",
        "sum([{ kg: 2 }, { kg: 3 }], .kg) -> 5",
    ),
    (
        "product(list, of()?)",
        "number",
        "All elements multiplied, or what the callback gives for each; 1 for an empty list.",
        "product([2, 3, 4]) -> 24",
    ),
    ("avg(list, of()?)", "number", "The mean; null for an empty list.", "avg([1, 2, 6]) -> 3"),
    (
        "median(list, of()?)",
        "number",
        "The middle value; null for an empty list.",
        "median([7, 1, 3]) -> 3",
    ),
    (
        "min(list, of()?, ...more)",
        "any",
        "The smallest element of a list, or the smallest of several values; nulls do not count.",
        "min(4, null, 2) -> 2",
    ),
    (
        "max(list, of()?, ...more)",
        "any",
        "The largest element of a list, or the largest of several values; nulls do not count.",
        "max([{ kg: 2 }, { kg: 3 }], .kg) -> 3",
    ),
    (
        "flatten(list)",
        "array",
        "The elements of its arrays in one array; one level deep.",
        "flatten([[1, 2], [3], 4]) -> [1, 2, 3, 4]",
    ),
    (
        "unique(list, by()?)",
        "array",
        "The first element of each value, or of each value of the callback.",
        "unique([3, 1, 3, 2, 1]) -> [3, 1, 2]",
    ),
    (
        "sort(list, direction?)",
        "array",
        'Sorted, nulls last; `"desc"` puts the largest first.',
        "sort([3, 1, 2]) -> [1, 2, 3]",
    ),
    (
        "sortBy(list, by(), direction?)",
        "array",
        "Sorted by what the callback gives; equal elements keep their order.",
        'sortBy([{ n: 1 }, { n: 2 }], .n, "desc") -> [{"n": 2}, {"n": 1}]',
    ),
    ("reverse(list)", "array", "The elements in the other order.", "reverse([1, 2]) -> [2, 1]"),
    (
        "slice(list, from, to?)",
        "array",
        "From position `from` to before `to`; negative positions count from the end.",
        "slice([1, 2, 3, 4], 1, -1) -> [2, 3]",
    ),
    (
        "chunks(list, size)",
        "array",
        "The list in arrays of at most `size` elements.",
        "chunks([1, 2, 3, 4, 5], 2) -> [[1, 2], [3, 4], [5]]",
    ),
    (
        "groupBy(list, by())",
        "object",
        "The elements in arrays by what the callback gives.",
        'groupBy([{ k: "a", n: 1 }, { k: "a", n: 2 }], .k)'
        ' -> {"a": [{"k": "a", "n": 1}, {"k": "a", "n": 2}]}',
    ),
    (
        "range(from, to)",
        "array",
        "The whole numbers from one to the other, both included.",
        "range(3, 6) -> [3, 4, 5, 6]",
    ),
)

_OBJECTS: tuple[Row, ...] = (
    ("keys(object)", "array", "The names of its fields.", 'keys({ a: 1, b: 2 }) -> ["a", "b"]'),
    ("values(object)", "array", "The values of its fields.", "values({ a: 1, b: 2 }) -> [1, 2]"),
    (
        "entries(object)",
        "array",
        "Its fields as arrays of name and value.",
        'entries({ a: 1, b: 2 }) -> [["a", 1], ["b", 2]]',
    ),
    (
        "hasKey(object, key)",
        "boolean",
        "Whether it has a field of that name, even if that is null.",
        'hasKey({ note: null }, "note") -> true',
    ),
    (
        "pick(object, keys)",
        "object",
        "Only the fields named.",
        'pick({ a: 1, b: 2, c: 3 }, ["a", "c"]) -> {"a": 1, "c": 3}',
    ),
    (
        "omit(object, keys)",
        "object",
        "All fields but those named.",
        'omit({ a: 1, b: 2, c: 3 }, ["a", "c"]) -> {"b": 2}',
    ),
    (
        "merge(object, ...more)",
        "object",
        "The fields of all; a later one wins, null arguments are left out.",
        'merge({ a: 1, b: 2 }, { b: 3 }) -> {"a": 1, "b": 3}',
    ),
    (
        "exists(value)",
        "boolean",
        "Whether the value is not null; usual with the record of a store.",
        "exists({ a: 1 }.b) -> false",
    ),
)

_NUMBERS: tuple[Row, ...] = (
    (
        "round(number, digits?)",
        "number",
        "To the nearest whole number, or to `digits` places; halves go away from zero.",
        "round(-2.5) -> -3",
    ),
    (
        "floor(number, digits?)",
        "number",
        "Down to a whole number, or to `digits` places.",
        "floor(-1.5) -> -2",
    ),
    (
        "ceil(number, digits?)",
        "number",
        "Up to a whole number, or to `digits` places.",
        "ceil(1.2) -> 2",
    ),
    ("abs(number)", "number", "Without its sign.", "abs(-7) -> 7"),
    ("sqrt(number)", "number", "The square root; null for a negative number.", "sqrt(81) -> 9"),
    ("pow(base, exponent)", "number", "The base raised to the exponent.", "pow(2, 10) -> 1024"),
    (
        "parseDecimal(text)",
        "number",
        "The number that a text spells, spaces and thousands commas ignored; else null.",
        'parseDecimal("1,234.5") -> 1234.5',
    ),
)

_DATE_PARTS: tuple[Row, ...] = tuple(
    (f"{name}(date)", "number", text, f'{name}("2031-05-06T07:08:09Z") -> {result}')
    for name, text, result in (
        ("year", "The year of the date in UTC.", 2031),
        ("month", "The month of the date in UTC, from 1.", 5),
        ("day", "The day of the month in UTC, from 1.", 6),
        ("hour", "The hour of the date in UTC, from 0.", 7),
        ("minute", "The minute of the date, from 0.", 8),
        ("second", "The second of the date, from 0.", 9),
        ("dayOfWeek", "The day of the week in UTC; 0 is Sunday.", 2),
    )
)

_DATE_SUMS: tuple[Row, ...] = tuple(
    (
        f"{name}(date, number)",
        "date",
        text,
        f'formatDate({name}("2031-01-31T12:00:00Z", {number}), "YYYY-MM-DD HH:mm:ss")'
        f' -> "{result}"',
    )
    for name, text, number, result in (
        ("addDays", "So many days later.", 1, "2031-02-01 12:00:00"),
        ("addHours", "So many hours later.", 13, "2031-02-01 01:00:00"),
        ("addMinutes", "So many minutes later.", 90, "2031-01-31 13:30:00"),
        ("addSeconds", "So many seconds later.", -30, "2031-01-31 11:59:30"),
        ("addWeeks", "So many weeks later.", 2, "2031-02-14 12:00:00"),
        (
            "addMonths",
            "So many months later, on the same day or the month's last.",
            1,
            "2031-02-28 12:00:00",
        ),
        (
            "addYears",
            "So many years later, on the same day or the month's last.",
            1,
            "2032-01-31 12:00:00",
        ),
        ("subtractDays", "So many days earlier.", 31, "2030-12-31 12:00:00"),
    )
)

_DATE_DIFFERENCES: tuple[Row, ...] = tuple(
    (
        f"diff{unit}(a, b)",
        "number",
        f"Whole {unit.lower()} from `b` to `a`; negative when `a` is earlier.",
        f'diff{unit}("2031-05-08T06:00:00Z", "2031-05-06T00:00:00Z") -> {result}',
    )
    for unit, result in (("Days", 2), ("Hours", 54), ("Minutes", 3240), ("Seconds", 194400))
)

_DURATIONS: tuple[Row, ...] = tuple(
    (f"{unit}(number)", "duration", f"A duration of so many {unit}.", f"{unit}(2) -> {result}")
    for unit, result in (
        ("seconds", 2_000),
        ("minutes", 120_000),
        ("hours", 7_200_000),
        ("days", 172_800_000),
        ("weeks", 1_209_600_000),
    )
)

_DATES: tuple[Row, ...] = (
    ("now()", "date", "The current instant.", "isBefore(now(), daysFromNow(1)) -> true"),
    ("today()", "date", "The start of the current day in UTC.", "hour(today()) -> 0"),
    (
        "parseDate(value)",
        "date",
        "The date that a text or number stands for; in UTC unless it says otherwise.",
        'parseDate("Tue, 06 May 2031 09:08:09 +0200") == "2031-05-06T07:08:09Z" -> true',
    ),
    (
        "fromUnix(number)",
        "date",
        "The date so many seconds after the start of 1970.",
        'fromUnix(86400) == "1970-01-02" -> true',
    ),
    (
        "toUnix(date)",
        "number",
        "Seconds from the start of 1970 to the date.",
        'toUnix("1970-01-02") -> 86400',
    ),
    (
        "formatDate(date, pattern)",
        "string",
        "The date as text in UTC; `[…]` in the pattern is taken literally.",
        'formatDate("2031-05-06T07:08:09Z", "D MMM YYYY [at] HH:mm") -> "6 May 2031 at 07:08"',
    ),
    *_DATE_PARTS,
    *_DATE_SUMS,
    *_DATE_DIFFERENCES,
    (
        "isBefore(a, b)",
        "boolean",
        "Whether `a` is earlier than `b`.",
        'isBefore("2031-05-06", "2031-05-07") -> true',
    ),
    (
        "isAfter(a, b)",
        "boolean",
        "Whether `a` is later than `b`.",
        'isAfter("2031-05-06", "2031-05-06") -> false',
    ),
    ("daysAgo(number)", "date", "So many days before now.", "isBefore(daysAgo(2), now()) -> true"),
    (
        "daysFromNow(number)",
        "date",
        "So many days after now.",
        "isAfter(daysFromNow(2), now()) -> true",
    ),
    *_DURATIONS,
)

_CONVERSION: tuple[Row, ...] = (
    ("toString(value)", "string", "The value as text; null for null.", 'toString(1.50) -> "1.5"'),
    (
        "toNumber(value)",
        "number",
        "The number that a text spells; 1 or 0 for a boolean, milliseconds for a time; else null.",
        'toNumber("12.5") -> 12.5',
    ),
    (
        "toBoolean(value)",
        "boolean",
        'False for null, false, 0, `""` and the texts `false`, `no`, `off`, `0`; else true.',
        'toBoolean("No") -> false',
    ),
    (
        "toArray(value)",
        "array",
        "An array as it is, a store's records, nothing for null, else the value alone.",
        "toArray(7) -> [7]",
    ),
    ("toJson(value)", "string", "The value as JSON text.", 'toJson([1, true]) -> "[1,true]"'),
    (
        "parseJson(text)",
        "any",
        "The value that a JSON text stands for; null if it is broken.",
        'parseJson("[1, 2]") -> [1, 2]',
    ),
    (
        "env(name, default?)",
        "string",
        "The environment variable's text, else the default, else null.",
        'env("REQON_EXAMPLE_UNSET", "north") -> "north"',
    ),
    ("uuid()", "string", "A random UUID, version 4.", "length(uuid()) -> 36"),
    (
        "generateId()",
        "string",
        "A short unique text; later ones sort behind earlier ones.",
        "generateId() == generateId() -> false",
    ),
    (
        "webhookUrl()",
        "string",
        "The full URL at which the next `wait` listens; null where there is none.",
        "webhookUrl() -> null",
    ),
)

_GROUPS = {
    FunctionGroup.STRINGS: _STRINGS,
    FunctionGroup.LISTS: _LISTS,
    FunctionGroup.OBJECTS: _OBJECTS,
    FunctionGroup.NUMBERS: _NUMBERS,
    FunctionGroup.DATES: _DATES,
    FunctionGroup.CONVERSION: _CONVERSION,
}


def _rows() -> Iterable[FunctionSpec]:
    for group, rows in _GROUPS.items():
        for signature, returns, text, example in rows:
            yield function(signature, returns, group, text, example)


FUNCTIONS: Mapping[str, FunctionSpec] = MappingProxyType({row.name: row for row in _rows()})
"""Every built-in function by its name, grouped."""
