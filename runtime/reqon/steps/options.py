"""Options of steps, evaluated: numbers, words and policies out of values.

Literals of the wrong kind are errors of the checker; what a program computes is judged here and
is a run-time error of kind `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reqon.errors import RunError
from reqon.plan.policies import PagingPolicy, RetryPolicy
from reqon.values.compile import Compiled
from reqon.values.duration import Duration
from reqon.values.numbers import as_number
from reqon.values.scope import Scope, Value
from reqon.values.show import described

MAX_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class BoundOptions:
    """An option block whose values are functions."""

    values: Mapping[str, Compiled]

    def evaluate(self, scope: Scope) -> dict[str, Value]:
        """The values in the order in which they are written."""
        return {name: value.call(scope, None) for name, value in self.values.items()}


def milliseconds(value: Value, option: str) -> float:
    """A duration, or a number that is milliseconds already."""
    if isinstance(value, Duration):
        return value.milliseconds
    number = None if isinstance(value, bool) else as_number(value)
    if number is None or number < 0:
        raise _wrong(option, "a duration", value)
    return number


def whole_number(value: Value, option: str, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number within its range."""
    number = None if isinstance(value, bool) else as_number(value)
    if number is None or number != int(number):
        raise _wrong(option, "a whole number", value)
    if number < minimum or (maximum is not None and number > maximum):
        limits = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise RunError("type", f"'{option}' must be {limits}, found {int(number)}")
    return int(number)


def word(value: Value, option: str, allowed: tuple[str, ...]) -> Any:
    """One of the words allowed."""
    if value not in allowed:
        listed = ", ".join(allowed)
        raise RunError("type", f"'{option}' must be one of {listed}; found {described(value)}")
    return value


def text(value: Value, option: str) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise _wrong(option, "a string", value)
    return str(value)


def options_object(value: Value, option: str) -> Mapping[str, Value]:
    """An object of options."""
    if not isinstance(value, dict):
        raise _wrong(option, "an object", value)
    return value  # pyright: ignore[reportUnknownVariableType]


def retry_policy(options: Mapping[str, Value], base: RetryPolicy | None = None) -> RetryPolicy:
    """A retry block over the policy that missing keys come from; null is a missing key."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        match name:
            case "maxAttempts":
                found["max_attempts"] = whole_number(value, name, 1, MAX_ATTEMPTS)
            case "backoff":
                found["backoff"] = word(value, name, ("exponential", "linear", "constant"))
            case "initialDelay":
                found["initial_delay_ms"] = milliseconds(value, name)
            case "maxDelay":
                found["max_delay_ms"] = milliseconds(value, name)
            case "delay":
                found["delay_ms"] = milliseconds(value, name)
            case _:
                raise RunError("type", f"a retry has no option '{name}'")
    return replace(base or RetryPolicy(), **found)


def paging_policy(
    kind: str, options: Mapping[str, Value], items: tuple[str | int, ...] | None
) -> PagingPolicy:
    """The evaluated options of a pagination; paths have been taken out before."""
    found: dict[str, Any] = {"parameter": kind, "items": items}
    rest: dict[str, Value] = {}
    for name, value in options.items():
        match name:
            case "param":
                found["parameter"] = text(value, name)
            case "pageSize":
                found["page_size"] = whole_number(value, name, 1)
            case "sizeParam":
                found["size_parameter"] = text(value, name)
            case "start":
                found["start"] = whole_number(value, name)
            case "maxPages":
                found["max_pages"] = whole_number(value, name, 1)
            case _:
                rest[name] = value
    return PagingPolicy(kind, **found, options=rest)


def _wrong(option: str, expected: str, value: Value) -> RunError:
    return RunError("type", f"'{option}' must be {expected}, found {described(value)}")
