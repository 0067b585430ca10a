"""How a function of the language is implemented: a Python function and how it gets its arguments.

Compiled expressions read these rows and pass arguments accordingly; names, numbers of arguments
and help are data of the language (`vague.vocabulary.functions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar


class Style(Enum):
    """What becomes of a callback, and of the array before it.

    Only CALLBACK and FOLD call back: for the others the compiled expression walks the
    array itself and hands over what came out, which saves a call for each element.
    """

    PLAIN = "values are passed as they are"
    VALUES = "(values, …): what the callback gives for each element, or the elements without one"
    PAIRS = "(elements, values, …)"
    FIRST_TRUE = "(elements, position): of the first element whose value is truthy, else -1"
    FIRST_FALSE = "(elements, position): of the first element whose value is falsy, else -1"
    EXTREME = "(values): those of an array, of the callback for each element, or the arguments"
    CALLBACK = "(elements, callback, …): a Python function of element and position"
    FOLD = "(elements, callback, …): a Python function of the value so far and the element"


@dataclass(frozen=True, slots=True)
class Function:
    """An implementation. `uses_run`: the run comes first, before the arguments.

    `null_safe`: it wants to see a null first argument; for all others the result is then null.
    `minimum` and `maximum` count the arguments in the program.
    """

    name: str
    call: Callable[..., Any]
    style: Style = Style.PLAIN
    uses_run: bool = False
    null_safe: bool = False
    minimum: int = 0
    maximum: int | None = None


F = TypeVar("F", bound=Callable[..., Any])


class Group:
    """The functions of one module, in the order in which they are defined."""

    def __init__(self) -> None:
        self.rows: list[Function] = []

    def add(
        self,
        *names: str,
        style: Style = Style.PLAIN,
        uses_run: bool = False,
        null_safe: bool = False,
    ) -> Callable[[F], F]:
        """Decorator: the function implements `names`; see `Function`."""

        def register(call: F) -> F:
            self.rows += [Function(name, call, style, uses_run, null_safe) for name in names]
            return call

        return register
