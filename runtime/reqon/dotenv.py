r"""The `.env` file: `NAME=value` lines.

Comments, blank lines, `export`, quotes and trailing comments are understood as in shells; inside
double quotes `\n`, `\"` and the like are escapes and the text may go over several lines; single
quotes take everything as it stands. Variables in values are not replaced. Pure; `settings.py`
reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reqon.errors import ConfigError

_START = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*", re.ASCII)
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'")
_BARE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse_dotenv(text: str, path: str) -> Mapping[str, str]:
    """The variables of the file, the last one of a name counting.

    Raises ConfigError with the line where a line is none of `NAME=value`, comment and blank, or
    a quote is not closed. No value is ever shown.
    """
    text = text.replace("\r\n", "\n")
    variables: dict[str, str] = {}
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        start = _START.match(text, at)
        if start is None:
            raise _error(path, text, at, "is not of the form NAME=value")
        value, at = _value(path, text, start.end())
        variables[start["name"]] = value
    return variables


def _value(path: str, text: str, at: int) -> tuple[str, int]:
    """The value at an offset, and where the next line begins."""
    quote = text[at : at + 1]
    if quote not in {'"', "'"} or not quote:
        bare = _BARE.match(text, at)
        assert bare is not None, "it matches everywhere"
        return _COMMENT.sub("", bare[0]).strip(), bare.end() + 1
    quoted = (_DOUBLE if quote == '"' else _SINGLE).match(text, at)
    if quoted is None:
        raise _error(path, text, at, f"has a {quote} that is not closed")
    rest = _BLANK.match(text, quoted.end())
    if rest is None:
        raise _error(path, text, quoted.end(), "has text after the closing quote")
    value = _ESCAPE.sub(_unescaped, quoted[1]) if quote == '"' else quoted[1]
    return value, rest.end()


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


def _error(path: str, text: str, at: int, what: str) -> ConfigError:
    line = text.count("\n", 0, at) + 1
    return ConfigError(
        f"{path}:{line}: the line {what}",
        hint='write NAME=value, or NAME="a value" where it holds spaces at its ends or a #',
    )
