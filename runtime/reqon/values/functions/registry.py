"""Every function of the language and its implementation; plug-ins add theirs here.

`FUNCTIONS` answers to the rows of `vague.vocabulary.functions`; a test compares both ways. It is
read while expressions are compiled, so that a function registered later counts for later plans.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from reqon.values.foreign import errors_of, taken_over
from reqon.values.functions.conversion import CONVERSION
from reqon.values.functions.dates import DATES
from reqon.values.functions.lists import LISTS
from reqon.values.functions.model import Function, Style
from reqon.values.functions.numbers import NUMBERS
from reqon.values.functions.objects import OBJECTS
from reqon.values.functions.strings import STRINGS
from vague.vocabulary.functions import FUNCTIONS as ROWS

_GROUPS = (STRINGS, LISTS, OBJECTS, NUMBERS, DATES, CONVERSION)


def _builtin(row: Function) -> Function:
    spec = ROWS[row.name]
    return replace(row, minimum=spec.minimum, maximum=spec.maximum)


FUNCTIONS: dict[str, Function] = {
    row.name: _builtin(row) for group in _GROUPS for row in group.rows
}
"""Implementations by name."""


def register_function(
    name: str,
    call: Callable[..., Any],
    *,
    minimum: int = 0,
    maximum: int | None = None,
    callback: bool = False,
) -> None:
    """Add a function, or hide a built-in one, for expressions compiled from now on.

    `call` gets the values of the arguments. With `callback` its first argument is an array and
    its second a Python function of an element and its position. Whatever it raises becomes a
    run-time error of kind `function`, as does a result that is no value of the language.
    """

    @wraps(call)
    def guarded(*arguments: Any) -> Any:
        with errors_of(f"'{name}'"):
            return taken_over(call(*arguments), f"'{name}'")

    style = Style.CALLBACK if callback else Style.PLAIN
    FUNCTIONS[name] = Function(
        name, guarded, style, null_safe=True, minimum=minimum, maximum=maximum
    )
