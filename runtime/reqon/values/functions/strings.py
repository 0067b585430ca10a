"""Functions about texts. Scalars that are no texts are converted; positions count from 0."""
# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from reqon.errors import RunError
from reqon.values.access import elements, is_store
from reqon.values.functions.arguments import need_text, need_whole
from reqon.values.functions.model import Group
from reqon.values.numbers import number_text
from reqon.values.operators import contains, ends_with, starts_with
from reqon.values.show import show
from reqon.values.text import text_of

STRINGS = Group()

_WORD_START = re.compile(r"(?<![\w'\u2019])[^\W\d_]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[A-Za-z0-9]+")
_APOSTROPHES = re.compile(r"['\u2019]")
_UNDECOMPOSED = str.maketrans(
    {
        "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l",
        "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i",
    }
)  # fmt: skip


@STRINGS.add("length", "count", null_safe=True)
def length(value: Any) -> int:
    """Number of characters, elements, fields or records."""
    if value is None:
        return 0
    if isinstance(value, str | list | dict):
        return len(value)
    return value.count() if is_store(value) else len(need_text(value, "length"))


@STRINGS.add("lowercase")
def lowercase(text: Any) -> str:
    """All letters small."""
    return need_text(text, "lowercase").lower()


@STRINGS.add("uppercase")
def uppercase(text: Any) -> str:
    """All letters large."""
    return need_text(text, "uppercase").upper()


@STRINGS.add("capitalize")
def capitalize(text: Any) -> str:
    """The first letter of every word large, the others as they are."""
    return _WORD_START.sub(lambda found: found[0].upper(), need_text(text, "capitalize"))


@STRINGS.add("trim")
def trim(text: Any) -> str:
    """Without white space at both ends."""
    return need_text(text, "trim").strip()


@STRINGS.add("trimStart")
def trim_start(text: Any) -> str:
    """Without white space at the start."""
    return need_text(text, "trimStart").lstrip()


@STRINGS.add("trimEnd")
def trim_end(text: Any) -> str:
    """Without white space at the end."""
    return need_text(text, "trimEnd").rstrip()


@STRINGS.add("substring")
def substring(text: Any, start: Any, count: Any = None) -> str:
    """At most `count` characters from `start`, which counts from the end when negative."""
    whole = need_text(text, "substring")
    begin = 0 if start is None else need_whole(start, "substring", "start")
    if begin < 0:
        begin = max(0, len(whole) + begin)
    if count is None:
        return whole[begin:]
    return whole[begin : begin + max(0, need_whole(count, "substring", "count"))]


@STRINGS.add("split", null_safe=True)
def split(text: Any, separator: Any) -> list[str]:
    """The parts between the separators; an empty separator gives the characters."""
    if text is None:
        return []
    whole, between = need_text(text, "split"), need_text(separator, "split")
    return whole.split(between) if between else list(whole)


@STRINGS.add("join")
def join(values: Any, separator: Any = ",") -> str:
    """The elements as texts with the separator between them."""
    return need_text(separator, "join").join(map(text_of, elements(values, "join")))


@STRINGS.add("replace")
def replace(text: Any, find: Any, by: Any) -> str:
    """Every occurrence replaced, as plain text; nothing to find changes nothing."""
    whole, old = need_text(text, "replace"), need_text(find, "replace")
    return whole.replace(old, need_text(by, "replace")) if old else whole


@STRINGS.add("concat", null_safe=True)
def concat(*values: Any) -> str | list[Any]:
    """One text; where arrays are given and nothing but arrays (and null), one array."""
    parts: list[str] = []
    for value in values:
        kind: type[Any] = type(value)
        if kind is not str and kind is not int:
            return _concat_any(values)
        parts.append(value if kind is str else number_text(value))
    return "".join(parts)


def _concat_any(values: tuple[Any, ...]) -> str | list[Any]:
    arrays = [value for value in values if isinstance(value, list) or is_store(value)]
    if arrays and len(arrays) == sum(value is not None for value in values):
        return [element for array in arrays for element in elements(array, "concat")]
    return "".join(map(text_of, values))


@STRINGS.add("contains", null_safe=True)
def contains_value(container: Any, item: Any) -> bool:
    """The operator `contains`; scalars on both sides count as texts."""
    if isinstance(container, list | dict) or is_store(container):
        return contains(container, _scalar_text(item) if isinstance(container, dict) else item)
    return contains(_scalar_text(container), _scalar_text(item))


@STRINGS.add("startsWith", null_safe=True)
def starts_with_value(text: Any, prefix: Any) -> bool:
    """The operator `startsWith`; scalars count as texts."""
    return starts_with(_scalar_text(text), _scalar_text(prefix))


@STRINGS.add("endsWith", null_safe=True)
def ends_with_value(text: Any, suffix: Any) -> bool:
    """The operator `endsWith`; scalars count as texts."""
    return ends_with(_scalar_text(text), _scalar_text(suffix))


def _scalar_text(value: Any) -> Any:
    return value if value is None or isinstance(value, list | dict) else text_of(value)


@STRINGS.add("matches")
def matches(text: Any, pattern: Any) -> bool:
    """Whether the regular expression is found anywhere in the text."""
    return _regex(need_text(pattern, "matches")).search(need_text(text, "matches")) is not None


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise RunError(
            "function", f"'matches' cannot read the regular expression {show(pattern)}: {error}"
        ) from error


def words(text: Any, function: str) -> list[str]:
    """The words of a text in plain letters and digits; `fooBar` is two."""
    plain = need_text(text, function).translate(_UNDECOMPOSED)
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", plain))
    kept = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return _WORD.findall(_HUMP.sub(" ", kept))


@STRINGS.add("slugify", "kebabCase")
def kebab_case(text: Any) -> str:
    """Its words in small letters, joined by `-`."""
    return "-".join(words(text, "slugify")).lower()


@STRINGS.add("snakeCase")
def snake_case(text: Any) -> str:
    """Its words in small letters, joined by `_`."""
    return "_".join(words(text, "snakeCase")).lower()


@STRINGS.add("camelCase")
def camel_case(text: Any) -> str:
    """Its words joined, each but the first with a large letter."""
    first, *others = [word.lower() for word in words(text, "camelCase")] or [""]
    return first + "".join(word.capitalize() for word in others)
