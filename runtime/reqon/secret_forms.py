r"""The patterns that find secrets in texts: as they are, or however others have written them.

Services send back what they were sent: as JSON in a text in JSON, percent-encoded, as HTML, with
`\/` for `/`. Which of these it is cannot be known, so each character that any of them changes
may stand there in any of its forms. Repeats have an end, so that no text, such as a long run of
backslashes, makes the search slow. Pure; used by `reqon.secrets`, which knows the secrets.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

LONG = 8
"""From this length on a secret is found anywhere in a text; a shorter one only as a word."""

_DEEP = 8
"""So many backslashes, or encodings of one another, are looked through."""
_ESCAPE = rf"\\{{1,{_DEEP}}}"
_PARTS = re.compile(r"\\+|[^\\]")
"""Characters; backslashes in a row are one, as nobody can say how often they were doubled."""
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def pattern_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for texts as they are; None without any."""
    return _pattern(texts, re.escape)


def loose_pattern(texts: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for texts in whatever form; None without any."""
    return _pattern(texts, _loose)


def _pattern(texts: Iterable[str], form: Callable[[str], str]) -> re.Pattern[str] | None:
    """Longest first; short ones only where no word goes on."""
    alternatives = [
        form(text) if len(text) >= LONG else rf"(?<![\w-]){form(text)}(?![\w-])"
        for text in sorted(texts, key=len, reverse=True)
    ]
    return re.compile("|".join(alternatives)) if alternatives else None


def _loose(text: str) -> str:
    return "".join(_ways(part[0], len(part)) for part in _PARTS.findall(text))


def _ways(character: str, times: int) -> str:
    """All that may stand for a character, or for so many backslashes."""
    plain = re.escape(character)
    if character.isascii() and (character.isalnum() or character == "_"):
        return plain
    ways = [rf"\\{{1,{_DEEP * times}}}" if character == "\\" else rf"\\{{0,{_DEEP}}}{plain}"]
    ways += [rf"(?i:{_units(character)})", rf"(?i:{_percents(character)})"]
    if character in _LETTERS:
        ways.append(_ESCAPE + _LETTERS[character])
    if character == " ":
        ways.append(r"\+")
    named = html.escape(character)
    if named != character:
        ways.append(re.escape(named))
    ways.append(rf"&#(?:0{{0,{_DEEP}}}{ord(character)}|(?i:x0{{0,{_DEEP}}}{ord(character):x}));")
    return f"(?:{'|'.join(ways)})"


def _units(character: str) -> str:
    r"""`\u00e9`, with one backslash or several."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(rf"{_ESCAPE}u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _percents(character: str) -> str:
    """`%C3%A9`, perhaps encoded again."""
    encoded = character.encode("utf-8", "surrogatepass")
    return "".join(f"%(?:25){{0,{_DEEP}}}{byte:02x}" for byte in encoded)
