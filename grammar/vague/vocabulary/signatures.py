"""What a built-in function is described by: parameters, result, help and an example.

A signature is read from text: `name(list, by()?, ...more)`, where `()` marks a callback (a lambda,
or an expression about each element), `?` an argument that may be left out and `...` any number of
further ones. Plug-ins describe their functions in the same way, by `function`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal


class FunctionGroup(Enum):
    """What a function is about, in the order in which the groups are shown."""

    STRINGS = "strings"
    LISTS = "arrays and stores"
    OBJECTS = "objects"
    NUMBERS = "numbers"
    DATES = "dates"
    CONVERSION = "conversion and environment"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. `rest` stands for any number of arguments, none included."""

    name: str
    kind: Literal["value", "callback"] = "value"
    optional: bool = False
    rest: bool = False

    def __str__(self) -> str:
        """As in a signature: `list`, `by?`, `...more`."""
        return f"{'...' if self.rest else ''}{self.name}{'?' if self.optional else ''}"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function.

    `example` is `expression -> result`, the result being JSON. `returns` is the type of the result
    in words.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    group: FunctionGroup
    help: str
    example: str

    @property
    def minimum(self) -> int:
        """The least number of arguments."""
        return sum(1 for parameter in self.parameters if not _may_be_absent(parameter))

    @property
    def maximum(self) -> int | None:
        """The greatest number of arguments, or None without a limit."""
        if any(parameter.rest for parameter in self.parameters):
            return None
        return len(self.parameters)

    @property
    def signature(self) -> str:
        """Such as `substring(text, start, count?)`."""
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    @property
    def example_expression(self) -> str:
        """The example's left side."""
        return self.example.rpartition(" -> ")[0]

    @property
    def example_result(self) -> object:
        """The example's right side, read from JSON."""
        return json.loads(self.example.rpartition(" -> ")[2])

    def parameter(self, position: int) -> Parameter | None:
        """The parameter that the argument at `position` (from 0) is for."""
        if position < len(self.parameters):
            return self.parameters[position]
        last = self.parameters[-1] if self.parameters else None
        return last if last is not None and last.rest else None

    def takes_callback(self, position: int) -> bool:
        """Whether the argument at `position` (from 0) is evaluated for each element."""
        parameter = self.parameter(position)
        return parameter is not None and parameter.kind == "callback"


def _may_be_absent(parameter: Parameter) -> bool:
    return parameter.optional or parameter.rest


_PARAMETER = re.compile(r"(?P<rest>\.\.\.)?(?P<name>\w+)(?P<callback>\(\))?(?P<optional>\?)?")


def _parameter(text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise ValueError(f"not a parameter: '{text}'")
    return Parameter(
        found["name"],
        "callback" if found["callback"] else "value",
        optional=bool(found["optional"]),
        rest=bool(found["rest"]),
    )


def function(
    signature: str,
    returns: str,
    group: FunctionGroup,
    help: str,  # noqa: A002 - the row's own word
    example: str,
) -> FunctionSpec:
    """A row from its signature, such as `sum(list, by()?)`.

    Raises:
        ValueError: when the signature cannot be read.
    """
    name, _, rest = signature.removesuffix(")").partition("(")
    parameters = tuple(_parameter(part) for part in rest.split(", ") if part)
    return FunctionSpec(name, parameters, returns, group, help, example)
